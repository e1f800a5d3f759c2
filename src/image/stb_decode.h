/* Decodes with stb_image. The only user of its public functions (stb.c compiles it). */
#ifndef CNN_IMAGE_STB_DECODE_H
#define CNN_IMAGE_STB_DECODE_H

#include "image/reader.h"

/* Decodes bytes[size], a file of a kind that stb_image reads, and that is safe for it, like `read`
 * of a reader. The orientation is not read. */
CNN_MUST_USE cnn_status cnn_stb_decode(const uint8_t *bytes, size_t size,
                                       const cnn_pixel_limit *limit, cnn_image *image,
                                       cnn_error *error);

/* The next image of this thread is a PNG of Apple's variant (png.h). */
void cnn_stb_expect_apple(bool apple);

#endif
