/* A list of images with label, split and group. samples/read.h fills it. No image is decoded here.
 */
#ifndef CNN_SAMPLES_LIST_H
#define CNN_SAMPLES_LIST_H

#include "cnn/log.h"
#include "cnn/status.h"
#include "image/container.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn_split {
    CNN_SPLIT_TRAIN,
    CNN_SPLIT_VALIDATION,
    CNN_SPLIT_TEST,
    CNN_SPLIT_COUNT,
} cnn_split;

/* "train", "validation", "test", as split.csv spells them. */
extern const char *const cnn_split_names[]; /* [CNN_SPLIT_COUNT], then NULL */

/* The split that a word in a manifest, or the name of a folder, means, in any of the usual
 * spellings ("Train", "training_set", "val", "dev", …). Case does not count. False if it means
 * none. */
bool cnn_split_from_word(const char *word, cnn_split *split);

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
    size_t other_labels;  /* manifest rows left out because their label is not in `classes` */
    size_t other_folders; /* folders next to class folders, not used; … */
    char *other_folder;   /* … the first of them, owned by the list */
    size_t other_forms;   /* manifest rows whose path has another Unicode form than on disk */
} cnn_sample_list;

/* Where a list comes from. */
typedef struct cnn_list_source {
    const char *path;            /* a folder or a manifest */
    cnn_split split;             /* of samples for which the folder or manifest names none */
    bool splits_allowed;         /* may it name splits? */
    const struct cnn_tree *tree; /* of the archive that `path` is in (tree.h); NULL: the disk */
    int threads;                 /* uses up to this many */
    const cnn_log_sink *log;     /* what is left out is named here; NULL: nowhere */
} cnn_list_source;

void cnn_sample_list_free(cnn_sample_list *list);

/* Logs in one line which folders are not used, because they are of neither class. */
void cnn_sample_list_log_folders(const cnn_sample_list *list, char *const *classes,
                                 const cnn_log_sink *log);

/* Makes room for `more` further samples. */
CNN_MUST_USE cnn_status cnn_sample_list_reserve(cnn_sample_list *list, size_t more,
                                                cnn_error *error);

/* Adds a sample. The list takes ownership of path and group; both are freed on failure. */
CNN_MUST_USE cnn_status cnn_sample_list_add(cnn_sample_list *list, char *path, char *group,
                                            int label, cnn_split split, cnn_error *error);

/* The order in which samples[count] are read fastest, as cnn_containers_order gives it. */
CNN_MUST_USE cnn_status cnn_samples_order(const cnn_sample *samples, size_t count,
                                          cnn_containers *containers, size_t **order,
                                          cnn_error *error);

/* Sets classes from `count` different sorted names. CNN_ERROR_DATA unless there are exactly two, in
 * UTF-8. For the message, source is the path, and what is "class folders" or "labels". */
CNN_MUST_USE cnn_status cnn_classes_from_names(char *const *names, size_t count, const char *source,
                                               const char *what, char *classes[2],
                                               cnn_error *error);

/* The same from the labels of all images, in any order, with repetitions; labels[count] is sorted.
 */
CNN_MUST_USE cnn_status cnn_classes_from_labels(char **labels, size_t count, const char *source,
                                                char *classes[2], cnn_error *error);

/* The class of a label, 0 or 1; -1: neither. */
int cnn_class_of(const char *label, char *const *classes);

#endif
