/* Images inside other files: archives (.tar, .zip) and arrays (.npz, IDX). Where the bytes of an
 * image come from, for every reader of images.
 *
 * An image in a container has a path like one in a folder: "photos.tar/good/a.jpg",
 * "digits.npz/train_images/17", "train-images-idx3-ubyte.gz/17". No other path can run through a
 * file, so none is ambiguous; a folder that is called photos.tar stays a folder. GDAL names files
 * in archives in this way, after a prefix (/vsizip/photos.zip/good/a.jpg). */
#ifndef CNN_IMAGE_CONTAINER_H
#define CNN_IMAGE_CONTAINER_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn_container_kind {
    CNN_CONTAINER_NONE,
    CNN_CONTAINER_ARCHIVE,
    CNN_CONTAINER_NPZ,
    CNN_CONTAINER_IDX,
    CNN_CONTAINER_KINDS,
} cnn_container_kind;

/* The kind of container, a file, that `path` is (*length: all of it) or runs through (*length: the
 * part that is the container). CNN_CONTAINER_NONE if it does neither: the path is that of a file or
 * folder on disk, whether it exists or not. */
cnn_container_kind cnn_container_of(const char *path, size_t *length);

/* Arrays that an .npz may have, as MedMNIST and Keras name them; split: 0 training, 1 validation,
 * 2 test. */
typedef struct cnn_array_pair {
    int split;
    const char *images, *labels;
} cnn_array_pair;
extern const cnn_array_pair cnn_array_pairs[]; /* ends with NULL names */
extern const char *const cnn_array_names[];    /* all of them, ending in NULL */

/* Containers that stay open while images are read from them. Any number of threads may use them at
 * once. */
typedef struct cnn_containers cnn_containers;

cnn_containers *cnn_containers_create(void);          /* NULL if memory is refused */
void cnn_containers_free(cnn_containers *containers); /* NULL is allowed */

/* The bytes of the image `path` in the container path[length], as those of a file; to be freed. An
 * image of an array comes as a binary PNM. CNN_ERROR_DATA with a reason, without the path, also if
 * there are more than `limit` bytes; CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_containers_read(cnn_containers *containers, const char *path,
                                            size_t length, size_t limit, char **bytes, size_t *size,
                                            cnn_error *error);

/* order[count]: the order in which paths[count] are read fastest: those of a container in the order
 * in which it has them. *needed: false if that is the order of the list; then order is NULL. Free
 * with cnn_free. */
CNN_MUST_USE cnn_status cnn_containers_order(cnn_containers *containers, const char *const *paths,
                                             size_t count, size_t **order, cnn_error *error);

#endif
