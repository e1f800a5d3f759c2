/* Random numbers as a pure function of their use. There is no state, so the order of calls does not
 * matter. */
#ifndef CNN_BASE_RANDOM_H
#define CNN_BASE_RANDOM_H

#include <stdint.h>

/* The use of a number. Numbers with different purposes are independent of each other. */
typedef enum cnn_random_purpose {
    CNN_RANDOM_WEIGHTS = 1,        /* index: the parameter's place in the flat array */
    CNN_RANDOM_SHUFFLE = 2,        /* epoch; index: the sample */
    CNN_RANDOM_HOLD_BACK = 3,      /* index: the hash of the image's content, or of its group */
    CNN_RANDOM_GRADIENT_CHECK = 4, /* index: the place in inputs and parameters */
    CNN_RANDOM_DROPOUT = 5,        /* step; index: image of the batch, layer and value */
    CNN_RANDOM_SAMPLING = 12,      /* epoch; index: the sample */
    CNN_RANDOM_AUGMENT = 10,   /* epoch; index: the sample. The result is the seed of the image's
                                * own numbers, which have the change as their index */
    CNN_RANDOM_FOLDS = 16,     /* index: as for CNN_RANDOM_HOLD_BACK */
    CNN_RANDOM_BOOTSTRAP = 20, /* epoch: the resample; index: the draw */
    CNN_RANDOM_SWEEP = 24,     /* epoch: the combination; index: the hash of the key's name */
} cnn_random_purpose;

/* A bijection that spreads every bit of z over all bits of the result. The functions below apply it
 * repeatedly. For arrays of random bits use cnn_random_mix(key ^ index). */
static inline uint64_t cnn_random_mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15U; /* 2^64 / golden ratio: keeps zero from mapping to zero */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* 64 random bits for (seed, purpose, epoch, index). The mixing function is David Stafford's variant
 * 13 of MurmurHash3's finaliser, as in SplitMix64 (Steele, Lea, Flood: "Fast splittable
 * pseudorandom number generators", OOPSLA 2014), applied to each word in turn. */
uint64_t cnn_random_bits(uint64_t seed, cnn_random_purpose purpose, uint64_t epoch, uint64_t index);

/* Uniform in [0, 1). A multiple of 2^-24, so it is exact in float and in double. */
double cnn_random_uniform(uint64_t seed, cnn_random_purpose purpose, uint64_t epoch,
                          uint64_t index);

#endif
