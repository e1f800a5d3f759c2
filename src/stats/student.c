#include "stats/student.h"

#include "base/elementary.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#define HALF_LOG_2PI 0.91893853320467274178

/* --- the incomplete beta function --- */

/* Stirling's series (DLMF 5.11.1), whose next term is below 1e-15 from 10 on; smaller arguments
 * are raised to 10 by the recurrence (5.5.1). */
static double log_gamma(double x) {
    double raised = 1.0;
    while (x < 10.0) {
        raised *= x;
        x += 1.0;
    }
    double r = 1.0 / (x * x);
    double series =
        1.0 / 12.0 -
        r * (1.0 / 360.0 -
             r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r * (1.0 / 1188.0 - r * 691.0 / 360360.0))));
    return (x - 0.5) * cnn_log(x) - x + HALF_LOG_2PI + series / x - cnn_log(raised);
}

/* The continued fraction of DLMF 8.17.22, from the front by the method of Lentz (1976) as modified
 * by Thompson and Barnett (1986). It converges within about the square root of the larger of a and
 * b, if x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b) {
    const double tiny = 1e-300;
    double c = 1.0, d = 0.0, value = 1.0, change = 0.0;
    for (int i = 1; i < 100000 && fabs(change - 1.0) > DBL_EPSILON; i++) {
        const int half = i / 2;
        double m = half, at = a + i;
        double term = i % 2 == 0 ? m * (b - m) * x / ((at - 1.0) * at)
                                 : -(a + m) * (a + b + m) * x / ((at - 1.0) * at);
        d = 1.0 + term * d;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = 1.0 + term / c;
        c = fabs(c) < tiny ? tiny : c;
        change = c * d;
        value *= change;
    }
    return 1.0 / value;
}

/* y is 1 - x, which is more exact where it is known. */
static double beta_distribution(double x, double y, double a, double b) {
    if (x <= 0.0 || y <= 0.0) {
        return x <= 0.0 ? 0.0 : 1.0;
    }
    bool swapped = x > (a + 1.0) / (a + b + 2.0);
    double factor =
        cnn_exp(a * cnn_log(x) + b * cnn_log(y) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
    return swapped ? 1.0 - factor * beta_fraction(y, b, a) / b
                   : factor * beta_fraction(x, a, b) / a;
}

double cnn_beta_distribution(double x, double a, double b) {
    return beta_distribution(x, 1.0 - x, a, b);
}

/* --- Student's t --- */

/* DLMF 8.17 with 26.7: half the share of a beta distribution of 1 / (1 + t^2 / degrees). */
double cnn_student_tail(double t, double degrees) {
    double ratio = t * t / degrees;
    double tail = isinf(ratio) ? 0.0
                               : 0.5 * beta_distribution(1.0 / (1.0 + ratio), ratio / (1.0 + ratio),
                                                         0.5 * degrees, 0.5);
    return t < 0.0 ? 1.0 - tail : tail;
}

/* --- Behrens and Fisher --- */

/* The sum over T of the smaller scale of the tails of the other one. With T = sqrt(n) sinh(u /
 * sqrt(n)), the density of u is proportional to cosh(u / sqrt(n))^-n: smooth, and it falls at least
 * like e^-|u|, so that the trapezoidal rule converges fast. */
double cnn_behrens_fisher_p(double distance, const double scale[2], const double degrees[2]) {
    const double step = 1.0 / 32.0;
    int smaller = scale[0] < scale[1] ? 0 : 1;
    double s = scale[smaller], other = scale[1 - smaller];
    double n = degrees[smaller], root = sqrt(n);
    if (s <= 0.0) {
        return 2.0 * cnn_student_tail(distance / other, degrees[1 - smaller]);
    }
    double sum = 0.0, weights = 0.0, weight = 1.0;
    for (int i = 0; weight > 1e-16; i++) {
        double grown = cnn_exp(i * step / root);
        double t = root * 0.5 * (grown - 1.0 / grown);
        weight = cnn_exp(-n * cnn_log(0.5 * (grown + 1.0 / grown))) * (i > 0 ? 2.0 : 1.0);
        sum += weight * (cnn_student_tail((distance - s * t) / other, degrees[1 - smaller]) +
                         cnn_student_tail((distance + s * t) / other, degrees[1 - smaller]));
        weights += weight;
    }
    return fmin(1.0, sum / weights);
}
