/* From a model and the ranges of its values to integers of 8 bits (c_int8.h). All numbers are made
 * in double with operations that are the same on every machine.
 *
 * Source: Jacob et al., "Quantization and training of neural networks for efficient
 * integer-arithmetic-only inference", 2018. */
#include "model/c_quantize_weights.h"

#include "base/elementary.h"
#include "base/error.h"
#include "base/memory.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { LEAST = -128, MOST = 127 };

static const char no_memory[] = "the network in 8 bits";

/* A network that is being made. */
typedef struct quantizer {
    const cnn_model *model;
    const cnn_graph *graph;
    const cnn_int8_range *ranges;
    cnn_int8_network *network;
} quantizer;

static bool is(const cnn_node *node, const char *type) {
    return strcmp(node->ops->name, type) == 0;
}

int cnn_int8_attribute(const cnn_node *node, const char *name, int missing) {
    double value;
    return cnn_node_attribute(node, name, &value) ? (int)value : missing;
}

/* --- numbers --- */

/* Gives a value the scale and zero with which 8 bits reach from low to high. 0 is always exact:
 * padding is 0. */
static void set_scale(const cnn_int8_range *range, cnn_int8_step *step) {
    double low = range->low < 0.0 ? range->low : 0.0, high = range->high > 0.0 ? range->high : 0.0;
    step->scale = high > low ? (high - low) / (MOST - LEAST) : 1.0;
    step->zero = (int)cnn_int8_limited(cnn_int8_nearest(LEAST - low / step->scale), LEAST, MOST);
    step->low = LEAST;
    step->high = MOST;
}

/* Limits a value to that of a ReLU with this ceiling, as relu_max in kernels.h. */
static void set_relu(double ceiling, cnn_int8_step *step) {
    step->low = step->zero;
    step->high = (int)cnn_int8_limited(
        cnn_int8_nearest(cnn_int8_limited(ceiling / step->scale, 0.0, 1e6)) + step->zero, LEAST,
        MOST);
}

static void same_scale(const cnn_int8_step *from, cnn_int8_step *step) {
    step->scale = from->scale;
    step->zero = from->zero;
    step->low = LEAST;
    step->high = MOST;
}

static bool make_table(cnn_int8_step *step, size_t size) {
    step->weight_count = size;
    step->weight = cnn_alloc(size, sizeof *step->weight);
    return step->weight != NULL;
}

/* --- steps --- */

static const float *parameters_of(const quantizer *q, const cnn_node *node) {
    return q->model->parameters + node->parameter_offset;
}

static const float *tensor_of(const quantizer *q, const cnn_node *node, int tensor) {
    return node->tensor_count > tensor ? q->model->parameters + node->tensors[tensor].offset : NULL;
}

/* The windows of a layer that has some; others have one of 1 × 1. */
static void set_window(const cnn_node *node, const cnn_int8_step *input, cnn_int8_step *step) {
    bool conv = is(node, "conv"), slides = conv || is(node, "maxpool") || is(node, "avgpool");
    bool whole = is(node, "global_avgpool");
    const char *size = conv ? "kernel" : "size";
    int kernel = slides ? cnn_int8_attribute(node, size, 1) : 1;
    step->window = (cnn_int8_window){.height = node->in.height,
                                     .width = node->in.width,
                                     .channels = node->in.channels,
                                     .zero = input->zero,
                                     .kernel_height = whole ? node->in.height : kernel,
                                     .kernel_width = whole ? node->in.width : kernel,
                                     .stride = slides ? cnn_int8_attribute(node, "stride", 1) : 1,
                                     .top = cnn_int8_attribute(node, "padding_top", 0),
                                     .left = cnn_int8_attribute(node, "padding_left", 0),
                                     .out_height = node->stored.height,
                                     .out_width = node->stored.width,
                                     .filters = node->out.channels,
                                     .groups = conv ? cnn_int8_attribute(node, "groups", 1) : 1,
                                     .pool = node->pool ? 2 : 1};
}

