/* Which labels are wrong? Confident learning (Northcutt, Jiang and Chuang, Confident Learning:
 * Estimating Uncertainty in Dataset Labels, JAIR 70, 2021), for two classes.
 *
 * p(j) is an image's probability of class j, from a model that was not trained on the image.
 *
 *   threshold t(j)     mean of p(j) over the images with label j: the model's usual confidence
 *   confident in j     p(j) >= t(j); if that holds for both classes, in the one with the larger
 *                      p(j), and with equal ones in the label
 *   confident joint C  C(i, j): images with label i that the model is confident belong to class j.
 *                      Images it is not confident about are in neither column
 *   suspicious         images off the diagonal of C: label i, confident in j
 *   joint Q            C with each row scaled to the number of images with that label, and the
 *                      whole to 1: an estimate of the shares of given and true labels
 *
 * Suspicious images are ranked by normalized margin, p(label) - p(other class), from the least up.
 */
#ifndef CNN_STATS_CONFIDENT_LEARNING_H
#define CNN_STATS_CONFIDENT_LEARNING_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_label_doubts {
    double threshold[2]; /* t(j); NaN for a class without images */
    size_t joint[2][2];  /* C[label][class] */
    double share[2][2];  /* Q[label][class]; a label without confident images counts as right */
    size_t suspicious;   /* C[0][1] + C[1][0] */
    size_t *ranking;     /* [count]: all images, the suspicious ones first, each part by margin;
                          * equal margins in the given order */
} cnn_label_doubts;

/* probabilities: of class 1, 0 to 1; labels: 0 or 1; [count]. The same bytes on every machine. Free
 * with cnn_label_doubts_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_label_doubts_find(const double *probabilities, const uint8_t *labels,
                                              size_t count, cnn_label_doubts *doubts,
                                              cnn_error *error);
void cnn_label_doubts_free(cnn_label_doubts *doubts);

#endif
