#include "loss.h"

#include "elementary.h"

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

float cnn_probability(float logit) {
    return (float)cnn_sigmoid((double)logit);
}
