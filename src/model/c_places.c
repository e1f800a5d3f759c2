#include "model/c_places.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* A value: when it is needed, and where it is. */
typedef struct value {
    int first, last; /* numbers of nodes: the one that writes it, the last one that reads it */
    size_t offset, size;
} value;

bool cnn_c_writes_over(const cnn_graph *graph, int node) {
    static const char *const types[] = {"relu",    "leaky_relu", "silu",
                                        "flatten", "dropout",    "batchnorm"};
    const cnn_node *n = &graph->nodes[node];
    bool in_place = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        in_place = in_place || strcmp(n->ops->name, types[i]) == 0;
    }
    int reader;
    return in_place && cnn_graph_readers(graph, n->input[0], &reader) == 1;
}

static bool overlap(const value *a, const value *b) {
    bool in_time = a->first <= b->last && b->first <= a->last;
    bool in_space = a->offset < b->offset + b->size && b->offset < a->offset + a->size;
    return in_time && in_space;
}

static bool is_free(const value *placed, const value *values, int count) {
    for (int i = 0; i < count; i++) {
        if (overlap(placed, &values[i])) {
            return false;
        }
    }
    return true;
}

/* Puts values[last] at the lowest offset at which it overlaps none before it: 0, or where one of
 * them ends. */
static void place(value *values, int last) {
    value *placed = &values[last];
    size_t lowest = SIZE_MAX;
    for (int candidate = -1; candidate < last; candidate++) {
        placed->offset = candidate < 0 ? 0 : values[candidate].offset + values[candidate].size;
        if (placed->offset < lowest && is_free(placed, values, last)) {
            lowest = placed->offset;
        }
    }
    placed->offset = lowest;
}

/* Numbers the values; value_of: [result + 1], of each node's output. Returns their number. */
static int find_values(const cnn_graph *graph, int result, value *values, int *value_of) {
    int count = 0;
    for (int n = 0; n <= result; n++) {
        const cnn_node *node = &graph->nodes[n];
        for (int k = 0; k < node->input_count; k++) {
            values[value_of[node->input[k]]].last = n;
        }
        if (n > 0 && cnn_c_writes_over(graph, n)) {
            value_of[n] = value_of[node->input[0]];
        } else {
            values[count] = (value){.first = n, .last = n, .size = cnn_shape_size(&node->out)};
            value_of[n] = count++;
        }
    }
    return count;
}

cnn_status cnn_c_places_create(const cnn_graph *graph, int result, cnn_c_places *places,
                               cnn_error *error) {
    size_t nodes = (size_t)result + 1;
    value *values = cnn_alloc(nodes, sizeof *values);
    int *value_of = cnn_alloc(nodes, sizeof *value_of);
    *places = (cnn_c_places){.offset = cnn_alloc(nodes, sizeof *places->offset)};
    bool complete = values && value_of && places->offset;
    int count = complete ? find_values(graph, result, values, value_of) : 0;
    for (int i = 0; i < count; i++) {
        place(values, i);
        size_t end = values[i].offset + values[i].size;
        places->size = end > places->size ? end : places->size;
    }
    for (size_t n = 0; n < nodes && complete; n++) {
        places->offset[n] = values[value_of[n]].offset;
    }
    cnn_free(values);
    cnn_free(value_of);
    return complete ? CNN_OK : cnn_fail_memory(error, "the C source");
}

void cnn_c_places_free(cnn_c_places *places) {
    cnn_free(places->offset);
    *places = (cnn_c_places){0};
}
