/* Files: found below folders, and written as a whole. */
#ifndef CNN_FILE_H
#define CNN_FILE_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cnn_file_list {
    char **paths; /* [count] */
    size_t count, capacity;
} cnn_file_list;

/* *is_folder: is `path` a folder, an archive (.tar, .zip) or a file of arrays (.npz, IDX)? If so,
 * lists all files below it, or images in it, in *files, however deep. Each
 * path starts with `path` as it is given. The order is folder by folder, with entries sorted by
 * their bytes. Links are followed (a loop of them ends); hidden entries (.name) are left out.
 * Broken links, pipes and devices are in the list. CNN_ERROR_DATA, with the path in the message, if
 * something cannot be read; CNN_ERROR_RUNTIME if memory or descriptors have run out. Free with
 * cnn_file_list_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_path_files(const char *path, bool *is_folder, cnn_file_list *files,
                                       cnn_error *error);
void cnn_file_list_free(cnn_file_list *files); /* leaves an empty list */

/* Finds files by names in any Unicode normalization form. A letter with an accent is one character
 * or two; most file systems tell the two forms apart, while people cannot. A finder keeps the names
 * of the folders that it has searched. For one thread at a time. */
typedef struct cnn_path_finder cnn_path_finder;

cnn_path_finder *cnn_path_finder_create(void);      /* NULL if memory is refused */
void cnn_path_finder_free(cnn_path_finder *finder); /* NULL is allowed */

/* *found: if nothing has the name `path`, but one other path is the same in canonical equivalence
 * (Unicode, UAX #15), that path. Otherwise NULL; `path` is then the one to use. Free with
 * cnn_text_release. CNN_ERROR_RUNTIME if memory or descriptors have run out. */
CNN_MUST_USE cnn_status cnn_path_finder_find(cnn_path_finder *finder, const char *path,
                                             char **found, cnn_error *error);

/* Writes `path` so that at every moment either the old or the whole new content is there: writes a
 * temporary file next to it, fsync, rename, fsync of the folder. On failure the temporary file is
 * removed and the message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_write(const char *path, const void *data, size_t size,
                                       cnn_error *error);

/* Creates the folder `path` and its parents if they do not exist. The message starts with the path.
 */
CNN_MUST_USE cnn_status cnn_folder_make(const char *path, cnn_error *error);

enum { CNN_TILDE_TEXT_SIZE = 512 };

/* NULL if the path can be used as it is. A path that is "~" or starts with "~/" was not expanded by
 * the shell: then writes to text, and returns, a message: "expected a path, got …", with what to
 * write instead. */
const char *cnn_path_tilde(const char *path, char text[CNN_TILDE_TEXT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
