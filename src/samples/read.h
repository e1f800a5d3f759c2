/* Reads the list of samples from a folder or a manifest. */
#ifndef CNN_SAMPLES_READ_H
#define CNN_SAMPLES_READ_H

#include "samples/list.h"

/* Appends the samples of a manifest (a file whose name ends in .csv, .tsv or .txt; see manifest.h),
 * or those of a folder: of its class folders (class_folders.h), or of its splits, each with the
 * same class folders (split_folders.h), in the order training, validation, test; or those of a
 * folder in an archive, or of the archive, in the same order, or by the labels next to its images
 * (webdataset.h); or those of a folder of such archives (shards.h); or those of arrays (arrays.h).
 * classes: the two names. If they are NULL, they are set to the names that are found, sorted; there
 * must be exactly two. CNN_ERROR_DATA, message starting with the path, also if splits are found
 * that the source does not allow; CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_sample_list_read(const cnn_list_source *source, char *classes[2],
                                             cnn_sample_list *list, cnn_error *error);

/* The length of the path without the ending of a manifest, or 0 if it has none. */
size_t cnn_manifest_stem(const char *path);

/* The same, also without the ending of an archive or an .npz. */
size_t cnn_source_stem(const char *path);

#endif
