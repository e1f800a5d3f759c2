/* What a training will take: told by --dry-run, and asked before it is taken. */
#ifndef CNN_RUN_MEMORY_PLAN_H
#define CNN_RUN_MEMORY_PLAN_H

#include "run/setup.h"

/* Bytes. */
typedef struct cnn_memory_plan {
    size_t images;     /* decoded */
    size_t parameters; /* now, best, and the optimizer's state */
    size_t passes;     /* activations and gradients */
} cnn_memory_plan;

cnn_memory_plan cnn_memory_plan_make(const cnn_config *config, const cnn_setup *setup);

/* CNN_ERROR_RUNTIME, with the amounts, where parameters and passes are more than the limit of this
 * process (cnn_memory_limit) leaves beside what is in use. */
CNN_MUST_USE cnn_status cnn_memory_plan_check(const cnn_memory_plan *plan, int threads,
                                              cnn_error *error);

#endif
