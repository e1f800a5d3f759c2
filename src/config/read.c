/* Reads JSON text, with overrides applied, into a checked cnn_config. */
#include "config/keys.h"
#include "config/override.h"
#include "config/reader.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_MAX = 64 };

/* --- sections --- */

/* Returns the value at the first `length` bytes of a dotted path, or NULL. */
static const cJSON *find(const cJSON *root, const char *path, size_t length) {
    const char *end = path + length;
    while (root && path < end) {
        size_t part = strcspn(path, ".");
        char name[32];
        part = part < (size_t)(end - path) ? part : (size_t)(end - path);
        (void)snprintf(name, sizeof name, "%.*s", (int)part, path);
        root = cJSON_GetObjectItemCaseSensitive(root, name);
        path += part + 1;
    }
    return root;
}

/* Lists the names that are allowed in a section ("" for the top level), each once. names:
 * [NAMES_MAX], ends with NULL. buffer: memory for the names of sections. */
static void names_in(const char *section, char buffer[NAMES_MAX][32], const char **names) {
    size_t count = 0;
    const size_t length = strlen(section);
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        const char *name = key->name;
        if (length > 0) {
            if (strncmp(name, section, length) != 0 || name[length] != '.') {
                continue;
            }
            name += length + 1;
        }
        (void)snprintf(buffer[count], sizeof buffer[count], "%.*s", (int)strcspn(name, "."), name);
        if (count == 0 || strcmp(names[count - 1], buffer[count]) != 0) {
            names[count] = buffer[count];
            count++;
        }
    }
    names[count] = NULL;
}

/* Checks one object of the config for unknown and duplicate keys. */
static cnn_status check_names(const cnn_reader *reader, const char *section, const cJSON *object) {
    char buffer[NAMES_MAX][32];
    const char *names[NAMES_MAX];
    names_in(section, buffer, names);
    return cnn_reader_check_names(reader, section, object, names);
}

/* Checks a section, the first `length` bytes of a key's path: if it exists, it must be an object
 * with known keys. */
static cnn_status check_section(const cnn_reader *reader, const cJSON *root, const char *path,
                                size_t length) {
    char section[CNN_CONFIG_PLACE_SIZE];
    (void)snprintf(section, sizeof section, "%.*s", (int)length, path);
    const cJSON *object = find(root, path, length);
    if (!object) {
        return CNN_OK;
    }
    return cJSON_IsObject(object) ? check_names(reader, section, object)
                                  : cnn_reader_expected(reader, section, "an object { … }", object);
}

static cnn_status check_structure(const cnn_reader *reader, const cJSON *root) {
    CNN_TRY(check_names(reader, "", root));
    const char *before = ""; /* the previous key, whose sections have been checked */
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        for (const char *dot = strchr(key->name, '.'); dot; dot = strchr(dot + 1, '.')) {
            const size_t length = (size_t)(dot - key->name);
            if (strncmp(before, key->name, length + 1) != 0) {
                CNN_TRY(check_section(reader, root, key->name, length));
            }
        }
        before = key->name;
    }
    return CNN_OK;
}

/* --- values --- */

/* Fails if two values exclude each other. with_folds: checks the rows for cross-validation instead
 * of the others. */
static cnn_status check_conflicts(const cnn_reader *reader, const cnn_config *config,
                                  bool with_folds) {
    for (const cnn_config_conflict *conflict = cnn_config_conflicts; conflict->key; conflict++) {
        if (conflict->with_folds != with_folds || !conflict->found(config)) {
            continue;
        }
        cnn_text value = {0};
        cnn_json_writer json = cnn_json_writer_start(&value, CNN_JSON_COMPACT);
        cnn_config_write_key(config, conflict->key, &json);
        const cnn_status status =
            value.failed ? cnn_fail_memory(reader->error, conflict->key)
                         : cnn_reader_fail(reader, conflict->key, "expected %s, got %.100s",
                                           conflict->expected, value.data);
        cnn_text_free(&value);
        return status;
    }
    return CNN_OK;
}

cnn_status cnn_config_check_folds(const cnn_config *config, cnn_error *error) {
    const cnn_reader reader = {.error = error};
    return check_conflicts(&reader, config, true);
}

/* Checks that the layers fit the image and each other. */
static cnn_status check_network(const cnn_reader *reader, cnn_config *config) {
    config->network.input = (cnn_shape){.channels = (int)config->image.channels,
                                        .height = (int)config->image.height,
                                        .width = (int)config->image.width};
    if (config->pretrained.file) {
        return CNN_OK; /* the layers follow those of the file, which is read when it is used */
    }
    cnn_error found;
    const cnn_status status = cnn_graph_check(&config->network, &found);
    if (status != CNN_ERROR_CONFIG) { /* success, or memory was refused */
        return status == CNN_OK ? status : cnn_fail(reader->error, status, "%s", found.message);
    }
    char place[CNN_CONFIG_PLACE_SIZE];
    cnn_reader_place(place, "%.*s", (int)strcspn(found.message, ":"), found.message);
    return cnn_fail(reader->error, CNN_ERROR_CONFIG, "%s: %s", cnn_reader_origin(reader, place),
                    found.message);
}

