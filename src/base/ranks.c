#include "base/ranks.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

int cnn_rank_count(const cnn_ranks *ranks) {
    return ranks && ranks->transport ? ranks->transport->count : 1;
}

int cnn_rank(const cnn_ranks *ranks) {
    return ranks && ranks->transport ? ranks->transport->rank : 0;
}

bool cnn_rank_writes(const cnn_ranks *ranks) {
    return cnn_rank(ranks) == 0;
}

void cnn_ranks_exchange(const cnn_ranks *ranks, cnn_channel channel, const cnn_message *messages,
                        size_t count) {
    if (count > 0) {
        ranks->transport->exchange(ranks->transport->context, (int)channel, messages, count);
    }
}

/* --- everyone gets everything --- */

/* Where the parts of the ranks are. */
typedef struct layout {
    uint8_t *bytes;
    const size_t *first; /* [count + 1]; NULL: … */
    size_t size;         /* … all parts have this size */
} layout;

static size_t part_at(const layout *parts, int rank) {
    return parts->first ? parts->first[rank] : (size_t)rank * parts->size;
}

/* The message with the parts of ranks from … end - 1, unless they are empty. */
static size_t add_message(const layout *parts, int from, int end, cnn_message message,
                          cnn_message *messages, size_t used) {
    message.bytes = parts->bytes + part_at(parts, from);
    message.size = part_at(parts, end) - part_at(parts, from);
    messages[used] = message;
    return message.size > 0 ? used + 1 : used;
}

/* The same for `count` ranks from `from` on, after the last of which comes rank 0. */
static size_t add_messages(const layout *parts, int all, int from, int count, cnn_message message,
                           cnn_message *messages, size_t used) {
    int end = from + count;
    if (end <= all) {
        return add_message(parts, from, end, message, messages, used);
    }
    used = add_message(parts, from, all, message, messages, used);
    return add_message(parts, 0, end - all, message, messages, used);
}

/* Before a round, each has the parts of `have` ranks, from its own on; it sends them to the one
 * that is `have` before it, and gets the next ones from the one that is `have` after it. */
static void gather(const cnn_ranks *ranks, const layout *parts) {
    int all = cnn_rank_count(ranks), rank = cnn_rank(ranks);
    for (int have = 1; have < all; have *= 2) {
        cnn_message messages[4];
        int more = have < all - have ? have : all - have;
        const cnn_message send = {.peer = (rank + all - have) % all};
        const cnn_message receive = {.peer = (rank + have) % all, .receives = true};
        size_t used = add_messages(parts, all, rank, more, send, messages, 0);
        used = add_messages(parts, all, receive.peer, more, receive, messages, used);
        cnn_ranks_exchange(ranks, CNN_CHANNEL_STEP, messages, used);
    }
}

void cnn_ranks_gather(const cnn_ranks *ranks, void *bytes, const size_t *first) {
    gather(ranks, &(layout){.bytes = bytes, .first = first});
}

void cnn_ranks_gather_equal(const cnn_ranks *ranks, void *bytes, size_t size) {
    gather(ranks, &(layout){.bytes = bytes, .size = size});
}

/* --- from one to all, and from all to one: along a binomial tree --- */

/* Ranks are counted from `from` on here, so that it is the first one. */
void cnn_ranks_broadcast(const cnn_ranks *ranks, int from, void *bytes, size_t size) {
    int all = cnn_rank_count(ranks);
    int place = (cnn_rank(ranks) + all - from) % all;
    int apart = 1; /* the lowest bit of place, or the first power of two that is not below `all` */
    while (apart < all && place % (2 * apart) == 0) {
        apart *= 2;
    }
    cnn_message message = {.bytes = bytes, .size = size};
    if (place > 0) {
        message.receives = true;
        message.peer = (place - apart + from) % all;
        cnn_ranks_exchange(ranks, CNN_CHANNEL_STEP, &message, 1);
    }
    message.receives = false;
    for (apart /= 2; apart > 0; apart /= 2) {
        if (place + apart < all) {
            message.peer = (place + apart + from) % all;
            cnn_ranks_exchange(ranks, CNN_CHANNEL_STEP, &message, 1);
        }
    }
}

/* Numbers that are added up at a time. */
enum { ADDED_AT_ONCE = 512 };

void cnn_ranks_add(const cnn_ranks *ranks, uint64_t *counts, size_t count) {
    int all = cnn_rank_count(ranks), rank = cnn_rank(ranks);
    for (size_t done = 0, part; done < count && all > 1; done += part) {
        uint64_t others[ADDED_AT_ONCE] = {0}, *sums = counts + done;
        part = count - done < ADDED_AT_ONCE ? count - done : ADDED_AT_ONCE;
        for (int apart = 1; apart < all; apart *= 2) {
            bool gives = rank % (2 * apart) != 0;
            cnn_message message = {.peer = gives ? rank - apart : rank + apart,
                                   .receives = !gives,
                                   .bytes = gives ? sums : others,
                                   .size = part * sizeof *sums};
            if (message.peer < all) {
                cnn_ranks_exchange(ranks, CNN_CHANNEL_STEP, &message, 1);
            }
            if (gives) {
                break;
            }
            for (size_t i = 0; i < part && message.peer < all; i++) {
                sums[i] += others[i];
            }
        }
        cnn_ranks_broadcast(ranks, 0, sums, part * sizeof *sums);
    }
}

/* Before a round, each knows the bits of `have` ranks, up to its own; bits may be counted twice. */
unsigned cnn_ranks_or(const cnn_ranks *ranks, unsigned bits) {
    int all = cnn_rank_count(ranks), rank = cnn_rank(ranks);
    for (int have = 1; have < all; have *= 2) {
        unsigned others = 0;
        const cnn_message messages[] = {
            {.peer = (rank + have) % all, .bytes = &bits, .size = sizeof bits},
            {.peer = (rank + all - have) % all,
             .receives = true,
             .bytes = &others,
             .size = sizeof others}};
        cnn_ranks_exchange(ranks, CNN_CHANNEL_STEP, messages, 2);
        bits |= others;
    }
    return bits;
}

/* --- failures --- */

cnn_status cnn_ranks_agree(cnn_ranks *ranks, cnn_status status, cnn_error *error) {
    if (cnn_ranks_or(ranks, status != CNN_OK) == 0) {
        return CNN_OK;
    }
    for (int rank = 0, all = cnn_rank_count(ranks); rank < all && all > 1; rank++) {
        cnn_error of = {.status = CNN_OK};
        if (rank == cnn_rank(ranks) && status != CNN_OK) {
            of = error ? *error : (cnn_error){.status = status};
        }
        cnn_ranks_broadcast(ranks, rank, &of, sizeof of);
        if (of.status != CNN_OK) {
            ranks->failed_together = true;
            return cnn_fail(error, of.status, "%s", of.message);
        }
    }
    return status;
}

void cnn_ranks_end_alone(const cnn_ranks *ranks, const cnn_error *error) {
    if (cnn_rank_count(ranks) > 1 && !ranks->failed_together) {
        ranks->transport->abandon(ranks->transport->context, error);
    }
}
