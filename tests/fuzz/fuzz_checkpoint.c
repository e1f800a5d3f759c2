/* Checkpoints, for a run whose config, data and sizes are known: read unchanged, and with a
 * corrected checksum. */
#include "run/checkpoint.h"
#include "fuzz.h"
#include "fuzz_case.h"

static const cnn_status allowed[] = {CNN_ERROR_MODEL, CNN_ERROR_CONFIG, CNN_OK};

static void read_checkpoint(const uint8_t *bytes, size_t size) {
    const char *path = fuzz_file(bytes, size);
    cnn_checkpoint_state state = {.data = FUZZ_CHECKPOINT_DATA};
    float parameters[FUZZ_PARAMETERS], best[FUZZ_PARAMETERS], optimizer[FUZZ_OPTIMIZER_STATE];
    float average[FUZZ_PARAMETERS];
    cnn_checkpoint_values values = {.parameter_count = FUZZ_PARAMETERS,
                                    .state_count = FUZZ_OPTIMIZER_STATE,
                                    .parameters = parameters,
                                    .best_parameters = best,
                                    .optimizer_state = optimizer,
                                    .average_count = FUZZ_PARAMETERS,
                                    .average = average};
    cnn_checkpoint_state peeked = {0};
    bool same_data;
    cnn_error error;
    cnn_status status = cnn_checkpoint_peek(path, FUZZ_CHECKPOINT_CONFIG, &peeked, &error);
    fuzz_check(status, &error, allowed);
    if (status == CNN_OK && (peeked.epochs < 0 || peeked.best.epoch < 0)) {
        fuzz_fail("a run of less than 0 epochs");
    }
    status = cnn_checkpoint_read(path, FUZZ_CHECKPOINT_CONFIG, &state, &values, &same_data, &error);
    fuzz_check(status, &error, allowed);
    if (status == CNN_OK &&
        (state.epochs != peeked.epochs || state.batches != peeked.batches ||
         state.best.epoch != peeked.best.epoch || state.batches < 0 || state.right < 0)) {
        fuzz_fail("a state that no run is ever in");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_both_ways(data, size, fuzz_repair_safetensors, read_checkpoint);
    return 0;
}
