/* The golden image: a picture with the answer of each model, so that a converted model can be
 * checked without any other image. */
#ifndef CNN_MODEL_GOLDEN_H
#define CNN_MODEL_GOLDEN_H

#include "base/text.h"
#include "model/model_file.h"

/* The answer of a model for an image. */
typedef struct cnn_golden_answer {
    float logit;       /* divided by the temperature */
    float probability; /* of class 1 */
} cnn_golden_answer;

/* Writes the picture of this size into pixels[height][width][channels]: the high bytes of the
 * linear congruential generator state = state * 1664525 + 1013904223, which starts at 1 (Press et
 * al., Numerical Recipes, 1992). A C source makes it with the same generator. */
void cnn_golden_draw(const cnn_shape *shape, uint8_t *pixels);

/* Asks a model about pixels[height][width][channels] of its size, as cnnpredict does.
 * CNN_ERROR_RUNTIME if memory is refused, CNN_ERROR_MODEL if the answer is not a number. */
CNN_MUST_USE cnn_status cnn_golden_ask(const cnn_model *model, const uint8_t *pixels,
                                       cnn_golden_answer *answer, cnn_error *error);

/* cnn_golden_ask about the picture of cnn_golden_draw. pixels: [height][width][channels], which
 * gets the picture; NULL if the caller does not need it. */
CNN_MUST_USE cnn_status cnn_golden_ask_drawn(const cnn_model *model, uint8_t *pixels,
                                             cnn_golden_answer *answer, cnn_error *error);

/* --- as text, in the metadata of a file --- */

/* The keys of the metadata of ONNX. */
#define CNN_GOLDEN_IMAGE "golden_image"
#define CNN_GOLDEN_LOGIT "golden_logit"
#define CNN_GOLDEN_PROBABILITY "golden_probability"

/* Appends pixels[height][width][channels] as a PPM file (PGM if grey) in base64. Unlike a PNG file,
 * it has the same bytes whatever the version of zlib. */
void cnn_golden_write_image(const cnn_shape *shape, const uint8_t *pixels, cnn_text *text);

/* Reads what is in the metadata: text of cnn_golden_write_image into pixels, and the two numbers.
 * Each text may be NULL, if there is none. CNN_ERROR_MODEL, with the key in the message, if one is
 * missing or damaged, or the image has another size than `shape`. */
CNN_MUST_USE cnn_status cnn_golden_read(const cnn_shape *shape, const char *image,
                                        const char *logit, const char *probability, uint8_t *pixels,
                                        cnn_golden_answer *answer, cnn_error *error);

/* CNN_OK if the probabilities differ by at most 1e-5, and the logits by at most 1e-4 of the larger
 * one or of 1: near 0 and 1, probabilities alone would not show a difference. Else CNN_ERROR_MODEL
 * with the numbers. */
CNN_MUST_USE cnn_status cnn_golden_compare(const cnn_golden_answer *expected,
                                           const cnn_golden_answer *found, cnn_error *error);

#endif
