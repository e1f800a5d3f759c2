/* The list of metrics. Everything that lists metrics follows from it: the fields of cnn_metrics,
 * the values of train.early_stopping.metric, summary.json, metrics.csv, folds.csv and the table at
 * the end of a run.
 *
 * To add a metric: a row here, and its computation in stats/metrics.c. */
#ifndef CNN_CONFIG_METRIC_NAMES_H
#define CNN_CONFIG_METRIC_NAMES_H

#include <stdbool.h>

/* Columns: the field of cnn_metrics, which is also the name in files; the name in tables; is a
 * larger value better?; does it depend on the threshold?
 *
 * Class 1 is the positive one. An image is predicted positive if its probability is at least the
 * threshold. A metric that needs a class which the images lack is NaN (see below); other quotients
 * 0/0 are 0.
 *
 *   loss               mean binary cross-entropy, natural logarithm
 *   accuracy           share of images that are classified correctly
 *   auc                area under the ROC curve, ties counting half (Hanley and McNeil 1982); NaN
 *                      if a class is missing
 *   balanced_accuracy  mean of recall and specificity; NaN if a class is missing
 *   precision          TP / (TP + FP); 0 if nothing is predicted positive
 *   recall             TP / (TP + FN); NaN without positives
 *   specificity        TN / (TN + FP); NaN without negatives
 *   f1                 2 TP / (2 TP + FP + FN); NaN without positives
 *   mcc                Matthews correlation coefficient (Matthews 1975); 0 if all images are of one
 *                      class, or are predicted as one (Chicco and Jurman 2020)
 *   average_precision  sum of (R_n - R_(n-1)) P_n over the distinct probabilities, from the highest
 *                      down, with recall R_n and precision P_n of the images at or above them: no
 *                      interpolation (as in scikit-learn); NaN without positives
 *   brier              mean of (probability - label)^2 (Brier 1950)
 *   ece                expected calibration error: sum over 15 bins of the probability,
 *                      ((b - 1) / 15, b / 15], of the bin's share of images times |mean label -
 *                      mean probability| (Naeini et al. 2015 for two classes, number and bounds of
 *                      bins as in Guo et al. 2017) */
#define CNN_METRIC_LIST(X)                                                                         \
    X(loss, "log loss", false, false)                                                              \
    X(accuracy, "accuracy", true, true)                                                            \
    X(auc, "ROC AUC", true, false)                                                                 \
    X(balanced_accuracy, "balanced accuracy", true, true)                                          \
    X(precision, "precision", true, true)                                                          \
    X(recall, "recall", true, true)                                                                \
    X(specificity, "specificity", true, true)                                                      \
    X(f1, "F1", true, true)                                                                        \
    X(mcc, "MCC", true, true)                                                                      \
    X(average_precision, "average precision", true, false)                                         \
    X(brier, "Brier score", false, false)                                                          \
    X(ece, "calibration error", false, false)

typedef enum cnn_metric_id {
#define CNN_METRIC_ENUM(field, text, more_is_better, needs_threshold) CNN_METRIC_##field,
    CNN_METRIC_LIST(CNN_METRIC_ENUM)
#undef CNN_METRIC_ENUM
        CNN_METRIC_COUNT,
} cnn_metric_id;

#endif
