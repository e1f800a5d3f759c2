#include "model/onnx_export.h"

#include "base/error.h"
#include "model/onnx_any_size.h"
#include "model/onnx_builder.h"
#include "model/onnx_metadata.h"

#include "cnn/version.h"

#include <stdio.h>
#include <string.h>

/* The operators are those of this opset, which runtimes of 2020 and later know … */
enum { OPSET = 13 };
/* … for a float input, those of one that is older still, because OpenCV 4.6 (Debian 12), which such
 * a file is for, knows Clip only as it was before opset 11 … */
enum { OPSET_FLOAT = 10 };
/* … or, with any size, of the first one whose Resize is antialiased (ONNX 1.13, end of 2022). */
enum { OPSET_ANY_SIZE = 18 };

/* A name of a value: a layer's path, and what follows it. */
typedef struct value_name {
    char text[CNN_LAYER_PATH_MAX + 24];
} value_name;

static value_name name_of(const cnn_node *node) {
    value_name name;
    (void)snprintf(name.text, sizeof name.text, "%s.%s", node->path, node->ops->name);
    return name;
}

/* An export in progress. */
typedef struct conversion {
    cnn_onnx_builder *builder;
    const cnn_model *model;
    const cnn_graph *graph;
    const cnn_onnx_options *options;
} conversion;

/* --- the image --- */

/* Bytes [N, H, W, C] become (x / 255 - mean) / deviation, [N, C, H, W]. */
static void add_normalization(const conversion *e) {
    const cnn_model_info *info = &e->model->info;
    int channels = e->graph->nodes[0].out.channels;
    const int dim[] = {channels, 1, 1};
    const int64_t planes[] = {0, 3, 1, 2};
    float scale[3], shift[3];
    for (int c = 0; c < channels; c++) {
        cnn_model_normalization(info, c, &scale[c], &shift[c]);
    }
    cnn_onnx_floats(e->builder, "normalize.scale", scale, dim, 3);
    cnn_onnx_floats(e->builder, "normalize.shift", shift, dim, 3);
    cnn_onnx_node *node = cnn_onnx_add(e->builder, "Cast", "image.float");
    cnn_onnx_read(e->builder, node, e->options->any_size ? CNN_ONNX_RESIZED : "image");
    cnn_onnx_int(e->builder, node, "to", CNN_ONNX_FLOAT);
    node = cnn_onnx_add(e->builder, "Transpose", "image.planes");
    cnn_onnx_read(e->builder, node, "image.float");
    cnn_onnx_ints(e->builder, node, "perm", planes, 4);
    node = cnn_onnx_add(e->builder, "Mul", "normalize.scaled");
    cnn_onnx_read(e->builder, node, "image.planes");
    cnn_onnx_read(e->builder, node, "normalize.scale");
    node = cnn_onnx_add(e->builder, "Add", "normalize");
    cnn_onnx_read(e->builder, node, "normalize.scaled");
    cnn_onnx_read(e->builder, node, "normalize.shift");
}

/* The value that node `n` writes. */
static value_name output_of(const conversion *e, int n) {
    if (n > 0) {
        return name_of(&e->graph->nodes[n]);
    }
    value_name name;
    (void)snprintf(name.text, sizeof name.text, e->options->float_input ? "image" : "normalize");
    return name;
}

static void add_image(const conversion *e) {
    const cnn_shape *shape = &e->graph->nodes[0].out;
    const int bytes[] = {-1, shape->height, shape->width, shape->channels};
    const int any_size[] = {-1, -2, -3, shape->channels};
    const int planes[] = {-1, shape->channels, shape->height, shape->width};
    if (e->options->float_input) {
        cnn_onnx_input(e->builder, "image", CNN_ONNX_FLOAT, planes, 4);
        return;
    }
    if (e->options->any_size) {
        cnn_onnx_input(e->builder, "image", CNN_ONNX_UINT8, any_size, 4);
        cnn_onnx_add_resize(e->builder, shape, e->model->config->image.resize);
    } else {
        cnn_onnx_input(e->builder, "image", CNN_ONNX_UINT8, bytes, 4);
    }
    add_normalization(e);
}

/* --- layers --- */

/* An integer attribute that the layer has. */
static int64_t integer(const cnn_node *node, const char *name) {
    double value = 0.0;
    (void)cnn_node_attribute(node, name, &value);
    return (int64_t)value;
}

static void set_pads(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    const int64_t pads[] = {integer(node, "padding_top"), integer(node, "padding_left"),
                            integer(node, "padding_bottom"), integer(node, "padding_right")};
    cnn_onnx_ints(e->builder, added, "pads", pads, 4);
}

/* Kernel, stride and padding (or none) of a window that slides. */
static void set_window(const conversion *e, cnn_onnx_node *added, const cnn_node *node,
                       const char *size_name, bool padding) {
    const int64_t size[] = {integer(node, size_name), integer(node, size_name)};
    const int64_t stride[] = {integer(node, "stride"), integer(node, "stride")};
    cnn_onnx_ints(e->builder, added, "kernel_shape", size, 2);
    cnn_onnx_ints(e->builder, added, "strides", stride, 2);
    if (padding) {
        set_pads(e, added, node);
    }
}

