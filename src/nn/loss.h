/* Binary cross-entropy, computed from the logit (eq. 7, 8). */
#ifndef CNN_NN_LOSS_H
#define CNN_NN_LOSS_H

/* Loss of one image: -y log(a) - (1 - y) log(1 - a) with a = sigma(logit), as
 * max(z, 0) - z y + log(1 + e^-|z|), which cannot overflow. label: 0 or 1. NaN for a NaN logit. */
double cnn_loss(float logit, int label);

/* dL/dz of one image in a batch of m: (a - y) / m. */
float cnn_loss_gradient(float logit, int label, int m);

/* The same two in double, for references. */
double cnn_loss_double(double logit, int label);
double cnn_loss_gradient_double(double logit, int label, int m);

/* a = sigma(logit): the probability of class 1. */
float cnn_probability(float logit);

#endif
