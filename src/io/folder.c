#include "folder.h"

#include "error.h"
#include "memory.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

static int by_name(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static cnn_status add(cnn_file_list *files, const char *path, cnn_error *error) {
    void *paths = files->paths;
    char *copy = cnn_copy_string(path);
    if (!copy || !cnn_grow(&paths, &files->capacity, files->count + 1, sizeof *files->paths)) {
        cnn_free(copy);
        return cnn_fail_memory(error, "a list of files");
    }
    files->paths = paths;
    files->paths[files->count++] = copy;
    return CNN_OK;
}

/* One walk serves both lists: files at any depth, or folders at depth 1. */
static cnn_status walk(const char *folder, bool folders, cnn_file_list *list, cnn_error *error) {
    *list = (cnn_file_list){0};
    cnn_status status = CNN_OK;
    char *roots[2] = {cnn_copy_string(folder), NULL};
    FTS *tree = roots[0] ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    if (!tree) {
        status = cnn_fail_memory(error, "walking a folder");
        goto done;
    }
    size_t prefix = strlen(folder);
    FTSENT *entry;
    while (status == CNN_OK && (errno = 0, entry = fts_read(tree)) != NULL) {
        const char *relative = entry->fts_path + prefix;
        relative += strspn(relative, "/");
        if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
            (void)fts_set(tree, entry, FTS_SKIP);
        } else if (entry->fts_info == FTS_D && entry->fts_level == 1 && folders) {
            status = add(list, relative, error);
            (void)fts_set(tree, entry, FTS_SKIP);
        } else if ((entry->fts_info == FTS_F || entry->fts_info == FTS_SLNONE ||
                    entry->fts_info == FTS_DEFAULT) &&
                   !folders && entry->fts_level > 0) {
            status = add(list, relative, error);
        } else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
                   entry->fts_info == FTS_NS) {
            status = cnn_fail(error, CNN_ERROR_DATA, "%s: %s", entry->fts_path,
                              strerror(entry->fts_errno));
        } else if (entry->fts_level == 0 && entry->fts_info == FTS_F) {
            status = cnn_fail(error, CNN_ERROR_DATA, "%s: expected a folder, found a file", folder);
        }
    }
    if (status == CNN_OK && errno != 0) {
        status = cnn_fail(error, CNN_ERROR_DATA, "%s: %s", folder, strerror(errno));
    }
done:
    if (tree) {
        (void)fts_close(tree);
    }
    cnn_free(roots[0]);
    if (status != CNN_OK) {
        cnn_file_list_free(list);
    }
    return status;
}

cnn_status cnn_folder_files(const char *folder, cnn_file_list *files, cnn_error *error) {
    return walk(folder, false, files, error);
}

cnn_status cnn_folder_folders(const char *folder, cnn_file_list *names, cnn_error *error) {
    return walk(folder, true, names, error);
}

void cnn_file_list_free(cnn_file_list *files) {
    for (size_t i = 0; i < files->count; i++) {
        cnn_free(files->paths[i]);
    }
    cnn_free(files->paths);
    *files = (cnn_file_list){0};
}
