/* How long will the members of a sweep take? Each kind of network, batch and augmentation is
 * trained for a moment, and the result multiplied. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "config/keys.h"
#include "run/duration.h"
#include "run/jobs.h"
#include "run/setup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Seconds for measuring all members, and for measuring one. */
#define MEASURING 10.0
#define MEASURING_ONE 0.3

/* Keys that do not change how long a batch takes. Those of `train` do not, but for these. */
static bool is_for_speed(const char *name) {
    static const char *const of_train[] = {"train.batch_size", "train.optimizer", "train.ema_decay",
                                           NULL};
    if (strcmp(name, "output") == 0) {
        return false;
    }
    for (int i = 0; of_train[i]; i++) {
        if (strcmp(name, of_train[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "train.", 6) != 0;
}

/* A text that members of the same speed share. */
static cnn_status speed_key(const cnn_config *config, cnn_text *text, cnn_error *error) {
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    const cnn_key *key;
    cnn_json_begin_object(&json);
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        if (is_for_speed(key->name)) {
            cnn_config_write_key(config, key->name, cnn_json_key(&json, key->name));
        }
    }
    cnn_json_end(&json);
    return text->failed ? cnn_fail_memory(error, "the estimate") : CNN_OK;
}

/* same[i]: the first member, from 0, that is as fast as member i. *kinds: how many are different.
 */
static cnn_status find_kinds(const cnn_sweep_set *set, cnn_text *keys, int *same, int *kinds,
                             cnn_error *error) {
    *kinds = 0;
    for (int i = 0; i < set->sweep->members; i++) {
        CNN_TRY(speed_key(set->configs[i], &keys[i], error));
        same[i] = i;
        for (int other = i - 1; other >= 0 && same[i] == i; other--) { /* most likely a neighbour */
            if (strcmp(keys[other].data, keys[i].data) == 0) {
                same[i] = same[other];
            }
        }
        *kinds += same[i] == i;
    }
    return CNN_OK;
}

/* Fails if the results of the member could not be compared with those of others. */
static cnn_status check_validation(const cnn_sweep_set *set, int i, cnn_error *error) {
    return set->costs[i].validation > 0
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "data.validation: expected validation images with --sweep, which chooses "
                          "a run by them, found none (run %d of %d)",
                          i + 1, set->sweep->members);
}

/* Measures one member. If there is no memory for it, its time is unknown, and the others are still
 * trained. */
static cnn_status measure_member(cnn_sweep_set *set, int i, double seconds, cnn_error *error) {
    cnn_train_options options = set->train;
    cnn_dataset *images = NULL;
    cnn_error reason = {0};
    cnn_status status =
        cnn_sweep_images_get(&set->images, set->configs[i], &options.common, &images, &reason);
    options.common.threads =
        cnn_jobs_threads(cnn_setup_threads(options.common.threads), set->options->jobs);
    if (status == CNN_OK) {
        status =
            cnn_train_estimate(images, seconds, set->configs[i], &options, &set->costs[i], &reason);
    }
    if (status == CNN_ERROR_RUNTIME) {
        set->costs[i] = (cnn_train_cost){.epoch = (double)NAN, .end = (double)NAN};
        cnn_log_message(&options.common.log, CNN_LOG_WARNING, "run %d/%d cannot be trained: %s",
                        i + 1, set->sweep->members, reason.message);
        return CNN_OK;
    }
    if (status != CNN_OK) {
        return cnn_fail(error, status, "run %d/%d: %s", i + 1, set->sweep->members, reason.message);
    }
    return check_validation(set, i, error);
}

static cnn_status measure(cnn_sweep_set *set, const int *same, int kinds, cnn_error *error) {
    double seconds = fmin(MEASURING_ONE, MEASURING / kinds);
    const cnn_common_options *options = &set->train.common;
    for (int i = 0; i < set->sweep->members; i++) {
        if (options->should_stop && options->should_stop(options->user)) {
            return cnn_fail(error, CNN_STOPPED, "stopped before the first run");
        }
        if (same[i] == i) {
            CNN_TRY(measure_member(set, i, seconds, error));
        } else {
            set->costs[i] = set->costs[same[i]];
        }
    }
    return CNN_OK;
}

cnn_status cnn_sweep_estimate(cnn_sweep_set *set, cnn_error *error) {
    size_t count = (size_t)set->sweep->members;
    int kinds = 0;
    set->costs = cnn_alloc(count, sizeof *set->costs);
    cnn_text *keys = cnn_alloc(count, sizeof *keys);
    int *same = cnn_alloc(count, sizeof *same);
    cnn_status status = set->costs && keys && same ? find_kinds(set, keys, same, &kinds, error)
                                                   : cnn_fail_memory(error, "the estimate");
    if (status == CNN_OK) {
        status = measure(set, same, kinds, error);
    }
    for (size_t i = 0; keys && i < count; i++) {
        cnn_text_free(&keys[i]);
    }
    cnn_free(keys);
    cnn_free(same);
    return status;
}

/* --- */

/* Epochs that a member will train at most. */
static double epochs_of(const cnn_sweep_set *set, int member) {
    return (double)set->configs[member - 1]->train.epochs;
}

double cnn_sweep_seconds_of(const cnn_sweep_set *set, int member) {
    const cnn_train_cost *cost = &set->costs[member - 1];
    double minutes = set->configs[member - 1]->train.minutes;
    double seconds = epochs_of(set, member) * cost->epoch + cost->end;
    return minutes > 0.0 && !isnan(seconds) ? fmin(seconds, 60.0 * minutes) : seconds;
}

double cnn_sweep_seconds(const cnn_sweep_set *set) {
    double sum = 0.0, longest = 0.0;
    for (int member = 1; member <= set->sweep->members; member++) {
        double seconds = cnn_sweep_seconds_of(set, member);
        sum += isnan(seconds) ? 0.0 : seconds;
        longest = fmax(longest, seconds);
    }
    return fmax(sum / fmax(set->options->jobs, 1.0) * cnn_sweep_share(set), longest);
}

const char *cnn_sweep_jobs_text(const cnn_sweep_set *set, char text[CNN_SWEEP_JOBS_SIZE]) {
    text[0] = '\0';
    if (set->options->jobs > 1) {
        (void)snprintf(text, CNN_SWEEP_JOBS_SIZE, ", %d at the same time", set->options->jobs);
    }
    return text;
}

/* --- the table --- */

/* The value of a key as it is shown: long ones lose their end. */
enum { SHOWN_MAX = 40 };

static int width_of(const cnn_sweep *sweep, const cnn_sweep_key *key) {
    int width = (int)strlen(key->name);
    for (int member = 1; member <= sweep->members; member++) {
        cnn_text value = {0};
        cnn_sweep_value(sweep, member, key, &value);
        width = (int)value.length > width ? (int)value.length : width;
        cnn_text_free(&value);
    }
    return width < SHOWN_MAX ? width : SHOWN_MAX;
}

static void add_member(const cnn_sweep_set *set, int member, const int *width, cnn_text *text) {
    char duration[40];
    cnn_duration_text(cnn_sweep_seconds_of(set, member), duration);
    cnn_text_format(text, "%5d", member);
    for (int i = 0; i < set->sweep->key_count; i++) {
        cnn_text value = {0};
        cnn_sweep_value(set->sweep, member, &set->sweep->keys[i], &value);
        cnn_text_format(text, "  %-*.*s", width[i], width[i], value.data ? value.data : "");
        text->failed = text->failed || value.failed;
        cnn_text_free(&value);
    }
    const size_t parameters = set->costs[member - 1].parameters;
    if (parameters > 0) {
        cnn_text_format(text, "  %10zu", parameters);
    } else { /* it could not be measured */
        cnn_text_format(text, "  %10s", "unknown");
    }
    cnn_text_format(text, "  %6.0f  %s\n", epochs_of(set, member), duration);
}

void cnn_sweep_describe(const cnn_sweep_set *set, cnn_text *text) {
    const cnn_sweep *sweep = set->sweep;
    int width[CNN_SWEEP_KEYS_MAX];
    double epochs = 0.0;
    char duration[40], jobs[CNN_SWEEP_JOBS_SIZE];
    cnn_text_format(text, "%5s", "run");
    for (int i = 0; i < sweep->key_count; i++) {
        width[i] = width_of(sweep, &sweep->keys[i]);
        cnn_text_format(text, "  %-*.*s", width[i], width[i], sweep->keys[i].name);
    }
    cnn_text_format(text, "  %10s  %6s  time\n", "parameters", "epochs");
    for (int member = 1; member <= sweep->members; member++) {
        add_member(set, member, width, text);
        epochs += epochs_of(set, member);
    }
    cnn_duration_text(cnn_sweep_seconds(set), duration);
    cnn_text_format(text, "total: %d runs, %.0f epochs%s, about %s%s\n", sweep->members,
                    epochs * cnn_sweep_share(set), sweep->halving.epochs > 0 ? " with halving" : "",
                    duration, cnn_sweep_jobs_text(set, jobs));
}
