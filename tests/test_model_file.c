/* model.bin: written by hand and read, written by the library and taken apart, and damaged. */
#include "test_support.h"

#include "damaged_models.h"
#include "base/memory.h"
#include "model/model_file.h"

#include "cnn/version.h"

#include <cJSON.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* 1×4×4: conv 2 3, relu, flatten, dense 1, sigmoid: 18 + 2 + 8 + 1 parameters. */
#define PARAMETERS 29
#define FILE_MAX 4096
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* --- a file by hand --- */

#define VERSION_ENTRY "\"cnntrain.version\":\"" CNN_VERSION "\""
#define DIGEST_ENTRY "\"cnntrain.sha256\":\"" ZEROS "\""
#define CONFIG_ENTRY                                                                               \
    "\"cnntrain.config\":\"{\\\"image\\\":{\\\"width\\\":4,\\\"height\\\":4,\\\"channels\\\":1},"  \
    "\\\"layers\\\":[{\\\"type\\\":\\\"conv\\\",\\\"filters\\\":2,\\\"kernel\\\":3},"              \
    "{\\\"type\\\":\\\"relu\\\"},{\\\"type\\\":\\\"flatten\\\"},"                                  \
    "{\\\"type\\\":\\\"dense\\\",\\\"units\\\":1},{\\\"type\\\":\\\"sigmoid\\\"}],"                \
    "\\\"pixels\\\":\\\"pillow-bilinear\\\",\\\"classes\\\":[\\\"no\\\",\\\"yes\\\"],"             \
    "\\\"normalization\\\":{\\\"mean\\\":[0.25],\\\"deviation\\\":[2]},\\\"threshold\\\":0.5}\""
/* The end of "image", and the same with a range. */
#define IMAGE_END "\\\"channels\\\":1}"
#define STRETCHED "\\\"channels\\\":1,\\\"range\\\":\\\"stretch\\\"}"
#define TENSOR_0W "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,1,3,3],\"data_offsets\":[0,72]}"
#define TENSOR_0B "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[72,80]}"
#define TENSOR_3W "\"3.weight\":{\"dtype\":\"F32\",\"shape\":[1,8],\"data_offsets\":[80,112]}"
#define TENSOR_3B "\"3.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[112,116]}"

static const char good_header[] =
    "{\"__metadata__\":{" VERSION_ENTRY "," CONFIG_ENTRY "," DIGEST_ENTRY "}," TENSOR_0W
    "," TENSOR_0B "," TENSOR_3W "," TENSOR_3B "}";

/* Value number i of every hand-made file: exact in float. */
static float value_of(size_t i) {
    return (float)i * 0.125f - 1.5f;
}

/* As cnn_sha256_hex, and not by it. */
static void sha256(const uint8_t *bytes, size_t size, char digits[65]) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", digest[i]);
    }
}

/* The file of a header and `values` floats; the digest goes where the 64 zeros are. Returns its
 * size. */
static size_t build(const char *header, size_t values, uint8_t bytes[FILE_MAX]) {
    size_t length = strlen(header);
    size_t padded = (8 + length + 63) / 64 * 64 - 8;
    assert_in_range(8 + padded + 4 * values, 1, FILE_MAX);
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)padded >> (8 * i));
    }
    memset(bytes + 8, ' ', padded);
    memcpy(bytes + 8, header, length);
    uint8_t *to = bytes + 8 + padded;
    for (size_t i = 0; i < values; i++) {
        float value = value_of(i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        for (int b = 0; b < 4; b++) {
            *to++ = (uint8_t)(bits >> (8 * b));
        }
    }
    size_t size = (size_t)(to - bytes);
    const char *zeros = strstr(header, ZEROS);
    if (zeros) {
        char digits[65];
        sha256(bytes, size, digits);
        memcpy(bytes + 8 + (zeros - header), digits, 64);
    }
    return size;
}

static void write_file(const uint8_t *bytes, size_t size) {
    test_write_bytes("model.bin", bytes, size);
}

static cnn_model *read_model(void) {
    cnn_model *model;
    cnn_error error;
    test_ok(cnn_model_read("model.bin", test_kernels(), &model, &error), &error);
    return model;
}

