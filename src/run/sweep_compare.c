/* Is the chosen combination of a sweep better than another one, or is the difference chance? Both
 * were measured on the same validation images, so differences are taken image by image. */
#include "run/sweep_set.h"

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "base/sort.h"

#include <math.h>
#include <string.h>

#define TABLE_LIMIT ((size_t)1 << 30)
#define SQRT_HALF 0.70710678118654752440

/* A float next to 0 or 1 can be rounded to it. */
#define LEAST_PROBABILITY 5.9604644775390625e-08 /* 2^-24 */

/* The losses of one model on its validation images. */
typedef struct predictions {
    uint64_t *image; /* [count], hashes of paths */
    double *loss;    /* [count]: log loss, or 1 for a wrong decision */
    size_t count, capacity, loss_capacity;
} predictions;

/* The differences of two combinations: a cell for each image and seed. */
typedef struct cells {
    cnn_keyed *image;   /* [count]: hash and number of the cell */
    double *difference; /* [count] */
    size_t count, capacity, difference_capacity;
    size_t *seed_end; /* [seeds]: the end of each seed's cells; 0: none */
    int seeds;
} cells;

/* --- reading --- */

static bool add_prediction(predictions *p, uint64_t image, double loss) {
    if (!cnn_grow((void **)&p->image, &p->capacity, p->count + 1, sizeof *p->image) ||
        !cnn_grow((void **)&p->loss, &p->loss_capacity, p->count + 1, sizeof *p->loss)) {
        return false;
    }
    p->image[p->count] = image;
    p->loss[p->count++] = loss;
    return true;
}

/* Columns path,label,predicted,probability. */
static cnn_status parse(const char *path, char *text, const char *class_1, bool decisions,
                        predictions *p, cnn_error *error) {
    cnn_csv csv = cnn_csv_start(text);
    (void)cnn_csv_next(&csv); /* the header */
    while (cnn_csv_next(&csv)) {
        if (csv.count < 4) {
            return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: damaged: row %zu: expected 4 columns",
                            path, csv.line);
        }
        double probability = cnn_number_read(csv.field[3], NULL);
        double of_label = strcmp(csv.field[1], class_1) == 0 ? probability : 1.0 - probability;
        double loss = decisions ? (double)(strcmp(csv.field[1], csv.field[2]) != 0)
                                : -log(fmax(of_label, LEAST_PROBABILITY));
        uint64_t image = cnn_hash_bytes(CNN_HASH_START, csv.field[0], strlen(csv.field[0]));
        if (!add_prediction(p, image, loss)) {
            return cnn_fail_memory(error, path);
        }
    }
    return CNN_OK;
}

static cnn_status read_file(const char *path, const char *class_1, bool decisions, predictions *p,
                            cnn_error *error) {
    char *text;
    size_t size;
    cnn_status status = cnn_file_read(path, TABLE_LIMIT, CNN_ERROR_RUNTIME, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = parse(path, text, class_1, decisions, p, error);
    cnn_free(text);
    return status;
}

static cnn_status read_member(const cnn_sweep_set *set, int member, const char *class_1,
                              bool decisions, predictions *p, cnn_error *error) {
    cnn_run_directory directory = {0};
    char *path = cnn_run_member_path(set->directory, member);
    cnn_status status = path ? cnn_run_directory_name(path, &directory, error)
                             : cnn_fail_memory(error, set->directory);
    if (status == CNN_OK) {
        status = read_file(directory.file[CNN_RUN_PREDICTIONS], class_1, decisions, p, error);
    }
    cnn_run_directory_free(&directory);
    cnn_free(path);
    return status;
}

static void free_predictions(predictions *p) {
    cnn_free(p->image);
    cnn_free(p->loss);
    *p = (predictions){0};
}

/* --- differences --- */

static bool same_images(const predictions *a, const predictions *b) {
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->image, b->image, a->count * sizeof *a->image) == 0);
}

