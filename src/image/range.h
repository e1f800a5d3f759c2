/* image.range: which values of the files become black and white. */
#ifndef CNN_IMAGE_RANGE_H
#define CNN_IMAGE_RANGE_H

#include "base/ranks.h"
#include "cnn/status.h"
#include "image/alpha.h"
#include "image/decode.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum cnn_range_kind {
    CNN_RANGE_FULL,    /* the whole range: of 16 bits, the network sees the high byte */
    CNN_RANGE_STRETCH, /* from one value of the training images to another (cnn_range) */
} cnn_range_kind;

/* Their names in configs, by number; ends with NULL. */
extern const char *const cnn_range_names[];

/* The values of 16 bits that become 0 and 255: 0 <= low < high <= 65535. Both 0: not known yet. */
typedef struct cnn_range {
    int64_t low, high;
} cnn_range;

/* Finite, and low < high within 16 bits? */
bool cnn_range_is_valid(const cnn_range *range);

/* How often each value of 16 bits occurs. A value of 8 bits counts as 257 times itself, so that
 * black and white are the same in both. Every pixel counts three values, red, green and blue; grey
 * counts three times, so that a grey image counts the same when it is stored as colour. */
typedef struct cnn_histogram {
    _Atomic uint64_t count[65536];
} cnn_histogram;

/* NULL if memory is refused. Free with cnn_free. */
cnn_histogram *cnn_histogram_create(void);

/* Adds the colours of an image. Pixels of alpha 0, which nobody sees when alpha is composed, count
 * only with CNN_ALPHA_DROP. Any number of threads may add images at once; the result does not
 * depend on their order. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_histogram_add(cnn_histogram *histogram, const cnn_image *image,
                                          cnn_alpha alpha, cnn_error *error);

/* Adds up the histograms of several processes, each of which gets the sum. */
void cnn_histogram_add_ranks(cnn_histogram *histogram, const cnn_ranks *ranks);

/* The 0.1 and 99.9 percentiles by nearest rank: of n values in ascending order, counted from 1,
 * those at ceil(n / 1000) and ceil(999 n / 1000). If both are the same value, high is the next one
 * (low the one before, at 65535). {0, 65535} if there is no value. */
cnn_range cnn_histogram_range(const cnn_histogram *histogram);

/* The share of a range that the values of 16-bit images use: narrow if the network would see them
 * in less than 64 of 256 levels. Cameras of 14 bits use 64, those of 12 bits (X-ray) 16. */
#define CNN_NARROW_RANGE 16384
bool cnn_range_is_narrow(const cnn_range *range);

/* The number of levels, of 256, in which the network sees the range with CNN_RANGE_FULL. */
int cnn_range_levels(const cnn_range *range);

/* The byte that a value of 16 bits becomes: round((value - low) * 255 / (high - low)), halves up,
 * limited to 0 … 255. In integers: floor((510 (value - low) + d) / (2 d)) with d = high - low. */
uint8_t cnn_range_byte(const cnn_range *range, uint32_t value);

/* Replaces the colours of image->pixels by those bytes, from image->samples, or from 257 times the
 * pixels if there are none. Alpha is not changed. */
void cnn_range_apply(const cnn_range *range, cnn_image *image);

#endif
