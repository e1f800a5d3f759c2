#include "run/evaluate_model.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/loss.h"
#include "run/predict_measured.h"
#include "run/setup.h"
#include "samples/list.h"
#include "samples/read.h"

#include <math.h>
#include <string.h>

/* Images that are predicted together: their predictions take 1 MB per model. */
enum { CHUNK = 4096 };

/* What to evaluate. */
typedef struct request {
    const cnn_evaluate_options *options;
    int split; /* a cnn_split; -1: all */
} request;

static cnn_status load_model(const request *r, const char *path, cnn_evaluated_model *model,
                             cnn_error *error) {
    model->path = cnn_copy_string(path);
    if (!model->path) {
        return cnn_fail_memory(error, "a path");
    }
    CNN_TRY(cnn_predictor_load(path, &model->predictor, error));
    if (r->options->max_megapixels_name) {
        cnn_predictor_limit_pixels(model->predictor, r->options->max_megapixels,
                                   r->options->max_megapixels_name);
    }
    model->threshold = r->options->threshold ? (float)*r->options->threshold
                                             : cnn_predictor_threshold(model->predictor);
    return CNN_OK;
}

static cnn_status check_classes(const cnn_evaluated_model model[2], cnn_error *error) {
    for (int label = 0; label < 2; label++) {
        const char *first = cnn_predictor_class(model[0].predictor, label);
        const char *second = cnn_predictor_class(model[1].predictor, label);
        if (strcmp(first, second) != 0) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "%s: expected class %d to be \"%.60s\", as in %s, found \"%.60s\"",
                            model[1].path, label, first, model[0].path, second);
        }
    }
    return CNN_OK;
}

static cnn_status load_models(const request *r, const char *path, cnn_evaluation *evaluation,
                              cnn_error *error) {
    evaluation->model_count = r->options->other ? 2 : 1;
    CNN_TRY(load_model(r, path, &evaluation->model[0], error));
    if (evaluation->model_count == 1) {
        return CNN_OK;
    }
    CNN_TRY(load_model(r, r->options->other, &evaluation->model[1], error));
    return check_classes(evaluation->model, error);
}

/* Moves the images of the split to the front of the list. Returns how many there are. */
static size_t keep_split(int split, cnn_sample_list *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        cnn_sample *sample = &list->samples[i];
        if (split < 0 || sample->split == (cnn_split)split) {
            cnn_sample other = list->samples[kept];
            list->samples[kept++] = *sample;
            *sample = other; /* after the end, and freed there */
        }
    }
    return kept;
}

/* Lists the images of the split. */
static cnn_status list_images(const request *r, cnn_evaluation *evaluation, char *classes[2],
                              cnn_sample_list *list, cnn_error *error) {
    if (!classes[0] || !classes[1]) {
        return cnn_fail_memory(error, "class names");
    }
    const cnn_list_source source = {.path = evaluation->data,
                                    .split = CNN_SPLIT_TRAIN,
                                    .splits_allowed = true,
                                    .threads = r->options->threads,
                                    .log = &r->options->log};
    CNN_TRY(cnn_sample_list_read(&source, classes, list, error));
    cnn_sample_list_log_folders(list, classes, &r->options->log);
    evaluation->counts.listed = keep_split(r->split, list);
    evaluation->counts.other_labels = list->other_labels;
    if (evaluation->counts.listed == 0) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: expected %s%simages of \"%.60s\" or \"%.60s\", found none",
                        evaluation->data, r->split < 0 ? "" : cnn_split_names[r->split],
                        r->split < 0 ? "" : " ", classes[0], classes[1]);
    }
    return CNN_OK;
}

/* Memory for the predictions of a chunk; and the measures of all images. */
typedef struct chunk {
    const char **paths;          /* [CHUNK] */
    cnn_prediction *predictions; /* [models][CHUNK] */
    cnn_image_quality *seen;     /* [CHUNK]: the chunk's images, as the first model sees them */
    cnn_image_quality *quality;  /* [counts.listed]: of those measured */
} chunk;

/* Passes a chunk's predictions to the caller, and keeps those of images that all models can read.
 */
