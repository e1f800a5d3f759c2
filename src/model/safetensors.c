#include "model/safetensors_bytes.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"

#include "cnn/version.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FILE_LIMIT ((size_t)8 << 30)
/* A parsed header takes up to forty times the memory of its text. */
#define HEADER_LIMIT ((size_t)16 << 20)
#define DATA_ALIGNMENT 64
#define LENGTH_BYTES 8
#define DIGEST_DIGITS 64

static const char version_key[] = "cnntrain.version";
static const char digest_key[] = "cnntrain.sha256";

/* --- bytes --- */

static void put_length(uint64_t length, char *bytes) {
    for (int i = 0; i < LENGTH_BYTES; i++) {
        bytes[i] = (char)(length >> (8 * i));
    }
}

static uint64_t get_length(const char *bytes) {
    uint64_t length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) {
        length |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return length;
}

static void put_floats(const float *from, size_t count, char *bytes) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &from[i], sizeof bits);
        for (int b = 0; b < 4; b++) {
            *bytes++ = (char)(bits >> (8 * b));
        }
    }
}

static void get_floats(const char *bytes, size_t count, float *to) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        for (int b = 0; b < 4; b++) {
            bits |= (uint32_t)(unsigned char)*bytes++ << (8 * b);
        }
        memcpy(&to[i], &bits, sizeof bits);
    }
}

/* --- writing --- */

static void write_tensor_entry(cnn_json_writer *json, const cnn_saved_tensor *tensor,
                               size_t *offset) {
    cnn_json_begin_object(cnn_json_key(json, tensor->name));
    cnn_json_string(cnn_json_key(json, "dtype"), "F32");
    cnn_json_begin_array(cnn_json_key(json, "shape"));
    for (int d = 0; d < tensor->rank; d++) {
        cnn_json_integer(json, tensor->dim[d]);
    }
    cnn_json_end(json);
    cnn_json_begin_array(cnn_json_key(json, "data_offsets"));
    cnn_json_integer(json, (int64_t)*offset);
    *offset += tensor->count * sizeof(float);
    cnn_json_integer(json, (int64_t)*offset);
    cnn_json_end(json);
    cnn_json_end(json);
}

static void write_header(const cnn_saved_text *texts, size_t text_count,
                         const cnn_saved_tensor *tensors, size_t tensor_count, cnn_text *header) {
    char no_digest[DIGEST_DIGITS + 1] = {0};
    (void)memset(no_digest, '0', DIGEST_DIGITS);
    cnn_json_writer json = cnn_json_writer_start(header, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_begin_object(cnn_json_key(&json, "__metadata__"));
    for (size_t i = 0; i < text_count; i++) {
        cnn_json_string(cnn_json_key(&json, texts[i].key), texts[i].value);
    }
    cnn_json_string(cnn_json_key(&json, version_key), CNN_VERSION);
    cnn_json_string(cnn_json_key(&json, digest_key), no_digest);
    cnn_json_end(&json);
    size_t offset = 0;
    for (size_t i = 0; i < tensor_count; i++) {
        write_tensor_entry(&json, &tensors[i], &offset);
    }
    cnn_json_end(&json);
    while (!header->failed && (LENGTH_BYTES + header->length) % DATA_ALIGNMENT != 0) {
        cnn_text_append(header, " ", 1);
    }
}

/* The position of the 64 digits in a header, after the last `"cnntrain.sha256":"`; NULL: none. */
static char *find_digest(char *header, size_t length) {
    char needle[32] = {0};
    (void)snprintf(needle, sizeof needle, "\"%s\":\"", digest_key);
    size_t needle_length = strlen(needle);
    char *found = NULL;
    for (char *from = header;
         (from = memmem(from, length - (size_t)(from - header), needle, needle_length)) != NULL;
         from++) {
        found = from;
    }
    if (!found || (size_t)(header + length - found) < needle_length + DIGEST_DIGITS) {
        return NULL;
    }
    return found + needle_length;
}

cnn_status cnn_safetensors_write(const char *path, const cnn_saved_text *texts, size_t text_count,
                                 const cnn_saved_tensor *tensors, size_t tensor_count,
                                 cnn_error *error) {
    cnn_text header = {0};
    cnn_status status = CNN_OK;
    char *bytes = NULL;
    write_header(texts, text_count, tensors, tensor_count, &header);
    if (header.length > HEADER_LIMIT) {
        status = cnn_fail(error, CNN_ERROR_RUNTIME,
                          "%s: expected at most %zu MiB of names and texts to write, got more",
                          path, HEADER_LIMIT >> 20);
        goto done;
    }
    size_t floats = 0;
    for (size_t i = 0; i < tensor_count; i++) {
        floats += tensors[i].count;
    }
    size_t start = LENGTH_BYTES + header.length;
    bytes = header.failed ? NULL : cnn_alloc(start + floats * sizeof(float), 1);
    if (!bytes) {
        status = cnn_fail_memory(error, path);
        goto done;
    }
    put_length(header.length, bytes);
    memcpy(bytes + LENGTH_BYTES, header.data, header.length);
    char *to = bytes + start;
    for (size_t i = 0; i < tensor_count; i++) {
        put_floats(tensors[i].data, tensors[i].count, to);
        to += tensors[i].count * sizeof(float);
    }
    char digits[DIGEST_DIGITS + 1];
    cnn_sha256_hex(bytes, (size_t)(to - bytes), digits);
    memcpy(find_digest(bytes + LENGTH_BYTES, header.length), digits, DIGEST_DIGITS);
    status = cnn_file_write(path, bytes, (size_t)(to - bytes), error);
done:
    cnn_free(bytes);
    cnn_text_free(&header);
    return status;
}

/* --- reading --- */

/* The memory of a file that was read. */
typedef struct file_memory {
    cJSON *header;
    float *floats;
} file_memory;

static const char foreign[] = "expected a model (or checkpoint) of cnntrain, found ";

static cnn_status check_version(const char *path, const cJSON *metadata, cnn_error *error) {
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(metadata, version_key);
    if (!cJSON_IsString(version)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: %sa safetensors file without %s", path,
                        foreign, version_key);
    }
    /* files can be read within one major version; before version 1, within one minor version */
    size_t same = strcspn(CNN_VERSION, ".") + 1;
    same += CNN_VERSION[0] == '0' ? strcspn(&CNN_VERSION[same], ".") + 1 : 0;
    if (strncmp(version->valuestring, CNN_VERSION, same) != 0) {
        bool other_pixels = strncmp(version->valuestring, "0.1.", 4) == 0;
        return cnn_fail(
            error, CNN_ERROR_MODEL,
            "%s: written by cnntrain %.20s, which version " CNN_VERSION " cannot read%s", path,
            version->valuestring,
            other_pixels ? ": images were resized in another way, and its network would see "
                           "other pixels now; train it again, or use that version"
                         : "");
    }
    return CNN_OK;
}

