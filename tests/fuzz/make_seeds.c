/* Writes the binary seeds with the library's own writers: make_seeds FOLDER, which contains the
 * folders model, checkpoint and cache_file. The same bytes in every run of one version. */
#include "fuzz_case.h"

#include "run/checkpoint.h"
#include "base/memory.h"
#include "model/model_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 512 };

static const struct {
    const char *name, *config;
} models[] = {
    {"plain", "{\"data\":{\"train\":\"a\"},\"image\":{\"width\":6,\"height\":6,\"channels\":1},"
              "\"layers\":[{\"type\":\"conv\",\"filters\":1,\"kernel\":3},{\"type\":\"relu\"},"
              "{\"type\":\"maxpool\",\"size\":2},{\"type\":\"flatten\"},"
              "{\"type\":\"dense\",\"units\":1},{\"type\":\"sigmoid\"}]}"},
    {"colour", "{\"data\":{\"train\":\"a\"},\"image\":{\"width\":7,\"height\":5,\"channels\":3,"
               "\"resize\":\"letterbox\",\"normalize\":\"standardize\"},"
               "\"layers\":[{\"type\":\"conv\",\"filters\":2,\"kernel\":2,\"stride\":2,"
               "\"padding\":\"same\"},{\"type\":\"maxpool\",\"size\":2,\"stride\":1},"
               "{\"type\":\"sigmoid\"},{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":3},"
               "{\"type\":\"relu\"},{\"type\":\"dense\",\"units\":1},{\"type\":\"sigmoid\"}]}"},
    /* normalized and dropped, inside a residual with a projection and one without */
    {"residual",
     "{\"data\":{\"train\":\"a\"},\"image\":{\"width\":8,\"height\":8,\"channels\":1},"
     "\"layers\":[{\"type\":\"batchnorm\"},{\"type\":\"residual\",\"layers\":["
     "{\"type\":\"conv\",\"filters\":2,\"kernel\":3,\"stride\":2,\"padding\":\"same\"},"
     "{\"type\":\"batchnorm\",\"eps\":0.001},{\"type\":\"leaky_relu\"},{\"type\":\"dropout\"},"
     "{\"type\":\"residual\",\"layers\":[{\"type\":\"relu\"}]}]},"
     "{\"type\":\"avgpool\",\"size\":2},{\"type\":\"global_avgpool\"},{\"type\":\"flatten\"},"
     "{\"type\":\"dense\",\"units\":1},{\"type\":\"sigmoid\"}]}"},
    /* wide enough for Winograd's algorithm; a stretched range */
    {"winograd",
     "{\"data\":{\"train\":\"a\"},\"image\":{\"width\":8,\"height\":8,\"channels\":1,"
     "\"resize\":\"crop\",\"range\":\"stretch\",\"alpha\":\"white\"},"
     "\"layers\":[{\"type\":\"conv\",\"filters\":16,\"kernel\":1},"
     "{\"type\":\"conv\",\"filters\":16,\"kernel\":3,\"padding\":1},{\"type\":\"relu\"},"
     "{\"type\":\"maxpool\",\"size\":2},{\"type\":\"flatten\"},"
     "{\"type\":\"dense\",\"units\":1},{\"type\":\"sigmoid\"}]}"},
};

