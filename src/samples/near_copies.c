#include "samples/near_copies.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"

/* The idea is that of multi-index hashing (Norouzi, Punjani and Fleet 2012). A hash is cut into
 * BANDS bands. Hashes that differ in at most CNN_NEAR_COPY_BITS bits differ in at most as many
 * bands, so they are equal in at least ALIKE. Only hashes that are equal in one band are compared;
 * where these are many, only those that are equal in a second one, too, and so on, up to ALIKE.
 * All combinations of bands are gone through, so that no near-copy is missed. */
enum {
    ALIKE = 4,
    BANDS = CNN_NEAR_COPY_BITS + ALIKE,
    BAND_BITS = CNN_PERCEPTUAL_BITS / BANDS, /* at least */
    LONGER = CNN_PERCEPTUAL_BITS % BANDS,    /* this many bands, the first ones, have one more */
    PART_BITS = 8,                           /* of a band; threads divide hashes by them */
    PARTS = 1 << PART_BITS,
};
_Static_assert(PART_BITS <= BAND_BITS, "a part is a part of a band");

/* They change how long the search takes, not what it finds. */
enum {
    FEW = 8,    /* hashes that are compared at once, not separated further */
    MANY = 128, /* hashes of equal bands that may be worth separating by another one */
    TRIES = 64, /* pairs of them that tell whether they are */
};

typedef struct hashed {
    uint64_t bits[CNN_PERCEPTUAL_WORDS]; /* those of the first band first */
    size_t sample;
} hashed;

static int band_start(int band) {
    return band * BAND_BITS + (band < LONGER ? band : LONGER);
}

static bool bit_of(const uint64_t *bits, int i) {
    return bits[i / 64] >> (i % 64) & 1;
}

/* A band takes every BANDS-th bit, so that each has low and high frequencies, and all distinguish
 * images equally well. */
static void sort_bits(const uint64_t *perceptual, uint64_t *bits) {
    for (int band = 0; band < BANDS; band++) {
        for (int i = band_start(band), from = band; i < band_start(band + 1); i++, from += BANDS) {
            bits[i / 64] |= (uint64_t)bit_of(perceptual, from) << (i % 64);
        }
    }
}

static bool same_band(const hashed *a, const hashed *b, int band) {
    for (int i = band_start(band); i < band_start(band + 1); i++) {
        if (bit_of(a->bits, i) != bit_of(b->bits, i)) {
            return false;
        }
    }
    return true;
}

typedef struct search {
    const cnn_sample *samples;
    cnn_near_copy *near;
    hashed *items; /* [count], those of a part together */
    size_t count;
    int band;                /* the first one that is equal */
    size_t parts[PARTS + 1]; /* where each part starts; the last one's end */
} search;

/* --- comparing --- */

/* Counts the bits that are set, without the instruction that not every processor has. */
static int count_bits(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555U;
    word = (word & 0x3333333333333333U) + (word >> 2 & 0x3333333333333333U);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fU;
    return (int)(word * 0x0101010101010101U >> 56);
}

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

