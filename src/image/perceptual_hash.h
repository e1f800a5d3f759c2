/* A hash that is similar for images that look alike.
 *
 * It is that of Zauner (2010), "Implementation and Benchmarking of Perceptual Image Hash
 * Functions", section 3.2.1, with 255 bits instead of 64, because 64 bits do not distinguish small
 * images. The image, scaled to 32 × 32 grey pixels, is cosine-transformed. A bit is set if its
 * coefficient is above the median of the 16 × 16 lowest frequencies, the mean excepted. */
#ifndef CNN_IMAGE_PERCEPTUAL_HASH_H
#define CNN_IMAGE_PERCEPTUAL_HASH_H

#include <stdint.h>

#define CNN_PERCEPTUAL_SIDE 32
#define CNN_PERCEPTUAL_BITS 255
#define CNN_PERCEPTUAL_WORDS 4

/* The most bits in which near-copies differ. */
#define CNN_NEAR_COPY_BITS 16

/* pixels: [32][32], grey. */
void cnn_perceptual_hash(const uint8_t pixels[CNN_PERCEPTUAL_SIDE * CNN_PERCEPTUAL_SIDE],
                         uint64_t hash[CNN_PERCEPTUAL_WORDS]);

#endif
