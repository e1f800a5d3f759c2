/* The kind of value of the key `layers`: a list of layers, in which a residual contains a list of
 * its own. The keys of each layer are rows of the layer's table (nn/layer.h). */
#include "config/keys.h"
#include "config/reader.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>

enum { NAMES_MAX = 64 };

/* True if the layer contains a list of layers, under the key "layers". */
static bool has_list(const cnn_layer_ops *ops) {
    return ops->join != NULL;
}

/* --- reading --- */

static cnn_status read_list(const cnn_reader *reader, const char *place, const cJSON *list,
                            int depth, cnn_network_spec *network);

/* Reads a residual's layers, which follow it in the network's list. */
static cnn_status read_residual(const cnn_reader *reader, const char *place, const cJSON *item,
                                int depth, cnn_network_spec *network) {
    char list_place[CNN_CONFIG_PLACE_SIZE];
    cnn_reader_place(list_place, "%s.layers", place);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(item, "layers");
    if (!list) {
        return cnn_reader_fail(reader, list_place, "missing; a residual has a list of layers");
    }
    if (depth == CNN_RESIDUAL_DEPTH_MAX) {
        return cnn_reader_fail(reader, place, "expected at most %d residuals in each other",
                               CNN_RESIDUAL_DEPTH_MAX);
    }
    return read_list(reader, list_place, list, depth + 1, network);
}

/* Reads the layer's `type`. */
static cnn_status read_type(const cnn_reader *reader, const char *place, const cJSON *item,
                            const cnn_layer_ops **ops) {
    char type_place[CNN_CONFIG_PLACE_SIZE];
    cnn_reader_place(type_place, "%s.type", place);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "type");
    if (!type) {
        return cnn_reader_fail(reader, type_place, "missing; every layer needs a type");
    }
    if (!cJSON_IsString(type)) {
        return cnn_reader_expected(reader, type_place, "the name of a layer", type);
    }
    *ops = cnn_layer_find(type->valuestring);
    if (*ops) {
        return CNN_OK;
    }
    const char *names[NAMES_MAX] = {0};
    for (size_t i = 0; cnn_layer_registry[i] && i + 1 < NAMES_MAX; i++) {
        names[i] = cnn_layer_registry[i]->name;
    }
    return cnn_reader_unknown(reader, type_place, "layer", type->valuestring, names);
}

static cnn_status read_layer(const cnn_reader *reader, const char *place, const cJSON *item,
                             int depth, cnn_network_spec *network) {
    cnn_layer_spec *layer = &network->layers[network->layer_count++]; /* it has space for all */
    layer->depth = depth;
    if (!cJSON_IsObject(item)) {
        return cnn_reader_expected(reader, place, "an object such as {\"type\": \"relu\"}", item);
    }
    CNN_TRY(read_type(reader, place, item, &layer->ops));
    const cnn_key *keys = layer->ops->keys;
    const char *names[NAMES_MAX] = {"type"};
    size_t count = 1;
    for (const cnn_key *key = keys; key->name; key++) {
        names[count++] = key->name;
    }
    if (has_list(layer->ops)) {
        names[count] = "layers";
    }
    CNN_TRY(cnn_reader_check_names(reader, place, item, names));
    for (const cnn_key *key = keys; key->name; key++) {
        char key_place[CNN_CONFIG_PLACE_SIZE];
        cnn_reader_place(key_place, "%s.%s", place, key->name);
        CNN_TRY(cnn_reader_read_key(reader, key_place, keys, key,
                                    cJSON_GetObjectItemCaseSensitive(item, key->name), layer));
    }
    return has_list(layer->ops) ? read_residual(reader, place, item, depth, network) : CNN_OK;
}

static void describe_layers(const cnn_key *key, cnn_text *text) {
    (void)key;
    cnn_text_format(text, "a list of 1 to %d layers", CNN_LAYERS_MAX);
}

static cnn_status read_list(const cnn_reader *reader, const char *place, const cJSON *list,
                            int depth, cnn_network_spec *network) {
    if (!cJSON_IsArray(list) || !list->child) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "a list of 1 to %d layers", CNN_LAYERS_MAX);
        return cnn_reader_expected(reader, place, expected, list);
    }
    int i = 0;
    for (const cJSON *item = list->child; item; item = item->next, i++) {
        char item_place[CNN_CONFIG_PLACE_SIZE];
        cnn_reader_place(item_place, "%s[%d]", place, i);
        CNN_TRY(read_layer(reader, item_place, item, depth, network));
    }
    return CNN_OK;
}

