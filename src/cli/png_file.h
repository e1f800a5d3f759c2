/* Pictures as PNG files. */
#ifndef CNN_CLI_PNG_FILE_H
#define CNN_CLI_PNG_FILE_H

#include "cnn/status.h"

#include <stdint.h>

/* Writes pixels[height][width][channels] (1: grey, 3: red, green, blue) as the file `path`,
 * completely or not at all. CNN_ERROR_RUNTIME; the message starts with the path. */
CNN_MUST_USE cnn_status cnn_png_write(const char *path, int channels, int height, int width,
                                      const uint8_t *pixels, cnn_error *error);

#endif
