/* The memory that stb_image asks for: compressed data of a few bytes can claim any amount. */
#ifndef CNN_IMAGE_STB_H
#define CNN_IMAGE_STB_H

#include <stdbool.h>
#include <stddef.h>

/* From now on, no single array that stb_image asks for on this thread may take more bytes. */
void cnn_stb_limit(size_t bytes);

/* Has an array been refused since, because it would take more? */
bool cnn_stb_was_limited(void);

/* Has one been refused since for a lack of memory? */
bool cnn_stb_was_refused(void);

#endif
