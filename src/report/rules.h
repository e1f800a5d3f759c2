/* The functions of the rules in advice.c. A rule decides by numbers that its comment states. */
#ifndef CNN_REPORT_RULES_H
#define CNN_REPORT_RULES_H

#include "report/report.h"

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
