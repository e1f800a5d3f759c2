/* Writes damaged copies of a model file: damage_model MODEL FOLDER. Every one (0000.bin, 0001.bin,
 * …) must be refused; the kind of damage is printed after its path. */
#include "damaged_models.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        (void)fputs("usage: damage_model MODEL FOLDER\n", stderr);
        return 2;
    }
    cnn_error error;
    char *good;
    size_t size;
    cnn_status status =
        cnn_file_read(argv[1], (size_t)1 << 20, CNN_ERROR_RUNTIME, &good, &size, &error);
    if (status == CNN_OK) {
        status = cnn_folder_make(argv[2], &error);
    }
    damaged_model model;
    for (size_t i = 0;
         status == CNN_OK && damaged_model_make((const uint8_t *)good, size, i, &model); i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%04zu.bin", argv[2], i);
        status = cnn_file_write_unsynced(path, model.bytes, model.size, &error);
        (void)printf("%s\t%s\n", path, model.what);
        free(model.bytes);
    }
    cnn_free(good);
    if (status != CNN_OK) {
        (void)fprintf(stderr, "damage_model: %s: %s\n", argv[1], error.message);
        return 1;
    }
    return 0;
}
