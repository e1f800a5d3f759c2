/* Several processes that train one network together: what they say to each other. Every function
 * here is called by all of them, in the same order, and for ranks NULL, or one process, does
 * nothing. */
#ifndef CNN_BASE_RANKS_H
#define CNN_BASE_RANKS_H

#include "cnn/transport.h"

#include <stdint.h>

/* Channels: CNN_CHANNEL_STEP is that of the thread that trains, CNN_CHANNEL_AHEAD that of the jobs
 * that fetch and add up, in another thread or in the same one (base/background.h). */
typedef enum cnn_channel { CNN_CHANNEL_STEP, CNN_CHANNEL_AHEAD } cnn_channel;

typedef struct cnn_ranks {
    const cnn_transport *transport;
    bool ahead;           /* jobs run in a thread of their own (cnn_minibatch_choose_ahead) */
    bool failed_together; /* cnn_ranks_agree has returned a failure */
} cnn_ranks;

/* The number of processes, and that of this one; 1 and 0 for NULL. */
int cnn_rank_count(const cnn_ranks *ranks);
int cnn_rank(const cnn_ranks *ranks);

/* Is this the process that reads and writes the files of the run? */
bool cnn_rank_writes(const cnn_ranks *ranks);

/* The transport's exchange; none for no messages. */
void cnn_ranks_exchange(const cnn_ranks *ranks, cnn_channel channel, const cnn_message *messages,
                        size_t count);

/* Everyone gets the parts of all: rank r has filled bytes[first[r]] … bytes[first[r + 1] - 1] of
 * `bytes`; first: [count + 1], rising. In ⌈log2 count⌉ rounds (Bruck, Ho, Kipnis, Upfal and
 * Weathersby, "Efficient algorithms for all-to-all communications in multiport message-passing
 * systems", 1997). */
void cnn_ranks_gather(const cnn_ranks *ranks, void *bytes, const size_t *first);

/* The same for parts of one size: rank r's is at bytes[r * size]. */
void cnn_ranks_gather_equal(const cnn_ranks *ranks, void *bytes, size_t size);

/* Everyone gets the bytes of one of them. */
void cnn_ranks_broadcast(const cnn_ranks *ranks, int from, void *bytes, size_t size);

/* Adds up, over all, each of counts[count]. Integers: exact in any order. */
void cnn_ranks_add(const cnn_ranks *ranks, uint64_t *counts, size_t count);

/* The bits that any of them has set, for all; in ⌈log2 count⌉ rounds. */
unsigned cnn_ranks_or(const cnn_ranks *ranks, unsigned bits);

/* What each has come to: if all have succeeded, CNN_OK; else the status and message of the first
 * one that has not, for all. */
CNN_MUST_USE cnn_status cnn_ranks_agree(cnn_ranks *ranks, cnn_status status, cnn_error *error);

/* After a failure: ends all processes, unless it is one that they have agreed on. */
void cnn_ranks_end_alone(const cnn_ranks *ranks, const cnn_error *error);

#endif
