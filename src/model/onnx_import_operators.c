/* Which layers an operator of ONNX becomes. */
#include "model/onnx_importer.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

cnn_status cnn_onnx_check_key(const cnn_onnx_importer *importer, int node, const char *layer,
                              const char *name, double number, cnn_error *error) {
    const cnn_key *key = cnn_key_find(cnn_layer_find(layer)->keys, name);
    return cnn_key_allows(key, number) ? CNN_OK
                                       : cnn_onnx_refuse(&importer->graph, node, error,
                                                         "expected %s from %.9g to %.9g, got %.9g",
                                                         name, key->minimum, key->maximum, number);
}

static cnn_status need_rows(const cnn_onnx_importer *importer, int node, cnn_error *error) {
    return importer->shape.flat
               ? cnn_onnx_refuse(&importer->graph, node, error,
                                 "expected a value with rows and columns, found a flat one")
               : CNN_OK;
}

static cnn_status need_flat(const cnn_onnx_importer *importer, int node, cnn_error *error) {
    return importer->shape.flat
               ? CNN_OK
               : cnn_onnx_refuse(&importer->graph, node, error,
                                 "expected a flat value (Flatten before it), found %d×%d×%d",
                                 importer->shape.channels, importer->shape.height,
                                 importer->shape.width);
}

/* --- windows --- */

/* A list of two equal integers from 1 on; `fallback` if it is not given. */
static cnn_status read_pair(const cnn_onnx_importer *importer, int node, const char *name,
                            int fallback, int *number, cnn_error *error) {
    const Onnx__AttributeProto *list = cnn_onnx_attribute(&importer->graph, node, name);
    if (!list && fallback > 0) {
        *number = fallback;
        return CNN_OK;
    }
    if (!list || list->n_ints != 2 || list->ints[0] != list->ints[1] || list->ints[0] < 1 ||
        list->ints[0] > 4096) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected %s of two equal numbers from 1 to 4096", name);
    }
    *number = (int)list->ints[0];
    return CNN_OK;
}

/* The padding before and after a dimension that gives in / stride, rounded up, outputs. */
static void pad_same(int in, const cnn_onnx_window *window, bool lower, int *before, int *after) {
    int out = (in + window->stride - 1) / window->stride;
    int all = (out - 1) * window->stride + window->size - in;
    all = all > 0 ? all : 0;
    *before = lower ? all - all / 2 : all / 2;
    *after = all - *before;
}

static cnn_status read_pads(const cnn_onnx_importer *importer, int node, const char *layer,
                            cnn_onnx_window *window, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    const Onnx__AttributeProto *mode = cnn_onnx_attribute(graph, node, "auto_pad");
    const Onnx__AttributeProto *pads = cnn_onnx_attribute(graph, node, "pads");
    size_t length = mode ? mode->s.len : 0;
    const char *text = length > 0 ? (const char *)mode->s.data : "";
    bool upper = length == 10 && memcmp(text, "SAME_UPPER", 10) == 0;
    bool lower = length == 10 && memcmp(text, "SAME_LOWER", 10) == 0;
    bool plain = length == 0 || (length == 6 && memcmp(text, "NOTSET", 6) == 0);
    if (upper || lower) {
        pad_same(importer->shape.height, window, lower, &window->pads[0], &window->pads[2]);
        pad_same(importer->shape.width, window, lower, &window->pads[1], &window->pads[3]);
    } else if (!plain && !(length == 5 && memcmp(text, "VALID", 5) == 0)) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER");
    } else if (plain && pads) {
        if (pads->n_ints != 4) {
            return cnn_onnx_refuse(graph, node, error, "expected pads of four numbers, got %zu",
                                   pads->n_ints);
        }
        for (int i = 0; i < 4; i++) {
            CNN_TRY(
                cnn_onnx_check_key(importer, node, layer, "padding", (double)pads->ints[i], error));
            window->pads[i] = (int)pads->ints[i];
        }
    }
    return CNN_OK;
}

/* The number of windows in `in` values with padding; with ceil_mode, *after grows so that the last
 * window, which starts inside the values or the padding before them, is complete. */
static int count_windows(int in, const cnn_onnx_window *window, int before, int *after, bool ceil) {
    int room = in + before + *after - window->size;
    if (room < 0) {
        return 0;
    }
    int count = room / window->stride + 1;
    if (ceil && room % window->stride != 0 && count * window->stride < in + before) {
        *after += window->stride - room % window->stride;
        count++;
    }
    return count;
}

