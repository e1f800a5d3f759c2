#include "samples/split_folders.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "samples/tree.h"

#include <string.h>

/* The folders in a folder. */
typedef struct finding {
    const char *path;
    const cnn_tree *tree;
    cnn_file_list names;
    cnn_file_list classes;        /* the folders in the one for training */
    int name_of[CNN_SPLIT_COUNT]; /* the number of the name of each split; -1: none */
    int splits;                   /* how many there are */
    int others;                   /* folders whose name is none of a split */
    cnn_error *error;
} finding;

static bool has_name(const cnn_file_list *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->paths[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The names of the folders in folder number i. */
static cnn_status list_inside(const finding *f, size_t i, cnn_file_list *inside) {
    *inside = (cnn_file_list){0};
    char *path = cnn_path_join(f->path, f->names.paths[i]);
    cnn_status status = path ? cnn_tree_folders(f->tree, path, inside, f->error)
                             : cnn_fail_memory(f->error, "a path");
    cnn_free(path);
    return status;
}

/* Keeps folder number i as a split if it contains folders. Frees or keeps `inside`. */
static cnn_status keep_split(finding *f, size_t i, cnn_split split, cnn_file_list *inside) {
    if (inside->count == 0) {
        return CNN_OK;
    }
    if (f->name_of[split] >= 0) {
        return cnn_fail(f->error, CNN_ERROR_DATA,
                        "%s: expected one folder of %s images, found \"%.60s\" and \"%.60s\"",
                        f->path, cnn_split_names[split], f->names.paths[f->name_of[split]],
                        f->names.paths[i]);
    }
    f->name_of[split] = (int)i;
    f->splits++;
    if (split == CNN_SPLIT_TRAIN) {
        f->classes = *inside;
        *inside = (cnn_file_list){0};
    }
    return CNN_OK;
}

static cnn_status find_splits(finding *f) {
    for (size_t i = 0; i < f->names.count; i++) {
        cnn_split split;
        if (!cnn_split_from_word(f->names.paths[i], &split)) {
            f->others++;
            continue;
        }
        cnn_file_list inside;
        CNN_TRY(list_inside(f, i, &inside));
        cnn_status status = keep_split(f, i, split, &inside);
        cnn_file_list_free(&inside);
        CNN_TRY(status);
    }
    return CNN_OK;
}

/* *answer: are these splits, not classes? One alone may be either. */
static cnn_status decide(const finding *f, bool *answer) {
    int train = f->name_of[CNN_SPLIT_TRAIN];
    bool alone = f->names.count == 1 || (f->others == 0 && f->classes.count > 1);
    *answer = train >= 0 && (f->splits > 1 || alone);
    if (train < 0 && f->splits > 1) {
        return cnn_fail(f->error, CNN_ERROR_DATA,
                        "%s: expected a folder of training images next to \"%.60s\" and \"%.60s\", "
                        "such as \"train\", found none",
                        f->path, f->names.paths[f->name_of[CNN_SPLIT_VALIDATION]],
                        f->names.paths[f->name_of[CNN_SPLIT_TEST]]);
    }
    if (train >= 0 && f->splits == 1 && f->others > 0 && f->classes.count > 1) {
        return cnn_fail(
            f->error, CNN_ERROR_DATA,
            "%s: expected class folders or splits, found \"%.60s\", which contains folders like a "
            "split, next to folders that do not; set data.train to that folder, or name two class "
            "folders in data.classes",
            f->path, f->names.paths[train]);
    }
    return CNN_OK;
}

static bool is_used(const finding *f, size_t i) {
    bool used = false;
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        used = used || f->name_of[split] == (int)i;
    }
    return used;
}

/* Names folder number i in the log. One with the class folders of a split is refused: its images
 * would be missed. */
static cnn_status check_unused(const finding *f, size_t i, const char *path,
                               const cnn_log_sink *log) {
    cnn_file_list inside;
    if (!path) {
        return cnn_fail_memory(f->error, "a path");
    }
    CNN_TRY(cnn_tree_folders(f->tree, path, &inside, f->error));
    size_t shared = 0;
    for (size_t k = 0; k < inside.count; k++) {
        shared += has_name(&f->classes, inside.paths[k]);
    }
    cnn_file_list_free(&inside);
    if (shared > 1) {
        return cnn_fail(f->error, CNN_ERROR_DATA,
                        "%s: expected the name of a split (train, validation or test), because it "
                        "contains the class folders of \"%.60s\", found \"%.60s\"",
                        path, f->names.paths[f->name_of[CNN_SPLIT_TRAIN]], f->names.paths[i]);
    }
    cnn_log_message(log, CNN_LOG_INFO, "%s: not used: it has no class folders", path);
    return CNN_OK;
}

static cnn_status check_others(const finding *f, const cnn_log_sink *log) {
    for (size_t i = 0; i < f->names.count; i++) {
        if (!is_used(f, i)) {
            char *path = cnn_path_join(f->path, f->names.paths[i]);
            cnn_status status = check_unused(f, i, path, log);
            cnn_free(path);
            CNN_TRY(status);
        }
    }
    return CNN_OK;
}

static cnn_status set_paths(const finding *f, cnn_split_folders *splits) {
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        if (f->name_of[split] >= 0) {
            splits->path[split] = cnn_path_join(f->path, f->names.paths[f->name_of[split]]);
            if (!splits->path[split]) {
                return cnn_fail_memory(f->error, "a path");
            }
        }
    }
    return CNN_OK;
}

static cnn_status find(finding *f, char *const *classes, const cnn_log_sink *log,
                       cnn_split_folders *splits) {
    CNN_TRY(cnn_tree_folders(f->tree, f->path, &f->names, f->error));
    if (classes[0] && has_name(&f->names, classes[0]) && has_name(&f->names, classes[1])) {
        return CNN_OK;
    }
    bool is_split;
    CNN_TRY(find_splits(f));
    CNN_TRY(decide(f, &is_split));
    if (is_split) {
        CNN_TRY(check_others(f, log));
        return set_paths(f, splits);
    }
    return CNN_OK;
}

cnn_status cnn_split_folders_find(const cnn_tree *tree, const char *path, char *const *classes,
                                  const cnn_log_sink *log, cnn_split_folders *splits,
                                  cnn_error *error) {
    finding f = {.path = path, .tree = tree, .name_of = {-1, -1, -1}, .error = error};
    *splits = (cnn_split_folders){0};
    cnn_status status = find(&f, classes, log, splits);
    cnn_file_list_free(&f.names);
    cnn_file_list_free(&f.classes);
    return status;
}

void cnn_split_folders_free(cnn_split_folders *splits) {
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        cnn_free(splits->path[split]);
        splits->path[split] = NULL;
    }
}
