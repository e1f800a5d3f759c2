/* What the pages of report.html are about: a finished run, or an evaluation of a model. Each
 * section of the page is a file of its own that reads this, and writes one <section>. */
#ifndef CNN_REPORT_REPORT_H
#define CNN_REPORT_REPORT_H

#include "config/config.h"
#include "report/html.h"
#include "run/tables.h"
#include "stats/metrics_text.h"

#include "cnn/predict.h"

/* Images that a model was measured on: test, validation, those of an evaluation, or those that the
 * folds of a cross-validation were tested on. */
typedef struct cnn_report_images {
    const char *name; /* "test", "validation", "evaluated" or "folds" */
    size_t count;
    char **paths;          /* [count] */
    uint8_t *labels;       /* [count]: 0 or 1 */
    double *probabilities; /* [count]: of class 1; values of floats */
    uint8_t *predicted;    /* [count]: 0 or 1, by the threshold of the image's model */
    int *fold;             /* [count]: whose model predicted it, from 0; NULL: one model */
    double threshold;      /* class 1 from this probability on; NaN: one per fold */
    cnn_measured measured; /* as in summary.json */
} cnn_report_images;

/* A report's images, those that count most first: test before validation. */
enum { CNN_REPORT_IMAGES_MAX = 2 };

/* What only a run has. */
typedef struct cnn_report_run {
    const cnn_config *config; /* config.json */
    char *config_text;        /* the same, as it is in the file */
    cnn_epoch_row *epochs;    /* [epoch_count]: metrics.csv; values that are not there are NaN */
    size_t epoch_count;
    int64_t best_epoch, model_epoch;
    bool stopped_early;
    size_t parameters;
    double seconds, images_per_second;
    int threads;
    char *isa;
    size_t split_images[CNN_SPLIT_COUNT][2]; /* images of a split and class: split.csv */
    size_t groups;                           /* distinct groups in split.csv; 0: none */
    char **notes; /* [note_count]: warnings that the run gave; what the data section shows */
    size_t note_count;
} cnn_report_run;

typedef struct cnn_report {
    const char *title; /* the last part of the run directory's or data's name */
    const char *classes[2];
    const cnn_predictor *model; /* for heat maps; NULL: there is no single one */
    const char *model_sha256;   /* 64 digits */
    cnn_report_images images[CNN_REPORT_IMAGES_MAX];
    int images_count;
    const cnn_report_run *run; /* NULL: an evaluation */
    const char *image_folder;  /* relative paths of images start here: "" */
    int threads;
} cnn_report;

#endif
