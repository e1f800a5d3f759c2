/* What the constants of a node mean as weights: convolutions, normalization, and scale and shift.
 */
#include "model/onnx_importer.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

cnn_status cnn_onnx_take_floats(cnn_onnx_importer *importer, int node, int k,
                                cnn_onnx_constant *floats, cnn_error *error) {
    CNN_TRY(cnn_onnx_read_floats(&importer->graph, node, k, floats, error));
    if (floats->count > importer->floats_left) {
        cnn_free(floats->data);
        *floats = (cnn_onnx_constant){0};
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected weights that are used once, found more than the file has");
    }
    importer->floats_left -= floats->count;
    return CNN_OK;
}

/* --- convolution --- */

/* The weight of a two-dimensional convolution, square, of the input's channels. */
static cnn_status check_weight(const cnn_onnx_importer *importer, int node,
                               const cnn_onnx_constant *weight, int64_t groups, cnn_error *error) {
    const int64_t *dim = weight->dim;
    if (weight->rank != 4 || dim[2] != dim[3]) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected a square kernel in two dimensions");
    }
    if (groups < 1 || groups > 4096 || dim[1] > INT32_MAX / 4096 ||
        dim[1] * groups != importer->shape.channels) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected weights for %d input channels, got %lld in %lld groups",
                               importer->shape.channels, (long long)dim[1], (long long)groups);
    }
    CNN_TRY(cnn_onnx_check_key(importer, node, "conv", "filters", (double)dim[0], error));
    CNN_TRY(cnn_onnx_check_key(importer, node, "conv", "kernel", (double)dim[2], error));
    return dim[0] % groups == 0 ? CNN_OK
                                : cnn_onnx_refuse(&importer->graph, node, error,
                                                  "expected a multiple of %lld filters, got %lld",
                                                  (long long)groups, (long long)dim[0]);
}

cnn_status cnn_onnx_read_conv(cnn_onnx_importer *importer, int node, cnn_onnx_conv *conv,
                              cnn_error *error) {
    *conv = (cnn_onnx_conv){0};
    if (importer->shape.flat) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected a value with rows and columns, found a flat one");
    }
    int64_t groups = cnn_onnx_int_of(&importer->graph, node, "group", 1);
    CNN_TRY(cnn_onnx_take_floats(importer, node, 1, &conv->weight, error));
    CNN_TRY(check_weight(importer, node, &conv->weight, groups, error));
    conv->groups = (int)groups;
    CNN_TRY(cnn_onnx_read_window(importer, node, (int)conv->weight.dim[2], "conv", "kernel",
                                 &conv->window, error));
    if (cnn_onnx_input_of(&importer->graph, node, 2) >= 0) {
        CNN_TRY(cnn_onnx_take_floats(importer, node, 2, &conv->bias, error));
        if (conv->bias.count != (size_t)conv->weight.dim[0]) {
            return cnn_onnx_refuse(&importer->graph, node, error,
                                   "expected a bias for each of %lld filters, got %zu",
                                   (long long)conv->weight.dim[0], conv->bias.count);
        }
    }
    return CNN_OK;
}

void cnn_onnx_conv_free(cnn_onnx_conv *conv) {
    cnn_free(conv->weight.data);
    cnn_free(conv->bias.data);
    *conv = (cnn_onnx_conv){0};
}

/* --- batch normalization --- */

cnn_status cnn_onnx_read_normalization(cnn_onnx_importer *importer, int node, int channels,
                                       cnn_onnx_normalization *normalization, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    *normalization = (cnn_onnx_normalization){0};
    if (cnn_onnx_int_of(graph, node, "training_mode", 0) != 0 ||
        cnn_onnx_int_of(graph, node, "spatial", 1) != 1) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected the normalization of channels by fixed averages");
    }
    for (int t = 0; t < 4; t++) {
        cnn_onnx_constant *tensor = &normalization->tensors[t];
        CNN_TRY(cnn_onnx_take_floats(importer, node, 1 + t, tensor, error));
        if (tensor->count != (size_t)channels) {
            return cnn_onnx_refuse(graph, node, error,
                                   "expected a number for each of %d channels, got %zu", channels,
                                   tensor->count);
        }
    }
    normalization->eps = cnn_onnx_float_of(graph, node, "epsilon", 1e-5);
    CNN_TRY(cnn_onnx_check_key(importer, node, "batchnorm", "eps", normalization->eps, error));
    /* ours is the share of the new average, ONNX's that of the old one */
    double momentum = 1.0 - cnn_onnx_float_of(graph, node, "momentum", 0.9);
    normalization->momentum = momentum >= 0.0 && momentum <= 1.0 ? momentum : 0.1;
    for (int c = 0; c < channels; c++) {
        if (!((double)normalization->tensors[3].data[c] + normalization->eps > 0.0)) {
            return cnn_onnx_refuse(graph, node, error, "expected variances above 0");
        }
    }
    return CNN_OK;
}

void cnn_onnx_fill_normalization(const cnn_onnx_normalization *normalization,
                                 cnn_onnx_affine *affine) {
    const cnn_onnx_constant *tensors = normalization->tensors;
    for (int c = 0; c < affine->count; c++) {
        affine->scale[c] =
            (double)tensors[0].data[c] / sqrt((double)tensors[3].data[c] + normalization->eps);
        affine->shift[c] =
            (double)tensors[1].data[c] - (double)tensors[2].data[c] * affine->scale[c];
    }
}

