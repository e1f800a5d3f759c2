/* Lists the files below a folder, sorted. */
#ifndef CNN_BASE_FOLDER_H
#define CNN_BASE_FOLDER_H

#include "cnn/file.h"

/* Lists the paths of all files below `folder`, at any depth. Each path starts with `folder` as
 * given. The entries of each folder are sorted by their bytes. Links are followed (a link to a
 * folder above is skipped), hidden entries (.name) are left out. Broken links, pipes and devices
 * are listed: opening them gives the error. CNN_ERROR_DATA, with the folder's path in the message,
 * if a folder cannot be read; CNN_ERROR_RUNTIME if memory or descriptors run out. Free with
 * cnn_file_list_free. */
CNN_MUST_USE cnn_status cnn_folder_files(const char *folder, cnn_file_list *files,
                                         cnn_error *error);

/* Lists the names of the folders directly in `folder`, sorted, without hidden ones. */
CNN_MUST_USE cnn_status cnn_folder_folders(const char *folder, cnn_file_list *names,
                                           cnn_error *error);

/* Adds a path, which the list takes; NULL, and one for which there is no room, is a lack of memory.
 */
CNN_MUST_USE cnn_status cnn_file_list_add(cnn_file_list *list, char *path, cnn_error *error);

#endif
