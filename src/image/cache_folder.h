/* A folder of files that can be made again at any time: limited in size, shared by programs that
 * run at once. A file in it is whole or not there, except after a loss of power: nothing is synced,
 * so whoever reads one checks it. */
#ifndef CNN_IMAGE_CACHE_FOLDER_H
#define CNN_IMAGE_CACHE_FOLDER_H

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Only files with the suffix (or ".tmp" behind it) are counted and removed. */
typedef struct cnn_cache_folder {
    const char *path;
    const char *suffix; /* of its files: ".images" */
    uint64_t limit;     /* bytes of all files together */
} cnn_cache_folder;

/* A file on its way into the folder: under a name of its own, and locked, so that of several
 * programs one makes it. */
typedef struct cnn_cache_draft {
    int file; /* open for reading and writing */
    char *path, *draft_path;
} cnn_cache_draft;

/* Makes the folder where it is missing (for the user alone) and opens a draft of `path`, a file
 * directly in it. Where another program is at work on the same file, waits for it, which is told to
 * the log, and sets *look_again: then there is no draft, but perhaps the file. Ends with _publish
 * or _discard. CNN_ERROR_RUNTIME with the path in the message. */
CNN_MUST_USE cnn_status cnn_cache_draft_open(const cnn_cache_folder *folder, const char *path,
                                             const cnn_log_sink *log, cnn_cache_draft *draft,
                                             bool *look_again, cnn_error *error);

/* Gives the draft `size` bytes of disk, all zero, so that writing them cannot fail for lack of
 * room. First removes what programs that were killed left behind, and the files that were used
 * longest ago as far as the limit wants it. CNN_ERROR_RUNTIME where the limit is less than the
 * size, or where the file would take more than half of what is free: a cache must not be what
 * fills a disk. */
CNN_MUST_USE cnn_status cnn_cache_draft_reserve(const cnn_cache_folder *folder,
                                                const cnn_cache_draft *draft, uint64_t size,
                                                cnn_error *error);

/* Gives the draft its final name, in place of an older file. Closes it, also on failure. */
CNN_MUST_USE cnn_status cnn_cache_draft_publish(cnn_cache_draft *draft, cnn_error *error);

/* Removes the draft and closes it. */
void cnn_cache_draft_discard(cnn_cache_draft *draft);

/* Opens a file of the folder for reading and notes that it was used; -1: it cannot be. Never waits,
 * whatever `path` is. */
int cnn_cache_file_open(const char *path);

#endif
