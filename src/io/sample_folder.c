/* A folder with one sub-folder per class: exact names are the labels, whatever is below belongs to
 * them. */
#include "sample_list.h"

#include "error.h"
#include "file.h"
#include "folder.h"
#include "memory.h"

#include <string.h>
#include <unistd.h>

/* Adds all files below folder/classes[label]. */
static cnn_status add_class(const char *folder, char *const *classes, int label, cnn_split split,
                            cnn_sample_list *list, cnn_error *error) {
    cnn_file_list files = {0};
    char *class_folder = cnn_path_join(folder, classes[label]);
    if (!class_folder) {
        return cnn_fail_memory(error, "the list of images");
    }
    cnn_status status = CNN_OK;
    if (!cnn_folder_exists(class_folder)) {
        status = cnn_fail(error, CNN_ERROR_DATA, "%s: expected a folder for the class \"%s\"",
                          class_folder, classes[label]);
    } else {
        status = cnn_folder_files(class_folder, &files, error);
    }
    for (size_t i = 0; i < files.count && status == CNN_OK; i++) {
        status = cnn_sample_list_add(list, cnn_path_join(class_folder, files.paths[i]), NULL, label,
                                     split, error);
    }
    cnn_file_list_free(&files);
    cnn_free(class_folder);
    return status;
}

cnn_status cnn_sample_list_read_folder(const char *path, cnn_split split, char *classes[2],
                                       cnn_sample_list *list, cnn_error *error) {
    cnn_status status = CNN_OK;
    if (!cnn_folder_exists(path)) {
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
    if (status != CNN_OK) {
        return status;
    }
    /* sorted paths: the class whose name sorts first comes first, whichever is class 1 */
    int first = strcmp(classes[0], classes[1]) < 0 ? 0 : 1;
    status = add_class(path, classes, first, split, list, error);
    if (status == CNN_OK) {
        status = add_class(path, classes, 1 - first, split, list, error);
    }
    return status;
}
