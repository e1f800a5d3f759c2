#include "base/random.h"

uint64_t cnn_random_bits(uint64_t seed, cnn_random_purpose purpose, uint64_t epoch,
                         uint64_t index) {
    uint64_t bits = cnn_random_mix(seed);
    bits = cnn_random_mix(bits ^ (uint64_t)purpose);
    bits = cnn_random_mix(bits ^ epoch);
    return cnn_random_mix(bits ^ index);
}

double cnn_random_uniform(uint64_t seed, cnn_random_purpose purpose, uint64_t epoch,
                          uint64_t index) {
    return (double)(cnn_random_bits(seed, purpose, epoch, index) >> 40) * 0x1p-24;
}
