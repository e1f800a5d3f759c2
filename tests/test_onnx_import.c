/* ONNX files as networks: the tests of ONNX's own nodes, our own exports read back, and files that
 * must be refused. */
#include "test_support.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "model/golden.h"
#include "model/onnx_builder.h"
#include "model/onnx_import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "onnx.pb-c.h"

/* Debian's package libonnx-testdata: models of one node, inputs, and outputs. */
#define TEST_DATA "/usr/share/libonnx-testdata/data"

enum { FOLDER_SIZE = 256, PATH_SIZE = 512 };

/* --- the node tests --- */

static void *read_file(const char *path, size_t *size) {
    char *bytes;
    cnn_error error;
    test_ok(cnn_file_read(path, (size_t)1 << 28, CNN_ERROR_RUNTIME, &bytes, size, &error), &error);
    return bytes;
}

/* A tensor of a node test; its numbers may be in either place. */
static Onnx__TensorProto *read_tensor(const char *folder, const char *what, size_t i) {
    char path[PATH_SIZE];
    size_t size;
    (void)snprintf(path, sizeof path, "%.255s/test_data_set_0/%s_%zu.pb", folder, what, i);
    void *bytes = read_file(path, &size);
    Onnx__TensorProto *tensor = onnx__tensor_proto__unpack(NULL, size, bytes);
    cnn_free(bytes);
    assert_non_null(tensor);
    return tensor;
}

static float *floats_of(const Onnx__TensorProto *tensor, size_t *count) {
    *count = tensor->has_raw_data ? tensor->raw_data.len / sizeof(float) : tensor->n_float_data;
    float *numbers = cnn_alloc(*count, sizeof *numbers);
    assert_non_null(numbers);
    memcpy(numbers, tensor->has_raw_data ? (void *)tensor->raw_data.data : tensor->float_data,
           *count * sizeof *numbers);
    return numbers;
}

/* Writes the model of a node test, in which all inputs but the first are weights. */
static void write_model(const char *folder, const char *to) {
    char path[PATH_SIZE];
    size_t size;
    cnn_error error;
    (void)snprintf(path, sizeof path, "%.255s/model.onnx", folder);
    void *bytes = read_file(path, &size);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    cnn_free(bytes);
    assert_non_null(model);
    Onnx__GraphProto *graph = model->graph;
    Onnx__TensorProto *own[16], **kept = graph->initializer;
    size_t kept_count = graph->n_initializer, count = 0;
    for (; count < kept_count; count++) {
        own[count] = kept[count];
    }
    for (size_t i = 1; i < graph->n_input && kept_count == 0; i++) {
        own[count] = read_tensor(folder, "input", i);
        free(own[count]->name);
        own[count++]->name = strdup(graph->input[i]->name);
    }
    graph->initializer = own;
    graph->n_initializer = count;
    size_t packed = onnx__model_proto__get_packed_size(model);
    uint8_t *buffer = cnn_alloc(packed, 1);
    assert_non_null(buffer);
    onnx__model_proto__pack(model, buffer);
    test_ok(cnn_file_write(to, buffer, packed, &error), &error);
    cnn_free(buffer);
    for (size_t i = kept_count; i < count; i++) {
        onnx__tensor_proto__free_unpacked(own[i], NULL);
    }
    graph->initializer = kept;
    graph->n_initializer = kept_count;
    onnx__model_proto__free_unpacked(model, NULL);
}

