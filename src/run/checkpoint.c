#include "run/checkpoint.h"

#include "base/c_locale.h"
#include "base/error.h"
#include "base/number_text.h"
#include "config/config.h"
#include "model/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a state, each a string of the file: integers (int64_t) in decimal, the others
 * (double) in hexadecimal floating point, which is exact. */
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
    /* these come first: cnn_checkpoint_peek reads only these */
    WHOLE(epochs),
    WHOLE(batches),
    WHOLE(best.epoch),
    WHOLE(direct_only),
    /* the others */
    WHOLE(right),
    REAL(best.value),
    REAL(best.smoothed),
    REAL(loss_sum),
    REAL(train_loss),
    REAL(train_accuracy),
    REAL(seconds),
    REAL(training_seconds),
    REAL(epoch_seconds),
    REAL(epoch_training_seconds),
    WHOLE(low),
    WHOLE(high),
};

enum { FIELDS = sizeof fields / sizeof *fields, PEEKED_FIELDS = 4, NUMBER_SIZE = 40, TENSORS = 4 };

/* Increased whenever the rest of a run would change, or an older reader could not read the file. */
static const char version[] = "3";
static const char version_key[] = "checkpoint.version";
static const char config_key[] = "checkpoint.config";
static const char data_key[] = "checkpoint.data";
static const char base_key[] = "checkpoint.base";        /* only if there is one */
static const state_field ended = REAL(ended_by_minutes); /* only if it is not 0 */

/* The arrays of a checkpoint and their names. */
static void name_tensors(const cnn_checkpoint_values *values, cnn_saved_tensor tensors[TENSORS]) {
    const cnn_saved_tensor named[TENSORS] = {
        {.name = "parameters", .count = values->parameter_count, .data = values->parameters},
        {.name = "best", .count = values->parameter_count, .data = values->best_parameters},
        {.name = "optimizer", .count = values->state_count, .data = values->optimizer_state},
        {.name = "average", .count = values->average_count, .data = values->average},
    };
    for (int i = 0; i < TENSORS; i++) {
        tensors[i] = named[i];
        tensors[i].rank = 1;
        tensors[i].dim[0] = (int64_t)named[i].count;
    }
}

cnn_status cnn_checkpoint_write(const char *path, const cnn_checkpoint_state *state,
                                const char *config, const cnn_checkpoint_values *values,
                                cnn_error *error) {
    char numbers[FIELDS][NUMBER_SIZE];
    char data[NUMBER_SIZE], base[NUMBER_SIZE], minutes[CNN_NUMBER_SIZE];
    cnn_saved_text texts[FIELDS + 5] = {{.key = version_key, .value = version},
                                        {.key = config_key, .value = config},
                                        {.key = data_key, .value = data}};
    size_t count = FIELDS + 3;
    (void)snprintf(data, sizeof data, "%016" PRIx64, state->data);
    (void)snprintf(base, sizeof base, "%016" PRIx64, state->base);
    locale_t before = cnn_c_locale_enter();
    for (size_t i = 0; i < FIELDS; i++) {
        const void *field = (const char *)state + fields[i].offset;
        if (fields[i].whole) {
            (void)snprintf(numbers[i], NUMBER_SIZE, "%" PRId64, *(const int64_t *)field);
        } else {
            (void)snprintf(numbers[i], NUMBER_SIZE, "%a", *(const double *)field);
        }
        texts[i + 3] = (cnn_saved_text){.key = fields[i].key, .value = numbers[i]};
    }
    cnn_c_locale_leave(before);
    cnn_saved_tensor tensors[TENSORS];
    name_tensors(values, tensors);
    if (state->base != 0) {
        texts[count++] = (cnn_saved_text){.key = base_key, .value = base};
    }
    if (state->ended_by_minutes > 0.0) {
        (void)cnn_number_write(state->ended_by_minutes, minutes);
        texts[count++] = (cnn_saved_text){.key = ended.key, .value = minutes};
    }
    return cnn_safetensors_write(path, texts, count, tensors, TENSORS, error);
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

/* Checked first: a checkpoint of another version may have other keys. */
static cnn_status check_version(const cnn_saved_file *file, const char *path, cnn_error *error) {
    const char *text = cnn_saved_text_find(file, version_key);
    if (text && strcmp(text, version) == 0) {
        return CNN_OK;
    }
    if (!text && !cnn_saved_text_find(file, config_key)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: expected a checkpoint, found no %s", path,
                        config_key);
    }
    return cnn_fail(error, CNN_ERROR_MODEL,
                    "%s: expected a checkpoint of version %s, found %.20s; the version of cnntrain "
                    "that started the run can continue it (before 3, images were resized in "
                    "another way)",
                    path, version, text ? text : "1");
}