/* Reads all keys, or those stored in a model, and checks that no values exclude each other. */
static cnn_status read_keys(const cnn_reader *reader, const cJSON *root, bool model_only,
                            cnn_config *config) {
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        if (key->in_model || !model_only) {
            CNN_TRY(cnn_reader_read_key(reader, key->name, NULL, key,
                                        find(root, key->name, strlen(key->name)), config));
        }
    }
    CNN_TRY(check_network(reader, config));
    return model_only ? CNN_OK : check_conflicts(reader, config, false);
}

cnn_status cnn_config_read_image_and_layers(const char *name, const cJSON *json, cnn_config *config,
                                            cnn_error *error) {
    const cnn_reader reader = {.file = name, .error = error};
    CNN_TRY(check_structure(&reader, json));
    return read_keys(&reader, json, true, config);
}

cnn_status cnn_config_read_model_part(const cJSON *json, cnn_config *config, cnn_error *error) {
    const cnn_reader reader = {.file = "cnntrain.config", .error = error};
    return read_keys(&reader, json, true, config);
}

/* --- files --- */

/* Fails if override i, of a sweep file, would replace what an earlier one has set. */
static cnn_status check_replaced(const cnn_reader *reader, size_t i) {
    const char *place = reader->override_places[i];
    size_t length = strlen(place);
    for (size_t other = 0; other < i && i >= reader->command_line_count; other++) {
        const char *before = reader->override_places[other];
        if (strncmp(place, before, length) == 0 &&
            (!before[length] || strchr(".[", before[length]))) {
            return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                            "%s: %s: would replace %s, which is set on the command line",
                            reader->sweep, place, before);
        }
    }
    return CNN_OK;
}

/* Applies the overrides to the tree, and reads it. */
static cnn_status read_tree(cnn_reader *reader, cJSON *root, const cnn_config_overrides *overrides,
                            cnn_config *config) {
    reader->overrides = overrides->rows;
    reader->command_line_count = overrides->count - overrides->swept;
    reader->sweep = overrides->sweep;
    for (size_t i = 0; i < overrides->count; i++) {
        CNN_TRY(cnn_config_override(root, overrides->rows[i], cnn_reader_override_origin(reader, i),
                                    reader->override_places[i], reader->error));
        CNN_TRY(check_replaced(reader, i));
        reader->override_count = i + 1;
    }
    CNN_TRY(check_structure(reader, root));
    return read_keys(reader, root, false, config);
}

cnn_status cnn_config_parse_with(const char *name, const char *text, size_t size,
                                 const cnn_config_overrides *overrides, cnn_config **out,
                                 cnn_error *error) {
    *out = NULL;
    cnn_reader reader = {.file = name, .error = error};
    cJSON *root = NULL;
    cnn_config *config = cnn_alloc(1, sizeof *config);
    reader.override_places = cnn_alloc(overrides->count, sizeof *reader.override_places);
    cnn_status status = config && reader.override_places
                            ? cnn_reader_parse(&reader, text, size, &root)
                            : cnn_fail_memory(error, "the config");
    if (status == CNN_OK) {
        status = read_tree(&reader, root, overrides, config);
    }
    cJSON_Delete(root);
    cnn_free(reader.override_places);
    if (status == CNN_OK) {
        *out = config;
    } else {
        cnn_config_free(config);
    }
    return status;
}

cnn_status cnn_config_parse(const char *name, const char *text, size_t size,
                            const char *const *overrides, size_t override_count, cnn_config **out,
                            cnn_error *error) {
    const cnn_config_overrides rows = {.rows = overrides, .count = override_count};
    return cnn_config_parse_with(name, text, size, &rows, out, error);
}

void cnn_config_note_source(cnn_config *config, const char *path) {
    struct stat about;
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
        config->source.known = true;
        config->source.device = about.st_dev;
        config->source.inode = about.st_ino;
    }
}

cnn_status cnn_config_load(const char *path, const char *const *overrides, size_t override_count,
                           cnn_config **out, cnn_error *error) {
    *out = NULL;
    char *text = NULL;
    size_t size;
    cnn_status status =
        cnn_file_read(path, CNN_CONFIG_FILE_LIMIT, CNN_ERROR_CONFIG, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = cnn_config_parse(path, text, size, overrides, override_count, out, error);
    cnn_free(text);
    if (status == CNN_OK) {
        cnn_config_note_source(*out, path);
    }
    return status;
}

void cnn_config_free(cnn_config *config) {
    const cnn_key *key;
    for (int i = 0; config && (key = cnn_config_key(i)); i++) {
        if (key->kind->release) {
            key->kind->release(cnn_key_field(key, config));
        }
    }
    cnn_free(config);
}
