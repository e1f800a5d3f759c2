#include "run/training_settings.h"

#include "samples/sampling.h"

#include <stdio.h>

cnn_optimizer cnn_settings_optimizer(const cnn_config *config) {
    return config->train.optimizer;
}

double cnn_settings_seconds(const cnn_config *config) {
    return config->train.epochs > 0 ? 60.0 * config->train.minutes : 0.0;
}

cnn_schedule cnn_settings_schedule(const cnn_config *config, size_t images) {
    const int64_t batch_size = config->train.batch_size;
    cnn_schedule schedule = config->train.schedule;
    schedule.epochs = config->train.epochs;
    schedule.steps_an_epoch = ((int64_t)images + batch_size - 1) / batch_size;
    return schedule;
}

cnn_objective cnn_settings_objective(const cnn_config *config, const cnn_dataset *dataset) {
    const size_t *images = dataset->class_count[CNN_SPLIT_TRAIN]; /* none is 0 */
    cnn_objective objective = config->train.objective;
    objective.pos_weight = config->train.pos_weight.text ? (double)images[0] / (double)images[1]
                                                         : config->train.pos_weight.number;
    return objective;
}

void cnn_settings_log_balance(const cnn_config *config, const cnn_dataset *dataset,
                              const cnn_log_sink *log) {
    const size_t *images = dataset->class_count[CNN_SPLIT_TRAIN];
    double weight = cnn_settings_objective(config, dataset).pos_weight;
    if (config->train.pos_weight.text || weight < 1.0 || weight > 1.0) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "train.pos_weight: an image of \"%s\" (class 1) counts %.6g times in the "
                        "loss of training%s",
                        dataset->classes[1], weight,
                        config->train.pos_weight.text ? ", which balances the classes" : "");
    }
    if (config->data.sampling == CNN_SAMPLING_BALANCED) {
        cnn_sampling_plan plan = cnn_sampling_plan_make(dataset);
        for (int label = 0; label < 2; label++) {
            char more[32] = "";
            if (plan.extra[label] > 0) {
                (void)snprintf(more, sizeof more, " or %zu", plan.rounds[label] + 1);
            }
            cnn_log_message(log, CNN_LOG_INFO,
                            "data.sampling: an epoch has %zu images of \"%s\", each %zu%s times "
                            "(of %zu)",
                            plan.images[label], dataset->classes[label], plan.rounds[label], more,
                            images[label]);
        }
    }
}