/* The table of a channel: all bytes as values, none of which the range cuts off. */
static cnn_status quantize_image(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    const cnn_shape *shape = &q->graph->nodes[n].out;
    float scale[3] = {0}, shift[3] = {0};
    cnn_int8_range range = {0.0, 0.0};
    for (int c = 0; c < shape->channels; c++) {
        cnn_model_normalization(&q->model->info, c, &scale[c], &shift[c]);
        double low = (double)shift[c], high = 255.0 * (double)scale[c] + low;
        range.low = low < range.low ? low : range.low;
        range.high = high > range.high ? high : range.high;
    }
    step->kind = CNN_INT8_IMAGE;
    set_scale(&range, step);
    if (!make_table(step, (size_t)shape->channels * 256)) {
        return cnn_fail_memory(error, no_memory);
    }
    for (int i = 0; i < shape->channels * 256; i++) {
        double x = (double)(i % 256) * (double)scale[i / 256] + (double)shift[i / 256];
        step->weight[i] =
            (int8_t)cnn_int8_limited(cnn_int8_nearest(x / step->scale) + step->zero, LEAST, MOST);
    }
    step->window = (cnn_int8_window){
        .height = shape->height, .width = shape->width, .channels = shape->channels};
    return CNN_OK;
}

/* conv and dense. The order of a dense layer's inputs is that of the value before a flatten. */
static cnn_int8_weights weights_of(const quantizer *q, int n) {
    const cnn_node *node = &q->graph->nodes[n];
    cnn_int8_weights w = {.weight = tensor_of(q, node, 0),
                          .bias = tensor_of(q, node, 1),
                          .filters = (size_t)node->out.channels,
                          .kernel = 1};
    if (is(node, "conv")) {
        size_t kernel = (size_t)cnn_int8_attribute(node, "kernel", 1);
        w.kernel = kernel * kernel;
        w.depth = (size_t)(node->in.channels / cnn_int8_attribute(node, "groups", 1));
    } else {
        const cnn_int8_step *input = cnn_int8_input(q->network, n, 0);
        const cnn_shape *before = &(input->kind == CNN_INT8_SAME ? input->node : node)->in;
        w.kernel = (size_t)before->height * (size_t)before->width;
        w.depth = (size_t)before->channels;
    }
    return w;
}

static void set_values(const quantizer *q, int n, cnn_int8_step *step) {
    set_scale(&q->ranges[n], step);
    if (q->graph->nodes[n].relu) {
        set_relu((double)q->graph->nodes[n].relu_max, step);
    }
}

static bool is_depthwise(const cnn_int8_window *w) {
    return w->groups == w->channels && w->filters == w->channels && w->channels > 1 && w->pool == 1;
}

static cnn_status quantize_weighted(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    const cnn_int8_weights w = weights_of(q, n);
    double scale;
    step->kind = is_depthwise(&step->window) ? CNN_INT8_DEPTHWISE : CNN_INT8_CONVOLVE;
    set_values(q, n, step);
    return cnn_int8_quantize_filters(&w, cnn_int8_input(q->network, n, 0)->scale, step->scale, step,
                                     &scale, error);
}

/* The last dense layer: its sum stays as it is, and stands for the logit with this scale. */
static cnn_status quantize_logit(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    const cnn_node *node = &q->graph->nodes[n];
    const cnn_int8_weights w = weights_of(q, n);
    double in_scale = cnn_int8_input(q->network, n, 0)->scale, scale;
    step->kind = CNN_INT8_LOGIT;
    CNN_TRY(cnn_int8_quantize_filters(&w, in_scale, 0.0, step, &scale, error));
    step->scale = in_scale * scale;
    step->low = node->relu ? 0 : INT32_MIN;
    step->high = node->relu
                     ? (int)cnn_int8_limited((double)node->relu_max / step->scale, 0.0, INT32_MAX)
                     : INT32_MAX;
    cnn_int8_split_factor(step->scale / q->model->info.temperature * 0x1p24,
                          &q->network->logit_multiplier, &q->network->logit_shift);
    return CNN_OK;
}

