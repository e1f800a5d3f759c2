/* What the pages of report.html are about: a finished run, or an evaluation of a model. Each
 * section of the page is a separate file, which reads this and writes one <section>. */
#ifndef CNN_REPORT_REPORT_H
#define CNN_REPORT_REPORT_H

#include "config/config.h"
#include "report/html.h"
#include "run/tables.h"
#include "stats/compare.h"
#include "stats/metrics_text.h"

#include "cnn/options.h"
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

/* What only a run has, or a set of runs. */
typedef struct cnn_report_run {
    const char *directory;
    cnn_config *config; /* config.json */
    char *config_text;  /* the same, as it is in the file */
    char *version;      /* of the program that trained */
    size_t parameters;
    size_t split_images[CNN_SPLIT_COUNT][2]; /* images of a split and class: split.csv. Those of a
                                              * cross-validation count as test images */
    size_t groups;                           /* distinct groups in split.csv; 0: none */
    size_t mixed_groups;                     /* groups with images in several splits */
    size_t repeated; /* images with the same pixels as an earlier image of their split */
    size_t bad_images, copies_left_out;
    cnn_sample *samples; /* [rows]: split.csv, without groups. Those of a cross-validation count as
                          * test images */
    size_t rows;

    /* --- only of one run --- */
    cnn_epoch_row *epochs; /* [epoch_count]: metrics.csv; values that are not there are NaN */
    size_t epoch_count;
    int64_t best_epoch, model_epoch; /* 0: none */
    bool stopped_early;
    bool ended_by_minutes; /* the time of train.minutes was up before the last epoch was over */
    double threshold;
    cnn_metrics train;                      /* images, loss, accuracy of the last epoch */
    cnn_measured measured[CNN_SPLIT_COUNT]; /* validation, test: of model.bin. Count 0: none */
    double seconds, images_per_second;
    int threads;
    char *isa;
    cnn_image_settings seen;  /* how pixels are made, with the ends of image.range "stretch" */
    int member, members;      /* this run is one of a cross-validation; 0: it is not */
    int chosen, chosen_of;    /* this run was chosen among those of a sweep; 0: it was not */
    const char **train_paths; /* [images of the split]: training images … */
    size_t *train_rows;       /* … and their rows in split.csv, from 0 */
} cnn_report_run;

/* A member of a set of runs. */
typedef struct cnn_report_member {
    char *link;  /* to its report, from that of the set */
    char *model; /* path of its model file */
    size_t images[CNN_SPLIT_COUNT];
    double threshold;
    double metrics[CNN_METRIC_COUNT]; /* of its test images; NaN: none */
} cnn_report_member;

/* Two members of a set, compared image by image. */
typedef struct cnn_report_comparison {
    size_t first, second; /* from 0 */
    cnn_mcnemar mcnemar;
    cnn_delong delong;
} cnn_report_comparison;

/* A set of runs, such as the folds of a cross-validation. */
typedef struct cnn_report_set {
    const char *member; /* the name of a member: "fold" */
    size_t count;
    cnn_report_member *members; /* [count] */
    double mean[CNN_METRIC_COUNT], deviation[CNN_METRIC_COUNT];
    const cnn_report_comparison *best; /* of the best two, if members were tested on the same
                                        * images; NULL: they were not, as folds */
} cnn_report_set;

struct cnn_evaluation;
struct cnn_report_sweep;

typedef struct cnn_report {
    const char *title; /* the last part of the run directory's or data's name */
    const char *classes[2];
    const cnn_predictor *model; /* for heat maps; NULL: there is no single one */
    const char *model_sha256;   /* 64 digits, those of sha256sum; NULL as the model */
    cnn_report_images images[CNN_REPORT_IMAGES_MAX];
    int images_count;
    const cnn_report_run *run;               /* NULL: an evaluation */
    const cnn_report_set *set;               /* NULL: one run, or an evaluation */
    const struct cnn_evaluation *evaluation; /* NULL: a run; else of its models, the first */
    const struct cnn_report_sweep *sweep;    /* NULL: none; else this alone (sweep_record.h) */
    int threads;                             /* 0: as many as there are processors */
    const cnn_common_options *options; /* should_stop, for sections that read images; NULL: none */
} cnn_report;

#endif
