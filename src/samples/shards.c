#include "samples/shards.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "samples/webdataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- names --- */

static bool ends_in(const char *name, const char *ending) {
    const size_t length = strlen(name), end = strlen(ending);
    return length > end && strcasecmp(name + length - end, ending) == 0;
}

const char *cnn_shard_decompressor(const char *path) {
    static const struct {
        const char *ending, *program;
    } known[] = {{".tar.gz", "gunzip"}, {".tgz", "gunzip"},      {".tar.zst", "unzstd"},
                 {".tzst", "unzstd"},   {".tar.bz2", "bunzip2"}, {".tbz2", "bunzip2"},
                 {".tar.xz", "unxz"},   {".txz", "unxz"},        {".tar.lz4", "unlz4"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (ends_in(path, known[i].ending)) {
            return known[i].program;
        }
    }
    return NULL;
}

cnn_status cnn_shard_refuse(const char *path, const char *program, cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA,
                    "%s: expected a tar that is not compressed, because its images are read at "
                    "their places in it; decompress it (%s), but do not unpack it",
                    path, program);
}

static bool is_shard(const char *name) {
    return ends_in(name, ".tar") || cnn_shard_decompressor(name);
}

/* --- the folder --- */

/* Calls visit(context, name) for each name that is not hidden, until it returns false. */
static cnn_status for_each_name(const char *folder, bool (*visit)(void *context, const char *name),
                                void *context, cnn_error *error) {
    DIR *open = opendir(folder);
    if (!open) {
        return cnn_fail(error, cnn_file_blame(errno, CNN_ERROR_DATA), "%s: %s", folder,
                        strerror(errno));
    }
    const struct dirent *entry;
    bool more = true;
    errno = 0;
    while (more && (entry = readdir(open))) {
        more = *entry->d_name == '.' || visit(context, entry->d_name);
        errno = 0;
    }
    const int reason = more ? errno : 0;
    (void)closedir(open);
    return reason == 0 ? CNN_OK
                       : cnn_fail(error, cnn_file_blame(reason, CNN_ERROR_DATA), "%s: %s", folder,
                                  strerror(reason));
}

/* context: are all names so far those of archives? */
static bool look_at_name(void *context, const char *name) {
    bool *are = context;
    *are = is_shard(name);
    return *are;
}

cnn_status cnn_shards_look(const char *folder, bool *are, cnn_error *error) {
    *are = false;
    return for_each_name(folder, look_at_name, are, error);
}

typedef struct shard_paths {
    const char *folder;
    cnn_file_list list;
    cnn_status status;
    cnn_error *error;
} shard_paths;

static bool add_path(void *context, const char *name) {
    shard_paths *paths = context;
    paths->status =
        cnn_file_list_add(&paths->list, cnn_path_join(paths->folder, name), paths->error);
    return paths->status == CNN_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* --- the archives --- */

static cnn_status open_shard(const char *path, const cnn_log_sink *log, cnn_tree *tree,
                             cnn_error *error) {
    const char *program = cnn_shard_decompressor(path);
    if (program) {
        return cnn_shard_refuse(path, program, error);
    }
    CNN_TRY(cnn_tree_open(path, log, tree, error));
    return cnn_webdataset_is(tree, path)
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_DATA,
                          "%s: expected a label beside each image (" CNN_LABEL_ENDING
                          "), as in all archives of a folder with several, found none",
                          path);
}

/* Sets classes from labels, of which some occur in several archives. */
static cnn_status choose_classes(const char *folder, const cnn_file_list *labels, char *classes[2],
                                 cnn_error *error) {
    char **names = cnn_alloc(labels->count, sizeof *names); /* loses those that are repeated */
    if (!names) {
        return cnn_fail_memory(error, "labels");
    }
    memcpy(names, labels->paths, labels->count * sizeof *names);
    const cnn_status status = cnn_classes_from_labels(names, labels->count, folder, classes, error);
    cnn_free(names);
    return status;
}

/* Sets classes from the labels of all archives. */
static cnn_status find_classes(const char *folder, const cnn_tree *trees, size_t count,
                               char *classes[2], cnn_error *error) {
    cnn_file_list labels = {0};
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        status = cnn_webdataset_labels(&trees[i], trees[i].archive.path, &labels, error);
    }
    if (status == CNN_OK) {
        status = choose_classes(folder, &labels, classes, error);
    }
    cnn_file_list_free(&labels);
    return status;
}

static cnn_status read_all(const cnn_list_source *source, const cnn_file_list *paths,
                           cnn_tree *trees, char *classes[2], cnn_sample_list *list,
                           cnn_error *error) {
    for (size_t i = 0; i < paths->count; i++) {
        CNN_TRY(open_shard(paths->paths[i], source->log, &trees[i], error));
    }
    if (!classes[0]) {
        CNN_TRY(find_classes(source->path, trees, paths->count, classes, error));
    }
    for (size_t i = 0; i < paths->count; i++) {
        cnn_list_source part = *source;
        part.path = paths->paths[i];
        part.tree = &trees[i];
        part.log = i == 0 ? source->log : NULL; /* all have the same members that are not used */
        CNN_TRY(cnn_sample_list_read_webdataset(&part, classes, list, error));
    }
    return CNN_OK;
}

static cnn_status read_paths(const cnn_list_source *source, cnn_file_list *paths, char *classes[2],
                             cnn_sample_list *list, cnn_error *error) {
    cnn_tree *trees = cnn_alloc(paths->count, sizeof *trees);
    if (!trees) {
        return cnn_fail_memory(error, "the list of images");
    }
    qsort(paths->paths, paths->count, sizeof *paths->paths, by_text);
    const cnn_status status = read_all(source, paths, trees, classes, list, error);
    for (size_t i = 0; i < paths->count; i++) {
        cnn_tree_free(&trees[i]);
    }
    cnn_free(trees);
    return status;
}

cnn_status cnn_sample_list_read_shards(const cnn_list_source *source, char *classes[2],
                                       cnn_sample_list *list, cnn_error *error) {
    shard_paths paths = {.folder = source->path, .error = error};
    cnn_status status = for_each_name(source->path, add_path, &paths, error);
    status = paths.status == CNN_OK ? status : paths.status;
    if (status == CNN_OK) {
        status = read_paths(source, &paths.list, classes, list, error);
    }
    cnn_file_list_free(&paths.list);
    return status;
}