static cnn_status check_digest(const char *path, char *bytes, size_t size, size_t header_length,
                               cnn_error *error) {
    char kept[DIGEST_DIGITS];
    char digits[DIGEST_DIGITS + 1];
    char *place = find_digest(bytes + LENGTH_BYTES, header_length);
    if (!place) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: %sa file without %s", path, foreign,
                        digest_key);
    }
    memcpy(kept, place, DIGEST_DIGITS);
    memset(place, '0', DIGEST_DIGITS);
    cnn_sha256_hex(bytes, size, digits);
    memcpy(place, kept, DIGEST_DIGITS);
    if (memcmp(kept, digits, DIGEST_DIGITS) != 0) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "%s: damaged: its SHA-256 is not the one that it was written with", path);
    }
    return CNN_OK;
}

bool cnn_whole_number(const cJSON *item, size_t *out) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0 && item->valuedouble <= 0x1p53) ||
        item->valuedouble > floor(item->valuedouble)) {
        return false;
    }
    *out = (size_t)item->valuedouble;
    return true;
}

/* The entry of one tensor, which must start at *offset of `size` data bytes; *offset becomes its
 * end. */
static bool read_tensor(const cJSON *item, size_t *offset, size_t size, cnn_saved_tensor *tensor) {
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    size_t begin, end;
    if (!cJSON_IsObject(item) || !cJSON_IsString(type) || strcmp(type->valuestring, "F32") != 0 ||
        !cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > 4 || !cJSON_IsArray(offsets) ||
        cJSON_GetArraySize(offsets) != 2 ||
        !cnn_whole_number(cJSON_GetArrayItem(offsets, 0), &begin) ||
        !cnn_whole_number(cJSON_GetArrayItem(offsets, 1), &end) ||
        strlen(item->string) >= sizeof tensor->name) {
        return false;
    }
    (void)memcpy(tensor->name, item->string, strlen(item->string) + 1);
    tensor->count = 1;
    const cJSON *dim;
    cJSON_ArrayForEach(dim, shape) {
        size_t extent;
        if (!cnn_whole_number(dim, &extent) ||
            !cnn_multiply_size(tensor->count, extent, &tensor->count)) {
            return false;
        }
        tensor->dim[tensor->rank++] = (int64_t)extent;
    }
    bool fits = begin == *offset && end >= begin && end <= size &&
                tensor->count == (end - begin) / sizeof(float) &&
                (end - begin) % sizeof(float) == 0;
    *offset = end;
    return fits;
}

