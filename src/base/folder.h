/* The files below a folder, in sorted order. */
#ifndef CNN_BASE_FOLDER_H
#define CNN_BASE_FOLDER_H

#include "cnn/status.h"

#include <stddef.h>

typedef struct cnn_file_list {
    char **paths; /* [count] */
    size_t count, capacity;
} cnn_file_list;

/* Paths of all files below `folder`, at any depth, each starting with `folder` as given; folder by
 * folder, with entries sorted by their bytes. Links are followed (loops of links end); hidden
 * entries (.name) are left out. Broken links, pipes and devices are in the list: the caller that
 * opens them reports the error. CNN_ERROR_DATA if a folder cannot be read, with its path in the
 * message; CNN_ERROR_RUNTIME if memory or descriptors have run out. Free with cnn_file_list_free.
 */
CNN_MUST_USE cnn_status cnn_folder_files(const char *folder, cnn_file_list *files,
                                         cnn_error *error);

/* The names of the folders directly in `folder`, sorted, without hidden ones. */
CNN_MUST_USE cnn_status cnn_folder_folders(const char *folder, cnn_file_list *names,
                                           cnn_error *error);

void cnn_file_list_free(cnn_file_list *files);

#endif
