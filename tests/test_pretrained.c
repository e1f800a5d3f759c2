/* Pretrained networks: files of a network without a classifier, and models of our own, read, and
 * damaged. */
#include "test_support.h"

#include "damaged_models.h"
#include "base/file.h"
#include "base/memory.h"
#include "model/model_file.h"
#include "model/pretrained.h"

#include "cnn/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- files --- */

#define IMAGE                                                                                      \
    "\"image\":{\"width\":6,\"height\":5,\"channels\":3,\"resize\":\"crop\","                      \
    "\"normalize\":\"standardize\"}"
#define CONV "{\"type\":\"conv\",\"filters\":2,\"kernel\":3,\"stride\":2,\"padding\":\"same\"}"
#define RESIDUAL                                                                                   \
    "{\"type\":\"residual\",\"layers\":[{\"type\":\"conv\",\"filters\":2,\"kernel\":1},"           \
    "{\"type\":\"batchnorm\",\"eps\":0.001}]}"
#define ENDING "{\"type\":\"global_avgpool\"},{\"type\":\"flatten\"}"
#define LAYERS "\"layers\":[" CONV "," RESIDUAL ",{\"type\":\"relu\"}," ENDING "]"
#define NORMALIZATION "\"normalization\":{\"mean\":[0.25,0.5,0.125],\"deviation\":[0.5,1,2]}"
#define PIXELS "\"pixels\":\"" CNN_IMAGE_PIXELS "\""
#define CONFIG "{" IMAGE "," PIXELS "," LAYERS "," NORMALIZATION "}"
#define KIND                                                                                       \
    { "cnntrain.kind", "features" }

enum { VALUES = 54 + 2 + 4 + 2 + 4 * 2 };

static float values[VALUES + 2];

/* A tensor of one dimension; `from`: its first value. */
#define VECTOR(tensor, size, from)                                                                 \
    { .name = tensor, .rank = 1, .dim = {(size)}, .count = (size), .data = values + (from) }

static const cnn_saved_tensor tensors[] = {
    {.name = "0.weight", .rank = 4, .dim = {2, 3, 3, 3}, .count = 54, .data = values},
    VECTOR("0.bias", 2, 54),
    {.name = "1.layers.0.weight", .rank = 4, .dim = {2, 2, 1, 1}, .count = 4, .data = values + 56},
    VECTOR("1.layers.0.bias", 2, 60),
    VECTOR("1.layers.1.weight", 2, 62),
    VECTOR("1.layers.1.bias", 2, 64),
    VECTOR("1.layers.1.running_mean", 2, 66),
    VECTOR("1.layers.1.running_var", 2, 68),
};

enum { TENSORS = TEST_COUNT(tensors) };

/* Writes file.bin with these strings and the first `count` of the tensors above; an additional one
 * is named "9.bias". */
static void write_file(const cnn_saved_text *texts, size_t text_count, size_t count) {
    cnn_saved_tensor written[TENSORS + 1];
    cnn_error error;
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = (float)i * 0.125f - 1.5f;
    }
    memcpy(written, tensors, sizeof tensors);
    written[TENSORS] = (cnn_saved_tensor)VECTOR("9.bias", 1, VALUES);
    test_ok(cnn_safetensors_write("file.bin", texts, text_count, written, count, &error), &error);
}

static void write_features(void) {
    const cnn_saved_text texts[] = {KIND,
                                    {"cnntrain.config", CONFIG},
                                    {"cnntrain.source", "a test"},
                                    {"cnntrain.license", "none"}};
    write_file(texts, TEST_COUNT(texts), TENSORS);
}

