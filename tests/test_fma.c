/* vec_fma and scalar_fma as the baseline of this processor is compiled, against libm's fmaf, bit by
 * bit, on millions of numbers, a hundred million with CNN_TEST_SOAK=1. If the baseline has no
 * instruction for it (x86-64), this tests the emulation in kernels/fma.h and simd_generic.h. */
#include "test_support.h"

#include "kernels/simd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRIALS = 250000, TRIALS_SOAK = 4000000 }; /* of each kind, times VEC_WIDTH */

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* xorshift64* */
static uint64_t random_bits(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

static int random_int(uint64_t *state, int low, int high) {
    return low + (int)((random_bits(state) >> 32) % (uint64_t)(high - low + 1));
}

/* ± a random fraction in [1, 2) · 2^exponent; subnormal or infinite if out of range. */
static float random_at(uint64_t *state, int exponent) {
    float fraction = from_bits(0x3f800000u | (uint32_t)(random_bits(state) >> 41));
    return ldexpf(random_bits(state) >> 63 ? -fraction : fraction, exponent);
}

static void expect_fma(float a, float b, float c, float got) {
    float want = fmaf(a, b, c);
    if (!(isnan(want) && isnan(got)) && to_bits(want) != to_bits(got)) {
        fail_msg("fma(%a, %a, %a): expected %a, got %a", (double)a, (double)b, (double)c,
                 (double)want, (double)got);
    }
}

/* Three numbers of one kind. */
typedef void generator(uint64_t *state, float *a, float *b, float *c);

static void any_bits(uint64_t *state, float *a, float *b, float *c) {
    *a = from_bits((uint32_t)(random_bits(state) >> 32));
    *b = from_bits((uint32_t)(random_bits(state) >> 32));
    *c = from_bits((uint32_t)(random_bits(state) >> 32));
}

/* Sums whose terms overlap, in all ways. */
static void similar_sizes(uint64_t *state, float *a, float *b, float *c) {
    int exponent = random_int(state, -60, 60);
    *a = random_at(state, exponent);
    *b = random_at(state, random_int(state, -4, 4));
    *c = random_at(state, exponent + random_int(state, -60, 60));
}

/* c is the product, rounded to float and moved by a few units in the last place. */
static void cancellation(uint64_t *state, float *a, float *b, float *c) {
    *a = random_at(state, random_int(state, -80, 40));
    *b = random_at(state, random_int(state, -80, 40));
    float product = -(*a * *b);
    *c = from_bits(to_bits(product) + (uint32_t)random_int(state, -2, 2));
}

/* Few bits each, so that many sums are exactly halfway between two floats. */
static void short_fractions(uint64_t *state, float *a, float *b, float *c) {
    *a = ldexpf((float)random_int(state, -8191, 8191), random_int(state, -3, 3));
    *b = ldexpf((float)random_int(state, -4095, 4095), random_int(state, -3, 3));
    *c = ldexpf((float)random_int(state, -9, 9), random_int(state, -90, 40));
}

/* The product is half a unit in c's last place, times (1 + i u)(1 - j u) with u = 2^-23: mostly so
 * near halfway that the sum is exactly that in double. */
static void nearly_halfway(uint64_t *state, float *a, float *b, float *c) {
    int exponent = random_int(state, -148, 126);
    *c = random_at(state, exponent);
    int half = (exponent < -126 ? -126 : exponent) - 24 + random_int(state, 0, 1);
    int i = random_int(state, -3, 3);
    int j = random_int(state, 0, 3) == 0 ? random_int(state, -3, 3) : i;
    float sign = random_bits(state) >> 63 ? -1.0f : 1.0f;
    /* both factors stay normal, or their last digits would be lost */
    *a = ldexpf(1.0f + (float)i * 0x1p-23f, half / 2);
    *b = sign * ldexpf(1.0f - (float)j * 0x1p-23f, half - half / 2);
}

/* Results that are subnormal, or nearly. */
static void small_results(uint64_t *state, float *a, float *b, float *c) {
    int exponent = random_int(state, -60, -1);
    *a = random_at(state, exponent);
    *b = random_at(state, random_int(state, -190, -120) - exponent);
    int kind = random_int(state, 0, 2);
    *c = kind == 0 ? 0.0f : random_at(state, random_int(state, kind == 1 ? -150 : -130, -124));
}

/* Near the largest float. */
static void large_results(uint64_t *state, float *a, float *b, float *c) {
    *a = random_at(state, random_int(state, 60, 66));
    *b = random_at(state, random_int(state, 58, 64));
    *c = random_at(state, random_int(state, 100, 127));
}

static void test_random_bits(void **state) {
    (void)state;
    generator *const generators[] = {any_bits,       similar_sizes, cancellation, short_fractions,
                                     nearly_halfway, small_results, large_results};
    uint64_t seed = 1;
    int trials = test_is_soak() ? TRIALS_SOAK : TRIALS;
    for (size_t kind = 0; kind < TEST_COUNT(generators); kind++) {
        for (int trial = 0; trial < trials; trial++) {
            float a[VEC_WIDTH], b[VEC_WIDTH], c[VEC_WIDTH], got[VEC_WIDTH];
            for (int lane = 0; lane < VEC_WIDTH; lane++) {
                generators[kind](&seed, &a[lane], &b[lane], &c[lane]);
            }
            vec_storeu(got, vec_fma(vec_loadu(a), vec_loadu(b), vec_loadu(c)));
            for (int lane = 0; lane < VEC_WIDTH; lane++) {
                expect_fma(a[lane], b[lane], c[lane], got[lane]);
                expect_fma(a[lane], b[lane], c[lane], scalar_fma(a[lane], b[lane], c[lane]));
            }
        }
    }
}

static const float special_values[] = {0.0f,
                                       0x1p-149f,
                                       0x3p-149f,
                                       0x1.fffffcp-127f,
                                       0x1p-126f,
                                       0x1.000002p-126f,
                                       0x1p-75f,
                                       0x1.000002p-75f,
                                       0x1.fffffep-75f,
                                       0x1p-74f,
                                       0x1.fffffep-25f,
                                       0x1p-24f,
                                       0x1p-23f,
                                       0.5f,
                                       0x1.fffffep-1f,
                                       1.0f,
                                       0x1.000002p0f,
                                       0x1.8p0f,
                                       0x1p24f,
                                       0x1.000002p24f,
                                       0x1.fffffep63f,
                                       0x1p64f,
                                       0x1p103f,
                                       0x1p104f,
                                       0x1p127f,
                                       0x1.fffffep127f,
                                       INFINITY,
                                       NAN};

/* ± value number i. */
static float special_value(size_t i) {
    float value = special_values[i / 2];
    return i % 2 == 0 ? value : -value;
}

/* All triples, each in every lane, with easy values in the other lanes. */
static void test_special(void **state) {
    (void)state;
    size_t count = 2 * TEST_COUNT(special_values);
    for (size_t i = 0; i < count * count * count; i++) {
        float x = special_value(i % count);
        float y = special_value(i / count % count);
        float z = special_value(i / count / count);
        expect_fma(x, y, z, scalar_fma(x, y, z));
        for (int place = 0; place < VEC_WIDTH; place++) {
            float a[VEC_WIDTH], b[VEC_WIDTH], c[VEC_WIDTH], got[VEC_WIDTH];
            for (int lane = 0; lane < VEC_WIDTH; lane++) {
                a[lane] = lane == place ? x : 0.3f;
                b[lane] = lane == place ? y : 0.7f;
                c[lane] = lane == place ? z : 1.1f;
            }
            vec_storeu(got, vec_fma(vec_loadu(a), vec_loadu(b), vec_loadu(c)));
            for (int lane = 0; lane < VEC_WIDTH; lane++) {
                expect_fma(a[lane], b[lane], c[lane], got[lane]);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special),
        cmocka_unit_test(test_random_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
