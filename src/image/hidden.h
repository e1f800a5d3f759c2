/* Information in image files that a network does not see by default: the low bytes of 16-bit images
 * whose values are close together (image.range), and shapes in the alpha channel (image.alpha). */
#ifndef CNN_IMAGE_HIDDEN_H
#define CNN_IMAGE_HIDDEN_H

#include "cnn/status.h"
#include "image/range.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* What was found in a set of images. */
typedef struct cnn_hidden {
    cnn_histogram *values; /* of the images of 16 bits */
    atomic_size_t deep;    /* their number */
    atomic_size_t shapes;  /* images whose shape is only in the alpha channel (alpha.h) … */
    atomic_size_t light;   /* … and those of them whose colour is light */
} cnn_hidden;

/* CNN_ERROR_RUNTIME if memory is refused. Free with cnn_hidden_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_hidden_start(cnn_hidden *hidden, cnn_error *error);
void cnn_hidden_free(cnn_hidden *hidden); /* all zero is allowed */

/* Looks at an image as its file stores it. Any number of threads may do so at once; the result does
 * not depend on their order. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_hidden_look(cnn_hidden *hidden, const cnn_image *image,
                                        cnn_error *error);

/* Are there images of 16 bits whose values fill only a small part of the range (range.h)? *range:
 * the 0.1 and 99.9 percentiles of their values. */
bool cnn_hidden_is_narrow(const cnn_hidden *hidden, cnn_range *range);

/* The colour, "white" or "black", over which most of the shapes are seen. */
const char *cnn_hidden_background(const cnn_hidden *hidden);

#endif
