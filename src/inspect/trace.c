/* --trace: one batch, forward and backward, every value by name, as JSON.
 *
 * Names: the k-th layer with weights has wk, bk and gives Zk; a ReLU or sigmoid after it gives Ak,
 * a pooling Pk, a flatten F. A name that is taken already gets "_" and the layer's number. dName is
 * the gradient of L. Images come first in X, Z, A and P of shape [m][channels][rows][columns]; in F
 * and everything after it, columns are images, as in the notes: (values, m).
 *
 * The batch is one mini-batch of training, run by the very code that trains, on a network in which
 * every value stays where it can be looked at. */
#include "cnn/inspect.h"

#include "base/error.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "run/setup.h"
#include "run/training_settings.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 24 };

/* What is written about one node. */
typedef struct node_name {
    char output[NAME_SIZE];
    int number; /* k of its weights; 0: none */
} node_name;

typedef struct trace {
    cnn_setup setup;
    cnn_objective objective;
    cnn_minibatch *minibatch;
    size_t m;
    node_name *names;       /* [node_count] */
    float *values;          /* [m][values] of the current node */
    uint8_t *labels;        /* [m] */
    float *logits;          /* [m] */
    float *parameters;      /* [parameter_count] */
    const float *gradients; /* [parameter_count] */
    size_t *order;
} trace;

/* --- names --- */

static void name_nodes(const trace *t) {
    const cnn_graph *graph = &t->setup.network->graph;
    int number = 0;
    for (int i = 1; i < graph->node_count; i++) {
        const cnn_node *node = &graph->nodes[i];
        node_name *mine = &t->names[i];
        const char *symbol = node->ops->symbol ? node->ops->symbol : "A";
        if (node->parameter_count > 0) {
            mine->number = ++number;
            symbol = "Z";
        }
        (void)snprintf(mine->output, NAME_SIZE, node->ops->aliases_input ? "%s" : "%s%d", symbol,
                       number);
        for (int j = 1; j < i; j++) {
            if (strcmp(t->names[j].output, mine->output) == 0) {
                size_t used = strlen(mine->output);
                (void)snprintf(mine->output + used, NAME_SIZE - used, "_%d", node->serial);
            }
        }
    }
}

/* --- running --- */

/* As the first step of training. */
static void run(trace *t, const cnn_config *config) {
    const uint64_t seed = (uint64_t)config->train.seed;
    cnn_dataset_source images = {.dataset = t->setup.dataset,
                                 .table = &t->setup.table,
                                 .order = t->order,
                                 .augment = &config->augment,
                                 .seed = seed,
                                 .epoch = 1};
    const cnn_sample_source source = {.fill = cnn_dataset_fill, .context = &images};
    t->objective = cnn_settings_objective(config, t->setup.dataset);
    cnn_start_weights(t->setup.start, t->setup.network, seed, t->parameters);
    cnn_minibatch_set_objective(t->minibatch, &t->objective);
    cnn_minibatch_set_draw(t->minibatch, (cnn_draw){.seed = seed, .step = 0});
    cnn_minibatch_prepare(t->minibatch, t->parameters);
    cnn_minibatch_gradients(t->minibatch, t->parameters, &source, 0, t->m, &t->gradients, t->logits,
                            t->labels);
}

/* Takes a block's images apart: [C][H][W][LANES] to [image][C][H][W], count images. */
static void copy_lanes(const cnn_block *block, const float *from, size_t count, float *to) {
    size_t i = 0;
    size_t values = (size_t)block->channels * (size_t)block->height * (size_t)block->width;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            for (int w = 0; w < block->width; w++, i++) {
                const float *lanes = from + cnn_block_row(block, c, h) + (ptrdiff_t)w * CNN_LANES;
                for (size_t lane = 0; lane < count; lane++) {
                    to[lane * values + i] = lanes[lane];
                }
            }
        }
    }
}

/* The last sigmoid belongs to the loss (eq. 6, 8): its A, or dL/dA. */
static void look_at_end(const trace *t, bool gradient) {
    for (size_t i = 0; i < t->m; i++) {
        float a = cnn_probability(t->logits[i]);
        t->values[i] = a;
        if (gradient) {
            t->values[i] =
                cnn_objective_gradient(&t->objective, t->logits[i], t->labels[i], (int)t->m) /
                (a * (1.0f - a));
        }
    }
}

