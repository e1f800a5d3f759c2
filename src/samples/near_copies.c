#include "samples/near_copies.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/sort.h"

static const char what[] = "looking for near-copies";

/* Counts the bits that are set, without the instruction that not every processor has. */
static int count_bits(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555U;
    word = (word & 0x3333333333333333U) + (word >> 2 & 0x3333333333333333U);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fU;
    return (int)(word * 0x0101010101010101U >> 56);
}

/* Two hashes that differ in at most CNN_NEAR_COPY_BITS bits are equal in at least one of BANDS
 * bands, so only hashes with an equal band are compared (multi-index hashing: Norouzi, Punjani and
 * Fleet 2012). A band takes every BANDS-th bit, so that each has low and high frequencies, and all
 * distinguish images equally well. */
enum {
    BANDS = CNN_NEAR_COPY_BITS + 1,
    BAND_BITS = CNN_PERCEPTUAL_BITS / BANDS,
};
_Static_assert(BANDS *BAND_BITS == CNN_PERCEPTUAL_BITS, "bands cover the hash");

static uint64_t band_of(const uint64_t *perceptual, int band) {
    uint64_t bits = 0;
    for (int i = 0; i < BAND_BITS; i++) {
        int bit = band + i * BANDS;
        bits = bits << 1 | (perceptual[bit / 64] >> (bit % 64) & 1);
    }
    return bits;
}

typedef struct search {
    const cnn_sample *samples;
    const cnn_image_facts *facts;
    const cnn_keyed *order; /* [count], sorted by band */
    size_t count;
    cnn_near_copy *near;
} search;

/* Number of bits that differ. If it exceeds CNN_NEAR_COPY_BITS, counting stops early. */
static int distance_of(const uint64_t *a, const uint64_t *b) {
    int distance = 0;
    for (int i = 0; i < CNN_PERCEPTUAL_WORDS && distance <= CNN_NEAR_COPY_BITS; i++) {
        distance += count_bits(a[i] ^ b[i]);
    }
    return distance;
}

/* How bad a near-copy is: other label, then other split, then neither. */
static int rank(const cnn_sample *a, const cnn_sample *b) {
    return a->label != b->label ? 2 : a->split != b->split ? 1 : 0;
}

/* Records sample j as a near-copy of sample i, if it is one. May be repeated for the same pair. */
static void compare(const search *s, size_t i, size_t j) {
    const cnn_sample *sample = &s->samples[i];
    const cnn_sample *other = &s->samples[j];
    cnn_near_copy *near = &s->near[i];
    int distance = distance_of(s->facts[i].perceptual, s->facts[j].perceptual);
    if (distance > CNN_NEAR_COPY_BITS || other->content == sample->content) {
        return;
    }
    near->other_label = near->other_label || other->label != sample->label;
    near->other_split = near->other_split || other->split != sample->split;
    bool better = near->distance < 0;
    if (!better) {
        int worse_by = rank(sample, other) - rank(sample, &s->samples[near->nearest]);
        int nearer_by = near->distance - distance;
        better = worse_by != 0 ? worse_by > 0 : nearer_by != 0 ? nearer_by > 0 : j < near->nearest;
    }
    if (better) {
        near->distance = distance;
        near->nearest = j;
    }
}

/* Compares the sample at `index` with all samples that have the same band. */
static void compare_band(void *context, size_t index, int thread) {
    (void)thread;
    const search *s = context;
    const cnn_keyed *mine = &s->order[index];
    for (size_t i = index; i > 0 && s->order[i - 1].key == mine->key; i--) {
        compare(s, mine->value, s->order[i - 1].value);
    }
    for (size_t i = index + 1; i < s->count && s->order[i].key == mine->key; i++) {
        compare(s, mine->value, s->order[i].value);
    }
}

/* Finds the near-copies that are equal in one band. order: room for [count]. */
static cnn_status search_band(search s, int band, cnn_keyed *order, size_t count,
                              cnn_thread_pool *pool, int threads, cnn_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!s.facts[i].constant) {
            order[s.count++] = (cnn_keyed){.key = band_of(s.facts[i].perceptual, band), .value = i};
        }
    }
    if (!cnn_sort_by_key(order, s.count)) {
        return cnn_fail_memory(error, what);
    }
    cnn_thread_pool_for(pool, s.count, threads, compare_band, &s);
    return CNN_OK;
}

static cnn_status search_all(const search *s, cnn_keyed *order, size_t count, cnn_thread_pool *pool,
                             int threads, cnn_error *error) {
    if (!pool || !order) {
        return cnn_fail_memory(error, what);
    }
    for (size_t i = 0; i < count; i++) {
        s->near[i] = (cnn_near_copy){.distance = -1};
    }
    for (int band = 0; band < BANDS; band++) {
        CNN_TRY(search_band(*s, band, order, count, pool, threads, error));
    }
    return CNN_OK;
}

cnn_status cnn_near_copies_find(const cnn_sample *samples, const cnn_image_facts *facts,
                                size_t count, int threads, cnn_near_copy *near, cnn_error *error) {
    cnn_thread_pool *pool = cnn_thread_pool_create(threads);
    cnn_keyed *order = cnn_alloc(count, sizeof *order);
    search s = {.samples = samples, .facts = facts, .order = order, .near = near};
    cnn_status status = search_all(&s, order, count, pool, threads, error);
    cnn_thread_pool_free(pool);
    cnn_free(order);
    return status;
}
