#include "hold_back.h"

#include "error.h"
#include "hash.h"
#include "memory.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Images that stay together. */
typedef struct unit {
    uint64_t order;   /* units are taken in rising order */
    size_t images[2]; /* of each class */
    bool held;
} unit;

/* A hash that joins samples: those with an equal hash belong to one unit. */
typedef struct link {
    uint64_t hash;
    size_t sample;
} link;

static int by_hash(const void *a, const void *b) {
    const link *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1)
                              : (x->sample > y->sample) - (x->sample < y->sample);
}

static int by_order(const void *a, const void *b) {
    const unit *const *x = a, *const *y = b;
    return ((*x)->order > (*y)->order) - ((*x)->order < (*y)->order);
}

/* Union-find with path halving: the representative of sample i. */
static size_t find(size_t *parent, size_t i) {
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* Joins samples with equal hashes; links: [count], sorted here. */
static void join(link *links, size_t count, size_t *parent) {
    qsort(links, count, sizeof *links, by_hash);
    for (size_t i = 1; i < count; i++) {
        if (links[i].hash == links[i - 1].hash) {
            parent[find(parent, links[i].sample)] = find(parent, links[i - 1].sample);
        }
    }
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
    link *links = cnn_alloc(count, sizeof *links);
    unit *units = cnn_alloc(count, sizeof *units); /* at the representative's index */
    unit **sorted = cnn_alloc(count, sizeof *sorted);
    if (!parent || !links || !units || !sorted) {
        status = cnn_fail_memory(error, "holding images back");
        goto done;
    }
    size_t linked = 0;
    for (size_t i = 0; i < count; i++) {
        parent[i] = i;
        if (samples[i].split == CNN_SPLIT_TRAIN) {
            links[linked++] = (link){.hash = samples[i].content, .sample = i};
        }
    }
    join(links, linked, parent);
    linked = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split == CNN_SPLIT_TRAIN && samples[i].group) {
            links[linked++] = (link){.hash = group_hash(&samples[i]), .sample = i};
        }
    }
    join(links, linked, parent);

    size_t unit_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split != CNN_SPLIT_TRAIN) {
            continue;
        }
        unit *mine = &units[find(parent, i)];
        /* the least of its members' numbers: the same whatever the order of the samples */
        uint64_t key = samples[i].group ? group_hash(&samples[i]) : samples[i].content;
        uint64_t order = cnn_random_bits(seed, CNN_RANDOM_HOLD_BACK, 0, key);
        bool first = mine->images[0] + mine->images[1] == 0;
        if (first) {
            sorted[unit_count++] = mine;
        }
        mine->order = first || order < mine->order ? order : mine->order;
        mine->images[samples[i].label]++;
    }
    qsort(sorted, unit_count, sizeof *sorted, by_order);
    take(sorted, unit_count, fraction);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split == CNN_SPLIT_TRAIN && units[find(parent, i)].held) {
            samples[i].split = CNN_SPLIT_VALIDATION;
        }
    }
done:
    cnn_free(parent);
    cnn_free(links);
    cnn_free(units);
    cnn_free(sorted);
    return status;
}
