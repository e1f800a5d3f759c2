#include "base/error.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *cnn_status_text(cnn_status status) {
    switch (status) {
#define CNN_STATUS_CASE(name, code, text)                                                          \
    case name:                                                                                     \
        return text;
        CNN_STATUS_LIST(CNN_STATUS_CASE)
#undef CNN_STATUS_CASE
    }
    return "unknown status";
}

/* Messages may contain text from files, so control characters are replaced: a message is one line
 * and sends no commands to a terminal. */
static void make_one_line(char *message) {
    for (char *c = message; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
}

cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) {
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        (void)vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        make_one_line(error->message);
    }
    return status;
}

cnn_status cnn_fail_prefix(cnn_error *error, cnn_status status, const char *format, ...) {
    if (!error) {
        return status;
    }
    char rest[sizeof error->message];
    memcpy(rest, error->message, sizeof rest);
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof error->message) {
        size_t room = sizeof error->message - (size_t)used;
        rest[room - 1] = '\0'; /* a message that is too long loses its end */
        memcpy(error->message + used, rest, strlen(rest) + 1);
    }
    make_one_line(error->message);
    return error->status;
}

cnn_status cnn_fail_errno(cnn_error *error, const char *path, int reason) {
    return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(reason));
}

cnn_status cnn_fail_memory(cnn_error *error, const char *what) {
    cnn_memory_state memory = cnn_memory_look();
    char requested[24], in_use[24], limit[24];
    if (memory.refused == 0) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "out of memory for %s", what);
    }
    if (memory.refused == SIZE_MAX) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "out of memory for %s: more requested than can be addressed", what);
    }
    cnn_bytes_text(memory.refused, requested);
    cnn_bytes_text(memory.in_use, in_use);
    if (memory.limit == SIZE_MAX) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "out of memory for %s: %s requested, %s in use",
                        what, requested, in_use);
    }
    return cnn_fail(error, CNN_ERROR_RUNTIME,
                    "out of memory for %s: %s requested, %s in use, %s allowed (--max-memory)",
                    what, requested, in_use, cnn_bytes_text(memory.limit, limit));
}
