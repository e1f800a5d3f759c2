/* A model in other formats. */
#ifndef CNN_CONVERT_H
#define CNN_CONVERT_H

#include "cnn/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All members may be zero. */
typedef struct cnn_convert_options {
    /* ONNX: the input is float [N, channels, height, width], normalized by the caller; else uint8
     * [N, height, width, channels] */
    bool float_input;
} cnn_convert_options;

/* Converts the file `in` to the file `out`. The formats follow from the ends of the names: *.bin
 * (of cnntrain) to *.onnx. `out` is written completely or not at all. CNN_ERROR_CONFIG: there is no
 * such conversion, or the program was built without it; CNN_ERROR_MODEL: `in` is missing or
 * damaged. options may be NULL. */
CNN_MUST_USE cnn_status cnn_convert(const char *in, const char *out,
                                    const cnn_convert_options *options, cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
