#include "samples/class_folders.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "samples/tree.h"

#include <string.h>
#include <unistd.h>

/* The files of each class. */
typedef struct class_files {
    const char *class_name;
    const cnn_tree *tree;
    char *folder;
    cnn_file_list files;
    cnn_status status;
    cnn_error error;
} class_files;

static cnn_status list_files(class_files *c) {
    bool is_folder;
    CNN_TRY(cnn_tree_look(c->tree, c->folder, &is_folder, &c->error));
    if (!is_folder) {
        return cnn_fail(&c->error, CNN_ERROR_DATA, "%s: expected a folder for the class \"%s\"",
                        c->folder, c->class_name);
    }
    return cnn_tree_files(c->tree, c->folder, &c->files, &c->error);
}

static void list_class(void *context, size_t i, int thread) {
    (void)thread;
    class_files *c = (class_files *)context + i;
    c->status = list_files(c);
}

static cnn_status add_class(class_files *c, int label, cnn_split split, cnn_sample_list *list,
                            cnn_error *error) {
    if (c->status != CNN_OK) {
        *error = c->error;
        return c->status;
    }
    CNN_TRY(cnn_sample_list_reserve(list, c->files.count, error));
    for (size_t i = 0; i < c->files.count; i++) {
        char *path = c->files.paths[i];
        c->files.paths[i] = NULL; /* the list takes it */
        CNN_TRY(cnn_sample_list_add(list, path, NULL, label, split, error));
    }
    return CNN_OK;
}

/* The folder in c->folder that contains file *i, NULL if that is c->folder itself; of *length
 * bytes. *i becomes the number of the first file that is in another one. */
static const char *next_folder(const class_files *c, size_t *i, size_t *length) {
    size_t start = strlen(c->folder) + 1;
    const char *name = c->files.paths[(*i)++] + start;
    const char *end = strchr(name, '/');
    if (!end) {
        return NULL;
    }
    *length = (size_t)(end - name);
    while (*i < c->files.count && strncmp(c->files.paths[*i] + start, name, *length + 1) == 0) {
        ++*i;
    }
    return name;
}

/* The next folder with images in c->folder, NULL at the end. */
static const char *skip_to_folder(const class_files *c, size_t *i, size_t *length) {
    const char *name = NULL;
    while (!name && *i < c->files.count) {
        name = next_folder(c, i, length);
    }
    return name;
}

/* Two folders that contain the same folders, at least two, are not trusted to be classes: they
 * could be splits, or folds, with unusual names. */
static cnn_status check_folders(const char *path, const class_files both[2], cnn_error *error) {
    size_t at[2] = {0}, length[2] = {0}, count = 0;
    for (;; count++) {
        const char *first = skip_to_folder(&both[0], &at[0], &length[0]);
        const char *second = skip_to_folder(&both[1], &at[1], &length[1]);
        if (!first && !second) {
            break;
        }
        if (!first || !second || length[0] != length[1] || strncmp(first, second, length[0]) != 0) {
            return CNN_OK;
        }
    }
    return count < 2
               ? CNN_OK
               : cnn_fail(
                     error, CNN_ERROR_DATA,
                     "%s: expected class folders, found \"%.60s\" and \"%.60s\" with the same "
                     "folders in them; call splits train, validation and test, or name classes "
                     "in data.classes",
                     path, both[0].class_name, both[1].class_name);
}

/* Is the folder `name` in `path` that of the class, or does it contain it? */
static bool is_of_class(const char *path, const char *name, const class_files *c) {
    size_t start = strlen(path), length = strlen(name);
    const char *inside = c->folder + start;
    inside += strspn(inside, "/");
    return strncmp(inside, name, length) == 0 && (inside[length] == '\0' || inside[length] == '/');
}

/* Counts the folders in `path` that belong to neither class, and keeps the path of the first. */
static cnn_status count_others(const char *path, const class_files both[2],
                               const cnn_file_list *names, cnn_sample_list *list,
                               cnn_error *error) {
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->paths[i];
        if (is_of_class(path, name, &both[0]) || is_of_class(path, name, &both[1])) {
            continue;
        }
        if (!list->other_folder) {
            list->other_folder = cnn_path_join(path, name);
            if (!list->other_folder) {
                return cnn_fail_memory(error, "the list of images");
            }
        }
        list->other_folders++;
    }
    return CNN_OK;
}

static cnn_status find_others(const cnn_list_source *source, const class_files both[2],
                              cnn_sample_list *list, cnn_error *error) {
    cnn_file_list names = {0};
    cnn_status status = cnn_tree_folders(source->tree, source->path, &names, error);
    if (status == CNN_OK) {
        status = count_others(source->path, both, &names, list, error);
    }
    cnn_file_list_free(&names);
    return status;
}

static cnn_status add_both(const cnn_list_source *source, bool classes_found, class_files both[2],
                           cnn_sample_list *list, cnn_error *error) {
    for (int i = 0; i < 2; i++) {
        both[i].folder = cnn_path_join(source->path, both[i].class_name);
        if (!both[i].folder) {
            return cnn_fail_memory(error, "the list of images");
        }
        CNN_TRY(cnn_path_correct(&both[i].folder, error));
    }
    cnn_parallel_for(2, source->threads, list_class, both);
    if (classes_found && both[0].status == CNN_OK && both[1].status == CNN_OK) {
        CNN_TRY(check_folders(source->path, both, error));
    }
    /* in the order of the sorted class names, whichever is class 1 */
    int first = strcmp(both[0].class_name, both[1].class_name) < 0 ? 0 : 1;
    CNN_TRY(add_class(&both[first], first, source->split, list, error));
    CNN_TRY(add_class(&both[1 - first], 1 - first, source->split, list, error));
    return classes_found ? CNN_OK : find_others(source, both, list, error);
}

/* Adds all files below the folders of the classes. */
static cnn_status add_classes(const cnn_list_source *source, bool classes_found,
                              char *const *classes, cnn_sample_list *list, cnn_error *error) {
    class_files both[2] = {{.class_name = classes[0], .tree = source->tree},
                           {.class_name = classes[1], .tree = source->tree}};
    cnn_status status = add_both(source, classes_found, both, list, error);
    for (int i = 0; i < 2; i++) {
        cnn_file_list_free(&both[i].files);
        cnn_free(both[i].folder);
    }
    return status;
}

/* Sets classes from the names of the folders in source->path. */
static cnn_status find_classes(const cnn_list_source *source, char *classes[2], cnn_error *error) {
    cnn_file_list names = {0};
    cnn_status status = cnn_tree_folders(source->tree, source->path, &names, error);
    if (status == CNN_OK) {
        status = cnn_classes_from_names(names.paths, names.count, source->path, "class folders",
                                        classes, error);
    }
    cnn_file_list_free(&names);
    return status;
}

cnn_status cnn_sample_list_read_folder(const cnn_list_source *source, char *classes[2],
                                       cnn_sample_list *list, cnn_error *error) {
    const char *path = source->path;
    bool is_folder, classes_found = !classes[0];
    CNN_TRY(cnn_tree_look(source->tree, path, &is_folder, error));
    if (!is_folder) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: expected a folder with a folder for each class, a manifest (.csv, "
                        ".tsv, .txt), an archive (.tar, .zip) or arrays (.npz, IDX), found %s",
                        path, access(path, F_OK) == 0 ? "another file" : "nothing");
    }
    if (classes_found) {
        CNN_TRY(find_classes(source, classes, error));
    }
    return add_classes(source, classes_found, classes, list, error);
}
