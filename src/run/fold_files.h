/* The tables and the summary of a cross-validation. */
#ifndef CNN_RUN_FOLD_FILES_H
#define CNN_RUN_FOLD_FILES_H

#include "run/directory.h"
#include "run/pool.h"
#include "stats/metrics_text.h"

/* What one fold's model says of the fold's images. */
typedef struct cnn_fold_result {
    size_t images[CNN_SPLIT_COUNT];
    double threshold;
    cnn_metrics test;
} cnn_fold_result;

/* All of them. */
typedef struct cnn_folds_result {
    const cnn_pool *pool;
    const cnn_fold_result *folds; /* [pool->folds] */
    const float *logits; /* [images of the pool], of the model that did not see the image */
    cnn_measured pooled; /* of all these predictions together */
    size_t parameters;
} cnn_folds_result;

/* What the model of its fold takes image i for: 0 or 1. */
int cnn_folds_predicted(const cnn_folds_result *result, size_t i);

/* split.csv of the cross-validation: fold,path,label,group,content of every image, in order. */
void cnn_folds_describe(const cnn_pool *pool, cnn_text *text);

/* folds.csv: a row a fold, with the metrics of its images. */
CNN_MUST_USE cnn_status cnn_folds_write_table(const cnn_run_directory *directory,
                                              const cnn_folds_result *result, cnn_error *error);

/* predictions.csv: path,label,predicted,probability,fold of every image, in order. */
CNN_MUST_USE cnn_status cnn_folds_write_predictions(const cnn_run_directory *directory,
                                                    const cnn_folds_result *result,
                                                    cnn_error *error);

/* summary.json: mean and deviation over the folds, and what all predictions together give. */
CNN_MUST_USE cnn_status cnn_folds_write_summary(const cnn_run_directory *directory,
                                                const cnn_folds_result *result, cnn_error *error);

#endif