static void keep_predictions(const request *r, cnn_evaluation *evaluation, cnn_sample *samples,
                             size_t count, const chunk *c) {
    const cnn_prediction *predictions = c->predictions;
    bool two = evaluation->model_count == 2;
    for (size_t i = 0; i < count; i++) {
        const cnn_evaluated_image image = {
            .path = samples[i].path,
            .label = samples[i].label,
            .prediction = {&predictions[i], two ? &predictions[CHUNK + i] : NULL}};
        if (r->options->on_image) {
            r->options->on_image(r->options->user, evaluation, &image);
        }
        if (image.prediction[0]->status != CNN_OK ||
            (two && image.prediction[1]->status != CNN_OK)) {
            evaluation->counts.failed++;
            continue;
        }
        size_t place = evaluation->counts.measured++;
        evaluation->labels[place] = image.label == 1;
        evaluation->paths[place] = samples[i].path;
        samples[i].path = NULL; /* the evaluation's now */
        c->quality[place] = c->seen[i];
        for (int m = 0; m < evaluation->model_count; m++) {
            evaluation->model[m].logits[place] = image.prediction[m]->logit;
        }
    }
}

static cnn_status predict_chunk(const request *r, cnn_evaluation *evaluation, cnn_sample *samples,
                                size_t count, const chunk *c, cnn_error *error) {
    for (size_t i = 0; i < count; i++) {
        c->paths[i] = samples[i].path;
    }
    for (int m = 0; m < evaluation->model_count; m++) {
        CNN_TRY(cnn_predict_measured(evaluation->model[m].predictor, c->paths, count,
                                     r->options->threads, c->predictions + (size_t)m * CHUNK,
                                     m == 0 ? c->seen : NULL, error));
    }
    keep_predictions(r, evaluation, samples, count, c);
    return CNN_OK;
}

static cnn_status predict_all(const request *r, cnn_evaluation *evaluation, cnn_sample_list *list,
                              const chunk *c, cnn_error *error) {
    size_t listed = evaluation->counts.listed;
    evaluation->labels = cnn_alloc(listed, sizeof *evaluation->labels);
    evaluation->paths = cnn_alloc(listed, sizeof *evaluation->paths);
    bool complete = c->paths && c->predictions && c->seen && c->quality && evaluation->labels &&
                    evaluation->paths;
    for (int m = 0; m < evaluation->model_count; m++) {
        evaluation->model[m].logits = cnn_alloc(listed, sizeof(float));
        complete = complete && evaluation->model[m].logits;
    }
    if (!complete) {
        return cnn_fail_memory(error, "an evaluation");
    }
    for (size_t first = 0; first < listed; first += CHUNK) {
        size_t count = listed - first < CHUNK ? listed - first : CHUNK;
        CNN_TRY(predict_chunk(r, evaluation, list->samples + first, count, c, error));
    }
    return evaluation->counts.measured > 0
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_DATA, "%s: none of %zu images can be read",
                          evaluation->data, listed);
}

/* Looks for images that may show too little, and says in one line how many there are. */
static cnn_status find_flaws(const request *r, cnn_evaluation *evaluation,
                             const cnn_image_quality *quality, uint8_t *flaws, cnn_error *error) {
    size_t count = evaluation->counts.measured;
    cnn_text list = {0};
    if (!flaws) {
        return cnn_fail_memory(error, "comparing images");
    }
    CNN_TRY(cnn_flaws_find(quality, evaluation->labels, count, flaws, error));
    for (int k = 0; k < CNN_FLAWS; k++) {
        for (size_t i = 0; i < count; i++) {
            evaluation->flaws[k] += flaws[i] >> k & 1;
        }
        if (evaluation->flaws[k] > 0) {
            cnn_text_format(&list, "%s%zu %s", list.length > 0 ? ", " : "", evaluation->flaws[k],
                            cnn_flaw_table[k].text);
        }
    }
    for (size_t i = 0; i < count; i++) {
        evaluation->flawed += flaws[i] != 0;
    }
    if (evaluation->flawed > 0 && !list.failed) {
        cnn_log_message(&r->options->log, CNN_LOG_WARNING,
                        "%s: %zu of %zu images may show too little: %s (cnntrain --check-data "
                        "names them)",
                        evaluation->data, evaluation->flawed, count, list.data);
    }
    cnn_status status = list.failed ? cnn_fail_memory(error, "comparing images") : CNN_OK;
    cnn_text_free(&list);
    return status;
}

