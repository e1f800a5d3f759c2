/* What every benchmark of training steps needs: random images, and the memory of a step. */
#ifndef CNN_BENCH_STEP_H
#define CNN_BENCH_STEP_H

#include "nn/step.h"

#include <stddef.h>
#include <stdint.h>

/* How many images of image_size bytes to train on: a multiple of the batch size, enough that they
 * do not stay in the inner caches, and at most 64 MiB of them unless a batch has more. */
size_t bench_image_count(size_t batch_size, size_t image_size);

/* Random bytes. */
void bench_fill_pixels(uint8_t *pixels, size_t size);

/* Random positions, each below count: in the order of a shuffled epoch, the images that follow each
 * other are not neighbours in memory. */
void bench_fill_order(size_t *order, size_t count);

/* Allocates the parameters, optimizer state, logits and labels of step->network in training with
 * step->optimizer. Free with bench_step_free, also after a failure. */
CNN_MUST_USE cnn_status bench_step_allocate(cnn_step *step, size_t batch_size, cnn_error *error);

/* Frees these arrays, the mini-batch and the network. */
void bench_step_free(cnn_step *step);

#endif
