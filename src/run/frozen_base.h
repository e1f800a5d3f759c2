/* The frozen layers of a pretrained network at work: they make features of images. */
#ifndef CNN_RUN_FROZEN_BASE_H
#define CNN_RUN_FROZEN_BASE_H

#include "run/pretrained_start.h"
#include "samples/dataset.h"

typedef struct cnn_frozen_base cnn_frozen_base;

/* Plans the frozen layers of a start (cnn_start_is_frozen), to run on up to `threads` threads. Of
 * each image, the features are computed and, if the config augments and the image is not marked as
 * plain, those of config->pretrained.variants changes of it, drawn for epochs 1, 2, …; the number
 * of an image is its place among all that are read. The start must outlive the result. Free with
 * cnn_frozen_base_free. */
CNN_MUST_USE cnn_status cnn_frozen_base_create(const cnn_start *start, const cnn_config *config,
                                               int threads, cnn_frozen_base **base,
                                               cnn_error *error);
void cnn_frozen_base_free(cnn_frozen_base *base); /* NULL is allowed */

/* Lets images be read as features. reading->threads: at most those of the base, which must outlive
 * the reading. */
void cnn_frozen_base_use(cnn_frozen_base *base, cnn_reading *reading);

#endif
