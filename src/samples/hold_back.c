#include "samples/hold_back.h"

#include "base/error.h"
#include "base/memory.h"
#include "samples/units.h"

#include <math.h>

static const char what[] = "holding images back";

/* Takes units in order while their classes need images. held[units->count]: set for those taken. */
static void take(const cnn_units *units, double fraction, bool *held) {
    size_t total[2], holders[2];
    cnn_units_count(units, total, holders);
    size_t need[2];
    size_t taken[2] = {0, 0};
    for (int c = 0; c < 2; c++) {
        need[c] = (size_t)floor(fraction * (double)total[c] + 0.5);
        need[c] = need[c] == 0 && holders[c] >= 2 ? 1 : need[c];
    }
    for (size_t i = 0; i < units->count; i++) {
        const size_t *images = units->units[i].images;
        bool wanted = taken[0] + images[0] <= need[0] && taken[1] + images[1] <= need[1];
        bool some_stay = (images[0] == 0 || taken[0] + images[0] < total[0]) &&
                         (images[1] == 0 || taken[1] + images[1] < total[1]);
        if (wanted && some_stay) {
            held[i] = true;
            taken[0] += images[0];
            taken[1] += images[1];
        }
    }
    /* if all units of a class are larger than its share, one is taken and another one stays for
     * training */
    for (int c = 0; c < 2; c++) {
        for (size_t i = 0; i < units->count && taken[c] == 0 && holders[c] >= 2; i++) {
            const size_t *images = units->units[i].images;
            int other = 1 - c;
            if (images[c] > 0 && images[c] < total[c] &&
                (images[other] == 0 || taken[other] + images[other] < total[other])) {
                held[i] = true;
                taken[0] += images[0];
                taken[1] += images[1];
            }
        }
    }
}

static cnn_status hold_back(cnn_sample *samples, size_t count, const cnn_units *units,
                            double fraction, cnn_error *error) {
    bool *held = cnn_alloc(units->count, sizeof *held);
    if (!held) {
        return cnn_fail_memory(error, what);
    }
    take(units, fraction, held);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split == CNN_SPLIT_TRAIN && held[units->unit_of[i]]) {
            samples[i].split = CNN_SPLIT_VALIDATION;
        }
    }
    cnn_free(held);
    return CNN_OK;
}

cnn_status cnn_hold_back(cnn_sample *samples, size_t count, double fraction, uint64_t seed,
                         cnn_error *error) {
    cnn_units units;
    cnn_status status =
        cnn_units_find(samples, count, seed, CNN_RANDOM_HOLD_BACK, what, &units, error);
    if (status == CNN_OK) {
        status = hold_back(samples, count, &units, fraction, error);
    }
    cnn_units_free(&units);
    return status;
}
