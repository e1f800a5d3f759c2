/* Refuses images that stb_image_resize would not handle safely. */
#ifndef CNN_IMAGE_GUARD_H
#define CNN_IMAGE_GUARD_H

#include "cnn/status.h"

/* Refuses to resize an image whose shape is so extreme that stb_image_resize would take seconds, or
 * that the number of bytes it needs would overflow. CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height,
                                               int channels, cnn_error *error);

#endif
