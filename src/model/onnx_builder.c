#include "model/onnx_builder.h"

#include "base/memory.h"

#include <string.h>

#include "onnx.pb-c.h"

/* Everything that messages point to is in blocks, which are freed together. */
typedef struct block {
    struct block *next;
    max_align_t memory[];
} block;

/* A list of messages that grows. */
typedef struct list {
    void **items;
    size_t count, capacity;
} list;

struct cnn_onnx_node {
    Onnx__NodeProto proto;
    list inputs, attributes;
};

struct cnn_onnx_builder {
    block *blocks;
    bool failed; /* memory was refused */
    int64_t opset;
    list nodes, constants, inputs, outputs, metadata;
};

/* --- memory --- */

/* Zeroed. On failure, the builder's failed is set, and the result is NULL. */
static void *take(cnn_onnx_builder *builder, size_t size) {
    block *taken = builder->failed ? NULL : cnn_alloc(1, sizeof *taken + size);
    if (!taken) {
        builder->failed = true;
        return NULL;
    }
    taken->next = builder->blocks;
    builder->blocks = taken;
    return taken->memory;
}

static void *copy(cnn_onnx_builder *builder, const void *from, size_t size) {
    void *to = take(builder, size);
    if (to && size > 0) {
        memcpy(to, from, size);
    }
    return to;
}

static char *copy_text(cnn_onnx_builder *builder, const char *text) {
    return copy(builder, text, strlen(text) + 1);
}

static void append(cnn_onnx_builder *builder, list *to, void *item) {
    if (to->count == to->capacity) {
        size_t capacity = to->capacity > 0 ? 2 * to->capacity : 8;
        void **items = take(builder, capacity * sizeof *items);
        if (!items) {
            return;
        }
        if (to->count > 0) {
            memcpy(items, to->items, to->count * sizeof *items);
        }
        to->items = items;
        to->capacity = capacity;
    }
    to->items[to->count++] = item;
}

cnn_onnx_builder *cnn_onnx_create(int64_t opset) {
    cnn_onnx_builder *builder = cnn_alloc(1, sizeof *builder);
    if (builder) {
        builder->opset = opset;
    }
    return builder;
}

void cnn_onnx_free(cnn_onnx_builder *builder) {
    while (builder && builder->blocks) {
        block *next = builder->blocks->next;
        cnn_free(builder->blocks);
        builder->blocks = next;
    }
    cnn_free(builder);
}

void cnn_onnx_fail(cnn_onnx_builder *builder) {
    builder->failed = true;
}

/* --- nodes --- */

cnn_onnx_node *cnn_onnx_add(cnn_onnx_builder *builder, const char *type, const char *name) {
    cnn_onnx_node *node = take(builder, sizeof *node);
    char **output = take(builder, sizeof *output);
    if (!node || !output) {
        return NULL;
    }
    onnx__node_proto__init(&node->proto);
    *output = copy_text(builder, name);
    node->proto.op_type = copy_text(builder, type);
    node->proto.name = *output;
    node->proto.output = output;
    node->proto.n_output = 1;
    append(builder, &builder->nodes, node);
    return node;
}

void cnn_onnx_read(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *input) {
    if (node) {
        append(builder, &node->inputs, copy_text(builder, input));
    }
}

/* A new attribute of the node; NULL if memory is refused. */
static Onnx__AttributeProto *add_attribute(cnn_onnx_builder *builder, cnn_onnx_node *node,
                                           const char *name,
                                           Onnx__AttributeProto__AttributeType type) {
    Onnx__AttributeProto *attribute = node ? take(builder, sizeof *attribute) : NULL;
    if (attribute) {
        onnx__attribute_proto__init(attribute);
        attribute->name = copy_text(builder, name);
        attribute->has_type = 1;
        attribute->type = type;
        append(builder, &node->attributes, attribute);
    }
    return attribute;
}

