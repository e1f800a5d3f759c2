/* Chooses a threshold on labelled images by a rule. */
#ifndef CNN_STATS_OPERATING_POINT_H
#define CNN_STATS_OPERATING_POINT_H

#include "cnn/status.h"
#include "config/threshold_rule.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_operating_point {
    float threshold;  /* class 1 if the probability is at least this; 0 to 1 */
    size_t positives; /* images of class 1, … */
    size_t hits;      /* … and those of them that are predicted so */
    size_t negatives; /* images of class 0, … */
    size_t alarms;    /* … and those of them that are predicted as class 1 */
    bool reached;     /* false: no threshold reaches the recall or precision of the rule */
} cnn_operating_point;

/* Chooses among all thresholds that give different predictions: one between each two neighbouring
 * probabilities, one below and one above all. Between equally good thresholds, the one nearest to
 * 0.5 is chosen, then the higher one. "recall>=R" and "precision>=P" have their own second
 * criterion (config/threshold_rule.h). If no threshold reaches the precision, the highest precision
 * is chosen.
 *
 * probabilities: 0 to 1; labels: 0 or 1; [count], of both classes, else CNN_ERROR_DATA. */
CNN_MUST_USE cnn_status cnn_operating_point_choose(const cnn_threshold_rule *rule,
                                                   const float *probabilities,
                                                   const uint8_t *labels, size_t count,
                                                   cnn_operating_point *point, cnn_error *error);

#endif