/* Writes file.bin: the model of the layers above, and of a classifier with dropout. */
static void write_model(void) {
    static const char text[] = "{\"data\":{\"train\":\"a\"}," IMAGE ",\"layers\":[" CONV
                               "," RESIDUAL ",{\"type\":\"dropout\"},{\"type\":\"relu\"}," ENDING
                               ",{\"type\":\"dropout\"},{\"type\":\"dense\",\"units\":1},"
                               "{\"type\":\"sigmoid\"}]}";
    char no[] = "no", yes[] = "yes";
    const cnn_model_info info = {.classes = {no, yes},
                                 .mean = {0.25, 0.5, 0.125},
                                 .deviation = {0.5, 1.0, 2.0},
                                 .temperature = 1.25,
                                 .threshold = 0.5};
    cnn_config *config;
    cnn_network *network;
    cnn_error error;
    test_ok(cnn_config_parse("a test", text, strlen(text), NULL, 0, &config, &error), &error);
    test_ok(
        cnn_network_create(&config->network, test_kernels(), CNN_NETWORK_FAST, &network, &error),
        &error);
    float *parameters = test_parameters(network, 1);
    test_ok(cnn_model_write("file.bin", config, &info, &network->graph, parameters, &error),
            &error);
    cnn_free(parameters);
    cnn_network_free(network);
    cnn_config_free(config);
}

static cnn_pretrained *read_file(void) {
    cnn_pretrained *pretrained;
    cnn_error error;
    test_ok(cnn_pretrained_read("file.bin", &pretrained, &error), &error);
    return pretrained;
}

/* "" if file.bin is refused as it should be, else the problem. */
static const char *refusal(cnn_status wanted, cnn_error *error) {
    cnn_pretrained *pretrained = NULL;
    *error = (cnn_error){0};
    cnn_status status = cnn_pretrained_read("file.bin", &pretrained, error);
    bool is_null = !pretrained;
    cnn_pretrained_free(pretrained);
    return status != wanted                                 ? "wrong status"
           : error->status != status || !is_null            ? "status or result wrong"
           : strncmp(error->message, "file.bin: ", 10) != 0 ? "message without the path"
           : strlen(error->message) <= strlen("file.bin: ") ? "message without a reason"
                                                            : "";
}

/* --- reading --- */

static void check_image(const cnn_pretrained *pretrained) {
    assert_int_equal(pretrained->config->image.width, 6);
    assert_int_equal(pretrained->config->image.height, 5);
    assert_int_equal(pretrained->config->image.channels, 3);
    assert_int_equal(pretrained->config->image.resize, CNN_RESIZE_CROP);
    assert_int_equal(pretrained->config->normalize, CNN_NORMALIZE_STANDARDIZE);
    assert_int_equal(pretrained->layers.input.channels, 3);
    assert_int_equal(pretrained->layers.input.height, 5);
    test_near("mean", 2, pretrained->mean[2], 0.125, 0.0);
    test_near("deviation", 2, pretrained->deviation[2], 2.0, 0.0);
}

static void test_features(void **state) {
    (void)state;
    static const char *const names[] = {"conv", "residual",       "conv",   "batchnorm",
                                        "relu", "global_avgpool", "flatten"};
    write_features();
    cnn_pretrained *pretrained = read_file();
    check_image(pretrained);
    assert_string_equal(pretrained->source, "a test");
    assert_string_equal(pretrained->license, "none");
    assert_int_equal(pretrained->layers.layer_count, TEST_COUNT(names));
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        assert_string_equal(pretrained->layers.layers[i].ops->name, names[i]);
    }
    assert_int_equal(pretrained->file.tensor_count, TENSORS);
    const cnn_saved_tensor *tensor =
        cnn_saved_tensor_find(&pretrained->file, "1.layers.1.running_var");
    assert_non_null(tensor);
    test_near("running_var", 1, tensor->data[1], 69 * 0.125 - 1.5, 0.0);
    cnn_pretrained_free(pretrained);
}