/* Fills t->values with a node's output, or its gradient; false: it has none. */
static bool look_at(const trace *t, int node, bool gradient) {
    const cnn_network *network = t->setup.network;
    if (node == network->graph.node_count - 1) {
        look_at_end(t, gradient);
        return true;
    }
    size_t size = cnn_shape_size(&network->graph.nodes[node].out);
    for (size_t first = 0; first < t->m; first += CNN_LANES) {
        const float *workspace = cnn_minibatch_workspace(t->minibatch, first / CNN_LANES);
        const cnn_block *block;
        const float *from = gradient ? cnn_network_gradient(network, node, workspace, &block)
                                     : cnn_network_value(network, node, workspace, &block);
        if (!from) {
            return false;
        }
        size_t rest = t->m - first;
        copy_lanes(block, from, rest < CNN_LANES ? rest : CNN_LANES, t->values + first * size);
    }
    return true;
}

/* --- JSON --- */

/* A nested list of the given dimensions; value of index (i, j, …) at values[i * stride[0] + j *
 * stride[1] …]. */
static void write_list(cnn_json_writer *json, const float *values, const int64_t *dim,
                       const size_t *stride, int rank) {
    if (rank == 0) {
        cnn_json_float(json, *values);
        return;
    }
    cnn_json_begin_array(json);
    for (int64_t i = 0; i < dim[0]; i++) {
        write_list(json, values + (size_t)i * stride[0], dim + 1, stride + 1, rank - 1);
    }
    cnn_json_end(json);
}

static void write_name(cnn_json_writer *json, const char *prefix, const char *name) {
    char key[NAME_SIZE + 1];
    (void)snprintf(key, sizeof key, "%s%s", prefix, name);
    (void)cnn_json_key(json, key);
}

/* A node's output, or its gradient, of all images. */
static void write_activation(const trace *t, cnn_json_writer *json, const char *name, int node,
                             bool gradient) {
    if (!look_at(t, node, gradient)) {
        return;
    }
    const cnn_shape *shape = &t->setup.network->graph.nodes[node].out;
    size_t size = cnn_shape_size(shape);
    size_t plane = (size_t)shape->height * (size_t)shape->width;
    write_name(json, gradient ? "d" : "", name);
    if (shape->flat) {
        const int64_t dim[2] = {shape->channels, (int64_t)t->m};
        const size_t stride[2] = {1, size};
        write_list(json, t->values, dim, stride, 2);
    } else {
        const int64_t dim[4] = {(int64_t)t->m, shape->channels, shape->height, shape->width};
        const size_t stride[4] = {size, plane, (size_t)shape->width, 1};
        write_list(json, t->values, dim, stride, 4);
    }
}

/* "w1" and "b1", or their gradients; "running_mean1", which has none. */
static void write_tensors(const trace *t, cnn_json_writer *json, int node, bool gradient) {
    const cnn_node *from = &t->setup.network->graph.nodes[node];
    const float *values = gradient ? t->gradients : t->parameters;
    for (int i = 0; i < from->tensor_count; i++) {
        const cnn_tensor *tensor = &from->tensors[i];
        if (tensor->average && gradient) {
            continue;
        }
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "%.*s%d", tensor->average ? NAME_SIZE : 1, tensor->name,
                       t->names[node].number);
        int64_t dim[4];
        size_t stride[4];
        size_t step = 1;
        for (int d = tensor->rank - 1; d >= 0; d--) {
            dim[d] = tensor->dim[d];
            stride[d] = step;
            step *= (size_t)tensor->dim[d];
        }
        write_name(json, gradient ? "d" : "", name);
        write_list(json, values + tensor->offset, dim, stride, tensor->rank);
    }
}

