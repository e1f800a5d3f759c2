#include "report/evaluation.h"

#include <math.h>

/* The four counts of a threshold, by name. */
typedef struct count_name {
    const char *name, *text;
    size_t offset;
} count_name;

static const count_name counts[] = {
    {"true_positives", "true positives", offsetof(cnn_metrics, true_positives)},
    {"false_positives", "false positives", offsetof(cnn_metrics, false_positives)},
    {"true_negatives", "true negatives", offsetof(cnn_metrics, true_negatives)},
    {"false_negatives", "false negatives", offsetof(cnn_metrics, false_negatives)},
};
enum { COUNT_COUNT = sizeof counts / sizeof *counts };

static size_t count_value(const cnn_metrics *metrics, int i) {
    return *(const size_t *)(const void *)((const char *)metrics + counts[i].offset);
}

/* --- for people --- */

/* "  [0.8880, 0.9140]": the width of an interval. */
enum { INTERVAL_WIDTH = 18 };

static void table_interval(cnn_text *text, const cnn_interval *interval) {
    if (isnan(interval->low)) {
        cnn_text_format(text, "%*s", INTERVAL_WIDTH, "");
    } else {
        cnn_text_format(text, "  [%.4f, %.4f]", interval->low, interval->high);
    }
}

static void table_number(cnn_text *text, double number) {
    if (isnan(number)) {
        cnn_text_format(text, "  %10s", "-");
    } else {
        cnn_text_format(text, "  %10.4f", number);
    }
}

static void tests_table(const cnn_evaluation *evaluation, cnn_text *text) {
    const cnn_mcnemar *mcnemar = &evaluation->mcnemar;
    const cnn_delong *delong = &evaluation->delong;
    cnn_text_format(text,
                    "\naccuracy: only the first is right %zu times, only the other %zu times; "
                    "McNemar's test (%s",
                    mcnemar->only_first, mcnemar->only_second,
                    mcnemar->exact ? "exact binomial" : "chi-square with continuity correction");
    if (!mcnemar->exact) {
        cnn_text_format(text, ", %.4f", mcnemar->chi_square);
    }
    cnn_text_format(text, "): p = %.4g\n", mcnemar->p);
    if (isnan(delong->p)) {
        cnn_text_format(text, "ROC AUC: DeLong's test needs two images of each class\n");
    } else {
        cnn_text_format(text,
                        "ROC AUC: first - other = %.4f, 95 %% interval %.4f to %.4f; DeLong's test "
                        "(standard error %.4f, z = %.3f): p = %.4g\n",
                        delong->difference, delong->low, delong->high, delong->standard_error,
                        delong->z, delong->p);
    }
}

void cnn_evaluation_table(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                          cnn_text *text) {
    int models = evaluation->model_count;
    const char *const names[2] = {models == 2 ? "first" : "model", "other"};
    const cnn_predictor *predictor = evaluation->model[0].predictor;
    size_t positives =
        evaluation->model[0].metrics.true_positives + evaluation->model[0].metrics.false_negatives;
    cnn_text_format(text, "%s: %zu images: %zu \"%s\" (class 0), %zu \"%s\" (class 1)\n",
                    request->data, evaluation->measured, evaluation->measured - positives,
                    cnn_predictor_class(predictor, 0), positives,
                    cnn_predictor_class(predictor, 1));
    for (int m = 0; m < models; m++) {
        cnn_text_format(text, "%s: %s\n", names[m], request->models[m]);
    }
    cnn_text_format(text, "\n%-20s", "");
    for (int m = 0; m < models; m++) {
        cnn_text_format(text, "  %10s  %-*s", names[m], INTERVAL_WIDTH - 2, "95 % interval");
    }
    cnn_text_format(text, "\n%-20s", "threshold");
    for (int m = 0; m < models; m++) {
        table_number(text, (double)evaluation->model[m].threshold);
        cnn_text_format(text, "%*s", m + 1 < models ? INTERVAL_WIDTH : 0, "");
    }
    for (int i = 0; i < COUNT_COUNT; i++) {
        cnn_text_format(text, "\n%-20s", counts[i].text);
        for (int m = 0; m < models; m++) {
            cnn_text_format(text, "  %10zu%*s", count_value(&evaluation->model[m].metrics, i),
                            m + 1 < models ? INTERVAL_WIDTH : 0, "");
        }
    }
    for (int i = 0; i < CNN_METRIC_COUNT; i++) {
        cnn_text_format(text, "\n%-20s", cnn_metric_table[i].text);
        for (int m = 0; m < models; m++) {
            table_number(text, cnn_metric_value(&evaluation->model[m].metrics, (cnn_metric_id)i));
            table_interval(text, &evaluation->model[m].intervals[i]);
        }
    }
    cnn_text_format(text, "\n");
    if (models == 2) {
        tests_table(evaluation, text);
    }
}

