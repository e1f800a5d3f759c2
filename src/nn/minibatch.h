/* Mini-batches: the blocks of a batch run on several threads, and their gradients are added up in
 * an order that does not depend on the threads. */
#ifndef CNN_NN_MINIBATCH_H
#define CNN_NN_MINIBATCH_H

#include "base/background.h"
#include "base/parallel.h"
#include "base/ranks.h"
#include "nn/loss.h"
#include "nn/inference.h"

typedef struct cnn_minibatch cnn_minibatch;

/* Room for batches of up to `batch_size` images on up to `threads` threads; batch_size 0: forward
 * passes only. The caller keeps the network. Free with cnn_minibatch_free. */
CNN_MUST_USE cnn_status cnn_minibatch_create(cnn_network *network, size_t batch_size, int threads,
                                             cnn_minibatch **minibatch, cnn_error *error);
void cnn_minibatch_free(cnn_minibatch *minibatch);

/* The same for a batch that several processes compute together: each computes its blocks
 * (nn/slots.h), and all get the same sums, and so the same gradients, as one process would. ranks
 * and background: NULL for one process, else kept by the caller. */
CNN_MUST_USE cnn_status cnn_minibatch_create_shared(cnn_network *network, size_t batch_size,
                                                    int threads, const cnn_ranks *ranks,
                                                    cnn_background *background,
                                                    cnn_minibatch **minibatch, cnn_error *error);

/* Sets ranks->ahead for batches of up to batch_size images on `threads` threads of each process: do
 * messages get a thread of their own? They do if every process has a processor for it: one that the
 * transport knows, or one whose thread has no block to compute. In turn with a thread that
 * computes, it would delay that one, and the others, which wait for it. Called by all processes. */
void cnn_minibatch_choose_ahead(cnn_ranks *ranks, size_t batch_size, int threads);

/* The threads, for other uses between passes. */
cnn_thread_pool *cnn_minibatch_pool(cnn_minibatch *minibatch);

/* The loss whose gradients are computed; by default, the plain one. */
void cnn_minibatch_set_objective(cnn_minibatch *minibatch, const cnn_objective *objective);
const cnn_objective *cnn_minibatch_objective(const cnn_minibatch *minibatch);

/* cnn_network_prepare on several threads. */
void cnn_minibatch_prepare(cnn_minibatch *minibatch, const float *parameters);

/* The source of the random numbers of the next batches; by default, seed 0 and step 0. */
void cnn_minibatch_set_draw(cnn_minibatch *minibatch, cnn_draw draw);

/* Forward and backward for the m images at first … first + m - 1, m <= batch_size: *gradients
 * points to the mean gradient, [parameter_count], valid until the next call (eq. 8 to 16). logits
 * and labels, [m]: results of the forward pass, and the correct labels. cnn_network_prepare must
 * have been called. */
void cnn_minibatch_gradients(cnn_minibatch *minibatch, const float *parameters,
                             const cnn_sample_source *source, size_t first, size_t m,
                             const float **gradients, float *logits, uint8_t *labels);

/* The workspace of a block after cnn_minibatch_gradients, for a stepwise network: see
 * cnn_network_value. */
const float *cnn_minibatch_workspace(const cnn_minibatch *minibatch, size_t block);

/* Updates the running averages in the parameters with the last batch of cnn_minibatch_gradients. */
void cnn_minibatch_update_averages(const cnn_minibatch *minibatch, float *parameters);

/* Forward only, as prediction does it (cnn_network_create_prediction), for any number of images, by
 * this process alone; labels may be NULL. cnn_minibatch_prepare must have been called. */
void cnn_minibatch_forward(cnn_minibatch *minibatch, const float *parameters,
                           const cnn_sample_source *source, size_t first, size_t count,
                           float *logits, uint8_t *labels);

/* Bytes that cnn_minibatch_create_shared will allocate. */
size_t cnn_minibatch_memory(const cnn_network *network, size_t batch_size, int threads,
                            const cnn_ranks *ranks);

#endif
