/* Successive halving (Jamieson and Talwalkar 2016): after a few epochs, the best 1 of `factor`
 * combinations continue, to `factor` times as many epochs, and so on.
 *
 * A run that continues was paused at a checkpoint: it ends with the bytes of one that was never
 * paused. So its learning rates are those of the whole run, and schedules that depend on the number
 * of epochs are compared before their end.
 *
 * Decisions are not stored: they follow from the rows of metrics.csv up to the epoch of a
 * comparison, so that a killed sweep makes the same ones again. */
#include "run/sweep_set.h"

#include "base/csv.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLE_LIMIT ((size_t)1 << 30)

/* --- epochs --- */

static int64_t longest(const cnn_sweep_set *set) {
    int64_t most = 0;
    for (int i = 0; i < set->sweep->members; i++) {
        int64_t epochs = set->configs[i]->train.epochs;
        most = epochs > most ? epochs : most;
    }
    return most;
}

/* The epochs after which the rung, from 0, ends; 0: none, it is the last one. */
static int64_t end_of(const cnn_sweep_set *set, int rung) {
    const cnn_sweep_halving *halving = &set->sweep->halving;
    int64_t most = longest(set), epochs = halving->epochs;
    for (int i = 0; i < rung && epochs > 0 && epochs < most; i++) {
        epochs *= halving->factor; /* both are limited: no overflow */
    }
    return epochs < most ? epochs : 0;
}

cnn_status cnn_sweep_check_halving(const cnn_sweep_set *set, cnn_error *error) {
    const int64_t first = set->sweep->halving.epochs, last = longest(set);
    return first == 0 || first < last
               ? CNN_OK
               : cnn_fail(
                     error, CNN_ERROR_CONFIG,
                     "%s: halving.epochs: expected less than train.epochs (%lld), so that runs "
                     "are compared before their end, got %lld",
                     set->options->sweep, (long long)last, (long long)first);
}

int cnn_sweep_rungs(const cnn_sweep_set *set) {
    int rungs = 1;
    while (end_of(set, rungs - 1) > 0) {
        rungs++;
    }
    return rungs;
}

double cnn_sweep_share(const cnn_sweep_set *set) {
    double all = (double)longest(set) * set->sweep->points, trained = 0.0;
    int64_t factor = set->sweep->halving.factor, left = set->sweep->points, before = 0;
    int rungs = cnn_sweep_rungs(set);
    for (int rung = 0; rung < rungs; rung++) {
        int64_t end = end_of(set, rung) > 0 ? end_of(set, rung) : longest(set);
        trained += (double)left * (double)(end - before);
        before = end;
        left = rung + 1 < rungs ? (left + factor - 1) / factor : left;
    }
    return all > 0.0 ? trained / all : 1.0;
}

int64_t cnn_sweep_pause(const cnn_sweep_set *set) {
    return end_of(set, set->rung);
}

/* --- the metric of a member so far --- */

typedef struct so_far {
    int64_t epochs; /* rows */
    double best;    /* metric of the first `limit` rows; NaN: none */
} so_far;

static void read_rows(char *text, cnn_metric_id metric, int64_t limit, so_far *found) {
    char name[64];
    cnn_csv csv = cnn_csv_start(text);
    (void)snprintf(name, sizeof name, "val_%s", cnn_metric_table[metric].name);
    int column = cnn_csv_next(&csv) ? cnn_csv_column(&csv, name) : -1;
    while (column >= 0 && cnn_csv_next(&csv)) {
        bool has = csv.count > column && *csv.field[column];
        double value = has ? cnn_number_read(csv.field[column], NULL) : (double)NAN;
        if (++found->epochs <= limit && cnn_sweep_is_better(metric, value, found->best)) {
            found->best = value;
        }
    }
}

static cnn_status look_in(const cnn_run_directory *directory, cnn_metric_id metric, int64_t limit,
                          so_far *found, cnn_error *error) {
    char *text;
    size_t size;
    CNN_TRY(cnn_run_read_file(directory, CNN_RUN_METRICS, TABLE_LIMIT, &text, &size, error));
    if (!text) {
        return CNN_OK;
    }
    read_rows(text, metric, limit, found);
    cnn_free(text);
    return CNN_OK;
}

static cnn_status look_at(const cnn_sweep_set *set, int member, int64_t limit, so_far *found,
                          cnn_error *error) {
    cnn_run_directory directory;
    *found = (so_far){.best = (double)NAN};
    cnn_status status = cnn_run_member_directory(set->directory, member, &directory, error);
    if (status == CNN_OK) {
        status = look_in(&directory, set->base->train.early_stopping.metric, limit, found, error);
    }
    cnn_run_directory_free(&directory);
    return status;
}

/* --- which combinations continue? --- */

/* A combination that has come this far. */
typedef struct runner {
    int point;   /* from 0 */
    double mean; /* NaN: a seed has failed, or has no metric */
    cnn_metric_id metric;
} runner;