/* "" if model.bin is refused as it should be, else the problem. */
static const char *refusal(cnn_error *error) {
    cnn_model *model = NULL;
    *error = (cnn_error){0};
    cnn_status status = cnn_model_read("model.bin", test_kernels(), &model, error);
    bool is_null = !model;
    cnn_model_free(model);
    return status != CNN_ERROR_MODEL                         ? "not refused"
           : error->status != status || !is_null             ? "status or model wrong"
           : strncmp(error->message, "model.bin: ", 11) != 0 ? "message without the path"
           : strlen(error->message) <= strlen("model.bin: ") ? "message without a reason"
                                                             : "";
}

static void check_hand_made(const cnn_model *model) {
    assert_string_equal(model->info.classes[0], "no");
    assert_string_equal(model->info.classes[1], "yes");
    test_near("mean", 0, model->info.mean[0], 0.25, 0.0);
    test_near("deviation", 0, model->info.deviation[0], 2.0, 0.0);
    test_near("threshold", 0, model->info.threshold, 0.5, 0.0);
    test_near("temperature", 0, model->info.temperature, 1.0, 0.0);
    assert_int_equal(model->config->image.width, 4);
    assert_int_equal(model->network->graph.node_count, 6); /* the image, and 5 layers */
    assert_int_equal(model->network->parameter_count, PARAMETERS);
    for (size_t i = 0; i < PARAMETERS; i++) {
        test_near("parameter", i, model->parameters[i], value_of(i), 0.0);
    }
}

static void test_read(void **state) {
    (void)state;
    uint8_t bytes[FILE_MAX];
    size_t size = build(good_header, PARAMETERS, bytes);
    write_file(bytes, size);
    cnn_model *model = read_model();
    check_hand_made(model);
    cnn_model_free(model);
}

/* --- what the library writes --- */

/* Writes the model of a hand-made file again; its bytes are taken apart without the library. */
static size_t write_again(uint8_t bytes[FILE_MAX]) {
    size_t size = build(good_header, PARAMETERS, bytes);
    write_file(bytes, size);
    cnn_model *model = read_model();
    cnn_error error;
    test_ok(cnn_model_write("model.bin", model->config, &model->info, &model->network->graph,
                            model->parameters, &error),
            &error);
    cnn_model_free(model);
    FILE *file = fopen("model.bin", "rb");
    assert_non_null(file);
    size = fread(bytes, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return size;
}

static void check_tensor(const cJSON *item, const char *name, const char *shape,
                         const char *offsets) {
    assert_non_null(item);
    assert_string_equal(item->string, name);
    assert_int_equal(cJSON_GetArraySize(item), 3);
    assert_string_equal(cJSON_GetObjectItem(item, "dtype")->valuestring, "F32");
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "shape"));
    assert_string_equal(text, shape);
    cJSON_free(text);
    text = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "data_offsets"));
    assert_string_equal(text, offsets);
    cJSON_free(text);
}

static void check_config(const char *text) {
    cJSON *config = cJSON_Parse(text);
    assert_non_null(config);
    const cJSON *layer = cJSON_GetArrayItem(cJSON_GetObjectItem(config, "layers"), 0);
    assert_string_equal(cJSON_GetObjectItem(layer, "type")->valuestring, "conv");
    assert_int_equal(cJSON_GetObjectItem(layer, "kernel")->valueint, 3);
    const cJSON *image = cJSON_GetObjectItem(config, "image");
    assert_string_equal(cJSON_GetObjectItem(image, "resize")->valuestring, "stretch");
    assert_string_equal(cJSON_GetObjectItem(config, "pixels")->valuestring, "pillow-bilinear");
    const cJSON *classes = cJSON_GetObjectItem(config, "classes");
    assert_string_equal(cJSON_GetArrayItem(classes, 1)->valuestring, "yes");
    const cJSON *normalization = cJSON_GetObjectItem(config, "normalization");
    const cJSON *deviation = cJSON_GetObjectItem(normalization, "deviation");
    assert_int_equal(cJSON_GetArraySize(deviation), 1);
    test_near("deviation", 0, cJSON_GetArrayItem(deviation, 0)->valuedouble, 2.0, 0.0);
    test_near("threshold", 0, cJSON_GetObjectItem(config, "threshold")->valuedouble, 0.5, 0.0);
    assert_null(cJSON_GetObjectItem(config, "data")); /* no path, no seed, … */
    assert_null(cJSON_GetObjectItem(config, "train"));
    assert_null(cJSON_GetObjectItem(config, "output"));
    cJSON_Delete(config);
}

