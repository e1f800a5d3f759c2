/* Folders on disk, and those in a tar or zip archive, which are listed in the same way and order.
 */
#ifndef CNN_SAMPLES_TREE_H
#define CNN_SAMPLES_TREE_H

#include "cnn/file.h"
#include "cnn/log.h"
#include "image/archive.h"

/* The files of an archive, as a walk over folders would find them: sorted folder by folder, without
 * hidden ones. NULL stands for the disk. */
typedef struct cnn_tree {
    cnn_archive archive;
    size_t *members; /* [count]: numbers of members, sorted */
    size_t count;
} cnn_tree;

/* The ending of members that hold the label of another member (samples/webdataset.h). */
#define CNN_LABEL_ENDING ".cls"

/* Lists the archive `path`. Links, which are skipped, are named in the log. CNN_ERROR_DATA, message
 * starting with the path; CNN_ERROR_RUNTIME. Free with cnn_tree_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_tree_open(const char *path, const cnn_log_sink *log, cnn_tree *tree,
                                      cnn_error *error);
void cnn_tree_free(cnn_tree *tree); /* all zero is allowed */

/* The name of file i of an archive, of its sorted ones. */
const char *cnn_tree_name(const cnn_tree *tree, size_t i);

/* cnn_folder_look, cnn_folder_files and cnn_folder_folders, for a folder on disk (tree NULL), or
 * one of the archive, whose path `folder` starts with. */
CNN_MUST_USE cnn_status cnn_tree_look(const cnn_tree *tree, const char *folder, bool *is_folder,
                                      cnn_error *error);
CNN_MUST_USE cnn_status cnn_tree_files(const cnn_tree *tree, const char *folder,
                                       cnn_file_list *files, cnn_error *error);
CNN_MUST_USE cnn_status cnn_tree_folders(const cnn_tree *tree, const char *folder,
                                         cnn_file_list *names, cnn_error *error);

/* The files below the archive's folder: *first … *end - 1. */
void cnn_tree_range(const cnn_tree *tree, const char *folder, size_t *first, size_t *end);

/* Are there files directly in the archive's folder? */
bool cnn_tree_has_files(const cnn_tree *tree, const char *folder);

#endif
