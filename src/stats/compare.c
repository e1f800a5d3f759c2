#include "stats/compare.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <string.h>

#define SQRT_HALF 0.70710678118654752440
#define NORMAL_975 1.95996398454005423552 /* 97.5 % of a normal distribution are below it */

/* --- McNemar --- */

cnn_mcnemar cnn_mcnemar_test(size_t only_first, size_t only_second) {
    size_t count = only_first + only_second;
    size_t fewer = only_first < only_second ? only_first : only_second;
    cnn_mcnemar test = {.only_first = only_first,
                        .only_second = only_second,
                        .exact = count < CNN_MCNEMAR_EXACT_BELOW,
                        .chi_square = (double)NAN};
    if (test.exact) {
        /* 2 P(at most `fewer` of `count`); 2^-count is a normal double below 1022 */
        double term = ldexp(1.0, -(int)count);
        double sum = 0.0;
        for (size_t k = 0; k <= fewer; k++) {
            sum += term;
            term *= (double)(count - k) / (double)(k + 1);
        }
        test.p = sum < 0.5 ? 2.0 * sum : 1.0;
        return test;
    }
    double beyond = (double)(count - 2 * fewer) - 1.0;
    beyond = beyond > 0.0 ? beyond : 0.0;
    test.chi_square = beyond * beyond / (double)count;
    test.p = erfc(sqrt(test.chi_square) * SQRT_HALF);
    return test;
}

/* --- DeLong --- */

/* An integer with the same order as finite doubles. */
static uint64_t ordered(double value) {
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static bool find_components(const double *scores, const uint8_t *labels, size_t count,
                            const size_t classes[2], double *component) {
    cnn_keyed *items = cnn_alloc(count, sizeof *items);
    for (size_t i = 0; i < count && items; i++) {
        items[i] = (cnn_keyed){.key = ordered(scores[i]), .value = i};
    }
    if (!items || !cnn_sort_by_key(items, count)) {
        cnn_free(items);
        return false;
    }
    size_t below[2] = {0, 0};
    for (size_t first = 0, end; first < count; first = end) {
        size_t tied[2] = {0, 0};
        for (end = first; end < count && items[end].key == items[first].key; end++) {
            tied[labels[items[end].value]]++;
        }
        double less = (double)below[0] + 0.5 * (double)tied[0];
        double more = (double)(classes[1] - below[1]) - 0.5 * (double)tied[1];
        for (size_t i = first; i < end; i++) {
            component[items[i].value] =
                labels[items[i].value] == 1 ? less / (double)classes[0] : more / (double)classes[1];
        }
        below[0] += tied[0];
        below[1] += tied[1];
    }
    cnn_free(items);
    return true;
}

cnn_status cnn_area_components(const double *scores, const uint8_t *labels, size_t count,
                               double *component, cnn_error *error) {
    size_t classes[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        classes[labels[i]]++;
    }
    return find_components(scores, labels, count, classes, component)
               ? CNN_OK
               : cnn_fail_memory(error, "the components of the area");
}

/* Mean of the values of images of one class, and the variance of that mean. */
static double mean_of(const double *values, const uint8_t *labels, size_t count, int label,
                      size_t images, double *variance) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += labels[i] == label ? values[i] : 0.0;
    }
    double mean = sum / (double)images;
    double squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        double off = labels[i] == label ? values[i] - mean : 0.0;
        squares += off * off;
    }
    *variance = squares / (double)(images - 1) / (double)images;
    return mean;
}

/* component: of both models, room for [count], may be NULL. */
static cnn_status test_areas(const double *const scores[2], const uint8_t *labels, size_t count,
                             const size_t classes[2], double *const component[2],
                             cnn_delong *result, cnn_error *error) {
    double variance[2], ignored;
    for (int model = 0; model < 2; model++) {
        if (!component[model] ||
            !find_components(scores[model], labels, count, classes, component[model])) {
            return cnn_fail_memory(error, "comparing two models");
        }
    }
    for (int model = 0; model < 2; model++) {
        result->area[model] = mean_of(component[model], labels, count, 1, classes[1], &ignored);
    }
    for (size_t i = 0; i < count; i++) { /* var(a - b) holds both variances and the covariance */
        component[0][i] -= component[1][i];
    }
    result->difference = result->area[0] - result->area[1];
    for (int label = 0; label < 2; label++) {
        (void)mean_of(component[0], labels, count, label, classes[label], &variance[label]);
    }
    if (classes[0] > 1 && classes[1] > 1) {
        result->standard_error = sqrt(variance[0] + variance[1]);
        bool same = result->standard_error <= 0.0 && fabs(result->difference) <= 0.0;
        result->z = same ? 0.0 : result->difference / result->standard_error;
        result->p = erfc(fabs(result->z) * SQRT_HALF);
        result->low = result->difference - NORMAL_975 * result->standard_error;
        result->high = result->difference + NORMAL_975 * result->standard_error;
    }
    return CNN_OK;
}

cnn_status cnn_delong_test(const double *const scores[2], const uint8_t *labels, size_t count,
                           cnn_delong *result, cnn_error *error) {
    double none = (double)NAN;
    *result = (cnn_delong){{none, none}, none, none, none, none, none, none};
    size_t classes[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        classes[labels[i]]++;
    }
    if (classes[0] == 0 || classes[1] == 0) {
        return CNN_OK;
    }
    double *component[2] = {cnn_alloc(count, sizeof(double)), cnn_alloc(count, sizeof(double))};
    cnn_status status = test_areas(scores, labels, count, classes, component, result, error);
    cnn_free(component[0]);
    cnn_free(component[1]);
    return status;
}
