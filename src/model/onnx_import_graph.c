#include "model/onnx_import_graph.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "model/onnx_any_size.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A network has at most 1024 layers; exporters write a few nodes for each. */
enum { NODES_MAX = 16384, VALUES_MAX = 1 << 20 };

static const char *text_of(const char *text) {
    return text ? text : "";
}

/* --- names --- */

/* The value of that name among those whose names are sorted; -1: none. */
int cnn_onnx_find(const cnn_onnx_graph *graph, const char *name) {
    uint64_t hash = cnn_xxh3_64(name, strlen(name));
    size_t low = 0, high = graph->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (graph->names[middle].key < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < graph->name_count && graph->names[low].key == hash; low++) {
        int value = (int)graph->names[low].value;
        if (strcmp(graph->values[value].name, name) == 0) {
            return value;
        }
    }
    return -1;
}

static cnn_status sort_names(cnn_onnx_graph *graph, cnn_error *error) {
    for (size_t i = 0; i < graph->value_count; i++) {
        const char *name = graph->values[i].name;
        graph->names[i] = (cnn_keyed){.key = cnn_xxh3_64(name, strlen(name)), .value = i};
    }
    graph->name_count = graph->value_count;
    if (!cnn_sort_by_key(graph->names, graph->name_count)) {
        return cnn_fail_memory(error, "the network");
    }
    for (size_t i = 1; i < graph->name_count; i++) {
        const cnn_keyed *pair = &graph->names[i - 1];
        const char *name = graph->values[pair[0].value].name;
        if (pair[0].key == pair[1].key && strcmp(name, graph->values[pair[1].value].name) == 0) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "expected values with different names, found \"%.80s\" twice", name);
        }
    }
    return CNN_OK;
}

/* --- values --- */

static cnn_onnx_value *add_value(cnn_onnx_graph *graph, const char *name) {
    cnn_onnx_value *value = &graph->values[graph->value_count++];
    *value = (cnn_onnx_value){.name = text_of(name), .writer = -1, .first_reader = -1};
    return value;
}

static void add_initializers(cnn_onnx_graph *graph, const Onnx__GraphProto *from) {
    for (size_t i = 0; i < from->n_initializer; i++) {
        add_value(graph, from->initializer[i]->name)->tensor = from->initializer[i];
    }
}

/* Files of old versions list the initializers among the inputs, too. */
static void add_inputs(cnn_onnx_graph *graph, const Onnx__GraphProto *from) {
    for (size_t i = 0; i < from->n_input; i++) {
        const char *name = text_of(from->input[i]->name);
        if (cnn_onnx_find(graph, name) < 0) {
            add_value(graph, name)->is_input = true;
        }
    }
}

/* The value of a node Constant, or NULL. */
static const Onnx__AttributeProto *constant_of(const Onnx__NodeProto *node) {
    return strcmp(text_of(node->op_type), "Constant") == 0 && node->n_attribute == 1
               ? node->attribute[0]
               : NULL;
}

static void add_outputs(cnn_onnx_graph *graph, const Onnx__GraphProto *from) {
    for (int n = 0; n < graph->node_count; n++) {
        const Onnx__NodeProto *node = from->node[n];
        cnn_onnx_operation *operation = &graph->nodes[n];
        *operation = (cnn_onnx_operation){.proto = node, .output = -1};
        for (size_t i = 0; i < node->n_output; i++) {
            if (!*text_of(node->output[i])) {
                continue;
            }
            if (i == 0) {
                operation->output = (int)graph->value_count;
            }
            cnn_onnx_value *value = add_value(graph, node->output[i]);
            const Onnx__AttributeProto *constant = constant_of(node);
            value->writer = n;
            value->tensor = constant ? constant->t : NULL;
            value->attribute = constant && !constant->t ? constant : NULL;
        }
    }
}

static cnn_status collect_values(cnn_onnx_graph *graph, cnn_error *error) {
    const Onnx__GraphProto *from = graph->file->model->graph;
    size_t count = from->n_initializer + from->n_input;
    for (size_t n = 0; n < from->n_node; n++) {
        count += from->node[n]->n_output;
        graph->edge_count += from->node[n]->n_input;
    }
    if (from->n_node > NODES_MAX || count > VALUES_MAX || graph->edge_count > VALUES_MAX) {
        return cnn_fail(error, CNN_ERROR_MODEL, "expected at most %d nodes and %d values, got more",
                        NODES_MAX, VALUES_MAX);
    }
    graph->node_count = (int)from->n_node;
    graph->values = cnn_alloc(count, sizeof *graph->values);
    graph->names = cnn_alloc(count, sizeof *graph->names);
    graph->nodes = cnn_alloc(from->n_node, sizeof *graph->nodes);
    graph->edges = cnn_alloc(graph->edge_count, sizeof *graph->edges);
    if (!graph->values || !graph->names || !graph->nodes || !graph->edges) {
        return cnn_fail_memory(error, "the network");
    }
    add_initializers(graph, from);
    CNN_TRY(sort_names(graph, error)); /* for the search of the next call */
    add_inputs(graph, from);
    add_outputs(graph, from);
    return sort_names(graph, error);
}

