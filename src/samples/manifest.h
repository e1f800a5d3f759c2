/* A CSV manifest as a list of samples. */
#ifndef CNN_SAMPLES_MANIFEST_H
#define CNN_SAMPLES_MANIFEST_H

#include "samples/list.h"

/* Appends the rows of the manifest `path`, in their order. `split` applies to rows without a split.
 * Parameters and errors as for cnn_sample_list_read. */
CNN_MUST_USE cnn_status cnn_sample_list_read_manifest(const char *path, cnn_split split,
                                                      bool splits_allowed, char *classes[2],
                                                      cnn_sample_list *list, cnn_error *error);

#endif
