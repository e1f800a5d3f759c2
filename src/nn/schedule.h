/* The learning rate of a step: a pure function of the settings and the step's number. */
#ifndef CNN_NN_SCHEDULE_H
#define CNN_NN_SCHEDULE_H

#include <stdint.h>

typedef enum cnn_schedule_kind {
    CNN_SCHEDULE_CONSTANT,
    CNN_SCHEDULE_STEP,
    CNN_SCHEDULE_COSINE,
    CNN_SCHEDULE_ONE_CYCLE,
} cnn_schedule_kind;

typedef struct cnn_schedule {
    cnn_schedule_kind kind;
    double rate;            /* r: the largest one */
    double warmup_epochs;   /* not of one_cycle, which has its own */
    int64_t step_epochs;    /* step: at least 1 */
    double step_factor;     /* step */
    int64_t epochs;         /* of the run; read by cosine and one_cycle */
    int64_t steps_an_epoch; /* at least 1 */
} cnn_schedule;

/* The rate of a step, counted from 0 over the whole run. With W = ceil(warmup_epochs
 * steps_an_epoch), T = epochs steps_an_epoch:
 *   step < W: r (step + 1) / W, whatever the kind but one_cycle;
 *   constant: r;
 *   step: r step_factor^floor(epoch / step_epochs), epochs from 0 (PyTorch's StepLR);
 *   cosine: r (1 + cos(pi (step - W) / (T - W))) / 2 (CosineAnnealingLR down to 0, a step at a
 *     time; Loshchilov and Hutter 2017);
 *   one_cycle: PyTorch's OneCycleLR (Smith 2018) with its defaults: half a cosine from r / 25 up to
 *     r at step 0.3 T - 1, and one down to r / 250000 at the last step. The momentum stays. */
double cnn_schedule_rate(const cnn_schedule *schedule, int64_t step);

#endif
