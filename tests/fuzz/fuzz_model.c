/* Model files, and files of networks without a classifier: read as they are, and with the checksum
 * put right; a model that is read must run, and be a start for another network. */
#include "fuzz.h"

#include "model/model_file.h"
#include "model/pretrained.h"

#include "cnn/predict.h"

/* A network that takes longer, or more memory, is read but not run. */
#define FLOPS_MAX 1e7
#define FLOATS_MAX ((size_t)1 << 22)

static const cnn_status allowed[] = {CNN_ERROR_MODEL, CNN_OK};
/* values may overflow, and a small picture may not be brought to any shape */
static const cnn_status allowed_running[] = {CNN_ERROR_DATA, CNN_OK};

static bool is_small(const cnn_model *model) {
    return model->network->flops <= FLOPS_MAX && model->network->plan.forward_size <= FLOATS_MAX;
}

/* One picture through the network, the way cnnpredict goes. */
static void run(const char *path) {
    enum { WIDTH = 5, HEIGHT = 4, CHANNELS = 3 };
    uint8_t picture[HEIGHT][WIDTH][CHANNELS];
    for (size_t i = 0; i < sizeof picture; i++) {
        (&picture[0][0][0])[i] = (uint8_t)(37 * i);
    }
    cnn_error error;
    cnn_predictor *predictor;
    float probability;
    cnn_status status = cnn_predictor_load(path, &predictor, &error);
    if (status != CNN_OK) {
        fuzz_fail("a model that was read is refused");
    }
    status = cnn_predict_pixels(predictor, &picture[0][0][0], WIDTH, HEIGHT, CHANNELS,
                                sizeof picture[0], &probability, &error);
    fuzz_check(status, &error, allowed_running);
    if (status == CNN_OK && !(probability >= 0.0f && probability <= 1.0f)) {
        fuzz_fail("expected a probability");
    }
    cnn_predictor_free(predictor);
}

static void read_pretrained(const char *path, bool is_model) {
    cnn_error error;
    cnn_pretrained *pretrained;
    cnn_status status = cnn_pretrained_read(path, &pretrained, &error);
    fuzz_check(status, &error, allowed);
    if (is_model && status != CNN_OK) {
        fuzz_fail("a model that was read is refused as a start");
    }
    if (status == CNN_OK && pretrained->layers.layer_count < 1) {
        fuzz_fail("expected layers before the classifier");
    }
    cnn_pretrained_free(pretrained);
}

static void read_model(const uint8_t *bytes, size_t size) {
    const char *path = fuzz_file(bytes, size);
    const cnn_kernels *kernels;
    cnn_error error;
    cnn_model *model = NULL;
    if (cnn_kernels_choose(&kernels, &error) != CNN_OK) {
        fuzz_fail(error.message);
    }
    cnn_status status = cnn_model_read(path, kernels, &model, &error);
    fuzz_check(status, &error, allowed);
    bool runs = status == CNN_OK && is_small(model);
    cnn_model_free(model);
    read_pretrained(path, status == CNN_OK);
    if (runs) {
        run(path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_both_ways(data, size, fuzz_repair_safetensors, read_model);
    return 0;
}
