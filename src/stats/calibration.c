#include "stats/calibration.h"

#include "base/elementary.h"

#include <math.h>

/* Bisections of the interval on a logarithmic scale, from 1e4 down to the last digit of a double:
 * 13.3 + 52 bits. */
enum { HALVINGS = 66 };

/* Derivative of the summed loss Σ log(1 + e^{b z}) - y b z by b = 1 / T: Σ z (σ(b z) - y). It rises
 * with b. */
static double slope(const float *logits, const uint8_t *labels, size_t count, double b) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double z = (double)logits[i];
        sum += z * (cnn_sigmoid(b * z) - (double)labels[i]);
    }
    return sum;
}

bool cnn_temperature_find(const float *logits, const uint8_t *labels, size_t count,
                          double *temperature) {
    double low = 1.0 / CNN_TEMPERATURE_MAX;
    double high = 1.0 / CNN_TEMPERATURE_MIN;
    *temperature = 1.0;
    if (!(slope(logits, labels, count, low) < 0.0 && slope(logits, labels, count, high) > 0.0)) {
        return false;
    }
    for (int i = 0; i < HALVINGS; i++) {
        double middle = sqrt(low * high);
        if (slope(logits, labels, count, middle) < 0.0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *temperature = 1.0 / sqrt(low * high);
    return true;
}

void cnn_temperature_apply(double temperature, float *logits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        logits[i] = (float)((double)logits[i] / temperature);
    }
}