/* --- edges --- */

/* Connects the inputs of node n, which must be written before it. */
static cnn_status connect(cnn_onnx_graph *graph, int n, int *edge, cnn_error *error) {
    cnn_onnx_operation *operation = &graph->nodes[n];
    operation->first_edge = *edge;
    operation->edge_count = (int)operation->proto->n_input;
    for (int k = 0; k < operation->edge_count; k++) {
        const char *name = text_of(operation->proto->input[k]);
        int value = *name ? cnn_onnx_find(graph, name) : -1;
        if (*name && (value < 0 || graph->values[value].writer >= n)) {
            return cnn_onnx_refuse(graph, n, error,
                                   "reads \"%.80s\", which no node before it writes", name);
        }
        graph->edges[(*edge)++] = (cnn_onnx_edge){.value = value, .node = n, .next = -1};
    }
    int source = operation->edge_count > 0 ? cnn_onnx_input_of(graph, n, 0) : -1;
    if (cnn_onnx_node_is(graph, n, "Identity") && operation->output >= 0 && source >= 0) {
        graph->values[operation->output].tensor = graph->values[source].tensor;
        graph->values[operation->output].attribute = graph->values[source].attribute;
    }
    return CNN_OK;
}

/* Our own files may resize images of any size first. This program does that while it reads them. */
static void leave_out_resizing(cnn_onnx_graph *graph) {
    int value = cnn_onnx_find(graph, CNN_ONNX_RESIZED);
    if (value >= 0 && strcmp(text_of(graph->file->model->producer_name), "cnntrain") == 0) {
        graph->resizer = graph->values[value].writer;
    }
    if (graph->resizer >= 0) {
        graph->values[value].writer = -1;
        graph->values[value].is_input = true;
    }
}

/* Does the node compute something from this input? A shape is only compared. */
static bool reads_data(const cnn_onnx_graph *graph, int node, int k) {
    int value = cnn_onnx_input_of(graph, node, k);
    return value >= 0 && !cnn_onnx_is_constant(graph, value) &&
           (k == 0 || !cnn_onnx_node_is(graph, node, "Reshape"));
}

/* Marks what `end` depends on, and lists the readers of each value in order. */
static cnn_status mark_needed(cnn_onnx_graph *graph, cnn_error *error) {
    graph->input = -1;
    graph->values[graph->end].needed = true;
    for (int n = graph->node_count - 1; n >= 0; n--) {
        cnn_onnx_operation *operation = &graph->nodes[n];
        for (size_t i = 0; i < operation->proto->n_output; i++) {
            int value = cnn_onnx_find(graph, text_of(operation->proto->output[i]));
            operation->needed = operation->needed || (value >= 0 && graph->values[value].needed &&
                                                      graph->values[value].writer == n);
        }
        for (int k = operation->edge_count - 1; operation->needed && k >= 0; k--) {
            if (reads_data(graph, n, k)) {
                int edge = operation->first_edge + k;
                cnn_onnx_value *value = &graph->values[graph->edges[edge].value];
                value->needed = true;
                graph->edges[edge].data = true;
                graph->edges[edge].next = value->first_reader;
                value->first_reader = edge;
            }
        }
    }
    for (size_t i = 0; i < graph->value_count; i++) {
        const cnn_onnx_value *value = &graph->values[i];
        if (value->needed && value->is_input && graph->input >= 0) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "expected one input, found \"%.60s\" and \"%.60s\"",
                            graph->values[graph->input].name, value->name);
        }
        graph->input = value->needed && value->is_input ? (int)i : graph->input;
    }
    return graph->input >= 0
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_MODEL,
                          "expected an output that depends on an input, but \"%.80s\" "
                          "is constant",
                          graph->values[graph->end].name);
}

/* --- the end --- */