static void test_write(void **state) {
    (void)state;
    uint8_t bytes[FILE_MAX];
    size_t size = write_again(bytes);
    size_t length = 0;
    for (int i = 0; i < 8; i++) {
        length |= (size_t)bytes[i] << (8 * i);
    }
    assert_int_equal((8 + length) % 64, 0);
    assert_int_equal(size, 8 + length + 4 * PARAMETERS);
    const char *end;
    char header[FILE_MAX] = {0};
    memcpy(header, bytes + 8, length);
    cJSON *root = cJSON_ParseWithOpts(header, &end, false);
    assert_non_null(root);
    assert_int_equal(header[0], '{');
    assert_int_equal(strspn(end, " "), strlen(end)); /* padded with spaces, fewer than 64 */
    assert_in_range(strlen(end), 0, 63);

    const cJSON *metadata = cJSON_GetArrayItem(root, 0);
    assert_string_equal(metadata->string, "__metadata__");
    assert_int_equal(cJSON_GetArraySize(metadata), 3);
    assert_string_equal(cJSON_GetObjectItem(metadata, "cnntrain.version")->valuestring,
                        CNN_VERSION);
    check_config(cJSON_GetObjectItem(metadata, "cnntrain.config")->valuestring);
    assert_int_equal(cJSON_GetArraySize(root), 5);
    check_tensor(cJSON_GetArrayItem(root, 1), "0.weight", "[2,1,3,3]", "[0,72]");
    check_tensor(cJSON_GetArrayItem(root, 2), "0.bias", "[2]", "[72,80]");
    check_tensor(cJSON_GetArrayItem(root, 3), "3.weight", "[1,8]", "[80,112]");
    check_tensor(cJSON_GetArrayItem(root, 4), "3.bias", "[1]", "[112,116]");

    uint8_t expected[FILE_MAX]; /* the same data as in the file by hand */
    size_t expected_size = build(good_header, PARAMETERS, expected);
    assert_memory_equal(bytes + 8 + length, expected + expected_size - 4 * PARAMETERS,
                        4 * PARAMETERS);
    const char *digest = cJSON_GetObjectItem(metadata, "cnntrain.sha256")->valuestring;
    assert_int_equal(strspn(digest, "0123456789abcdef"), 64);
    char *place = strstr(header, digest);
    assert_non_null(place);
    memset(bytes + 8 + (place - header), '0', 64);
    char digits[65];
    sha256(bytes, size, digits);
    assert_string_equal(digits, digest);
    cJSON_Delete(root);
}

static void test_round_trip(void **state) {
    (void)state;
    uint8_t first[FILE_MAX], second[FILE_MAX];
    size_t size = write_again(first);
    cnn_model *model = read_model();
    check_hand_made(model);
    cnn_model_free(model);
    assert_int_equal(write_again(second), size); /* the same model, the same bytes */
    assert_memory_equal(first, second, size);
}

/* --- damage --- */

static void test_flipped_bits(void **state) {
    (void)state;
    uint8_t bytes[FILE_MAX];
    cnn_error error;
    size_t size = write_again(bytes);
    for (size_t bit = 0; bit < size * 8; bit += bit < 600 * 8 ? 1 : 97) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const char *wrong = refusal(&error);
        if (*wrong) {
            fail_msg("bit %zu of byte %zu: %s: %s", bit % 8, bit / 8, wrong, error.message);
        }
    }
}

static void test_truncated(void **state) {
    (void)state;
    uint8_t bytes[FILE_MAX];
    cnn_error error;
    size_t size = write_again(bytes);
    bytes[size] = 0;
    for (size_t length = 0; length <= size + 1; length++) {
        if (length == size) {
            continue;
        }
        write_file(bytes, length);
        const char *wrong = refusal(&error);
        if (*wrong) {
            fail_msg("%zu bytes: %s: %s", length, wrong, error.message);
        }
    }
}

