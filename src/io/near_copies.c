#include "near_copies.h"

#include "error.h"
#include "memory.h"
#include "parallel.h"
#include "sort.h"

#include <string.h>

/* Bits that are set; by halves, as not every processor has an instruction for it. */
static int count_bits(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555U;
    word = (word & 0x3333333333333333U) + (word >> 2 & 0x3333333333333333U);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fU;
    return (int)(word * 0x0101010101010101U >> 56);
}

/* One image to be compared. */
typedef struct candidate {
    uint64_t perceptual[CNN_PERCEPTUAL_WORDS];
    size_t sample;
    int bits; /* that are set in the hash */
} candidate;

typedef struct search {
    const cnn_sample *samples;
    const candidate *candidates; /* [count], by rising bits */
    size_t count;
    cnn_near_copy *near;
} search;

/* Bits that differ, or more than CNN_NEAR_COPY_BITS where it is more. */
static int distance_of(const candidate *a, const candidate *b) {
    int distance = 0;
    for (int i = 0; i < CNN_PERCEPTUAL_WORDS && distance <= CNN_NEAR_COPY_BITS; i++) {
        distance += count_bits(a->perceptual[i] ^ b->perceptual[i]);
    }
    return distance;
}

/* What a near-copy tells, the worse the more. */
static int rank(const cnn_sample *a, const cnn_sample *b) {
    return a->label != b->label ? 2 : a->split != b->split ? 1 : 0;
}

/* Compares candidate `index` with all that it can be near to: hashes that differ in d bits have
 * numbers of set bits that differ by at most d. */
static void compare(void *context, size_t index, int thread) {
    (void)thread;
    const search *s = context;
    const candidate *mine = &s->candidates[index];
    const cnn_sample *sample = &s->samples[mine->sample];
    cnn_near_copy *near = &s->near[mine->sample];
    size_t first = index;
    while (first > 0 && mine->bits - s->candidates[first - 1].bits <= CNN_NEAR_COPY_BITS) {
        first--;
    }
    for (size_t i = first; i < s->count && s->candidates[i].bits - mine->bits <= CNN_NEAR_COPY_BITS;
         i++) {
        int distance = distance_of(mine, &s->candidates[i]);
        size_t found = s->candidates[i].sample;
        const cnn_sample *other = &s->samples[found];
        if (distance > CNN_NEAR_COPY_BITS || other->content == sample->content) {
            continue;
        }
        int better =
            near->distance < 0 ? 1 : rank(sample, other) - rank(sample, &s->samples[near->nearest]);
        better = better != 0 ? better : near->distance - distance;
        if (better > 0 || (better == 0 && found < near->nearest)) {
            near->distance = distance;
            near->nearest = found;
        }
        near->other_label = near->other_label || other->label != sample->label;
        near->other_split = near->other_split || other->split != sample->split;
    }
}

cnn_status cnn_near_copies_find(const cnn_sample *samples, const cnn_image_facts *facts,
                                size_t count, int threads, cnn_near_copy *near, cnn_error *error) {
    cnn_status status = CNN_OK;
    candidate *candidates = cnn_alloc(count, sizeof *candidates);
    cnn_keyed *order = cnn_alloc(count, sizeof *order);
    size_t kept = 0;
    if (!candidates || !order) {
        status = cnn_fail_memory(error, "looking for near-copies");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        near[i] = (cnn_near_copy){.distance = -1};
        if (!facts[i].constant) {
            int bits = 0;
            for (int w = 0; w < CNN_PERCEPTUAL_WORDS; w++) {
                bits += count_bits(facts[i].perceptual[w]);
            }
            order[kept++] = (cnn_keyed){.key = (uint64_t)bits, .value = i};
        }
    }
    if (!cnn_sort_by_key(order, kept)) {
        status = cnn_fail_memory(error, "looking for near-copies");
        goto done;
    }
    for (size_t i = 0; i < kept; i++) {
        candidates[i].sample = order[i].value;
        candidates[i].bits = (int)order[i].key;
        memcpy(candidates[i].perceptual, facts[order[i].value].perceptual,
               sizeof candidates[i].perceptual);
    }
    search s = {.samples = samples, .candidates = candidates, .count = kept, .near = near};
    cnn_parallel_for(kept, threads, compare, &s);
done:
    cnn_free(candidates);
    cnn_free(order);
    return status;
}
