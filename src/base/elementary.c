#include "base/elementary.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts: the high one has 11 zero bits at its end, so that k * high is exact. */
#define LN2_HIGH 0x1.62e42fefa3800p-1
#define LN2_LOW 0x1.ef35793c76730p-45
#define LOG2_E 0x1.71547652b82fep+0
/* The largest angle. */
#define ANGLE_MAX 0x1p20
/* pi / 2 in two parts: the high one has 33 bits, so that k * high is exact for |k| <= 2^20. */
#define QUARTER_HIGH 0x1.921fb5440p+0
#define QUARTER_LOW 0x1.0b4611a626331p-34
#define TWO_BY_PI 0x1.45f306dc9c883p-1
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

/* 2^k for a normal result, -1022 <= k <= 1023. */
static double power_of_two(int k) {
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

double cnn_exp(double x) {
    if (!(x > -708.0)) {
        return x <= -708.0 ? 0.0 : x; /* the second is NaN */
    }
    if (x > 709.0) {
        return HUGE_VAL;
    }
    /* x = k ln 2 + r with |r| <= ln 2 / 2. The Taylor series of e^r ends at the 13th power; the
     * next term is below 2^-57. */
    double shifted = x * LOG2_E;
    int k = (int)(shifted < 0.0 ? shifted - 0.5 : shifted + 0.5);
    double r = (x - (double)k * LN2_HIGH) - (double)k * LN2_LOW;
    double sum = 1.0;
    for (int n = 13; n >= 1; n--) {
        sum = 1.0 + sum * r / (double)n;
    }
    return k < 1023 ? sum * power_of_two(k) : sum * 2.0 * power_of_two(k - 1);
}

/* log((1 + s) / (1 - s)) = 2 (s + s^3/3 + s^5/5 + ...), for |s| <= 0.1716. */
static double log_series(double s) {
    double s2 = s * s;
    double sum = 0.0;
    for (int n = 23; n >= 1; n -= 2) {
        sum = 1.0 / (double)n + sum * s2;
    }
    return 2.0 * s * sum;
}

double cnn_log(double x) {
    if (!(x >= 0x1p-1022)) {
        if (x < 0.0) {
            return (double)NAN;
        }
        return x >= 0.0 ? -HUGE_VAL : x; /* the second is NaN */
    }
    if (x > 0x1.fffffffffffffp+1023) {
        return x;
    }
    /* x = 2^k m with m in [sqrt(1/2), sqrt(2)) */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int k = (int)(bits >> 52) - 1022;
    bits = (bits & 0x000fffffffffffffU) | 0x3fe0000000000000U;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m < SQRT_HALF) {
        m *= 2.0;
        k--;
    }
    return (double)k * LN2_HIGH + (log_series((m - 1.0) / (m + 1.0)) + (double)k * LN2_LOW);
}

double cnn_log1p(double x) {
    if (x < 0.25) {
        return log_series(x / (2.0 + x)); /* (1 + s) / (1 - s) = 1 + x */
    }
    return cnn_log(1.0 + x);
}

double cnn_sigmoid(double x) {
    double e = cnn_exp(x < 0.0 ? x : -x);
    return x < 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

/* x^first / first! - x^(first + 2) / (first + 2)! + ..., for |x| <= pi / 4. First 1 gives the sine,
 * first 0 the cosine. The first omitted term is below 1e-18. */
static double sine_series(double x, int first) {
    double x2 = x * x;
    double sum = 1.0;
    for (int n = first + 16; n >= first + 2; n -= 2) {
        sum = 1.0 - sum * x2 / (double)(n * (n - 1));
    }
    return first > 0 ? x * sum : sum;
}

/* The sine of x + quarters * pi / 2. */
static double turned_sine(double x, int quarters) {
    if (!(fabs(x) <= ANGLE_MAX)) { /* also for NaN */
        return (double)NAN;
    }
    double shifted = x * TWO_BY_PI;
    int k = (int)(shifted < 0.0 ? shifted - 0.5 : shifted + 0.5);
    double r = (x - (double)k * QUARTER_HIGH) - (double)k * QUARTER_LOW;
    unsigned turn = ((unsigned)k + (unsigned)quarters) % 4;
    double value = sine_series(r, turn % 2 == 0);
    return turn < 2 ? value : -value;
}

double cnn_sine(double x) {
    return turned_sine(x, 0);
}

double cnn_cosine(double x) {
    return turned_sine(x, 1);
}
