/* Finds the splits of a folder: folders for training, validation and test images, each with the
 * same class folders. */
#ifndef CNN_SAMPLES_SPLIT_FOLDERS_H
#define CNN_SAMPLES_SPLIT_FOLDERS_H

#include "samples/list.h"

/* The folder of each split; NULL: none. The struct owns its strings. */
typedef struct cnn_split_folders {
    char *path[CNN_SPLIT_COUNT];
} cnn_split_folders;

/* Looks for splits directly in the folder `path`, on disk or in the archive of `tree`, by their
 * names (cnn_split_from_word). A class may have such a name: a folder without folders is no split.
 * All paths are NULL if `path` contains no splits, or if both of `classes`, unless these are NULL,
 * are folders in it. Folders next to the splits are named in the log. CNN_ERROR_DATA, message
 * starting with the path, if two folders are the same split, there is none for training, a folder
 * next to the splits looks like one, or it is not clear whether folders are splits or classes;
 * CNN_ERROR_RUNTIME. Free with cnn_split_folders_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_split_folders_find(const struct cnn_tree *tree, const char *path,
                                               char *const *classes, const cnn_log_sink *log,
                                               cnn_split_folders *splits, cnn_error *error);
void cnn_split_folders_free(cnn_split_folders *splits);

#endif
