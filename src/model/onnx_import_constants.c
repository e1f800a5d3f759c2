/* What the attributes of an ONNX node and its constant inputs are, as numbers. */
#include "model/onnx_import_graph.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* --- attributes --- */

const Onnx__AttributeProto *cnn_onnx_attribute(const cnn_onnx_graph *graph, int node,
                                               const char *name) {
    const Onnx__NodeProto *proto = graph->nodes[node].proto;
    for (size_t i = 0; i < proto->n_attribute; i++) {
        if (proto->attribute[i]->name && strcmp(proto->attribute[i]->name, name) == 0) {
            return proto->attribute[i];
        }
    }
    return NULL;
}

int64_t cnn_onnx_int_of(const cnn_onnx_graph *graph, int node, const char *name, int64_t fallback) {
    const Onnx__AttributeProto *attribute = cnn_onnx_attribute(graph, node, name);
    return attribute ? attribute->i : fallback;
}

double cnn_onnx_float_of(const cnn_onnx_graph *graph, int node, const char *name, double fallback) {
    const Onnx__AttributeProto *attribute = cnn_onnx_attribute(graph, node, name);
    return attribute ? (double)attribute->f : fallback;
}

/* --- constants --- */

bool cnn_onnx_is_constant(const cnn_onnx_graph *graph, int value) {
    return graph->values[value].tensor || graph->values[value].attribute;
}

/* Element `at` of elements of `size` bytes, little-endian, as files have them. */
static uint64_t bits_at(const uint8_t *from, size_t size, size_t at) {
    uint64_t bits = 0;
    for (size_t b = 0; b < size; b++) {
        bits |= (uint64_t)from[at * size + b] << (8 * b);
    }
    return bits;
}

/* The number of elements of a tensor, which is not stored elsewhere. */
static cnn_status measure(const cnn_onnx_graph *graph, int node, const Onnx__TensorProto *tensor,
                          size_t *count, cnn_error *error) {
    *count = 1;
    if (tensor->n_external_data > 0 ||
        (tensor->has_data_location &&
         tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT)) {
        return cnn_onnx_refuse(graph, node, error,
                               "the tensor \"%.60s\" is in another file; expected one ONNX file "
                               "with all weights",
                               tensor->name ? tensor->name : "");
    }
    for (size_t d = 0; d < tensor->n_dims; d++) {
        if (tensor->dims[d] < 0 || tensor->n_dims > 5 ||
            !cnn_multiply_size(*count, (size_t)tensor->dims[d], count)) {
            return cnn_onnx_refuse(graph, node, error, "expected a tensor of another shape");
        }
    }
    return CNN_OK;
}

static cnn_status wrong_size(const cnn_onnx_graph *graph, int node, const Onnx__TensorProto *tensor,
                             const char *type, cnn_error *error) {
    return cnn_onnx_refuse(graph, node, error,
                           "expected the tensor \"%.60s\" to be %s, and as large as its shape says",
                           tensor->name ? tensor->name : "", type);
}

static cnn_status copy_floats(const cnn_onnx_graph *graph, int node,
                              const Onnx__TensorProto *tensor, cnn_onnx_constant *floats,
                              cnn_error *error) {
    bool raw = tensor->has_raw_data;
    CNN_TRY(measure(graph, node, tensor, &floats->count, error));
    size_t there = raw ? tensor->raw_data.len / sizeof(float) : tensor->n_float_data;
    if (tensor->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || there != floats->count ||
        (raw && tensor->raw_data.len % sizeof(float) != 0)) {
        return wrong_size(graph, node, tensor, "float32", error);
    }
    floats->rank = (int)tensor->n_dims;
    for (int d = 0; d < floats->rank; d++) {
        floats->dim[d] = tensor->dims[d];
    }
    floats->data = cnn_alloc(floats->count, sizeof *floats->data);
    if (!floats->data) {
        return cnn_fail_memory(error, "the weights");
    }
    for (size_t i = 0; i < floats->count; i++) {
        if (raw) {
            const uint32_t bits = (uint32_t)bits_at(tensor->raw_data.data, sizeof bits, i);
            memcpy(&floats->data[i], &bits, sizeof bits);
        } else {
            floats->data[i] = tensor->float_data[i];
        }
    }
    return CNN_OK;
}

