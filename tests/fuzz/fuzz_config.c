/* Configs and what the command line sets in them: the first bytes up to a zero byte are the file,
 * and each further piece between zero bytes is a KEY=VALUE. */
#include "config.h"
#include "fuzz.h"

#include "memory.h"

#include <string.h>

enum { OVERRIDES_MAX = 8 };

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
    if (!json_again || strcmp(json, json_again) != 0 || cnn_config_difference(json, json_again)) {
        fuzz_fail("a config changes by being written and read");
    }
    cnn_config_free(again);
    cnn_free(json_again);
    cnn_free(json);
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
    }
    cnn_config_free(config);
    cnn_free(text);
    return 0;
}
