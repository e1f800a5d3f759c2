#include "samples/fetch.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/slots.h"
#include "samples/share.h"

#include <string.h>

/* The images of a batch that this process computes with. */
typedef struct arrival {
    uint8_t *bytes; /* [images][piece] */
    size_t first;   /* the position of the first one */
} arrival;

struct cnn_fetch {
    const cnn_dataset *dataset;
    const cnn_ranks *ranks;
    cnn_background *background;
    size_t piece; /* bytes of an image that are fetched */
    arrival arrivals[2];
    int next;          /* which of them is filled, or will be */
    uint8_t *outgoing; /* [batch_size][piece], grouped by process */
    uint8_t *incoming; /* [own images][piece], grouped by process */
    cnn_message *messages;

    cnn_dataset_source source; /* the batch that is being fetched */
    size_t first, count;
    unsigned long job;
};

/* Of features, only the variant of the epoch is fetched. */
static size_t piece_size(const cnn_dataset *dataset) {
    return dataset->features.count > 0 ? dataset->features.count * sizeof(float)
                                       : dataset->image_size;
}

static size_t most_images(const cnn_dataset *dataset, size_t batch_size) {
    size_t slots, blocks;
    cnn_slots_most(batch_size, cnn_rank(dataset->ranks), cnn_rank_count(dataset->ranks), &slots,
                   &blocks);
    return blocks * CNN_LANES;
}

static int holder_of(const cnn_fetch *f, size_t position) {
    size_t sample = f->source.order[f->first + position];
    return cnn_share_holder(f->ranks, f->dataset->samples[sample].row);
}

static const uint8_t *held_at(const cnn_fetch *f, size_t position) {
    return cnn_dataset_pixels(f->dataset, f->source.order[f->first + position]) +
           cnn_dataset_variant(&f->source) * f->piece;
}

/* One message to each process that computes with images of this one; returns how many. */
static size_t pack(cnn_fetch *f) {
    int self = cnn_rank(f->ranks), all = cnn_rank_count(f->ranks);
    size_t used = 0;
    uint8_t *to = f->outgoing;
    for (int rank = 0; rank < all; rank++) {
        uint8_t *begin = to;
        size_t end = cnn_image_of_rank(f->count, rank + 1, all);
        for (size_t p = cnn_image_of_rank(f->count, rank, all); p < end && rank != self; p++) {
            if (holder_of(f, p) == self) {
                memcpy(to, held_at(f, p), f->piece);
                to += f->piece;
            }
        }
        if (to > begin) {
            f->messages[used++] =
                (cnn_message){.peer = rank, .bytes = begin, .size = (size_t)(to - begin)};
        }
    }
    return used;
}

/* Where the images of each process begin in `incoming`: messages[used …], one for each process that
 * holds images of this one's batch; returns how many there are in all. */
static size_t expect(cnn_fetch *f, size_t begin, size_t end, size_t used) {
    int self = cnn_rank(f->ranks), all = cnn_rank_count(f->ranks);
    uint8_t *at = f->incoming;
    for (int rank = 0; rank < all; rank++) {
        size_t size = 0;
        for (size_t p = begin; p < end && rank != self; p++) {
            size += holder_of(f, p) == rank ? f->piece : 0;
        }
        if (size > 0) {
            f->messages[used++] =
                (cnn_message){.peer = rank, .receives = true, .bytes = at, .size = size};
            at += size;
        }
    }
    return used;
}

/* Puts the images in order. messages[sent … used]: what has been received. */
static void unpack(cnn_fetch *f, size_t begin, size_t end, size_t sent, size_t used,
                   arrival *into) {
    int self = cnn_rank(f->ranks);
    for (size_t p = begin; p < end; p++) {
        int holder = holder_of(f, p);
        uint8_t *to = into->bytes + (p - begin) * f->piece;
        if (holder == self) {
            memcpy(to, held_at(f, p), f->piece);
        }
        for (size_t i = sent; i < used && holder != self; i++) {
            cnn_message *m = &f->messages[i];
            if (m->peer == holder) { /* its images are in the order of positions */
                memcpy(to, m->bytes, f->piece);
                m->bytes = (uint8_t *)m->bytes + f->piece;
            }
        }
    }
    into->first = f->first + begin;
}

static void fetch_batch(void *context) {
    cnn_fetch *f = context;
    int self = cnn_rank(f->ranks), all = cnn_rank_count(f->ranks);
    size_t begin = cnn_image_of_rank(f->count, self, all);
    size_t end = cnn_image_of_rank(f->count, self + 1, all);
    size_t sent = pack(f);
    size_t used = expect(f, begin, end, sent);
    cnn_ranks_exchange(f->ranks, CNN_CHANNEL_AHEAD, f->messages, used);
    unpack(f, begin, end, sent, used, &f->arrivals[f->next]);
}

void cnn_fetch_start(cnn_fetch *f, const cnn_dataset_source *source, size_t first, size_t count) {
    f->source = *source;
    f->first = first;
    f->count = count;
    f->job = cnn_background_start(f->background, fetch_batch, f);
}

void cnn_fetch_take(cnn_fetch *f, cnn_dataset_source *source) {
    cnn_background_wait(f->background, f->job);
    source->fetched = f->arrivals[f->next].bytes;
    source->fetched_first = f->arrivals[f->next].first;
    f->next = 1 - f->next;
}

/* --- */

size_t cnn_fetch_memory(const cnn_dataset *dataset, size_t batch_size) {
    return (batch_size + 3 * most_images(dataset, batch_size)) * piece_size(dataset);
}

cnn_status cnn_fetch_create(const cnn_dataset *dataset, cnn_background *background,
                            size_t batch_size, cnn_fetch **fetch, cnn_error *error) {
    cnn_fetch *f = *fetch = cnn_alloc(1, sizeof *f);
    if (!f) {
        return cnn_fail_memory(error, "the images of a batch");
    }
    size_t images = most_images(dataset, batch_size);
    *f = (cnn_fetch){.dataset = dataset,
                     .ranks = dataset->ranks,
                     .background = background,
                     .piece = piece_size(dataset)};
    f->outgoing = cnn_alloc(batch_size, f->piece);
    f->incoming = cnn_alloc(images, f->piece);
    f->arrivals[0].bytes = cnn_alloc(images, f->piece);
    f->arrivals[1].bytes = cnn_alloc(images, f->piece);
    f->messages = cnn_alloc(2 * (size_t)cnn_rank_count(f->ranks), sizeof *f->messages);
    if (!f->outgoing || !f->incoming || !f->arrivals[0].bytes || !f->arrivals[1].bytes ||
        !f->messages) {
        cnn_fetch_free(f);
        *fetch = NULL;
        return cnn_fail_memory(error, "the images of a batch");
    }
    return CNN_OK;
}

void cnn_fetch_free(cnn_fetch *f) {
    if (!f) {
        return;
    }
    cnn_free(f->outgoing);
    cnn_free(f->incoming);
    cnn_free(f->arrivals[0].bytes);
    cnn_free(f->arrivals[1].bytes);
    cnn_free(f->messages);
    cnn_free(f);
}
