/* Limits the memory that stb_image requests: a few bytes of compressed data can request any amount.
 */
#ifndef CNN_IMAGE_STB_H
#define CNN_IMAGE_STB_H

#include <stdbool.h>
#include <stddef.h>

/* From now on, no single array that stb_image requests on this thread may be larger than this. */
void cnn_stb_limit(size_t bytes);

/* Has a request been refused since then? */
bool cnn_stb_was_limited(void);

#endif
