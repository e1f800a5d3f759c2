#include "base/error.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
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

/* The rest of a UTF-8 character, which has up to 3 such bytes. */
static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Copies a text that is too long for the message without its middle: a message begins with the
 * place, and ends with the reason. */
static void keep_ends(cnn_error *error, const char *text, size_t length) {
    static const char gap[] = "…";
    const size_t kept = sizeof error->message - sizeof gap;
    size_t head = kept / 2;
    const char *tail = text + length - (kept - head);
    for (int i = 0; i < 3 && is_continuation(text[head]); i++) {
        head--;
    }
    for (int i = 0; i < 3 && is_continuation(*tail); i++) {
        tail++;
    }
    memcpy(error->message, text, head);
    memcpy(error->message + head, gap, sizeof gap - 1);
    memcpy(error->message + head + sizeof gap - 1, tail, strlen(tail) + 1);
}

/* Sets the message to the formatted text and what follows it. */
static void set_message(cnn_error *error, const char *after, const char *format,
                        va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int result = vsnprintf(error->message, sizeof error->message, format, arguments);
    const size_t used = result > 0 ? (size_t)result : 0;
    const size_t rest = strlen(after);
    if (used + rest < sizeof error->message) {
        memcpy(error->message + used, after, rest + 1);
    } else {
        if (used < sizeof error->message) {
            (void)snprintf(error->message + used, sizeof error->message - used, "%s", after);
        }
        char *whole = cnn_plain_alloc(used + rest + 1);
        if (whole) { /* else the message loses its end */
            (void)vsnprintf(whole, used + 1, format, again);
            memcpy(whole + used, after, rest + 1);
            keep_ends(error, whole, used + rest);
            cnn_free(whole);
        }
    }
    va_end(again);
    make_one_line(error->message);
}

cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) {
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        set_message(error, "", format, arguments);
        va_end(arguments);
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
    set_message(error, rest, format, arguments);
    va_end(arguments);
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