static void test_no_model(void **state) {
    (void)state;
    cnn_error error;
    (void)unlink("model.bin");
    assert_string_equal(refusal(&error), "");
    assert_non_null(strstr(error.message, "No such file"));
    write_file((const uint8_t *)"{\"a\": \"a JSON file, not a model\"}", 33);
    assert_string_equal(refusal(&error), "");
    assert_non_null(strstr(error.message, "of cnntrain, found"));
}

/* Files with a correct digest but with wrong content. */
static const struct {
    const char *find, *replace; /* in the good header */
    size_t values;
    const char *message;
} others[] = {
    {"[2,1,3,3]", "[1,2,3,3]", PARAMETERS, "\"0.weight\""},
    {"[2,1,3,3]", "[2,9]", PARAMETERS, "\"0.weight\""},
    {"[2,1,3,3]", "[2,1,3,4]", PARAMETERS, "\"0.weight\""},
    {"[1,8]", "[8]", PARAMETERS, "\"3.weight\""},
    {"3.bias", "4.bias", PARAMETERS, "\"3.bias\""},
    {"0.bias", "0.weight", PARAMETERS, "\"0.bias\""},
    {"," TENSOR_3B, "", PARAMETERS - 1, "\"3.bias\""},
    {TENSOR_3B,
     TENSOR_3B ",\"5.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[116,120]}",
     PARAMETERS + 1, "expected 4 tensors, found 5"},
    {TENSOR_3B,
     TENSOR_3B ",\"3.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[116,120]}",
     PARAMETERS + 1, "expected 4 tensors, found 5"},
    {"[112,116]", "[112,116]", PARAMETERS + 1, "expected 116 bytes of tensors, found 120"},
    {"[112,116]", "[112,116]", PARAMETERS - 1, "\"3.bias\" does not fit"},
    {"[72,80]", "[76,84]", PARAMETERS, "\"0.bias\" does not fit"},
    {"[72,80]", "[0,8]", PARAMETERS, "\"0.bias\" does not fit"},
    {"[72,80]", "[80,72]", PARAMETERS, "\"0.bias\" does not fit"},
    {"[0,72]", "[-72,0]", PARAMETERS, "\"0.weight\" does not fit"},
    {"[2,1,3,3]", "[2,1,3,3,1]", PARAMETERS, "\"0.weight\" does not fit"},
    {"[2,1,3,3]", "[4294967296,4294967296,3,3]", PARAMETERS, "\"0.weight\" does not fit"},
    {"F32", "F16", PARAMETERS, "\"0.weight\" does not fit"},
    {"\"" CNN_VERSION "\"", "\"9.0.0\"", PARAMETERS, "written by cnntrain 9.0.0, which version"},
    {"\"" CNN_VERSION "\"", "\"0.1.0\"", PARAMETERS,
     "written by cnntrain 0.1.0, which version " CNN_VERSION " cannot read: images were resized in "
     "another way, and its network would see other pixels now; train it again, or use that "
     "version"},
    {VERSION_ENTRY ",", "", PARAMETERS, "without cnntrain.version"},
    {"," DIGEST_ENTRY, "", PARAMETERS, "without cnntrain.sha256"},
    {CONFIG_ENTRY ",", "", PARAMETERS, "found another file of cnntrain"},
    {"\"__metadata__\":{" VERSION_ENTRY "," CONFIG_ENTRY "," DIGEST_ENTRY "},", "", PARAMETERS,
     "of cnntrain, found a file without a header like it"},
    {VERSION_ENTRY "," CONFIG_ENTRY "," DIGEST_ENTRY, "\"format\":\"pt\"", PARAMETERS,
     "a safetensors file without cnntrain.version"},
    {VERSION_ENTRY, VERSION_ENTRY ",\"more\":1", PARAMETERS,
     "__metadata__ holds more than strings"},
    {"pillow-bilinear", "pillow-bicubic", PARAMETERS,
     "pixels: expected \"pillow-bilinear\", found pillow-bicubic: images were resized in another"},
    {"\\\"pixels\\\":\\\"pillow-bilinear\\\",", "", PARAMETERS,
     "pixels: expected \"pillow-bilinear\", found none: images were resized in another way when "
     "the "
     "network was trained, and it would see other pixels now; train it again, or use the version"},
    {"\\\"kernel\\\":3", "\\\"kernel\\\":5", PARAMETERS, "layers[0].kernel: expected at most 4"},
    {"\\\"conv\\\"", "\\\"konv\\\"", PARAMETERS, "unknown layer \"konv\""},
    {"\\\"width\\\":4", "\\\"width\\\":5", PARAMETERS, "\"3.weight\""},
    {"\\\"deviation\\\":[2]", "\\\"deviation\\\":[0]", PARAMETERS, "normalization"},
    {"\\\"mean\\\":[0.25]", "\\\"mean\\\":[1,2,3]", PARAMETERS, "normalization"},
    {"[\\\"no\\\",\\\"yes\\\"]", "[\\\"no\\\"]", PARAMETERS, "classes"},
    {"\\\"threshold\\\":0.5", "\\\"threshold\\\":\\\"x\\\"", PARAMETERS, "threshold"},
    {"\\\"threshold\\\":0.5", "\\\"temperature\\\":0,\\\"threshold\\\":0.5", PARAMETERS,
     "temperature: expected a finite number above 0"},
    {"\\\"threshold\\\":0.5", "\\\"temperature\\\":-1,\\\"threshold\\\":0.5", PARAMETERS,
     "temperature: expected"},
    {"\\\"threshold\\\":0.5", "\\\"temperature\\\":1e999,\\\"threshold\\\":0.5", PARAMETERS,
     "temperature: expected"},
    {"\\\"threshold\\\":0.5", "\\\"temperature\\\":null,\\\"threshold\\\":0.5", PARAMETERS,
     "temperature: expected"},
    {"\\\"threshold\\\":0.5}", "\\\"threshold\\\":0.5", PARAMETERS, "expected valid JSON"},
    {IMAGE_END, STRETCHED, PARAMETERS, "range: expected two integers"},
    {IMAGE_END, STRETCHED ",\\\"range\\\":[5]", PARAMETERS, "range: expected two integers"},
    {IMAGE_END, STRETCHED ",\\\"range\\\":[5,5]", PARAMETERS, "range: expected two integers"},
    {IMAGE_END, STRETCHED ",\\\"range\\\":[-1,5]", PARAMETERS, "range: expected two integers"},
    {IMAGE_END, STRETCHED ",\\\"range\\\":[5,65536]", PARAMETERS, "range: expected two integers"},
    {IMAGE_END, STRETCHED ",\\\"range\\\":[5,6.5]", PARAMETERS, "range: expected two integers"},
    {IMAGE_END, STRETCHED ",\\\"range\\\":[5,\\\"6\\\"]", PARAMETERS,
     "range: expected two integers"},
    {IMAGE_END, "\\\"channels\\\":1,\\\"range\\\":\\\"wide\\\"}", PARAMETERS,
     "image.range: expected"},
    {IMAGE_END, "\\\"channels\\\":1,\\\"alpha\\\":\\\"red\\\"}", PARAMETERS,
     "image.alpha: expected"},
};

