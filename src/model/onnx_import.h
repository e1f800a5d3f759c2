/* The network in an ONNX file as layers of this program. */
#ifndef CNN_MODEL_ONNX_IMPORT_H
#define CNN_MODEL_ONNX_IMPORT_H

#include "base/text.h"
#include "model/imported.h"

/* Facts that the file may lack. All members may be zero. */
typedef struct cnn_onnx_import_options {
    const char *until;      /* the node or value that is the end; NULL: the output */
    int width, height;      /* of the image, where the file leaves them open */
    const char *classes[2]; /* NULL: those of the file, or "0" and "1" */
    /* The input is (x / 255 - mean) / deviation of a pixel x; deviation 0: x / 255. Only for a file
     * whose input is not bytes. */
    double mean[3], deviation[3];
    bool blue_first; /* the channels of the input are blue, green, red */
    /* An end with rows and columns becomes a row of values (flatten), not the mean of each channel
     * (global_avgpool). */
    bool keep_places;
} cnn_onnx_import_options;

/* Further results of an import. Each starts as {0}; free with cnn_onnx_notes_free. */
typedef struct cnn_onnx_notes {
    cnn_text about;     /* what was found, assumed and left out, as lines for the user */
    cnn_text source;    /* where the network is from, for cnn_imported_write */
    cnn_text golden[3]; /* image, logit and probability in the metadata (golden.h); data may be NULL
                         */
} cnn_onnx_notes;

void cnn_onnx_notes_free(cnn_onnx_notes *notes);

/* Reads a file and makes the network of its layers and weights. An end in one sigmoid or in a
 * softmax of two makes a classifier. With classes, so does an end in one value or in two, which are
 * logits. Anything else is a network to start from, without the last dense layer if its output is
 * the end and `until` is NULL.
 *
 * CNN_ERROR_MODEL with a message that starts with
 * the path, and with the node that cannot be read; CNN_ERROR_CONFIG: the options do not fit the
 * file, or this program was built without ONNX. Free *imported with cnn_imported_free, also after a
 * failure. */
CNN_MUST_USE cnn_status cnn_onnx_import(const char *path, const cnn_onnx_import_options *options,
                                        cnn_imported *imported, cnn_onnx_notes *notes,
                                        cnn_error *error);

#endif
