/* Reads a list of samples from a folder with one sub-folder per class. The names of the sub-folders
 * are the labels. */
#ifndef CNN_SAMPLES_CLASS_FOLDERS_H
#define CNN_SAMPLES_CLASS_FOLDERS_H

#include "samples/list.h"

/* Appends every image below the class folders of the folder source->path, sorted by path, as
 * samples of source->split. classes and errors as in cnn_sample_list_read. CNN_ERROR_DATA also if
 * classes are not given and both folders contain the same two or more folders. */
CNN_MUST_USE cnn_status cnn_sample_list_read_folder(const cnn_list_source *source, char *classes[2],
                                                    cnn_sample_list *list, cnn_error *error);

#endif
