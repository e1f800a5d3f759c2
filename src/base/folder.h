/* The files below a folder, in sorted order. */
#ifndef CNN_BASE_FOLDER_H
#define CNN_BASE_FOLDER_H

#include "cnn/status.h"

#include <stddef.h>

typedef struct cnn_file_list {
    char **paths; /* [count] */
    size_t count, capacity;
} cnn_file_list;

/* Paths of all files below `folder`, however deep, each starting with `folder` as it is given;
 * folder by folder with entries sorted by their bytes; links are followed (a loop of them ends),
 * hidden entries (.name) are left out. Broken links, pipes and devices are in the list: who opens
 * them says what is wrong. A folder that cannot be read is CNN_ERROR_DATA, with its path in the
 * message; CNN_ERROR_RUNTIME where memory or descriptors have run out. Free with
 * cnn_file_list_free. */
CNN_MUST_USE cnn_status cnn_folder_files(const char *folder, cnn_file_list *files,
                                         cnn_error *error);

/* The names of the folders directly in `folder`, sorted, hidden ones left out. */
CNN_MUST_USE cnn_status cnn_folder_folders(const char *folder, cnn_file_list *names,
                                           cnn_error *error);

void cnn_file_list_free(cnn_file_list *files);

#endif
