#include "run/epoch_budget.h"

#include <math.h>

/* Validation images are predicted and measured without intervals. */
static double epoch_end(const cnn_run_speed *speed, const cnn_run_work *work) {
    return (double)work->validation * speed->forward + speed->files;
}

double cnn_budget_epoch(const cnn_run_speed *speed, const cnn_run_work *work) {
    return (double)work->batches * speed->step + epoch_end(speed, work);
}

/* After the last epoch. */
static double finish(const cnn_run_speed *speed, const cnn_run_work *work) {
    double validation_passes = work->tunes ? 2.0 : 1.0;
    double test_passes = work->gathered ? 2.0 : 1.0;
    double test_measures = work->gathered ? 3.0 : 1.0;
    double validation = (double)work->validation, test = (double)work->test;
    double passes = validation_passes * validation + test_passes * test + (double)work->compared;
    double measures = validation + test_measures * test;
    /* models that were not written at the end of the epoch (two at most), and the tuned one */
    return passes * speed->forward + measures * speed->intervals + 3.0 * speed->model +
           speed->files;
}

double cnn_budget_end(const cnn_run_speed *speed, const cnn_run_work *work) {
    return epoch_end(speed, work) + finish(speed, work);
}

int64_t cnn_budget_epochs(const cnn_run_speed *speed, const cnn_run_work *work, double seconds,
                          double spent, int64_t limit) {
    double left = (1.0 - CNN_BUDGET_MARGIN) * seconds - spent - finish(speed, work);
    double epochs = floor(left / cnn_budget_epoch(speed, work));
    /* without a single division by zero or number that is too large for an integer */
    return !(epochs >= 1.0) ? 0 : epochs < (double)limit ? (int64_t)epochs : limit;
}
