/* Members that failed: a note in the directory of each, failed.json, which any process can read. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "run/tables.h"

#define NOTE_LIMIT ((size_t)1 << 16)

/* What is done with the note of a member in its directory. */
typedef cnn_status note_work(const cnn_run_directory *directory, void *context, cnn_error *error);

static cnn_status in_directory(const cnn_sweep_set *set, int member, note_work *work, void *context,
                               cnn_error *error) {
    cnn_run_directory directory;
    cnn_status status = cnn_run_member_directory(set->directory, member, &directory, error);
    if (status == CNN_OK) {
        status = work(&directory, context, error);
    }
    cnn_run_directory_free(&directory);
    return status;
}

/* --- writing --- */

/* What is written. */
typedef struct note {
    int code;
    char *reason;
} note;

static cnn_status write_note(const cnn_run_directory *directory, void *context, cnn_error *error) {
    const note *written = context;
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_integer(cnn_json_key(&json, "code"), written->code);
    cnn_json_string(cnn_json_key(&json, "reason"), written->reason);
    cnn_json_end(&json);
    cnn_text_append(&text, "\n", 1);
    cnn_status status = cnn_folder_make(directory->path, error);
    if (status != CNN_OK) {
        cnn_text_free(&text);
        return status;
    }
    return cnn_table_write(directory->file[CNN_RUN_FAILURE], &text, true, error);
}

cnn_status cnn_sweep_note(const cnn_sweep_set *set, int member, const cnn_error *reason,
                          cnn_error *error) {
    cnn_error copy = *reason;
    note written = {.code = (int)reason->status, .reason = copy.message};
    return in_directory(set, member, write_note, &written, error);
}

cnn_status cnn_sweep_note_end(const cnn_sweep_set *set, int member, const cnn_error *reason,
                              cnn_error *error) {
    cnn_error copy = *reason;
    note written = {.code = CNN_SWEEP_ENDED_CODE, .reason = copy.message};
    return in_directory(set, member, write_note, &written, error);
}

static cnn_status remove_note(const cnn_run_directory *directory, void *context, cnn_error *error) {
    (void)context;
    return cnn_run_remove(directory, CNN_RUN_FAILURE, error);
}

cnn_status cnn_sweep_remove_note(const cnn_sweep_set *set, int member, cnn_error *error) {
    return in_directory(set, member, remove_note, NULL, error);
}

/* --- reading --- */

static cnn_status parse_note(const char *path, const char *text, size_t size, note *found,
                             cnn_error *error) {
    bool no_memory;
    cJSON *json = cnn_json_parse(text, size + 1, NULL, true, &no_memory);
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "code");
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(json, "reason");
    cnn_status status = CNN_OK;
    if (no_memory) {
        status = cnn_fail_memory(error, path);
    } else if (!cJSON_IsNumber(code) || !cJSON_IsString(reason) || code->valueint == 0 ||
               code->valueint < CNN_SWEEP_ENDED_CODE || code->valueint > CNN_ERROR_DIVERGED) {
        status = cnn_fail(error, CNN_ERROR_RUNTIME,
                          "%s: expected {\"code\": …, \"reason\": …}, found other text; remove the "
                          "file, and the run is trained again",
                          path);
    } else {
        found->code = code->valueint;
        found->reason = cnn_copy_string(reason->valuestring);
        status = found->reason ? CNN_OK : cnn_fail_memory(error, path);
    }
    cJSON_Delete(json);
    return status;
}

static cnn_status read_note(const cnn_run_directory *directory, void *context, cnn_error *error) {
    char *text;
    size_t size;
    CNN_TRY(cnn_run_read_file(directory, CNN_RUN_FAILURE, NOTE_LIMIT, &text, &size, error));
    if (!text) {
        return CNN_OK;
    }
    cnn_status status = parse_note(directory->file[CNN_RUN_FAILURE], text, size, context, error);
    cnn_free(text);
    return status;
}

cnn_status cnn_sweep_read_note(const cnn_sweep_set *set, int member, int *code, char **reason,
                               cnn_error *error) {
    note found = {0};
    cnn_status status = in_directory(set, member, read_note, &found, error);
    *code = found.code;
    *reason = found.reason;
    return status;
}

/* --- all members --- */

cnn_status cnn_sweep_check_outcome(const cnn_sweep_set *set, cnn_error *error) {
    cnn_status failure = CNN_OK;
    for (int member = 1; member <= set->sweep->members; member++) {
        int code;
        char *reason;
        CNN_TRY(cnn_sweep_read_note(set, member, &code, &reason, error));
        cnn_free(reason);
        if (code == 0) { /* finished, or not trained yet */
            return CNN_OK;
        }
        if (code > 0 && (failure == CNN_OK || code != CNN_ERROR_DIVERGED)) {
            failure = (cnn_status)code;
        }
    }
    return failure == CNN_OK
               ? CNN_OK
               : cnn_fail(error, failure, "%s: no run has finished, of %d; sweep.csv says why",
                          set->directory, set->sweep->members);
}