/* A file without the keys image.range and image.alpha means "full" and "drop"; with them, the ends
 * of the range are read, too. */
static void test_range(void **state) {
    (void)state;
    uint8_t bytes[FILE_MAX];
    write_file(bytes, build(good_header, PARAMETERS, bytes));
    cnn_model *model = read_model();
    assert_int_equal(model->config->image.range, CNN_RANGE_FULL);
    assert_int_equal(model->config->image.alpha, CNN_ALPHA_DROP);
    cnn_model_free(model);
    char header[FILE_MAX];
    const char *place = strstr(good_header, IMAGE_END);
    assert_non_null(place);
    (void)snprintf(header, sizeof header, "%.*s%s%s", (int)(place - good_header), good_header,
                   "\\\"channels\\\":1,\\\"range\\\":\\\"stretch\\\",\\\"alpha\\\":\\\"black\\\"}"
                   ",\\\"range\\\":[0,65535]",
                   place + strlen(IMAGE_END));
    write_file(bytes, build(header, PARAMETERS, bytes));
    model = read_model();
    assert_int_equal(model->config->image.range, CNN_RANGE_STRETCH);
    assert_int_equal(model->config->image.alpha, CNN_ALPHA_BLACK);
    assert_int_equal(model->config->image.ends.low, 0);
    assert_int_equal(model->config->image.ends.high, 65535);
    cnn_model_free(model);
}