/* Predicts all images, and looks for flaws in them. */
static cnn_status predict_and_look(const request *r, cnn_evaluation *evaluation,
                                   cnn_sample_list *list, const chunk *c, cnn_error *error) {
    CNN_TRY(predict_all(r, evaluation, list, c, error));
    uint8_t *flaws = cnn_alloc(evaluation->counts.measured, sizeof *flaws);
    cnn_status status = find_flaws(r, evaluation, c->quality, flaws, error);
    cnn_free(flaws);
    return status;
}

static cnn_status predict(const request *r, cnn_evaluation *evaluation, cnn_sample_list *list,
                          cnn_error *error) {
    chunk c = {.paths = cnn_alloc(CHUNK, sizeof *c.paths),
               .predictions =
                   cnn_alloc((size_t)evaluation->model_count * CHUNK, sizeof *c.predictions),
               .seen = cnn_alloc(CHUNK, sizeof *c.seen),
               .quality = cnn_alloc(evaluation->counts.listed, sizeof *c.quality)};
    const cnn_status status = predict_and_look(r, evaluation, list, &c, error);
    cnn_free(c.seen);
    cnn_free(c.quality);
    cnn_free(c.paths);
    cnn_free(c.predictions);
    return status;
}

/* Metrics and their intervals. The logits are already divided by the temperature. */
static cnn_status measure(const cnn_evaluation *evaluation, int threads, cnn_evaluated_model *model,
                          cnn_error *error) {
    cnn_scores scores;
    cnn_status status =
        cnn_scores_from_logits(model->logits, evaluation->labels, evaluation->counts.measured, 1.0,
                               (double)model->threshold, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, &model->metrics);
        status = cnn_intervals_measure(&scores, &model->metrics, threads, model->intervals, error);
    }
    cnn_scores_free(&scores);
    return status;
}

/* McNemar's test of the decisions, DeLong's of the probabilities. */
static cnn_status compare(cnn_evaluation *evaluation, cnn_error *error) {
    size_t count = evaluation->counts.measured;
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

/* Predicts the images of a list, and measures the predictions. */
static cnn_status evaluate_list(const request *r, cnn_evaluation *evaluation, cnn_sample_list *list,
                                cnn_error *error) {
    const cnn_predictor *predictor = evaluation->model[0].predictor;
    char *classes[2] = {cnn_copy_string(cnn_predictor_class(predictor, 0)),
                        cnn_copy_string(cnn_predictor_class(predictor, 1))};
    const cnn_status status = list_images(r, evaluation, classes, list, error);
    cnn_free(classes[0]);
    cnn_free(classes[1]);
    CNN_TRY(status);
    CNN_TRY(predict(r, evaluation, list, error));
    for (int m = 0; m < evaluation->model_count; m++) {
        CNN_TRY(measure(evaluation, cnn_setup_threads(r->options->threads), &evaluation->model[m],
                        error));
    }
    return evaluation->model_count == 2 ? compare(evaluation, error) : CNN_OK;
}

static cnn_status evaluate(const request *r, const char *model, const char *data,
                           cnn_evaluation *evaluation, cnn_error *error) {
    evaluation->threads = r->options->threads;
    evaluation->data = cnn_copy_string(data);
    if (!evaluation->data) {
        return cnn_fail_memory(error, "a path");
    }
    CNN_TRY(load_models(r, model, evaluation, error));
    cnn_sample_list list = {0};
    const cnn_status status = evaluate_list(r, evaluation, &list, error);
    cnn_sample_list_free(&list);
    return status;
}

static cnn_status find_split(const char *name, int *split, cnn_error *error) {
    *split = -1;
    for (int i = 0; name && i < CNN_SPLIT_COUNT; i++) {
        *split = strcmp(name, cnn_split_names[i]) == 0 ? i : *split;
    }
    return !name || *split >= 0
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "split: expected train, validation or test, got \"%.60s\"", name);
}

