/* Reads a list of samples from a CSV manifest (RFC 4180) with a header:
 * path,label[,split][,group]. The only user of libcsv. */
#ifndef CNN_SAMPLES_MANIFEST_H
#define CNN_SAMPLES_MANIFEST_H

#include "samples/list.h"

/* Appends the rows of the manifest `path` in their order. `split` is for rows that name none.
 * Parameters and errors as in cnn_sample_list_read. */
CNN_MUST_USE cnn_status cnn_sample_list_read_manifest(const char *path, cnn_split split,
                                                      bool splits_allowed, char *classes[2],
                                                      cnn_sample_list *list, cnn_error *error);

#endif
