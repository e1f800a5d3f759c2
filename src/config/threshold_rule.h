/* Rules by which a run chooses its threshold: the values of train.threshold that are not numbers.
 */
#ifndef CNN_CONFIG_THRESHOLD_RULE_H
#define CNN_CONFIG_THRESHOLD_RULE_H

#include <stdbool.h>

typedef enum cnn_threshold_kind {
    CNN_THRESHOLD_F1,        /* the greatest F1 */
    CNN_THRESHOLD_YOUDEN,    /* the greatest recall + specificity - 1 (Youden 1950) */
    CNN_THRESHOLD_RECALL,    /* the highest threshold whose recall is at least `target` */
    CNN_THRESHOLD_PRECISION, /* the greatest recall with a precision of at least `target` */
    CNN_THRESHOLD_COST,      /* the least cost of all errors */
} cnn_threshold_kind;

typedef struct cnn_threshold_rule {
    cnn_threshold_kind kind;
    double target;                                   /* above 0, up to 1 */
    double false_positive_cost, false_negative_cost; /* above 0 */
} cnn_threshold_rule;

#define CNN_THRESHOLD_RULE_TEXTS                                                                   \
    "\"f1\", \"youden\", \"recall>=R\", \"precision>=P\" or \"cost fp=A fn=B\""
#define CNN_THRESHOLD_RULE_PATTERN                                                                 \
    "^(f1|youden|(recall|precision)>=[0-9.eE+-]+|cost fp=[0-9.eE+-]+ fn=[0-9.eE+-]+)$"

/* Reads a rule: "f1", "youden", "recall>=0.99", "precision>=0.95", "cost fp=1 fn=20". A share is
 * above 0 and up to 1, a cost above 0 and up to 1e9. False, with *rule undefined, if the text is
 * not a rule. */
bool cnn_threshold_rule_parse(const char *text, cnn_threshold_rule *rule);
bool cnn_threshold_rule_is(const char *text);

#endif
