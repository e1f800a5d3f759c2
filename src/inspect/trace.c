/* --trace: one batch, forward and backward, every value by name, as JSON.
 *
 * Names: the k-th layer with weights has wk, bk and gives Zk; a ReLU or sigmoid behind it gives Ak,
 * a pooling Pk, a flatten F. A name that is taken already gets "_" and the layer's number. dName is
 * the gradient of L. Images come first in X, Z, A and P of shape [m][channels][rows][columns]; in F
 * and everything behind it, columns are images, as in the notes: (values, m). */
#include "cnn/train.h"

#include "base/error.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "run/setup.h"
#include "run/training_settings.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 24 };

/* What was seen of one layer. */
typedef struct layer_trace {
    char name[NAME_SIZE];     /* of its output */
    int number;               /* k of its weights; 0: none */
    float *output, *gradient; /* [m][values] */
    bool has_gradient;
} layer_trace;

typedef struct trace {
    cnn_setup setup;
    cnn_objective objective;
    size_t m;
    layer_trace *layers; /* [layer_count] */
    float *x;            /* [m][values] */
    uint8_t *labels;     /* [m] */
    float *logits;       /* [m] */
    float *parameters;
    size_t *order;
    const cnn_augment_settings *augment;
    uint64_t seed;
    size_t first; /* image of the block at work */
    int count;    /* images in it */
} trace;

/* Values are taken block by block: those of a layer that sees the whole batch would be wrong. */
static cnn_status check_layers(const cnn_network *network, cnn_error *error) {
    for (int i = 0; i < network->layer_count; i++) {
        if (network->layers[i].batch) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "--trace: expected layers that look at each image alone, got %s (layer "
                            "%s), which looks at the whole batch",
                            network->layers[i].ops->name, network->layers[i].path);
        }
    }
    return CNN_OK;
}

/* --- names --- */

static void name_layers(trace *t) {
    const cnn_network *network = t->setup.network;
    int number = 0;
    for (int i = 0; i < network->layer_count; i++) {
        const cnn_layer *layer = &network->layers[i];
        layer_trace *mine = &t->layers[i];
        const char *kind = layer->ops->name;
        if (layer->parameter_count > 0) {
            number++;
            mine->number = number;
            (void)snprintf(mine->name, NAME_SIZE, "Z%d", number);
        } else if (strcmp(kind, "flatten") == 0) {
            (void)snprintf(mine->name, NAME_SIZE, "F");
        } else {
            (void)snprintf(mine->name, NAME_SIZE, "%s%d", strstr(kind, "pool") ? "P" : "A", number);
        }
        for (int j = 0; j < i; j++) {
            if (strcmp(t->layers[j].name, mine->name) == 0) {
                size_t used = strlen(mine->name);
                (void)snprintf(mine->name + used, NAME_SIZE - used, "_%d", i);
            }
        }
    }
}

/* --- seeing --- */

/* Takes the block's images apart: [C][H][W][LANES] to [image][C][H][W]. */
static void copy_lanes(const trace *t, const cnn_block *block, const float *from, float *to) {
    size_t i = 0;
    size_t values = (size_t)block->channels * (size_t)block->height * (size_t)block->width;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            for (int w = 0; w < block->width; w++, i++) {
                const float *lanes =
                    from + c * block->plane_stride + h * block->row_stride + w * CNN_LANES;
                for (int lane = 0; lane < t->count; lane++) {
                    to[(t->first + (size_t)lane) * values + i] = lanes[lane];
                }
            }
        }
    }
}

static void observe(void *context, int layer, bool gradient, const cnn_block *block,
                    const float *values) {
    trace *t = context;
    layer_trace *mine = &t->layers[layer];
    mine->has_gradient = mine->has_gradient || gradient;
    copy_lanes(t, block, values, gradient ? mine->gradient : mine->output);
}

/* Runs the batch block by block under observation; parameter gradients come from the very function
 * that training uses, so that they are its bytes. */
