#include "samples/shards.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/text.h"
#include "samples/webdataset.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Of a number in a pattern. */
enum { DIGITS_MAX = 9 };

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
    const char *pattern; /* of names, with wildcards; NULL: all */
    cnn_file_list list;
    cnn_status status;
    cnn_error *error;
} shard_paths;

static bool add_path(void *context, const char *name) {
    shard_paths *paths = context;
    if (!paths->pattern || fnmatch(paths->pattern, name, 0) == 0) {
        paths->status =
            cnn_file_list_add(&paths->list, cnn_path_join(paths->folder, name), paths->error);
    }
    return paths->status == CNN_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* --- patterns --- */

/* A range of numbers in a name, "{000..123}": the first one has the width of all. */
typedef struct range {
    size_t start, end; /* of its text in the path */
    unsigned long first, last;
    int width;
} range;

static bool find_range(const char *path, range *r) {
    const char *open = strchr(path, '{');
    if (!open) {
        return false;
    }
    const size_t first = strspn(open + 1, "0123456789");
    const char *second = open + 1 + first + 2;
    if (first == 0 || first > DIGITS_MAX || strncmp(open + 1 + first, "..", 2) != 0) {
        return false;
    }
    const size_t last = strspn(second, "0123456789");
    *r = (range){.start = (size_t)(open - path),
                 .end = (size_t)(second - path) + last + 1,
                 .first = strtoul(open + 1, NULL, 10),
                 .last = strtoul(second, NULL, 10),
                 .width = (int)first};
    return last > 0 && last <= DIGITS_MAX && second[last] == '}' && r->first <= r->last;
}

bool cnn_shards_is_pattern(const char *path) {
    range r;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return is_shard(name) && (strpbrk(name, "*?[") || find_range(name, &r)) &&
           access(path, F_OK) != 0;
}

static cnn_status add_range(const char *path, const range *r, cnn_file_list *list,
                            cnn_error *error) {
    for (unsigned long number = r->first; number <= r->last; number++) {
        cnn_text name = {0};
        cnn_text_append(&name, path, r->start);
        cnn_text_format(&name, "%0*lu", r->width, number);
        cnn_text_append(&name, path + r->end, strlen(path + r->end) + 1);
        CNN_TRY(cnn_file_list_add(list, cnn_text_take(&name), error));
    }
    return CNN_OK;
}

static cnn_status match_names(const char *path, shard_paths *paths, cnn_error *error) {
    char *folder = cnn_path_folder(path);
    if (!folder) {
        return cnn_fail_memory(error, "the list of images");
    }
    const char *slash = strrchr(path, '/');
    paths->folder = folder;
    paths->pattern = slash ? slash + 1 : path;
    cnn_status status = for_each_name(*folder ? folder : ".", add_path, paths, error);
    cnn_free(folder);
    status = paths->status == CNN_OK ? status : paths->status;
    return status != CNN_OK || paths->list.count > 0
               ? status
               : cnn_fail(error, CNN_ERROR_DATA,
                          "%s: expected archives with such names, found none", path);
}

/* Lists the archives of a folder, or those that a pattern names. */
static cnn_status list_paths(const char *path, shard_paths *paths, cnn_error *error) {
    range r;
    if (!cnn_shards_is_pattern(path)) {
        CNN_TRY(for_each_name(path, add_path, paths, error));
        return paths->status;
    }
    return find_range(path, &r) ? add_range(path, &r, &paths->list, error)
                                : match_names(path, paths, error);
}

/* --- the archives --- */

static cnn_status open_shard(const char *path, const cnn_log_sink *log, cnn_tree *tree,
                             cnn_error *error) {
    const char *program = cnn_shard_decompressor(path);
    return program ? cnn_shard_refuse(path, program, error) : cnn_tree_open(path, log, tree, error);
}

/* All archives have labels next to the images, or none has. */
static cnn_status check_labels(const cnn_tree *tree, bool labelled, cnn_error *error) {
    const char *path = tree->archive.path;
    if (cnn_webdataset_is(tree, path) == labelled) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    labelled ? "%s: expected a label next to each image (" CNN_LABEL_ENDING
                               "), as in the archives before it, found none"
                             : "%s: expected folders of classes without labels next to images "
                               "(" CNN_LABEL_ENDING "), as in the archives before it, found labels",
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

static cnn_status add_names(const cnn_tree *tree, bool labelled, cnn_file_list *names,
                            cnn_error *error) {
    const char *path = tree->archive.path;
    if (labelled) {
        return cnn_webdataset_labels(tree, path, names, error);
    }
    cnn_file_list folders;
    CNN_TRY(cnn_tree_folders(tree, path, &folders, error));
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < folders.count && status == CNN_OK; i++) {
        status = cnn_file_list_add(names, cnn_copy_string(folders.paths[i]), error);
    }
    cnn_file_list_free(&folders);
    return status;
}

/* Sets classes from the labels or the folders of all archives. */
static cnn_status find_classes(const char *source, const cnn_tree *trees, size_t count,
                               bool labelled, char *classes[2], cnn_error *error) {
    cnn_file_list names = {0};
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        status = add_names(&trees[i], labelled, &names, error);
    }
    if (status == CNN_OK && names.count == 0) {
        status = cnn_fail(error, CNN_ERROR_DATA,
                          "%s: expected a label beside each image (" CNN_LABEL_ENDING
                          ") or folders of classes in the archives, found neither",
                          source);
    }
    if (status == CNN_OK) {
        status = choose_classes(source, &names, classes, error);
    }
    cnn_file_list_free(&names);
    return status;
}

