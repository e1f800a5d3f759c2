/* Images that are there more than once, and groups on two sides of a split. */
#ifndef CNN_SAMPLES_DUPLICATES_H
#define CNN_SAMPLES_DUPLICATES_H

#include "base/log.h"
#include "samples/list.h"

/* What a sample shares with others; bits. */
typedef enum cnn_shared {
    CNN_COPY = 1,              /* there is another one with the same content */
    CNN_COPY_OTHER_LABEL = 2,  /* … and the copies have two labels */
    CNN_COPY_OTHER_SPLIT = 4,  /* … and the copies are in two splits */
    CNN_GROUP_OTHER_SPLIT = 8, /* its group is in two splits */
} cnn_shared;

typedef struct cnn_sharing {
    size_t first;    /* the first sample with this content; itself where it is that one */
    unsigned shared; /* bits of cnn_shared */
} cnn_sharing;

/* Fills in sharing[count] for samples whose content and split are known. CNN_ERROR_RUNTIME where
 * memory is refused. */
CNN_MUST_USE cnn_status cnn_duplicates_find(const cnn_sample *samples, size_t count,
                                            cnn_sharing *sharing, cnn_error *error);

/* The same for a run that starts. Copies with two labels and copies in two splits are an error, and
 * the log gets the first of them by name; a warning with their number where they are allowed. Other
 * copies are told to the log, and so are groups in two splits, which only a manifest can have that
 * splits by itself. CNN_ERROR_DATA, message starting with `source`. */
CNN_MUST_USE cnn_status cnn_duplicates_check(const cnn_sample *samples, size_t count,
                                             char *const *classes, bool allowed, const char *source,
                                             const cnn_log_sink *log, cnn_error *error);

#endif
