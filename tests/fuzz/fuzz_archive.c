/* Archives and arrays: the first byte says what the file is called, or that it is each of the
 * shards in a folder; the others are the file. It is listed as a run and as cnnpredict would, and
 * the first images are read, forwards and backwards. */
#include "fuzz.h"

#include "base/memory.h"
#include "cnn/file.h"
#include "image/decode.h"
#include "samples/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGES_READ = 12 };

static const cnn_status allowed[] = {CNN_ERROR_DATA, CNN_OK};
#define SHARDS "shards"
static const char *const names[] = {
    "x.tar", "x.zip", "x.npz", "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", SHARDS};
enum { NAMES = sizeof names / sizeof *names };

/* What is in the folder, in the order in which it is made: links to the file in memory, because the
 * kind of a container is in its name, and a folder of shards. */
static const char *const links[] = {"x.tar",
                                    "x.zip",
                                    "x.npz",
                                    "train-images-idx3-ubyte",
                                    "train-images-idx3-ubyte.gz",
                                    SHARDS "/0.tar",
                                    SHARDS "/1.tar"};
enum { LINKS = sizeof links / sizeof *links };

static char folder[] = "/tmp/fuzz-archive-XXXXXX";

static void remove_folder(void) {
    char path[sizeof folder + 32];
    for (size_t i = 0; i < LINKS; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, links[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/" SHARDS, folder);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void make_folder(const char *file) {
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 0, 1};
    char path[sizeof folder + 32];
    if (!mkdtemp(folder) || atexit(remove_folder) != 0) {
        fuzz_fail("no folder");
    }
    (void)snprintf(path, sizeof path, "%s/" SHARDS, folder);
    if (mkdir(path, 0700) != 0) {
        fuzz_fail("no folder");
    }
    for (size_t i = 0; i < LINKS; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, links[i]);
        if (symlink(file, path) != 0) {
            fuzz_fail("no link");
        }
    }
    (void)snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    FILE *stream = fopen(path, "wb");
    if (!stream || fwrite(labels, 1, sizeof labels, stream) != sizeof labels ||
        fclose(stream) != 0) {
        fuzz_fail("no labels");
    }
}

static void read_image(cnn_containers *containers, const char *path) {
    const cnn_pixel_limit limit = {.megapixels = 0.1};
    cnn_image image;
    cnn_error error;
    fuzz_check(cnn_image_read_from(containers, path, &limit, &image, &error), &error, allowed);
    cnn_image_release(&image);
}

static void read_files(const char *path) {
    bool is_folder;
    cnn_file_list files = {0};
    cnn_error error;
    const cnn_status status = cnn_path_files(path, &is_folder, &files, &error);
    fuzz_check(status, &error, allowed);
    cnn_containers *containers = cnn_containers_create();
    for (size_t i = 0; i < files.count && i < IMAGES_READ; i++) {
        read_image(containers, files.paths[i]);
        read_image(containers, files.paths[files.count - 1 - i]);
    }
    cnn_containers_free(containers);
    cnn_file_list_free(&files);
}

static void list_samples(const char *path) {
    char *classes[2] = {0};
    cnn_sample_list list = {0};
    cnn_error error;
    const cnn_list_source source = {
        .path = path, .split = CNN_SPLIT_TRAIN, .splits_allowed = true, .threads = 1};
    const cnn_status status = cnn_sample_list_read(&source, classes, &list, &error);
    fuzz_check(status, &error, allowed);
    const size_t length = strlen(path);
    for (size_t i = 0; i < list.count && status == CNN_OK; i++) {
        const cnn_sample *sample = &list.samples[i];
        if (strncmp(sample->path, path, length) != 0 || sample->path[length] != '/' ||
            strstr(sample->path + length, "..") || sample->label < 0 || sample->label > 1) {
            fuzz_fail("a sample that no run can use");
        }
    }
    cnn_sample_list_free(&list);
    cnn_free(classes[0]);
    cnn_free(classes[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool made;
    char path[sizeof folder + 32];
    if (size == 0) {
        return 0;
    }
    const char *file = fuzz_file(data + 1, size - 1);
    if (!made) {
        make_folder(file);
        made = true;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[data[0] % NAMES]);
    read_files(path);
    list_samples(path);
    return 0;
}