/* Counts the layers of a list and of the residuals in it. */
static size_t count_layers(const cJSON *list, int depth) {
    size_t count = 0;
    if (!cJSON_IsArray(list) || depth > CNN_RESIDUAL_DEPTH_MAX) {
        return 0;
    }
    for (const cJSON *item = list->child; item; item = item->next) {
        count += 1 + count_layers(cJSON_GetObjectItemCaseSensitive(item, "layers"), depth + 1);
    }
    return count;
}

static cnn_parse_result parse_layers(const cnn_key *key, const cJSON *json,
                                     const struct cnn_reader *reader, void *field) {
    cnn_network_spec *network = field;
    const size_t room = count_layers(json, 0);
    if (cJSON_GetArraySize(json) > CNN_LAYERS_MAX || room > CNN_LAYERS_MAX) {
        return CNN_PARSE_MISFIT;
    }
    network->layers = cnn_alloc(room, sizeof *network->layers);
    if (!network->layers) {
        return CNN_PARSE_NO_MEMORY;
    }
    const cnn_status status = read_list(reader, key->name, json, 0, network);
    return status == CNN_OK             ? CNN_PARSE_OK
           : status == CNN_ERROR_CONFIG ? CNN_PARSE_REPORTED
                                        : CNN_PARSE_NO_MEMORY;
}

/* --- writing --- */

/* Writes the layers from *next on that are at least `depth` residuals deep, and moves *next to the
 * first that is not. The layers of a residual form a separate list. */
static void write_list(cnn_json_writer *json, const cnn_network_spec *network, int depth,
                       int *next) {
    cnn_json_begin_array(json);
    while (*next < network->layer_count && network->layers[*next].depth >= depth) {
        const cnn_layer_spec *layer = &network->layers[(*next)++];
        cnn_json_begin_object(json);
        cnn_json_string(cnn_json_key(json, "type"), layer->ops->name);
        for (const cnn_key *key = layer->ops->keys; key->name; key++) {
            if (cnn_key_is_written(key, layer)) {
                key->kind->write(key, cnn_key_value(key, layer), cnn_json_key(json, key->name));
            }
        }
        if (has_list(layer->ops)) {
            write_list(cnn_json_key(json, "layers"), network, depth + 1, next);
        }
        cnn_json_end(json);
    }
    cnn_json_end(json);
}

static void write_layers(const cnn_key *key, const void *field, cnn_json_writer *json) {
    (void)key;
    int next = 0;
    write_list(json, field, 0, &next);
}

/* --- schema --- */

static void add_layer_schema(cnn_json_writer *json, const cnn_layer_ops *ops) {
    cnn_json_begin_object(json);
    cnn_json_string(cnn_json_key(json, "description"), ops->help);
    cnn_json_string(cnn_json_key(json, "type"), "object");
    cnn_json_begin_object(cnn_json_key(json, "properties"));
    cnn_json_begin_object(cnn_json_key(json, "type"));
    cnn_json_string(cnn_json_key(json, "const"), ops->name);
    cnn_json_end(json);
    for (const cnn_key *key = ops->keys; key->name; key++) {
        cnn_json_begin_object(cnn_json_key(json, key->name));
        cnn_key_schema(key, json);
        cnn_json_end(json);
    }
    if (has_list(ops)) {
        cnn_json_begin_object(cnn_json_key(json, "layers"));
        cnn_json_string(cnn_json_key(json, "$ref"), "#/properties/layers");
        cnn_json_end(json);
    }
    cnn_json_end(json);
    cnn_json_begin_array(cnn_json_key(json, "required"));
    cnn_json_string(json, "type");
    for (const cnn_key *key = ops->keys; key->name; key++) {
        if (key->required) {
            cnn_json_string(json, key->name);
        }
    }
    if (has_list(ops)) {
        cnn_json_string(json, "layers");
    }
    cnn_json_end(json);
    cnn_json_boolean(cnn_json_key(json, "additionalProperties"), false);
    cnn_json_end(json);
}

static void schema_layers(const cnn_key *key, cnn_json_writer *json) {
    (void)key;
    cnn_json_begin_object(cnn_json_key(json, "items"));
    cnn_json_begin_array(cnn_json_key(json, "oneOf"));
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        add_layer_schema(json, *ops);
    }
    cnn_json_end(json);
    cnn_json_end(json);
    cnn_json_string(cnn_json_key(json, "type"), "array");
    cnn_json_integer(cnn_json_key(json, "minItems"), 1);
    cnn_json_integer(cnn_json_key(json, "maxItems"), CNN_LAYERS_MAX);
}

static void release_layers(void *field) {
    cnn_free(((cnn_network_spec *)field)->layers);
}

const cnn_value_kind cnn_kind_layers = {
    .size = sizeof(cnn_network_spec),
    .parse = parse_layers,
    .write = write_layers,
    .describe = describe_layers,
    .schema = schema_layers,
    .release = release_layers,
};