/* The result of the network for one image x[C][H][W]: features, all of them. */
static void run_features(const cnn_imported *imported, const float *x, const float *expected,
                         size_t count, const char *name) {
    cnn_model model = {.config = imported->config};
    cnn_error error;
    const cnn_block *block;
    test_ok(cnn_model_replace_network(&model, &imported->config->network, test_kernels(),
                                      imported->parameters, &error),
            &error);
    const cnn_network *network = model.network;
    float *workspace = cnn_network_workspace(network, false);
    assert_non_null(workspace);
    float *to = cnn_network_input(network, workspace, &block);
    for (int c = 0; c < block->channels; c++) {
        for (int i = 0; i < block->height; i++) {
            for (int j = 0; j < block->width; j++) {
                to[cnn_block_row(block, c, i) + (ptrdiff_t)j * CNN_LANES] = *x++;
            }
        }
    }
    cnn_network_prepare(network, model.parameters);
    (void)cnn_network_forward(network, model.parameters, workspace);
    const float *result = cnn_network_result(network, workspace);
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
    }
    assert_int_equal(cnn_network_result_block(network)->channels, count);
    for (size_t i = 0; i < count; i++) {
        test_near(name, i, (double)result[i * CNN_LANES], (double)expected[i], 1e-5 * largest);
    }
    cnn_free(workspace);
    cnn_network_free(model.network);
    cnn_free(model.parameters);
}

/* Does the node test compute what ONNX says it should? */
static void run_node_test(const char *name) {
    static const cnn_onnx_import_options options = {.keep_places = true};
    static const char path[] = "model.onnx";
    char folder[FOLDER_SIZE];
    cnn_imported imported;
    cnn_onnx_notes notes;
    cnn_error error;
    (void)snprintf(folder, sizeof folder, TEST_DATA "/%.200s", name);
    write_model(folder, path);
    cnn_status status = cnn_onnx_import(path, &options, &imported, &notes, &error);
    if (status != CNN_OK) {
        fail_msg("%s: %s", name, error.message);
    }
    Onnx__TensorProto *in = read_tensor(folder, "input", 0);
    Onnx__TensorProto *out = read_tensor(folder, "output", 0);
    size_t in_count, out_count;
    float *x = floats_of(in, &in_count), *y = floats_of(out, &out_count);
    size_t images = (size_t)in->dims[0], each = in_count / images, results = out_count / images;
    assert_int_equal(each, cnn_shape_size(&imported.config->network.input));
    for (size_t n = 0; n < images; n++) {
        run_features(&imported, x + n * each, y + n * results, results, name);
    }
    cnn_free(x);
    cnn_free(y);
    onnx__tensor_proto__free_unpacked(in, NULL);
    onnx__tensor_proto__free_unpacked(out, NULL);
    cnn_imported_free(&imported);
    cnn_onnx_notes_free(&notes);
}

static void test_nodes(void **state) {
    static const char *const names[] = {
        "node/test_averagepool_2d_default",
        "node/test_averagepool_2d_pads_count_include_pad",
        "node/test_averagepool_2d_precomputed_pads_count_include_pad",
        "node/test_averagepool_2d_precomputed_strides",
        "node/test_averagepool_2d_strides",
        "node/test_basic_conv_with_padding",
        "node/test_basic_conv_without_padding",
        "node/test_batchnorm_epsilon",
        "node/test_batchnorm_example",
        "node/test_conv_with_autopad_same",
        "node/test_conv_with_strides_and_asymmetric_padding",
        "node/test_conv_with_strides_no_padding",
        "node/test_conv_with_strides_padding",
        "node/test_flatten_axis1",
        "node/test_flatten_negative_axis3",
        "node/test_globalaveragepool",
        "node/test_globalaveragepool_precomputed",
        "node/test_maxpool_2d_ceil",
        "node/test_maxpool_2d_default",
        "node/test_maxpool_2d_pads",
        "node/test_maxpool_2d_precomputed_pads",
        "node/test_maxpool_2d_precomputed_same_upper",
        "node/test_maxpool_2d_precomputed_strides",
        "node/test_maxpool_2d_same_lower",
        "node/test_maxpool_2d_same_upper",
        "node/test_maxpool_2d_strides",
        "pytorch-converted/test_AvgPool2d",
        "pytorch-converted/test_AvgPool2d_stride",
        "pytorch-converted/test_BatchNorm2d_eval",
        "pytorch-converted/test_BatchNorm2d_momentum_eval",
        "pytorch-converted/test_Conv2d_padding",
        "pytorch-converted/test_Conv2d_strided",
        "pytorch-converted/test_MaxPool2d",
        "pytorch-converted/test_ReLU",
        "pytorch-converted/test_Sigmoid",
    };
    struct stat about;
    (void)state;
    if (stat(TEST_DATA, &about) != 0) {
        print_message("libonnx-testdata is not installed: its node tests are left out\n");
        skip();
    }
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        run_node_test(names[i]);
    }
}

