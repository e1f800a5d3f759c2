#include "model/c_source.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/c_functions.h"
#include "model/c_header.h"
#include "model/c_places.h"
#include "model/c_self_test.h"

#include <string.h>

/* A source that is being written. */
typedef struct writing {
    const cnn_model *model;
    const cnn_graph *graph;
    int result; /* the node of the logit */
    cnn_c_places places;
    const char *name;
    cnn_text *source;
} writing;

/* --- constants --- */

/* Appends an array; hexadecimal numbers are exact. */
static void add_floats(cnn_text *text, const char *name, const char *part, const float *values,
                       size_t count) {
    enum { PER_LINE = 6 };
    cnn_text_format(text, "static const float %s_%s[%zu] = {", name, part, count);
    for (size_t i = 0; i < count; i++) {
        cnn_text_format(text, "%s%af,", i % PER_LINE == 0 ? "\n    " : " ", (double)values[i]);
    }
    cnn_text_format(text, "\n};\n");
}

static bool is(const cnn_node *node, const char *type) {
    return strcmp(node->ops->name, type) == 0;
}

/* The scale and shift of a normalization that could not be merged. */
static void add_normalization(const writing *w, const cnn_node *node) {
    size_t channels = (size_t)node->in.channels;
    float *scale = cnn_alloc(2 * channels, sizeof *scale);
    if (!scale) {
        w->source->failed = true;
        return;
    }
    float *shift = scale + channels;
    for (size_t c = 0; c < channels; c++) {
        double exact_scale, exact_shift;
        cnn_batchnorm_scale(node, w->model->parameters + node->parameter_offset, (int)c,
                            &exact_scale, &exact_shift);
        scale[c] = (float)exact_scale;
        shift[c] = (float)exact_shift;
    }
    add_floats(w->source, cnn_c_node_name(node).text, "scale", scale, channels);
    add_floats(w->source, cnn_c_node_name(node).text, "shift", shift, channels);
    cnn_free(scale);
}

static void add_constants(const writing *w) {
    const cnn_model_info *info = &w->model->info;
    size_t channels = (size_t)w->graph->nodes[0].out.channels;
    float scale[3], shift[3];
    for (size_t c = 0; c < channels; c++) {
        cnn_model_normalization(info, (int)c, &scale[c], &shift[c]);
    }
    add_floats(w->source, "image", "scale", scale, channels);
    add_floats(w->source, "image", "shift", shift, channels);
    for (int n = 1; n <= w->result; n++) {
        const cnn_node *node = &w->graph->nodes[n];
        if (is(node, "batchnorm")) {
            add_normalization(w, node);
            continue;
        }
        for (int t = 0; t < node->tensor_count; t++) {
            add_floats(w->source, cnn_c_node_name(node).text, node->tensors[t].name,
                       w->model->parameters + node->tensors[t].offset, node->tensors[t].count);
        }
    }
}

/* --- calls --- */

static size_t place_of(const writing *w, int node) {
    return w->places.offset[node];
}

static int attribute(const cnn_node *node, const char *name, int missing) {
    double value;
    return cnn_node_attribute(node, name, &value) ? (int)value : missing;
}

/* Declares the window `s` of a layer that has one. */
static void add_window(const writing *w, const cnn_node *node) {
    const char *size = is(node, "conv") ? "kernel" : "size";
    cnn_text_format(
        w->source, "        static const struct window s = {%d, %d, %d, %d, %d, %d, %d, %d, %d};\n",
        node->in.height, node->in.width, attribute(node, size, node->in.height),
        attribute(node, size, node->in.width), attribute(node, "stride", 1),
        attribute(node, "padding_top", 0), attribute(node, "padding_left", 0), node->out.height,
        node->out.width);
}

static void call_conv(const writing *w, int n) {
    const cnn_node *node = &w->graph->nodes[n];
    cnn_c_name name = cnn_c_node_name(node);
    add_window(w, node);
    cnn_text_format(w->source, "        convolve(&s, x + %zu, x + %zu, %s_weight, ",
                    place_of(w, node->input[0]), place_of(w, n), name.text);
    cnn_text_format(w->source, node->tensor_count > 1 ? "%s_bias" : "0", name.text);
    cnn_text_format(w->source, ", %d, %d, %d);\n", node->in.channels, node->out.channels,
                    attribute(node, "groups", 1));
}

