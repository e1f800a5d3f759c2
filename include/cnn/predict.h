/* Using a model from C: load it once, then classify files or pixels, from any number of threads. */
#ifndef CNN_PREDICT_H
#define CNN_PREDICT_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cnn_predictor cnn_predictor;

/* Loads a model file. CNN_ERROR_MODEL if it is missing, damaged or of an unknown version. Free with
 * cnn_predictor_free. */
CNN_MUST_USE cnn_status cnn_predictor_load(const char *path, cnn_predictor **predictor,
                                           cnn_error *error);
void cnn_predictor_free(cnn_predictor *predictor); /* NULL is allowed */

/* The name of class 0 or 1; owned by the predictor. */
const char *cnn_predictor_class(const cnn_predictor *predictor, int label);

/* An image is of class 1 if its probability is at least this. */
float cnn_predictor_threshold(const cnn_predictor *predictor);

/* Refuses images of more than `max_megapixels` (0: keeps the model's limit, image.max_megapixels)
 * before they are decoded. name: what messages call this limit ("--max-megapixels"); it must
 * outlive the predictor. Not while another thread predicts. */
void cnn_predictor_limit_pixels(cnn_predictor *predictor, double max_megapixels, const char *name);

/* *probability: the probability that the image file, turned upright by its EXIF orientation, is of
 * class 1. CNN_ERROR_DATA, with a reason, if it cannot be read. */
CNN_MUST_USE cnn_status cnn_predict_file(const cnn_predictor *predictor, const char *path,
                                         float *probability, cnn_error *error);

/* The same for pixels in memory: rows of `width` pixels, `channels` bytes each (1: grey, 2: grey
 * and alpha, 3: RGB, 4: RGBA), `stride` bytes apart. They are resized like a file. */
CNN_MUST_USE cnn_status cnn_predict_pixels(const cnn_predictor *predictor, const uint8_t *pixels,
                                           int width, int height, int channels, size_t stride,
                                           float *probability, cnn_error *error);

/* The result for one of many files. */
typedef struct cnn_prediction {
    cnn_status status; /* CNN_OK, or the reason why there is no probability */
    float probability;
    float logit;      /* log(probability / (1 - probability)), which has a larger range */
    char reason[256]; /* empty if status is CNN_OK */
} cnn_prediction;

/* Many files at once, on up to `threads` threads (0: as many as there are processors). predictions:
 * [count]. Fails only if memory is refused; the prediction of a file that cannot be read contains
 * the reason. */
CNN_MUST_USE cnn_status cnn_predict_files(const cnn_predictor *predictor, const char *const *paths,
                                          size_t count, int threads, cnn_prediction *predictions,
                                          cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