void cnn_onnx_int(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                  int64_t value) {
    Onnx__AttributeProto *added =
        add_attribute(builder, node, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (added) {
        added->has_i = 1;
        added->i = value;
    }
}

void cnn_onnx_ints(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                   const int64_t *values, size_t count) {
    Onnx__AttributeProto *added =
        add_attribute(builder, node, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    if (added) {
        added->ints = copy(builder, values, count * sizeof *values);
        added->n_ints = added->ints ? count : 0;
    }
}

void cnn_onnx_float(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                    float value) {
    Onnx__AttributeProto *added =
        add_attribute(builder, node, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (added) {
        added->has_f = 1;
        added->f = value;
    }
}

void cnn_onnx_string(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                     const char *value) {
    Onnx__AttributeProto *added =
        add_attribute(builder, node, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (added) {
        added->has_s = 1;
        added->s.len = strlen(value);
        added->s.data = copy(builder, value, added->s.len);
    }
}

/* --- constants --- */

static void add_constant(cnn_onnx_builder *builder, const char *name, cnn_onnx_type type,
                         const void *values, size_t size, const int64_t *dim, size_t rank) {
    Onnx__TensorProto *tensor = take(builder, sizeof *tensor);
    if (!tensor) {
        return;
    }
    onnx__tensor_proto__init(tensor);
    tensor->name = copy_text(builder, name);
    tensor->has_data_type = 1;
    tensor->data_type = (int32_t)type;
    tensor->dims = copy(builder, dim, rank * sizeof *dim);
    tensor->n_dims = tensor->dims ? rank : 0;
    tensor->has_raw_data = 1; /* little-endian, as the processors that the project runs on */
    tensor->raw_data.data = copy(builder, values, size);
    tensor->raw_data.len = tensor->raw_data.data ? size : 0;
    append(builder, &builder->constants, tensor);
}

void cnn_onnx_floats(cnn_onnx_builder *builder, const char *name, const float *values,
                     const int *dim, int rank) {
    int64_t wide[4];
    size_t count = 1;
    for (int d = 0; d < rank; d++) {
        wide[d] = dim[d];
        count *= (size_t)dim[d];
    }
    add_constant(builder, name, CNN_ONNX_FLOAT, values, count * sizeof *values, wide, (size_t)rank);
}

void cnn_onnx_integers(cnn_onnx_builder *builder, const char *name, const int64_t *values,
                       size_t count) {
    const int64_t dim = (int64_t)count;
    add_constant(builder, name, CNN_ONNX_INT64, values, count * sizeof *values, &dim, 1);
}

/* --- inputs and outputs --- */

/* The names of free dimensions, by -dim - 1. */
static const char *const free_names[] = {"N", "height", "width"};

static Onnx__TensorShapeProto *make_shape(cnn_onnx_builder *builder, const int *dim, int rank) {
    typedef Onnx__TensorShapeProto__Dimension dimension;
    Onnx__TensorShapeProto *shape = take(builder, sizeof *shape);
    dimension *dimensions = take(builder, (size_t)rank * sizeof *dimensions);
    dimension **pointers = take(builder, (size_t)rank * sizeof *pointers);
    if (!shape || !dimensions || !pointers) {
        return NULL;
    }
    onnx__tensor_shape_proto__init(shape);
    for (int d = 0; d < rank; d++) {
        pointers[d] = &dimensions[d];
        onnx__tensor_shape_proto__dimension__init(pointers[d]);
        if (dim[d] < 0) {
            pointers[d]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            pointers[d]->dim_param = copy_text(builder, free_names[-dim[d] - 1]);
        } else {
            pointers[d]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            pointers[d]->dim_value = dim[d];
        }
    }
    shape->n_dim = (size_t)rank;
    shape->dim = pointers;
    return shape;
}

static void add_value(cnn_onnx_builder *builder, list *to, const char *name, cnn_onnx_type type,
                      const int *dim, int rank) {
    Onnx__ValueInfoProto *value = take(builder, sizeof *value);
    Onnx__TypeProto *value_type = take(builder, sizeof *value_type);
    Onnx__TypeProto__Tensor *tensor = take(builder, sizeof *tensor);
    if (!value || !value_type || !tensor) {
        return;
    }
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = (int32_t)type;
    tensor->shape = make_shape(builder, dim, rank);
    onnx__type_proto__init(value_type);
    value_type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    value_type->tensor_type = tensor;
    onnx__value_info_proto__init(value);
    value->name = copy_text(builder, name);
    value->type = value_type;
    append(builder, to, value);
}

void cnn_onnx_input(cnn_onnx_builder *builder, const char *name, cnn_onnx_type type, const int *dim,
                    int rank) {
    add_value(builder, &builder->inputs, name, type, dim, rank);
}

void cnn_onnx_output(cnn_onnx_builder *builder, const char *name, cnn_onnx_type type,
                     const int *dim, int rank) {
    add_value(builder, &builder->outputs, name, type, dim, rank);
}

void cnn_onnx_metadata(cnn_onnx_builder *builder, const char *key, const char *value) {
    Onnx__StringStringEntryProto *entry = take(builder, sizeof *entry);
    if (entry) {
        onnx__string_string_entry_proto__init(entry);
        entry->key = copy_text(builder, key);
        entry->value = copy_text(builder, value);
        append(builder, &builder->metadata, entry);
    }
}

/* --- bytes --- */

/* The version of the format itself: that of ONNX 1.8, which had opset 13, or of ONNX 1.10 to 1.13,
 * which had opsets 15 to 18. */
enum { IR_VERSION = 7, OPSET_IR_8 = 15, IR_VERSION_8 = 8 };

/* Gives the nodes what was added to them. */
static void finish_nodes(const cnn_onnx_builder *builder) {
    for (size_t i = 0; i < builder->nodes.count; i++) {
        cnn_onnx_node *node = builder->nodes.items[i];
        node->proto.n_input = node->inputs.count;
        node->proto.input = (char **)node->inputs.items;
        node->proto.n_attribute = node->attributes.count;
        node->proto.attribute = (Onnx__AttributeProto **)node->attributes.items;
    }
}

static void pack(const Onnx__ModelProto *model, cnn_text *bytes) {
    size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *packed = cnn_alloc(size, 1);
    if (!packed) {
        bytes->failed = true;
        return;
    }
    (void)onnx__model_proto__pack(model, packed);
    cnn_text_append(bytes, (const char *)packed, size);
    cnn_free(packed);
}

void cnn_onnx_finish(cnn_onnx_builder *builder, const char *graph_name, const char *producer,
                     const char *version, cnn_text *bytes) {
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    graph.name = copy_text(builder, graph_name);
    graph.n_node = builder->nodes.count;
    graph.node = (Onnx__NodeProto **)builder->nodes.items;
    graph.n_initializer = builder->constants.count;
    graph.initializer = (Onnx__TensorProto **)builder->constants.items;
    graph.n_input = builder->inputs.count;
    graph.input = (Onnx__ValueInfoProto **)builder->inputs.items;
    graph.n_output = builder->outputs.count;
    graph.output = (Onnx__ValueInfoProto **)builder->outputs.items;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *opsets[] = {&opset};
    opset.domain = copy_text(builder, "");
    opset.has_version = 1;
    opset.version = builder->opset;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    model.has_ir_version = 1;
    model.ir_version = builder->opset < OPSET_IR_8 ? IR_VERSION : IR_VERSION_8;
    model.producer_name = copy_text(builder, producer);
    model.producer_version = copy_text(builder, version);
    model.n_opset_import = 1;
    model.opset_import = opsets;
    model.graph = &graph;
    model.n_metadata_props = builder->metadata.count;
    model.metadata_props = (Onnx__StringStringEntryProto **)builder->metadata.items;
    finish_nodes(builder);
    if (builder->failed) {
        bytes->failed = true;
    } else {
        pack(&model, bytes);
    }
}