static void call_pool(const writing *w, int n) {
    const cnn_node *node = &w->graph->nodes[n];
    add_window(w, node);
    cnn_text_format(w->source, "        %s(&s, x + %zu, x + %zu, %d);\n",
                    is(node, "maxpool") ? "maximum" : "average", place_of(w, node->input[0]),
                    place_of(w, n), node->in.channels);
}

static void call_dense(const writing *w, int n) {
    const cnn_node *node = &w->graph->nodes[n];
    cnn_c_name name = cnn_c_node_name(node);
    cnn_text_format(w->source, "        dense(x + %zu, x + %zu, %s_weight, %s_bias, %zu, %zu);\n",
                    place_of(w, node->input[0]), place_of(w, n), name.text, name.text,
                    cnn_shape_size(&node->in), cnn_shape_size(&node->out));
}

static void call_add(const writing *w, int n) {
    const cnn_node *node = &w->graph->nodes[n];
    cnn_text_format(w->source, "        add(x + %zu, x + %zu, x + %zu, %zu);\n",
                    place_of(w, node->input[0]), place_of(w, node->input[1]), place_of(w, n),
                    cnn_shape_size(&node->out));
}

/* A layer that changes values in place, after they were copied if others still need them. */
static void call_in_place(const writing *w, int n) {
    const cnn_node *node = &w->graph->nodes[n];
    size_t size = cnn_shape_size(&node->out), place = place_of(w, n);
    if (place != place_of(w, node->input[0])) {
        cnn_text_format(w->source, "        copy(x + %zu, x + %zu, %zu);\n",
                        place_of(w, node->input[0]), place, size);
    }
    double number = 0.0;
    if (is(node, "relu")) {
        bool ceiling = cnn_node_attribute(node, "max", &number) && number > 0.0;
        cnn_text_format(w->source, "        rectify(x + %zu, %zu, 0.0f, %af);\n", place, size,
                        ceiling ? number : 0x1.fffffep127);
    } else if (is(node, "leaky_relu")) {
        (void)cnn_node_attribute(node, "negative_slope", &number);
        cnn_text_format(w->source, "        rectify(x + %zu, %zu, %af, %af);\n", place, size,
                        (double)(float)number, 0x1.fffffep127);
    } else if (is(node, "silu")) {
        cnn_text_format(w->source, "        sigmoid_weighted(x + %zu, %zu);\n", place, size);
    } else if (is(node, "batchnorm")) {
        cnn_c_name name = cnn_c_node_name(node);
        cnn_text_format(w->source,
                        "        scale_and_shift(x + %zu, %s_scale, %s_shift, %d, %zu);\n", place,
                        name.text, name.text, node->in.channels, size / (size_t)node->in.channels);
    }
}

/* A kind of layer: the function it needs, its call, and if it is elementwise (c_places.h). */
typedef struct layer_call {
    const char *layer, *function;
    void (*write)(const writing *w, int n);
    bool elementwise;
} layer_call;

static const layer_call calls[] = {
    {"conv", "convolve", call_conv, false},
    {"maxpool", "maximum", call_pool, false},
    {"avgpool", "average", call_pool, false},
    {"global_avgpool", "average", call_pool, false},
    {"dense", "dense", call_dense, false},
    {"add", "add", call_add, true},
    {"relu", "rectify", call_in_place, true},
    {"leaky_relu", "rectify", call_in_place, true},
    {"silu", "sigmoid_weighted", call_in_place, true},
    {"batchnorm", "scale_and_shift", call_in_place, true},
    {"flatten", NULL, call_in_place, true},
    {"dropout", NULL, call_in_place, true},
};

/* NULL: there is none. */
static const layer_call *call_of(const cnn_node *node) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (is(node, calls[i].layer)) {
            return &calls[i];
        }
    }
    return NULL;
}

static void add_calls(const writing *w) {
    const cnn_shape *image = &w->graph->nodes[0].out;
    cnn_text_format(w->source,
                    "float %s_predict_in(const uint8_t *pixels, float *x) {\n"
                    "    normalize(pixels, x + %zu, image_scale, image_shift, %d, %d);\n",
                    w->name, place_of(w, 0), image->channels, image->height * image->width);
    for (int n = 1; n <= w->result; n++) {
        const cnn_node *node = &w->graph->nodes[n];
        cnn_text_format(w->source, "    { /* %s: %s, %d x %d x %d */\n", node->path,
                        node->ops->name, node->out.channels, node->out.height, node->out.width);
        call_of(node)->write(w, n);
        cnn_text_format(w->source, "    }\n");
    }
    cnn_text_format(w->source,
                    "    return logistic(x[%zu] / %af);\n"
                    "}\n",
                    place_of(w, w->result), w->model->info.temperature);
    cnn_c_predict_write(w->name, "float", w->places.size, w->source);
}

