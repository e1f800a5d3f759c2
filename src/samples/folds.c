#include "samples/folds.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"
#include "samples/units.h"

typedef struct part {
    size_t images[2];
} part;

static size_t unit_size(const cnn_unit *unit) {
    return unit->images[0] + unit->images[1];
}

/* Is part `a` the better place for a unit than part `b`? The better part is the one whose squared
 * shares of the classes grow less: for images of one class, the one with fewer images of it.
 * Between equals it is the one with fewer images, so that the odd images of both classes do not go
 * to the same part. */
static bool is_better(const part *a, const part *b, const cnn_unit *unit, const size_t total[2]) {
    double growth[2] = {0.0, 0.0};
    for (int c = 0; c < 2; c++) {
        double share = (double)unit->images[c] / (double)total[c];
        growth[0] += share * (double)a->images[c] / (double)total[c];
        growth[1] += share * (double)b->images[c] / (double)total[c];
    }
    if (growth[0] < growth[1] || growth[0] > growth[1]) {
        return growth[0] < growth[1];
    }
    return a->images[0] + a->images[1] < b->images[0] + b->images[1];
}

/* Deals units to parts, the largest first, equal ones in their random order. order[units->count]:
 * the units in that order. place[units->count]: set to the part of each unit. */
static void deal(const cnn_units *units, const cnn_keyed *order, const size_t total[2], part *parts,
                 int folds, int *place) {
    for (size_t i = 0; i < units->count; i++) {
        const cnn_unit *unit = &units->units[order[i].value];
        int best = 0;
        for (int f = 1; f < folds; f++) {
            best = is_better(&parts[f], &parts[best], unit, total) ? f : best;
        }
        parts[best].images[0] += unit->images[0];
        parts[best].images[1] += unit->images[1];
        place[order[i].value] = best;
    }
}

static cnn_status check_units(const cnn_units *units, int folds, char *const *classes,
                              const char *source, size_t total[2], cnn_error *error) {
    size_t holders[2];
    cnn_units_count(units, total, holders);
    for (int c = 0; c < 2; c++) {
        if (holders[c] < (size_t)folds) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "%s: --folds %d: expected at least %d images, or groups of images, of "
                            "each class, found %zu of \"%s\" (copies count once)",
                            source, folds, folds, holders[c], classes[c]);
        }
    }
    return CNN_OK;
}

static cnn_status check_parts(const part *parts, int folds, char *const *classes,
                              const char *source, cnn_error *error) {
    for (int f = 0; f < folds; f++) {
        for (int c = 0; c < 2; c++) {
            if (parts[f].images[c] == 0) {
                return cnn_fail(
                    error, CNN_ERROR_DATA,
                    "%s: --folds %d: fold %d has no image of \"%s\": groups with "
                    "images of both classes are too large or too few for this number of folds",
                    source, folds, f + 1, classes[c]);
            }
        }
    }
    return CNN_OK;
}

/* Room to work in. */
typedef struct work {
    cnn_units units;
    cnn_keyed *order; /* [units.count]: the largest units first */
    int *place;       /* [units.count]: the part of each unit */
    part *parts;      /* [folds] */
} work;

static cnn_status assign(const cnn_sample *samples, size_t count, int folds, uint64_t seed,
                         char *const *classes, const char *source, work *w, int *fold,
                         cnn_error *error) {
    static const char what[] = "dividing images into folds";
    size_t total[2];
    cnn_units *units = &w->units;
    CNN_TRY(cnn_units_find(samples, count, seed, CNN_RANDOM_FOLDS, what, units, error));
    CNN_TRY(check_units(units, folds, classes, source, total, error));
    w->order = cnn_alloc(units->count, sizeof *w->order);
    w->place = cnn_alloc(units->count, sizeof *w->place);
    w->parts = cnn_alloc((size_t)folds, sizeof *w->parts);
    for (size_t i = 0; i < units->count && w->order; i++) {
        w->order[i] = (cnn_keyed){.key = UINT64_MAX - unit_size(&units->units[i]), .value = i};
    }
    if (!w->order || !w->place || !w->parts || !cnn_sort_by_key(w->order, units->count)) {
        return cnn_fail_memory(error, what);
    }
    deal(units, w->order, total, w->parts, folds, w->place);
    CNN_TRY(check_parts(w->parts, folds, classes, source, error));
    for (size_t i = 0; i < count; i++) {
        fold[i] = samples[i].split == CNN_SPLIT_TRAIN ? w->place[units->unit_of[i]] : -1;
    }
    return CNN_OK;
}

cnn_status cnn_folds_assign(const cnn_sample *samples, size_t count, int folds, uint64_t seed,
                            char *const *classes, const char *source, int *fold, cnn_error *error) {
    work w = {0};
    cnn_status status = assign(samples, count, folds, seed, classes, source, &w, fold, error);
    cnn_free(w.order);
    cnn_free(w.place);
    cnn_free(w.parts);
    cnn_units_free(&w.units);
    return status;
}
