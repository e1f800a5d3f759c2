/* Reads the list of samples from a folder or a manifest. */
#ifndef CNN_SAMPLES_READ_H
#define CNN_SAMPLES_READ_H

#include "samples/list.h"

/* Appends the samples of `path`, a folder or a .csv manifest, as samples of `split`. classes: the
 * two names. If they are NULL, they are set to the names that are found, sorted; there must be
 * exactly two. A manifest may have a column `split` only if splits_allowed. Uses up to `threads`
 * threads. CNN_ERROR_DATA, message starting with the path; CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_sample_list_read(const char *path, cnn_split split, bool splits_allowed,
                                             int threads, char *classes[2], cnn_sample_list *list,
                                             cnn_error *error);

#endif
