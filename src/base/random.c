#include "random.h"

static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15U; /* 2^64 / golden ratio: keeps zero from mapping to zero */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t cnn_random_bits(uint64_t seed, cnn_random_purpose purpose, uint64_t epoch,
                         uint64_t index) {
    uint64_t bits = mix(seed);
    bits = mix(bits ^ (uint64_t)purpose);
    bits = mix(bits ^ epoch);
    return mix(bits ^ index);
}

double cnn_random_uniform(uint64_t seed, cnn_random_purpose purpose, uint64_t epoch,
                          uint64_t index) {
    return (double)(cnn_random_bits(seed, purpose, epoch, index) >> 40) * 0x1p-24;
}
