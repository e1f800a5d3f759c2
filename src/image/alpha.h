/* image.alpha: what happens to transparency. */
#ifndef CNN_IMAGE_ALPHA_H
#define CNN_IMAGE_ALPHA_H

#include "image/decode.h"

#include <stdbool.h>

typedef enum cnn_alpha {
    CNN_ALPHA_DROP,  /* it is ignored: the network sees the colours that the file stores */
    CNN_ALPHA_WHITE, /* the image is composed over white … */
    CNN_ALPHA_BLACK, /* … or over black */
} cnn_alpha;

/* Their names in configs, by number; ends with NULL. */
extern const char *const cnn_alpha_names[];

/* Composes the colours of image->pixels over the background, to the byte what Pillow's
 * Image.alpha_composite gives over an opaque background. The alpha channel stays, as it is. Nothing
 * changes if the image has no alpha, or with CNN_ALPHA_DROP. */
void cnn_alpha_compose(cnn_alpha alpha, cnn_image *image);

/* True if an image shows its shape only in its alpha channel: its colours are the same all over,
 * but alpha is not. Exactly: in each of its colours, the 0.5 and 99.5 percentiles of the pixels are
 * at most CNN_ALPHA_SAME levels (of 255) apart, and the 1 and 99 percentiles of alpha at least
 * CNN_ALPHA_SHAPE. *light: set to whether the median of its green (or grey) is at least 128, so
 * that the shape is seen over black rather than over white. */
#define CNN_ALPHA_SAME 16
#define CNN_ALPHA_SHAPE 64
bool cnn_alpha_has_shape(const cnn_image *image, bool *light);

#endif
