#include "image/perceptual_hash.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum {
    SIDE = CNN_PERCEPTUAL_SIDE,
    FREQUENCIES = 16, /* kept, in each direction */
    COEFFICIENTS = FREQUENCIES * FREQUENCIES,
};
_Static_assert(COEFFICIENTS - 1 == CNN_PERCEPTUAL_BITS, "one bit per coefficient but the first");
_Static_assert(CNN_PERCEPTUAL_WORDS * 64 > CNN_PERCEPTUAL_BITS, "bits fit into words");

static double cosine[SIDE][FREQUENCIES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_cosines(void) {
    const double pi = 3.14159265358979323846;
    for (int i = 0; i < SIDE; i++) {
        for (int k = 0; k < FREQUENCIES; k++) {
            cosine[i][k] = cos(pi * (2 * i + 1) * k / (2 * SIDE));
        }
    }
}

/* Every sum has the order of its pixels; the innermost loop goes over sums, so that several are
 * computed at once. */
static void transform(const uint8_t pixels[SIDE * SIDE], double coefficients[COEFFICIENTS]) {
    double columns[SIDE][FREQUENCIES] = {{0.0}}; /* transformed from top to bottom */
    memset(coefficients, 0, COEFFICIENTS * sizeof *coefficients);
    for (int x = 0; x < SIDE; x++) {
        for (int y = 0; y < SIDE; y++) {
            for (int k = 0; k < FREQUENCIES; k++) {
                columns[x][k] += pixels[y * SIDE + x] * cosine[y][k];
            }
        }
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int x = 0; x < SIDE; x++) {
            for (int l = 0; l < FREQUENCIES; l++) {
                coefficients[k * FREQUENCIES + l] += columns[x][k] * cosine[x][l];
            }
        }
    }
}

/* The value that would be at `rank` if values[count] were sorted: by quickselect, which reorders
 * them. */
static double select_rank(double *values, int count, int rank) {
    int first = 0, last = count - 1;
    while (first < last) {
        const double pivot = values[first + (last - first) / 2];
        int low = first, high = last;
        while (low <= high) {
            while (values[low] < pivot) {
                low++;
            }
            while (values[high] > pivot) {
                high--;
            }
            if (low <= high) {
                const double other = values[low];
                values[low++] = values[high];
                values[high--] = other;
            }
        }
        if (rank <= high) {
            last = high;
        } else if (rank >= low) {
            first = low;
        } else {
            break; /* between both halves, where all are equal to the pivot */
        }
    }
    return values[rank];
}

void cnn_perceptual_hash(const uint8_t pixels[SIDE * SIDE], uint64_t hash[CNN_PERCEPTUAL_WORDS]) {
    double coefficients[COEFFICIENTS], reordered[CNN_PERCEPTUAL_BITS];
    (void)pthread_once(&once, make_cosines);
    transform(pixels, coefficients);
    const double *pattern = coefficients + 1; /* without the mean */
    memcpy(reordered, pattern, sizeof reordered);
    const double median = select_rank(reordered, CNN_PERCEPTUAL_BITS, CNN_PERCEPTUAL_BITS / 2);
    memset(hash, 0, CNN_PERCEPTUAL_WORDS * sizeof *hash);
    for (int i = 0; i < CNN_PERCEPTUAL_BITS; i++) {
        if (pattern[i] > median) {
            hash[i / 64] |= (uint64_t)1 << (i % 64);
        }
    }
}
