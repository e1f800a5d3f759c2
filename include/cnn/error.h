/* Errors as the library reports them, for programs that add their own: a status that is returned,
 * and one line of text. */
#ifndef CNN_ERROR_H
#define CNN_ERROR_H

#include "cnn/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the message (printf style) into *error and returns `status`, so that a failing function
 * can end with `return cnn_fail(error, ...)`. error may be NULL. Control characters in the message
 * become '?'. */
cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) CNN_PRINTF(3, 4);

/* cnn_fail with CNN_ERROR_RUNTIME, for memory that was refused. `what` names its use. */
cnn_status cnn_fail_memory(cnn_error *error, const char *what);

/* Calls a function that may fail. Returns its status at once unless it is CNN_OK.
 *
 * This is the project's one idiom for errors. A function that uses it holds nothing that must be
 * released. If something must be released, two functions share the work: the inner one uses
 * CNN_TRY; the outer one acquires, calls the inner one, releases, and returns its status. */
#define CNN_TRY(call)                                                                              \
    do {                                                                                           \
        const cnn_status cnn_try_status = (call);                                                  \
        if (cnn_try_status != CNN_OK) {                                                            \
            return cnn_try_status;                                                                 \
        }                                                                                          \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
