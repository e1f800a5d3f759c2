/* Reads a list of samples from a folder with one sub-folder per class. The names of the sub-folders
 * are the labels. */
#ifndef CNN_SAMPLES_CLASS_FOLDERS_H
#define CNN_SAMPLES_CLASS_FOLDERS_H

#include "samples/list.h"

/* Appends every image below the class folders of `path`, sorted by path, as samples of `split`.
 * Parameters and errors as in cnn_sample_list_read. */
CNN_MUST_USE cnn_status cnn_sample_list_read_folder(const char *path, cnn_split split, int threads,
                                                    char *classes[2], cnn_sample_list *list,
                                                    cnn_error *error);

#endif
