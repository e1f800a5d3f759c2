/* The values of a member of a sweep, and its config. */
#include "config/sweep.h"

#include "base/elementary.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* Digits of a drawn number: people read and copy them, and more would not change a result. */
enum { DRAWN_DIGITS = 4 };

int cnn_sweep_point(const cnn_sweep *sweep, int member) {
    return (member - 1) / sweep->seeds + 1;
}

/* --- drawn values --- */

/* Uniform in [0, 1), of 53 bits. */
static double draw(const cnn_sweep *sweep, int point, const cnn_sweep_key *key) {
    uint64_t name = cnn_hash_bytes(CNN_HASH_START, key->name, strlen(key->name));
    uint64_t bits = cnn_random_bits(sweep->seed, CNN_RANDOM_SWEEP, (uint64_t)point, name);
    return (double)(bits >> 11) * 0x1p-53;
}

/* A number with few digits, which stays between the ends. */
static void add_number(double number, const cnn_sweep_key *key, cnn_text *text) {
    char digits[CNN_NUMBER_SIZE];
    (void)cnn_number_write_rounded(number, DRAWN_DIGITS, digits);
    double rounded = cnn_number_read(digits, NULL);
    cnn_text_number(text, fmin(fmax(rounded, key->low), key->high), "");
}

static void add_drawn(const cnn_sweep *sweep, int point, const cnn_sweep_key *key, cnn_text *text) {
    double u = draw(sweep, point, key);
    if (key->kind == CNN_SWEEP_CHOICE) {
        int value = (int)(u * key->value_count);
        cnn_text_append(text, key->values[value], strlen(key->values[value]));
    } else if (key->kind == CNN_SWEEP_INTEGER) {
        cnn_text_number(text, key->low + floor(u * (key->high - key->low + 1.0)), "");
    } else if (key->kind == CNN_SWEEP_LOG_UNIFORM) {
        double low = cnn_log(key->low), high = cnn_log(key->high);
        add_number(cnn_exp(low + u * (high - low)), key, text);
    } else {
        add_number(key->low + u * (key->high - key->low), key, text);
    }
}

/* --- values of lists --- */

/* The value of a list in a combination, from 0: combinations are numbered like the digits of a
 * clock, the last key changing fastest. */
static int list_index(const cnn_sweep *sweep, int combination, const cnn_sweep_key *key) {
    for (const cnn_sweep_key *last = sweep->keys + sweep->key_count - 1; last > key; last--) {
        combination /= last->value_count;
    }
    return combination % key->value_count;
}

void cnn_sweep_value(const cnn_sweep *sweep, int member, const cnn_sweep_key *key, cnn_text *text) {
    if (key->kind != CNN_SWEEP_LIST) {
        add_drawn(sweep, cnn_sweep_point(sweep, member), key, text);
        return;
    }
    int value = sweep->random ? (member - 1) % sweep->seeds : list_index(sweep, member - 1, key);
    cnn_text_append(text, key->values[value], strlen(key->values[value]));
}

/* --- the config --- */

/* The command line's overrides, then the member's: [override_count + key_count]. */
static cnn_status parse_with(const cnn_sweep *sweep, const cnn_sweep_base *base,
                             const cnn_text *values, const char **overrides, cnn_config **config,
                             cnn_error *error) {
    size_t count = 0;
    for (; count < base->override_count; count++) {
        overrides[count] = base->overrides[count];
    }
    for (int i = 0; i < sweep->key_count; i++) {
        overrides[count++] = values[i].data;
    }
    const cnn_config_overrides all = {.rows = overrides,
                                      .count = count,
                                      .swept = (size_t)sweep->key_count,
                                      .sweep = base->sweep_name};
    return cnn_config_parse_with(base->name, base->text, base->size, &all, config, error);
}

/* Names the member and its values at the end of the message. */
static cnn_status name_member(const cnn_sweep *sweep, int member, const cnn_text *values,
                              cnn_status status, cnn_error *error) {
    cnn_text text = {0};
    if (status != CNN_ERROR_CONFIG || !error) {
        return status;
    }
    cnn_text_format(&text, "%s (run %d of %d:", error->message, member, sweep->members);
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text_format(&text, " %.60s%s", values[i].data, i + 1 < sweep->key_count ? "," : "");
    }
    status = text.failed ? status : cnn_fail(error, status, "%s)", text.data);
    cnn_text_free(&text);
    return status;
}

cnn_status cnn_sweep_config(const cnn_sweep *sweep, const cnn_sweep_base *base, int member,
                            cnn_config **config, cnn_error *error) {
    cnn_text values[CNN_SWEEP_KEYS_MAX] = {{0}};
    bool failed = false;
    *config = NULL;
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text_format(&values[i], "%s=", sweep->keys[i].name);
        cnn_sweep_value(sweep, member, &sweep->keys[i], &values[i]);
        failed = failed || values[i].failed;
    }
    const char **overrides =
        cnn_alloc(base->override_count + (size_t)sweep->key_count, sizeof *overrides);
    cnn_status status = !failed && overrides
                            ? parse_with(sweep, base, values, overrides, config, error)
                            : cnn_fail_memory(error, "the config");
    if (!failed) {
        status = name_member(sweep, member, values, status, error);
    }
    cnn_free(overrides);
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text_free(&values[i]);
    }
    return status;
}
