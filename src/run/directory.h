/* The files of a run directory: their names, which exist, and how they are removed. */
#ifndef CNN_RUN_DIRECTORY_H
#define CNN_RUN_DIRECTORY_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

/* name, file. A run without test images, and the run of a fold, have no test_predictions.csv. A run
 * is complete without the files after it in the list. */
#define CNN_RUN_FILE_LIST(X)                                                                       \
    X(CNN_RUN_CONFIG, "config.json")                    /* the resolved config */                  \
    X(CNN_RUN_SPLIT, "split.csv")                       /* the split of each image */              \
    X(CNN_RUN_METRICS, "metrics.csv")                   /* one row per epoch */                    \
    X(CNN_RUN_SUMMARY, "summary.json")                  /* one line; the run is finished */        \
    X(CNN_RUN_MODEL, "model.bin")                       /* the best epoch */                       \
    X(CNN_RUN_LAST, "last.bin")                         /* the last epoch */                       \
    X(CNN_RUN_CHECKPOINT, "checkpoint.bin")             /* what --resume needs */                  \
    X(CNN_RUN_PREDICTIONS, "predictions.csv")           /* validation images */                    \
    X(CNN_RUN_TEST_PREDICTIONS, "test_predictions.csv") /* test images */                          \
    X(CNN_RUN_REPORT, "report.html") /* made from the others; a run is complete without it */      \
    X(CNN_RUN_EVENTS, "events.out.tfevents.cnntrain") /* with --tensorboard */                     \
    X(CNN_RUN_MEMBERS, "members.csv")                 /* of a sweep: the values of each member */  \
    X(CNN_RUN_SWEEP, "sweep.csv")                     /* of a sweep: the results of each member */ \
    X(CNN_RUN_TESTED, "tested.csv")   /* of a sweep: the models that were tested */                \
    X(CNN_RUN_FAILURE, "failed.json") /* of a sweep's member: why it failed */

/* The table of a cross-validation, one row per fold. */
#define CNN_FOLDS_TABLE "folds.csv"

/* Files that may be in a directory without a run: the table of --check-data, the image of
 * --show-augmented, and lock files: of a program that uses the directory, and of one that starts a
 * set of runs there (session.h); both with claims, whose names begin with theirs
 * (base/file_claim.h). */
#define CNN_DATA_REPORT "data_report.csv"
#define CNN_AUGMENTED_SHEET "augmented.png"
#define CNN_RUN_LOCK ".lock"
#define CNN_RUN_START_LOCK ".lock-start"

typedef enum cnn_run_file {
#define CNN_RUN_FILE_ENUM(name, text) name,
    CNN_RUN_FILE_LIST(CNN_RUN_FILE_ENUM)
#undef CNN_RUN_FILE_ENUM
        CNN_RUN_FILE_COUNT,
} cnn_run_file;

/* Paths. */
typedef struct cnn_run_directory {
    char *path;
    char *file[CNN_RUN_FILE_COUNT];
    char *folds_table;
} cnn_run_directory;

/* Gives *directory the paths of a run's files; does not access the disk. Free with
 * cnn_run_directory_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_run_directory_name(const char *path, cnn_run_directory *directory,
                                               cnn_error *error);
void cnn_run_directory_free(cnn_run_directory *directory);

/* The directory of a fold's run, counted from 1: "DIR/fold-1"; NULL if memory is refused. Free with
 * cnn_free. */
char *cnn_run_fold_path(const char *directory, int fold);

/* The same for a member of a sweep: "DIR/0001". */
char *cnn_run_member_path(const char *directory, int member);

/* cnn_run_directory_name for that member of the sweep in `sweep`. */
CNN_MUST_USE cnn_status cnn_run_member_directory(const char *sweep, int member,
                                                 cnn_run_directory *directory, cnn_error *error);

/* --- existing files --- */

/* *in_use: does the directory contain files of a run, or other files? A missing one does not. */
CNN_MUST_USE cnn_status cnn_run_is_in_use(const char *path, bool *in_use, cnn_error *error);

/* *has: does the file exist? Fails if that cannot be determined: a run must not start over because
 * its checkpoint could not be accessed. */
CNN_MUST_USE cnn_status cnn_run_has_file(const cnn_run_directory *directory, cnn_run_file file,
                                         bool *has, cnn_error *error);
/* Reads a file of a member that may not have been begun: *text is NULL if there is no such file.
 * Free with cnn_free. CNN_ERROR_RUNTIME: it has more than `limit` bytes, or cannot be read. */
CNN_MUST_USE cnn_status cnn_run_read_file(const cnn_run_directory *directory, cnn_run_file file,
                                          size_t limit, char **text, size_t *size,
                                          cnn_error *error);

/* *has: is there a directory of any fold? The directory `path` must exist. */
CNN_MUST_USE cnn_status cnn_run_has_folds(const char *path, bool *has, cnn_error *error);

/* *complete: do all files of a finished run exist? with_test: test_predictions.csv, too. */
CNN_MUST_USE cnn_status cnn_run_is_complete(const cnn_run_directory *directory, bool with_test,
                                            bool *complete, cnn_error *error);

/* --- removing --- */

/* Removes a file of the run, if it exists. */
CNN_MUST_USE cnn_status cnn_run_remove(const cnn_run_directory *directory, cnn_run_file file,
                                       cnn_error *error);

/* For a run that continues, or a set that is gathered again: removes report.html and summary.json,
 * which show that it was finished. */
CNN_MUST_USE cnn_status cnn_run_remove_results(const cnn_run_directory *directory,
                                               cnn_error *error);

/* Removes incomplete files of killed programs. */
CNN_MUST_USE cnn_status cnn_run_remove_drafts(const char *path, cnn_error *error);

/* For a run that starts, and writes config.json next: removes the files of an earlier run but this
 * one, and those of the members of an earlier cross-validation or sweep. */
CNN_MUST_USE cnn_status cnn_run_directory_clear(const cnn_run_directory *directory,
                                                cnn_error *error);

/* --- */

/* Waits until the directory, config.json, split.csv and metrics.csv are on disk. A new run writes
 * them without waiting (cnn_file_write_unsynced): waiting for a disk takes longer than the first
 * steps of a training. */
CNN_MUST_USE cnn_status cnn_run_sync(const cnn_run_directory *directory, cnn_error *error);

#endif
