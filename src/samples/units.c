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

/* parent[count]: the forest whose trees are the units. keys[count] is scratch space. False if
 * memory is refused. */
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

cnn_status cnn_units_find(const cnn_sample *samples, size_t count, uint64_t seed,
                          cnn_random_purpose purpose, const char *what, cnn_units *units,
                          cnn_error *error) {
    *units = (cnn_units){0};
    size_t *parent = cnn_alloc(count, sizeof *parent);
    cnn_keyed *keys = cnn_alloc(count, sizeof *keys);  /* scratch for sorting: links, then units */
    cnn_unit *found = cnn_alloc(count, sizeof *found); /* at the index of the representative */
    size_t *place = cnn_alloc(count, sizeof *place);   /* of the unit, at the same index */
    units->units = cnn_alloc(count, sizeof *units->units);
    units->unit_of = cnn_alloc(count, sizeof *units->unit_of);
    bool done = parent && keys && found && place && units->units && units->unit_of &&
                join_all(samples, count, keys, parent);
    for (size_t i = 0; i < count && done; i++) {
        if (samples[i].split != CNN_SPLIT_TRAIN) {
            continue;
        }
        size_t representative = find(parent, i);
        cnn_unit *mine = &found[representative];
        /* the smallest number of its members: independent of the order of the samples */
        uint64_t key = samples[i].group ? group_hash(&samples[i]) : samples[i].content;
        uint64_t order = cnn_random_bits(seed, purpose, 0, key);
        bool first = mine->images[0] + mine->images[1] == 0;
        if (first) {
            keys[units->count++].value = representative;
        }
        mine->order = first || order < mine->order ? order : mine->order;
        mine->images[samples[i].label]++;
    }
    for (size_t i = 0; i < units->count; i++) {
        keys[i].key = found[keys[i].value].order;
    }
    done = done && cnn_sort_by_key(keys, units->count);
    for (size_t i = 0; i < units->count && done; i++) {
        units->units[i] = found[keys[i].value];
        place[keys[i].value] = i;
    }
    for (size_t i = 0; i < count && done; i++) {
        units->unit_of[i] = samples[i].split == CNN_SPLIT_TRAIN ? place[find(parent, i)] : 0;
    }
    cnn_free(parent);
    cnn_free(keys);
    cnn_free(found);
    cnn_free(place);
    return done ? CNN_OK : cnn_fail_memory(error, what);
}

void cnn_units_free(cnn_units *units) {
    cnn_free(units->units);
    cnn_free(units->unit_of);
    *units = (cnn_units){0};
}
