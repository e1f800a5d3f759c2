/* Before training: a config for new images, the plan of a run, a check of its data, a check of its
 * gradients, all values of one batch, augmented images. Nothing here trains. */
#ifndef CNN_INSPECT_H
#define CNN_INSPECT_H

#include "cnn/config.h"
#include "cnn/options.h"
#include "cnn/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All members of the options may be zero. Free texts with cnn_text_release. */

typedef struct cnn_init_options {
    cnn_common_options common;
    const char *output;           /* becomes the config's; NULL: "runs/" and the folder's name */
    const char *pretrained;       /* a file to start from, as the key pretrained.file; NULL: none */
    double minutes;               /* that the run may take, as the key train.minutes; 0: no limit */
    const char *const *overrides; /* [override_count]: values of keys, as for cnn_config_load */
    size_t override_count;
} cnn_init_options;

/* Examines all images and makes a config for them, as JSON text. path: a folder with two class
 * folders; or one with the folders train and perhaps validation and test, in any usual spelling,
 * which contain them; or a manifest, an archive or arrays. The config has the values of the
 * overrides; data.classes, data.validation and data.test decide as well which images are examined.
 * CNN_ERROR_CONFIG for data.train and what the other options decide. Writes to common.log what it
 * found and how long training will take. Writes no file. CNN_ERROR_DATA if there are no readable
 * images of two classes; CNN_ERROR_MODEL if the pretrained file is missing or damaged. */
CNN_MUST_USE cnn_status cnn_init(const char *path, const cnn_init_options *options, char **json,
                                 cnn_error *error);

typedef struct cnn_dry_run_options {
    cnn_common_options common;
    int folds; /* of a cross-validation; 0: a plain run */
} cnn_dry_run_options;

/* The layers, the memory and the numbers of images of a run, as text. Reads the data. */
CNN_MUST_USE cnn_status cnn_dry_run(const cnn_config *config, const cnn_dry_run_options *options,
                                    char **text, cnn_error *error);

typedef struct cnn_check_data_options {
    cnn_common_options common;
    const char *output; /* the run directory; NULL: the config's, if it has one */
} cnn_check_data_options;

/* Examines every image of a run, by itself and compared with all others: unreadable ones, copies,
 * near-copies, what separates the classes without looking at the pictures, and more. *text is a
 * report for people. If there is a run directory, a table with a row for each image,
 * data_report.csv, is written to it. CNN_ERROR_DATA if training would refuse the data (then *text
 * is set as well, unless the images could not even be listed); CNN_STOPPED if should_stop returned
 * true. */
CNN_MUST_USE cnn_status cnn_check_data(const cnn_config *config,
                                       const cnn_check_data_options *options, char **text,
                                       cnn_error *error);

/* Compares analytic gradients of the config's network with central differences in double, on random
 * images and weights; *text is a table with the worst relative error of each tensor. Reads no data.
 * CNN_ERROR_RUNTIME if an error exceeds its bound (then *text is set as well). */
CNN_MUST_USE cnn_status cnn_check_gradients(const cnn_config *config, char **text,
                                            cnn_error *error);

/* One forward and backward pass of the first batch with the starting weights, as JSON:
 * X, Z1, A1, P1, F, Z2, A2, L and every gradient by name. */
CNN_MUST_USE cnn_status cnn_trace(const cnn_config *config, const cnn_common_options *options,
                                  char **json, cnn_error *error);

typedef struct cnn_augmented_sheet_options {
    cnn_common_options common;
    const char *output; /* the run directory; NULL: the config's */
    int images;         /* rows; 1 at least */
} cnn_augmented_sheet_options;

/* Augmented training images as one picture, a row for each image: first as the network sees it
 * without augmentation, then as it does in epochs 1 to 7. */
typedef struct cnn_augmented_sheet {
    int channels, height, width;
    int rows;
    uint8_t *pixels; /* [height][width][channels] */
    char *path; /* where the picture belongs: augmented.png in the run directory, or in the current
                 * one if there is none */
} cnn_augmented_sheet;

/* Draws options->images training images, evenly chosen, or all if there are fewer. Reads the data,
 * makes the run directory. Free with cnn_augmented_sheet_free. */
CNN_MUST_USE cnn_status cnn_show_augmented(const cnn_config *config,
                                           const cnn_augmented_sheet_options *options,
                                           cnn_augmented_sheet *sheet, cnn_error *error);
void cnn_augmented_sheet_free(cnn_augmented_sheet *sheet);

#ifdef __cplusplus
}
#endif
#endif
