/* Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, 2017): one number that
 * logits are divided by, so that a probability of 0.8 is right in 80 % of the cases. */
#ifndef CNN_STATS_CALIBRATION_H
#define CNN_STATS_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The range of temperatures. */
#define CNN_TEMPERATURE_MIN 0.01
#define CNN_TEMPERATURE_MAX 100.0

/* *temperature: the one with the least mean loss (eq. 7) of logits / temperature, to about 1e-15,
 * the same bytes everywhere. logits, labels (0 or 1): [count]. Returns false, with a temperature of
 * 1, if the minimum is not between CNN_TEMPERATURE_MIN and _MAX: it is at 0 if all images are
 * classified correctly, at infinity if the logits are uninformative. */
bool cnn_temperature_find(const float *logits, const uint8_t *labels, size_t count,
                          double *temperature);

/* logits[count] divided by a temperature. */
void cnn_temperature_apply(double temperature, float *logits, size_t count);

#endif