/* The output of the graph that is written last. */
static cnn_status find_output(cnn_onnx_graph *graph, cnn_error *error) {
    const Onnx__GraphProto *from = graph->file->model->graph;
    for (size_t i = 0; i < from->n_output; i++) {
        int value = cnn_onnx_find(graph, text_of(from->output[i]->name));
        if (value >= 0 && graph->values[value].writer >= 0 &&
            (graph->end < 0 || graph->values[value].writer > graph->values[graph->end].writer)) {
            graph->end = value;
        }
    }
    return graph->end >= 0 ? CNN_OK
                           : cnn_fail(error, CNN_ERROR_MODEL,
                                      "expected an output that a node writes, found none");
}

static cnn_status find_until(cnn_onnx_graph *graph, const char *until, cnn_error *error) {
    graph->end = cnn_onnx_find(graph, until);
    for (int n = 0; graph->end < 0 && n < graph->node_count; n++) {
        if (strcmp(until, text_of(graph->nodes[n].proto->name)) == 0) {
            graph->end = graph->nodes[n].output;
        }
    }
    if (graph->end < 0 || graph->values[graph->end].writer < 0) {
        graph->end = -1;
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--until: expected the name of a node or of its output, got \"%.100s\"",
                        until);
    }
    return CNN_OK;
}

/* All outputs must be on the way to the end. */
static cnn_status check_outputs(const cnn_onnx_graph *graph, cnn_error *error) {
    const Onnx__GraphProto *from = graph->file->model->graph;
    for (size_t i = 0; i < from->n_output; i++) {
        int value = cnn_onnx_find(graph, text_of(from->output[i]->name));
        if (value >= 0 && !graph->values[value].needed) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "expected one output, found \"%.60s\" and \"%.60s\"; --until chooses",
                            graph->values[value].name, graph->values[graph->end].name);
        }
    }
    return CNN_OK;
}

cnn_status cnn_onnx_graph_create(const cnn_onnx_file *file, const char *until,
                                 cnn_onnx_graph *graph, cnn_error *error) {
    *graph = (cnn_onnx_graph){
        .file = file, .opset = cnn_onnx_opset(file), .input = -1, .end = -1, .resizer = -1};
    if (graph->opset <= 0) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected the version of ONNX's operators, found none");
    }
    CNN_TRY(collect_values(graph, error));
    int edge = 0;
    for (int n = 0; n < graph->node_count; n++) {
        CNN_TRY(connect(graph, n, &edge, error));
    }
    leave_out_resizing(graph);
    CNN_TRY(until ? find_until(graph, until, error) : find_output(graph, error));
    CNN_TRY(mark_needed(graph, error));
    return until ? CNN_OK : check_outputs(graph, error);
}

void cnn_onnx_graph_free(cnn_onnx_graph *graph) {
    cnn_free(graph->values);
    cnn_free(graph->names);
    cnn_free(graph->nodes);
    cnn_free(graph->edges);
    *graph = (cnn_onnx_graph){0};
}

/* --- nodes --- */

const char *cnn_onnx_node_name(const cnn_onnx_graph *graph, int node) {
    const Onnx__NodeProto *proto = graph->nodes[node].proto;
    const char *name = text_of(proto->name);
    return *name || proto->n_output == 0 ? name : text_of(proto->output[0]);
}

const char *cnn_onnx_node_type(const cnn_onnx_graph *graph, int node) {
    return text_of(graph->nodes[node].proto->op_type);
}

bool cnn_onnx_node_is(const cnn_onnx_graph *graph, int node, const char *type) {
    const char *domain = text_of(graph->nodes[node].proto->domain);
    return (!*domain || strcmp(domain, "ai.onnx") == 0) &&
           strcmp(cnn_onnx_node_type(graph, node), type) == 0;
}

int cnn_onnx_input_of(const cnn_onnx_graph *graph, int node, int k) {
    const cnn_onnx_operation *operation = &graph->nodes[node];
    return k < operation->edge_count ? graph->edges[operation->first_edge + k].value : -1;
}

int cnn_onnx_readers(const cnn_onnx_graph *graph, int value, int *first) {
    int count = 0;
    *first = -1;
    for (int edge = graph->values[value].first_reader; edge >= 0; edge = graph->edges[edge].next) {
        if (!graph->edges[edge].cut) {
            *first = *first < 0 ? edge : *first;
            count++;
        }
    }
    return count;
}

cnn_status cnn_onnx_refuse(const cnn_onnx_graph *graph, int node, cnn_error *error,
                           const char *format, ...) {
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return cnn_fail(error, CNN_ERROR_MODEL, "node \"%.80s\" (%.40s): %s",
                    cnn_onnx_node_name(graph, node), cnn_onnx_node_type(graph, node), reason);
}
