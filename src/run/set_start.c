/* Starts a set in its directory, or checks that the set that is there is this one. */
#include "run/set_run.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/clock.h"
#include "run/tables.h"
#include "run/training.h"
#include "run/training_settings.h"

#include <math.h>
#include <string.h>

/* The largest config.json that is read. */
#define CONFIG_LIMIT ((size_t)16 << 20)

/* --- time --- */

double cnn_set_seconds(const cnn_set_run *r) {
    const cnn_set_kind *kind = r->set->kind;
    return kind->plan ? cnn_settings_seconds(kind->resolved(r->set->context)) : 0.0;
}

double cnn_set_member_seconds(const cnn_set_run *r, int member) {
    static const double least = 1e-3;
    double all = cnn_set_seconds(r);
    double count = r->set->count;
    bool alone = r->set->member > 0; /* others may be trained at the same time */
    double left = all * (1.0 - r->finished / count) - (cnn_clock_seconds() - r->begin);
    return all > 0.0 ? fmax(left, least) / (alone ? count : count - member + 1.0) : 0.0;
}

/* --- is the set in the directory this one? --- */

/* The action that a different set does not allow, for messages. */
static const char *verb(const cnn_set_run *r) {
    return r->set->gather ? "gather" : r->set->member > 0 ? "train a member" : "resume";
}

/* `now`: the config of the set, which takes over what the set chose when it was started. */
static cnn_status compare_with(const cnn_config *now, const char *then, char difference[256],
                               cnn_error *error) {
    char *text = cnn_config_to_json(now);
    cnn_status status = text ? cnn_config_difference(then, text, difference, error)
                             : cnn_fail_memory(error, "the config");
    cnn_free(text);
    return status;
}

static cnn_status compare_texts(const cnn_set_run *r, const char *then, cnn_error *error) {
    char difference[256] = "";
    const cnn_set_kind *kind = r->set->kind;
    cnn_config now = *kind->resolved(r->set->context); /* a view */
    cnn_status status = kind->plan ? cnn_config_take_over(then, &now, error) : CNN_OK;
    if (status == CNN_OK && kind->plan) {
        kind->plan(r->set->context, now.train.epochs);
    }
    if (status == CNN_OK) {
        status = compare_with(&now, then, difference, error);
    }
    if (status == CNN_ERROR_MODEL) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot %s: damaged: expected the config of the run as JSON, found "
                        "other text",
                        r->session.directory.file[CNN_RUN_CONFIG], verb(r));
    }
    CNN_TRY(status);
    return difference[0] ? cnn_fail(error, CNN_ERROR_CONFIG,
                                    "%s: cannot %s: the config has changed since the run was "
                                    "started: %s",
                                    r->session.directory.path, verb(r), difference)
                         : CNN_OK;
}

static cnn_status compare_table(const cnn_set_run *r, cnn_error *error) {
    cnn_text difference = {0};
    cnn_status status = r->set->kind->follow(
        r->set->context, r->session.directory.file[r->set->kind->table], &difference, error);
    if (status == CNN_OK && difference.length > 0) {
        status =
            cnn_fail(error, CNN_ERROR_CONFIG, "%s: cannot %s: %s: %s", r->session.directory.path,
                     verb(r), r->set->kind->changed, difference.data);
    }
    cnn_text_free(&difference);
    return status;
}

cnn_status cnn_set_compare_config(const cnn_set_run *r, cnn_error *error) {
    const char *path = r->session.directory.file[CNN_RUN_CONFIG];
    char *then;
    size_t size;
    if (!r->session.begun) {
        return CNN_OK;
    }
    cnn_status status = cnn_file_read(path, CONFIG_LIMIT, CNN_ERROR_RUNTIME, &then, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = compare_texts(r, then, error);
    cnn_free(then);
    return status == CNN_OK && r->set->kind->grows ? compare_table(r, error) : status;
}

cnn_status cnn_set_compare(const cnn_set_run *r, cnn_error *error) {
    CNN_TRY(cnn_set_compare_config(r, error));
    return compare_table(r, error);
}

/* --- the set's own files --- */

static cnn_status write_config(const cnn_set_run *r, cnn_error *error) {
    char *json = cnn_config_to_json(r->set->kind->resolved(r->set->context));
    cnn_status status =
        json ? cnn_file_write(r->session.directory.file[CNN_RUN_CONFIG], json, strlen(json), error)
             : cnn_fail_memory(error, "the config");
    cnn_free(json);
    return status;
}

/* With train.minutes, chooses the number of epochs of all members: those that fit into the time of
 * the first one. */
static cnn_status plan_epochs(const cnn_set_run *r, cnn_error *error) {
    const cnn_set_kind *kind = r->set->kind;
    cnn_train_options options = *r->options;
    cnn_member first;
    int64_t epochs;
    double seconds = cnn_set_member_seconds(r, 1);
    if (!(seconds > 0.0)) {
        return CNN_OK;
    }
    options.output = r->session.directory.path;
    CNN_TRY(kind->prepare(r->set->context, 1, &first, error));
    CNN_TRY(cnn_train_plan_epochs(first.images, seconds, r->set->count, first.config, &options,
                                  &epochs, error));
    kind->plan(r->set->context, epochs);
    return CNN_OK;
}

static cnn_status write_table(const cnn_set_run *r, cnn_error *error) {
    cnn_text text = {0};
    r->set->kind->describe(r->set->context, &text);
    return cnn_table_write(r->session.directory.file[r->set->kind->table], &text, true, error);
}

/* The table is written last: if it exists, all other files do. */
static cnn_status start(const cnn_set_run *r, cnn_error *error) {
    CNN_TRY(cnn_run_directory_clear(&r->session.directory, error));
    CNN_TRY(plan_epochs(r, error));
    CNN_TRY(write_config(r, error));
    return write_table(r, error);
}

cnn_status cnn_set_start_or_resume(const cnn_set_run *r, cnn_error *error) {
    if (!r->session.begun) {
        return start(r, error);
    }
    CNN_TRY(cnn_set_compare(r, error));
    CNN_TRY(cnn_run_remove_results(&r->session.directory, error));
    CNN_TRY(write_config(r, error)); /* from now on, a larger train.epochs is part of the set */
    return r->set->kind->grows ? write_table(r, error) : CNN_OK;
}