/* --- for programs --- */

static void json_number(cnn_text *text, const char *name, double number) {
    if (isfinite(number)) {
        cnn_text_format(text, ",\"%s\":%.15g", name, number);
    } else {
        cnn_text_format(text, ",\"%s\":null", name);
    }
}

static void json_model(const cnn_evaluated_model *model, const char *path, cnn_text *text) {
    cnn_text_format(text, "{\"path\":");
    cnn_text_json_string(text, path);
    cnn_text_format(text, ",\"threshold\":%.9g", (double)model->threshold);
    for (int i = 0; i < COUNT_COUNT; i++) {
        cnn_text_format(text, ",\"%s\":%zu", counts[i].name, count_value(&model->metrics, i));
    }
    for (int i = 0; i < CNN_METRIC_COUNT; i++) {
        json_number(text, cnn_metric_table[i].name,
                    cnn_metric_value(&model->metrics, (cnn_metric_id)i));
    }
    cnn_text_format(text, ",\"interval_95\":{");
    for (int i = 0; i < CNN_METRIC_COUNT; i++) {
        cnn_text_format(text, "%s\"%s\":[", i > 0 ? "," : "", cnn_metric_table[i].name);
        cnn_text_number(text, model->intervals[i].low, "null");
        cnn_text_append(text, ",", 1);
        cnn_text_number(text, model->intervals[i].high, "null");
        cnn_text_append(text, "]", 1);
    }
    cnn_text_format(text, "}}");
}

static void json_tests(const cnn_evaluation *evaluation, cnn_text *text) {
    const cnn_mcnemar *mcnemar = &evaluation->mcnemar;
    const cnn_delong *delong = &evaluation->delong;
    cnn_text_format(text, ",\"mcnemar\":{\"only_model\":%zu,\"only_other\":%zu,\"exact\":%s",
                    mcnemar->only_first, mcnemar->only_second, mcnemar->exact ? "true" : "false");
    json_number(text, "chi_square", mcnemar->chi_square);
    json_number(text, "p", mcnemar->p);
    cnn_text_format(text, "},\"delong\":{\"confidence\":0.95");
    json_number(text, "difference", delong->difference);
    json_number(text, "standard_error", delong->standard_error);
    json_number(text, "z", delong->z);
    json_number(text, "p", delong->p);
    json_number(text, "low", delong->low);
    json_number(text, "high", delong->high);
    cnn_text_format(text, "}");
}

void cnn_evaluation_json(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                         cnn_text *text) {
    const cnn_predictor *predictor = evaluation->model[0].predictor;
    cnn_text_format(text, "{\"version\":\"%s\",\"data\":", CNN_VERSION);
    cnn_text_json_string(text, request->data);
    cnn_text_format(text, ",\"classes\":[");
    cnn_text_json_string(text, cnn_predictor_class(predictor, 0));
    cnn_text_append(text, ",", 1);
    cnn_text_json_string(text, cnn_predictor_class(predictor, 1));
    cnn_text_format(text, "],\"images\":%zu,\"failed\":%zu,\"model\":", evaluation->measured,
                    evaluation->failed);
    json_model(&evaluation->model[0], request->models[0], text);
    if (evaluation->model_count == 2) {
        cnn_text_format(text, ",\"other\":");
        json_model(&evaluation->model[1], request->models[1], text);
        json_tests(evaluation, text);
    }
    cnn_text_format(text, "}\n");
}
