/* Limits the memory that stb_image takes, since a few bytes of compressed data can claim any
 * amount. */
#ifndef CNN_IMAGE_STB_H
#define CNN_IMAGE_STB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on, stb_image gets no single array of more than `bytes` bytes on this thread. */
void cnn_stb_limit(size_t bytes);

/* Has an array been refused on this thread since the last cnn_stb_limit, because it exceeded the
 * limit? */
bool cnn_stb_was_limited(void);

/* The same, because the system or --max-memory had no memory for it? */
bool cnn_stb_was_refused(void);

#endif
