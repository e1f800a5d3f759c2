#include "samples/arrays.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/array_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PARTS_MAX = 8, DIGITS = 24 };

/* Images and their labels. */
typedef struct array_part {
    cnn_split split;
    char *prefix; /* of the path of an image: all but its number */
    const char *name;
    size_t count;
    int64_t *labels; /* [count] */
} array_part;

typedef struct array_parts {
    const cnn_list_source *source;
    array_part part[PARTS_MAX];
    size_t count;
    cnn_error *error;
} array_parts;

/* Adds images, with their labels, which must be as many. */
static cnn_status add_part(array_parts *p, const cnn_array_file *images_file, size_t images,
                           const cnn_array_file *labels_file, size_t labels, cnn_split split) {
    array_part *part = &p->part[p->count++];
    const cnn_array *array = &images_file->arrays[images];
    cnn_array_images about;
    cnn_text prefix = {0};
    *part = (array_part){.split = split};
    cnn_text_format(&prefix, "%s/%s%s", images_file->path, array->name, *array->name ? "/" : "");
    part->prefix = cnn_text_take(&prefix);
    if (!part->prefix) {
        return cnn_fail_memory(p->error, "a path");
    }
    cnn_status status = cnn_array_images_of(array, &about, p->error);
    if (status == CNN_OK) {
        status = cnn_array_labels(labels_file, labels, &part->labels, &part->count, p->error);
        if (status != CNN_OK && labels_file != images_file) {
            return cnn_fail_prefix(p->error, status, "%s: ", labels_file->path);
        }
    }
    if (status == CNN_OK && part->count != about.count) {
        status = cnn_fail(p->error, CNN_ERROR_DATA,
                          "expected a label for each of %llu images, found %zu",
                          (unsigned long long)about.count, part->count);
    }
    return status == CNN_OK
               ? CNN_OK
               : cnn_fail_prefix(p->error, status, "%.*s: ", (int)strlen(part->prefix) - 1,
                                 part->prefix);
}

/* --- npz --- */

/* Adds the arrays of the .npz; wanted: the only one; "": all. */
static cnn_status add_pairs(array_parts *p, const cnn_array_file *file, const char *wanted) {
    for (const cnn_array_pair *pair = cnn_array_pairs; pair->images; pair++) {
        const size_t images = cnn_array_find(file, pair->images);
        const size_t labels = cnn_array_find(file, pair->labels);
        if (images == SIZE_MAX || (*wanted && strcmp(wanted, pair->images) != 0)) {
            continue;
        }
        if (labels == SIZE_MAX) {
            return cnn_fail(p->error, CNN_ERROR_DATA,
                            "%s: expected an array %s next to %s, found none", file->path,
                            pair->labels, pair->images);
        }
        const cnn_split split = *wanted ? p->source->split : (cnn_split)pair->split;
        CNN_TRY(add_part(p, file, images, file, labels, split));
    }
    if (p->count == 0) {
        return cnn_fail(p->error, CNN_ERROR_DATA, "%s: expected an array \"%s\"%s, found none",
                        file->path, *wanted ? wanted : cnn_array_pairs[0].images,
                        *wanted ? "" : " (and train_labels), or x_train (and y_train)");
    }
    return CNN_OK;
}

static cnn_status add_npz(array_parts *p, const char *path, const char *wanted) {
    cnn_array_file file;
    cnn_status status = cnn_npz_open(path, cnn_array_names, &file, p->error);
    status = status == CNN_OK ? add_pairs(p, &file, wanted)
                              : cnn_fail_prefix(p->error, status, "%s: ", path);
    cnn_array_file_free(&file);
    return status;
}

/* --- IDX --- */

/* Replaces `from` by `to`, which is as long, where it is last in the text. */
static bool replace(char *text, const char *from, const char *to) {
    char *last = NULL;
    for (char *at = strstr(text, from); at; at = strstr(at + 1, from)) {
        last = at;
    }
    if (last) {
        memcpy(last, to, strlen(to));
    }
    return last != NULL;
}

static cnn_status is_there(const char *path, bool *there, cnn_error *error) {
    struct stat about;
    *there = stat(path, &about) == 0;
    return *there || errno == ENOENT || errno == ENOTDIR
               ? CNN_OK
               : cnn_fail(error, cnn_file_blame(errno, CNN_ERROR_DATA), "%s: %s", path,
                          strerror(errno));
}

