/* Measures a model on labelled images, and compares two. */
#ifndef CNN_EVALUATE_H
#define CNN_EVALUATE_H

#include "cnn/log.h"
#include "cnn/predict.h"
#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The results. Models are counted from 0: the model, then the other one. */
typedef struct cnn_evaluation cnn_evaluation;

/* An image and its predictions. */
typedef struct cnn_evaluated_image {
    const char *path;
    int label;                           /* of the data: 0 or 1 */
    const cnn_prediction *prediction[2]; /* by each model; the second: NULL if there is none */
} cnn_evaluated_image;

/* All members may be zero. */
typedef struct cnn_evaluate_options {
    const char *other; /* the file of a model to compare with; NULL: none */
    const char *split; /* of a manifest or of split folders, only "train" (rows without one, too),
                        * "validation" or "test"; NULL: all images */
    const double *threshold; /* class 1 from this probability on; NULL: each model's own */
    /* as for cnn_predictor_limit_pixels, for all models; name NULL: not used */
    double max_megapixels;
    const char *max_megapixels_name;
    int threads; /* 0: as many as there are processors */
    /* called for every image, in order, before anything is measured */
    void (*on_image)(void *user, const cnn_evaluation *evaluation,
                     const cnn_evaluated_image *image);
    void *user;
    cnn_log_sink log; /* columns and folders that are not used are named here */
} cnn_evaluate_options;

/* Measures the model file `model` on `data`: a folder with one sub-folder per class, or with
 * split folders that contain these, or a manifest. An image that one of the models cannot read is
 * left out of all measures. CNN_ERROR_CONFIG: unknown split. CNN_ERROR_MODEL: a model cannot be
 * read, or the two have different classes. CNN_ERROR_DATA: there are no such images, none can be
 * read, or the classes of the data are not those of the model. options may be NULL. Free with
 * cnn_evaluation_free. */
CNN_MUST_USE cnn_status cnn_evaluate_model(const char *model, const char *data,
                                           const cnn_evaluate_options *options,
                                           cnn_evaluation **evaluation, cnn_error *error);
void cnn_evaluation_free(cnn_evaluation *evaluation); /* NULL is allowed */

/* All results as text: a table for people, with one column per model, and the tests if there are
 * two; or the same and more as one line of JSON. A number that does not exist is null. NULL if
 * memory is refused. Free with cnn_text_release. */
char *cnn_evaluation_table(const cnn_evaluation *evaluation);
char *cnn_evaluation_json(const cnn_evaluation *evaluation);

/* Writes the results as a page for people, with the images that the model gets wrong, to the file
 * `path`: completely, or not at all. If there are two models, the page is about the first, and
 * states the tests. The images are read again, and so is the model's file, for its checksum: the
 * page says which images it cannot show. The same bytes for any number of threads.
 * CNN_ERROR_RUNTIME: the file cannot be written, or memory is refused. */
CNN_MUST_USE cnn_status cnn_evaluation_write_report(const cnn_evaluation *evaluation,
                                                    const char *path, cnn_error *error);

/* --- single results --- */

typedef struct cnn_evaluation_counts {
    size_t listed;       /* images of the data, or of the split */
    size_t failed;       /* of these, the ones that a model cannot read */
    size_t measured;     /* the others */
    size_t other_labels; /* rows of a manifest with a label that is none of the classes */
} cnn_evaluation_counts;

cnn_evaluation_counts cnn_evaluation_count(const cnn_evaluation *evaluation);

/* The name of class 0 or 1, which is the positive one; and the threshold that a model was measured
 * with. */
const char *cnn_evaluation_class(const cnn_evaluation *evaluation, int label);
float cnn_evaluation_threshold(const cnn_evaluation *evaluation, int model);

typedef struct cnn_evaluation_confusion {
    size_t true_positives, false_positives, true_negatives, false_negatives;
} cnn_evaluation_confusion;

cnn_evaluation_confusion cnn_evaluation_confusion_of(const cnn_evaluation *evaluation, int model);

/* A metric and its 95 % interval. NaN if it does not exist for these images. */
typedef struct cnn_evaluation_metric {
    double value, low, high;
} cnn_evaluation_metric;

/* The names of all metrics, such as "auc" and "f1" (cnneval(1) explains each), with NULL at the
 * end. */
const char *const *cnn_evaluation_metrics(void);
/* One of them; NaN for an unknown name. */
cnn_evaluation_metric cnn_evaluation_metric_of(const cnn_evaluation *evaluation, int model,
                                               const char *name);

/* Paired tests of two models. p: the probability of such a difference, or a larger one, by
 * chance. */
typedef struct cnn_evaluation_comparison {
    size_t only_first, only_second; /* images that only this model gets right */
    double accuracy_p;              /* McNemar's test */
    double auc_difference;          /* of the areas under the ROC curve, first minus second */
    double auc_low, auc_high;       /* 95 % interval of it; NaN, like auc_p, if a class has fewer
                                     * than two images */
    double auc_p;                   /* DeLong's test */
} cnn_evaluation_comparison;

/* False, with all members 0, if there is no other model. */
bool cnn_evaluation_compare(const cnn_evaluation *evaluation,
                            cnn_evaluation_comparison *comparison);

#ifdef __cplusplus
}
#endif
#endif
