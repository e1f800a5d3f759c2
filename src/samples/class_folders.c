/* A folder with one sub-folder per class: their exact names are the labels of all files below them.
 */
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

static void list_class(void *context, size_t i, int thread) {
    (void)thread;
    class_files *c = (class_files *)context + i;
    bool is_folder;
    c->status = cnn_folder_look(c->folder, CNN_ERROR_DATA, &is_folder, &c->error);
    if (c->status != CNN_OK) {
        return;
    }
    if (!is_folder) {
        c->status =
            cnn_fail(&c->error, CNN_ERROR_DATA, "%s: expected a folder for the class \"%s\"",
                     c->folder, c->class_name);
    } else {
        c->status = cnn_folder_files(c->folder, &c->files, &c->error);
    }
}

static cnn_status add_class(class_files *c, int label, cnn_split split, cnn_sample_list *list,
                            cnn_error *error) {
    cnn_status status = cnn_sample_list_reserve(list, c->files.count, error);
    for (size_t i = 0; i < c->files.count && status == CNN_OK; i++) {
        status = cnn_sample_list_add(list, c->files.paths[i], NULL, label, split, error);
        c->files.paths[i] = NULL; /* owned by the list now */
    }
    return status;
}

/* Adds all files below path/classes[0] and path/classes[1]. */
static cnn_status add_classes(const char *path, char *const *classes, cnn_split split, int threads,
                              cnn_sample_list *list, cnn_error *error) {
    class_files both[2] = {{.class_name = classes[0]}, {.class_name = classes[1]}};
    cnn_status status = CNN_OK;
    for (int i = 0; i < 2; i++) {
        both[i].folder = cnn_path_join(path, classes[i]);
        status = both[i].folder ? status : cnn_fail_memory(error, "the list of images");
    }
    if (status == CNN_OK) {
        cnn_parallel_for(2, threads, list_class, both);
    }
    /* sorted by path: the class whose name sorts first comes first, whether it is class 0 or 1 */
    int first = strcmp(classes[0], classes[1]) < 0 ? 0 : 1;
    for (int i = 0; i < 2 && status == CNN_OK; i++) {
        int label = i == 0 ? first : 1 - first;
        status = both[label].status;
        if (status != CNN_OK) {
            *error = both[label].error;
        } else {
            status = add_class(&both[label], label, split, list, error);
        }
    }
    for (int i = 0; i < 2; i++) {
        cnn_file_list_free(&both[i].files);
        cnn_free(both[i].folder);
    }
    return status;
}

cnn_status cnn_sample_list_read_folder(const char *path, cnn_split split, int threads,
                                       char *classes[2], cnn_sample_list *list, cnn_error *error) {
    bool is_folder;
    cnn_status status = cnn_folder_look(path, CNN_ERROR_DATA, &is_folder, error);
    if (status != CNN_OK) {
        return status;
    }
    if (!is_folder) {
        return cnn_fail(
            error, CNN_ERROR_DATA,
            "%s: expected a folder with a folder for each class, or a .csv manifest, found %s",
            path, access(path, F_OK) == 0 ? "another file" : "nothing");
    }
    if (!classes[0]) {
        cnn_file_list names = {0};
        status = cnn_folder_folders(path, &names, error);
        if (status == CNN_OK) {
            status = cnn_classes_from_names(names.paths, names.count, path, "class folders",
                                            classes, error);
        }
        cnn_file_list_free(&names);
    }
    return status == CNN_OK ? add_classes(path, classes, split, threads, list, error) : status;
}
