/* The line that shows the progress of a training on a terminal, as text:
 *
 *     epoch 12/53 ━━━━━━━─────────────  loss 0.2134 ▇▅▄▃▂▂▁  validation 0.3023  18008 images/s 1:23
 * left
 */
#ifndef CNN_CLI_PROGRESS_LINE_H
#define CNN_CLI_PROGRESS_LINE_H

#include "cnn/text.h"
#include "cnn/sweep.h"

/* The losses of all epochs so far. With more epochs than values, each value is the mean of `each`
 * of them. */
enum { CNN_CURVE_MAX = 64 };

typedef struct cnn_curve {
    double value[CNN_CURVE_MAX];
    int count;      /* values that are complete */
    double sum;     /* of the epochs of the next value */
    int each, part; /* epochs per value, and in the sum; each 0: no epoch yet */
} cnn_curve;

/* Adds the loss of an epoch; one that is not finite is left out. */
void cnn_curve_add(cnn_curve *curve, double loss);

/* What the terminal can show. */
typedef struct cnn_line_style {
    int columns;
    bool unicode; /* block characters; else, ASCII and no curve */
    bool colour;
} cnn_line_style;

/* Appends the line, without its end: at most style->columns columns wide. What does not fit is left
 * out: the curve first, then speed, validation loss and the bar. validation_loss: of the last
 * epoch; NaN: none. */
void cnn_progress_line(const cnn_train_progress *progress, const cnn_curve *curve,
                       double validation_loss, const cnn_line_style *style, cnn_text *line);

/* The same for a sweep with several jobs:
 *
 *     runs 3/12 ━━━━━━━───────────  1 failed  2 running  4:10 left
 *
 * "rung 1/3" comes first, with halving. What does not fit is left out: what is running first, then
 * the bar and the rung. */
void cnn_sweep_line(const cnn_sweep_progress *progress, const cnn_line_style *style,
                    cnn_text *line);

#endif
