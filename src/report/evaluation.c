/* What an evaluation found, for people and for programs. */
#include "base/json_writer.h"
#include "run/evaluate_model.h"
#include "stats/metrics_text.h"

#include "cnn/version.h"

#include <math.h>

/* The names of the four counts. */
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

/* --- the table --- */

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

static void write_table(const cnn_evaluation *evaluation, cnn_text *text) {
    int models = evaluation->model_count;
    const char *const names[2] = {models == 2 ? "first" : "model", "other"};
    const cnn_predictor *predictor = evaluation->model[0].predictor;
    size_t positives =
        evaluation->model[0].metrics.true_positives + evaluation->model[0].metrics.false_negatives;
    cnn_text_format(text, "%s: %zu images: %zu \"%s\" (class 0), %zu \"%s\" (class 1)\n",
                    evaluation->data, evaluation->counts.measured,
                    evaluation->counts.measured - positives, cnn_predictor_class(predictor, 0),
                    positives, cnn_predictor_class(predictor, 1));
    for (int m = 0; m < models; m++) {
        cnn_text_format(text, "%s: %s\n", names[m], evaluation->model[m].path);
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

/* --- JSON --- */

static void json_number(cnn_json_writer *json, const char *name, double number) {
    cnn_json_number(cnn_json_key(json, name), number);
}

static void json_count(cnn_json_writer *json, const char *name, size_t count) {
    cnn_json_integer(cnn_json_key(json, name), (int64_t)count);
}

static void json_model(cnn_json_writer *json, const cnn_evaluated_model *model) {
    cnn_json_begin_object(json);
    cnn_json_path(cnn_json_key(json, "path"), model->path);
    cnn_json_float(cnn_json_key(json, "threshold"), model->threshold);
    for (int i = 0; i < COUNT_COUNT; i++) {
        json_count(json, counts[i].name, count_value(&model->metrics, i));
    }
    for (int i = 0; i < CNN_METRIC_COUNT; i++) {
        json_number(json, cnn_metric_table[i].name,
                    cnn_metric_value(&model->metrics, (cnn_metric_id)i));
    }
    cnn_intervals_json(cnn_json_key(json, "interval_95"), model->intervals);
    cnn_json_end(json);
}

static void json_tests(cnn_json_writer *json, const cnn_evaluation *evaluation) {
    const cnn_mcnemar *mcnemar = &evaluation->mcnemar;
    const cnn_delong *delong = &evaluation->delong;
    cnn_json_begin_object(cnn_json_key(json, "mcnemar"));
    json_count(json, "only_model", mcnemar->only_first);
    json_count(json, "only_other", mcnemar->only_second);
    cnn_json_boolean(cnn_json_key(json, "exact"), mcnemar->exact);
    json_number(json, "chi_square", mcnemar->chi_square);
    json_number(json, "p", mcnemar->p);
    cnn_json_end(json);
    cnn_json_begin_object(cnn_json_key(json, "delong"));
    json_number(json, "confidence", 0.95);
    json_number(json, "difference", delong->difference);
    json_number(json, "standard_error", delong->standard_error);
    json_number(json, "z", delong->z);
    json_number(json, "p", delong->p);
    json_number(json, "low", delong->low);
    json_number(json, "high", delong->high);
    cnn_json_end(json);
}

static void write_json(const cnn_evaluation *evaluation, cnn_text *text) {
    const cnn_predictor *predictor = evaluation->model[0].predictor;
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_string(cnn_json_key(&json, "version"), CNN_VERSION);
    cnn_json_path(cnn_json_key(&json, "data"), evaluation->data);
    cnn_json_begin_array(cnn_json_key(&json, "classes"));
    cnn_json_string(&json, cnn_predictor_class(predictor, 0));
    cnn_json_string(&json, cnn_predictor_class(predictor, 1));
    cnn_json_end(&json);
    json_count(&json, "images", evaluation->counts.measured);
    json_count(&json, "failed", evaluation->counts.failed);
    cnn_json_begin_object(cnn_json_key(&json, "flaws"));
    json_count(&json, "images", evaluation->flawed);
    for (int k = 0; k < CNN_FLAWS; k++) {
        json_count(&json, cnn_flaw_table[k].name, evaluation->flaws[k]);
    }
    cnn_json_end(&json);
    json_model(cnn_json_key(&json, "model"), &evaluation->model[0]);
    if (evaluation->model_count == 2) {
        json_model(cnn_json_key(&json, "other"), &evaluation->model[1]);
        json_tests(&json, evaluation);
    }
    cnn_json_end(&json);
    cnn_text_append(text, "\n", 1);
}

/* --- */

char *cnn_evaluation_table(const cnn_evaluation *evaluation) {
    cnn_text text = {0};
    write_table(evaluation, &text);
    return cnn_text_take(&text);
}

char *cnn_evaluation_json(const cnn_evaluation *evaluation) {
    cnn_text text = {0};
    write_json(evaluation, &text);
    return cnn_text_take(&text);
}