cnn_status cnn_evaluate_model(const char *model, const char *data,
                              const cnn_evaluate_options *options, cnn_evaluation **evaluation,
                              cnn_error *error) {
    static const cnn_evaluate_options none = {0};
    request r = {.options = options ? options : &none};
    *evaluation = NULL;
    CNN_TRY(find_split(r.options->split, &r.split, error));
    cnn_evaluation *made = cnn_alloc(1, sizeof *made);
    if (!made) {
        return cnn_fail_memory(error, "an evaluation");
    }
    const cnn_status status = evaluate(&r, model, data, made, error);
    if (status == CNN_OK) {
        *evaluation = made;
    } else {
        cnn_evaluation_free(made);
    }
    return status;
}

void cnn_evaluation_free(cnn_evaluation *evaluation) {
    if (!evaluation) {
        return;
    }
    for (int m = 0; m < 2; m++) {
        cnn_predictor_free(evaluation->model[m].predictor);
        cnn_free(evaluation->model[m].path);
        cnn_free(evaluation->model[m].logits);
    }
    cnn_free(evaluation->data);
    for (size_t i = 0; evaluation->paths && i < evaluation->counts.measured; i++) {
        cnn_free(evaluation->paths[i]);
    }
    cnn_free(evaluation->paths);
    cnn_free(evaluation->labels);
    cnn_free(evaluation);
}

/* --- single results --- */

cnn_evaluation_counts cnn_evaluation_count(const cnn_evaluation *evaluation) {
    return evaluation->counts;
}

const char *cnn_evaluation_class(const cnn_evaluation *evaluation, int label) {
    return cnn_predictor_class(evaluation->model[0].predictor, label);
}

float cnn_evaluation_threshold(const cnn_evaluation *evaluation, int model) {
    return evaluation->model[model].threshold;
}

cnn_evaluation_confusion cnn_evaluation_confusion_of(const cnn_evaluation *evaluation, int model) {
    const cnn_metrics *metrics = &evaluation->model[model].metrics;
    return (cnn_evaluation_confusion){.true_positives = metrics->true_positives,
                                      .false_positives = metrics->false_positives,
                                      .true_negatives = metrics->true_negatives,
                                      .false_negatives = metrics->false_negatives};
}

const char *const *cnn_evaluation_metrics(void) {
    static const char *const names[] = {
#define METRIC_NAME(field, ...) #field,
        CNN_METRIC_LIST(METRIC_NAME)
#undef METRIC_NAME
            NULL,
    };
    return names;
}

cnn_evaluation_metric cnn_evaluation_metric_of(const cnn_evaluation *evaluation, int model,
                                               const char *name) {
    for (int i = 0; i < CNN_METRIC_COUNT; i++) {
        if (strcmp(name, cnn_metric_table[i].name) == 0) {
            const cnn_evaluated_model *measured = &evaluation->model[model];
            return (cnn_evaluation_metric){
                .value = cnn_metric_value(&measured->metrics, (cnn_metric_id)i),
                .low = measured->intervals[i].low,
                .high = measured->intervals[i].high};
        }
    }
    return (cnn_evaluation_metric){(double)NAN, (double)NAN, (double)NAN};
}

bool cnn_evaluation_compare(const cnn_evaluation *evaluation,
                            cnn_evaluation_comparison *comparison) {
    *comparison = (cnn_evaluation_comparison){0};
    if (evaluation->model_count < 2) {
        return false;
    }
    *comparison = (cnn_evaluation_comparison){.only_first = evaluation->mcnemar.only_first,
                                              .only_second = evaluation->mcnemar.only_second,
                                              .accuracy_p = evaluation->mcnemar.p,
                                              .auc_difference = evaluation->delong.difference,
                                              .auc_low = evaluation->delong.low,
                                              .auc_high = evaluation->delong.high,
                                              .auc_p = evaluation->delong.p};
    return true;
}
