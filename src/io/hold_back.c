#include "hold_back.h"

#include "error.h"
#include "hash.h"
#include "memory.h"
#include "random.h"
#include "sort.h"

#include <math.h>
#include <string.h>

/* Images that stay together. */
typedef struct unit {
    uint64_t order;   /* units are taken in rising order */
    size_t images[2]; /* of each class */
    bool held;
} unit;

/* Union-find with path halving: the representative of sample i. */
static size_t find(size_t *parent, size_t i) {
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* Joins samples with equal hashes. links: [count], hash and sample, sorted here; false when memory
 * is refused. */
static bool join(cnn_keyed *links, size_t count, size_t *parent) {
    if (!cnn_sort_by_key(links, count)) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        if (links[i].key == links[i - 1].key) {
            parent[find(parent, links[i].value)] = find(parent, links[i - 1].value);
        }
    }
    return true;
}

static uint64_t group_hash(const cnn_sample *sample) {
    return cnn_hash_bytes(~CNN_HASH_START, sample->group, strlen(sample->group));
}

/* Takes units in order while their classes still need images. */
static void take(unit **sorted, size_t count, double fraction) {
    size_t total[2] = {0, 0};
    size_t units[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 2; c++) {
            total[c] += sorted[i]->images[c];
            units[c] += sorted[i]->images[c] > 0;
        }
    }
    size_t need[2];
    size_t held[2] = {0, 0};
    for (int c = 0; c < 2; c++) {
        need[c] = (size_t)floor(fraction * (double)total[c] + 0.5);
        need[c] = need[c] == 0 && units[c] >= 2 ? 1 : need[c];
    }
    for (size_t i = 0; i < count; i++) {
        const size_t *images = sorted[i]->images;
        bool wanted = held[0] + images[0] <= need[0] && held[1] + images[1] <= need[1];
        bool some_stay = (images[0] == 0 || held[0] + images[0] < total[0]) &&
                         (images[1] == 0 || held[1] + images[1] < total[1]);
        if (wanted && some_stay) {
            sorted[i]->held = true;
            held[0] += images[0];
            held[1] += images[1];
        }
    }
    /* a class whose units are all larger than its share still gets one, while one stays for
     * training */
    for (int c = 0; c < 2; c++) {
        for (size_t i = 0; i < count && held[c] == 0 && units[c] >= 2; i++) {
            const size_t *images = sorted[i]->images;
            int other = 1 - c;
            if (images[c] > 0 && images[c] < total[c] &&
                (images[other] == 0 || held[other] + images[other] < total[other])) {
                sorted[i]->held = true;
                held[0] += images[0];
                held[1] += images[1];
            }
        }
    }
}

cnn_status cnn_hold_back(cnn_sample *samples, size_t count, double fraction, uint64_t seed,
                         cnn_error *error) {
    cnn_status status = CNN_OK;
    size_t *parent = cnn_alloc(count, sizeof *parent);
    cnn_keyed *keys = cnn_alloc(count, sizeof *keys); /* what is sorted: links, then units */
    unit *units = cnn_alloc(count, sizeof *units);    /* at the representative's index */
    unit **sorted = cnn_alloc(count, sizeof *sorted);
    if (!parent || !keys || !units || !sorted) {
        status = cnn_fail_memory(error, "holding images back");
        goto done;
    }
    size_t linked = 0;
    for (size_t i = 0; i < count; i++) {
        parent[i] = i;
        if (samples[i].split == CNN_SPLIT_TRAIN) {
            keys[linked++] = (cnn_keyed){.key = samples[i].content, .value = i};
        }
    }
    bool sorted_all = join(keys, linked, parent);
    linked = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split == CNN_SPLIT_TRAIN && samples[i].group) {
            keys[linked++] = (cnn_keyed){.key = group_hash(&samples[i]), .value = i};
        }
    }
    sorted_all = sorted_all && join(keys, linked, parent);

    size_t unit_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split != CNN_SPLIT_TRAIN) {
            continue;
        }
        size_t representative = find(parent, i);
        unit *mine = &units[representative];
        /* the least of its members' numbers: the same whatever the order of the samples */
        uint64_t key = samples[i].group ? group_hash(&samples[i]) : samples[i].content;
        uint64_t order = cnn_random_bits(seed, CNN_RANDOM_HOLD_BACK, 0, key);
        bool first = mine->images[0] + mine->images[1] == 0;
        if (first) {
            keys[unit_count++].value = representative;
        }
        mine->order = first || order < mine->order ? order : mine->order;
        mine->images[samples[i].label]++;
    }
    for (size_t i = 0; i < unit_count; i++) {
        keys[i].key = units[keys[i].value].order;
    }
    sorted_all = sorted_all && cnn_sort_by_key(keys, unit_count);
    if (!sorted_all) {
        status = cnn_fail_memory(error, "holding images back");
        goto done;
    }
    for (size_t i = 0; i < unit_count; i++) {
        sorted[i] = &units[keys[i].value];
    }
    take(sorted, unit_count, fraction);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split == CNN_SPLIT_TRAIN && units[find(parent, i)].held) {
            samples[i].split = CNN_SPLIT_VALIDATION;
        }
    }
done:
    cnn_free(parent);
    cnn_free(keys);
    cnn_free(units);
    cnn_free(sorted);
    return status;
}
