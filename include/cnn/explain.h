/* Where a model looked: a map of each picture that shows which parts speak for which class. */
#ifndef CNN_EXPLAIN_H
#define CNN_EXPLAIN_H

#include "cnn/predict.h"
#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a map is made. All explain the logit and are signed: positive where the picture is evidence
 * for class 1, negative where it is evidence for class 0. */
typedef enum cnn_explain_method {
    /* The product of maps of CNN_EXPLAIN_HIRESCAM where all have the same sign: of a fine layer,
     * and of deeper, coarser ones, each of these divided by its largest value. */
    CNN_EXPLAIN_GRADIENT,
    /* Occlusion (Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014):
     * how much the logit falls when a patch of the image becomes its mean colour. Needs no
     * gradients, and some hundred predictions. */
    CNN_EXPLAIN_OCCLUSION,
    /* HiResCAM (Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
     * convolutional neural networks", 2020): the sum over channels of activation times gradient of
     * the logit, at one layer, the deep one. Equal to Grad-CAM and CAM for global average pooling
     * and a dense layer. Coarse; if all that follows the layer is linear, its values add up to the
     * logit without the bias. */
    CNN_EXPLAIN_HIRESCAM,
} cnn_explain_method;

/* "gradient", "occlusion" and "hirescam", in this order, and NULL. */
extern const char *const cnn_explain_method_names[];

/* All members may be zero. */
typedef struct cnn_explain_options {
    cnn_explain_method method;
    int threads;      /* 0: as many as there are processors */
    int longest_side; /* of pictures, in pixels: larger ones are made smaller, and those below half
                         of it larger. 0: 512 */
    bool sheet;       /* pictures as PNG files with a scale, instead of pixels */
} cnn_explain_options;

typedef struct cnn_explainer cnn_explainer;

/* The predictor must outlive the explainer. CNN_ERROR_RUNTIME if memory is refused. Free with
 * cnn_explainer_free. */
CNN_MUST_USE cnn_status cnn_explainer_create(const cnn_predictor *predictor,
                                             const cnn_explain_options *options,
                                             cnn_explainer **explainer, cnn_error *error);
void cnn_explainer_free(cnn_explainer *explainer); /* NULL is allowed */

/* The explanation of one of many files. If prediction.status is not CNN_OK, all else is 0. */
typedef struct cnn_explanation {
    cnn_prediction prediction; /* as cnn_predict_files has it */
    int map_height, map_width;
    float *map; /* [map_height][map_width], over what the network sees; in units of the logit */
    /* The picture, upright, at its own aspect ratio; and the same in grey under the colours of the
     * map: blue for class 0, orange for class 1, as strong as the largest absolute value of this
     * map. Where the network sees nothing (image.resize "crop"), there is no colour. Each
     * [height][width][3], red, green, blue; NULL with options.sheet. */
    int height, width;
    uint8_t *picture, *overlay;
    /* With options.sheet: the overlay above a scale, as a PNG file. */
    uint8_t *sheet;
    size_t sheet_size;
} cnn_explanation;

/* Explains files. explanations: [count]; release each with cnn_explanation_release, also after a
 * failure. Fails only if memory is refused; the prediction of a file that cannot be read contains
 * the reason. The same bytes for any number of threads and any count. Not from two threads at once.
 */
CNN_MUST_USE cnn_status cnn_explain_files(cnn_explainer *explainer, const char *const *paths,
                                          size_t count, cnn_explanation *explanations,
                                          cnn_error *error);
void cnn_explanation_release(cnn_explanation *explanation); /* leaves zeros */

#ifdef __cplusplus
}
#endif
#endif