/* Adds the layer's tensors as constants, and makes the node read them in order. */
static void add_tensors(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    for (int t = 0; t < node->tensor_count; t++) {
        const cnn_tensor *tensor = &node->tensors[t];
        char name[CNN_TENSOR_NAME_MAX];
        cnn_tensor_full_name(node->path, tensor, name);
        cnn_onnx_floats(e->builder, name, e->model->parameters + tensor->offset, tensor->dim,
                        tensor->rank);
        cnn_onnx_read(e->builder, added, name);
    }
}

static void export_conv(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    set_window(e, added, node, "kernel", true);
    cnn_onnx_int(e->builder, added, "group", integer(node, "groups"));
    add_tensors(e, added, node);
}

static void export_batchnorm(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    double eps = 0.0;
    (void)cnn_node_attribute(node, "eps", &eps);
    cnn_onnx_float(e->builder, added, "epsilon", (float)eps);
    add_tensors(e, added, node);
}

/* The bounds of Clip, 0 and `high`: attributes up to opset 10, then inputs. */
static void export_clip(const conversion *e, cnn_onnx_node *added, const cnn_node *node,
                        float high) {
    const float low = 0.0f;
    if (e->options->float_input) {
        cnn_onnx_float(e->builder, added, "min", low);
        cnn_onnx_float(e->builder, added, "max", high);
        return;
    }
    char low_name[CNN_TENSOR_NAME_MAX], high_name[CNN_TENSOR_NAME_MAX];
    (void)snprintf(low_name, sizeof low_name, "%s.min", node->path);
    (void)snprintf(high_name, sizeof high_name, "%s.max", node->path);
    cnn_onnx_floats(e->builder, low_name, &low, NULL, 0);
    cnn_onnx_floats(e->builder, high_name, &high, NULL, 0);
    cnn_onnx_read(e->builder, added, low_name);
    cnn_onnx_read(e->builder, added, high_name);
}

static void export_leaky_relu(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    double slope = 0.0;
    (void)cnn_node_attribute(node, "negative_slope", &slope);
    cnn_onnx_float(e->builder, added, "alpha", (float)slope);
}

static void export_maxpool(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    set_window(e, added, node, "size", true);
}

static void export_flatten(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    (void)node;
    cnn_onnx_int(e->builder, added, "axis", 1);
}

static void export_dense(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    cnn_onnx_int(e->builder, added, "transB", 1);
    add_tensors(e, added, node);
}

static void export_nothing(const conversion *e, cnn_onnx_node *added, const cnn_node *node) {
    (void)e, (void)added, (void)node;
}

typedef struct layer_export {
    const char *layer;    /* of the registry */
    const char *operator; /* of ONNX */
    void (*complete)(const conversion *e, cnn_onnx_node *added, const cnn_node *node);
} layer_export;

static const layer_export exports[] = {
    {"conv", "Conv", export_conv},
    {"batchnorm", "BatchNormalization", export_batchnorm},
    {"leaky_relu", "LeakyRelu", export_leaky_relu},
    {"maxpool", "MaxPool", export_maxpool},
    {"global_avgpool", "GlobalAveragePool", export_nothing},
    {"flatten", "Flatten", export_flatten},
    {"dense", "Gemm", export_dense},
    {"add", "Add", export_nothing},
    {"dropout", "Identity", export_nothing},
};

/* x σ(x): two operators. */
static void export_silu(const conversion *e, const cnn_node *node, const char *input) {
    value_name name = name_of(node), share = name;
    (void)snprintf(share.text, sizeof share.text, "%s.sigmoid", node->path);
    cnn_onnx_read(e->builder, cnn_onnx_add(e->builder, "Sigmoid", share.text), input);
    cnn_onnx_node *added = cnn_onnx_add(e->builder, "Mul", name.text);
    cnn_onnx_read(e->builder, added, input);
    cnn_onnx_read(e->builder, added, share.text);
}

static bool has_padding(const cnn_node *node) {
    return integer(node, "padding_top") > 0 || integer(node, "padding_left") > 0 ||
           integer(node, "padding_bottom") > 0 || integer(node, "padding_right") > 0;
}

/* Values outside the image are zeros that count. OpenCV 4.6, which a file with a float input is
 * for, ignores count_include_pad: there, they are values inside a larger image. */
