/* The tables of a run, and of a cross-validation: split.csv, metrics.csv, predictions.csv,
 * test_predictions.csv and folds.csv. */
#ifndef CNN_RUN_TABLES_H
#define CNN_RUN_TABLES_H

#include "base/text.h"
#include "samples/dataset.h"
#include "stats/metrics.h"

/* --- split.csv --- */

/* The split of each image, in order: path,label,split,group,content. With fold (of each image, from
 * 0): fold,path,label,group,content. content: 16 hexadecimal digits that only images with the same
 * pixels share. */
void cnn_table_split(const cnn_dataset *dataset, const int *fold, cnn_text *text);

/* Writes the table that cnn_table_split makes as the file `path`, for a resumed run, unless the
 * file has that text: paths may have changed. */
CNN_MUST_USE cnn_status cnn_table_update_split(const char *path, const cnn_dataset *dataset,
                                               const int *fold, cnn_error *error);

/* --- metrics.csv --- */

typedef struct cnn_epoch_row {
    int64_t epoch;
    double learning_rate;
    cnn_metrics train; /* only loss and accuracy */
    cnn_metrics validation;
    double seconds, images_per_second;
} cnn_epoch_row;

/* Starts the file `path`: its header, and, from the existing file, the rows of epochs up to
 * `epochs`. If that is 0, cnn_run_sync must sync it. */
CNN_MUST_USE cnn_status cnn_table_start_metrics(const char *path, int64_t epochs, cnn_error *error);
/* Adds a row. */
CNN_MUST_USE cnn_status cnn_table_add_metrics(const char *path, const cnn_epoch_row *row,
                                              cnn_error *error);

/* --- predictions.csv, test_predictions.csv --- */

typedef struct cnn_predictions {
    const cnn_dataset *dataset;
    const size_t *images; /* [count]: samples of the dataset; NULL: all, in order */
    size_t count;
    const float *logits;      /* [count] */
    const double *thresholds; /* of the model; with fold: of the model of each fold */
    const int *fold;          /* [samples of the dataset], from 0; NULL: no cross-validation */
} cnn_predictions;

/* True if image i of the predictions is predicted as class 1. */
bool cnn_predictions_positive(const cnn_predictions *predictions, size_t i);

/* path,label,predicted,probability of the images; with fold: and fold. */
CNN_MUST_USE cnn_status cnn_table_write_predictions(const char *path,
                                                    const cnn_predictions *predictions,
                                                    cnn_error *error);

/* --- folds.csv --- */

/* The results of the model of a fold on the images of the fold. */
typedef struct cnn_fold_row {
    size_t images[CNN_SPLIT_COUNT];
    double threshold;
    cnn_metrics test;
} cnn_fold_row;

/* One row per fold: numbers of images, threshold, all metrics. */
CNN_MUST_USE cnn_status cnn_table_write_folds(const char *path, const cnn_fold_row *rows, int folds,
                                              cnn_error *error);

/* --- */

/* Writes a text as the file `path`, and frees it. synced: false: cnn_run_sync must sync it. */
CNN_MUST_USE cnn_status cnn_table_write(const char *path, cnn_text *text, bool synced,
                                        cnn_error *error);

#endif