static cnn_status compare_config(const cnn_saved_file *file, const char *path, const char *config,
                                 cnn_error *error) {
    const char *text;
    char difference[256];
    CNN_TRY(check_version(file, path, error));
    CNN_TRY(read_text(file, path, config_key, &text, error));
    cnn_status status = cnn_config_difference(text, config, difference, error);
    if (status == CNN_ERROR_MODEL) {
        return cnn_fail_prefix(error, status, "%s: damaged: %s: ", path, config_key);
    }
    CNN_TRY(status);
    return difference[0] ? cnn_fail(error, CNN_ERROR_CONFIG,
                                    "%s: cannot resume: the config has changed since the run was "
                                    "started: %s",
                                    path, difference)
                         : CNN_OK;
}

/* Reads one number into its field of *state. Integers are never negative; other numbers may be NaN.
 */
static cnn_status read_field(const cnn_saved_file *file, const char *path, const state_field *field,
                             cnn_checkpoint_state *state, cnn_error *error) {
    const char *text;
    CNN_TRY(read_text(file, path, field->key, &text, error));
    void *place = (char *)state + field->offset;
    char *end;
    bool fits = true;
    if (field->whole) {
        errno = 0;
        int64_t value = strtoll(text, &end, 10);
        *(int64_t *)place = value;
        fits = value >= 0 && errno == 0;
    } else {
        *(double *)place = cnn_number_read(text, &end);
    }
    if (!fits || end == text || *end) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "%s: damaged: %s: expected a number, found \"%.40s\"", path, field->key,
                        text);
    }
    return CNN_OK;
}

/* Compares the config, and reads the first `count` fields, the base, and whether the time was up.
 */
static cnn_status read_fields(const cnn_saved_file *file, const char *path, const char *config,
                              size_t count, cnn_checkpoint_state *state, cnn_error *error) {
    CNN_TRY(compare_config(file, path, config, error));
    for (size_t i = 0; i < count; i++) {
        CNN_TRY(read_field(file, path, &fields[i], state, error));
    }
    const char *base = cnn_saved_text_find(file, base_key);
    state->base = base ? strtoull(base, NULL, 16) : 0;
    state->ended_by_minutes = 0.0;
    return cnn_saved_text_find(file, ended.key) ? read_field(file, path, &ended, state, error)
                                                : CNN_OK;
}

static cnn_status read_all(const cnn_saved_file *file, const char *path, const char *config,
                           cnn_checkpoint_state *state, const cnn_checkpoint_values *values,
                           bool *same_data, cnn_error *error) {
    const char *data;
    float *const places[TENSORS] = {values->parameters, values->best_parameters,
                                    values->optimizer_state, values->average};
    cnn_saved_tensor tensors[TENSORS];
    CNN_TRY(read_fields(file, path, config, FIELDS, state, error));
    CNN_TRY(read_text(file, path, data_key, &data, error));
    *same_data = strtoull(data, NULL, 16) == state->data;
    name_tensors(values, tensors);
    for (int i = 0; i < TENSORS; i++) {
        CNN_TRY(read_tensor(file, path, tensors[i].name, places[i], tensors[i].count, error));
    }
    return CNN_OK;
}

cnn_status cnn_checkpoint_read(const char *path, const char *config, cnn_checkpoint_state *state,
                               const cnn_checkpoint_values *values, bool *same_data,
                               cnn_error *error) {
    cnn_saved_file file;
    CNN_TRY(cnn_safetensors_read(path, &file, error));
    cnn_status status = read_all(&file, path, config, state, values, same_data, error);
    cnn_safetensors_free(&file);
    return status;
}

cnn_status cnn_checkpoint_peek(const char *path, const char *config, cnn_checkpoint_state *state,
                               cnn_error *error) {
    cnn_saved_file file;
    CNN_TRY(cnn_safetensors_read(path, &file, error));
    cnn_status status = read_fields(&file, path, config, PEEKED_FIELDS, state, error);
    cnn_safetensors_free(&file);
    return status;
}

static cnn_status take_over(const cnn_saved_file *file, const char *path, cnn_config *config,
                            cnn_error *error) {
    const char *text;
    CNN_TRY(check_version(file, path, error));
    CNN_TRY(read_text(file, path, config_key, &text, error));
    cnn_status status = cnn_config_take_over(text, config, error);
    return status == CNN_ERROR_MODEL
               ? cnn_fail_prefix(error, status, "%s: damaged: %s: ", path, config_key)
               : status;
}

cnn_status cnn_checkpoint_take_over(const char *path, cnn_config *config, cnn_error *error) {
    cnn_saved_file file;
    CNN_TRY(cnn_safetensors_read(path, &file, error));
    cnn_status status = take_over(&file, path, config, error);
    cnn_safetensors_free(&file);
    return status;
}
