/* A model in other formats. */
#ifndef CNN_CONVERT_H
#define CNN_CONVERT_H

#include "cnn/status.h"
#include "cnn/text.h"

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

/* Facts that a file of another program may lack, for networks that become a model of cnntrain. All
 * members may be zero. */
typedef struct cnn_foreign_options {
    /* The node, or the value, where the network ends; NULL: its output. */
    const char *until;
    int width, height;      /* of the image, where the file leaves them open */
    const char *classes[2]; /* their names: the network ends in one logit, or in two */
    /* The network was trained on (x / 255 - mean) / deviation, for each channel; deviation 0: it
     * was trained on x / 255, unless the file says something else */
    double mean[3], deviation[3];
    bool blue_first;    /* its channels are blue, green, red */
    const char *layers; /* .safetensors: a JSON file with `image` and `layers` of a config */
} cnn_foreign_options;

/* C source in integers of 8 bits: the images that it was made with, and the loss against float on
 * images that did not set its scales. */
typedef struct cnn_int8_result {
    size_t scaling_images;    /* set the scales */
    size_t measured_images;   /* others, on which the rest is measured; 0: there are none */
    size_t unreadable_images; /* of all, left out */
    double mean_difference, largest_difference; /* of probabilities, absolute */
    size_t changed_decisions;                   /* images on the other side of the threshold */
    size_t labelled_images;             /* of those measured, the ones whose class is known */
    size_t correct_float, correct_int8; /* of these */
} cnn_int8_result;

/* All members may be zero. */
typedef struct cnn_convert_options {
    /* ONNX: the input is float [N, channels, height, width], normalized by the caller; else uint8
     * [N, height, width, channels] */
    bool float_input;
    /* ONNX: images may have any height and width, and are resized in the graph; not with
     * float_input */
    bool any_size;
    cnn_converted_cost *cost; /* C source: set; NULL: not wanted */
    cnn_foreign_options foreign;
    /* Networks of other programs: what was found, assumed and left out, as lines; to be freed with
     * cnn_text_release, also after a failure. NULL: not wanted. */
    char **about;
    /* C source in integers of 8 bits, with scales from images at these paths: a manifest, a folder
     * with the two classes or with splits, or images and folders of them. 0: in float */
    const char *const *int8_images;
    size_t int8_count;
    cnn_int8_result *int8; /* set, if int8_count is not 0; NULL: not wanted */
    int threads;           /* 0: as many as there are processors */
} cnn_convert_options;

/* Converts the file `in` to the file `out`. The formats follow from the ends of the names: *.bin
 * (of cnntrain) to *.onnx, or to *.c and *.h (C99 without any library); *.onnx or *.safetensors, of
 * any program, to *.bin: a model, or, without a classifier for two classes, a network to start
 * training from (pretrained.file). A file is written
 * completely or not at all. CNN_ERROR_CONFIG: there is no such conversion, or the program was built
 * without it; CNN_ERROR_DATA: there are fewer than two images for 8 bits, or none can be read;
 * CNN_ERROR_MODEL: `in` is missing or damaged. options may be NULL. */
CNN_MUST_USE cnn_status cnn_convert(const char *in, const char *out,
                                    const cnn_convert_options *options, cnn_error *error);

/* Reads an ONNX file that cnn_convert wrote, and asks its network about the image in it.
 * CNN_ERROR_MODEL, with the two numbers, if the answer is not the one in the file. */
CNN_MUST_USE cnn_status cnn_convert_check(const char *path, cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
