/* Our own exp, log, sine and cosine, so that the results are the same bytes on every machine and
 * with every C library. All use plain double arithmetic (compiled without contraction), accurate to
 * about 1e-15. */
#ifndef CNN_BASE_ELEMENTARY_H
#define CNN_BASE_ELEMENTARY_H

/* e^x; 0 below about -708 (where libm has subnormals), infinity above about 709; NaN for NaN. */
double cnn_exp(double x);

/* Natural logarithm; NaN below 0, -infinity at 0. Subnormal arguments count as 0. */
double cnn_log(double x);

/* log(1 + x) for x in [0, 1], without losing the low digits of small x. */
double cnn_log1p(double x);

/* The logistic function, 1 / (1 + e^-x), without overflow on either side. Equation 6. */
double cnn_sigmoid(double x);

/* Sine and cosine of an angle in radians, for |x| <= 2^20 with an absolute error below 3e-16; NaN
 * for larger ones, whose remainder by a quarter turn would need more digits. */
double cnn_sine(double x);
double cnn_cosine(double x);

#endif
