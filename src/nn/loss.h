/* Binary cross-entropy, computed from the logit (eq. 7, 8), and its variants that training may
 * minimise. */
#ifndef CNN_NN_LOSS_H
#define CNN_NN_LOSS_H

/* Loss of one image: -y log(a) - (1 - y) log(1 - a) with a = sigma(logit), as
 * max(z, 0) - z y + log(1 + e^-|z|), which cannot overflow. label: 0 or 1. NaN for a NaN logit. */
double cnn_loss(float logit, int label);

/* dL/dz of one image in a batch of m: (a - y) / m. */
float cnn_loss_gradient(float logit, int label, int m);

/* The same two in double, for references. */
double cnn_loss_double(double z, int label);
double cnn_loss_gradient_double(double logit, int label, int m);

/* The loss that training minimises: with y' = y (1 - smoothing) + smoothing / 2 and p = pos_weight,
 * -p y' log(a) - (1 - y') log(1 - a), mean over the m images (PyTorch's BCEWithLogitsLoss with
 * pos_weight; label smoothing: Szegedy et al. 2016). */
typedef struct cnn_objective {
    double smoothing;  /* 0: none; up to 1 */
    double pos_weight; /* 1: none; above 0 */
} cnn_objective;

/* The plain loss. */
extern const cnn_objective cnn_objective_plain;

/* Loss of one image, and its gradient in a batch of m. With cnn_objective_plain, the same bytes as
 * cnn_loss and cnn_loss_gradient for every finite logit. */
double cnn_objective_loss(const cnn_objective *objective, float logit, int label);
float cnn_objective_gradient(const cnn_objective *objective, float logit, int label, int m);

/* a = sigma(logit): the probability of class 1. */
float cnn_probability(float logit);

#endif
