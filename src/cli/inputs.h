/* The inputs of cnnpredict, one after the other: images, the files of folders, paths from stdin. */
#ifndef CNN_CLI_INPUTS_H
#define CNN_CLI_INPUTS_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct cnn_inputs cnn_inputs;

/* What is next. */
typedef enum cnn_input_kind {
    CNN_INPUT_PATH,    /* a file (or something that cannot be read) */
    CNN_INPUT_FAILED,  /* a folder that gives no files */
    CNN_INPUT_WAITING, /* stdin has nothing yet, and the caller did not want to wait */
    CNN_INPUT_END,
} cnn_input_kind;

/* Starts as {0}. Free its texts with cnn_input_free, also after a failure. */
typedef struct cnn_input {
    cnn_input_kind kind;
    char *path;   /* as given; NULL: there is none */
    char *found;  /* the path on disk, if its name has another Unicode form there; NULL: path */
    char *reason; /* of CNN_INPUT_FAILED; NULL otherwise */
} cnn_input;

void cnn_input_free(cnn_input *input);

/* arguments: [count], as on the command line; they must outlive the inputs. NULL if memory is
 * refused. */
cnn_inputs *cnn_inputs_create(const char *const *arguments, size_t count);
void cnn_inputs_free(cnn_inputs *inputs); /* NULL is allowed */

/* Sets *input to the next input. wait: whether to wait for stdin. Paths there are separated by
 * newlines, with or without a carriage return before them, or by zero bytes, if there are any. A
 * byte order mark (UTF-8) is skipped. CNN_ERROR_RUNTIME if memory is refused or stdin cannot be
 * read. */
CNN_MUST_USE cnn_status cnn_inputs_next(cnn_inputs *inputs, bool wait, cnn_input *input,
                                        cnn_error *error);

#endif