/* The attribute value_float or value_floats of a node Constant. */
static cnn_status copy_attribute(const cnn_onnx_graph *graph, int node,
                                 const Onnx__AttributeProto *from, cnn_onnx_constant *floats,
                                 cnn_error *error) {
    bool list = from->n_floats > 0;
    if (!list && !from->has_f) {
        return cnn_onnx_refuse(graph, node, error, "expected a constant of float32");
    }
    floats->count = list ? from->n_floats : 1;
    floats->rank = list ? 1 : 0;
    floats->dim[0] = (int64_t)floats->count;
    floats->data = cnn_alloc(floats->count, sizeof *floats->data);
    if (!floats->data) {
        return cnn_fail_memory(error, "the weights");
    }
    memcpy(floats->data, list ? from->floats : &from->f, floats->count * sizeof *floats->data);
    return CNN_OK;
}

static cnn_status need_constant(const cnn_onnx_graph *graph, int node, int k, cnn_error *error) {
    int value = cnn_onnx_input_of(graph, node, k);
    return value >= 0 && cnn_onnx_is_constant(graph, value)
               ? CNN_OK
               : cnn_onnx_refuse(graph, node, error, "expected a constant as input %d, got %s", k,
                                 value < 0 ? "none" : "a value that is computed");
}

cnn_status cnn_onnx_read_floats(const cnn_onnx_graph *graph, int node, int k,
                                cnn_onnx_constant *floats, cnn_error *error) {
    *floats = (cnn_onnx_constant){0};
    CNN_TRY(need_constant(graph, node, k, error));
    const cnn_onnx_value *value = &graph->values[cnn_onnx_input_of(graph, node, k)];
    return value->tensor ? copy_floats(graph, node, value->tensor, floats, error)
                         : copy_attribute(graph, node, value->attribute, floats, error);
}

/* --- integers --- */

static int64_t integer_at(const Onnx__TensorProto *tensor, size_t i) {
    bool wide = tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    if (!tensor->has_raw_data) {
        return wide ? tensor->int64_data[i] : tensor->int32_data[i];
    }
    const uint64_t bits = bits_at(tensor->raw_data.data, wide ? 8 : 4, i);
    return wide ? (int64_t)bits : (int64_t)(int32_t)(uint32_t)bits;
}

static cnn_status copy_integers(const cnn_onnx_graph *graph, int node,
                                const Onnx__TensorProto *tensor, int most, int64_t *integers,
                                int *count, cnn_error *error) {
    size_t wanted;
    CNN_TRY(measure(graph, node, tensor, &wanted, error));
    bool wide = tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    size_t there = tensor->has_raw_data ? tensor->raw_data.len / (wide ? 8 : 4)
                   : wide               ? tensor->n_int64_data
                                        : tensor->n_int32_data;
    if ((!wide && tensor->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__INT32) || there != wanted) {
        return wrong_size(graph, node, tensor, "int64", error);
    }
    if (wanted > (size_t)most) {
        return cnn_onnx_refuse(graph, node, error, "expected at most %d integers, got %zu", most,
                               wanted);
    }
    *count = (int)wanted;
    for (size_t i = 0; i < wanted; i++) {
        integers[i] = integer_at(tensor, i);
    }
    return CNN_OK;
}

cnn_status cnn_onnx_read_integers(const cnn_onnx_graph *graph, int node, int k, int most,
                                  int64_t *integers, int *count, cnn_error *error) {
    CNN_TRY(need_constant(graph, node, k, error));
    return cnn_onnx_value_integers(graph, node, cnn_onnx_input_of(graph, node, k), most, integers,
                                   count, error);
}

cnn_status cnn_onnx_value_integers(const cnn_onnx_graph *graph, int node, int number, int most,
                                   int64_t *integers, int *count, cnn_error *error) {
    const cnn_onnx_value *value = &graph->values[number];
    if (value->tensor) {
        return copy_integers(graph, node, value->tensor, most, integers, count, error);
    }
    const Onnx__AttributeProto *from = value->attribute;
    if (!from || (from->n_ints == 0 && !from->has_i) || from->n_ints > (size_t)most || most < 1) {
        return cnn_onnx_refuse(graph, node, error, "expected a constant of at most %d integers",
                               most);
    }
    *count = from->n_ints > 0 ? (int)from->n_ints : 1;
    for (int i = 0; i < *count; i++) {
        integers[i] = from->n_ints > 0 ? from->ints[i] : from->i;
    }
    return CNN_OK;
}