/* Adds the cells of one seed: b less a. */
static bool add_cells(const predictions *a, const predictions *b, int seed, cells *c) {
    size_t needed = c->count + a->count;
    if (!cnn_grow((void **)&c->image, &c->capacity, needed, sizeof *c->image) ||
        !cnn_grow((void **)&c->difference, &c->difference_capacity, needed,
                  sizeof *c->difference)) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        c->image[c->count] = (cnn_keyed){.key = a->image[i], .value = c->count};
        c->difference[c->count++] = b->loss[i] - a->loss[i];
    }
    c->seed_end[seed] = c->count;
    return true;
}

/* The sum of squares of the sums over groups of neighbours. */
static double squares_of_images(const cells *c, double mean) {
    double squares = 0.0;
    for (size_t i = 0; i < c->count;) {
        double sum = 0.0;
        size_t first = i;
        for (; i < c->count && c->image[i].key == c->image[first].key; i++) {
            sum += c->difference[c->image[i].value] - mean;
        }
        squares += sum * sum;
    }
    return squares;
}

/* The same over seeds; *seeds: how many there are. */
static double squares_of_seeds(const cells *c, double mean, int *seeds) {
    double squares = 0.0;
    size_t begin = 0;
    *seeds = 0;
    for (int seed = 0; seed < c->seeds; seed++) {
        double sum = 0.0;
        if (c->seed_end[seed] > 0) {
            for (; begin < c->seed_end[seed]; begin++) {
                sum += c->difference[begin] - mean;
            }
            squares += sum * sum;
            ++*seeds;
        }
    }
    return squares;
}

/* Images and seeds are both drawn by chance: two-way clustered variance of the mean (Cameron,
 * Gelbach and Miller 2011), but at least that of either alone, with the correction G / (G - 1) for
 * G groups. */
static double variance_of(const cells *c, double mean) {
    double n = (double)c->count, each = 0.0;
    int seeds;
    size_t images = 0;
    for (size_t i = 0; i < c->count; i++) {
        double d = c->difference[i] - mean;
        each += d * d;
        images += i == 0 || c->image[i].key != c->image[i - 1].key;
    }
    double of_images =
        squares_of_images(c, mean) * (double)images / fmax((double)images - 1.0, 1.0);
    double of_seeds = squares_of_seeds(c, mean, &seeds);
    if (seeds < 2) {
        return of_images / (n * n);
    }
    of_seeds *= seeds / (seeds - 1.0);
    return fmax(of_images + of_seeds - each, fmax(of_images, of_seeds)) / (n * n);
}

static cnn_status measure(cells *c, cnn_sweep_comparison *result, cnn_error *error) {
    double sum = 0.0;
    if (c->count < 2) {
        return CNN_OK;
    }
    if (!cnn_sort_by_key(c->image, c->count)) {
        return cnn_fail_memory(error, "the comparison");
    }
    for (size_t i = 0; i < c->count; i++) {
        sum += c->difference[i];
    }
    result->cells = c->count;
    result->difference = sum / (double)c->count;
    result->standard_error = sqrt(variance_of(c, result->difference));
    result->p = result->standard_error > 0.0
                    ? erfc(fabs(result->difference) / result->standard_error * SQRT_HALF)
                    : 1.0;
    return CNN_OK;
}

/* --- one combination --- */

static bool is_finished(const cnn_sweep_set *set, const cnn_sweep_row *rows, int point, int seed) {
    return rows[(point - 1) * set->sweep->seeds + seed].state == CNN_SWEEP_FINISHED;
}

static cnn_status add_seed(const cnn_sweep_set *set, int point, int seed, const char *class_1,
                           bool decisions, const predictions *best, cells *c, cnn_error *error) {
    predictions other = {0};
    int member = (point - 1) * set->sweep->seeds + seed + 1;
    cnn_status status = read_member(set, member, class_1, decisions, &other, error);
    if (status == CNN_OK && same_images(best, &other) && !add_cells(best, &other, seed, c)) {
        status = cnn_fail_memory(error, "the comparison");
    }
    free_predictions(&other);
    return status;
}

