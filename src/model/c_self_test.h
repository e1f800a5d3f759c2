/* The main of a model's C source, which compares its result with that of this program. */
#ifndef CNN_MODEL_C_SELF_TEST_H
#define CNN_MODEL_C_SELF_TEST_H

#include "base/text.h"
#include "model/model_file.h"

/* Appends the part between #ifdef NAME_SELF_TEST and #endif: the golden image
 * (model/golden.h), and the probability that the model gives it here. main returns 0 if the
 * difference is at most 1e-5. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_c_self_test_write(const cnn_model *model, const char *name,
                                              cnn_text *source, cnn_error *error);

#endif
