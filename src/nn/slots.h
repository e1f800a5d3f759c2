/* How a batch is divided: its images into blocks, blocks into slots, slots among processes. Each is
 * a run of neighbours, and a pure function of the numbers given here: not of threads. */
#ifndef CNN_NN_SLOTS_H
#define CNN_NN_SLOTS_H

#include <stddef.h>

/* Number of blocks of a batch with `images` images. */
size_t cnn_block_count(size_t images);

/* Number of slots of a batch with `blocks` blocks, each with its own gradients, which a fixed tree
 * adds up: one per block up to 32; 32 up to 64 blocks; then one per two blocks, at most 256. The
 * number bounds the memory, and the threads, of all processes together, that a batch can use. */
size_t cnn_slot_count(size_t blocks);
enum { CNN_SLOTS_MAX = 256 };

/* The first block of a slot. */
size_t cnn_slot_block(size_t blocks, size_t slots, size_t slot);

/* Each process owns a run of slots, which begins at a multiple of this power of two: the largest
 * one for which no process gets over an eighth more than with 1. So a run consists of few subtrees.
 */
size_t cnn_slot_unit(size_t slots, int ranks);

/* The first slot of a process; `slots` for rank == ranks. Some have none if slots are few. */
size_t cnn_slot_of_rank(size_t slots, int rank, int ranks);

/* All of them: first[ranks + 1]. */
void cnn_slots_divide(size_t slots, int ranks, size_t *first);

/* The first image of a process, by its position in the batch. */
size_t cnn_image_of_rank(size_t images, int rank, int ranks);

/* The most slots, and blocks, that a process has of any batch of up to `images` images. */
void cnn_slots_most(size_t images, int rank, int ranks, size_t *slots, size_t *blocks);

#endif