static void test_others(void **state) {
    (void)state;
    int missed = 0;
    for (size_t i = 0; i < TEST_COUNT(others); i++) {
        char header[FILE_MAX];
        uint8_t bytes[FILE_MAX];
        cnn_error error;
        const char *place = strstr(good_header, others[i].find);
        assert_non_null(place);
        (void)snprintf(header, sizeof header, "%.*s%s%s", (int)(place - good_header), good_header,
                       others[i].replace, place + strlen(others[i].find));
        size_t size = build(header, others[i].values, bytes);
        write_file(bytes, size);
        const char *wrong = refusal(&error);
        if (*wrong || !strstr(error.message, others[i].message)) {
            print_error("%zu: expected \"%s\", got %s: %s\n", i, others[i].message, wrong,
                        error.message);
            missed++;
        }
    }
    assert_int_equal(missed, 0);
}

/* The same kinds of damage that cli/damaged_models.sh tries on the program. */
static void test_damaged(void **state) {
    (void)state;
    uint8_t good[FILE_MAX];
    size_t size = write_again(good);
    size_t number = 0;
    damaged_model model;
    for (; damaged_model_make(good, size, number, &model); number++) {
        cnn_error error;
        write_file(model.bytes, model.size);
        free(model.bytes);
        const char *wrong = refusal(&error);
        if (*wrong) {
            fail_msg("%zu, %s: %s: %s", number, model.what, wrong, error.message);
        }
    }
    assert_in_range(number, 500, 10000);
}

/* A file of 1 KB cannot claim memory: layers are compared with tensors before they are planned. */
static void test_claims(void **state) {
    (void)state;
    static const struct {
        const char *find, *replace;
    } claims[] = {
        {"\\\"units\\\":1}",
         "\\\"units\\\":65536},{\\\"type\\\":\\\"dense\\\",\\\"units\\\":16000},"
         "{\\\"type\\\":\\\"dense\\\",\\\"units\\\":1}"},
        {"\\\"filters\\\":2", "\\\"filters\\\":4096"},
        {"\\\"width\\\":4,\\\"height\\\":4", "\\\"width\\\":4096,\\\"height\\\":4096"},
        {"[2,1,3,3]", "[67108864,67108864,67108864,67108864]"},
        {"[2,1,3,3]", "[9007199254740992,2048]"},
        {"[0,72]", "[0,9007199254740992]"},
        {"[0,72]", "[18446744073709551544,72]"},
    };
#ifdef CNN_SANITIZED
    skip(); /* sanitizers claim memory for themselves */
#endif
    struct rlimit all, little;
    assert_int_equal(getrlimit(RLIMIT_DATA, &all), 0);
    little = all;
    little.rlim_cur = (rlim_t)64 << 20;
    for (size_t i = 0; i < TEST_COUNT(claims); i++) {
        char header[FILE_MAX];
        uint8_t bytes[FILE_MAX];
        cnn_error error;
        const char *place = strstr(good_header, claims[i].find);
        assert_non_null(place);
        (void)snprintf(header, sizeof header, "%.*s%s%s", (int)(place - good_header), good_header,
                       claims[i].replace, place + strlen(claims[i].find));
        size_t size = build(header, PARAMETERS, bytes);
        write_file(bytes, size);
        assert_int_equal(setrlimit(RLIMIT_DATA, &little), 0);
        const char *wrong = refusal(&error); /* status 1, out of memory, would be wrong */
        assert_int_equal(setrlimit(RLIMIT_DATA, &all), 0);
        if (*wrong) {
            fail_msg("%s: %s: %s", claims[i].replace, wrong, error.message);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),       cmocka_unit_test(test_write),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_truncated),  cmocka_unit_test(test_no_model),
        cmocka_unit_test(test_others),     cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_claims),     cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
