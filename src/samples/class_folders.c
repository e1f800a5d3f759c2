#include "samples/class_folders.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <string.h>
#include <unistd.h>

/* The files of each class. */
typedef struct class_files {
    const char *class_name;
    char *folder;
    cnn_file_list files;
    cnn_status status;
    cnn_error error;
} class_files;

static cnn_status list_files(class_files *c) {
    bool is_folder;
    CNN_TRY(cnn_folder_look(c->folder, CNN_ERROR_DATA, &is_folder, &c->error));
    if (!is_folder) {
        return cnn_fail(&c->error, CNN_ERROR_DATA, "%s: expected a folder for the class \"%s\"",
                        c->folder, c->class_name);
    }
    return cnn_folder_files(c->folder, &c->files, &c->error);
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

static cnn_status add_both(const char *path, class_files both[2], cnn_split split, int threads,
                           cnn_sample_list *list, cnn_error *error) {
    for (int i = 0; i < 2; i++) {
        both[i].folder = cnn_path_join(path, both[i].class_name);
        if (!both[i].folder) {
            return cnn_fail_memory(error, "the list of images");
        }
        CNN_TRY(cnn_path_correct(&both[i].folder, error));
    }
    cnn_parallel_for(2, threads, list_class, both);
    /* in the order of the sorted class names, whichever is class 1 */
    int first = strcmp(both[0].class_name, both[1].class_name) < 0 ? 0 : 1;
    CNN_TRY(add_class(&both[first], first, split, list, error));
    return add_class(&both[1 - first], 1 - first, split, list, error);
}

/* Adds all files below path/classes[0] and path/classes[1]. */
static cnn_status add_classes(const char *path, char *const *classes, cnn_split split, int threads,
                              cnn_sample_list *list, cnn_error *error) {
    class_files both[2] = {{.class_name = classes[0]}, {.class_name = classes[1]}};
    cnn_status status = add_both(path, both, split, threads, list, error);
    for (int i = 0; i < 2; i++) {
        cnn_file_list_free(&both[i].files);
        cnn_free(both[i].folder);
    }
    return status;
}

/* Sets classes from the names of the folders in `path`. */
static cnn_status find_classes(const char *path, char *classes[2], cnn_error *error) {
    cnn_file_list names = {0};
    cnn_status status = cnn_folder_folders(path, &names, error);
    if (status == CNN_OK) {
        status =
            cnn_classes_from_names(names.paths, names.count, path, "class folders", classes, error);
    }
    cnn_file_list_free(&names);
    return status;
}

cnn_status cnn_sample_list_read_folder(const char *path, cnn_split split, int threads,
                                       char *classes[2], cnn_sample_list *list, cnn_error *error) {
    bool is_folder;
    CNN_TRY(cnn_folder_look(path, CNN_ERROR_DATA, &is_folder, error));
    if (!is_folder) {
        return cnn_fail(
            error, CNN_ERROR_DATA,
            "%s: expected a folder with a folder for each class, or a .csv manifest, found %s",
            path, access(path, F_OK) == 0 ? "another file" : "nothing");
    }
    if (!classes[0]) {
        CNN_TRY(find_classes(path, classes, error));
    }
    return add_classes(path, classes, split, threads, list, error);
}