/* Reads the text as a config; the library reads only files. */
static cnn_status read_config(const char *text, cnn_config **config, cnn_error *error) {
    int pipe_ends[2];
    char path[PATH_SIZE];
    if (pipe(pipe_ends) != 0 || write(pipe_ends[1], text, strlen(text)) != (ssize_t)strlen(text) ||
        close(pipe_ends[1]) != 0) {
        perror("a pipe");
        return CNN_ERROR_RUNTIME;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", pipe_ends[0]);
    cnn_status status = cnn_config_load(path, NULL, 0, config, error);
    (void)close(pipe_ends[0]);
    return status;
}

static cnn_status write_model(const char *path, const char *text, cnn_error *error) {
    char no[] = "no", yes[] = "yes";
    const cnn_model_info info = {.classes = {no, yes},
                                 .mean = {0.25, 0.5, 0.125},
                                 .deviation = {0.5, 1.0, 2.0},
                                 .temperature = 1.25,
                                 .threshold = 0.5};
    const cnn_kernels *kernels;
    cnn_config *config = NULL;
    cnn_network *network = NULL;
    float *parameters = NULL;
    cnn_status status = cnn_kernels_choose(&kernels, error);
    if (status == CNN_OK) {
        status = read_config(text, &config, error);
    }
    if (status == CNN_OK) {
        config->image.ends = (cnn_range){.low = 29820, .high = 29949};
    }
    if (status == CNN_OK) {
        status = cnn_network_create(&config->network, kernels, CNN_NETWORK_FAST, &network, error);
    }
    if (status == CNN_OK) {
        parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
        status = parameters ? CNN_OK : CNN_ERROR_RUNTIME;
    }
    if (status == CNN_OK) {
        cnn_network_initialize(network, 1, parameters);
        status = cnn_model_write(path, config, &info, network, parameters, error);
    }
    cnn_free(parameters);
    cnn_network_free(network);
    cnn_config_free(config);
    return status;
}

static cnn_status write_checkpoint(const char *path, cnn_error *error) {
    const cnn_checkpoint_state state = {.epochs = 2,
                                        .batches = 3,
                                        .loss_sum = 1.5,
                                        .right = 4,
                                        .best = {.epoch = 1, .value = 0.25, .smoothed = 0.25},
                                        .train_loss = 0.5,
                                        .train_accuracy = 0.75,
                                        .seconds = 3.0,
                                        .training_seconds = 2.0,
                                        .low = 29820,
                                        .high = 29949,
                                        .data = FUZZ_CHECKPOINT_DATA};
    float numbers[FUZZ_PARAMETERS];
    for (size_t i = 0; i < FUZZ_PARAMETERS; i++) {
        numbers[i] = (float)i * 0.25f;
    }
    const cnn_checkpoint_values values = {.parameter_count = FUZZ_PARAMETERS,
                                          .state_count = FUZZ_OPTIMIZER_STATE,
                                          .parameters = numbers,
                                          .best_parameters = numbers,
                                          .optimizer_state = numbers,
                                          .average_count = FUZZ_PARAMETERS,
                                          .average = numbers};
    return cnn_checkpoint_write(path, &state, FUZZ_CHECKPOINT_CONFIG, &values, error);
}

/* A cache file whose second image could not be read. */
static cnn_status write_cache_file(const char *path, cnn_error *error) {
    cnn_cache_file_writer writer;
    size_t size;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || !cnn_cache_file_size(&fuzz_cache_layout, &size) ||
        ftruncate(file, (off_t)size) != 0) {
        perror(path);
        return CNN_ERROR_RUNTIME;
    }
    cnn_status status = cnn_cache_file_start(file, &fuzz_cache_layout, &writer, error);
    if (status == CNN_OK) {
        const uint8_t pixels[] = "twenty bytes of each";
        cnn_cache_file_write(&writer, 0, pixels, 0xaaaa);
        cnn_cache_file_write(&writer, 2, pixels, 0xbbbb);
        status = cnn_cache_file_finish(&writer, error);
        cnn_cache_file_writer_free(&writer);
    }
    (void)close(file);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fputs("usage: make_seeds FOLDER\n", stderr);
        return 2;
    }
    cnn_error error = {.message = ""};
    cnn_status status = CNN_OK;
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof models / sizeof *models && status == CNN_OK; i++) {
        (void)snprintf(path, sizeof path, "%s/model/%s.bin", argv[1], models[i].name);
        status = write_model(path, models[i].config, &error);
    }
    if (status == CNN_OK) {
        (void)snprintf(path, sizeof path, "%s/checkpoint/checkpoint.bin", argv[1]);
        status = write_checkpoint(path, &error);
    }
    if (status == CNN_OK) {
        (void)snprintf(path, sizeof path, "%s/cache_file/three.images", argv[1]);
        status = write_cache_file(path, &error);
    }
    if (status != CNN_OK) {
        (void)fprintf(stderr, "make_seeds: %s: %s\n", path, error.message);
    }
    return status == CNN_OK ? 0 : 1;
}
