/* The gradients of a batch, added up by several processes: which of them adds what, and who sends
 * what to whom.
 *
 * The sums are those of one process: slots 1 apart are added, then 2, 4, … (minibatch.c). A sum
 * whose two parts are at different processes needs a message. To spread the work, the parameters
 * are divided into chunks, and the two processes divide the chunks between them: on the way up the
 * tree, each has half as many chunks as before, and at the end every process has the whole sum of
 * some. On the way down, they give each other what they have. With powers of two this is recursive
 * halving and doubling (Rabenseifner, "Optimization of collective reduction operations", 2004), on
 * a tree that does not depend on the number of processes. Processes without slots get the sums at
 * the end, along binomial trees. */
#ifndef CNN_NN_GRADIENT_TREE_H
#define CNN_NN_GRADIENT_TREE_H

#include "cnn/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Gradients of a slot of this process; CNN_SUM: the sums of all. */
#define CNN_SUM (-1)

/* A message about some chunks. slot: whose gradients are sent, or CNN_SUM. On the way up, what is
 * received goes to the array `side`, 0 or 1. */
typedef struct cnn_tree_message {
    int peer;
    bool receives;
    int slot, side;
    int first, end; /* chunks */
    int peer_slot;  /* the peer's `slot` */
    int group;      /* chunks of one group that follow each other are one message */
} cnn_tree_message;

/* Adds chunks to those of slot `to`. other: a slot, or -1 - side for what has been received. */
typedef struct cnn_tree_addition {
    int to, other;
    int first, end;
} cnn_tree_addition;

/* Messages that are exchanged at once, and then additions, in this order. */
typedef struct cnn_tree_round {
    size_t messages, additions; /* ends of its parts of the lists below */
} cnn_tree_round;

/* What this process does for a batch of `slots` slots: the rounds up, in the first of which it adds
 * its own slots to each other; then finished[] are the chunks of which it has the sum; then the
 * rounds down. */
typedef struct cnn_gradient_tree {
    int rank, ranks;
    int slots;
    int first_slot, end_slot; /* its own */
    int chunks;
    cnn_tree_round *rounds;
    size_t round_count, up_count;
    cnn_tree_message *messages;
    size_t message_count;
    cnn_tree_addition *additions;
    size_t addition_count;
    cnn_tree_addition *finished; /* other: not used */
    size_t finished_count;
    struct cnn_tree_state *state;
    size_t round_room, message_room, addition_room, finished_room;
} cnn_gradient_tree;

/* A tree for batches of up to `slots` slots. CNN_ERROR_RUNTIME if memory is refused. Free with
 * cnn_gradient_tree_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_gradient_tree_create(int slots, int rank, int ranks,
                                                 cnn_gradient_tree *tree, cnn_error *error);
void cnn_gradient_tree_free(cnn_gradient_tree *tree);

/* Makes the lists for a batch of `slots` slots, if they are for others. Needs no memory. */
void cnn_gradient_tree_set(cnn_gradient_tree *tree, int slots);

#endif
