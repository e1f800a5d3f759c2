/* Which images does a path stand for: a folder, an archive, arrays (cnn_path_files)? */
#include "cnn/file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/array_file.h"
#include "image/decode.h"
#include "samples/tree.h"

#include <string.h>

/* Adds a path for each image of an array. */
static cnn_status add_images(const cnn_array_file *file, const cnn_array *array,
                             cnn_file_list *files, cnn_error *error) {
    cnn_array_images images;
    CNN_TRY(cnn_array_images_of(array, &images, error));
    for (uint64_t i = 0; i < images.count; i++) {
        cnn_text path = {0};
        cnn_text_format(&path, "%s/%s%s%llu", file->path, array->name, *array->name ? "/" : "",
                        (unsigned long long)i);
        CNN_TRY(cnn_file_list_add(files, cnn_text_take(&path), error));
    }
    return CNN_OK;
}

static cnn_status add_arrays(const cnn_array_file *file, cnn_file_list *files, cnn_error *error) {
    if (file->is_idx) {
        return add_images(file, &file->arrays[0], files, error);
    }
    for (const cnn_array_pair *pair = cnn_array_pairs; pair->images; pair++) {
        const size_t array = cnn_array_find(file, pair->images);
        if (array < SIZE_MAX) {
            CNN_TRY(add_images(file, &file->arrays[array], files, error));
        }
    }
    return CNN_OK;
}

static cnn_status list_arrays(cnn_container_kind kind, const char *path, cnn_file_list *files,
                              cnn_error *error) {
    cnn_array_file file;
    cnn_status status = kind == CNN_CONTAINER_IDX
                            ? cnn_idx_open(path, &file, error)
                            : cnn_npz_open(path, cnn_array_names, &file, error);
    status = status == CNN_OK ? add_arrays(&file, files, error) : status;
    cnn_array_file_free(&file);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(error, status, "%s: ", path);
}

/* Members without images, such as labels, are left out. */
static cnn_status list_archive(const char *path, cnn_file_list *files, cnn_error *error) {
    cnn_tree tree;
    cnn_status status = cnn_tree_open(path, NULL, &tree, error);
    for (size_t i = 0; i < tree.count && status == CNN_OK; i++) {
        if (tree.archive.members[tree.members[i]].label == SIZE_MAX) {
            status = cnn_file_list_add(files, cnn_path_join(path, cnn_tree_name(&tree, i)), error);
        }
    }
    cnn_tree_free(&tree);
    return status;
}

cnn_status cnn_path_files(const char *path, bool *is_folder, cnn_file_list *files,
                          cnn_error *error) {
    size_t length;
    *files = (cnn_file_list){0};
    const cnn_container_kind kind = cnn_container_of(path, &length);
    if (kind == CNN_CONTAINER_NONE || path[length]) {
        CNN_TRY(cnn_folder_look(path, CNN_ERROR_DATA, is_folder, error));
        return *is_folder ? cnn_folder_files(path, files, error) : CNN_OK;
    }
    *is_folder = true;
    return kind == CNN_CONTAINER_ARCHIVE ? list_archive(path, files, error)
                                         : list_arrays(kind, path, files, error);
}
