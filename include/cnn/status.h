/* The result of a function that may fail, and its error message. */
#ifndef CNN_STATUS_H
#define CNN_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of status codes: name, exit code of the programs, short meaning. */
#define CNN_STATUS_LIST(X)                                                                         \
    X(CNN_OK, 0, "done")                                                                           \
    X(CNN_ERROR_RUNTIME, 1, "runtime or I/O failure")                                              \
    X(CNN_ERROR_CONFIG, 2, "bad flags or config")                                                  \
    X(CNN_ERROR_DATA, 3, "data unusable")                                                          \
    X(CNN_ERROR_MODEL, 4, "model file missing, damaged, or of an unknown version")                 \
    X(CNN_ERROR_DIVERGED, 5, "training diverged: the loss is NaN or infinite")                     \
    X(CNN_ERROR_INPUTS, 6, "some inputs failed")                                                   \
    X(CNN_STOPPED, 75, "stopped after saving a checkpoint")

typedef enum cnn_status {
#define CNN_STATUS_ENUM(name, code, text) name = code,
    CNN_STATUS_LIST(CNN_STATUS_ENUM)
#undef CNN_STATUS_ENUM
} cnn_status;

/* Filled by the function that fails; the caller owns it. `message` is one line without a trailing
 * newline, and is never empty after a failure. A NULL cnn_error pointer is allowed everywhere. */
typedef struct cnn_error {
    cnn_status status;
    char message[1024];
} cnn_error;

#if defined(__GNUC__)
#define CNN_MUST_USE __attribute__((warn_unused_result))
#define CNN_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CNN_MUST_USE
#define CNN_PRINTF(text, first)
#endif

/* The short meaning of a status, a constant string. */
const char *cnn_status_text(cnn_status status);

#ifdef __cplusplus
}
#endif
#endif