/* Both kinds of dropout and the classifier are in the file; only the first dropout is used. */
static void test_model(void **state) {
    (void)state;
    static const char *const names[] = {"conv",    "residual", "conv",           "batchnorm",
                                        "dropout", "relu",     "global_avgpool", "flatten"};
    write_model();
    cnn_pretrained *pretrained = read_file();
    check_image(pretrained);
    assert_null(pretrained->source);
    assert_null(pretrained->license);
    assert_int_equal(pretrained->layers.layer_count, TEST_COUNT(names));
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        assert_string_equal(pretrained->layers.layers[i].ops->name, names[i]);
    }
    assert_int_equal(pretrained->file.tensor_count, TENSORS + 2);
    assert_non_null(cnn_saved_tensor_find(&pretrained->file, "1.layers.0.weight"));
    cnn_pretrained_free(pretrained);
}

/* It has no classes, so nothing can be predicted with it. */
static void test_no_model(void **state) {
    (void)state;
    cnn_model *model;
    cnn_error error;
    write_features();
    assert_int_equal(cnn_model_read("file.bin", test_kernels(), &model, &error), CNN_ERROR_MODEL);
    assert_string_equal(error.message, "file.bin: expected a trained model, found a pretrained "
                                       "network without a classifier");
}

/* --- wrong files --- */

static const struct {
    const char *kind, *config;
    size_t tensors;
    const char *message;
} wrong_files[] = {
    {"feature", CONFIG, TENSORS, "cnntrain.kind: expected \"features\", found \"feature\""},
    {NULL, CONFIG, TENSORS, "expected sigmoid as the last layer"},
    {"features", NULL, TENSORS, "expected a model, found another file of cnntrain"},
    {"features", "{", TENSORS, "expected valid JSON"},
    {"features", "{" IMAGE "," PIXELS "," LAYERS "}", TENSORS, "expected normalization"},
    {"features",
     "{" IMAGE "," PIXELS "," LAYERS
     ",\"normalization\":{\"mean\":[0.25,0.5,0.125],\"deviation\":[0.5,1,0]}}",
     TENSORS, "expected normalization"},
    {"features", "{" IMAGE "," PIXELS "," NORMALIZATION "}", TENSORS, "layers: missing"},
    {"features", "{" IMAGE "," PIXELS ",\"layers\":{}," NORMALIZATION "}", TENSORS,
     "layers: expected a list of 1 to 1024 layers"},
    {"features", "{" IMAGE "," PIXELS ",\"layers\":[]," NORMALIZATION "}", TENSORS,
     "expected flatten before dense"},
    {"features", "{" IMAGE "," PIXELS ",\"layers\":[" CONV "]," NORMALIZATION "}", 2,
     "expected flatten before dense"},
    {"features",
     "{" IMAGE "," PIXELS ",\"layers\":[" CONV "," RESIDUAL "," ENDING "]," NORMALIZATION "}",
     TENSORS + 1, "expected 8 tensors, found 9"},
    {"features", "{" IMAGE "," LAYERS "," NORMALIZATION "}", TENSORS, "pixels: expected \""},
    {"features", CONFIG, TENSORS - 1, "expected a tensor \"1.layers.1.running_var\""},
    {"features", "{" IMAGE "," LAYERS "," NORMALIZATION "}", TENSORS, "pixels: expected \""},
    {"features", CONFIG, 0, "expected a tensor \"0.weight\""},
};

static void test_wrong_files(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(wrong_files); i++) {
        cnn_saved_text texts[2];
        size_t count = 0;
        if (wrong_files[i].kind) {
            texts[count++] = (cnn_saved_text){"cnntrain.kind", wrong_files[i].kind};
        }
        if (wrong_files[i].config) {
            texts[count++] = (cnn_saved_text){"cnntrain.config", wrong_files[i].config};
        }
        cnn_error error;
        write_file(texts, count, wrong_files[i].tensors);
        const char *wrong = refusal(CNN_ERROR_MODEL, &error);
        if (*wrong || !strstr(error.message, wrong_files[i].message)) {
            fail_msg("%zu: expected \"%s\", got %s: %s", i, wrong_files[i].message, wrong,
                     error.message);
        }
    }
}

