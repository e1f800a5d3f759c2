#include "nn/loss.h"

#include "base/elementary.h"

double cnn_loss_double(double z, int label) {
    double size = z < 0.0 ? -z : z;
    double positive = z < 0.0 ? 0.0 : z;
    return positive - z * (double)label + cnn_log1p(cnn_exp(-size));
}

double cnn_loss_gradient_double(double logit, int label, int m) {
    return (cnn_sigmoid(logit) - (double)label) / (double)m;
}

double cnn_loss(float logit, int label) {
    return cnn_loss_double((double)logit, label);
}

float cnn_loss_gradient(float logit, int label, int m) {
    return (float)cnn_loss_gradient_double((double)logit, label, m);
}

/* --- the variants --- */

const cnn_objective cnn_objective_plain = {.smoothing = 0.0, .pos_weight = 1.0};

/* log(1 + e^x) */
static double softplus(double x) {
    return (x < 0.0 ? 0.0 : x) + cnn_log1p(cnn_exp(x < 0.0 ? x : -x));
}

/* The weights of both terms of the loss: p y' (of -log(a)) and 1 - y' (of -log(1 - a)). */
static void weigh(const cnn_objective *objective, int label, double *positive, double *negative) {
    double target = (double)label * (1.0 - objective->smoothing) + 0.5 * objective->smoothing;
    *positive = objective->pos_weight * target;
    *negative = 1.0 - target;
}

double cnn_objective_loss(const cnn_objective *objective, float logit, int label) {
    double positive, negative;
    weigh(objective, label, &positive, &negative);
    return positive * softplus(-(double)logit) + negative * softplus((double)logit);
}

float cnn_objective_gradient(const cnn_objective *objective, float logit, int label, int m) {
    double positive, negative;
    weigh(objective, label, &positive, &negative);
    double slope = cnn_sigmoid((double)logit) * (positive + negative) - positive;
    return (float)(slope / (double)m);
}

float cnn_probability(float logit) {
    return (float)cnn_sigmoid((double)logit);
}
