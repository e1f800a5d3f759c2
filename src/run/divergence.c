/* Training that has diverged: a loss or a weight is no longer finite. */
#include "base/error.h"
#include "run/trainer.h"

#include <math.h>
#include <stdio.h>

/* what: what is not finite. where: "batch 7". */
static cnn_status fail(const cnn_trainer *t, const char *where, const char *what,
                       cnn_error *error) {
    double rate = t->config->train.schedule.rate;
    char kept[512] = "no epoch was finished, so there is no model";
    if (t->state.epochs > 0) {
        (void)snprintf(kept, sizeof kept, "%.400s keeps the model of epoch %lld",
                       t->session.directory.file[CNN_RUN_MODEL],
                       (long long)cnn_trainer_model_epoch(t));
    }
    return cnn_fail(error, CNN_ERROR_DIVERGED,
                    "epoch %lld, %s: %s: training has diverged, most likely because "
                    "train.learning_rate = %g is too large (try %g); %s",
                    (long long)t->state.epochs + 1, where, what, rate,
                    rate > 1.0 ? 0.1 : rate / 10.0, kept);
}

static const char *describe_loss(double loss) {
    return isnan(loss) ? "the loss is NaN" : "the loss is infinite";
}

cnn_status cnn_divergence_of_batch(const cnn_trainer *t, double loss, cnn_error *error) {
    char where[40];
    if (isfinite(loss)) {
        return CNN_OK;
    }
    (void)snprintf(where, sizeof where, "batch %lld", (long long)t->state.batches + 1);
    return fail(t, where, describe_loss(loss), error);
}

cnn_status cnn_divergence_of_epoch(const cnn_trainer *t, double loss, cnn_error *error) {
    static const char where[] = "at its end";
    if (!isfinite(loss)) {
        return fail(t, where, describe_loss(loss), error);
    }
    for (size_t i = 0; i < t->values.parameter_count; i++) {
        if (!isfinite(t->values.parameters[i])) {
            return fail(t, where, "weights are not finite", error);
        }
    }
    return CNN_OK;
}