/* "images" and "y": which images the batch holds, and their labels as a row. */
static void write_images(const trace *t, cnn_json_writer *json) {
    cnn_json_begin_array(cnn_json_key(json, "images"));
    for (size_t i = 0; i < t->m; i++) {
        cnn_json_path(json, t->setup.dataset->samples[t->order[i]].path);
    }
    cnn_json_end(json);
    write_activation(t, json, t->setup.network->graph.nodes[0].ops->symbol, 0, false);
    cnn_json_begin_array(cnn_json_key(json, "y"));
    cnn_json_begin_array(json);
    for (size_t i = 0; i < t->m; i++) {
        cnn_json_integer(json, t->labels[i]);
    }
    cnn_json_end(json);
    cnn_json_end(json);
}

static void write_json(const trace *t, cnn_text *text) {
    const cnn_graph *graph = &t->setup.network->graph;
    double loss = 0.0;
    for (size_t i = 0; i < t->m; i++) {
        loss += cnn_objective_loss(&t->objective, t->logits[i], t->labels[i]);
    }
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_LINES);
    cnn_json_begin_object(&json);
    cnn_json_integer(cnn_json_key(&json, "m"), (int64_t)t->m);
    write_images(t, &json);
    for (int i = 1; i < graph->node_count; i++) {
        write_tensors(t, &json, i, false);
        write_activation(t, &json, t->names[i].output, i, false);
    }
    cnn_json_number(cnn_json_key(&json, "L"), loss / (double)t->m);
    for (int i = graph->node_count - 1; i > 0; i--) {
        write_activation(t, &json, t->names[i].output, i, true);
        write_tensors(t, &json, i, true);
    }
    cnn_json_end(&json);
    cnn_text_append(text, "\n", 1);
}

/* --- the whole --- */

static cnn_status allocate(trace *t, cnn_error *error) {
    const cnn_graph *graph = &t->setup.network->graph;
    size_t largest = 1;
    for (int i = 0; i < graph->node_count; i++) {
        size_t size = cnn_shape_size(&graph->nodes[i].out);
        largest = size > largest ? size : largest;
    }
    t->names = cnn_alloc((size_t)graph->node_count, sizeof *t->names);
    t->values = cnn_alloc(t->m, largest * sizeof *t->values);
    t->labels = cnn_alloc(t->m, 1);
    t->logits = cnn_alloc(t->m, sizeof *t->logits);
    t->parameters = cnn_alloc(graph->parameter_count, sizeof *t->parameters);
    t->order = cnn_alloc(t->setup.dataset->split_count[CNN_SPLIT_TRAIN], sizeof *t->order);
    return t->names && t->values && t->labels && t->logits && t->parameters && t->order
               ? CNN_OK
               : cnn_fail_memory(error, "the trace");
}

static void release(trace *t) {
    cnn_minibatch_free(t->minibatch);
    cnn_free(t->names);
    cnn_free(t->values);
    cnn_free(t->labels);
    cnn_free(t->logits);
    cnn_free(t->parameters);
    cnn_free(t->order);
    cnn_setup_free(&t->setup);
}

static cnn_status make_trace(trace *t, const cnn_config *config, const cnn_common_options *options,
                             cnn_text *text, cnn_error *error) {
    CNN_TRY(cnn_setup_create(config, options, CNN_NETWORK_STEPWISE, &t->setup, error));
    size_t images = t->setup.dataset->split_count[CNN_SPLIT_TRAIN];
    size_t batch = (size_t)config->train.batch_size;
    t->m = batch < images ? batch : images;
    CNN_TRY(allocate(t, error));
    CNN_TRY(cnn_setup_order(config, t->setup.dataset, 1, t->order, error));
    CNN_TRY(cnn_minibatch_create(t->setup.network, t->m, t->setup.threads, &t->minibatch, error));
    name_nodes(t);
    run(t, config);
    write_json(t, text);
    return text->failed ? cnn_fail_memory(error, "the trace") : CNN_OK;
}

cnn_status cnn_trace(const cnn_config *config, const cnn_common_options *options, char **json,
                     cnn_error *error) {
    trace t = {0};
    cnn_text text = {0};
    cnn_status status = make_trace(&t, config, options, &text, error);
    if (status != CNN_OK) {
        cnn_text_free(&text);
    }
    *json = text.data;
    release(&t);
    return status;
}