/* Whatever a model computes, reading it ends in a network or in a message. */
static void test_every_model(void **state) {
    static const cnn_onnx_import_options options = {.width = 0};
    cnn_file_list files = {0};
    cnn_error error;
    struct stat about;
    size_t read = 0, refused = 0;
    (void)state;
    if (stat(TEST_DATA, &about) != 0) {
        skip();
    }
    test_ok(cnn_folder_files(TEST_DATA, &files, &error), &error);
    for (size_t i = 0; i < files.count; i++) {
        cnn_imported imported;
        cnn_onnx_notes notes;
        if (!strstr(files.paths[i], "model.onnx")) {
            continue;
        }
        cnn_status status = cnn_onnx_import(files.paths[i], &options, &imported, &notes, &error);
        read += status == CNN_OK;
        refused += status == CNN_ERROR_MODEL || status == CNN_ERROR_CONFIG;
        cnn_imported_free(&imported);
        cnn_onnx_notes_free(&notes);
    }
    cnn_file_list_free(&files);
    assert_true(read >= 26);
    assert_true(read + refused > 1000);
    print_message("%zu models read, %zu refused\n", read, refused);
}

/* --- files that must be refused --- */

/* A graph from an image of 1×4×4: each row is a node, with its inputs separated by spaces. The
 * constants are "w", [1][1][3][3], "v", [2][1][1][1], and "m", [4][1024]. */
typedef struct node_row {
    const char *type, *name, *inputs;
} node_row;

