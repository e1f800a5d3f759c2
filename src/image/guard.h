/* What stb_image and stb_image_resize do not check for itself, looked at before they see an image.
 */
#ifndef CNN_IMAGE_GUARD_H
#define CNN_IMAGE_GUARD_H

#include "cnn/status.h"

#include <stddef.h>

/* bytes: [*size], a file of any kind.
 * PNM: refuses files that lack pixels (stb_image 2.27 would leave them as they were in memory), and
 * brings 16-bit samples, which it reads in the wrong byte order, down to their high bytes, in
 * place. JPEG: refuses Huffman tables of more than 256 codes, also where they go on behind their
 * segment (stb_image 2.27 would write past an array), and more scans than any program writes, for
 * each of which it goes over the whole image. CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard(char *bytes, size_t *size, cnn_error *error);

/* Refuses to resize an image of a shape so extreme that stb_image_resize would take seconds, or
 * could not count the bytes it needs, and would ask for too few. CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height,
                                               int channels, cnn_error *error);

#endif
