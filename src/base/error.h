/* Sets the message of an error. */
#ifndef CNN_BASE_ERROR_H
#define CNN_BASE_ERROR_H

#include "cnn/status.h"

/* Writes the message (printf style) into *error, where error may be NULL, and returns `status`, so
 * that a failing function ends with `return cnn_fail(error, ...)`. */
cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) CNN_PRINTF(3, 4);

/* Puts `format` before the message that *error already contains. Returns the status of *error, or
 * `status` if error is NULL. */
cnn_status cnn_fail_prefix(cnn_error *error, cnn_status status, const char *format, ...)
    CNN_PRINTF(3, 4);

/* cnn_fail for memory that was refused. `what` says what it was for. */
cnn_status cnn_fail_memory(cnn_error *error, const char *what);

/* Calls something that may fail, and returns its status at once unless it is CNN_OK.
 *
 * This is the project's one idiom for errors. A function that uses it holds nothing that must be
 * released. Where something must be released, two functions share the work: the inner one uses
 * CNN_TRY; the outer one acquires, calls it, releases, and returns its status. */
#define CNN_TRY(call)                                                                              \
    do {                                                                                           \
        const cnn_status cnn_try_status = (call);                                                  \
        if (cnn_try_status != CNN_OK) {                                                            \
            return cnn_try_status;                                                                 \
        }                                                                                          \
    } while (0)

#endif
