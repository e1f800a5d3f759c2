#include "samples/units.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"

#include <string.h>

/* Union-find with path halving: the representative of sample i. */
static size_t find(size_t *parent, size_t i) {
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* Joins samples with equal hashes. links: [count], hash and sample; this function sorts them. False
 * if memory is refused. */
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

/* parent[count]: set to the forest whose trees are the units. keys[count]: room to work in. False
 * if memory is refused. */
static bool join_all(const cnn_sample *samples, size_t count, cnn_keyed *keys, size_t *parent) {
    size_t linked = 0;
    for (size_t i = 0; i < count; i++) {
        parent[i] = i;
        if (samples[i].split == CNN_SPLIT_TRAIN) {
            keys[linked++] = (cnn_keyed){.key = samples[i].content, .value = i};
        }
    }
    if (!join(keys, linked, parent)) {
        return false;
    }
    linked = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split == CNN_SPLIT_TRAIN && samples[i].group) {
            keys[linked++] = (cnn_keyed){.key = group_hash(&samples[i]), .value = i};
        }
    }
    return join(keys, linked, parent);
}

/* Room to work in, all [samples]. */
typedef struct work {
    size_t *parent;
    cnn_keyed *keys; /* to be sorted: links, then units */
    cnn_unit *found; /* at the index of the representative */
    size_t *place;   /* of the unit in the result, at the index of the representative */
} work;

/* Collects the units, unsorted: w->found, and the representatives in w->keys[units->count]. */
static void collect(const cnn_sample *samples, size_t count, uint64_t seed,
                    cnn_random_purpose purpose, work *w, cnn_units *units) {
    for (size_t i = 0; i < count; i++) {
        if (samples[i].split != CNN_SPLIT_TRAIN) {
            continue;
        }
        size_t representative = find(w->parent, i);
        cnn_unit *unit = &w->found[representative];
        uint64_t key = samples[i].group ? group_hash(&samples[i]) : samples[i].content;
        uint64_t order = cnn_random_bits(seed, purpose, 0, key);
        bool first = unit->images[0] + unit->images[1] == 0;
        if (first) {
            w->keys[units->count++].value = representative;
        }
        /* the least of its members' numbers, which does not depend on the order of the samples */
        unit->order = first || order < unit->order ? order : unit->order;
        unit->images[samples[i].label]++;
    }
}

/* False if memory is refused. */
static bool find_units(const cnn_sample *samples, size_t count, uint64_t seed,
                       cnn_random_purpose purpose, work *w, cnn_units *units) {
    if (!w->parent || !w->keys || !w->found || !w->place || !units->units || !units->unit_of ||
        !join_all(samples, count, w->keys, w->parent)) {
        return false;
    }
    collect(samples, count, seed, purpose, w, units);
    for (size_t i = 0; i < units->count; i++) {
        w->keys[i].key = w->found[w->keys[i].value].order;
    }
    if (!cnn_sort_by_key(w->keys, units->count)) {
        return false;
    }
    for (size_t i = 0; i < units->count; i++) {
        units->units[i] = w->found[w->keys[i].value];
        w->place[w->keys[i].value] = i;
    }
    for (size_t i = 0; i < count; i++) {
        units->unit_of[i] = samples[i].split == CNN_SPLIT_TRAIN ? w->place[find(w->parent, i)] : 0;
    }
    return true;
}

cnn_status cnn_units_find(const cnn_sample *samples, size_t count, uint64_t seed,
                          cnn_random_purpose purpose, const char *what, cnn_units *units,
                          cnn_error *error) {
    work w = {.parent = cnn_alloc(count, sizeof *w.parent),
              .keys = cnn_alloc(count, sizeof *w.keys),
              .found = cnn_alloc(count, sizeof *w.found),
              .place = cnn_alloc(count, sizeof *w.place)};
    *units = (cnn_units){.units = cnn_alloc(count, sizeof *units->units),
                         .unit_of = cnn_alloc(count, sizeof *units->unit_of)};
    bool done = find_units(samples, count, seed, purpose, &w, units);
    cnn_free(w.parent);
    cnn_free(w.keys);
    cnn_free(w.found);
    cnn_free(w.place);
    return done ? CNN_OK : cnn_fail_memory(error, what);
}

void cnn_units_count(const cnn_units *units, size_t images[2], size_t holders[2]) {
    for (int c = 0; c < 2; c++) {
        images[c] = holders[c] = 0;
        for (size_t i = 0; i < units->count; i++) {
            images[c] += units->units[i].images[c];
            holders[c] += units->units[i].images[c] > 0;
        }
    }
}

void cnn_units_free(cnn_units *units) {
    cnn_free(units->units);
    cnn_free(units->unit_of);
    *units = (cnn_units){0};
}
