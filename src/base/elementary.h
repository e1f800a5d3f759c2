/* exp, log, sine and cosine that give the same bytes on every machine, whatever its C library. They
 * use plain double arithmetic (compiled without contraction) and are accurate to about 1e-15. */
#ifndef CNN_BASE_ELEMENTARY_H
#define CNN_BASE_ELEMENTARY_H

/* e^x. 0 below about -708 (where libm has subnormals), infinity above about 709, NaN for NaN. */
double cnn_exp(double x);

/* Natural logarithm. NaN below 0, -infinity at 0. Subnormal arguments are taken as 0. */
double cnn_log(double x);

/* log(1 + x) for x in [0, 1], accurate for small x. */
double cnn_log1p(double x);

/* The logistic function, 1 / (1 + e^-x), without overflow. Equation 6. */
double cnn_sigmoid(double x);

/* Sine and cosine of an angle in radians, for |x| <= 2^20, with an absolute error below 3e-16. NaN
 * for larger angles, which would need more digits of pi. */
double cnn_sine(double x);
double cnn_cosine(double x);

#endif