static cnn_status read_entries(const char *path, const char *data, size_t size,
                               cnn_saved_file *file, cnn_error *error) {
    file_memory *memory = file->memory;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(memory->header, "__metadata__");
    size_t entries = (size_t)cJSON_GetArraySize(memory->header);
    file->tensors = cnn_alloc(entries, sizeof *file->tensors);
    file->texts = cnn_alloc((size_t)cJSON_GetArraySize(metadata), sizeof *file->texts);
    memory->floats = cnn_alloc(size / sizeof(float), sizeof(float));
    if (!file->tensors || !file->texts || !memory->floats) {
        return cnn_fail_memory(error, path);
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, metadata) {
        if (!cJSON_IsString(item)) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "%s: damaged: __metadata__ holds more than strings", path);
        }
        if (strcmp(item->string, version_key) != 0 && strcmp(item->string, digest_key) != 0) {
            file->texts[file->text_count++] =
                (cnn_saved_text){.key = item->string, .value = item->valuestring};
        }
    }
    size_t offset = 0;
    cJSON_ArrayForEach(item, memory->header) {
        if (item == metadata) {
            continue;
        }
        cnn_saved_tensor *tensor = &file->tensors[file->tensor_count];
        size_t begin = offset;
        if (!read_tensor(item, &offset, size, tensor)) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "%s: damaged: tensor \"%.60s\" does not fit its place in the file",
                            path, item->string);
        }
        tensor->data = memory->floats + begin / sizeof(float);
        file->tensor_count++;
    }
    if (offset != size) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "%s: damaged: expected %zu bytes of tensors, found %zu", path, offset,
                        size);
    }
    get_floats(data, size / sizeof(float), memory->floats);
    return CNN_OK;
}

/* Only the spaces between header and tensors? */
static bool is_padding(const char *from, const char *end) {
    while (from < end && *from == ' ') {
        from++;
    }
    return from == end;
}

/* Parses the header of a file that was read. */
static cnn_status parse_header(const char *path, const char *expected,
                               cnn_safetensors_bytes *opened, cnn_error *error) {
    uint64_t length = opened->size >= LENGTH_BYTES ? get_length(opened->bytes) : 0;
    const char *header = opened->bytes + LENGTH_BYTES;
    if (length < 2 || length > HEADER_LIMIT || length > opened->size - LENGTH_BYTES ||
        *header != '{') {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: %ssomething else, or a file cut short", path,
                        expected);
    }
    const char *rest = NULL;
    bool no_memory;
    opened->header = cnn_json_parse(header, (size_t)length, &rest, false, &no_memory);
    if (no_memory) {
        return cnn_fail_memory(error, path);
    }
    if (!cJSON_IsObject(opened->header) || !is_padding(rest, header + length)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: %sa file without a header like it", path,
                        expected);
    }
    opened->header_length = (size_t)length;
    opened->data = header + length;
    opened->data_size = opened->size - LENGTH_BYTES - (size_t)length;
    return CNN_OK;
}

cnn_status cnn_safetensors_open(const char *path, const char *expected,
                                cnn_safetensors_bytes *opened, cnn_error *error) {
    *opened = (cnn_safetensors_bytes){0};
    if (cnn_file_is_endless(path)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: expected a file, found a pipe or a device",
                        path);
    }
    cnn_status status =
        cnn_file_read(path, FILE_LIMIT, CNN_ERROR_MODEL, &opened->bytes, &opened->size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = parse_header(path, expected, opened, error);
    if (status != CNN_OK) {
        cnn_safetensors_close(opened);
    }
    return status;
}

void cnn_safetensors_close(cnn_safetensors_bytes *opened) {
    cJSON_Delete(opened->header);
    cnn_free(opened->bytes);
    *opened = (cnn_safetensors_bytes){0};
}

/* The file, once it is open: its header becomes part of *file. */
static cnn_status read_opened(const char *path, cnn_safetensors_bytes *opened, cnn_saved_file *file,
                              cnn_error *error) {
    file_memory *memory = cnn_alloc(1, sizeof *memory);
    file->memory = memory;
    if (!memory) {
        return cnn_fail_memory(error, path);
    }
    memory->header = opened->header;
    opened->header = NULL;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(memory->header, "__metadata__");
    if (!cJSON_IsObject(metadata)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: %sa file without a header like it", path,
                        foreign);
    }
    CNN_TRY(check_version(path, metadata, error));
    CNN_TRY(check_digest(path, opened->bytes, opened->size, opened->header_length, error));
    return read_entries(path, opened->data, opened->data_size, file, error);
}

cnn_status cnn_safetensors_read(const char *path, cnn_saved_file *file, cnn_error *error) {
    *file = (cnn_saved_file){0};
    cnn_safetensors_bytes opened;
    CNN_TRY(cnn_safetensors_open(path, foreign, &opened, error));
    cnn_status status = read_opened(path, &opened, file, error);
    cnn_safetensors_close(&opened);
    if (status != CNN_OK) {
        cnn_safetensors_free(file);
    }
    return status;
}

void cnn_safetensors_free(cnn_saved_file *file) {
    file_memory *memory = file->memory;
    if (memory) {
        cJSON_Delete(memory->header);
        cnn_free(memory->floats);
    }
    cnn_free(memory);
    cnn_free(file->tensors);
    cnn_free(file->texts);
    *file = (cnn_saved_file){0};
}

const char *cnn_saved_text_find(const cnn_saved_file *file, const char *key) {
    for (size_t i = 0; i < file->text_count; i++) {
        if (strcmp(file->texts[i].key, key) == 0) {
            return file->texts[i].value;
        }
    }
    return NULL;
}

const cnn_saved_tensor *cnn_saved_tensor_find(const cnn_saved_file *file, const char *name) {
    for (size_t i = 0; i < file->tensor_count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return &file->tensors[i];
        }
    }
    return NULL;
}
