/* The cache's folder: limited in size, shared by all programs that run at the same time. Its files
 * can be made again at any time. A file in it is complete, except after a loss of power: files are
 * not synced, so readers must check them. */
#ifndef CNN_IMAGE_CACHE_FOLDER_H
#define CNN_IMAGE_CACHE_FOLDER_H

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Only files with the suffix, and drafts of such files, are counted and removed. */
typedef struct cnn_cache_folder {
    const char *path;
    const char *suffix; /* of its files: ".images" */
    uint64_t limit;     /* bytes of all files together */
} cnn_cache_folder;

/* A file before it gets its final name. It is locked, so that only one of several programs makes
 * it. Where programs do not see each other's locks, on several machines, each makes its own. */
typedef struct cnn_cache_draft {
    int file; /* open for reading and writing */
    char *path, *draft_path;
} cnn_cache_draft;

/* Opens a draft of `path`, a file directly in the folder. Makes the folder if it is missing (for
 * the user alone). If another program is making the same file, logs that it waits, waits, and sets
 * *look_again: then there is no draft, but `path` may exist now. End a draft with _publish or
 * _discard. CNN_ERROR_RUNTIME with the path in the message. */
CNN_MUST_USE cnn_status cnn_cache_draft_open(const cnn_cache_folder *folder, const char *path,
                                             const cnn_log_sink *log, cnn_cache_draft *draft,
                                             bool *look_again, cnn_error *error);

/* The path of the draft of `path`. NULL if memory is refused. Free with cnn_free. */
char *cnn_cache_draft_path(const cnn_cache_folder *folder, const char *path);

/* Reserves `size` bytes of disk for the draft, all zero, so that writing them cannot fail for lack
 * of room. First removes the drafts of killed programs (those of other machines after a day), and
 * the least recently used files until the limit is kept. CNN_ERROR_RUNTIME if `size` exceeds the
 * limit or half of the free space: a cache must not fill a disk. */
CNN_MUST_USE cnn_status cnn_cache_draft_reserve(const cnn_cache_folder *folder,
                                                const cnn_cache_draft *draft, uint64_t size,
                                                cnn_error *error);

/* Gives the draft its final name, replacing an older file. Closes it, also on failure. */
CNN_MUST_USE cnn_status cnn_cache_draft_publish(cnn_cache_draft *draft, cnn_error *error);

/* Removes the draft and closes it. */
void cnn_cache_draft_discard(cnn_cache_draft *draft);

/* Opens a file of the folder for reading and notes the time of use. Returns -1 if it cannot be
 * opened. Never blocks, whatever `path` is. */
int cnn_cache_folder_open_file(const char *path);

#endif