/* The classifier that is added counts, too. */
static void test_too_many_layers(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        cnn_text config = {0};
        cnn_error error;
        cnn_text_format(&config, "{" IMAGE "," PIXELS ",\"layers\":[");
        for (int i = 0; i < CNN_LAYERS_MAX - 3 + more; i++) {
            cnn_text_format(&config, "{\"type\":\"relu\"},");
        }
        cnn_text_format(&config, "{\"type\":\"flatten\"}]," NORMALIZATION "}");
        const cnn_saved_text texts[] = {KIND, {"cnntrain.config", config.data}};
        write_file(texts, 2, 0);
        if (more) {
            assert_string_equal(refusal(CNN_ERROR_MODEL, &error), "");
            assert_non_null(strstr(error.message, "1024 layers"));
        } else {
            cnn_pretrained *pretrained = read_file();
            assert_int_equal(pretrained->layers.layer_count, CNN_LAYERS_MAX - 2);
            cnn_pretrained_free(pretrained);
        }
        cnn_text_free(&config);
    }
}

static void test_damaged_number(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY};
    cnn_saved_tensor written[TENSORS];
    const cnn_saved_text texts[] = {KIND, {"cnntrain.config", CONFIG}};
    for (size_t i = 0; i < 2; i++) {
        cnn_error error;
        write_features();
        memcpy(written, tensors, sizeof tensors);
        values[VALUES - 1] = bad[i];
        test_ok(cnn_safetensors_write("file.bin", texts, 2, written, TENSORS, &error), &error);
        assert_string_equal(refusal(CNN_ERROR_MODEL, &error), "");
        assert_non_null(strstr(error.message, "expected finite weights"));
    }
}

/* --- damage --- */

/* Damaged copies of file.bin, each in a different way. */
static void check_damaged(void) {
    char *good;
    size_t size, number = 0;
    cnn_error error;
    test_ok(cnn_file_read("file.bin", (size_t)1 << 20, CNN_ERROR_RUNTIME, &good, &size, &error),
            &error);
    damaged_model copy;
    for (; damaged_model_make((const uint8_t *)good, size, number, &copy); number++) {
        (void)unlink("file.bin"); /* some file systems flush a file that is written again */
        test_ok(cnn_file_write_unsynced("file.bin", copy.bytes, copy.size, &error), &error);
        free(copy.bytes);
        const char *wrong = refusal(CNN_ERROR_MODEL, &error);
        /* a wider image is no damage: the last layers pool all of it */
        if (*wrong && !strstr(copy.what, "\\\"width\\\":9")) {
            fail_msg("%zu, %s: %s: %s", number, copy.what, wrong, error.message);
        }
    }
    cnn_free(good);
    assert_in_range(number, 500, 10000);
}

static void test_damaged(void **state) {
    (void)state;
    write_features();
    check_damaged();
    write_model();
    check_damaged();
}

/* Memory that is refused is not the fault of the file. */
static void test_no_memory(void **state) {
    (void)state;
    const size_t in_use = cnn_memory_look().in_use;
    size_t refused = 0;
    write_features();
    for (size_t more = 0; more < ((size_t)1 << 20); more += 512) {
        cnn_error error;
        cnn_pretrained *pretrained = NULL;
        cnn_memory_limit(in_use + more);
        cnn_status status = cnn_pretrained_read("file.bin", &pretrained, &error);
        cnn_memory_limit(SIZE_MAX);
        cnn_pretrained_free(pretrained);
        assert_int_equal(cnn_memory_look().in_use, in_use);
        if (status == CNN_OK) {
            break;
        }
        assert_int_equal(status, CNN_ERROR_RUNTIME);
        assert_null(pretrained);
        refused++;
    }
    assert_in_range(refused, 10, 2000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),        cmocka_unit_test(test_model),
        cmocka_unit_test(test_no_model),        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_too_many_layers), cmocka_unit_test(test_damaged_number),
        cmocka_unit_test(test_damaged),         cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
