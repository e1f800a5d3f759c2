/* A network at work: forward passes as prediction does them, on any number of threads. The results
 * are the same bytes for any number of threads and of images. */
#ifndef CNN_NN_INFERENCE_H
#define CNN_NN_INFERENCE_H

#include "nn/network.h"

typedef struct cnn_inference cnn_inference;

/* The source of images. `fill` writes `count` (1 … CNN_LANES) images, those at positions first,
 * first + 1, … of the caller's order, into lanes 0 … count - 1 of x (placed as block says), and
 * zeros into the other lanes; if labels is not NULL, also their labels (0 or 1). A single block
 * (block->single) has one lane, and gets one image. It is called from several threads at the same
 * time. */
typedef struct cnn_sample_source {
    void (*fill)(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels);
    void *context;
} cnn_sample_source;

/* Plans inference by `trained`, which the caller keeps, on up to `threads` threads. Large images
 * run one at a time (single.h), small ones in blocks. Free with cnn_inference_free. */
CNN_MUST_USE cnn_status cnn_inference_create(const cnn_network *trained, int threads,
                                             cnn_inference **inference, cnn_error *error);
void cnn_inference_free(cnn_inference *inference);

/* To be called when parameters, [trained->parameter_count], have changed; not while passes run. */
void cnn_inference_prepare(cnn_inference *inference, const float *parameters);

/* Floats of the result for an image: 1, the logit, or the number of features. */
size_t cnn_inference_result_size(const cnn_inference *inference);

/* Runs the `count` (1 … CNN_LANES) images at first, first + 1, … of the source on the calling
 * thread, which is number `thread`. results: [count][result size], features as [C][H][W]. labels:
 * [count], or NULL. */
void cnn_inference_run(cnn_inference *inference, int thread, const cnn_sample_source *source,
                       size_t first, int count, float *results, uint8_t *labels);

/* Will images run one at a time? */
bool cnn_inference_prefers_planes(const cnn_network *trained);

/* Do images run in blocks? If so, cnn_inference_run_block does the same as cnn_inference_run, and
 * leaves the results where they are: in the lanes of a block, until the next run of the thread. */
bool cnn_inference_has_blocks(const cnn_inference *inference);
const float *cnn_inference_run_block(cnn_inference *inference, int thread,
                                     const cnn_sample_source *source, size_t first, int count,
                                     const cnn_block **block);

/* Bytes that cnn_inference_create will allocate for such a network. */
size_t cnn_inference_memory(const cnn_network *trained, int threads);

#endif