cnn_status cnn_onnx_read_window(const cnn_onnx_importer *importer, int node, int size,
                                const char *layer, const char *size_key, cnn_onnx_window *window,
                                cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    int dilation = 1;
    *window = (cnn_onnx_window){0};
    CNN_TRY(need_rows(importer, node, error));
    CNN_TRY(read_pair(importer, node, "kernel_shape", size, &window->size, error));
    if (size > 0 && window->size != size) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected kernel_shape %d, as the weights, got %d", size,
                               window->size);
    }
    CNN_TRY(read_pair(importer, node, "strides", 1, &window->stride, error));
    CNN_TRY(read_pair(importer, node, "dilations", 1, &dilation, error));
    if (dilation != 1) {
        return cnn_onnx_refuse(graph, node, error, "expected no dilation, got %d", dilation);
    }
    CNN_TRY(read_pads(importer, node, layer, window, error));
    for (int i = 0; i < 4; i++) {
        window->pads[i] += importer->pads[i];
        CNN_TRY(cnn_onnx_check_key(importer, node, layer, "padding", window->pads[i], error));
    }
    bool ceil = cnn_onnx_int_of(graph, node, "ceil_mode", 0) != 0;
    window->rows =
        count_windows(importer->shape.height, window, window->pads[0], &window->pads[2], ceil);
    window->columns =
        count_windows(importer->shape.width, window, window->pads[1], &window->pads[3], ceil);
    if (window->rows < 1 || window->columns < 1) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected a window that fits into %d×%d values, got %d",
                               importer->shape.height, importer->shape.width, window->size);
    }
    CNN_TRY(cnn_onnx_check_key(importer, node, layer, "stride", window->stride, error));
    return cnn_onnx_check_key(importer, node, layer, size_key, window->size, error);
}

/* The keys `stride` and `padding`. */
static void set_window(cnn_imported_layer *layer, const cnn_onnx_window *window) {
    const int *pads = window->pads;
    const double sides[] = {pads[0], pads[1], pads[2], pads[3]};
    bool equal = pads[0] == pads[1] && pads[0] == pads[2] && pads[0] == pads[3];
    cnn_imported_number(layer, "stride", window->stride);
    cnn_imported_numbers(layer, "padding", sides, equal ? 1 : 4);
}

static void go_on(cnn_onnx_importer *importer, int channels, const cnn_onnx_window *window) {
    importer->padded = false;
    memset(importer->pads, 0, sizeof importer->pads);
    importer->shape =
        (cnn_shape){.channels = channels, .height = window->rows, .width = window->columns};
}

/* A number that is an attribute before opset 11, and an input from then on; `fallback` if it is not
 * given. */
static cnn_status read_bound(cnn_onnx_importer *importer, int node, int k, const char *name,
                             double fallback, double *bound, cnn_error *error) {
    *bound = cnn_onnx_float_of(&importer->graph, node, name, fallback);
    if (cnn_onnx_input_of(&importer->graph, node, k) < 0) {
        return CNN_OK;
    }
    cnn_onnx_constant constant;
    CNN_TRY(cnn_onnx_take_floats(importer, node, k, &constant, error));
    *bound = constant.count == 1 ? (double)constant.data[0] : (double)NAN;
    cnn_free(constant.data);
    return CNN_OK;
}