/* A normalization that could not be merged: a convolution of each channel with one weight. */
static cnn_status quantize_normalization(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    const cnn_node *node = &q->graph->nodes[n];
    size_t channels = (size_t)node->in.channels;
    float *scale = cnn_alloc(2 * channels, sizeof *scale);
    if (!scale) {
        return cnn_fail_memory(error, no_memory);
    }
    for (size_t c = 0; c < channels; c++) {
        double exact_scale, exact_shift;
        cnn_batchnorm_scale(node, parameters_of(q, node), (int)c, &exact_scale, &exact_shift);
        scale[c] = (float)exact_scale;
        scale[channels + c] = (float)exact_shift;
    }
    const cnn_int8_weights w = {
        .weight = scale, .bias = scale + channels, .filters = channels, .depth = 1, .kernel = 1};
    double last;
    step->kind = CNN_INT8_DEPTHWISE;
    step->window.groups = node->in.channels;
    set_values(q, n, step);
    cnn_status status = cnn_int8_quantize_filters(&w, cnn_int8_input(q->network, n, 0)->scale,
                                                  step->scale, step, &last, error);
    cnn_free(scale);
    return status;
}

static cnn_status quantize_average(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    step->kind = CNN_INT8_AVERAGE;
    set_values(q, n, step);
    if (!cnn_int8_make_weights(step, 0, 1)) {
        return cnn_fail_memory(error, no_memory);
    }
    int shift, values = step->window.kernel_height * step->window.kernel_width;
    cnn_int8_split_factor(cnn_int8_input(q->network, n, 0)->scale / step->scale / values,
                          &step->multiplier[0], &shift);
    step->shift[0] = (uint8_t)shift;
    return CNN_OK;
}

static cnn_status quantize_maximum(quantizer *q, int n, cnn_error *error) {
    (void)error;
    cnn_int8_step *step = &q->network->steps[n];
    step->kind = CNN_INT8_MAXIMUM;
    same_scale(cnn_int8_input(q->network, n, 0), step);
    return CNN_OK;
}

static cnn_status quantize_add(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    step->kind = CNN_INT8_ADD;
    set_values(q, n, step);
    if (!cnn_int8_make_weights(step, 0, 2)) {
        return cnn_fail_memory(error, no_memory);
    }
    int shift[2];
    for (int k = 0; k < 2; k++) {
        cnn_int8_split_factor(cnn_int8_input(q->network, n, k)->scale / step->scale,
                              &step->multiplier[k], &shift[k]);
    }
    int common = shift[0] < shift[1] ? shift[0] : shift[1];
    for (int k = 0; k < 2; k++) { /* the one with the larger shift loses its last bits */
        int fewer = shift[k] - common;
        step->multiplier[k] = fewer > 31 ? 0 : (int32_t)((int64_t)step->multiplier[k] >> fewer);
    }
    step->shift[0] = (uint8_t)common;
    return CNN_OK;
}

/* relu, leaky_relu and silu where no other step can apply them. */
static double function_of(const cnn_node *node, double x) {
    if (is(node, "silu")) {
        return x * cnn_sigmoid(x);
    }
    double slope = 0.0;
    if (is(node, "leaky_relu")) {
        (void)cnn_node_attribute(node, "negative_slope", &slope);
        return x < 0.0 ? slope * x : x;
    }
    return cnn_int8_limited(x, 0.0, (double)cnn_relu_max(node));
}

static cnn_status quantize_function(quantizer *q, int n, cnn_error *error) {
    cnn_int8_step *step = &q->network->steps[n];
    const cnn_int8_step *input = cnn_int8_input(q->network, n, 0);
    step->kind = CNN_INT8_LOOK_UP;
    set_values(q, n, step);
    if (!make_table(step, 256)) {
        return cnn_fail_memory(error, no_memory);
    }
    for (int i = LEAST; i <= MOST; i++) {
        double y = function_of(&q->graph->nodes[n], (i - input->zero) * input->scale);
        step->weight[i - LEAST] =
            (int8_t)cnn_int8_limited(cnn_int8_nearest(y / step->scale) + step->zero, LEAST, MOST);
    }
    return CNN_OK;
}

/* Do only dense layers read node n? Their weights can have any order. */
static bool only_dense_reads(const quantizer *q, int n) {
    for (int r = n + 1; r < q->network->count; r++) {
        const cnn_node *reader = &q->graph->nodes[r];
        for (int k = 0; k < reader->input_count; k++) {
            if (reader->input[k] == n && !is(reader, "dense")) {
                return false;
            }
        }
    }
    return true;
}

