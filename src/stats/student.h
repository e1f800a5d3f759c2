/* Probabilities of Student's t distribution, and of others that follow from it. */
#ifndef CNN_STATS_STUDENT_H
#define CNN_STATS_STUDENT_H

/* P(X <= x) of the beta distribution, the regularized incomplete beta function. x: 0 to 1; a, b:
 * above 0. */
double cnn_beta_distribution(double x, double a, double b);

/* P(T > t) of Student's t distribution. degrees: of freedom, above 0. Absolute error below 1e-9 up
 * to 10^7 degrees of freedom. */
double cnn_student_tail(double t, double degrees);

/* P(|s0 T0 + s1 T1| > distance) of two independent t distributions, whose scales are not both 0:
 * the two-sided p of the test of Behrens (1929) and Fisher (1935), for a mean whose variance is the
 * sum of two estimates, s0^2 and s1^2, with different degrees of freedom. */
double cnn_behrens_fisher_p(double distance, const double scale[2], const double degrees[2]);

#endif
