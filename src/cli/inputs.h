/* The inputs of cnnpredict, one after the other: images, the files of folders, paths from stdin. */
#ifndef CNN_CLI_INPUTS_H
#define CNN_CLI_INPUTS_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct cnn_inputs cnn_inputs;

/* What is next. */
typedef enum cnn_input_kind {
    CNN_INPUT_PATH,    /* *path is a file (or something that cannot be read) */
    CNN_INPUT_FAILED,  /* *path is a folder that gives no files, *reason says why */
    CNN_INPUT_WAITING, /* stdin has nothing yet, and the caller did not want to wait */
    CNN_INPUT_END,
} cnn_input_kind;

/* arguments: [count], as on the command line; they must outlive the inputs. NULL when memory is
 * refused. */
cnn_inputs *cnn_inputs_create(const char *const *arguments, size_t count);
void cnn_inputs_free(cnn_inputs *inputs);

/* The next input. *path (to be freed with free) and *reason (the inputs' own, until the next
 * call) are set as the kind says. wait: whether to wait for stdin. CNN_ERROR_RUNTIME where memory
 * is refused or stdin cannot be read. */
CNN_MUST_USE cnn_status cnn_inputs_next(cnn_inputs *inputs, bool wait, cnn_input_kind *kind,
                                        char **path, const char **reason, cnn_error *error);

#endif
