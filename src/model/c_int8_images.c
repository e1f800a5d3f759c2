#include "model/c_int8_images.h"

#include "base/error.h"
#include "base/memory.h"
#include "samples/read.h"

#include <string.h>
#include <sys/stat.h>

/* All images, before they are divided. */
typedef struct found {
    cnn_int8_image *images;
    size_t count, capacity;
} found;

/* Takes over the path. */
static cnn_status add(found *all, char *path, int label, cnn_error *error) {
    if (!path ||
        !cnn_grow((void **)&all->images, &all->capacity, all->count + 1, sizeof *all->images)) {
        cnn_free(path);
        return cnn_fail_memory(error, "a list of images");
    }
    all->images[all->count++] = (cnn_int8_image){.path = path, .label = label};
    return CNN_OK;
}

/* A manifest, or a folder with classes. */
static cnn_status add_labelled(const char *path, char *classes[2], int threads, found *all,
                               cnn_error *error) {
    const cnn_list_source source = {
        .path = path, .split = CNN_SPLIT_TRAIN, .splits_allowed = true, .threads = threads};
    cnn_sample_list list = {0};
    cnn_status status = cnn_sample_list_read(&source, classes, &list, error);
    for (size_t i = 0; i < list.count && status == CNN_OK; i++) {
        status = add(all, list.samples[i].path, list.samples[i].label, error);
        list.samples[i].path = NULL;
    }
    cnn_sample_list_free(&list);
    return status;
}

/* An image, or all files of a folder. */
static cnn_status add_unlabelled(const char *path, found *all, cnn_error *error) {
    bool is_folder;
    cnn_file_list files = {0};
    cnn_status status = cnn_path_files(path, &is_folder, &files, error);
    if (status == CNN_OK && !is_folder) {
        status = add(all, cnn_copy_string(path), CNN_INT8_NO_LABEL, error);
    }
    for (size_t i = 0; i < files.count && status == CNN_OK; i++) {
        status = add(all, files.paths[i], CNN_INT8_NO_LABEL, error);
        files.paths[i] = NULL;
    }
    cnn_file_list_free(&files);
    return status;
}

static bool is_folder_or_manifest(const char *path) {
    struct stat about;
    return cnn_manifest_stem(path) > 0 || (stat(path, &about) == 0 && S_ISDIR(about.st_mode));
}

static void clear(found *all) {
    for (size_t i = 0; i < all->count; i++) {
        cnn_free(all->images[i].path);
    }
    all->count = 0;
}

static cnn_status find(const char *const *paths, size_t count, char *const classes[2], int threads,
                       found *all, cnn_error *error) {
    if (count == 1 && is_folder_or_manifest(paths[0])) {
        char *names[2] = {classes[0], classes[1]};
        cnn_status status = add_labelled(paths[0], names, threads, all, error);
        if (status != CNN_ERROR_DATA || cnn_manifest_stem(paths[0]) > 0) {
            return status;
        }
        clear(all); /* a folder of images without classes */
    }
    for (size_t i = 0; i < count; i++) {
        CNN_TRY(add_unlabelled(paths[i], all, error));
    }
    return CNN_OK;
}

/* Does item i of `count` belong to `wanted` of them that are evenly spread? */
static bool is_chosen(size_t i, size_t count, size_t wanted) {
    return wanted >= count || (i + 1) * wanted / count > i * wanted / count;
}

/* Takes the images first, first + 2, … or those of them that are chosen. */
static cnn_status take(found *all, size_t first, size_t most, cnn_int8_image **to, size_t *count,
                       cnn_error *error) {
    size_t listed = (all->count + 1 - first) / 2;
    *to = cnn_alloc(listed < most ? listed : most, sizeof **to);
    if (!*to) {
        return cnn_fail_memory(error, "a list of images");
    }
    for (size_t i = 0; i < listed; i++) {
        if (is_chosen(i, listed, most)) {
            (*to)[(*count)++] = all->images[first + 2 * i];
            all->images[first + 2 * i].path = NULL;
        }
    }
    return CNN_OK;
}

cnn_status cnn_int8_images_find(const char *const *paths, size_t count, char *const classes[2],
                                int threads, cnn_int8_images *images, cnn_error *error) {
    found all = {0};
    *images = (cnn_int8_images){0};
    cnn_status status = find(paths, count, classes, threads, &all, error);
    if (status == CNN_OK && all.count < 2) {
        status = cnn_fail(error, CNN_ERROR_DATA, "%s: expected at least two images, got %zu",
                          paths[0], all.count);
    }
    if (status == CNN_OK) {
        status =
            take(&all, 0, CNN_INT8_SCALING_MAX, &images->scaling, &images->scaling_count, error);
    }
    if (status == CNN_OK) {
        status =
            take(&all, 1, CNN_INT8_MEASURED_MAX, &images->measured, &images->measured_count, error);
    }
    clear(&all);
    cnn_free(all.images);
    return status;
}

static void free_list(cnn_int8_image *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        cnn_free(list[i].path);
    }
    cnn_free(list);
}

void cnn_int8_images_free(cnn_int8_images *images) {
    free_list(images->scaling, images->scaling_count);
    free_list(images->measured, images->measured_count);
    *images = (cnn_int8_images){0};
}
