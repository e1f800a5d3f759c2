#include "checkpoint.h"

#include "config.h"
#include "error.h"
#include "safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a state, each a string of the file: whole ones (int64_t) in decimal, the others
 * (double) in hexadecimal floating point, which is exact and needs no care with digits. */
typedef struct state_field {
    const char *key;
    size_t offset;
    bool whole;
} state_field;

#define WHOLE(field)                                                                               \
    { "checkpoint." #field, offsetof(cnn_checkpoint_state, field), true }
#define REAL(field)                                                                                \
    { "checkpoint." #field, offsetof(cnn_checkpoint_state, field), false }
static const state_field fields[] = {
    /* epochs comes first: cnn_checkpoint_peek reads it alone */
    WHOLE(epochs),  WHOLE(batches),         WHOLE(right),        WHOLE(best_epoch),
    REAL(loss_sum), REAL(best_loss),        REAL(train_loss),    REAL(train_accuracy),
    REAL(seconds),  REAL(training_seconds), REAL(epoch_seconds), REAL(epoch_training_seconds),
};

enum { FIELDS = sizeof fields / sizeof *fields, NUMBER_SIZE = 40 };

static const char config_key[] = "checkpoint.config";
static const char data_key[] = "checkpoint.data";

cnn_status cnn_checkpoint_write(const char *path, const cnn_checkpoint_state *state,
                                const char *config, const float *parameters, size_t parameter_count,
                                const float *optimizer_state, size_t state_count,
                                cnn_error *error) {
    char numbers[FIELDS][NUMBER_SIZE];
    char data[NUMBER_SIZE];
    cnn_saved_text texts[FIELDS + 2] = {{.key = config_key, .value = config},
                                        {.key = data_key, .value = data}};
    (void)snprintf(data, sizeof data, "%016" PRIx64, state->data);
    for (size_t i = 0; i < FIELDS; i++) {
        const void *field = (const char *)state + fields[i].offset;
        if (fields[i].whole) {
            (void)snprintf(numbers[i], NUMBER_SIZE, "%" PRId64, *(const int64_t *)field);
        } else {
            (void)snprintf(numbers[i], NUMBER_SIZE, "%a", *(const double *)field);
        }
        texts[i + 2] = (cnn_saved_text){.key = fields[i].key, .value = numbers[i]};
    }
    const cnn_saved_tensor tensors[2] = {
        {.name = "parameters",
         .rank = 1,
         .dim = {(int64_t)parameter_count},
         .count = parameter_count,
         .data = parameters},
        {.name = "optimizer",
         .rank = 1,
         .dim = {(int64_t)state_count},
         .count = state_count,
         .data = optimizer_state},
    };
    return cnn_safetensors_write(path, texts, FIELDS + 2, tensors, 2, error);
}

static cnn_status read_text(const cnn_saved_file *file, const char *path, const char *key,
                            const char **text, cnn_error *error) {
    *text = cnn_saved_text_find(file, key);
    return *text ? CNN_OK
                 : cnn_fail(error, CNN_ERROR_MODEL, "%s: expected a checkpoint, found no %s", path,
                            key);
}

static cnn_status read_tensor(const cnn_saved_file *file, const char *path, const char *name,
                              float *values, size_t count, cnn_error *error) {
    const cnn_saved_tensor *tensor = cnn_saved_tensor_find(file, name);
    if (!tensor || tensor->count != count) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: expected %zu values in \"%s\", found %zu",
                        path, count, name, tensor ? tensor->count : 0);
    }
    memcpy(values, tensor->data, count * sizeof *values);
    return CNN_OK;
}

static cnn_status compare_config(const cnn_saved_file *file, const char *path, const char *config,
                                 cnn_error *error) {
    const char *text;
    cnn_status status = read_text(file, path, config_key, &text, error);
    const char *different = status == CNN_OK ? cnn_config_difference(config, text) : NULL;
    if (different) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot resume: %s has changed since the run was started", path,
                        different);
    }
    return status;
}

/* Reads one number into its place in *state. Whole ones are never negative; others may be NaN. */
static cnn_status read_field(const cnn_saved_file *file, const char *path, const state_field *field,
                             cnn_checkpoint_state *state, cnn_error *error) {
    const char *text;
    cnn_status status = read_text(file, path, field->key, &text, error);
    if (status != CNN_OK) {
        return status;
    }
    void *place = (char *)state + field->offset;
    char *end;
    bool fits = true;
    if (field->whole) {
        errno = 0;
        int64_t value = strtoll(text, &end, 10);
        *(int64_t *)place = value;
        fits = value >= 0 && errno == 0;
    } else {
        *(double *)place = strtod(text, &end);
    }
    if (!fits || end == text || *end) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "%s: damaged: %s: expected a number, found \"%.40s\"", path, field->key,
                        text);
    }
    return CNN_OK;
}

static cnn_status read_state(const cnn_saved_file *file, const char *path, const char *config,
                             cnn_checkpoint_state *state, cnn_error *error) {
    const char *text;
    cnn_status status = compare_config(file, path, config, error);
    if (status != CNN_OK) {
        return status;
    }
    status = read_text(file, path, data_key, &text, error);
    if (status != CNN_OK) {
        return status;
    }
    if (strtoull(text, NULL, 16) != state->data) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "%s: cannot resume: the images, their labels or their split have changed since "
            "the run was started",
            path);
    }
    for (size_t i = 0; i < FIELDS && status == CNN_OK; i++) {
        status = read_field(file, path, &fields[i], state, error);
    }
    return status;
}

cnn_status cnn_checkpoint_read(const char *path, cnn_checkpoint_state *state, const char *config,
                               float *parameters, size_t parameter_count, float *optimizer_state,
                               size_t state_count, cnn_error *error) {
    cnn_saved_file file;
    cnn_status status = cnn_safetensors_read(path, &file, error);
    if (status != CNN_OK) {
        return status;
    }
    status = read_state(&file, path, config, state, error);
    if (status == CNN_OK) {
        status = read_tensor(&file, path, "parameters", parameters, parameter_count, error);
    }
    if (status == CNN_OK) {
        status = read_tensor(&file, path, "optimizer", optimizer_state, state_count, error);
    }
    cnn_safetensors_free(&file);
    return status;
}

cnn_status cnn_checkpoint_peek(const char *path, const char *config, int64_t *epochs,
                               cnn_error *error) {
    cnn_saved_file file;
    cnn_checkpoint_state state = {0};
    cnn_status status = cnn_safetensors_read(path, &file, error);
    if (status != CNN_OK) {
        return status;
    }
    status = compare_config(&file, path, config, error);
    if (status == CNN_OK) {
        status = read_field(&file, path, &fields[0], &state, error);
    }
    *epochs = state.epochs;
    cnn_safetensors_free(&file);
    return status;
}
