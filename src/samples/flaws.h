/* Finds images that show little, or look unlike the others: mostly faults of a camera or a program.
 */
#ifndef CNN_SAMPLES_FLAWS_H
#define CNN_SAMPLES_FLAWS_H

#include "image/quality.h"

/* As bits. */
typedef enum cnn_flaw {
    CNN_FLAW_BLACK = 1,      /* at most a hundredth of the pixels are brighter than 31 of 255 */
    CNN_FLAW_WHITE = 2,      /* at most a hundredth of the pixels are darker than 224 */
    CNN_FLAW_FEW_LEVELS = 4, /* 256 pixels or more, but fewer than 16 grey levels */
    CNN_FLAW_DARK = 8,       /* far darker than the rest */
    CNN_FLAW_BRIGHT = 16,    /* far brighter than the rest */
    CNN_FLAW_BLURRED = 32,   /* far less sharp than the rest */
} cnn_flaw;

enum { CNN_FLAWS = 6 };

/* Row i is about flaw 1 << i. */
typedef struct cnn_flaw_row {
    const char *name; /* "nearly_black" */
    const char *text; /* after a number of images: "are nearly black" */
} cnn_flaw_row;

extern const cnn_flaw_row cnn_flaw_table[CNN_FLAWS];

/* Fills in flaws[count] with bits of cnn_flaw. labels: [count], 0 or 1.
 *
 * The last three compare: a value x stands out if its modified z-score, 0.6745 |x - median| / MAD,
 * is above 3.5 (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993), both among all
 * images and among those of its class; MAD is the median absolute deviation of all values, or, if
 * that is larger, of those on the side of x, so that a skewed or two-peaked distribution has no
 * outliers for that reason alone. It must also be a difference that can be seen: 32 of 255 in
 * brightness, a factor of 4 in sharpness, whose logarithm is compared. Fewer than 20 images are not
 * compared, and neither are images with one of the first three flaws. CNN_ERROR_RUNTIME if memory
 * is refused. */
CNN_MUST_USE cnn_status cnn_flaws_find(const cnn_image_quality *quality, const uint8_t *labels,
                                       size_t count, uint8_t *flaws, cnn_error *error);

#endif
