/* What the models of members say about each of their validation images: predictions.csv. */
#include "run/sweep_set.h"

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "stats/compare.h"

#include <math.h>
#include <string.h>

#define TABLE_LIMIT ((size_t)1 << 30)

/* A float next to 0 or 1 can be rounded to it. */
#define LEAST_PROBABILITY 5.9604644775390625e-08 /* 2^-24 */

static bool grow(cnn_sweep_predictions *p) {
    size_t count = p->count + 1;
    return cnn_grow((void **)&p->image, &p->capacity[0], count, sizeof *p->image) &&
           cnn_grow((void **)&p->label, &p->capacity[1], count, sizeof *p->label) &&
           cnn_grow((void **)&p->value, &p->capacity[2], count, sizeof *p->value);
}

/* The value of an image. right: was it classified correctly? */
static double value_of(cnn_metric_id metric, double probability, int label, bool right) {
    double of_label = label == 1 ? probability : 1.0 - probability;
    switch (metric) {
    case CNN_METRIC_loss:
        return -log(fmax(of_label, LEAST_PROBABILITY));
    case CNN_METRIC_brier:
        return (1.0 - of_label) * (1.0 - of_label);
    case CNN_METRIC_auc:
        return probability; /* until all are known */
    default:
        return right;
    }
}

/* Columns path,label,predicted,probability. */
static cnn_status parse(const char *path, char *text, const char *class_1, cnn_metric_id metric,
                        cnn_sweep_predictions *p, cnn_error *error) {
    cnn_csv csv = cnn_csv_start(text);
    (void)cnn_csv_next(&csv); /* the header */
    while (cnn_csv_next(&csv)) {
        if (csv.count < 4) {
            return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: damaged: row %zu: expected 4 columns",
                            path, csv.line);
        }
        if (!grow(p)) {
            return cnn_fail_memory(error, path);
        }
        uint8_t label = strcmp(csv.field[1], class_1) == 0;
        p->image[p->count] = cnn_hash_bytes(CNN_HASH_START, csv.field[0], strlen(csv.field[0]));
        p->label[p->count] = label;
        p->value[p->count++] = value_of(metric, cnn_number_read(csv.field[3], NULL), label,
                                        strcmp(csv.field[1], csv.field[2]) == 0);
    }
    return CNN_OK;
}

/* For the area under the ROC curve: each value becomes the image's component of the area. */
static cnn_status find_components(cnn_sweep_predictions *p, cnn_error *error) {
    double *component = cnn_alloc(p->count, sizeof *component);
    cnn_status status = component
                            ? cnn_area_components(p->value, p->label, p->count, component, error)
                            : cnn_fail_memory(error, "the comparison");
    if (status == CNN_OK) {
        memcpy(p->value, component, p->count * sizeof *component);
    }
    cnn_free(component);
    return status;
}

static cnn_status read_file(const char *path, const char *class_1, cnn_metric_id metric,
                            cnn_sweep_predictions *p, cnn_error *error) {
    char *text;
    size_t size;
    cnn_status status = cnn_file_read(path, TABLE_LIMIT, CNN_ERROR_RUNTIME, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = parse(path, text, class_1, metric, p, error);
    cnn_free(text);
    return status == CNN_OK && metric == CNN_METRIC_auc ? find_components(p, error) : status;
}

cnn_status cnn_sweep_read_predictions(const cnn_sweep_set *set, int member, const char *class_1,
                                      cnn_metric_id metric, cnn_sweep_predictions *p,
                                      cnn_error *error) {
    cnn_run_directory directory;
    *p = (cnn_sweep_predictions){0};
    cnn_status status = cnn_run_member_directory(set->directory, member, &directory, error);
    if (status == CNN_OK) {
        status = read_file(directory.file[CNN_RUN_PREDICTIONS], class_1, metric, p, error);
    }
    cnn_run_directory_free(&directory);
    return status;
}

void cnn_sweep_free_predictions(cnn_sweep_predictions *p) {
    cnn_free(p->image);
    cnn_free(p->label);
    cnn_free(p->value);
    *p = (cnn_sweep_predictions){0};
}
