/* Which images there are: reads the list of samples from a folder or a manifest. */
#ifndef CNN_SAMPLES_READ_H
#define CNN_SAMPLES_READ_H

#include "samples/list.h"

/* Appends the samples of `path`, a folder or a .csv manifest, as those of `split`. classes: the two
 * names; where they are NULL, they are found (and must be exactly two) and set, sorted. Only where
 * splits_allowed may a manifest have a column `split`. On up to `threads` threads. Errors:
 * CNN_ERROR_DATA, message starting with the path. */
CNN_MUST_USE cnn_status cnn_sample_list_read(const char *path, cnn_split split, bool splits_allowed,
                                             int threads, char *classes[2], cnn_sample_list *list,
                                             cnn_error *error);

#endif