static void export_avgpool(const conversion *e, const cnn_node *node, const char *input) {
    value_name name = name_of(node), padded = name;
    const bool apart = e->options->float_input && has_padding(node);
    if (apart) {
        const int64_t pads[] = {
            0, 0, integer(node, "padding_top"),    integer(node, "padding_left"),
            0, 0, integer(node, "padding_bottom"), integer(node, "padding_right")};
        (void)snprintf(padded.text, sizeof padded.text, "%s.padded", node->path);
        cnn_onnx_node *pad = cnn_onnx_add(e->builder, "Pad", padded.text);
        cnn_onnx_read(e->builder, pad, input);
        cnn_onnx_ints(e->builder, pad, "pads", pads, 8);
    }
    cnn_onnx_node *added = cnn_onnx_add(e->builder, "AveragePool", name.text);
    cnn_onnx_read(e->builder, added, apart ? padded.text : input);
    set_window(e, added, node, "size", !apart);
    cnn_onnx_int(e->builder, added, "count_include_pad", 1);
}

static void export_relu(const conversion *e, const cnn_node *node, const char *input) {
    double max = 0.0;
    bool ceiling = cnn_node_attribute(node, "max", &max) && max > 0.0;
    cnn_onnx_node *added = cnn_onnx_add(e->builder, ceiling ? "Clip" : "Relu", name_of(node).text);
    cnn_onnx_read(e->builder, added, input);
    if (ceiling) {
        export_clip(e, added, node, (float)max);
    }
}

/* Layers whose operator depends on their attributes, or that need several. */
static const struct {
    const char *layer;
    void (*add)(const conversion *e, const cnn_node *node, const char *input);
} own_exports[] = {{"silu", export_silu}, {"avgpool", export_avgpool}, {"relu", export_relu}};

/* Adds the operators of a layer. CNN_ERROR_CONFIG for one that ONNX has no operator for. */
static cnn_status add_layer(const conversion *e, const cnn_node *node, cnn_error *error) {
    value_name input = output_of(e, node->input[0]);
    for (size_t i = 0; i < sizeof own_exports / sizeof *own_exports; i++) {
        if (strcmp(node->ops->name, own_exports[i].layer) == 0) {
            own_exports[i].add(e, node, input.text);
            return CNN_OK;
        }
    }
    for (size_t i = 0; i < sizeof exports / sizeof *exports; i++) {
        if (strcmp(node->ops->name, exports[i].layer) == 0) {
            cnn_onnx_node *added =
                cnn_onnx_add(e->builder, exports[i].operator, name_of(node).text);
            for (int k = 0; k < node->input_count; k++) {
                cnn_onnx_read(e->builder, added, output_of(e, node->input[k]).text);
            }
            exports[i].complete(e, added, node);
            return CNN_OK;
        }
    }
    return cnn_fail(error, CNN_ERROR_CONFIG, "layers[%s]: a layer \"%s\" cannot be exported",
                    node->path, node->ops->name);
}

/* --- the result --- */

/* The last layer's [N, 1] becomes [N], is divided by the temperature, and gives the probability. */
static void add_result(const conversion *e) {
    const int shape[] = {-1};
    const int64_t flat = -1;
    const float temperature = (float)e->model->info.temperature;
    value_name raw = output_of(e, cnn_graph_result(e->graph));
    cnn_onnx_integers(e->builder, "logit.shape", &flat, 1);
    cnn_onnx_floats(e->builder, "logit.temperature", &temperature, NULL, 0);
    cnn_onnx_node *node = cnn_onnx_add(e->builder, "Reshape", "logit.flat");
    cnn_onnx_read(e->builder, node, raw.text);
    cnn_onnx_read(e->builder, node, "logit.shape");
    node = cnn_onnx_add(e->builder, "Div", "logit");
    cnn_onnx_read(e->builder, node, "logit.flat");
    cnn_onnx_read(e->builder, node, "logit.temperature");
    node = cnn_onnx_add(e->builder, "Sigmoid", "probability");
    cnn_onnx_read(e->builder, node, "logit");
    cnn_onnx_output(e->builder, "probability", CNN_ONNX_FLOAT, shape, 1);
    cnn_onnx_output(e->builder, "logit", CNN_ONNX_FLOAT, shape, 1);
}

static cnn_status add_all(const conversion *e, cnn_error *error) {
    add_image(e);
    for (int n = 1; n <= cnn_graph_result(e->graph); n++) {
        CNN_TRY(add_layer(e, &e->graph->nodes[n], error));
    }
    add_result(e);
    return cnn_onnx_add_metadata(e->builder, e->model, e->options->sha256, error);
}

cnn_status cnn_onnx_export(const cnn_model *model, const cnn_onnx_options *options, cnn_text *bytes,
                           cnn_error *error) {
    const int opset = options->any_size      ? OPSET_ANY_SIZE
                      : options->float_input ? OPSET_FLOAT
                                             : OPSET;
    conversion e = {.builder = cnn_onnx_create(opset),
                    .model = model,
                    .graph = &model->network->graph,
                    .options = options};
    if (!e.builder) {
        return cnn_fail_memory(error, "the export");
    }
    cnn_status status = add_all(&e, error);
    if (status == CNN_OK) {
        cnn_onnx_finish(e.builder, "cnntrain", "cnntrain", cnn_version(), bytes);
        status = bytes->failed ? cnn_fail_memory(error, "the export") : CNN_OK;
    }
    cnn_onnx_free(e.builder);
    return status;
}
