#include "nn/reference_network.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "nn/loss.h"

#include <limits.h>
#include <string.h>

/* The values of a node, [N][C][H][W] each. */
typedef struct node_values {
    double *value, *gradient;
    double
        *parts[CNN_NODE_INPUTS_MAX]; /* of the gradients of inputs that another node reads first */
} node_values;

struct cnn_reference_network {
    const cnn_graph *graph;
    node_values *nodes; /* [node_count]; of the image and of the last sigmoid: nothing */
};

/* NULL also if the sizes exceed int, with which the slow twins index. */
static double *make_values(int N, const cnn_shape *shape) {
    size_t size = (size_t)N * cnn_shape_size(shape);
    return size < INT_MAX ? cnn_alloc(size, sizeof(double)) : NULL;
}

static bool make_nodes(cnn_reference_network *reference, int N) {
    const cnn_graph *graph = reference->graph;
    bool complete = reference->nodes != NULL;
    for (int n = 1; complete && n < graph->node_count - 1; n++) {
        const cnn_node *node = &graph->nodes[n];
        node_values *mine = &reference->nodes[n];
        mine->value = make_values(N, &node->out);
        mine->gradient = make_values(N, &node->out);
        complete = mine->value && mine->gradient;
        for (int k = 0; complete && k < node->input_count; k++) {
            if (node->input[k] > 0 && !cnn_graph_reads_first(graph, n, k)) {
                mine->parts[k] = make_values(N, &graph->nodes[node->input[k]].out);
                complete = mine->parts[k] != NULL;
            }
        }
    }
    return complete;
}

cnn_status cnn_reference_network_create(const cnn_network *network, int N,
                                        cnn_reference_network **out, cnn_error *error) {
    cnn_reference_network *reference = *out = cnn_alloc(1, sizeof *reference);
    if (reference) {
        reference->graph = &network->graph;
        reference->nodes = cnn_alloc((size_t)network->graph.node_count, sizeof *reference->nodes);
    }
    if (!reference || !make_nodes(reference, N)) {
        cnn_reference_network_free(reference);
        *out = NULL;
        return cnn_fail_memory(error, "the reference network");
    }
    return CNN_OK;
}

void cnn_reference_network_free(cnn_reference_network *reference) {
    if (!reference) {
        return;
    }
    for (int n = 0; reference->nodes && n < reference->graph->node_count; n++) {
        cnn_free(reference->nodes[n].value);
        cnn_free(reference->nodes[n].gradient);
        cnn_free(reference->nodes[n].parts[0]);
        cnn_free(reference->nodes[n].parts[1]);
    }
    cnn_free(reference->nodes);
    cnn_free(reference);
}

const double *cnn_reference_network_logits(const cnn_reference_network *reference) {
    return reference->nodes[cnn_graph_result(reference->graph)].value;
}

/* The data of node n; x: the images. */
static cnn_reference_pass pass_of(const cnn_reference_network *reference, int n, int N,
                                  const double *parameters, const double *x) {
    const cnn_node *node = &reference->graph->nodes[n];
    node_values *mine = &reference->nodes[n];
    cnn_reference_pass pass = {.N = N,
                               .parameters = parameters + node->parameter_offset,
                               .y = mine->value,
                               .dy = mine->gradient};
    for (int k = 0; k < node->input_count; k++) {
        int input = node->input[k];
        pass.x[k] = input == 0 ? x : reference->nodes[input].value;
        pass.dx[k] = mine->parts[k] ? mine->parts[k] : reference->nodes[input].gradient;
    }
    return pass;
}

double cnn_reference_network_loss(cnn_reference_network *reference, int n, const double *parameters,
                                  const double *x, const uint8_t *labels, uint64_t *pattern) {
    const cnn_graph *graph = reference->graph;
    uint64_t hash = CNN_HASH_START;
    for (int i = 1; i < graph->node_count - 1; i++) {
        const cnn_node *node = &graph->nodes[i];
        const cnn_reference_pass pass = pass_of(reference, i, n, parameters, x);
        if (pattern && node->ops->reference_pattern) {
            hash = node->ops->reference_pattern(node, n, pass.x[0], hash);
        }
        node->ops->reference_forward(node, &pass);
    }
    if (pattern) {
        *pattern = hash;
    }
    const double *logits = cnn_reference_network_logits(reference);
    double sum = 0.0;
    for (int j = 0; j < n; j++) {
        sum += cnn_loss_double(logits[j], labels[j]);
    }
    return sum / n;
}

/* Adds the parts of later readers to the gradient of the output of node i. */
static void add_parts(cnn_reference_network *reference, int i, size_t count) {
    for (int r = i + 1; r < reference->graph->node_count - 1; r++) {
        const cnn_node *reader = &reference->graph->nodes[r];
        for (int k = 0; k < reader->input_count; k++) {
            const double *part = reader->input[k] == i ? reference->nodes[r].parts[k] : NULL;
            for (size_t j = 0; part && j < count; j++) {
                reference->nodes[i].gradient[j] += part[j];
            }
        }
    }
}

void cnn_reference_network_gradients(cnn_reference_network *reference, int n,
                                     const double *parameters, const double *x,
                                     const uint8_t *labels, double *gradients) {
    const cnn_graph *graph = reference->graph;
    int logit = cnn_graph_result(graph);
    memset(gradients, 0, graph->parameter_count * sizeof *gradients);
    for (int j = 0; j < n; j++) {
        reference->nodes[logit].gradient[j] =
            cnn_loss_gradient_double(reference->nodes[logit].value[j], labels[j], n);
    }
    for (int i = logit; i > 0; i--) {
        const cnn_node *node = &graph->nodes[i];
        cnn_reference_pass pass = pass_of(reference, i, n, parameters, x);
        pass.gradients = gradients + node->parameter_offset;
        add_parts(reference, i, (size_t)n * cnn_shape_size(&node->out));
        if (pass.dx[0] || pass.dx[1] || node->parameter_count > 0) {
            node->ops->reference_backward(node, &pass);
        }
    }
}