/* *labels: the file of labels of a file of images: with the same ending, or the other of "" and
 * ".gz". NULL: there is none. Free with cnn_free. */
static cnn_status find_labels(const char *images, char **labels, cnn_error *error) {
    const size_t length = strlen(images);
    char *path = *labels = cnn_plain_alloc(length + 4);
    bool there = false;
    if (!path) {
        return cnn_fail_memory(error, "a path");
    }
    memcpy(path, images, length + 1);
    if (replace(path, "images", "labels") && replace(path, "idx3", "idx1")) {
        CNN_TRY(is_there(path, &there, error));
        if (!there) {
            const bool packed = strcmp(path + length - 3, ".gz") == 0;
            memcpy(path + length - (packed ? 3 : 0), packed ? "" : ".gz", packed ? 1 : 4);
            CNN_TRY(is_there(path, &there, error));
        }
    }
    if (!there) {
        cnn_free(path);
        *labels = NULL;
    }
    return CNN_OK;
}

static cnn_status open_idx(array_parts *p, const char *path, cnn_array_file *file) {
    const cnn_status status = cnn_idx_open(path, file, p->error);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(p->error, status, "%s: ", path);
}

static cnn_status add_idx_pair(array_parts *p, const char *images, const char *labels,
                               cnn_split split) {
    cnn_array_file images_file = {0}, labels_file = {0};
    cnn_status status = open_idx(p, images, &images_file);
    status = status == CNN_OK ? open_idx(p, labels, &labels_file) : status;
    status = status == CNN_OK ? add_part(p, &images_file, 0, &labels_file, 0, split) : status;
    cnn_array_file_free(&images_file);
    cnn_array_file_free(&labels_file);
    return status;
}

static cnn_status add_idx(array_parts *p, const char *images, cnn_split split) {
    char *labels = NULL;
    cnn_status status = find_labels(images, &labels, p->error);
    if (status == CNN_OK) {
        status = labels ? add_idx_pair(p, images, labels, split)
                        : cnn_fail(p->error, CNN_ERROR_DATA,
                                   "%s: expected a file of labels next to it, whose name has "
                                   "\"labels-idx1\" in place of \"images-idx3\", found none",
                                   images);
    }
    cnn_free(labels);
    return status;
}

/* *images: the path of the images of a split in a folder; NULL: there are none. */
static cnn_status find_images(const char *folder, const char *name, char **images,
                              cnn_error *error) {
    static const char *const ends[] = {"-images-idx3-ubyte", "-images-idx3-ubyte.gz",
                                       "-images.idx3-ubyte", "-images.idx3-ubyte.gz"};
    *images = NULL;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !*images; i++) {
        bool there = false;
        cnn_text text = {0};
        cnn_text_format(&text, "%s%s%s%s", folder,
                        *folder && folder[strlen(folder) - 1] == '/' ? "" : "/", name, ends[i]);
        char *path = cnn_text_take(&text);
        const cnn_status status =
            path ? is_there(path, &there, error) : cnn_fail_memory(error, "a path");
        if (there) {
            *images = path;
        } else {
            cnn_text_release(path);
        }
        CNN_TRY(status);
    }
    return CNN_OK;
}

cnn_status cnn_idx_folder_look(const char *folder, bool *is_idx, cnn_error *error) {
    char *path;
    const cnn_status status = find_images(folder, "train", &path, error);
    *is_idx = path != NULL;
    cnn_text_release(path);
    return status;
}

static cnn_status add_idx_folder(array_parts *p, const char *folder) {
    static const struct {
        const char *name;
        cnn_split split;
    } files[] = {{"train", CNN_SPLIT_TRAIN}, {"t10k", CNN_SPLIT_TEST}, {"test", CNN_SPLIT_TEST}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *images;
        cnn_status status = find_images(folder, files[i].name, &images, p->error);
        status = images ? add_idx(p, images, files[i].split) : status;
        cnn_text_release(images);
        CNN_TRY(status);
    }
    return CNN_OK;
}

/* --- samples --- */

