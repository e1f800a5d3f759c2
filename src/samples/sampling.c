#include "samples/sampling.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sort.h"

cnn_sampling_plan cnn_sampling_plan_make(const cnn_dataset *dataset) {
    size_t images = dataset->split_count[CNN_SPLIT_TRAIN];
    cnn_sampling_plan plan = {.images = {images / 2, images - images / 2}};
    for (int label = 0; label < 2; label++) {
        size_t available = dataset->class_count[CNN_SPLIT_TRAIN][label]; /* never 0 */
        plan.rounds[label] = plan.images[label] / available;
        plan.extra[label] = plan.images[label] % available;
    }
    return plan;
}

/* times[count]: set to the number of times that each training image is drawn. keys: room for
 * [count]. Either may be NULL. False if memory is refused. */
static bool count_draws(const cnn_dataset *dataset, uint64_t seed, int64_t epoch, cnn_keyed *keys,
                        size_t *times) {
    size_t count = dataset->split_count[CNN_SPLIT_TRAIN];
    const size_t *files = dataset->split[CNN_SPLIT_TRAIN];
    cnn_sampling_plan plan = cnn_sampling_plan_make(dataset);
    if (!keys || !times) {
        return false;
    }
    for (int label = 0; label < 2; label++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
            if (dataset->samples[files[i]].label == label) {
                keys[found++] = (cnn_keyed){
                    .key = cnn_random_bits(seed, CNN_RANDOM_SAMPLING, (uint64_t)epoch, i),
                    .value = i};
            }
        }
        if (!cnn_sort_by_key(keys, found)) {
            return false;
        }
        for (size_t k = 0; k < found; k++) {
            times[keys[k].value] = plan.rounds[label] + (k < plan.extra[label]);
        }
    }
    return true;
}

cnn_status cnn_sampling_draw(const cnn_dataset *dataset, uint64_t seed, int64_t epoch,
                             size_t *drawn, cnn_error *error) {
    size_t count = dataset->split_count[CNN_SPLIT_TRAIN];
    cnn_keyed *keys = cnn_alloc(count, sizeof *keys);
    size_t *times = cnn_alloc(count, sizeof *times);
    bool counted = count_draws(dataset, seed, epoch, keys, times);
    size_t used = 0;
    for (size_t i = 0; i < count && counted; i++) {
        for (size_t n = 0; n < times[i]; n++) {
            drawn[used++] = dataset->split[CNN_SPLIT_TRAIN][i];
        }
    }
    cnn_free(keys);
    cnn_free(times);
    return counted ? CNN_OK : cnn_fail_memory(error, "drawing the images of an epoch");
}
