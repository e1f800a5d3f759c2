/* Sets an error, and passes it on: cnn/error.h, and what only the library needs. */
#ifndef CNN_BASE_ERROR_H
#define CNN_BASE_ERROR_H

#include "cnn/error.h"

/* Inserts `format` before the message that *error already holds. Returns error's status, or
 * `status` if error is NULL. */
cnn_status cnn_fail_prefix(cnn_error *error, cnn_status status, const char *format, ...)
    CNN_PRINTF(3, 4);

/* cnn_fail with CNN_ERROR_RUNTIME and the message "path: reason". reason: an errno. */
cnn_status cnn_fail_errno(cnn_error *error, const char *path, int reason);

#endif
