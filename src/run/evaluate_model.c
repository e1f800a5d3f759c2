#include "run/evaluate_model.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "run/setup.h"
#include "samples/read.h"

#include <string.h>

/* Images that are predicted together: their predictions take 1 MB per model. */
enum { CHUNK = 4096 };

static cnn_status load_models(const cnn_evaluation_request *request, cnn_evaluation *evaluation,
                              cnn_error *error) {
    evaluation->model_count = request->models[1] ? 2 : 1;
    for (int i = 0; i < evaluation->model_count; i++) {
        cnn_evaluated_model *model = &evaluation->model[i];
        cnn_status status = cnn_predictor_load(request->models[i], &model->predictor, error);
        if (status != CNN_OK) {
            return status;
        }
        model->threshold = request->threshold >= 0.0 ? (float)request->threshold
                                                     : cnn_predictor_threshold(model->predictor);
    }
    for (int label = 0; label < 2 && evaluation->model_count == 2; label++) {
        const char *first = cnn_predictor_class(evaluation->model[0].predictor, label);
        const char *second = cnn_predictor_class(evaluation->model[1].predictor, label);
        if (strcmp(first, second) != 0) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "%s: expected class %d to be \"%.60s\", as in %s, found \"%.60s\"",
                            request->models[1], label, first, request->models[0], second);
        }
    }
    return CNN_OK;
}

/* The images of the request's split. */
static cnn_status list_images(const cnn_evaluation_request *request, cnn_evaluation *evaluation,
                              cnn_sample_list *list, cnn_error *error) {
    const cnn_predictor *predictor = evaluation->model[0].predictor;
    char *classes[2] = {cnn_copy_string(cnn_predictor_class(predictor, 0)),
                        cnn_copy_string(cnn_predictor_class(predictor, 1))};
    cnn_status status = classes[0] && classes[1]
                            ? cnn_sample_list_read(request->data, CNN_SPLIT_TRAIN, true,
                                                   request->threads, classes, list, error)
                            : cnn_fail_memory(error, "class names");
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        cnn_sample *sample = &list->samples[i];
        if (request->split < 0 || sample->split == (cnn_split)request->split) {
            cnn_sample other = list->samples[kept];
            list->samples[kept++] = *sample;
            *sample = other; /* after the end, and freed there */
        }
    }
    if (status == CNN_OK && kept == 0) {
        status = cnn_fail(error, CNN_ERROR_DATA,
                          "%s: expected %s%simages of \"%.60s\" or \"%.60s\", found none",
                          request->data, request->split < 0 ? "" : cnn_split_names[request->split],
                          request->split < 0 ? "" : " ", classes[0], classes[1]);
    }
    evaluation->listed = kept;
    evaluation->other_labels = list->other_labels;
    cnn_free(classes[0]);
    cnn_free(classes[1]);
    return status;
}

/* Predicts `count` images from `first` on, keeps the images that all models can classify, and calls
 * the caller. */
static cnn_status predict_chunk(const cnn_evaluation_request *request, cnn_evaluation *evaluation,
                                const cnn_sample *samples, size_t count, const char **paths,
                                cnn_prediction *predictions, cnn_error *error) {
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < count; i++) {
        paths[i] = samples[i].path;
    }
    for (int m = 0; m < evaluation->model_count && status == CNN_OK; m++) {
        status = cnn_predict_files(evaluation->model[m].predictor, paths, count, request->threads,
                                   predictions + (size_t)m * CHUNK, error);
    }
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        bool two = evaluation->model_count == 2;
        const cnn_prediction *said[2] = {&predictions[i], two ? &predictions[CHUNK + i] : NULL};
        if (request->on_image) {
            request->on_image(request->user, evaluation, &samples[i], said);
        }
        if (said[0]->status != CNN_OK || (two && said[1]->status != CNN_OK)) {
            evaluation->failed++;
            continue;
        }
        size_t place = evaluation->measured++;
        evaluation->labels[place] = samples[i].label == 1;
        for (int m = 0; m < evaluation->model_count; m++) {
            evaluation->model[m].logits[place] = said[m]->logit;
        }
    }
    return status;
}

