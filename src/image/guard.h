/* Checks that stb_image and stb_image_resize do not make themselves, made before they see an image.
 */
#ifndef CNN_IMAGE_GUARD_H
#define CNN_IMAGE_GUARD_H

#include "cnn/status.h"

#include <stddef.h>

/* bytes: [*size], a file of any format. PNM: refuses files with missing pixels (stb_image 2.27
 * would leave these uninitialised), and reduces 16-bit samples, which stb_image reads in the wrong
 * byte order, to their high bytes, in place. JPEG: refuses Huffman tables of more than 256 codes,
 * also those that continue after the end of their segment (stb_image 2.27 would write past an
 * array), and more scans than any program writes, because each scan takes a pass over the whole
 * image. CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard(char *bytes, size_t *size, cnn_error *error);

/* Refuses to resize an image with such an extreme shape that stb_image_resize would take seconds,
 * or would overflow the number of bytes it needs and allocate too few. CNN_ERROR_DATA with a
 * reason. */
CNN_MUST_USE cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height,
                                               int channels, cnn_error *error);

#endif
