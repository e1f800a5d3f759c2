/* Files: read completely; written completely or not at all. */
#ifndef CNN_BASE_FILE_H
#define CNN_BASE_FILE_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The status for a file or folder that could not be opened or read for this reason (errno):
 * `failure`, or CNN_ERROR_RUNTIME if memory or descriptors have run out, which is not the fault of
 * the file. */
cnn_status cnn_file_blame(int reason, cnn_status failure);

/* Reads the file (or pipe) `path` into *data, followed by one '\0' that *size does not count, so
 * that text can be used as a string. Files of more than `limit` bytes are refused. The status of a
 * failure is `failure`, or CNN_ERROR_RUNTIME if memory or descriptors have run out; the message
 * does not contain the path. Free *data with cnn_free. */
CNN_MUST_USE cnn_status cnn_file_read(const char *path, size_t limit, cnn_status failure,
                                      char **data, size_t *size, cnn_error *error);

/* Writes `path` so that at every moment it has either the old or the complete new content: writes a
 * temporary file beside it, fsync, rename, fsync of the folder. On failure the temporary file is
 * removed; the message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_write(const char *path, const void *data, size_t size,
                                       cnn_error *error);

/* The same without fsync, which takes milliseconds: other programs see the complete file or none,
 * but a loss of power may damage it until cnn_file_sync is called. */
CNN_MUST_USE cnn_status cnn_file_write_unsynced(const char *path, const void *data, size_t size,
                                                cnn_error *error);

/* Waits until the file `path` and its name are on disk. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_sync(const char *path, cnn_error *error);

/* Adds bytes at the end of `path` (created if missing) in one write and waits until they are on
 * disk; on failure the file is truncated to its old size. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_append(const char *path, const void *data, size_t size,
                                        cnn_error *error);

/* Makes the folder `path` and its parents. It is not an error if it exists. */
CNN_MUST_USE cnn_status cnn_folder_make(const char *path, cnn_error *error);

/* The same, but new folders are accessible to the user only (mode 0700). */
CNN_MUST_USE cnn_status cnn_folder_make_private(const char *path, cnn_error *error);

/* Waits until the names of the folder `path`, of its parents and of its entries are on disk: a new
 * folder needs this to survive a loss of power. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_folder_sync(const char *path, cnn_error *error);

/* open(2), repeated when a signal interrupts it. */
int cnn_file_open(const char *path, int flags, mode_t mode);

/* *is_folder: does `path` exist as a folder? Fails if that cannot be determined, with the status of
 * cnn_file_blame and a message that starts with the path. */
CNN_MUST_USE cnn_status cnn_folder_look(const char *path, cnn_status failure, bool *is_folder,
                                        cnn_error *error);

/* Does `name` (in the open folder, or AT_FDCWD) still refer to the open file `file`? False after it
 * was renamed or removed. */
bool cnn_file_has_name(int file, int folder, const char *name);

/* True if `path` is a pipe, a device or a socket: reading it might never end. */
bool cnn_file_is_endless(const char *path);

/* True if `path` exists as a folder; false if that cannot be determined. */
bool cnn_folder_exists(const char *path);

/* folder + "/" + name; NULL when memory is refused. Free with cnn_free. If the name is absolute or
 * the folder is empty, the result is the name. */
char *cnn_path_join(const char *folder, const char *name);

/* The folder part of a path ("" if there is none); NULL when memory is refused. */
char *cnn_path_folder(const char *path);

#endif
