/* Rules about keys: which a resumed run may change, and which exclude each other. */
#include "config/keys.h"

/* Schedules whose learning rates depend on the length of the run. */
static const char *const schedules_of_a_length[] = {"cosine", "one_cycle", NULL};

const cnn_resume_rule cnn_resume_rules[] = {
    {.key = "data.train", .path_to_path = true},
    {.key = "data.validation", .path_to_path = true},
    {.key = "data.test", .path_to_path = true},
    {.key = "data.classes", .left_to_data = true},
    {.key = "data.duplicates"}, /* what is trained on is compared by its content */
    {.key = "pretrained.file", .path_to_path = true},
    {.key = "train.epochs", .unless_key = "train.schedule", .unless_values = schedules_of_a_length},
    {.key = "train.minutes"},
    {.key = "train.checkpoint_seconds"},
    {.key = "train.early_stopping.patience"},
    {.key = "output"},
    {.key = NULL},
};

static bool nesterov_without_momentum(const cnn_config *config) {
    return config->train.optimizer.nesterov && !(config->train.optimizer.momentum > 0.0);
}

static bool one_cycle_with_warmup(const cnn_config *config) {
    return config->train.schedule.kind == CNN_SCHEDULE_ONE_CYCLE &&
           config->train.schedule.warmup_epochs > 0.0;
}

static bool balanced_twice(const cnn_config *config) {
    return config->data.sampling == CNN_SAMPLING_BALANCED && config->train.pos_weight.text;
}

static bool saturation_of_grey(const cnn_config *config) {
    return config->augment.saturation > 0.0 && config->image.channels == 1;
}

static bool validation_path(const cnn_config *config) {
    return config->data.validation.path != NULL;
}

static bool test_path(const cnn_config *config) {
    return config->data.test != NULL;
}

const cnn_config_conflict cnn_config_conflicts[] = {
    {.key = "augment.saturation",
     .expected = "0, since grey images (image.channels 1) have no colours",
     .found = saturation_of_grey},
    {.key = "train.momentum",
     .expected = "a number above 0 with train.nesterov",
     .found = nesterov_without_momentum},
    {.key = "train.warmup_epochs",
     .expected = "0 with train.schedule \"one_cycle\", which warms up by itself",
     .found = one_cycle_with_warmup},
    {.key = "train.pos_weight",
     .expected = "a number with data.sampling \"balanced\", which balances the classes already",
     .found = balanced_twice},
    {.key = "data.validation",
     .expected = "a share with --folds, which divides data.train",
     .found = validation_path,
     .with_folds = true},
    {.key = "data.test",
     .expected = "none with --folds, which tests on data.train",
     .found = test_path,
     .with_folds = true},
    {.key = NULL},
};
