/* Files: read whole, written whole or not at all. */
#ifndef CNN_BASE_FILE_H
#define CNN_BASE_FILE_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CNN_TILDE_TEXT_SIZE = 512 };

/* What to say of a file or folder that could not be opened or read for this reason (errno):
 * `failure`, or CNN_ERROR_RUNTIME where memory or descriptors have run out, which no file is to
 * blame for. */
cnn_status cnn_file_blame(int reason, cnn_status failure);

/* Reads the file (or pipe) `path` into *data, which gets one '\0' more than *size says, so that
 * text can be used as a string. Files of more than `limit` bytes are refused. Failures carry the
 * status `failure`, or CNN_ERROR_RUNTIME where memory or descriptors have run out, and a message
 * without the path. Free *data with cnn_free. */
CNN_MUST_USE cnn_status cnn_file_read(const char *path, size_t limit, cnn_status failure,
                                      char **data, size_t *size, cnn_error *error);

/* Writes `path` so that at every moment either the old or the whole new content is there: to a
 * temporary neighbour, fsync, rename, fsync of the folder. On failure the neighbour is removed and
 * the message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_write(const char *path, const void *data, size_t size,
                                       cnn_error *error);

/* The same but for fsync, which takes milliseconds: whole or not at all for every program, but not
 * before cnn_file_sync for a loss of power. */
CNN_MUST_USE cnn_status cnn_file_write_unsynced(const char *path, const void *data, size_t size,
                                                cnn_error *error);

/* Waits until the file `path` and its name are on disk. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_sync(const char *path, cnn_error *error);

/* Adds bytes at the end of `path` (created where missing) in one write and waits until they are on
 * disk; on failure the file is cut back to what it was. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_append(const char *path, const void *data, size_t size,
                                        cnn_error *error);

/* Makes the folder `path` and its parents; one that is there already is fine. */
CNN_MUST_USE cnn_status cnn_folder_make(const char *path, cnn_error *error);

/* The same, but folders that are made are the user's alone (mode 0700). */
CNN_MUST_USE cnn_status cnn_folder_make_private(const char *path, cnn_error *error);

/* Waits until the names on the way to the folder `path`, and those in it, are on disk: what a new
 * folder needs to outlive a loss of power. The message starts with the path. */
CNN_MUST_USE cnn_status cnn_folder_sync(const char *path, cnn_error *error);

/* open(2), again where a signal interrupts it. */
int cnn_file_open(const char *path, int flags, mode_t mode);

/* *is_folder: does `path` exist as a folder? Fails, with cnn_file_blame's status and a message that
 * starts with the path, where that cannot be found out. */
CNN_MUST_USE cnn_status cnn_folder_look(const char *path, cnn_status failure, bool *is_folder,
                                        cnn_error *error);

/* Is the open file `file` still what `name` (in the open folder, or AT_FDCWD) leads to? Not after
 * it was renamed or removed. */
bool cnn_file_has_name(int file, int folder, const char *name);

/* True where `path` is a pipe, a device or a socket: reading it might never end. */
bool cnn_file_is_endless(const char *path);

/* True where `path` exists as a folder; false where that cannot be found out. */
bool cnn_folder_exists(const char *path);

/* folder + "/" + name; NULL when memory is refused. Free with cnn_free. An absolute name, or an
 * empty folder, gives the name alone. */
char *cnn_path_join(const char *folder, const char *name);

/* NULL where the path can be used as it is. Else it starts with "~/", or is "~": the shell was to
 * put the home directory there, and did not. Then what to say of it, in text: "expected a path, got
 * …", with what to write instead. */
const char *cnn_path_tilde(const char *path, char text[CNN_TILDE_TEXT_SIZE]);

/* The folder part of a path ("" where there is none); NULL when memory is refused. */
char *cnn_path_folder(const char *path);

#endif