static cnn_status quantize_flatten(quantizer *q, int n, cnn_error *error) {
    (void)error;
    cnn_int8_step *step = &q->network->steps[n];
    step->kind = only_dense_reads(q, n) ? CNN_INT8_SAME : CNN_INT8_TRANSPOSE;
    same_scale(cnn_int8_input(q->network, n, 0), step);
    return CNN_OK;
}

typedef struct layer_rule {
    const char *layer;
    cnn_status (*quantize)(quantizer *q, int n, cnn_error *error);
} layer_rule;

static const layer_rule rules[] = {
    {"conv", quantize_weighted},
    {"dense", quantize_weighted},
    {"batchnorm", quantize_normalization},
    {"maxpool", quantize_maximum},
    {"avgpool", quantize_average},
    {"global_avgpool", quantize_average},
    {"add", quantize_add},
    {"relu", quantize_function},
    {"leaky_relu", quantize_function},
    {"silu", quantize_function},
    {"flatten", quantize_flatten},
};

static cnn_status quantize_node(quantizer *q, int n, cnn_error *error) {
    const cnn_node *node = &q->graph->nodes[n];
    cnn_int8_step *step = &q->network->steps[n];
    step->node = node;
    step->size = cnn_shape_size(&node->stored);
    if (n == 0) {
        return quantize_image(q, n, error);
    }
    set_window(node, cnn_int8_input(q->network, n, 0), step);
    if (n + 1 == q->network->count) {
        return quantize_logit(q, n, error);
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (is(node, rules[i].layer)) {
            return rules[i].quantize(q, n, error);
        }
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "layers[%s]: a layer \"%s\" cannot be exported in 8 bits", node->path,
                    node->ops->name);
}

/* --- the network --- */

/* Does output i depend on input i only? */
static bool is_elementwise(const cnn_int8_step *step) {
    bool single = step->kind == CNN_INT8_DEPTHWISE && step->weight_count == step->channels &&
                  step->window.stride == 1 && step->window.top == 0 && step->window.left == 0;
    return single || step->kind == CNN_INT8_ADD || step->kind == CNN_INT8_LOOK_UP ||
           step->kind == CNN_INT8_SAME;
}

static cnn_status find_places(cnn_int8_network *network, cnn_error *error) {
    cnn_c_step *steps = cnn_alloc((size_t)network->count, sizeof *steps);
    if (!steps) {
        return cnn_fail_memory(error, no_memory);
    }
    for (int n = 0; n < network->count; n++) {
        const cnn_int8_step *step = &network->steps[n];
        steps[n] = (cnn_c_step){.size = step->size,
                                .input = {step->node->input[0], step->node->input[1]},
                                .input_count = step->node->input_count,
                                .elementwise = is_elementwise(step)};
    }
    cnn_status status = cnn_c_places_create(steps, network->count, &network->places, error);
    cnn_free(steps);
    return status;
}

static cnn_status quantize(quantizer *q, cnn_error *error) {
    for (int n = 0; n < q->network->count; n++) {
        CNN_TRY(quantize_node(q, n, error));
    }
    return find_places(q->network, error);
}

cnn_status cnn_int8_network_create(const cnn_model *model, const cnn_int8_range *ranges,
                                   cnn_int8_network **out, cnn_error *error) {
    const cnn_graph *graph = &model->network->fused;
    cnn_int8_network *network = *out = cnn_alloc(1, sizeof *network);
    if (!network) {
        return cnn_fail_memory(error, no_memory);
    }
    network->model = model;
    network->count = cnn_graph_result(graph) + 1;
    network->steps = cnn_alloc((size_t)network->count, sizeof *network->steps);
    quantizer q = {.model = model, .graph = graph, .ranges = ranges, .network = network};
    cnn_status status = network->steps ? quantize(&q, error) : cnn_fail_memory(error, no_memory);
    if (status != CNN_OK) {
        cnn_int8_network_free(network);
        *out = NULL;
    }
    return status;
}

void cnn_int8_network_free(cnn_int8_network *network) {
    if (!network) {
        return;
    }
    for (int n = 0; network->steps && n < network->count; n++) {
        cnn_int8_step *step = &network->steps[n];
        cnn_free(step->weight);
        cnn_free(step->bias);
        cnn_free(step->multiplier);
        cnn_free(step->shift);
    }
    cnn_free(network->steps);
    cnn_c_places_free(&network->places);
    cnn_free(network);
}
