/* The page about an evaluation (cnn/evaluate.h). */
#include "base/error.h"
#include "base/file.h"
#include "base/file_hash.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "report/page.h"
#include "run/evaluate_model.h"

#include <string.h>

/* What the page needs, of the first model. What is allocated is freed by free_images. */
static cnn_status describe_images(const cnn_evaluation *evaluation, cnn_report_images *images,
                                  cnn_error *error) {
    const cnn_evaluated_model *model = &evaluation->model[0];
    const size_t count = evaluation->counts.measured;
    *images = (cnn_report_images){.name = "evaluated",
                                  .count = count,
                                  .paths = evaluation->paths,
                                  .labels = evaluation->labels,
                                  .probabilities = cnn_alloc(count, sizeof(double)),
                                  .predicted = cnn_alloc(count, 1),
                                  .threshold = (double)model->threshold,
                                  .measured = {.metrics = model->metrics}};
    memcpy(images->measured.intervals, model->intervals, sizeof model->intervals);
    if (!images->probabilities || !images->predicted) {
        return cnn_fail_memory(error, "the report");
    }
    for (size_t i = 0; i < count; i++) {
        const float probability = cnn_probability(model->logits[i]);
        images->probabilities[i] = (double)probability;
        images->predicted[i] = probability >= model->threshold;
    }
    return CNN_OK;
}

static void free_images(cnn_report_images *images) {
    cnn_free(images->probabilities);
    cnn_free(images->predicted);
}

/* The checksum of a model's file; empty if it cannot be read any more. */
static cnn_status find_checksum(const char *path, char digits[65], cnn_error *error) {
    digits[0] = '\0';
    const cnn_status status = cnn_file_sha256(path, CNN_ERROR_MODEL, digits, error);
    return status == CNN_ERROR_MODEL ? CNN_OK : status;
}

static cnn_status write_page(const cnn_report *report, const char *path, cnn_error *error) {
    cnn_text text = {0};
    cnn_status status = cnn_report_page(report, &text, error);
    if (status == CNN_OK) {
        status = cnn_file_write(path, text.data, text.length, error);
    }
    cnn_text_free(&text);
    return status;
}

cnn_status cnn_evaluation_write_report(const cnn_evaluation *evaluation, const char *path,
                                       cnn_error *error) {
    char checksum[65];
    CNN_TRY(find_checksum(evaluation->model[0].path, checksum, error));
    char *title = cnn_path_last(evaluation->data);
    if (!title) {
        return cnn_fail_memory(error, "the report");
    }
    cnn_report report = {
        .title = title,
        .classes = {cnn_evaluation_class(evaluation, 0), cnn_evaluation_class(evaluation, 1)},
        .model = evaluation->model[0].predictor,
        .model_sha256 = checksum[0] ? checksum : NULL,
        .images_count = 1,
        .evaluation = evaluation,
        .threads = evaluation->threads};
    cnn_status status = describe_images(evaluation, &report.images[0], error);
    if (status == CNN_OK) {
        status = write_page(&report, path, error);
    }
    free_images(&report.images[0]);
    cnn_free(title);
    return status;
}