/* Records sample j as a near-copy of sample i. May be repeated for the same pair. */
static void record(const search *s, size_t i, size_t j, int distance) {
    const cnn_sample *sample = &s->samples[i];
    const cnn_sample *other = &s->samples[j];
    cnn_near_copy *near = &s->near[i];
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

/* Compares all items[count] with each other. */
static void compare_all(const search *s, const hashed *items, size_t count) {
    for (size_t a = 1; a < count; a++) {
        for (size_t b = 0; b < a; b++) {
            const int distance = distance_of(items[a].bits, items[b].bits);
            const size_t i = items[a].sample, j = items[b].sample;
            if (distance <= CNN_NEAR_COPY_BITS && s->samples[i].content != s->samples[j].content) {
                record(s, i, j, distance);
                record(s, j, i, distance);
            }
        }
    }
}

/* --- separating --- */

/* Moves the items whose bit is 0 before the others; their number. */
static size_t separate(hashed *items, size_t count, int bit) {
    size_t first = 0;
    for (size_t end = count; first < end;) {
        if (!bit_of(items[first].bits, bit)) {
            first++;
        } else {
            const hashed other = items[--end];
            items[end] = items[first];
            items[first] = other;
        }
    }
    return first;
}

/* Are there fewer pairs to compare, in all bands from `first` to `last` together, if each of them
 * separates the items? A guess from some pairs, since images that are all alike stay together in
 * most bands. */
static bool worth_separating(const hashed *items, size_t count, int first, int last) {
    int equal = 0;
    for (size_t i = 0; i < TRIES; i++) {
        const size_t a = count / TRIES * i, b = (a + count / 2) % count;
        for (int band = first; band <= last; band++) {
            equal += same_band(&items[a], &items[b], band);
        }
    }
    return equal < TRIES / 2;
}

/* Compares the items that are equal in `band` and perhaps others after it. They are equal in
 * `alike` bands before it, and in the first bits of it, up to `bit`. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as ALIKE bands have bits */
static void search_band(const search *s, hashed *items, size_t count, int band, int bit,
                        int alike) {
    if (count <= FEW) {
        compare_all(s, items, count);
        return;
    }
    if (bit < band_start(band + 1)) {
        const size_t zeros = separate(items, count, bit);
        search_band(s, items, zeros, band, bit + 1, alike);
        search_band(s, items + zeros, count - zeros, band, bit + 1, alike);
        return;
    }
    alike++;
    const int last = CNN_NEAR_COPY_BITS + alike; /* the band in which those that differ in all
                                                  * others can still be equal */
    if (alike == ALIKE || count <= MANY || !worth_separating(items, count, band + 1, last)) {
        compare_all(s, items, count);
        return;
    }
    for (int next = band + 1; next <= last; next++) {
        search_band(s, items, count, next, band_start(next), alike);
    }
}

/* A sample is in one part only, so that no other thread records near-copies of it. */
static void search_part(void *context, size_t part, int thread) {
    (void)thread;
    const search *s = context;
    search_band(s, s->items + s->parts[part], s->parts[part + 1] - s->parts[part], s->band,
                band_start(s->band) + PART_BITS, 0);
}

/* Divides the items by the first bits of s->band. */
static void divide(search *s) {
    int bit = band_start(s->band);
    s->parts[PARTS] = s->count;
    for (size_t step = PARTS / 2; step > 0; step /= 2, bit++) {
        for (size_t part = 0; part < PARTS; part += 2 * step) {
            const size_t start = s->parts[part], end = s->parts[part + 2 * step];
            s->parts[part + step] = start + separate(s->items + start, end - start, bit);
        }
    }
}

static cnn_status search_all(search *s, const cnn_image_facts *facts, size_t count,
                             cnn_thread_pool *pool, int threads, cnn_error *error) {
    if (!pool || !s->items) {
        return cnn_fail_memory(error, "looking for near-copies");
    }
    for (size_t i = 0; i < count; i++) {
        s->near[i] = (cnn_near_copy){.distance = -1};
        if (!facts[i].constant) {
            hashed *item = &s->items[s->count++];
            *item = (hashed){.sample = i};
            sort_bits(facts[i].perceptual, item->bits);
        }
    }
    for (s->band = 0; s->band <= CNN_NEAR_COPY_BITS; s->band++) {
        divide(s);
        cnn_thread_pool_for(pool, PARTS, threads, search_part, s);
    }
    return CNN_OK;
}

cnn_status cnn_near_copies_find(const cnn_sample *samples, const cnn_image_facts *facts,
                                size_t count, int threads, cnn_near_copy *near, cnn_error *error) {
    cnn_thread_pool *pool = cnn_thread_pool_create(threads);
    search s = {.samples = samples, .near = near, .items = cnn_alloc(count, sizeof *s.items)};
    cnn_status status = search_all(&s, facts, count, pool, threads, error);
    cnn_thread_pool_free(pool);
    cnn_free(s.items);
    return status;
}