/* Zeros around rows and columns, which become padding of the next layer. */
static cnn_status import_pad(cnn_onnx_importer *importer, int node, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    const Onnx__AttributeProto *mode = cnn_onnx_attribute(graph, node, "mode");
    const Onnx__AttributeProto *list = cnn_onnx_attribute(graph, node, "pads");
    int64_t pads[8] = {0};
    int count = 0;
    double value;
    CNN_TRY(need_rows(importer, node, error));
    CNN_TRY(read_bound(importer, node, 2, "value", 0.0, &value, error));
    if (cnn_onnx_input_of(graph, node, 1) >= 0) {
        CNN_TRY(cnn_onnx_read_integers(graph, node, 1, 8, pads, &count, error));
    }
    for (size_t i = 0; list && i < list->n_ints && i < 8; i++) {
        pads[count++] = list->ints[i];
    }
    if (count != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0 ||
        cnn_onnx_input_of(graph, node, 3) >= 0 || !(value >= 0.0 && value <= 0.0) ||
        (mode && (mode->s.len != 8 || memcmp(mode->s.data, "constant", 8) != 0))) {
        return cnn_onnx_refuse(graph, node, error, "expected zeros around rows and columns");
    }
    const int64_t sides[] = {pads[2], pads[3], pads[6], pads[7]};
    for (int i = 0; i < 4; i++) {
        CNN_TRY(cnn_onnx_check_key(importer, node, "conv", "padding", (double)sides[i], error));
        importer->pads[i] = (int)sides[i];
    }
    importer->padded = true;
    return CNN_OK;
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
        set_window(layer, &conv.window);
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
        go_on(importer, filters, &conv.window);
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
    CNN_TRY(read_bound(importer, node, 1, "min", (double)-INFINITY, &low, error));
    CNN_TRY(read_bound(importer, node, 2, "max", (double)INFINITY, &high, error));
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

/* --- pooling --- */

/* A window contains a value. */
static cnn_status read_pool(const cnn_onnx_importer *importer, int node, const char *layer,
                            cnn_onnx_window *window, cnn_error *error) {
    CNN_TRY(cnn_onnx_read_window(importer, node, 0, layer, "size", window, error));
    for (int i = 0; i < 4; i++) {
        if (window->pads[i] >= window->size) {
            return cnn_onnx_refuse(&importer->graph, node, error,
                                   "expected pads below the size of a window, %d, got %d",
                                   window->size, window->pads[i]);
        }
    }
    return CNN_OK;
}

static cnn_status import_maxpool(cnn_onnx_importer *importer, int node, cnn_error *error) {
    cnn_onnx_window window;
    CNN_TRY(read_pool(importer, node, "maxpool", &window, error));
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "maxpool");
    cnn_imported_number(layer, "size", window.size);
    set_window(layer, &window);
    go_on(importer, importer->shape.channels, &window);
    return CNN_OK;
}

static void add_global(cnn_onnx_importer *importer) {
    (void)cnn_imported_add(&importer->layers, "global_avgpool");
    importer->shape.height = importer->shape.width = 1;
}

static cnn_status import_avgpool(cnn_onnx_importer *importer, int node, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    cnn_onnx_window window;
    CNN_TRY(read_pool(importer, node, "avgpool", &window, error));
    const int *pads = window.pads;
    bool padded = false; /* apart from the zeros of a Pad, which always count */
    for (int i = 0; i < 4; i++) {
        padded = padded || pads[i] > importer->pads[i];
    }
    if (padded && (cnn_onnx_int_of(graph, node, "count_include_pad", 0) == 0 ||
                   cnn_onnx_int_of(graph, node, "ceil_mode", 0) != 0)) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected no padding, or one that counts (count_include_pad)");
    }
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "avgpool");
    cnn_imported_number(layer, "size", window.size);
    set_window(layer, &window);
    go_on(importer, importer->shape.channels, &window);
    return CNN_OK;
}

static cnn_status import_global(cnn_onnx_importer *importer, int node, cnn_error *error) {
    CNN_TRY(need_rows(importer, node, error));
    add_global(importer);
    return CNN_OK;
}

static void add_flatten(cnn_onnx_importer *importer) {
    (void)cnn_imported_add(&importer->layers, "flatten");
    size_t count = cnn_shape_size(&importer->shape); /* too many are refused by nn/graph.c */
    importer->shape = (cnn_shape){.channels = count < INT32_MAX ? (int)count : INT32_MAX,
                                  .height = 1,
                                  .width = 1,
                                  .flat = true};
}

/* Reads the axes of a node, an attribute or input 1; *count is 0 if there are none. */
static cnn_status read_axes(const cnn_onnx_importer *importer, int node, int64_t axes[4],
                            int *count, cnn_error *error) {
    const Onnx__AttributeProto *list = cnn_onnx_attribute(&importer->graph, node, "axes");
    *count = 0;
    if (cnn_onnx_input_of(&importer->graph, node, 1) >= 0) {
        return cnn_onnx_read_integers(&importer->graph, node, 1, 4, axes, count, error);
    }
    for (size_t i = 0; list && i < list->n_ints && i < 4; i++) {
        axes[(*count)++] = list->ints[i];
    }
    return CNN_OK;
}

/* Are the axes rows and columns? */
static bool are_rows_and_columns(const int64_t *axes, int count) {
    bool found[2] = {false, false};
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
        if (axis != 2 && axis != 3) {
            return false;
        }
        found[axis - 2] = true;
    }
    return found[0] && found[1];
}

static cnn_status import_mean(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t axes[4];
    int count;
    CNN_TRY(need_rows(importer, node, error));
    CNN_TRY(read_axes(importer, node, axes, &count, error));
    if (!are_rows_and_columns(axes, count)) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected the mean of rows and columns, axes 2 and 3");
    }
    add_global(importer);
    if (cnn_onnx_int_of(&importer->graph, node, "keepdims", 1) == 0) {
        add_flatten(importer);
    }
    return CNN_OK;
}

