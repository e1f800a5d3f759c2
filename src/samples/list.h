/* A list of images with label, split and group. samples/read.h fills it. No image is decoded here.
 */
#ifndef CNN_SAMPLES_LIST_H
#define CNN_SAMPLES_LIST_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn_split {
    CNN_SPLIT_TRAIN,
    CNN_SPLIT_VALIDATION,
    CNN_SPLIT_TEST,
    CNN_SPLIT_COUNT,
} cnn_split;

/* "train", "validation", "test", as manifests and split.csv spell them. */
extern const char *const cnn_split_names[]; /* [CNN_SPLIT_COUNT], then NULL */

typedef struct cnn_sample {
    char *path;  /* absolute, or relative to the working directory */
    char *group; /* NULL: none */
    int label;   /* index into classes */
    cnn_split split;
    uint64_t content; /* set when the image is read */
    size_t row;       /* its place among the images of the dataset (cnn_dataset_pixels) */
} cnn_sample;

typedef struct cnn_sample_list {
    cnn_sample *samples; /* [count], in the order of the manifest or of sorted paths */
    size_t count, capacity;
    size_t other_labels; /* manifest rows left out because their label is not in `classes` */
    size_t other_forms;  /* manifest rows whose path has another Unicode form than on disk */
} cnn_sample_list;

void cnn_sample_list_free(cnn_sample_list *list);

/* Makes room for `more` further samples. */
CNN_MUST_USE cnn_status cnn_sample_list_reserve(cnn_sample_list *list, size_t more,
                                                cnn_error *error);

/* Adds a sample. The list takes ownership of path and group; both are freed on failure. */
CNN_MUST_USE cnn_status cnn_sample_list_add(cnn_sample_list *list, char *path, char *group,
                                            int label, cnn_split split, cnn_error *error);

/* Sets classes from `count` different sorted names. CNN_ERROR_DATA unless there are exactly two, in
 * UTF-8. For the message, source is the path, and what is "class folders" or "labels". */
CNN_MUST_USE cnn_status cnn_classes_from_names(char *const *names, size_t count, const char *source,
                                               const char *what, char *classes[2],
                                               cnn_error *error);

#endif