void cnn_onnx_normalization_free(cnn_onnx_normalization *normalization) {
    for (int t = 0; t < 4; t++) {
        cnn_free(normalization->tensors[t].data);
    }
    *normalization = (cnn_onnx_normalization){0};
}

void cnn_onnx_move_normalization(cnn_imported_layer *layer, cnn_onnx_normalization *normalization,
                                 const char *const names[4]) {
    for (int t = 0; t < 4; t++) {
        cnn_onnx_constant *tensor = &normalization->tensors[t];
        const int64_t count = (int64_t)tensor->count;
        cnn_imported_tensor_take(layer, names[t], tensor->data, &count, 1);
        tensor->data = NULL;
    }
}

/* --- scale and shift --- */

bool cnn_onnx_is_affine(const cnn_onnx_graph *graph, int node) {
    static const char *const types[] = {"Add", "Sub", "Mul", "Div"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (cnn_onnx_node_is(graph, node, types[i])) {
            return true;
        }
    }
    return false;
}

/* Is the constant one number, or one for each channel? Its last `inner` dimensions are 1. */
static bool fits_channels(const cnn_onnx_constant *constant, int channels, int inner) {
    if (constant->count == 1) {
        return true;
    }
    int axis = constant->rank - 1 - inner;
    return axis >= 0 && constant->count == (size_t)channels && constant->dim[axis] == channels;
}

static void fill_affine(const cnn_onnx_graph *graph, int node, int k,
                        const cnn_onnx_constant *constant, cnn_onnx_affine *affine) {
    for (int c = 0; c < affine->count; c++) {
        double value = (double)constant->data[constant->count == 1 ? 0 : c];
        affine->scale[c] = 1.0;
        affine->shift[c] = 0.0;
        if (cnn_onnx_node_is(graph, node, "Add")) {
            affine->shift[c] = value;
        } else if (cnn_onnx_node_is(graph, node, "Mul")) {
            affine->scale[c] = value;
        } else if (cnn_onnx_node_is(graph, node, "Div")) {
            affine->scale[c] = 1.0 / value;
        } else { /* Sub, from either side */
            affine->scale[c] = k == 1 ? 1.0 : -1.0;
            affine->shift[c] = k == 1 ? -value : value;
        }
    }
}

cnn_status cnn_onnx_read_affine(cnn_onnx_importer *importer, int node, int channels, int inner,
                                cnn_onnx_affine *affine, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    cnn_onnx_constant constant;
    int second = cnn_onnx_input_of(graph, node, 1);
    int k = second >= 0 && cnn_onnx_is_constant(graph, second) ? 1 : 0;
    *affine = (cnn_onnx_affine){.count = channels};
    if (k == 0 && cnn_onnx_node_is(graph, node, "Div")) {
        return cnn_onnx_refuse(graph, node, error, "expected a constant to divide by");
    }
    CNN_TRY(cnn_onnx_take_floats(importer, node, k, &constant, error));
    affine->scale = cnn_alloc((size_t)channels, sizeof *affine->scale);
    affine->shift = cnn_alloc((size_t)channels, sizeof *affine->shift);
    cnn_status status = CNN_OK;
    if (!affine->scale || !affine->shift) {
        status = cnn_fail_memory(error, "the weights");
    } else if (!fits_channels(&constant, channels, inner)) {
        status = cnn_onnx_refuse(graph, node, error,
                                 "expected a constant of one number, or of one for each of %d "
                                 "channels",
                                 channels);
    } else {
        fill_affine(graph, node, k, &constant, affine);
    }
    cnn_free(constant.data);
    return status;
}

void cnn_onnx_affine_free(cnn_onnx_affine *affine) {
    cnn_free(affine->scale);
    cnn_free(affine->shift);
    *affine = (cnn_onnx_affine){0};
}

cnn_status cnn_onnx_merge_affine(cnn_onnx_importer *importer, cnn_imported_layer *layer,
                                 const cnn_onnx_affine *affine, const char *weight_name,
                                 const char *bias_name, cnn_error *error) {
    cnn_imported_tensor *weight = cnn_imported_tensor_of(layer, weight_name);
    cnn_imported_tensor *bias = cnn_imported_tensor_of(layer, bias_name);
    if (!bias) {
        const int64_t count = affine->count;
        (void)cnn_imported_tensor_add(&importer->layers, layer, bias_name, &count, 1);
        bias = cnn_imported_tensor_of(layer, bias_name);
        if (!bias) {
            return cnn_fail_memory(error, "the weights");
        }
        cnn_imported_remove_key(layer, "bias"); /* false */
    }
    size_t row = weight->count / (size_t)affine->count;
    for (int c = 0; c < affine->count; c++) {
        for (size_t i = 0; i < row; i++) {
            float *w = &weight->data[(size_t)c * row + i];
            *w = (float)((double)*w * affine->scale[c]);
        }
        bias->data[c] = (float)((double)bias->data[c] * affine->scale[c] + affine->shift[c]);
    }
    return CNN_OK;
}
