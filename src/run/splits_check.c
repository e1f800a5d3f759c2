#include "run/splits_check.h"

#include "base/error.h"
#include "run/best_epoch.h"
#include "run/tune.h"

cnn_status cnn_splits_check(const cnn_config *config, const cnn_dataset *dataset,
                            cnn_error *error) {
    CNN_TRY(cnn_tune_check(config, dataset, error));
    return cnn_best_epoch_check(config, dataset, error);
}

/* The `check` of a reading whose context is a config. */
static cnn_status check_list(const void *context, const cnn_dataset *listed, cnn_error *error) {
    const cnn_config *config = context;
    bool holds_back =
        listed->split_count[CNN_SPLIT_VALIDATION] == 0 && config->data.validation.fraction > 0.0;
    return holds_back ? CNN_OK : cnn_splits_check(config, listed, error);
}

void cnn_splits_check_list(const cnn_config *config, cnn_reading *reading) {
    reading->check = check_list;
    reading->check_context = config;
}
