/* A model in other formats. */
#ifndef CNN_CONVERT_H
#define CNN_CONVERT_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What C source needs on the machine that runs it. */
typedef struct cnn_converted_cost {
    size_t ram_bytes;     /* one buffer with the values of all layers */
    size_t flash_bytes;   /* the weights; code comes on top */
    double multiply_adds; /* of one image */
} cnn_converted_cost;

/* All members may be zero. */
typedef struct cnn_convert_options {
    /* ONNX: the input is float [N, channels, height, width], normalized by the caller; else uint8
     * [N, height, width, channels] */
    bool float_input;
    /* ONNX: images may have any height and width, and are resized in the graph; not with
     * float_input */
    bool any_size;
    cnn_converted_cost *cost; /* C source: set; NULL: not wanted */
} cnn_convert_options;

/* Converts the file `in` to the file `out`. The formats follow from the ends of the names: *.bin
 * (of cnntrain) to *.onnx, or to *.c and *.h (C99 without any library). A file is written
 * completely or not at all. CNN_ERROR_CONFIG: there is no such conversion, or the program was built
 * without it; CNN_ERROR_MODEL: `in` is missing or damaged. options may be NULL. */
CNN_MUST_USE cnn_status cnn_convert(const char *in, const char *out,
                                    const cnn_convert_options *options, cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
