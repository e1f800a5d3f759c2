/* Finds exact copies of images, and groups that are divided among splits; leaves copies out. */
#ifndef CNN_SAMPLES_DUPLICATES_H
#define CNN_SAMPLES_DUPLICATES_H

#include "base/log.h"
#include "samples/list.h"

/* What a sample shares with others, as bits. */
typedef enum cnn_shared {
    CNN_COPY = 1,              /* another sample has the same content */
    CNN_COPY_OTHER_LABEL = 2,  /* … and the copies have two labels */
    CNN_COPY_OTHER_SPLIT = 4,  /* … and the copies are in two splits */
    CNN_GROUP_OTHER_SPLIT = 8, /* its group is in two splits */
    CNN_COPY_LEFT_OUT = 16,    /* cnn_duplicates_drop leaves it out */
} cnn_shared;

typedef struct cnn_sharing {
    size_t first;    /* the first sample with this content, possibly itself */
    size_t kept;     /* the first of these that is in the earliest split of them all */
    unsigned shared; /* bits of cnn_shared */
} cnn_sharing;

/* Fills in sharing[count]. The samples' content and split must be known. CNN_ERROR_RUNTIME if
 * memory is refused. */
CNN_MUST_USE cnn_status cnn_duplicates_find(const cnn_sample *samples, size_t count,
                                            cnn_sharing *sharing, cnn_error *error);

/* Images that were left out. */
typedef struct cnn_left_out {
    size_t two_labels, two_splits;    /* for this reason */
    size_t of_split[CNN_SPLIT_COUNT]; /* all, by the split that they were in */
} cnn_left_out;

/* Removes copies that would spoil training or its evaluation from samples[*count], before any are
 * held back: all copies of an image that has two labels; else those that are not in the earliest
 * split of the image. So a copy stays where most is learnt from it: in training, else in
 * validation. Which images these are depends on contents, labels and splits, not on paths or order.
 * The log names each: the first of them as warnings, the others as details. The rest keeps its
 * order. *left_out: also set if no validation or no test image is left, which is CNN_ERROR_DATA,
 * message starting with `source`. CNN_ERROR_RUNTIME, with nothing removed, if memory is refused. */
CNN_MUST_USE cnn_status cnn_duplicates_drop(cnn_sample *samples, size_t *count,
                                            char *const *classes, const char *source,
                                            const cnn_log_sink *log, cnn_left_out *left_out,
                                            cnn_error *error);

/* Checks the samples at the start of a run. Copies with two labels and copies in two splits are an
 * error, and the log names the first of them; if `allowed`, they are a warning. Other copies, and
 * groups in two splits (possible only in a manifest with a column `split`), go to the log.
 * CNN_ERROR_DATA, message starting with `source`. */
CNN_MUST_USE cnn_status cnn_duplicates_check(const cnn_sample *samples, size_t count,
                                             char *const *classes, bool allowed, const char *source,
                                             const cnn_log_sink *log, cnn_error *error);

#endif