static cnn_status predict(const cnn_evaluation_request *request, cnn_evaluation *evaluation,
                          const cnn_sample_list *list, cnn_error *error) {
    const char **paths = cnn_alloc(CHUNK, sizeof *paths);
    cnn_prediction *predictions =
        cnn_alloc((size_t)evaluation->model_count * CHUNK, sizeof *predictions);
    evaluation->labels = cnn_alloc(evaluation->listed, sizeof *evaluation->labels);
    bool complete = paths && predictions && evaluation->labels;
    for (int m = 0; m < evaluation->model_count; m++) {
        evaluation->model[m].logits = cnn_alloc(evaluation->listed, sizeof(float));
        complete = complete && evaluation->model[m].logits;
    }
    cnn_status status = complete ? CNN_OK : cnn_fail_memory(error, "an evaluation");
    for (size_t first = 0; first < evaluation->listed && status == CNN_OK; first += CHUNK) {
        size_t count = evaluation->listed - first < CHUNK ? evaluation->listed - first : CHUNK;
        status = predict_chunk(request, evaluation, list->samples + first, count, paths,
                               predictions, error);
    }
    if (status == CNN_OK && evaluation->measured == 0) {
        status = cnn_fail(error, CNN_ERROR_DATA, "%s: none of %zu images can be read",
                          request->data, evaluation->listed);
    }
    cnn_free(paths);
    cnn_free(predictions);
    return status;
}

/* Metrics and their intervals. The logits are already divided by the temperature. */
static cnn_status measure(const cnn_evaluation *evaluation, int threads, cnn_evaluated_model *model,
                          cnn_error *error) {
    cnn_scores scores;
    cnn_status status =
        cnn_scores_from_logits(model->logits, evaluation->labels, evaluation->measured, 1.0,
                               (double)model->threshold, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, &model->metrics);
        status = cnn_bootstrap(&scores, CNN_BOOTSTRAP_SEED, threads, model->intervals, error);
    }
    cnn_scores_free(&scores);
    return status;
}

/* McNemar's test of the decisions, DeLong's of the probabilities. */
static cnn_status compare(cnn_evaluation *evaluation, cnn_error *error) {
    size_t count = evaluation->measured;
    size_t only[2] = {0, 0};
    double *scores[2] = {cnn_alloc(count, sizeof(double)), cnn_alloc(count, sizeof(double))};
    if (!scores[0] || !scores[1]) {
        cnn_free(scores[0]);
        cnn_free(scores[1]);
        return cnn_fail_memory(error, "comparing two models");
    }
    for (size_t i = 0; i < count; i++) {
        bool right[2];
        for (int m = 0; m < 2; m++) {
            float probability = cnn_probability(evaluation->model[m].logits[i]);
            scores[m][i] = (double)probability;
            right[m] =
                (probability >= evaluation->model[m].threshold) == (evaluation->labels[i] == 1);
        }
        only[0] += right[0] && !right[1];
        only[1] += right[1] && !right[0];
    }
    evaluation->mcnemar = cnn_mcnemar_test(only[0], only[1]);
    cnn_status status = cnn_delong_test((const double *const *)scores, evaluation->labels, count,
                                        &evaluation->delong, error);
    cnn_free(scores[0]);
    cnn_free(scores[1]);
    return status;
}

cnn_status cnn_evaluate_model(const cnn_evaluation_request *request, cnn_evaluation *evaluation,
                              cnn_error *error) {
    *evaluation = (cnn_evaluation){0};
    cnn_sample_list list = {0};
    cnn_status status = load_models(request, evaluation, error);
    if (status == CNN_OK) {
        status = list_images(request, evaluation, &list, error);
    }
    if (status == CNN_OK) {
        status = predict(request, evaluation, &list, error);
    }
    for (int m = 0; m < evaluation->model_count && status == CNN_OK; m++) {
        status =
            measure(evaluation, cnn_setup_threads(request->threads), &evaluation->model[m], error);
    }
    if (status == CNN_OK && evaluation->model_count == 2) {
        status = compare(evaluation, error);
    }
    cnn_sample_list_free(&list);
    return status;
}

void cnn_evaluation_free(cnn_evaluation *evaluation) {
    for (int m = 0; m < evaluation->model_count; m++) {
        cnn_predictor_free(evaluation->model[m].predictor);
        cnn_free(evaluation->model[m].logits);
    }
    cnn_free(evaluation->labels);
    *evaluation = (cnn_evaluation){0};
}
