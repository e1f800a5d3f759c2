/* A model as C source: C99 without any library, for microcontrollers. */
#ifndef CNN_MODEL_C_SOURCE_H
#define CNN_MODEL_C_SOURCE_H

#include "base/text.h"
#include "model/c_header.h"

/* Appends NAME.h and NAME.c. name: a C identifier, which all public names start with. sha256: of
 * the model file, 64 digits. The source has NAME_predict(pixels), with its own buffer, and
 * NAME_predict_in(pixels, buffer), which is reentrant. Pixels are bytes [height][width][channels].
 * The result is the probability of class 1, within 1e-5 of cnnpredict. With -DNAME_SELF_TEST, it
 * has a main that compares the result for some pixels with that of this program. CNN_ERROR_RUNTIME
 * if memory is refused. */
CNN_MUST_USE cnn_status cnn_c_source_write(const cnn_model *model, const char *name,
                                           const char *sha256, cnn_text *header, cnn_text *source,
                                           cnn_c_cost *cost, cnn_error *error);

#endif
