/* Configs and what the command line sets in them: the first bytes up to a zero byte are the file,
 * and each further piece between zero bytes is a KEY=VALUE. A network that the checks let in must
 * run. */
#include "config/config.h"
#include "fuzz.h"

#include "base/memory.h"
#include "nn/minibatch.h"

#include <string.h>

enum { OVERRIDES_MAX = 8 };

/* Larger networks are not run: columns and rows of the image, filters and units, and what that
 * gives. */
enum { SIDE_MAX = 48, KEY_MAX = 48 };
#define FLOPS_MAX 1e6
#define FLOATS_MAX ((size_t)1 << 20)

static const cnn_status allowed[] = {CNN_ERROR_CONFIG, CNN_OK};

/* A config that is read is written, read again, and the same. */
static void check_round_trip(const cnn_config *config) {
    char *json = cnn_config_to_json(config);
    if (!json) {
        fuzz_fail("a config cannot be written");
    }
    cnn_config *again;
    cnn_error error;
    if (cnn_config_load(fuzz_file(json, strlen(json)), NULL, 0, &again, &error) != CNN_OK) {
        fuzz_fail(error.message);
    }
    char *json_again = cnn_config_to_json(again);
    char difference[256];
    if (!json_again || strcmp(json, json_again) != 0 ||
        cnn_config_difference(json, json_again, difference, &error) != CNN_OK || *difference) {
        fuzz_fail("a config changes by being written and read");
    }
    cnn_config_free(again);
    cnn_free(json_again);
    cnn_free(json);
}

/* A black image of class 0. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    (void)context, (void)first, (void)block, (void)x;
    for (int i = 0; labels && i < count; i++) {
        labels[i] = 0;
    }
}

/* One step's passes, and prediction. */
static void run_passes(cnn_network *network) {
    cnn_minibatch *minibatch;
    cnn_error error;
    float *parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
    if (!parameters || cnn_minibatch_create(network, 1, 1, &minibatch, &error) != CNN_OK) {
        fuzz_fail("no memory for a small network");
        return;
    }
    const cnn_sample_source source = {.fill = fill};
    const float *gradients;
    float logit;
    uint8_t label;
    cnn_network_initialize(network, 1, parameters);
    cnn_minibatch_prepare(minibatch, parameters);
    cnn_minibatch_gradients(minibatch, parameters, &source, 0, 1, &gradients, &logit, &label);
    cnn_minibatch_forward(minibatch, parameters, &source, 0, 1, &logit, &label);
    cnn_minibatch_free(minibatch);
    cnn_free(parameters);
}

static bool is_small(const cnn_network_spec *spec) {
    bool small = spec->input.width <= SIDE_MAX && spec->input.height <= SIDE_MAX;
    for (int i = 0; i < spec->layer_count; i++) {
        small = small && spec->layers[i].value[0] <= KEY_MAX; /* filters or units, size of a pool */
    }
    return small;
}

static void run_network(const cnn_network_spec *spec) {
    const cnn_kernels *kernels;
    cnn_network *network;
    cnn_error error;
    if (cnn_kernels_choose(&kernels, &error) != CNN_OK ||
        cnn_network_create(spec, kernels, CNN_NETWORK_FAST, &network, &error) != CNN_OK) {
        fuzz_fail(error.message);
    }
    if (network->flops <= FLOPS_MAX && network->plan.workspace_size <= FLOATS_MAX &&
        network->parameter_count <= FLOATS_MAX) {
        run_passes(network);
    }
    cnn_network_free(network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = cnn_alloc(size + 1, 1); /* ends in a zero byte */
    if (!text) {
        fuzz_fail("no memory for a copy");
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    const char *overrides[OVERRIDES_MAX];
    size_t count = 0;
    size_t end = strlen(text);
    for (size_t at = end + 1; at < size && count < OVERRIDES_MAX; at += strlen(text + at) + 1) {
        overrides[count++] = text + at;
    }
    cnn_config *config = NULL;
    cnn_error error;
    cnn_status status = cnn_config_load(fuzz_file(text, end), overrides, count, &config, &error);
    fuzz_check(status, &error, allowed);
    if (status == CNN_OK) {
        check_round_trip(config);
        if (is_small(&config->network)) {
            run_network(&config->network);
        }
    }
    cnn_config_free(config);
    cnn_free(text);
    return 0;
}