static cnn_status run(trace *t, const float **gradients, cnn_minibatch *minibatch,
                      cnn_error *error) {
    cnn_network *network = t->setup.network;
    cnn_dataset_source images = {.dataset = t->setup.dataset,
                                 .table = &t->setup.table,
                                 .order = t->order,
                                 .augment = t->augment,
                                 .seed = t->seed,
                                 .epoch = 1};
    cnn_sample_source source = {.fill = cnn_dataset_fill, .context = &images};
    const cnn_draw draw = {.seed = t->seed, .step = 0}; /* as the first step of training */
    float *workspace = cnn_network_workspace(network, true);
    float *ignored = cnn_alloc(network->parameter_count, sizeof *ignored);
    if (!workspace || !ignored) {
        cnn_free(workspace);
        cnn_free(ignored);
        return cnn_fail_memory(error, "the trace");
    }
    cnn_network_prepare(network, t->parameters);
    for (t->first = 0; t->first < t->m; t->first += CNN_LANES) {
        t->count = t->m - t->first < CNN_LANES ? (int)(t->m - t->first) : CNN_LANES;
        const cnn_block *block;
        float *x = cnn_network_input(network, workspace, &block);
        cnn_dataset_fill(&images, t->first, t->count, block, x, t->labels + t->first);
        copy_lanes(t, block, x, t->x);
        cnn_network_draw(network, &draw, t->first, t->count, workspace);
        const float *logits =
            cnn_network_forward_observed(network, t->parameters, workspace, observe, t);
        float slopes[CNN_LANES] = {0};
        for (int lane = 0; lane < t->count; lane++) {
            slopes[lane] = cnn_objective_gradient(&t->objective, logits[lane],
                                                  t->labels[t->first + (size_t)lane], (int)t->m);
        }
        cnn_network_backward_observed(network, t->parameters, workspace, slopes, ignored, observe,
                                      t);
    }
    cnn_minibatch_set_draw(minibatch, draw);
    cnn_minibatch_gradients(minibatch, t->parameters, &source, 0, t->m, gradients, t->logits,
                            t->labels);
    /* the last sigmoid belongs to the loss (eq. 6, 8): its A, and dL/dA */
    layer_trace *last = &t->layers[network->layer_count - 1];
    last->has_gradient = true;
    for (size_t i = 0; i < t->m; i++) {
        float a = cnn_probability(t->logits[i]);
        last->output[i] = a;
        last->gradient[i] =
            cnn_objective_gradient(&t->objective, t->logits[i], t->labels[i], (int)t->m) /
            (a * (1.0f - a));
    }
    cnn_free(workspace);
    cnn_free(ignored);
    return CNN_OK;
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

/* An activation, or its gradient, of all images. */
static void write_activation(const trace *t, cnn_json_writer *json, const char *prefix,
                             const char *name, const cnn_shape *shape, const float *values) {
    size_t size = cnn_shape_size(shape);
    size_t plane = (size_t)shape->height * (size_t)shape->width;
    write_name(json, prefix, name);
    if (shape->flat) {
        const int64_t dim[2] = {shape->channels, (int64_t)t->m};
        const size_t stride[2] = {1, size};
        write_list(json, values, dim, stride, 2);
    } else {
        const int64_t dim[4] = {(int64_t)t->m, shape->channels, shape->height, shape->width};
        const size_t stride[4] = {size, plane, (size_t)shape->width, 1};
        write_list(json, values, dim, stride, 4);
    }
}

/* "w1" and "b1", or their gradients. */
static void write_tensors(const trace *t, cnn_json_writer *json, const char *prefix, int layer,
                          const float *values) {
    const cnn_layer *from = &t->setup.network->layers[layer];
    for (int i = 0; i < from->tensor_count; i++) {
        const cnn_tensor *tensor = &from->tensors[i];
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "%c%d", tensor->name[0], t->layers[layer].number);
        int64_t dim[4];
        size_t stride[4];
        size_t step = 1;
        for (int d = tensor->rank - 1; d >= 0; d--) {
            dim[d] = tensor->dim[d];
            stride[d] = step;
            step *= (size_t)tensor->dim[d];
        }
        write_name(json, prefix, name);
        write_list(json, values + tensor->offset, dim, stride, tensor->rank);
    }
}

/* "images" and "y": which images the batch holds, and their labels as a row. */
static void write_images(const trace *t, cnn_json_writer *json) {
    const cnn_network *network = t->setup.network;
    cnn_json_begin_array(cnn_json_key(json, "images"));
    for (size_t i = 0; i < t->m; i++) {
        cnn_json_string(json, t->setup.dataset->samples[t->order[i]].path);
    }
    cnn_json_end(json);
    write_activation(t, json, "", "X", &network->activations[0].shape, t->x);
    cnn_json_begin_array(cnn_json_key(json, "y"));
    cnn_json_begin_array(json);
    for (size_t i = 0; i < t->m; i++) {
        cnn_json_integer(json, t->labels[i]);
    }
    cnn_json_end(json);
    cnn_json_end(json);
}

