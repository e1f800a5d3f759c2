/* Occlusion: how much the logit falls when a part of the image cannot be seen (Zeiler and Fergus,
 * "Visualizing and understanding convolutional networks", 2014). Needs no gradients, so it checks
 * the methods that do. */
#ifndef CNN_INSPECT_OCCLUSION_H
#define CNN_INSPECT_OCCLUSION_H

#include "nn/minibatch.h"
#include "samples/dataset.h"

/* The patches that are covered, one after the other: a side of the image has CNN_OCCLUSION_PATCHES
 * patches next to each other, and each starts half a patch after the one before. */
enum { CNN_OCCLUSION_PATCHES = 7 };

/* Covers each patch of an image, pixels[channels][height][width], with the mean colour of the
 * image. A minibatch for forward passes (batch size 0) computes the logits, with these parameters.
 * *logit: of the image itself. map[height][width]: the mean, over the patches that cover a pixel,
 * of *logit minus the logit with that patch. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_occlusion_map(cnn_minibatch *minibatch, const float *parameters,
                                          const cnn_pixel_table *table, const cnn_shape *image,
                                          const uint8_t *pixels, float *logit, float *map,
                                          cnn_error *error);

#endif
