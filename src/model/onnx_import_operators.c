/* Which layers an operator of ONNX becomes. */
#include "model/onnx_import_operators.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

static cnn_status need_flat(const cnn_onnx_importer *importer, int node, cnn_error *error) {
    return importer->shape.flat
               ? CNN_OK
               : cnn_onnx_refuse(&importer->graph, node, error,
                                 "expected a flat value (Flatten before it), found %d×%d×%d",
                                 importer->shape.channels, importer->shape.height,
                                 importer->shape.width);
}

/* --- layers with weights --- */

static cnn_status import_conv(cnn_onnx_importer *importer, int node, cnn_error *error) {
    cnn_onnx_conv conv;
    cnn_status status = cnn_onnx_read_conv(importer, node, &conv, error);
    if (status == CNN_OK) {
        cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "conv");
        int filters = (int)conv.weight.dim[0];
        cnn_imported_number(layer, "filters", filters);
        cnn_imported_number(layer, "kernel", conv.window.size);
        cnn_onnx_set_window(layer, &conv.window);
        if (conv.groups > 1) {
            cnn_imported_number(layer, "groups", conv.groups);
        }
        cnn_imported_tensor_take(layer, "weight", conv.weight.data, conv.weight.dim, 4);
        if (conv.bias.data) {
            cnn_imported_tensor_take(layer, "bias", conv.bias.data, conv.weight.dim, 1);
        } else {
            cnn_imported_raw(layer, "bias", "false");
        }
        conv.weight.data = conv.bias.data = NULL;
        cnn_onnx_reach(importer, filters, &conv.window);
    }
    cnn_onnx_conv_free(&conv);
    return status;
}

static cnn_status import_batchnorm(cnn_onnx_importer *importer, int node, cnn_error *error) {
    static const char *const names[4] = {"weight", "bias", "running_mean", "running_var"};
    cnn_onnx_normalization normalization;
    cnn_status status = cnn_onnx_read_normalization(importer, node, importer->shape.channels,
                                                    &normalization, error);
    if (status == CNN_OK) {
        cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "batchnorm");
        cnn_imported_number(layer, "eps", normalization.eps);
        cnn_imported_number(layer, "momentum", normalization.momentum);
        cnn_onnx_move_normalization(layer, &normalization, names);
    }
    cnn_onnx_normalization_free(&normalization);
    return status;
}

/* Adds a dense layer. weight: [units][inputs], or [inputs][units] if `transposed`; bias: of one
 * number, of `units`, or NULL. */
static cnn_status add_dense(cnn_onnx_importer *importer, int units, const cnn_onnx_constant *weight,
                            bool transposed, const cnn_onnx_constant *bias, cnn_error *error) {
    int inputs = importer->shape.channels;
    const int64_t dim[] = {units, inputs};
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "dense");
    cnn_imported_number(layer, "units", units);
    float *w = cnn_imported_tensor_add(&importer->layers, layer, "weight", dim, 2);
    float *b = cnn_imported_tensor_add(&importer->layers, layer, "bias", dim, 1);
    if (!w || !b) {
        return cnn_fail_memory(error, "the weights");
    }
    for (size_t u = 0; u < (size_t)units; u++) {
        for (size_t i = 0; i < (size_t)inputs; i++) {
            *w++ = weight->data[transposed ? i * (size_t)units + u : u * (size_t)inputs + i];
        }
        b[u] = bias && bias->data ? bias->data[bias->count == 1 ? 0 : u] : 0.0f;
    }
    importer->shape = (cnn_shape){.channels = units, .height = 1, .width = 1, .flat = true};
    return CNN_OK;
}

static void multiply(cnn_onnx_constant *constant, double factor) {
    for (size_t i = 0; constant->data && i < constant->count; i++) {
        constant->data[i] = (float)((double)constant->data[i] * factor);
    }
}

