/* Antialiased bilinear resampling of bytes, in integers: byte for byte the resize(size, BILINEAR)
 * of Pillow 9.4 to 12 (src/libImaging/Resample.c), which is the same on every machine.
 *
 * An output pixel is the mean of the input under a triangle, whose half width is one input pixel,
 * or one output pixel if that is larger. Rows are resampled first, to bytes, then columns. Along a
 * side, value y is
 *     y = clip((2^21 + sum over i of weight[i] * x[first + i]) >> 22),
 * with weights rounded to 22 bits after the point. */
#ifndef CNN_KERNELS_RESAMPLE_H
#define CNN_KERNELS_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CNN_RESAMPLE_BITS 22

/* The longest side of an image that is resampled. The sums above cannot overflow: for any length, a
 * weight is rounded to at most twice its value, so that they are below 2^31. A limit bounds memory
 * and time, and keeps weights large enough to be rounded. */
#define CNN_RESAMPLE_SIDE_MAX (1 << 20)

/* The grey of a colour, as in Pillow's convert("L"): the weights of ITU-R BT.601, in 16 bits. */
enum { CNN_GREY_RED = 19595, CNN_GREY_GREEN = 38470, CNN_GREY_BLUE = 7471, CNN_GREY_BITS = 16 };
static inline uint8_t cnn_resample_grey(int red, int green, int blue) {
    int sum = CNN_GREY_RED * red + CNN_GREY_GREEN * green + CNN_GREY_BLUE * blue;
    return (uint8_t)((sum + (1 << (CNN_GREY_BITS - 1))) >> CNN_GREY_BITS);
}

/* How one side is resampled. */
typedef struct cnn_resample_side {
    int from, to;     /* pixels: 1 … CNN_RESAMPLE_SIDE_MAX */
    int taps;         /* weights that there is space for, for each output: cnn_resample_taps */
    int *first;       /* [to]: the first input pixel of each output pixel */
    int *count;       /* [to]: 1 … taps, how many it has */
    int32_t *weights; /* [to][taps] */
} cnn_resample_side;

/* The most input pixels that belong to one output pixel. */
int cnn_resample_taps(int from, int to);

/* Computes first, count and weights, whose memory is the caller's, from the other members. */
void cnn_resample_weigh(cnn_resample_side *side);

/* The planes that come out of pixels with this number of bytes (1: grey, 2: grey and alpha, 3: RGB,
 * 4: RGBA): 3 for colours, unless they become grey, else 1. Alpha is dropped. */
int cnn_resample_planes(int channels, bool grey);

/* Bytes of a row that resample_across (kernels.h) writes, and of the memory that it works in. */
size_t cnn_resample_row_size(const cnn_resample_side *side, int planes);
size_t cnn_resample_scratch_size(const cnn_resample_side *side, int channels, int planes);

#endif