static int by_value(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* names: [count + 1], may be NULL; sorted: [count], is sorted. */
static cnn_status name_labels(const array_part *part, int64_t *sorted, char **names,
                              char (*digits)[DIGITS], const char *path, char *classes[2],
                              cnn_error *error) {
    size_t different = 0;
    if (!sorted || !names || !digits) {
        return cnn_fail_memory(error, "labels");
    }
    memcpy(sorted, part->labels, part->count * sizeof *sorted);
    qsort(sorted, part->count, sizeof *sorted, by_value);
    for (size_t i = 0; i < part->count; i++) {
        if (i == 0 || sorted[i] != sorted[i - 1]) {
            (void)snprintf(digits[different], DIGITS, "%" PRId64, sorted[i]);
            names[different] = digits[different];
            different++;
        }
    }
    return cnn_classes_from_labels(names, different, path, classes, error);
}

/* Sets classes from the labels of the first part. */
static cnn_status find_classes(const array_parts *p, char *classes[2]) {
    const array_part *part = &p->part[0];
    int64_t *sorted = cnn_alloc(part->count, sizeof *sorted);
    char **names = cnn_alloc(part->count, sizeof *names);
    char(*digits)[DIGITS] = cnn_alloc(part->count, sizeof *digits);
    const cnn_status status =
        name_labels(part, sorted, names, digits, p->source->path, classes, p->error);
    cnn_free(sorted);
    cnn_free(names);
    cnn_free(digits);
    return status;
}

static cnn_status add_images(const array_part *part, char *const *classes, cnn_sample_list *list,
                             cnn_error *error) {
    const size_t length = strlen(part->prefix);
    CNN_TRY(cnn_sample_list_reserve(list, part->count, error));
    for (size_t i = 0; i < part->count; i++) {
        char label[DIGITS], number[DIGITS];
        (void)snprintf(label, sizeof label, "%" PRId64, part->labels[i]);
        const int class = cnn_class_of(label, classes);
        if (class < 0) {
            list->other_labels++;
            continue;
        }
        const size_t digits = (size_t)snprintf(number, sizeof number, "%zu", i);
        char *path = cnn_plain_alloc(length + digits + 1);
        if (path) {
            memcpy(path, part->prefix, length);
            memcpy(path + length, number, digits + 1);
        }
        CNN_TRY(cnn_sample_list_add(list, path, NULL, class, part->split, error));
    }
    return CNN_OK;
}

/* Gives all parts the split of the source, if only one is there, or refuses several. */
static cnn_status check_splits(array_parts *p) {
    if (p->source->splits_allowed) {
        return CNN_OK;
    }
    if (p->count > 1) {
        const char *first = p->part[0].prefix;
        return cnn_fail(p->error, CNN_ERROR_DATA,
                        "%s: expected images of one split, found splits, which only data.train can "
                        "have; name one of them, such as %.*s",
                        p->source->path, (int)strlen(first) - 1, first);
    }
    p->part[0].split = p->source->split;
    return CNN_OK;
}

static cnn_status add_all(array_parts *p, char *classes[2], cnn_sample_list *list) {
    CNN_TRY(check_splits(p));
    if (!classes[0]) {
        CNN_TRY(find_classes(p, classes));
    }
    for (size_t i = 0; i < p->count; i++) {
        CNN_TRY(add_images(&p->part[i], classes, list, p->error));
    }
    return CNN_OK;
}

/* path: a copy of source->path, which is cut. */
static cnn_status find_parts(array_parts *p, char *path) {
    size_t length;
    switch (cnn_container_of(path, &length)) {
    case CNN_CONTAINER_NPZ: {
        char *wanted = path + length + strspn(path + length, "/");
        wanted[strcspn(wanted, "/")] = '\0';
        path[length] = '\0';
        return add_npz(p, path, wanted > path + length ? wanted : "");
    }
    case CNN_CONTAINER_IDX:
        path[length] = '\0';
        return add_idx(p, path, p->source->split);
    default:
        return add_idx_folder(p, path);
    }
}

cnn_status cnn_sample_list_read_arrays(const cnn_list_source *source, char *classes[2],
                                       cnn_sample_list *list, cnn_error *error) {
    array_parts p = {.source = source, .error = error};
    char *path = cnn_copy_string(source->path);
    cnn_status status = path ? find_parts(&p, path) : cnn_fail_memory(error, "a path");
    if (status == CNN_OK) {
        status = add_all(&p, classes, list);
    }
    for (size_t i = 0; i < p.count; i++) {
        cnn_text_release(p.part[i].prefix);
        cnn_free(p.part[i].labels);
    }
    cnn_free(path);
    return status;
}
