/* summary.json: the results of a finished run, or of a cross-validation, in one line. */
#ifndef CNN_RUN_SUMMARY_H
#define CNN_RUN_SUMMARY_H

#include "run/tables.h"
#include "stats/metrics_text.h"

/* Of one run. Metrics with count 0 are written as null. */
typedef struct cnn_run_summary {
    int64_t epochs, best_epoch, model_epoch;
    bool stopped_early;
    size_t parameters;
    double threshold;              /* of model.bin */
    cnn_metrics train;             /* loss and accuracy of the last epoch */
    cnn_measured validation, test; /* of model.bin */
    double seconds, images_per_second;
    int threads;
    const char *isa;
} cnn_run_summary;

CNN_MUST_USE cnn_status cnn_summary_write(const char *path, const cnn_dataset *dataset,
                                          const cnn_run_summary *summary, cnn_error *error);

/* Of a cross-validation: mean and deviation of each metric over the folds, and the metrics of all
 * predictions together. */
typedef struct cnn_folds_summary {
    const cnn_fold_row *rows; /* [folds] */
    int folds;
    size_t parameters;
    cnn_measured pooled;
} cnn_folds_summary;

CNN_MUST_USE cnn_status cnn_summary_write_folds(const char *path, const cnn_dataset *dataset,
                                                const cnn_folds_summary *summary, cnn_error *error);

#endif
