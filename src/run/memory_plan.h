/* The memory that a training needs: printed by --dry-run, and checked before it is allocated. */
#ifndef CNN_RUN_MEMORY_PLAN_H
#define CNN_RUN_MEMORY_PLAN_H

#include "run/setup.h"

/* Bytes. */
typedef struct cnn_memory_plan {
    size_t images;     /* decoded */
    size_t parameters; /* current, best, and the optimizer's state */
    size_t passes;     /* activations and gradients */
} cnn_memory_plan;

cnn_memory_plan cnn_memory_plan_make(const cnn_config *config, const cnn_setup *setup);

/* CNN_ERROR_RUNTIME, with the amounts, if parameters and passes exceed what the limit of this
 * process (cnn_memory_limit) leaves. */
CNN_MUST_USE cnn_status cnn_memory_plan_check(const cnn_memory_plan *plan, int threads,
                                              cnn_error *error);

#endif
