/* A folder of files that can be made again at any time: limited in size, shared by programs that
 * run at the same time. A file in it is complete or missing, except after a loss of power: nothing
 * is synced, so readers must check the content. */
#ifndef CNN_IMAGE_CACHE_FOLDER_H
#define CNN_IMAGE_CACHE_FOLDER_H

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Only files with the suffix (or the suffix and ".tmp") are counted and removed. */
typedef struct cnn_cache_folder {
    const char *path;
    const char *suffix; /* of its files: ".images" */
    uint64_t limit;     /* bytes of all files together */
} cnn_cache_folder;

/* A file that is being made for the folder: under a temporary name, and locked, so that only one of
 * several programs makes it. */
typedef struct cnn_cache_draft {
    int file; /* open for reading and writing */
    char *path, *draft_path;
} cnn_cache_draft;

/* Makes the folder if it is missing (accessible to the user only) and opens a draft of `path`, a
 * file directly in it. If another program is making the same file, logs that, waits for it, and
 * sets *look_again: then there is no draft, but the file may exist. End with _publish or _discard.
 * CNN_ERROR_RUNTIME with the path in the message. */
CNN_MUST_USE cnn_status cnn_cache_draft_open(const cnn_cache_folder *folder, const char *path,
                                             const cnn_log_sink *log, cnn_cache_draft *draft,
                                             bool *look_again, cnn_error *error);

/* Reserves `size` bytes of disk for the draft, all zero, so that writing them cannot fail for lack
 * of space. First removes the drafts of killed programs and, as far as the limit requires, the
 * files that were used longest ago. CNN_ERROR_RUNTIME if the limit is less than the size, or if the
 * file would take more than half of the free space: a cache must not fill a disk. */
CNN_MUST_USE cnn_status cnn_cache_draft_reserve(const cnn_cache_folder *folder,
                                                const cnn_cache_draft *draft, uint64_t size,
                                                cnn_error *error);

/* Renames the draft to its final name, replacing an older file. Closes it, also on failure. */
CNN_MUST_USE cnn_status cnn_cache_draft_publish(cnn_cache_draft *draft, cnn_error *error);

/* Removes the draft and closes it. */
void cnn_cache_draft_discard(cnn_cache_draft *draft);

/* Opens a file of the folder for reading and marks it as used; -1 if it cannot be opened. Never
 * blocks, whatever `path` is. */
int cnn_cache_file_open(const char *path);

#endif