/* Gemm, or MatMul, which has neither attributes nor a bias. */
static cnn_status make_dense(cnn_onnx_importer *importer, int node, cnn_onnx_constant *weight,
                             cnn_onnx_constant *bias, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    bool as_ours = cnn_onnx_int_of(graph, node, "transB", 0) != 0;
    CNN_TRY(need_flat(importer, node, error));
    CNN_TRY(cnn_onnx_take_floats(importer, node, 1, weight, error));
    if (cnn_onnx_int_of(graph, node, "transA", 0) != 0 || weight->rank != 2 ||
        weight->dim[as_ours ? 1 : 0] != importer->shape.channels) {
        return cnn_onnx_refuse(graph, node, error, "expected a matrix for %d inputs",
                               importer->shape.channels);
    }
    int64_t units = weight->dim[as_ours ? 0 : 1];
    CNN_TRY(cnn_onnx_check_key(importer, node, "dense", "units", (double)units, error));
    if (cnn_onnx_input_of(graph, node, 2) >= 0) {
        CNN_TRY(cnn_onnx_take_floats(importer, node, 2, bias, error));
        if (bias->count != 1 && (bias->count != (size_t)units || bias->rank < 1 ||
                                 bias->dim[bias->rank - 1] != units)) {
            return cnn_onnx_refuse(graph, node, error, "expected a bias for each of %lld outputs",
                                   (long long)units);
        }
    }
    multiply(weight, cnn_onnx_float_of(graph, node, "alpha", 1.0));
    multiply(bias, cnn_onnx_float_of(graph, node, "beta", 1.0));
    return add_dense(importer, (int)units, weight, !as_ours, bias, error);
}

static cnn_status import_dense(cnn_onnx_importer *importer, int node, cnn_error *error) {
    cnn_onnx_constant weight = {0}, bias = {0};
    cnn_status status = make_dense(importer, node, &weight, &bias, error);
    cnn_free(weight.data);
    cnn_free(bias.data);
    return status;
}

/* --- scale and shift --- */

/* Is the node a division of the logit by a number above 0, before the last sigmoid? */
static bool is_temperature(const cnn_onnx_importer *importer, int node,
                           const cnn_onnx_affine *affine) {
    const cnn_onnx_graph *graph = &importer->graph;
    int edge, last;
    return cnn_onnx_node_is(graph, node, "Div") && affine->count == 1 && affine->scale[0] > 0.0 &&
           importer->shape.flat && cnn_onnx_readers(graph, graph->nodes[node].output, &edge) == 1 &&
           cnn_onnx_node_is(graph, graph->edges[edge].node, "Sigmoid") &&
           cnn_onnx_readers(graph, graph->nodes[graph->edges[edge].node].output, &last) == 0;
}

/* A batch normalization whose averages do nothing. */
static cnn_status add_affine(cnn_onnx_importer *importer, const cnn_onnx_affine *affine,
                             cnn_error *error) {
    static const char *const names[4] = {"weight", "bias", "running_mean", "running_var"};
    const double eps = 1e-5;
    const int64_t count = affine->count;
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "batchnorm");
    cnn_imported_number(layer, "eps", eps);
    for (int t = 0; t < 4; t++) {
        float *to = cnn_imported_tensor_add(&importer->layers, layer, names[t], &count, 1);
        if (!to) {
            return cnn_fail_memory(error, "the weights");
        }
        for (int c = 0; c < affine->count; c++) {
            const double values[4] = {affine->scale[c] * sqrt(1.0 + eps), affine->shift[c], 0.0,
                                      1.0};
            to[c] = (float)values[t];
        }
    }
    return CNN_OK;
}

static cnn_status apply_affine(cnn_onnx_importer *importer, int node, const cnn_onnx_affine *affine,
                               cnn_error *error) {
    cnn_imported_layer *last = cnn_imported_last(&importer->layers);
    if (is_temperature(importer, node, affine)) {
        importer->temperature /= affine->scale[0];
        return CNN_OK;
    }
    if (last && (strcmp(last->type, "conv") == 0 || strcmp(last->type, "dense") == 0)) {
        return cnn_onnx_merge_affine(importer, last, affine, "weight", "bias", error);
    }
    return add_affine(importer, affine, error);
}

static cnn_status import_affine(cnn_onnx_importer *importer, int node, cnn_error *error) {
    cnn_onnx_affine affine;
    cnn_status status = cnn_onnx_read_affine(importer, node, importer->shape.channels,
                                             importer->shape.flat ? 0 : 2, &affine, error);
    if (status == CNN_OK) {
        status = apply_affine(importer, node, &affine, error);
    }
    cnn_onnx_affine_free(&affine);
    return status;
}

/* --- activations --- */

static cnn_status import_relu(cnn_onnx_importer *importer, int node, cnn_error *error) {
    (void)node, (void)error;
    (void)cnn_imported_add(&importer->layers, "relu");
    return CNN_OK;
}

static cnn_status import_sigmoid(cnn_onnx_importer *importer, int node, cnn_error *error) {
    (void)node, (void)error;
    (void)cnn_imported_add(&importer->layers, "sigmoid");
    return CNN_OK;
}

