/* ONNX files: what is read as a network is one that can be written, and that runs. */
#include "fuzz.h"

#include "base/memory.h"
#include "model/golden.h"
#include "model/onnx_import.h"

#include <string.h>

/* A network that takes longer, or more memory, is read but not run. */
#define FLOPS_MAX 1e6
#define FLOATS_MAX ((size_t)1 << 18)

/* a file may leave sizes open, or fix others than the options */
static const cnn_status allowed[] = {CNN_ERROR_MODEL, CNN_ERROR_CONFIG, CNN_OK};
/* values may overflow */
static const cnn_status allowed_running[] = {CNN_ERROR_MODEL, CNN_OK};

static bool is_small(const cnn_graph *graph) {
    size_t floats = 0;
    for (int n = 0; n < graph->node_count; n++) {
        floats += cnn_shape_size(&graph->nodes[n].out);
    }
    return cnn_graph_flops(graph) <= FLOPS_MAX && floats <= FLOATS_MAX;
}

/* A classifier answers about a picture. */
static void run(const cnn_imported *imported) {
    const cnn_kernels *kernels;
    cnn_error error;
    cnn_golden_answer answer;
    cnn_model model = {.info = imported->info, .config = imported->config};
    if (cnn_kernels_choose(&kernels, &error) != CNN_OK ||
        cnn_model_replace_network(&model, &imported->config->network, kernels, imported->parameters,
                                  &error) != CNN_OK) {
        fuzz_fail(error.message);
    }
    fuzz_check(cnn_golden_ask_drawn(&model, NULL, &answer, &error), &error, allowed_running);
    cnn_network_free(model.network);
    cnn_free(model.parameters);
}

static void import(const char *path, const cnn_onnx_import_options *options) {
    cnn_imported imported;
    cnn_onnx_notes notes;
    cnn_error error;
    cnn_status status = cnn_onnx_import(path, options, &imported, &notes, &error);
    fuzz_check(status, &error, allowed);
    if (status == CNN_OK) {
        if (cnn_graph_check(&imported.config->network, &error) != CNN_OK) {
            fuzz_fail(error.message);
        }
        if (!(imported.info.deviation[0] > 0.0) || !notes.source.data) {
            fuzz_fail("expected a normalization and a source");
        }
        if (imported.info.classes[0] && is_small(&imported.graph)) {
            run(&imported);
        }
    }
    cnn_imported_free(&imported);
    cnn_onnx_notes_free(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    const cnn_onnx_import_options plain = {.width = 0};
    const cnn_onnx_import_options open = {
        .width = 9, .height = 8, .classes = {"a", "b"}, .blue_first = size % 2 == 1};
    import(path, &plain);
    import(path, &open);
    return 0;
}
