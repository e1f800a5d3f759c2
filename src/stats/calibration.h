/* Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, 2017): one number that
 * logits are divided by, so that probabilities are shares. */
#ifndef CNN_STATS_CALIBRATION_H
#define CNN_STATS_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Temperatures that are looked at. */
#define CNN_TEMPERATURE_MIN 0.01
#define CNN_TEMPERATURE_MAX 100.0

/* *temperature: the one whose mean loss (eq. 7) of logits / temperature is least; to about 1e-15,
 * the same bytes everywhere. logits, labels (0 or 1): [count]. False, and 1, where the least loss
 * is not between CNN_TEMPERATURE_MIN and _MAX: images that are all told apart want 0, logits that
 * say nothing want infinity. */
bool cnn_temperature_find(const float *logits, const uint8_t *labels, size_t count,
                          double *temperature);

/* logits[count] divided by a temperature. */
void cnn_temperature_apply(double temperature, float *logits, size_t count);

#endif
