/* The interpreter of plans: one block through the instructions of a stage. */
#ifndef CNN_NN_RUN_H
#define CNN_NN_RUN_H

#include "nn/plan.h"

/* The data of the instructions for one block. */
typedef struct cnn_run {
    const cnn_plan *plan;
    const float *parameters; /* [parameter_count], as prepared */
    float *workspace;
    float *gradients; /* [parameter_count], added to; backward only. NULL: only those of values */
    /* Only for networks with layers that see the whole batch: */
    float *shared; /* [plan->shared_size] */
    double *sums;  /* [plan->sums_size]: the sums of this block for the current layer */
    int count;     /* number of lanes that hold images (the first ones) */
} cnn_run;

/* The arguments of one instruction. */
cnn_pass cnn_run_pass(const cnn_run *run, const cnn_instruction *instruction);

/* Instructions first … last - 1, and the same from the last to the first. */
void cnn_run_forward(const cnn_run *run, int first, int last);
void cnn_run_backward(const cnn_run *run, int first, int last);

#endif