/* best: the predictions of each seed of the chosen combination; empty: of none. */
static cnn_status compare_point(const cnn_sweep_set *set, const cnn_sweep_row *rows, int point,
                                const char *class_1, bool decisions, const predictions *best,
                                cnn_sweep_comparison *result, cnn_error *error) {
    cells c = {.seeds = set->sweep->seeds};
    c.seed_end = cnn_alloc((size_t)c.seeds, sizeof *c.seed_end);
    cnn_status status = c.seed_end ? CNN_OK : cnn_fail_memory(error, "the comparison");
    for (int seed = 0; seed < c.seeds && status == CNN_OK; seed++) {
        if (best[seed].count > 0 && is_finished(set, rows, point, seed)) {
            status = add_seed(set, point, seed, class_1, decisions, &best[seed], &c, error);
        }
    }
    if (status == CNN_OK) {
        status = measure(&c, result, error);
    }
    cnn_free(c.image);
    cnn_free(c.difference);
    cnn_free(c.seed_end);
    return status;
}

/* --- all --- */

/* The best of m was chosen because it looked best: Hsu's comparisons with the best (1984), whose
 * critical value is bounded by m - 1 times p. */
static void adjust(cnn_sweep_comparison *results, int points) {
    int count = 0;
    for (int i = 0; i < points; i++) {
        count += results[i].cells > 0;
    }
    for (int i = 0; i < points; i++) {
        results[i].adjusted_p = fmin(1.0, count * results[i].p);
    }
}

static cnn_status compare_all(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                              const cnn_sweep_choice *choice, const char *class_1,
                              predictions *best, cnn_sweep_comparison *results, cnn_error *error) {
    const cnn_metric *metric = &cnn_metric_table[set->base->train.early_stopping.metric];
    bool decisions = metric->needs_threshold;
    for (int seed = 0; seed < set->sweep->seeds; seed++) {
        if (is_finished(set, rows, choice->point, seed)) {
            int member = (choice->point - 1) * set->sweep->seeds + seed + 1;
            CNN_TRY(read_member(set, member, class_1, decisions, &best[seed], error));
        }
    }
    for (int point = 1; point <= set->sweep->points; point++) {
        if (point != choice->point) {
            CNN_TRY(compare_point(set, rows, point, class_1, decisions, best, &results[point - 1],
                                  error));
        }
    }
    adjust(results, set->sweep->points);
    return CNN_OK;
}

cnn_status cnn_sweep_compare(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                             const cnn_sweep_choice *choice, const char *class_1,
                             cnn_sweep_comparison *results, cnn_error *error) {
    size_t seeds = (size_t)set->sweep->seeds;
    for (int i = 0; i < set->sweep->points; i++) {
        const double none = (double)NAN;
        results[i] = (cnn_sweep_comparison){
            .difference = none, .standard_error = none, .p = none, .adjusted_p = none};
    }
    if (choice->member == 0) {
        return CNN_OK;
    }
    predictions *best = cnn_alloc(seeds, sizeof *best);
    cnn_status status = best ? compare_all(set, rows, choice, class_1, best, results, error)
                             : cnn_fail_memory(error, "the comparison");
    for (size_t seed = 0; best && seed < seeds; seed++) {
        free_predictions(&best[seed]);
    }
    cnn_free(best);
    return status;
}

int cnn_sweep_next(const cnn_sweep_set *set, const cnn_sweep_comparison *results) {
    int next = 0;
    for (int point = 1; point <= set->sweep->points; point++) {
        if (results[point - 1].cells > 0 &&
            (next == 0 || results[point - 1].difference < results[next - 1].difference)) {
            next = point;
        }
    }
    return next;
}
