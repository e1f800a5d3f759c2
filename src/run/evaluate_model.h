/* Measures one or two model files on labelled images, for cnneval. */
#ifndef CNN_RUN_EVALUATE_MODEL_H
#define CNN_RUN_EVALUATE_MODEL_H

#include "samples/list.h"
#include "stats/bootstrap.h"
#include "stats/compare.h"

#include "cnn/predict.h"

struct cnn_evaluation;

/* The request. */
typedef struct cnn_evaluation_request {
    const char *models[2]; /* the second: NULL, or another to compare with the first */
    const char *data;      /* a folder with one sub-folder per class, or a .csv manifest */
    int split;             /* of a manifest, a cnn_split (rows without one are of train); -1: all */
    double threshold;      /* below 0: each model's own */
    int threads;           /* 0: as many as there are processors */
    /* called for every image, in order, with the prediction of each model; may be NULL */
    void (*on_image)(void *user, const struct cnn_evaluation *evaluation, const cnn_sample *sample,
                     const cnn_prediction *const said[2]);
    void *user;
} cnn_evaluation_request;

typedef struct cnn_evaluated_model {
    cnn_predictor *predictor;
    float threshold;
    float *logits; /* [measured], divided by the model's temperature */
    cnn_metrics metrics;
    cnn_interval intervals[CNN_METRIC_COUNT]; /* of 95 %, by cnn_metric_id */
} cnn_evaluated_model;

typedef struct cnn_evaluation {
    int model_count;
    cnn_evaluated_model model[2];
    uint8_t *labels;                 /* [measured] */
    size_t listed, failed, measured; /* numbers of images; failed: images that a model could not
                                      * classify */
    size_t other_labels;             /* rows of a manifest whose label is not a class */
    cnn_mcnemar mcnemar;             /* these two: only for two models */
    cnn_delong delong;
} cnn_evaluation;

/* Reads the models, lists and predicts the images, measures. An image that one of the models cannot
 * classify is left out of all measures. CNN_ERROR_MODEL: a model cannot be read, or two have other
 * classes; CNN_ERROR_DATA: there are no such images, or none that can be read; the data lacks the
 * classes of the model. Free with cnn_evaluation_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_evaluate_model(const cnn_evaluation_request *request,
                                           cnn_evaluation *evaluation, cnn_error *error);
void cnn_evaluation_free(cnn_evaluation *evaluation);

#endif
