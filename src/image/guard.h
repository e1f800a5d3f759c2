/* Refuses images that stb_image and stb_image_resize would not handle safely, before these see
 * them. */
#ifndef CNN_IMAGE_GUARD_H
#define CNN_IMAGE_GUARD_H

#include "cnn/status.h"

#include <stddef.h>

/* bytes: [*size], a file of any kind.
 *
 * PNM: refuses files that lack pixels (stb_image 2.27 would leave those pixels unset). Replaces
 * 16-bit samples by their high bytes, in place, because stb_image reads them in the wrong byte
 * order.
 *
 * JPEG: refuses Huffman tables of more than 256 codes, also if a table continues after its segment
 * (stb_image 2.27 would write past an array). Refuses more scans than any program writes, because
 * each scan takes time for the whole image.
 *
 * CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard(char *bytes, size_t *size, cnn_error *error);

/* Refuses to resize an image whose shape is so extreme that stb_image_resize would take seconds, or
 * that the number of bytes it needs would overflow. CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height,
                                               int channels, cnn_error *error);

#endif
