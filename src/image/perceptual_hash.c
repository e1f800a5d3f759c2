#include "image/perceptual_hash.h"

#include "base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE = CNN_PERCEPTUAL_SIDE,
    FREQUENCIES = 16, /* kept, in each direction */
    COEFFICIENTS = FREQUENCIES * FREQUENCIES,
};
_Static_assert(COEFFICIENTS - 1 == CNN_PERCEPTUAL_BITS, "one bit per coefficient but the first");
_Static_assert(CNN_PERCEPTUAL_WORDS * 64 > CNN_PERCEPTUAL_BITS, "bits fit into words");

void cnn_perceptual_hash(const uint8_t pixels[SIDE * SIDE], uint64_t hash[CNN_PERCEPTUAL_WORDS]) {
    const double pi = 3.14159265358979323846;
    double cosine[FREQUENCIES][SIDE];
    double rows[FREQUENCIES][SIDE]; /* transformed from top to bottom */
    double coefficients[COEFFICIENTS], sorted[CNN_PERCEPTUAL_BITS];
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int i = 0; i < SIDE; i++) {
            cosine[k][i] = cos(pi * (2 * i + 1) * k / (2 * SIDE));
        }
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int x = 0; x < SIDE; x++) {
            rows[k][x] = 0.0;
            for (int y = 0; y < SIDE; y++) {
                rows[k][x] += pixels[y * SIDE + x] * cosine[k][y];
            }
        }
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int l = 0; l < FREQUENCIES; l++) {
            double *coefficient = &coefficients[k * FREQUENCIES + l];
            *coefficient = 0.0;
            for (int x = 0; x < SIDE; x++) {
                *coefficient += rows[k][x] * cosine[l][x];
            }
        }
    }
    const double *pattern = coefficients + 1; /* without the mean */
    memcpy(sorted, pattern, sizeof sorted);
    qsort(sorted, CNN_PERCEPTUAL_BITS, sizeof *sorted, cnn_compare_doubles);
    memset(hash, 0, CNN_PERCEPTUAL_WORDS * sizeof *hash);
    for (int i = 0; i < CNN_PERCEPTUAL_BITS; i++) {
        if (pattern[i] > sorted[CNN_PERCEPTUAL_BITS / 2]) {
            hash[i / 64] |= (uint64_t)1 << (i % 64);
        }
    }
}
