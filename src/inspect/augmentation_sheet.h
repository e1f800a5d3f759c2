/* Draws augmented images (cnn_show_augmented) of any source. */
#ifndef CNN_INSPECT_AUGMENTATION_SHEET_H
#define CNN_INSPECT_AUGMENTATION_SHEET_H

#include "config/config.h"

#include "cnn/inspect.h"

/* Training images. */
typedef struct cnn_sheet_source {
    size_t count;
    /* *pixels: training image number `place` (0 … count - 1) as the network sees it without
     * augmentation, [channels][height][width], until the next call; *sample: its number among all
     * images of the run, on which augmentation depends. */
    cnn_status (*get)(void *context, size_t place, const uint8_t **pixels, size_t *sample,
                      cnn_error *error);
    void *context;
} cnn_sheet_source;

/* Draws `rows` of the images, evenly chosen, or all if there are fewer. Small images are enlarged.
 * largest: images with a longer side are made smaller by an integer factor; 0: none are. *sheet has
 * no path; free with cnn_augmented_sheet_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_augmented_sheet_draw(const cnn_config *config,
                                                 const cnn_sheet_source *source, int rows,
                                                 int largest, cnn_augmented_sheet *sheet,
                                                 cnn_error *error);

#endif
