#include "samples/read.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "samples/class_folders.h"
#include "samples/manifest.h"

#include <string.h>
#include <strings.h>

/* Replaces the paths that a manifest has in another Unicode form than the disk: list->samples from
 * `first` on. */
static cnn_status correct_paths(cnn_path_finder *finder, size_t first, cnn_sample_list *list,
                                cnn_error *error) {
    if (!finder) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = first; i < list->count; i++) {
        char *found;
        CNN_TRY(cnn_path_finder_find(finder, list->samples[i].path, &found, error));
        if (found) {
            cnn_free(list->samples[i].path);
            list->samples[i].path = found;
            list->other_forms++;
        }
    }
    return CNN_OK;
}

static cnn_status read_manifest(const char *path, cnn_split split, bool splits_allowed,
                                char *classes[2], cnn_sample_list *list, cnn_error *error) {
    const size_t first = list->count;
    CNN_TRY(cnn_sample_list_read_manifest(path, split, splits_allowed, classes, list, error));
    cnn_path_finder *finder = cnn_path_finder_create();
    const cnn_status status = correct_paths(finder, first, list, error);
    cnn_path_finder_free(finder);
    return status;
}

/* path: as it is on disk. */
static cnn_status read_list(const char *path, cnn_split split, bool splits_allowed, int threads,
                            char *classes[2], cnn_sample_list *list, cnn_error *error) {
    size_t length = strlen(path);
    bool is_folder;
    CNN_TRY(cnn_folder_look(path, CNN_ERROR_DATA, &is_folder, error));
    if (!is_folder && length > 4 && strcasecmp(path + length - 4, ".csv") == 0) {
        return read_manifest(path, split, splits_allowed, classes, list, error);
    }
    return cnn_sample_list_read_folder(path, split, threads, classes, list, error);
}

cnn_status cnn_sample_list_read(const char *path, cnn_split split, bool splits_allowed, int threads,
                                char *classes[2], cnn_sample_list *list, cnn_error *error) {
    char *on_disk = cnn_copy_string(path);
    if (!on_disk) {
        return cnn_fail_memory(error, "the list of images");
    }
    cnn_status status = cnn_path_correct(&on_disk, error);
    if (status == CNN_OK) {
        status = read_list(on_disk, split, splits_allowed, threads, classes, list, error);
    }
    cnn_free(on_disk);
    return status;
}
