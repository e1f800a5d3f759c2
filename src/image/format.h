/* Names the formats that are not read, by their signatures. */
#ifndef CNN_IMAGE_FORMAT_H
#define CNN_IMAGE_FORMAT_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

/* CNN_ERROR_DATA if bytes[size] is a file of a known kind that is not read: the message names the
 * kind, and a command that converts the file or gets the right one. CNN_OK for any other file. */
CNN_MUST_USE cnn_status cnn_image_refuse_format(const uint8_t *bytes, size_t size,
                                                cnn_error *error);

#endif