/* --- shapes --- */

static cnn_status import_flatten(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t axis = cnn_onnx_int_of(&importer->graph, node, "axis", 1);
    if (axis != 1 && axis != (importer->shape.flat ? -1 : -3)) {
        return cnn_onnx_refuse(&importer->graph, node, error, "expected axis 1, got %lld",
                               (long long)axis);
    }
    if (!importer->shape.flat) {
        add_flatten(importer);
    }
    return CNN_OK;
}

/* The values of one image in a shape: -1 stands for what the shape leaves open, 0 for a dimension
 * that stays. -1: not determined, or too many. */
static int64_t values_in(const cnn_onnx_importer *importer, const int64_t *dim, int count) {
    const cnn_shape *shape = &importer->shape;
    const int64_t kept[] = {0, shape->channels, shape->height, shape->width};
    int64_t all = (int64_t)cnn_shape_size(shape), product = 1;
    bool open = false;
    for (int d = 1; d < count; d++) {
        int64_t size = dim[d] == 0 && d < (shape->flat ? 2 : 4) ? kept[d] : dim[d];
        if (size == -1 && !open && dim[0] != -1) {
            open = true;
        } else if (size < 1 || size > all || (product *= size) > all) {
            return -1;
        }
    }
    return open && all % product == 0 ? all : product;
}

/* [images, values]; where there is one row and one column, these may be anywhere. A single value
 * may have no dimension of its own. */
static bool means_flatten(const cnn_onnx_importer *importer, const int64_t *dim, int count) {
    const cnn_shape *shape = &importer->shape;
    int64_t values = (int64_t)cnn_shape_size(shape);
    bool images = count > 0 && (dim[0] == 0 || dim[0] == -1 ||
                                dim[0] == (importer->batch > 0 ? importer->batch : 1));
    bool rows = shape->height > 1 || shape->width > 1;
    return images && (count == 2 || (!rows && count > 1) || values == 1) &&
           values_in(importer, dim, count) == values;
}

static cnn_status import_reshape(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t dim[8] = {0};
    int count;
    CNN_TRY(cnn_onnx_read_integers(&importer->graph, node, 1, 8, dim, &count, error));
    if (!means_flatten(importer, dim, count)) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected a shape that means Flatten: [0, -1], or [0, %zu]",
                               cnn_shape_size(&importer->shape));
    }
    if (!importer->shape.flat) {
        add_flatten(importer);
    }
    return CNN_OK;
}

static cnn_status import_squeeze(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t axes[4];
    int count;
    const cnn_shape *shape = &importer->shape;
    CNN_TRY(read_axes(importer, node, axes, &count, error));
    bool fits = shape->flat
                    ? shape->channels == 1 && count == 1 && (axes[0] == 1 || axes[0] == -1)
                    : shape->height == 1 && shape->width == 1 && are_rows_and_columns(axes, count);
    if (!fits) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected to remove rows and columns of which there is one");
    }
    if (!shape->flat) {
        add_flatten(importer);
    }
    return CNN_OK;
}

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
    cnn_status (*import)(cnn_onnx_importer *importer, int node, cnn_error *error);
    bool after_softmax; /* it changes no value */
} operator_row;

static const operator_row operators[] = {
    {"Conv", import_conv, false},
    {"BatchNormalization", import_batchnorm, false},
    {"Relu", import_relu, false},
    {"Clip", import_clip, false},
    {"LeakyRelu", import_leaky_relu, false},
    {"Sigmoid", import_sigmoid, false},
    {"MaxPool", import_maxpool, false},
    {"AveragePool", import_avgpool, false},
    {"GlobalAveragePool", import_global, false},
    {"ReduceMean", import_mean, false},
    {"Pad", import_pad, false},
    {"Gemm", import_dense, false},
    {"MatMul", import_dense, false},
    {"Add", import_affine, false},
    {"Sub", import_affine, false},
    {"Mul", import_affine, false},
    {"Div", import_affine, false},
    {"Softmax", import_softmax, false},
    {"LogSoftmax", import_softmax, false},
    {"Cast", import_cast, false},
    {"Flatten", import_flatten, true},
    {"Reshape", import_reshape, true},
    {"Squeeze", import_squeeze, true},
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
            operators[i].import != import_avgpool) {
            return cnn_onnx_refuse(&importer->graph, node, error,
                                   "expected a Conv or AveragePool after a Pad");
        }
        return operators[i].import(importer, node, error);
    }
    return cnn_onnx_refuse(&importer->graph, node, error, "expected an operator that has a layer");
}