static void write_json(const trace *t, const float *gradients, cnn_text *text) {
    const cnn_network *network = t->setup.network;
    double loss = 0.0;
    for (size_t i = 0; i < t->m; i++) {
        loss += cnn_objective_loss(&t->objective, t->logits[i], t->labels[i]);
    }
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_LINES);
    cnn_json_begin_object(&json);
    cnn_json_integer(cnn_json_key(&json, "m"), (int64_t)t->m);
    write_images(t, &json);
    for (int i = 0; i < network->layer_count; i++) {
        write_tensors(t, &json, "", i, t->parameters);
        write_activation(t, &json, "", t->layers[i].name, &network->layers[i].out,
                         t->layers[i].output);
    }
    cnn_json_number(cnn_json_key(&json, "L"), loss / (double)t->m);
    for (int i = network->layer_count - 1; i >= 0; i--) {
        if (t->layers[i].has_gradient) {
            write_activation(t, &json, "d", t->layers[i].name, &network->layers[i].out,
                             t->layers[i].gradient);
        }
        write_tensors(t, &json, "d", i, gradients);
    }
    cnn_json_end(&json);
    cnn_text_append(text, "\n", 1);
}

/* --- the whole --- */

static cnn_status allocate(trace *t, cnn_error *error) {
    const cnn_network *network = t->setup.network;
    t->layers = cnn_alloc((size_t)network->layer_count, sizeof *t->layers);
    t->x = cnn_alloc(t->m, cnn_shape_size(&network->activations[0].shape) * sizeof *t->x);
    t->labels = cnn_alloc(t->m, 1);
    t->logits = cnn_alloc(t->m, sizeof *t->logits);
    t->parameters = cnn_alloc(network->parameter_count, sizeof *t->parameters);
    t->order = cnn_alloc(t->setup.dataset->split_count[CNN_SPLIT_TRAIN], sizeof *t->order);
    bool complete = t->layers && t->x && t->labels && t->logits && t->parameters && t->order;
    for (int i = 0; complete && i < network->layer_count; i++) {
        size_t bytes = cnn_shape_size(&network->layers[i].out) * sizeof(float);
        t->layers[i].output = cnn_alloc(t->m, bytes);
        t->layers[i].gradient = cnn_alloc(t->m, bytes);
        complete = t->layers[i].output && t->layers[i].gradient;
    }
    return complete ? CNN_OK : cnn_fail_memory(error, "the trace");
}

static void release(trace *t) {
    for (int i = 0; t->layers && i < t->setup.network->layer_count; i++) {
        cnn_free(t->layers[i].output);
        cnn_free(t->layers[i].gradient);
    }
    cnn_free(t->layers);
    cnn_free(t->x);
    cnn_free(t->labels);
    cnn_free(t->logits);
    cnn_free(t->parameters);
    cnn_free(t->order);
    cnn_setup_free(&t->setup);
}

cnn_status cnn_trace(const cnn_config *config, const cnn_train_options *options, char **json,
                     cnn_error *error) {
    *json = NULL;
    trace t = {.augment = &config->augment, .seed = (uint64_t)config->train.seed};
    cnn_text text = {0};
    cnn_minibatch *minibatch = NULL;
    const float *gradients = NULL;
    cnn_status status = cnn_setup_create(config, options, CNN_NETWORK_STEPWISE, &t.setup, error);
    if (status == CNN_OK) {
        status = check_layers(t.setup.network, error);
    }
    if (status == CNN_OK) {
        size_t images = t.setup.dataset->split_count[CNN_SPLIT_TRAIN];
        size_t batch = (size_t)config->train.batch_size;
        t.m = batch < images ? batch : images;
        status = allocate(&t, error);
    }
    if (status == CNN_OK) {
        status = cnn_setup_order(config, t.setup.dataset, 1, t.order, error);
    }
    if (status == CNN_OK) {
        status = cnn_minibatch_create(t.setup.network, t.m, t.setup.threads, &minibatch, error);
    }
    if (status == CNN_OK) {
        t.objective = cnn_settings_objective(config, t.setup.dataset);
        cnn_minibatch_set_objective(minibatch, &t.objective);
        name_layers(&t);
        cnn_network_initialize(t.setup.network, (uint64_t)config->train.seed, t.parameters);
        status = run(&t, &gradients, minibatch, error);
    }
    if (status == CNN_OK) {
        write_json(&t, gradients, &text);
        status = text.failed ? cnn_fail_memory(error, "the trace") : CNN_OK;
    }
    if (status == CNN_OK) {
        *json = text.data;
    } else {
        cnn_text_free(&text);
    }
    cnn_minibatch_free(minibatch);
    release(&t);
    return status;
}
