#include "model/onnx_reader.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

#include <string.h>

/* The largest message that protobuf allows. */
#define FILE_LIMIT ((size_t)1 << 31)

/* Messages in messages. The deepest that a plain network needs is the name of a dimension (7); a
 * graph in a node takes three more. Unpacking is recursive. */
enum { DEPTH_MAX = 32 };

/* --- nesting, on the bytes --- */

typedef struct bytes {
    const uint8_t *at, *end;
} bytes;

static bool read_varint(bytes *from, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64 && from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool skip(bytes *from, uint64_t count) {
    if (count > (uint64_t)(from->end - from->at)) {
        return false;
    }
    from->at += count;
    return true;
}

/* One message that is being looked through, inside those before it. */
typedef struct level {
    bytes rest;
    const ProtobufCMessageDescriptor *type;
} level;

/* Skips a field, whose number and type of encoding are in `tag`, or enters the message in it. False
 * if it does not fit, or is nested too deeply. */
static bool pass_field(level levels[DEPTH_MAX], int *depth, uint64_t tag) {
    enum { VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 5 };
    level *current = &levels[*depth];
    uint64_t value;
    switch (tag & 7) {
    case VARINT:
        return read_varint(&current->rest, &value);
    case EIGHT_BYTES:
        return skip(&current->rest, 8);
    case FOUR_BYTES:
        return skip(&current->rest, 4);
    case LENGTH:
        break;
    default:
        return false;
    }
    if (!read_varint(&current->rest, &value)) {
        return false;
    }
    const uint8_t *start = current->rest.at;
    const ProtobufCFieldDescriptor *field =
        tag >> 3 <= UINT32_MAX
            ? protobuf_c_message_descriptor_get_field(current->type, (unsigned)(tag >> 3))
            : NULL;
    if (!skip(&current->rest, value)) {
        return false;
    }
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
        if (++*depth == DEPTH_MAX) {
            return false;
        }
        levels[*depth] =
            (level){.rest = {.at = start, .end = current->rest.at}, .type = field->descriptor};
    }
    return true;
}

/* Do the lengths of fields fit a message, and is it not nested too deeply? */
static bool is_message(const uint8_t *data, size_t size) {
    level levels[DEPTH_MAX];
    int depth = 0;
    levels[0] =
        (level){.rest = {.at = data, .end = data + size}, .type = &onnx__model_proto__descriptor};
    while (depth >= 0) {
        uint64_t tag;
        if (levels[depth].rest.at == levels[depth].rest.end) {
            depth--;
        } else if (!read_varint(&levels[depth].rest, &tag) || !pass_field(levels, &depth, tag)) {
            return false;
        }
    }
    return true;
}

/* --- unpacking --- */

/* What may be taken in all while messages are unpacked. A message of two bytes takes a hundred. */
typedef struct budget {
    size_t left;
    bool refused; /* memory was refused, not the budget */
} budget;

static void *take(void *context, size_t size) {
    budget *of = context;
    if (size > of->left) {
        return NULL;
    }
    of->left -= size;
    void *memory = cnn_plain_alloc(size);
    of->refused = of->refused || !memory;
    return memory;
}

static void give_back(void *context, void *memory) {
    (void)context;
    cnn_free(memory);
}

static cnn_status unpack(const uint8_t *data, cnn_onnx_file *file, cnn_error *error) {
    budget all = {.left = 2 * file->size + ((size_t)64 << 20)};
    ProtobufCAllocator allocator = {.alloc = take, .free = give_back, .allocator_data = &all};
    if (!is_message(data, file->size)) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected an ONNX file, found something else, or a file cut short");
    }
    file->model = onnx__model_proto__unpack(&allocator, file->size, data);
    if (!file->model && all.refused) {
        return cnn_fail_memory(error, "the network");
    }
    if (!file->model || !file->model->graph) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected an ONNX file with a graph, found something else, or a damaged "
                        "file");
    }
    return CNN_OK;
}

cnn_status cnn_onnx_file_read(const char *path, cnn_onnx_file *file, cnn_error *error) {
    char *data;
    *file = (cnn_onnx_file){0};
    if (cnn_file_is_endless(path)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: expected a file, found a pipe or a device",
                        path);
    }
    cnn_status status = cnn_file_read(path, FILE_LIMIT, CNN_ERROR_MODEL, &data, &file->size, error);
    if (status == CNN_OK) {
        cnn_sha256_hex(data, file->size, file->sha256);
        status = unpack((const uint8_t *)data, file, error);
        cnn_free(data);
    }
    if (status != CNN_OK) {
        cnn_onnx_file_free(file);
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    return CNN_OK;
}

void cnn_onnx_file_free(cnn_onnx_file *file) {
    budget none = {0};
    ProtobufCAllocator allocator = {.alloc = take, .free = give_back, .allocator_data = &none};
    if (file->model) {
        onnx__model_proto__free_unpacked(file->model, &allocator);
    }
    *file = (cnn_onnx_file){0};
}

const char *cnn_onnx_metadata_find(const cnn_onnx_file *file, const char *key) {
    for (size_t i = 0; i < file->model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = file->model->metadata_props[i];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0) {
            return entry->value;
        }
    }
    return NULL;
}

int64_t cnn_onnx_opset(const cnn_onnx_file *file) {
    for (size_t i = 0; i < file->model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = file->model->opset_import[i];
        if (!set->domain || !*set->domain || strcmp(set->domain, "ai.onnx") == 0) {
            return set->version;
        }
    }
    return 0;
}