static int compare_runners(const void *left, const void *right) {
    const runner *a = left, *b = right;
    return cnn_sweep_is_better(a->metric, a->mean, b->mean) ? -1
           : cnn_sweep_is_better(a->metric, b->mean, a->mean)
               ? 1
               : (a->point > b->point) - (a->point < b->point);
}

static cnn_status mean_of(const cnn_sweep_set *set, int point, int64_t epochs, double *mean,
                          cnn_error *error) {
    double sum = 0.0;
    for (int seed = 0; seed < set->sweep->seeds; seed++) {
        so_far found;
        int member = point * set->sweep->seeds + seed + 1, code;
        char *reason;
        CNN_TRY(cnn_sweep_read_note(set, member, &code, &reason, error));
        cnn_free(reason);
        CNN_TRY(look_at(set, member, epochs, &found, error));
        sum += code > 0 ? (double)NAN : found.best;
    }
    *mean = sum / set->sweep->seeds;
    return CNN_OK;
}

/* Notes that the members of a combination were ended, for rows that say so. */
static cnn_status note_end(const cnn_sweep_set *set, int point, int64_t epochs, int kept, int count,
                           cnn_error *error) {
    for (int seed = 0; seed < set->sweep->seeds; seed++) {
        cnn_error reason;
        char *text;
        int member = point * set->sweep->seeds + seed + 1, code;
        CNN_TRY(cnn_sweep_read_note(set, member, &code, &text, error));
        cnn_free(text);
        if (code == 0) {
            (void)cnn_fail(&reason, CNN_OK,
                           "ended after epoch %lld: not among the best %d of %d combinations",
                           (long long)epochs, kept, count);
            CNN_TRY(cnn_sweep_note_end(set, member, &reason, error));
        }
    }
    return CNN_OK;
}

/* Ends all but the best of the runners[count], at `epochs`. */
static cnn_status end_others(cnn_sweep_set *set, runner *runners, int count, int64_t epochs,
                             cnn_error *error) {
    int factor = (int)set->sweep->halving.factor;
    int kept = (count + factor - 1) / factor;
    qsort(runners, (size_t)count, sizeof *runners, compare_runners);
    for (int i = kept; i < count; i++) {
        set->ended[runners[i].point] = true;
        CNN_TRY(note_end(set, runners[i].point, epochs, kept, count, error));
    }
    return CNN_OK;
}

static cnn_status find_runners(const cnn_sweep_set *set, int64_t epochs, runner *runners,
                               int *count, cnn_error *error) {
    *count = 0;
    for (int point = 0; point < set->sweep->points; point++) {
        if (!set->ended[point]) {
            runner *one = &runners[(*count)++];
            *one = (runner){.point = point, .metric = set->base->train.early_stopping.metric};
            CNN_TRY(mean_of(set, point, epochs, &one->mean, error));
        }
    }
    return CNN_OK;
}

/* Earlier decisions are made again: members may have been added. */
static cnn_status begin(const cnn_sweep_set *set, cnn_error *error) {
    for (int member = 1; member <= set->sweep->members; member++) {
        int code;
        char *reason;
        CNN_TRY(cnn_sweep_read_note(set, member, &code, &reason, error));
        cnn_free(reason);
        if (code == CNN_SWEEP_ENDED_CODE) {
            CNN_TRY(cnn_sweep_remove_note(set, member, error));
        }
    }
    return CNN_OK;
}

cnn_status cnn_sweep_begin_rung(cnn_sweep_set *set, int rung, cnn_error *error) {
    int count = 0;
    set->rung = rung;
    if (set->sweep->halving.epochs == 0) {
        return CNN_OK;
    }
    if (rung == 0) {
        return begin(set, error);
    }
    runner *runners = cnn_alloc((size_t)set->sweep->points, sizeof *runners);
    int64_t epochs = end_of(set, rung - 1);
    cnn_status status = runners ? find_runners(set, epochs, runners, &count, error)
                                : cnn_fail_memory(error, "the runs");
    if (status == CNN_OK) {
        status = end_others(set, runners, count, epochs, error);
    }
    cnn_free(runners);
    return status;
}

cnn_status cnn_sweep_is_wanted(const cnn_sweep_set *set, int member, bool *wanted,
                               cnn_error *error) {
    int64_t pause = cnn_sweep_pause(set);
    so_far found;
    *wanted = !set->ended[cnn_sweep_point(set->sweep, member) - 1];
    if (*wanted && set->rung > 0) { /* one that has diverged was tried already */
        int code;
        char *reason;
        CNN_TRY(cnn_sweep_read_note(set, member, &code, &reason, error));
        cnn_free(reason);
        *wanted = code != CNN_ERROR_DIVERGED;
    }
    if (*wanted && pause > 0) {
        CNN_TRY(look_at(set, member, pause, &found, error));
        *wanted = found.epochs < pause;
    }
    return CNN_OK;
}