/* Appends the images in the folders of both classes, of which an archive may lack one. */
static cnn_status read_folders(const cnn_list_source *part, char *const *classes,
                               cnn_sample_list *list, cnn_error *error) {
    const size_t before = list->count;
    for (int label = 0; label < 2; label++) {
        cnn_file_list files;
        char *folder = cnn_path_join(part->path, classes[label]);
        cnn_status status = folder ? cnn_tree_files(part->tree, folder, &files, error)
                                   : cnn_fail_memory(error, "the list of images");
        cnn_free(folder);
        CNN_TRY(status);
        for (size_t i = 0; i < files.count && status == CNN_OK; i++) {
            char *path = files.paths[i];
            files.paths[i] = NULL; /* the list takes it */
            status = cnn_sample_list_add(list, path, NULL, label, part->split, error);
        }
        cnn_file_list_free(&files);
        CNN_TRY(status);
    }
    list->other_labels += part->tree->count - (list->count - before);
    return CNN_OK;
}

static cnn_status read_all(const cnn_list_source *source, const cnn_file_list *paths,
                           cnn_tree *trees, char *classes[2], cnn_sample_list *list,
                           cnn_error *error) {
    bool labelled = true;
    for (size_t i = 0; i < paths->count; i++) {
        CNN_TRY(open_shard(paths->paths[i], source->log, &trees[i], error));
        labelled = i == 0 ? cnn_webdataset_is(&trees[0], paths->paths[0]) : labelled;
        CNN_TRY(check_labels(&trees[i], labelled, error));
    }
    if (!classes[0]) {
        CNN_TRY(find_classes(source->path, trees, paths->count, labelled, classes, error));
    }
    for (size_t i = 0; i < paths->count; i++) {
        cnn_list_source part = *source;
        part.path = paths->paths[i];
        part.tree = &trees[i];
        part.log = i == 0 ? source->log : NULL; /* all have the same members that are not used */
        CNN_TRY(labelled ? cnn_sample_list_read_webdataset(&part, classes, list, error)
                         : read_folders(&part, classes, list, error));
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
    cnn_status status = list_paths(source->path, &paths, error);
    if (status == CNN_OK) {
        status = read_paths(source, &paths.list, classes, list, error);
    }
    cnn_file_list_free(&paths.list);
    return status;
}
