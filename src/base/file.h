/* Files, which are read and written as a whole; folders; paths. */
#ifndef CNN_BASE_FILE_H
#define CNN_BASE_FILE_H

#include "cnn/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The status for a file or folder that could not be opened or read. reason: an errno. Returns
 * `failure`, or CNN_ERROR_RUNTIME if memory or descriptors have run out, which is not the file's
 * fault. */
cnn_status cnn_file_blame(int reason, cnn_status failure);

/* Reads the file (or pipe) `path` into *data. A '\0', which *size does not count, follows the
 * content, so that text can be used as a string. A file of more than `limit` bytes is refused.
 * Failures have the status cnn_file_blame(errno, failure) and a message without the path. Free
 * *data with cnn_free. */
CNN_MUST_USE cnn_status cnn_file_read(const char *path, size_t limit, cnn_status failure,
                                      char **data, size_t *size, cnn_error *error);

/* cnn_file_write without fsync, which takes milliseconds. Other programs see either the old or the
 * new content, but a loss of power before cnn_file_sync may lose both. */
CNN_MUST_USE cnn_status cnn_file_write_unsynced(const char *path, const void *data, size_t size,
                                                cnn_error *error);

/* Waits until the file `path` and its name are on disk. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_sync(const char *path, cnn_error *error);

/* Appends bytes to `path` (created if missing) and waits until they are on disk. On failure the
 * file is cut back to its former size. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_append(const char *path, const void *data, size_t size,
                                        cnn_error *error);

/* cnn_folder_make with mode 0700 for new folders: only the user may access them. */
CNN_MUST_USE cnn_status cnn_folder_make_private(const char *path, cnn_error *error);

/* Waits until the names in the folder `path`, and in those above it, are on disk, so that a new
 * folder survives a loss of power. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_folder_sync(const char *path, cnn_error *error);

/* open(2), repeated if a signal interrupts it. */
int cnn_file_open(const char *path, int flags, mode_t mode);

/* flock(2), repeated if a signal interrupts it. */
int cnn_file_flock(int file, int operation);

/* *is_folder: does `path` exist as a folder? Fails if that cannot be determined, with the status
 * cnn_file_blame(errno, failure) and a message that starts with the path. */
CNN_MUST_USE cnn_status cnn_folder_look(const char *path, cnn_status failure, bool *is_folder,
                                        cnn_error *error);

/* True if `name` (in the open folder, or AT_FDCWD) still refers to the open file `file`: not if the
 * file was renamed or removed. */
bool cnn_file_has_name(int file, int folder, const char *name);

/* True if `path` is a pipe, a device or a socket. Reading it might never end. */
bool cnn_file_is_endless(const char *path);

/* True if `path` exists as a folder. False if that cannot be determined. */
bool cnn_folder_exists(const char *path);

/* folder + "/" + name. If name is absolute or folder is empty, the result is name. NULL if memory
 * is refused. Free with cnn_free. */
char *cnn_path_join(const char *folder, const char *name);

/* Replaces the path by the one that cnn_path_finder_find finds, if it finds one. *path, from
 * cnn_copy_string or cnn_path_join, stays the caller's. */
CNN_MUST_USE cnn_status cnn_path_correct(char **path, cnn_error *error);

/* The last part of a path: "b" of "a/b//". NULL if memory is refused. Free with cnn_text_release.
 */
char *cnn_path_last(const char *path);

/* The folder part of a path ("" if there is none). NULL if memory is refused. Free with cnn_free.
 */
char *cnn_path_folder(const char *path);

#endif
