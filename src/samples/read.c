#include "samples/read.h"

#include "base/error.h"
#include "base/file.h"
#include "samples/class_folders.h"
#include "samples/manifest.h"

#include <string.h>
#include <strings.h>

cnn_status cnn_sample_list_read(const char *path, cnn_split split, bool splits_allowed, int threads,
                                char *classes[2], cnn_sample_list *list, cnn_error *error) {
    size_t length = strlen(path);
    bool is_folder;
    CNN_TRY(cnn_folder_look(path, CNN_ERROR_DATA, &is_folder, error));
    if (!is_folder && length > 4 && strcasecmp(path + length - 4, ".csv") == 0) {
        return cnn_sample_list_read_manifest(path, split, splits_allowed, classes, list, error);
    }
    return cnn_sample_list_read_folder(path, split, threads, classes, list, error);
}
