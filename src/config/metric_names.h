/* The metrics by name, for all who list them: what a config may ask for, the table in
 * stats/metrics.h, and, by that table, summary.json, metrics.csv and the table at a run's end. */
#ifndef CNN_CONFIG_METRIC_NAMES_H
#define CNN_CONFIG_METRIC_NAMES_H

#include <stdbool.h>

/* field of cnn_metrics (and its name in files), name for people, is more better? */
#define CNN_METRIC_LIST(X)                                                                         \
    X(loss, "log loss", false)                                                                     \
    X(accuracy, "accuracy", true)                                                                  \
    X(auc, "ROC AUC", true)                                                                        \
    X(balanced_accuracy, "balanced accuracy", true)                                                \
    X(precision, "precision", true)                                                                \
    X(recall, "recall", true)                                                                      \
    X(specificity, "specificity", true)                                                            \
    X(f1, "F1", true)                                                                              \
    X(mcc, "MCC", true)                                                                            \
    X(average_precision, "average precision", true)                                                \
    X(brier, "Brier score", false)                                                                 \
    X(ece, "calibration error", false)

typedef enum cnn_metric_id {
#define CNN_METRIC_ENUM(field, text, more_is_better) CNN_METRIC_##field,
    CNN_METRIC_LIST(CNN_METRIC_ENUM)
#undef CNN_METRIC_ENUM
        CNN_METRIC_COUNT,
} cnn_metric_id;

#endif
