/* Sweep files: every value of a member is JSON, and a drawn number is between its ends. */
#include "config/sweep.h"
#include "fuzz.h"

#include "base/json.h"
#include "base/memory.h"

#include <string.h>

/* Members that are looked at: the first and the last ones. */
enum { LOOKED_AT = 8 };

static const cnn_status allowed[] = {CNN_ERROR_CONFIG, CNN_OK};

static void check_value(const cnn_sweep *sweep, int member, const cnn_sweep_key *key) {
    cnn_text text = {0};
    bool no_memory;
    cnn_sweep_value(sweep, member, key, &text);
    cJSON *json =
        text.failed ? NULL : cnn_json_parse(text.data, text.length + 1, NULL, true, &no_memory);
    if (!json) {
        fuzz_fail("a value is not JSON");
    }
    bool drawn = key->kind != CNN_SWEEP_LIST && key->kind != CNN_SWEEP_CHOICE;
    if (drawn && !(json->valuedouble >= key->low && json->valuedouble <= key->high)) {
        fuzz_fail("a drawn number is not between its ends");
    }
    cJSON_Delete(json);
    cnn_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cnn_sweep *sweep = NULL;
    cnn_error error;
    cnn_status status = cnn_sweep_load(fuzz_file(data, size), &sweep, &error);
    fuzz_check(status, &error, allowed);
    for (int member = 1; sweep && member <= sweep->members; member++) {
        for (int i = 0; i < sweep->key_count; i++) {
            check_value(sweep, member, &sweep->keys[i]);
        }
        if (member == LOOKED_AT && sweep->members > 2 * LOOKED_AT) {
            member = sweep->members - LOOKED_AT;
        }
    }
    cnn_sweep_free(sweep);
    return 0;
}
