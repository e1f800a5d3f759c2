/* The model of the chosen member on the test images. No other model is measured on them. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "run/evaluate.h"
#include "run/setup.h"
#include "run/tables.h"

static cnn_status write_predictions(const cnn_setup *setup, const float *logits, const char *path,
                                    cnn_error *error) {
    const cnn_predictions predictions = {.dataset = setup->dataset,
                                         .images = setup->dataset->split[CNN_SPLIT_TEST],
                                         .count = setup->dataset->split_count[CNN_SPLIT_TEST],
                                         .logits = logits,
                                         .thresholds = &setup->info.threshold};
    return cnn_table_write_predictions(path, &predictions, error);
}

static cnn_status measure(const cnn_setup *setup, const cnn_model *model, cnn_minibatch *minibatch,
                          float *logits, const char *path, cnn_measured *test, cnn_error *error) {
    cnn_minibatch_prepare(minibatch, model->parameters);
    CNN_TRY(cnn_evaluate_intervals(setup, minibatch, model->parameters, CNN_SPLIT_TEST, logits,
                                   test, error));
    return write_predictions(setup, logits, path, error);
}

/* setup: of the member's config. */
static cnn_status test_model(const cnn_setup *setup, const cnn_model *model, const char *path,
                             cnn_measured *test, cnn_error *error) {
    cnn_setup with_model = {.dataset = setup->dataset,
                            .network = model->network,
                            .info = model->info,
                            .threads = setup->threads};
    cnn_minibatch *minibatch = NULL;
    float *logits = cnn_alloc(setup->dataset->split_count[CNN_SPLIT_TEST], sizeof *logits);
    cnn_pixel_table_fill(model->info.mean, model->info.deviation, &with_model.table);
    cnn_status status =
        logits ? cnn_minibatch_create(model->network, 0, setup->threads, &minibatch, error)
               : cnn_fail_memory(error, "the test images");
    if (status == CNN_OK) {
        status = measure(&with_model, model, minibatch, logits, path, test, error);
    }
    cnn_minibatch_free(minibatch);
    cnn_free(logits);
    return status;
}

static cnn_status read_and_test(const cnn_setup *setup, const char *model_path, const char *path,
                                cnn_measured *test, cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    cnn_model *model = NULL;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    cnn_status status = cnn_model_read(model_path, kernels, &model, error);
    if (status == CNN_OK && cnn_start_is_frozen(setup->start)) {
        status = cnn_start_take_trained(setup->start, model_path, kernels, model, error);
    }
    if (status == CNN_OK) {
        status = test_model(setup, model, path, test, error);
    }
    cnn_model_free(model);
    return status;
}

static cnn_status copy_classes(const cnn_dataset *dataset, char *classes[2], cnn_error *error) {
    for (int i = 0; i < 2; i++) {
        classes[i] = cnn_copy_string(dataset->classes[i]);
        if (!classes[i]) {
            return cnn_fail_memory(error, "class names");
        }
    }
    return CNN_OK;
}

/* member: the directory of the chosen one. */
static cnn_status test_in(const cnn_run_directory *directory, const cnn_setup *setup,
                          const cnn_run_directory *member, cnn_sweep_findings *found,
                          cnn_error *error) {
    const int chosen = found->choice.member;
    CNN_TRY(copy_classes(setup->dataset, found->classes, error));
    if (setup->dataset->split_count[CNN_SPLIT_TEST] == 0) {
        return CNN_OK;
    }
    CNN_TRY(cnn_sweep_add_tested(directory, chosen, found->rows[chosen - 1].epochs, &found->tested,
                                 error));
    return read_and_test(setup, member->file[CNN_RUN_MODEL],
                         directory->file[CNN_RUN_TEST_PREDICTIONS], &found->test, error);
}

static cnn_status set_up_and_test(const cnn_sweep_set *set, const cnn_run_directory *directory,
                                  const cnn_run_directory *member, cnn_sweep_findings *found,
                                  cnn_error *error) {
    cnn_setup setup;
    cnn_common_options quiet = set->train.common;
    quiet.log = (cnn_log_sink){0};
    cnn_status status = cnn_setup_create(set->configs[found->choice.member - 1], &quiet,
                                         CNN_NETWORK_FAST, &setup, error);
    if (status == CNN_OK) {
        status = test_in(directory, &setup, member, found, error);
    }
    cnn_setup_free(&setup);
    return status;
}

cnn_status cnn_sweep_test(const cnn_sweep_set *set, const cnn_run_directory *directory,
                          cnn_sweep_findings *found, cnn_error *error) {
    cnn_run_directory member = {0};
    char *path = cnn_run_member_path(set->directory, found->choice.member);
    cnn_status status = path ? cnn_run_directory_name(path, &member, error)
                             : cnn_fail_memory(error, set->directory);
    found->test = (cnn_measured){.metrics = cnn_metrics_none()};
    if (status == CNN_OK) {
        status = set_up_and_test(set, directory, &member, found, error);
    }
    cnn_run_directory_free(&member);
    cnn_free(path);
    return status;
}
