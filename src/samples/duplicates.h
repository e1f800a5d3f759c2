/* Images that occur more than once, and groups in two splits. */
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
} cnn_shared;

typedef struct cnn_sharing {
    size_t first;    /* the first sample with this content; may be this sample itself */
    unsigned shared; /* bits of cnn_shared */
} cnn_sharing;

/* Fills in sharing[count] for samples whose content and split are known. CNN_ERROR_RUNTIME if
 * memory is refused. */
CNN_MUST_USE cnn_status cnn_duplicates_find(const cnn_sample *samples, size_t count,
                                            cnn_sharing *sharing, cnn_error *error);

/* The check at the start of a run. Copies with two labels and copies in two splits are an error,
 * and the first of them are logged by name; if they are allowed, a warning states their number.
 * Other copies are logged, too, and so are groups in two splits, which only a manifest with its own
 * splits can have. CNN_ERROR_DATA, message starting with `source`. */
CNN_MUST_USE cnn_status cnn_duplicates_check(const cnn_sample *samples, size_t count,
                                             char *const *classes, bool allowed, const char *source,
                                             const cnn_log_sink *log, cnn_error *error);

#endif
