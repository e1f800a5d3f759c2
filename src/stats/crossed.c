#include "stats/crossed.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"
#include "stats/student.h"

#include <math.h>

/* Sums over images. */
typedef struct sums {
    double together; /* of the squares of the sums of the parts of one image */
    double each;     /* of the squares of all parts */
    double images;   /* that are different */
} sums;

static cnn_status add_up(const cnn_crossed *crossed, sums *found, cnn_error *error) {
    *found = (sums){0};
    cnn_keyed *items = cnn_alloc(crossed->count, sizeof *items);
    for (size_t i = 0; i < crossed->count && items; i++) {
        items[i] = (cnn_keyed){.key = crossed->image[i], .value = i};
    }
    if (!items || !cnn_sort_by_key(items, crossed->count)) {
        cnn_free(items);
        return cnn_fail_memory(error, "the comparison");
    }
    for (size_t i = 0; i < crossed->count;) {
        double sum = 0.0;
        size_t first = i;
        for (; i < crossed->count && items[i].key == items[first].key; i++) {
            double part = crossed->part[items[i].value];
            sum += part;
            found->each += part * part;
        }
        found->together += sum * sum;
        found->images += 1.0;
    }
    cnn_free(items);
    return CNN_OK;
}

/* The mean of the values; *variance: of that mean, by the values alone. */
static double mean_of(const double *value, int seeds, double *variance) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < seeds; i++) {
        sum += value[i];
    }
    double mean = sum / seeds;
    for (int i = 0; i < seeds; i++) {
        squares += (value[i] - mean) * (value[i] - mean);
    }
    *variance = seeds > 1 ? squares / (seeds - 1.0) / seeds : 0.0;
    return mean;
}

cnn_status cnn_crossed_measure(const cnn_crossed *crossed, cnn_crossed_test *test,
                               cnn_error *error) {
    sums found;
    double of_seeds, squared = (double)crossed->seeds * crossed->seeds;
    CNN_TRY(add_up(crossed, &found, error));
    *test =
        (cnn_crossed_test){.mean = mean_of(crossed->value, crossed->seeds, &of_seeds), .p = 1.0};
    double of_images = found.together / squared; /* the seeds as given */
    double shared = fmax(0.0, found.together - found.each) / squared;
    test->standard_error = sqrt(fmax(of_images, of_seeds + shared));
    if (of_images <= 0.0 || found.images < 2.0) {
        return CNN_OK;
    }
    test->p = 2.0 * cnn_student_tail(fabs(test->mean) / sqrt(of_images), found.images - 1.0);
    if (of_seeds > 0.0) {
        const double scale[2] = {sqrt(of_seeds), sqrt(shared)};
        const double degrees[2] = {crossed->seeds - 1.0, found.images - 1.0};
        test->p = fmax(test->p, cnn_behrens_fisher_p(fabs(test->mean), scale, degrees));
    }
    return CNN_OK;
}