static cnn_status import_leaky_relu(cnn_onnx_importer *importer, int node, cnn_error *error) {
    double slope = cnn_onnx_float_of(&importer->graph, node, "alpha", (double)0.01f);
    CNN_TRY(cnn_onnx_check_key(importer, node, "leaky_relu", "negative_slope", slope, error));
    cnn_imported_number(cnn_imported_add(&importer->layers, "leaky_relu"), "negative_slope", slope);
    return CNN_OK;
}

static cnn_status import_clip(cnn_onnx_importer *importer, int node, cnn_error *error) {
    double low, high;
    CNN_TRY(cnn_onnx_read_bound(importer, node, 1, "min", (double)-INFINITY, &low, error));
    CNN_TRY(cnn_onnx_read_bound(importer, node, 2, "max", (double)INFINITY, &high, error));
    if (low < 0.0 || low > 0.0 || !(high > 0.0)) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected min 0 and max above 0, got %.9g and %.9g", low, high);
    }
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "relu");
    if (high < 3e38) { /* torch writes the largest float for none */
        CNN_TRY(cnn_onnx_check_key(importer, node, "relu", "max", high, error));
        cnn_imported_number(layer, "max", high);
    }
    return CNN_OK;
}

/* --- operators without a layer --- */

/* Numbers of another type have no layers after them. */
static cnn_status import_cast(cnn_onnx_importer *importer, int node, cnn_error *error) {
    return cnn_onnx_int_of(&importer->graph, node, "to", 0) == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT
               ? CNN_OK
               : cnn_onnx_refuse(&importer->graph, node, error, "expected float32");
}

static cnn_status import_nothing(cnn_onnx_importer *importer, int node, cnn_error *error) {
    (void)importer, (void)node, (void)error;
    return CNN_OK;
}

/* The end of a classifier; what it becomes depends on the number of classes. */
static cnn_status import_softmax(cnn_onnx_importer *importer, int node, cnn_error *error) {
    const cnn_shape *shape = &importer->shape;
    int64_t axis =
        cnn_onnx_int_of(&importer->graph, node, "axis", importer->graph.opset < 13 ? 1 : -1);
    if ((!shape->flat && (shape->height != 1 || shape->width != 1)) ||
        (axis != 1 && axis != (shape->flat ? -1 : -3))) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected a softmax over the classes, axis 1, got axis %lld",
                               (long long)axis);
    }
    importer->softmax = true;
    return CNN_OK;
}

/* --- the table --- */

typedef struct operator_row {
    const char *type;
    cnn_onnx_import_operator *import;
    bool after_softmax; /* it changes no value */
} operator_row;

static const operator_row operators[] = {
    {"Conv", import_conv, false},
    {"BatchNormalization", import_batchnorm, false},
    {"Relu", import_relu, false},
    {"Clip", import_clip, false},
    {"LeakyRelu", import_leaky_relu, false},
    {"Sigmoid", import_sigmoid, false},
    {"MaxPool", cnn_onnx_import_maxpool, false},
    {"AveragePool", cnn_onnx_import_avgpool, false},
    {"GlobalAveragePool", cnn_onnx_import_global, false},
    {"ReduceMean", cnn_onnx_import_mean, false},
    {"Pad", cnn_onnx_import_pad, false},
    {"Gemm", import_dense, false},
    {"MatMul", import_dense, false},
    {"Add", import_affine, false},
    {"Sub", import_affine, false},
    {"Mul", import_affine, false},
    {"Div", import_affine, false},
    {"Softmax", import_softmax, false},
    {"LogSoftmax", import_softmax, false},
    {"Cast", import_cast, false},
    {"Flatten", cnn_onnx_import_flatten, true},
    {"Reshape", cnn_onnx_import_reshape, true},
    {"Squeeze", cnn_onnx_import_squeeze, true},
    {"Identity", import_nothing, true},
    {"Dropout", import_nothing, true},
};

cnn_status cnn_onnx_import_node(cnn_onnx_importer *importer, int node, cnn_error *error) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!cnn_onnx_node_is(&importer->graph, node, operators[i].type)) {
            continue;
        }
        if (importer->softmax && !operators[i].after_softmax) {
            return cnn_onnx_refuse(&importer->graph, node, error,
                                   "expected nothing after a softmax");
        }
        if (importer->padded && operators[i].import != import_conv &&
            operators[i].import != cnn_onnx_import_avgpool) {
            return cnn_onnx_refuse(&importer->graph, node, error,
                                   "expected a Conv or AveragePool after a Pad");
        }
        return operators[i].import(importer, node, error);
    }
    return cnn_onnx_refuse(&importer->graph, node, error, "expected an operator that has a layer");
}
