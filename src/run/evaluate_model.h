/* The contents of an evaluation (cnn/evaluate.h): one or two model files, measured on labelled
 * images. */
#ifndef CNN_RUN_EVALUATE_MODEL_H
#define CNN_RUN_EVALUATE_MODEL_H

#include "samples/flaws.h"
#include "stats/compare.h"
#include "stats/intervals.h"

#include "cnn/evaluate.h"

typedef struct cnn_evaluated_model {
    char *path;
    cnn_predictor *predictor;
    float threshold;
    float *logits; /* [counts.measured], divided by the model's temperature */
    cnn_metrics metrics;
    cnn_interval intervals[CNN_METRIC_COUNT]; /* of 95 %, by cnn_metric_id */
} cnn_evaluated_model;

struct cnn_evaluation {
    char *data; /* the path */
    int model_count;
    cnn_evaluated_model model[2];
    cnn_evaluation_counts counts;
    int threads;             /* as in the options */
    char **paths;            /* [counts.measured] */
    uint8_t *labels;         /* [counts.measured] */
    size_t flawed;           /* images that may show too little, of those measured … */
    size_t flaws[CNN_FLAWS]; /* … by flaw: cnn_flaw_table */
    cnn_mcnemar mcnemar;     /* these two: of two models */
    cnn_delong delong;
};

#endif
