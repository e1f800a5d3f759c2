/* Which keys of a sweep mattered? By ranks, so that one run that went wrong does not decide. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "stats/student.h"

#include <math.h>
#include <string.h>

/* The results that are ranked: of finished members, or of combinations. */
typedef struct ranks {
    int *member;    /* [count]: that has the result; or the first one of the combination */
    double *metric; /* [count]: the rank of the result, from 1, ties in the middle */
    double *value;  /* [count]: that of the key's value; or the number of its value in the list */
    int count;
} ranks;

/* Midranks, by counting: there are at most some thousand members. */
static void rank(const double *numbers, int count, double *rank_of) {
    for (int i = 0; i < count; i++) {
        int less = 0, same = 0;
        for (int j = 0; j < count; j++) {
            less += numbers[j] < numbers[i];
            same += !(numbers[j] < numbers[i]) && !(numbers[j] > numbers[i]);
        }
        rank_of[i] = less + (same + 1) / 2.0;
    }
}

/* The number of a drawn value, or the place of a value in its list. */
static double number_of(const cnn_sweep_key *key, const char *value) {
    for (int i = 0; i < key->value_count; i++) {
        if (strcmp(key->values[i], value) == 0) {
            return i;
        }
    }
    return cnn_number_read(value, NULL);
}

/* Spearman's rank correlation, squared. */
static double squared_correlation(const ranks *r) {
    double mean = (r->count + 1) / 2.0, xy = 0.0, xx = 0.0, yy = 0.0;
    for (int i = 0; i < r->count; i++) {
        double x = r->value[i] - mean, y = r->metric[i] - mean;
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    return xx > 0.0 && yy > 0.0 ? xy * xy / (xx * yy) : (double)NAN;
}

/* Eta squared of the ranks: the share of their variance that lies between groups with the same
 * value. *present: the values that occur. */
static double between_groups(const ranks *r, int values, int *present) {
    double mean = (r->count + 1) / 2.0, all = 0.0, between = 0.0;
    *present = 0;
    for (int value = 0; value < values; value++) {
        double sum = 0.0;
        int count = 0;
        for (int i = 0; i < r->count; i++) {
            if ((int)r->value[i] == value) {
                sum += r->metric[i] - mean;
                count++;
            }
        }
        between += count > 0 ? sum * sum / count : 0.0;
        *present += count > 0;
    }
    for (int i = 0; i < r->count; i++) {
        all += (r->metric[i] - mean) * (r->metric[i] - mean);
    }
    return all > 0.0 ? between / all : (double)NAN;
}

/* The share without what chance gives: of n results in k groups, a share of (k - 1) / (n - 1) is
 * expected of a key without influence. */
static void correct(double share, cnn_sweep_key_share *found) {
    double between = found->values - 1.0, within = found->results - found->values;
    if (between > 0.0 && within > 0.0 && !isnan(share)) {
        double rest = fmax(0.0, 1.0 - share);
        found->share = fmax(0.0, 1.0 - rest * (between + within) / within);
        /* F = (share / between) / (rest / within) */
        found->p = cnn_beta_distribution(rest, within / 2.0, between / 2.0);
    }
}

/* numbers: room for [count]. */
static cnn_status share_of(const cnn_sweep_set *set, const cnn_sweep_key *key, ranks *r,
                           double *numbers, cnn_sweep_key_share *found, cnn_error *error) {
    double share;
    for (int i = 0; i < r->count; i++) {
        cnn_text value = {0};
        cnn_sweep_value(set->sweep, r->member[i], key, &value);
        numbers[i] = value.failed ? 0.0 : number_of(key, value.data);
        bool failed = value.failed;
        cnn_text_free(&value);
        if (failed) {
            return cnn_fail_memory(error, "the results");
        }
    }
    found->results = r->count;
    if (key->value_count > 0) {
        memcpy(r->value, numbers, (size_t)r->count * sizeof *numbers);
        share = between_groups(r, key->value_count, &found->values);
    } else {
        rank(numbers, r->count, r->value);
        share = squared_correlation(r);
        found->values = isnan(share) ? 1 : 2;
    }
    correct(share, found);
    return CNN_OK;
}

/* The results of all finished members, numbers[r->count]. */
static void collect_members(const cnn_sweep_set *set, const cnn_sweep_row *rows, ranks *r,
                            double *numbers) {
    cnn_metric_id metric = set->base->train.early_stopping.metric;
    r->count = 0;
    for (int member = 1; member <= set->sweep->members; member++) {
        const cnn_sweep_row *row = &rows[member - 1];
        if (row->state == CNN_SWEEP_FINISHED && !isnan(row->metrics[metric])) {
            numbers[r->count] = row->metrics[metric];
            r->member[r->count++] = member;
        }
    }
}

/* The means of all combinations of which a member has finished. */
static void collect_points(const cnn_sweep_set *set, const cnn_sweep_row *rows, ranks *r,
                           double *numbers) {
    cnn_metric_id metric = set->base->train.early_stopping.metric;
    r->count = 0;
    for (int point = 1; point <= set->sweep->points; point++) {
        double mean;
        if (cnn_sweep_mean(set->sweep, rows, point, metric, &mean) > 0) {
            numbers[r->count] = mean;
            r->member[r->count++] = (point - 1) * set->sweep->seeds + 1;
        }
    }
}

static cnn_status find_shares(const cnn_sweep_set *set, const cnn_sweep_row *rows, ranks *r,
                              double *numbers, cnn_sweep_key_share *shares, cnn_error *error) {
    for (int i = 0; i < set->sweep->key_count; i++) {
        const cnn_sweep_key *key = &set->sweep->keys[i];
        shares[i] = (cnn_sweep_key_share){.share = (double)NAN, .p = (double)NAN};
        if (key->kind == CNN_SWEEP_LIST) {
            collect_members(set, rows, r, numbers);
        } else {
            collect_points(set, rows, r, numbers);
        }
        rank(numbers, r->count, r->metric);
        CNN_TRY(share_of(set, key, r, numbers, &shares[i], error));
    }
    return CNN_OK;
}

cnn_status cnn_sweep_key_shares(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                                cnn_sweep_key_share shares[CNN_SWEEP_KEYS_MAX], cnn_error *error) {
    size_t count = (size_t)set->sweep->members;
    ranks r = {.member = cnn_alloc(count, sizeof *r.member),
               .metric = cnn_alloc(count, sizeof *r.metric),
               .value = cnn_alloc(count, sizeof *r.value)};
    double *numbers = cnn_alloc(count, sizeof *numbers);
    cnn_status status = r.member && r.metric && r.value && numbers
                            ? find_shares(set, rows, &r, numbers, shares, error)
                            : cnn_fail_memory(error, "the results");
    cnn_free(r.member);
    cnn_free(r.metric);
    cnn_free(r.value);
    cnn_free(numbers);
    return status;
}
