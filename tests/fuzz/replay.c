/* Gives kept files to a harness, one by one: NAME FOLDER… does with every file below the folders
 * what libFuzzer does with bytes of its own, whatever the compiler. */
#include "fuzz.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"

#include <stdio.h>

static cnn_status replay(const char *folder, size_t *count, cnn_error *error) {
    cnn_file_list files = {0};
    cnn_status status = cnn_folder_files(folder, &files, error);
    for (size_t i = 0; i < files.count && status == CNN_OK; i++) {
        char *bytes;
        size_t size;
        status =
            cnn_file_read(files.paths[i], (size_t)1 << 26, CNN_ERROR_RUNTIME, &bytes, &size, error);
        if (status == CNN_OK) {
            (void)printf("%s\n", files.paths[i]);
            (void)fflush(stdout); /* a crash is the last one's */
            (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
            cnn_free(bytes);
            ++*count;
        }
    }
    cnn_file_list_free(&files);
    return status;
}

int main(int argc, char **argv) {
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        cnn_error error;
        cnn_status status = replay(argv[i], &count, &error);
        if (status != CNN_OK) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], error.message);
            return 1;
        }
    }
    if (count == 0) {
        (void)fprintf(stderr, "usage: %s FOLDER...: expected folders with files\n", argv[0]);
        return 2;
    }
    return 0;
}
