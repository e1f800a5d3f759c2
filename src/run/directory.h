/* The files of a run: their names, when a directory may be used, and the text ones' content. */
#ifndef CNN_RUN_DIRECTORY_H
#define CNN_RUN_DIRECTORY_H

#include "base/file_lock.h"
#include "base/text.h"
#include "samples/dataset.h"
#include "stats/metrics_text.h"

/* name, file */
#define CNN_RUN_FILE_LIST(X)                                                                       \
    X(CNN_RUN_CONFIG, "config.json")          /* the resolved config */                            \
    X(CNN_RUN_SPLIT, "split.csv")             /* which image went where */                         \
    X(CNN_RUN_METRICS, "metrics.csv")         /* a row an epoch */                                 \
    X(CNN_RUN_SUMMARY, "summary.json")        /* one line; the run is finished */                  \
    X(CNN_RUN_MODEL, "model.bin")             /* the best epoch */                                 \
    X(CNN_RUN_LAST, "last.bin")               /* the last epoch */                                 \
    X(CNN_RUN_CHECKPOINT, "checkpoint.bin")   /* what --resume needs */                            \
    X(CNN_RUN_PREDICTIONS, "predictions.csv") /* validation images */

/* The table of --check-data: no part of a run, and no reason to refuse a directory. */
#define CNN_DATA_REPORT "data_report.csv"
/* The picture of --show-augmented: the same. */
#define CNN_AUGMENTED_SHEET "augmented.png"

/* The table of a cross-validation, a row a fold. */
#define CNN_FOLDS_TABLE "folds.csv"

typedef enum cnn_run_file {
#define CNN_RUN_FILE_ENUM(name, text) name,
    CNN_RUN_FILE_LIST(CNN_RUN_FILE_ENUM)
#undef CNN_RUN_FILE_ENUM
        CNN_RUN_FILE_COUNT,
} cnn_run_file;

typedef struct cnn_run_directory {
    char *path;
    char *file[CNN_RUN_FILE_COUNT]; /* path of each file */
    char *folds_table;              /* path of a cross-validation's */
    cnn_file_lock lock;             /* of .lock, while a run is at work in the directory */
    bool claimed;                   /* by cnn_run_directory_claim */
} cnn_run_directory;

typedef enum cnn_run_mode {
    CNN_RUN_NEW,          /* the directory must be empty or missing */
    CNN_RUN_RESUME,       /* … or hold a run */
    CNN_RUN_RESUME_FOLDS, /* … or hold a cross-validation */
    CNN_RUN_OVERWRITE,    /* whatever it holds: files of an earlier run are removed */
} cnn_run_mode;

/* Gives *directory the names of a run's files; looks at nothing. Free with cnn_run_directory_close.
 */
CNN_MUST_USE cnn_status cnn_run_directory_open(const char *path, cnn_run_directory *directory,
                                               cnn_error *error);

/* Says whether the directory may be used in this mode, and changes nothing: CNN_ERROR_CONFIG where
 * it may not. *has_checkpoint: a run can go on. */
CNN_MUST_USE cnn_status cnn_run_directory_check(const cnn_run_directory *directory,
                                                cnn_run_mode mode, bool *has_checkpoint,
                                                cnn_error *error);

/* The directory of a fold's run, counted from 1: "DIR/fold-1"; NULL when memory is refused. Free
 * with cnn_free. */
char *cnn_run_fold_path(const char *directory, int fold);

/* *has: is the file there? One that cannot be asked about is not taken for missing, or a run would
 * start over where it should go on. */
CNN_MUST_USE cnn_status cnn_run_has_file(const cnn_run_directory *directory, cnn_run_file file,
                                         bool *has, cnn_error *error);

/* *complete: are all files there that a finished run leaves? */
CNN_MUST_USE cnn_status cnn_run_is_complete(const cnn_run_directory *directory, bool *complete,
                                            cnn_error *error);

/* Ends the lock, too. */
void cnn_run_directory_close(cnn_run_directory *directory);

/* Keeps other runs out of the directory, which must be there, until it is closed: CNN_ERROR_CONFIG
 * where one is at work in it. Then removes what a run that was killed has left half-written.
 * *protected: false where the file system knows no locks. */
CNN_MUST_USE cnn_status cnn_run_directory_claim(cnn_run_directory *directory, bool *protected,
                                                cnn_error *error);

/* For a run that starts, and writes config.json next: removes an earlier run's files but this one,
 * and those of an earlier cross-validation's folds. */
CNN_MUST_USE cnn_status cnn_run_directory_clear(const cnn_run_directory *directory,
                                                cnn_error *error);

/* Removes a file of the run, if it is there. */
CNN_MUST_USE cnn_status cnn_run_remove(const cnn_run_directory *directory, cnn_run_file file,
                                       cnn_error *error);

/* Waits until the directory, config.json, split.csv and metrics.csv are on disk. A new run writes
 * them without that (cnn_file_write_unsynced): a disk's answer takes longer than the first steps of
 * a training.
 */
CNN_MUST_USE cnn_status cnn_run_sync(const cnn_run_directory *directory, cnn_error *error);

/* split.csv: path,label,split,group of every image, in order, and content: 16 hexadecimal digits
 * that only images with the same pixels share. For cnn_run_sync to finish. */
CNN_MUST_USE cnn_status cnn_run_write_split(const cnn_run_directory *directory,
                                            const cnn_dataset *dataset, cnn_error *error);

/* Writes split.csv anew, for a run that is resumed, unless it is what it would be now. */
CNN_MUST_USE cnn_status cnn_run_update_split(const cnn_run_directory *directory,
                                             const cnn_dataset *dataset, cnn_error *error);

/* The same for any table of a run: `now` is what it would be. */
CNN_MUST_USE cnn_status cnn_run_update_table(const char *path, const cnn_text *now,
                                             cnn_error *error);

/* One row of metrics.csv. */
typedef struct cnn_epoch_row {
    int64_t epoch;
    double learning_rate;
    cnn_metrics train; /* loss and accuracy alone */
    cnn_metrics validation;
    double seconds, images_per_second;
} cnn_epoch_row;

/* Starts metrics.csv: its header, and, from the file that is there, the rows of epochs up to
 * `epochs`; where that is 0, for cnn_run_sync to finish. */
CNN_MUST_USE cnn_status cnn_run_start_metrics(const cnn_run_directory *directory, int64_t epochs,
                                              cnn_error *error);
CNN_MUST_USE cnn_status cnn_run_add_metrics(const cnn_run_directory *directory,
                                            const cnn_epoch_row *row, cnn_error *error);

/* predictions.csv: path,label,predicted,probability of the images of a split, in order; logits: one
 * for each. */
CNN_MUST_USE cnn_status cnn_run_write_predictions(const cnn_run_directory *directory,
                                                  const cnn_dataset *dataset, cnn_split split,
                                                  const float *logits, double threshold,
                                                  cnn_error *error);

/* summary.json. Metrics with count 0 are written as null. */
typedef struct cnn_run_summary {
    int64_t epochs, best_epoch, model_epoch;
    bool stopped_early;
    size_t parameters;
    cnn_metrics train;             /* loss and accuracy of the last epoch */
    cnn_measured validation, test; /* of model.bin */
    double seconds, images_per_second;
    int threads;
    const char *isa;
} cnn_run_summary;

CNN_MUST_USE cnn_status cnn_run_write_summary(const cnn_run_directory *directory,
                                              const cnn_dataset *dataset,
                                              const cnn_run_summary *summary, cnn_error *error);

#endif
