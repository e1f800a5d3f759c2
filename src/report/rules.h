/* The functions of the rules in advice.c, and the numbers by which they decide. The page states the
 * numbers, so they are written as readers see them. They are rules of thumb, unless a source is
 * given: they decide what is worth a sentence, not what is true. */
#ifndef CNN_REPORT_RULES_H
#define CNN_REPORT_RULES_H

#include "report/report.h"

/* wide: percentage points of the 95 % interval of the accuracy. */
#define CNN_WIDE_POINTS 10
/* miscalibrated: the calibration error, and |z| of Spiegelhalter's test, which chance exceeds in
 * 1 % of the cases. The error alone does not tell: that of few images is large for any model. */
#define CNN_OFF_ERROR 0.05
#define CNN_OFF_Z 2.576
/* overfitting: percent by which the losses rise and fall, to the mean of the last epochs. */
#define CNN_OVERFITTING_PERCENT 10
#define CNN_OVERFITTING_EPOCHS 3
/* improving: percent by which the loss still fell, and the least difference. */
#define CNN_FALLING_PERCENT 2
#define CNN_FALLING_BY 0.005
/* few_images: training images of the smaller class. */
#define CNN_FEW_IMAGES 100
/* rare_class: percent of the training images that the smaller class has. */
#define CNN_RARE_PERCENT 10

#define CNN_RULE_LIST(X)                                                                           \
    X(wide)                                                                                        \
    X(no_better)                                                                                   \
    X(one_sided)                                                                                   \
    X(lacks_class)                                                                                 \
    X(miscalibrated)                                                                               \
    X(validation_better)                                                                           \
    X(no_test)                                                                                     \
    X(unmeasured)                                                                                  \
    X(improving)                                                                                   \
    X(overfitting)                                                                                 \
    X(cut_short)                                                                                   \
    X(time_is_up)                                                                                  \
    X(few_images)                                                                                  \
    X(rare_class)                                                                                  \
    X(mixed_groups)                                                                                \
    X(bad_images)                                                                                  \
    X(copies)

#define CNN_RULE_FUNCTIONS(name)                                                                   \
    bool cnn_applies_##name(const cnn_report *report);                                             \
    void cnn_describe_##name(cnn_html *html, const cnn_report *report);
CNN_RULE_LIST(CNN_RULE_FUNCTIONS)
#undef CNN_RULE_FUNCTIONS

#endif