static void write_graph(const node_row *rows, size_t count, const char *output, const char *path) {
    static const float numbers[4 * 1024];
    static const int image[] = {-1, 1, 4, 4}, w[] = {1, 1, 3, 3}, v[] = {2, 1, 1, 1},
                     m[] = {4, 1024};
    cnn_onnx_builder *builder = cnn_onnx_create(13);
    cnn_text bytes = {0};
    cnn_error error;
    assert_non_null(builder);
    cnn_onnx_input(builder, "x", CNN_ONNX_FLOAT, image, 4);
    cnn_onnx_floats(builder, "w", numbers, w, 4);
    cnn_onnx_floats(builder, "v", numbers, v, 4);
    cnn_onnx_floats(builder, "m", numbers, m, 2);
    for (size_t i = 0; i < count; i++) {
        char inputs[64], *rest = NULL;
        cnn_onnx_node *node = cnn_onnx_add(builder, rows[i].type, rows[i].name);
        (void)snprintf(inputs, sizeof inputs, "%s", rows[i].inputs);
        for (char *word = strtok_r(inputs, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            cnn_onnx_read(builder, node, word);
        }
    }
    cnn_onnx_output(builder, output, CNN_ONNX_FLOAT, image, 4);
    cnn_onnx_finish(builder, "test", "test", "1", &bytes);
    assert_false(bytes.failed);
    test_ok(cnn_file_write(path, bytes.data, bytes.length, &error), &error);
    cnn_text_free(&bytes);
    cnn_onnx_free(builder);
}

/* Ends the test unless the file is refused with this message. */
static void expect_refused(const char *path, const char *until, cnn_status wanted,
                           const char *message) {
    const cnn_onnx_import_options options = {.until = until};
    cnn_imported imported;
    cnn_onnx_notes notes;
    cnn_error error = {.message = ""};
    cnn_status status = cnn_onnx_import(path, &options, &imported, &notes, &error);
    if (status != wanted || !strstr(error.message, message)) {
        fail_msg("expected \"%s\", got status %d, \"%s\"", message, (int)status, error.message);
    }
    cnn_imported_free(&imported);
    cnn_onnx_notes_free(&notes);
}

/* Ends the test unless the beginning up to `until` has this number of features. */
static void expect_read(const char *path, const char *until, int features) {
    const cnn_onnx_import_options options = {.until = until};
    cnn_imported imported;
    cnn_onnx_notes notes;
    cnn_error error;
    test_ok(cnn_onnx_import(path, &options, &imported, &notes, &error), &error);
    const cnn_graph *graph = &imported.graph;
    assert_int_equal(graph->nodes[cnn_graph_result(graph)].out.channels, features);
    cnn_imported_free(&imported);
    cnn_onnx_notes_free(&notes);
}

static void test_refused_graphs(void **state) {
    static const struct {
        node_row rows[6];
        const char *message, *usable; /* usable: NULL: none */
        int features;
    } cases[] = {
        {{{"Conv", "c", "x w"}, {"Relu", "r", "c"}, {"Tanh", "t", "r"}},
         "node \"t\" (Tanh): expected an operator that",
         "r",
         1},
        {{{"Tanh", "t", "x"}}, "node \"t\" (Tanh): expected", NULL, 0},
        {{{"Conv", "c", "x v"}, {"Relu", "a", "c"}, {"Sigmoid", "b", "c"}, {"Concat", "t", "a b"}},
         "node \"t\" (Concat): expected branches that join",
         "c",
         2},
        {{{"Conv", "c", "x v"}, {"Relu", "a", "c"}, {"Sigmoid", "b", "c"}, {"Add", "t", "a b"}},
         "node \"t\" (Add): expected one branch that does nothing",
         "c",
         2},
        {{{"Conv", "c", "x v"}, {"Add", "t", "c c"}},
         "node \"t\" (Add): expected a branch",
         "c",
         2},
        {{{"Conv", "c", "x v"}, {"Mul", "t", "c c"}},
         "node \"t\" (Mul): expected branches",
         "c",
         2},
        {{{"Relu", "r", "x"}, {"Conv", "a", "r v"}, {"Conv", "b", "a w"}, {"Add", "t", "r b"}},
         "node \"b\" (Conv): expected weights for 2 input channels, got 1",
         "r",
         1},
        {{{"Conv", "c", "x y"}}, "node \"c\" (Conv): reads \"y\", which no node before", NULL, 0},
        {{{"Conv", "c", "x d"}, {"Relu", "d", "c"}}, "reads \"d\", which no node before", NULL, 0},
        {{{"Conv", "c", "x x"}}, "node \"c\" (Conv): expected branches that join", NULL, 0},
        {{{"Conv", "c", "x w"}, {"Conv", "d", "c w"}},
         "node \"d\" (Conv): expected a window that fits into 2×2",
         "c",
         1},
        {{{"Conv", "c", "x w"}, {"Gemm", "t", "c m"}},
         "node \"t\" (Gemm): expected a flat value (Flatten before it), found 1×2×2",
         "c",
         1},
        {{{"Conv", "c", "x w"}, {"Relu", "c", "x"}}, "found \"c\" twice", NULL, 0},
        {{{"Relu", "r", "w"}}, "expected an output that depends on an input", NULL, 0},
        {{{"Flatten", "f", "x"}, {"Softmax", "s", "f"}, {"Relu", "t", "s"}},
         "node \"t\" (Relu): expected nothing after a softmax",
         "f",
         16},
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        size_t count = 0;
        while (count < TEST_COUNT(cases[i].rows) && cases[i].rows[count].type) {
            count++;
        }
        write_graph(cases[i].rows, count, cases[i].rows[count - 1].name, "case.onnx");
        expect_refused("case.onnx", NULL, CNN_ERROR_MODEL, cases[i].message);
        if (cases[i].usable) {
            char advice[64];
            (void)snprintf(advice, sizeof advice, "can be used: --until \"%s\"", cases[i].usable);
            expect_refused("case.onnx", NULL, CNN_ERROR_MODEL,
                           strcmp(cases[i].usable, "f") == 0 ? "can be used" : advice);
            expect_read("case.onnx", cases[i].usable, cases[i].features);
        }
    }
    expect_refused("case.onnx", "nowhere", CNN_ERROR_CONFIG, "--until: expected the name");
}

/* The same weights in many layers would take more memory than the file. */
static void test_weights_used_often(void **state) {
    enum { UNITS = 1024, TIMES = 8 };
    static float numbers[UNITS * UNITS];
    static const int image[] = {-1, 1, 32, 32}, dim[] = {UNITS, UNITS};
    cnn_onnx_builder *builder = cnn_onnx_create(13);
    cnn_text bytes = {0};
    cnn_error error;
    char name[2] = "a", before[2] = "x";
    (void)state;
    assert_non_null(builder);
    cnn_onnx_input(builder, "x", CNN_ONNX_FLOAT, image, 4);
    cnn_onnx_floats(builder, "m", numbers, dim, 2);
    cnn_onnx_read(builder, cnn_onnx_add(builder, "Flatten", name), before);
    for (int i = 0; i < TIMES; i++) {
        before[0] = name[0]++;
        cnn_onnx_node *node = cnn_onnx_add(builder, "Gemm", name);
        cnn_onnx_read(builder, node, before);
        cnn_onnx_read(builder, node, "m");
    }
    cnn_onnx_output(builder, name, CNN_ONNX_FLOAT, image, 4);
    cnn_onnx_finish(builder, "test", "test", "1", &bytes);
    test_ok(cnn_file_write("often.onnx", bytes.data, bytes.length, &error), &error);
    cnn_text_free(&bytes);
    cnn_onnx_free(builder);
    expect_refused("often.onnx", NULL, CNN_ERROR_MODEL, "expected weights that are used once");
}

/* Puts a field with a length before the bytes, inside of which they are. */
static void wrap(cnn_text *text, unsigned field) {
    cnn_text outer = {0};
    char head[8] = {(char)(field << 3 | 2)};
    size_t length = 1;
    for (size_t rest = text->length; length == 1 || rest > 0; rest >>= 7) {
        head[length++] = (char)((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
    }
    cnn_text_append(&outer, head, length);
    cnn_text_append(&outer, text->data, text->length);
    assert_false(outer.failed);
    cnn_text_free(text);
    *text = outer;
}

/* Graphs in attributes of nodes of graphs: refused before anything is unpacked. */
static void test_nesting(void **state) {
    enum { GRAPH_OF_MODEL = 7, NODE = 1, ATTRIBUTE = 5, GRAPH_OF_ATTRIBUTE = 6 };
    cnn_error error;
    (void)state;
    for (int levels = 5; levels <= 5000; levels *= 10) {
        cnn_text text = {0};
        cnn_text_append(&text, "", 0);
        for (int i = 0; i < levels; i++) {
            wrap(&text, GRAPH_OF_ATTRIBUTE);
            wrap(&text, ATTRIBUTE);
            wrap(&text, NODE);
        }
        wrap(&text, GRAPH_OF_MODEL);
        test_ok(cnn_file_write("nested.onnx", text.data, text.length, &error), &error);
        cnn_text_free(&text);
        expect_refused("nested.onnx", NULL, CNN_ERROR_MODEL,
                       levels == 5 ? "expected the version of ONNX's operators"
                                   : "expected an ONNX file, found something else");
    }
}

/* Two bytes of a file become a node of a hundred: memory stays in proportion. */
static void test_many_nodes(void **state) {
    enum { NODES = 1 << 20, GRAPH_OF_MODEL = 7 };
    static const char node[] = {0x0a, 0x00};
    cnn_text text = {0};
    cnn_error error;
    size_t before = cnn_memory_look().in_use;
    (void)state;
    for (int i = 0; i < NODES; i++) {
        cnn_text_append(&text, node, sizeof node);
    }
    wrap(&text, GRAPH_OF_MODEL);
    test_ok(cnn_file_write("many.onnx", text.data, text.length, &error), &error);
    cnn_text_free(&text);
    expect_refused("many.onnx", NULL, CNN_ERROR_MODEL, "expected an ONNX file with a graph");
    assert_int_equal(cnn_memory_look().in_use, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),          cmocka_unit_test(test_every_model),
        cmocka_unit_test(test_refused_graphs), cmocka_unit_test(test_weights_used_often),
        cmocka_unit_test(test_nesting),        cmocka_unit_test(test_many_nodes),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
