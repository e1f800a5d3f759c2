#include "nn/slots.h"

#include "kernels/kernels.h"

/* One slot per block up to this many blocks; then as many slots, until each has two blocks. */
enum { SINGLE_MAX = 32 };

size_t cnn_block_count(size_t images) {
    return (images + CNN_LANES - 1) / CNN_LANES;
}

size_t cnn_slot_count(size_t blocks) {
    if (blocks <= SINGLE_MAX) {
        return blocks;
    }
    size_t pairs = blocks / 2;
    return pairs <= SINGLE_MAX ? SINGLE_MAX : pairs <= CNN_SLOTS_MAX ? pairs : CNN_SLOTS_MAX;
}

size_t cnn_slot_block(size_t blocks, size_t slots, size_t slot) {
    return blocks * slot / slots;
}

/* The first slot of a rank if runs begin at multiples of `unit`: the multiple that is nearest to an
 * equal share. */
static size_t first_with_unit(size_t slots, int rank, int ranks, size_t unit) {
    size_t all = (size_t)ranks * unit;
    size_t first = (slots * (size_t)rank + all / 2) / all * unit;
    return rank == ranks || first > slots ? slots : first;
}

static size_t largest_share(size_t slots, int ranks, size_t unit) {
    size_t largest = 0;
    for (int rank = 0; rank < ranks; rank++) {
        size_t share = first_with_unit(slots, rank + 1, ranks, unit) -
                       first_with_unit(slots, rank, ranks, unit);
        largest = share > largest ? share : largest;
    }
    return largest;
}

size_t cnn_slot_unit(size_t slots, int ranks) {
    size_t unit = 1;
    size_t least = largest_share(slots, ranks, 1);
    for (size_t next = 2; next <= slots; next *= 2) {
        if (8 * largest_share(slots, ranks, next) <= 9 * least) {
            unit = next;
        }
    }
    return unit;
}

size_t cnn_slot_of_rank(size_t slots, int rank, int ranks) {
    return first_with_unit(slots, rank, ranks, cnn_slot_unit(slots, ranks));
}

void cnn_slots_divide(size_t slots, int ranks, size_t *first) {
    size_t unit = cnn_slot_unit(slots, ranks);
    for (int rank = 0; rank <= ranks; rank++) {
        first[rank] = first_with_unit(slots, rank, ranks, unit);
    }
}

size_t cnn_image_of_rank(size_t images, int rank, int ranks) {
    size_t blocks = cnn_block_count(images), slots = cnn_slot_count(blocks);
    size_t slot = cnn_slot_of_rank(slots, rank, ranks);
    size_t image = slots > 0 ? cnn_slot_block(blocks, slots, slot) * CNN_LANES : 0;
    return image < images ? image : images;
}

void cnn_slots_most(size_t images, int rank, int ranks, size_t *slots, size_t *blocks) {
    *slots = *blocks = 0;
    for (size_t of = 1; of <= cnn_block_count(images); of++) {
        size_t all = cnn_slot_count(of);
        size_t first = cnn_slot_of_rank(all, rank, ranks);
        size_t end = cnn_slot_of_rank(all, rank + 1, ranks);
        size_t own = cnn_slot_block(of, all, end) - cnn_slot_block(of, all, first);
        *slots = end - first > *slots ? end - first : *slots;
        *blocks = own > *blocks ? own : *blocks;
    }
}
