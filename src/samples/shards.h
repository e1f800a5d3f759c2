/* Shards: tar archives that are one data set together, with labels beside the images, as WebDataset
 * writes them, or with a folder for each class. */
#ifndef CNN_SAMPLES_SHARDS_H
#define CNN_SAMPLES_SHARDS_H

#include "samples/list.h"

/* *are: is there nothing in the folder, on disk, but tar archives? Hidden files do not count. Ends
 * at the first other name, so that a folder with a million images is not listed. */
CNN_MUST_USE cnn_status cnn_shards_look(const char *folder, bool *are, cnn_error *error);

/* Does the path name archives by a range of numbers, "shards/train-{000000..000123}.tar", as
 * WebDataset has them, or by wildcards (*, ?, [) in its last part? Not if there is such a file. */
bool cnn_shards_is_pattern(const char *path);

/* Appends the samples of all archives in the folder source->path, or of those that it names as a
 * pattern, in the order of their names, as samples of source->split: webdataset.h. Without labels,
 * the classes are folders in the archives. The classes are those of all archives together, since
 * one may have images of one class only. Errors as in cnn_sample_list_read. CNN_ERROR_DATA if an
 * archive of a range is missing. */
CNN_MUST_USE cnn_status cnn_sample_list_read_shards(const cnn_list_source *source, char *classes[2],
                                                    cnn_sample_list *list, cnn_error *error);

/* The program that decompresses an archive with such a name ("gunzip" for .tar.gz); NULL: the name
 * is not that of a compressed tar. */
const char *cnn_shard_decompressor(const char *path);

/* Refuses a compressed tar: `program` is its decompressor. */
CNN_MUST_USE cnn_status cnn_shard_refuse(const char *path, const char *program, cnn_error *error);

#endif