/* --- functions --- */

static bool needs(const writing *w, const char *function);

/* Does another function that is written need this one? */
static bool is_before_another(const writing *w, const char *function) {
    for (const cnn_c_function *f = cnn_c_functions; f->name; f++) {
        if (f->needs && strcmp(f->needs, function) == 0 && needs(w, f->name)) {
            return true;
        }
    }
    return false;
}

static bool needs_copy(const writing *w) {
    for (int n = 1; n <= w->result; n++) {
        const cnn_node *node = &w->graph->nodes[n];
        if (call_of(node)->write == call_in_place &&
            place_of(w, n) != place_of(w, node->input[0])) {
            return true;
        }
    }
    return false;
}

static bool needs(const writing *w, const char *function) {
    if (strcmp(function, "normalize") == 0 || strcmp(function, "logistic") == 0) {
        return true;
    }
    if (strcmp(function, "copy") == 0) {
        return needs_copy(w);
    }
    for (int n = 1; n <= w->result; n++) {
        const char *needed = call_of(&w->graph->nodes[n])->function;
        if (needed && strcmp(needed, function) == 0) {
            return true;
        }
    }
    return is_before_another(w, function);
}

static void add_functions(const writing *w) {
    for (const cnn_c_function *f = cnn_c_functions; f->name; f++) {
        if (needs(w, f->name)) {
            cnn_text_format(w->source, "%s\n", f->text);
        }
    }
}

/* --- the files --- */

static cnn_status check_layers(const writing *w, cnn_error *error) {
    for (int n = 1; n <= w->result; n++) {
        const cnn_node *node = &w->graph->nodes[n];
        if (!call_of(node)) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "layers[%s]: a layer \"%s\" cannot be exported", node->path,
                            node->ops->name);
        }
    }
    return CNN_OK;
}

static cnn_c_cost cost_of(const writing *w) {
    cnn_c_cost cost = {.buffer_bytes = w->places.size * sizeof(float)};
    for (int n = 0; n <= w->result; n++) {
        const cnn_node *node = &w->graph->nodes[n];
        cost.weight_bytes += node->parameter_count * sizeof(float);
        cost.multiply_adds += cnn_c_multiply_adds(node);
    }
    return cost;
}

static cnn_status write(const writing *w, const char *sha256, cnn_text *header, cnn_c_cost *cost,
                        cnn_error *error) {
    *cost = cost_of(w);
    cnn_c_header_write(w->model, w->name, sha256, "float", "", cost, header);
    cnn_text_format(w->source, "/* See %s.h. C99, no library. */\n#include \"%s.h\"\n\n", w->name,
                    w->name);
    add_constants(w);
    cnn_text_format(w->source, "\n");
    add_functions(w);
    add_calls(w);
    CNN_TRY(cnn_c_self_test_write(w->model, w->name, w->source, error));
    return header->failed || w->source->failed ? cnn_fail_memory(error, "the C source") : CNN_OK;
}

static cnn_status find_places(writing *w, cnn_error *error) {
    cnn_c_step *steps = cnn_alloc((size_t)w->result + 1, sizeof *steps);
    if (!steps) {
        return cnn_fail_memory(error, "the C source");
    }
    for (int n = 0; n <= w->result; n++) {
        const cnn_node *node = &w->graph->nodes[n];
        steps[n] = (cnn_c_step){.size = cnn_shape_size(&node->out),
                                .input = {node->input[0], node->input[1]},
                                .input_count = node->input_count,
                                .elementwise = n > 0 && call_of(node)->elementwise};
    }
    cnn_status status = cnn_c_places_create(steps, w->result + 1, &w->places, error);
    cnn_free(steps);
    return status;
}

cnn_status cnn_c_source_write(const cnn_model *model, const char *name, const char *sha256,
                              cnn_text *header, cnn_text *source, cnn_c_cost *cost,
                              cnn_error *error) {
    writing w = {.model = model,
                 .graph = &model->network->graph,
                 .result = cnn_graph_result(&model->network->graph),
                 .name = name,
                 .source = source};
    CNN_TRY(check_layers(&w, error));
    cnn_status status = find_places(&w, error);
    if (status == CNN_OK) {
        status = write(&w, sha256, header, cost, error);
    }
    cnn_c_places_free(&w.places);
    return status;
}
