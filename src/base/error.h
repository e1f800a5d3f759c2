/* Setting the text of an error. */
#ifndef CNN_BASE_ERROR_H
#define CNN_BASE_ERROR_H

#include "cnn/status.h"

/* Writes the message (printf style) into *error, where error may be NULL, and returns `status`, so
 * that a failing function ends with `return cnn_fail(error, ...)`. */
cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) CNN_PRINTF(3, 4);

/* Puts `format` in front of the message that *error already holds; returns error's status, or
 * `status` where error is NULL. */
cnn_status cnn_fail_prefix(cnn_error *error, cnn_status status, const char *format, ...)
    CNN_PRINTF(3, 4);

/* cnn_fail for a request of memory that was refused. `what` says what it was for. */
cnn_status cnn_fail_memory(cnn_error *error, const char *what);

#endif
