/* Fetches the images of the next batch from the processes that hold them (samples/share.h) for
 * those that compute with them (nn/slots.h): a job of the background. */
#ifndef CNN_SAMPLES_FETCH_H
#define CNN_SAMPLES_FETCH_H

#include "base/background.h"
#include "samples/dataset.h"

typedef struct cnn_fetch cnn_fetch;

/* For batches of up to batch_size images of a dataset that several processes hold. The caller keeps
 * dataset and background. Free with cnn_fetch_free. */
CNN_MUST_USE cnn_status cnn_fetch_create(const cnn_dataset *dataset, cnn_background *background,
                                         size_t batch_size, cnn_fetch **fetch, cnn_error *error);
void cnn_fetch_free(cnn_fetch *fetch); /* NULL is allowed */

/* Bytes that cnn_fetch_create will allocate. */
size_t cnn_fetch_memory(const cnn_dataset *dataset, size_t batch_size);

/* Starts to fetch the images at positions first … first + count - 1 of a source, whose order and
 * epoch must not change until cnn_fetch_take. At most one batch may be fetched at a time, besides
 * the one that was taken last. */
void cnn_fetch_start(cnn_fetch *fetch, const cnn_dataset_source *source, size_t first,
                     size_t count);

/* Waits for the images, and sets source->fetched to them. Those of the batch before become invalid.
 */
void cnn_fetch_take(cnn_fetch *fetch, cnn_dataset_source *source);

#endif
