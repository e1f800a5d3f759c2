#include "cli/inputs.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

struct cnn_inputs {
    const char *const *arguments;
    size_t count, next;
    /* the current folder */
    bool walking;
    cnn_file_list files;
    size_t file;
    /* lines of stdin */
    bool reading, ended;
    char *bytes;
    size_t used, capacity, line;
    cnn_error error;
};

cnn_inputs *cnn_inputs_create(const char *const *arguments, size_t count) {
    cnn_inputs *inputs = cnn_alloc(1, sizeof *inputs);
    if (inputs) {
        inputs->arguments = arguments;
        inputs->count = count;
    }
    return inputs;
}

void cnn_inputs_free(cnn_inputs *inputs) {
    if (inputs) {
        cnn_file_list_free(&inputs->files);
        cnn_free(inputs->bytes);
        cnn_free(inputs);
    }
}

/* Finds out whether an argument is a folder, and opens it. *reason: one that cannot be read, or
 * gives no files, is an input that failed. */
static cnn_status open_folder(cnn_inputs *inputs, const char *path, bool *is_folder,
                              const char **reason, cnn_error *error) {
    cnn_status status = cnn_folder_look(path, CNN_ERROR_DATA, is_folder, &inputs->error);
    if (status == CNN_OK && *is_folder) {
        status = cnn_folder_files(path, &inputs->files, &inputs->error);
    }
    if (status == CNN_ERROR_RUNTIME) { /* no input is to blame */
        *error = inputs->error;
        return status;
    }
    if (status != CNN_OK) {
        *reason = inputs->error.message;
    } else if (*is_folder && inputs->files.count == 0) {
        *reason = "expected images, found an empty folder";
    } else if (*is_folder) {
        inputs->walking = true;
        inputs->file = 0;
    }
    return CNN_OK;
}

/* Reads more of stdin. *waiting: it has nothing now. */
static cnn_status read_more(cnn_inputs *inputs, bool wait, bool *waiting, cnn_error *error) {
    *waiting = false;
    struct pollfd poll_stdin = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!wait && poll(&poll_stdin, 1, 0) == 0) {
        *waiting = true;
        return CNN_OK;
    }
    void *bytes = inputs->bytes;
    if (!cnn_grow(&bytes, &inputs->capacity, inputs->used + 65536, 1)) {
        return cnn_fail_memory(error, "paths from standard input");
    }
    inputs->bytes = bytes;
    ssize_t got;
    do {
        got = read(STDIN_FILENO, inputs->bytes + inputs->used, inputs->capacity - inputs->used - 1);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "standard input: %s", strerror(errno));
    }
    inputs->used += (size_t)got;
    inputs->ended = got == 0;
    return CNN_OK;
}

/* The next line of stdin that is not empty, NULL at the end. */
static cnn_status next_line(cnn_inputs *inputs, bool wait, bool *waiting, char **path,
                            cnn_error *error) {
    *path = NULL;
    *waiting = false;
    for (;;) {
        char *begin = inputs->bytes ? inputs->bytes + inputs->line : NULL;
        size_t rest = inputs->used - inputs->line;
        char *end = rest > 0 ? memchr(begin, '\n', rest) : NULL;
        if (!end && inputs->ended && rest > 0) {
            end = begin + rest; /* the last line has no newline */
        }
        if (end) {
            bool last = (size_t)(end - inputs->bytes) == inputs->used;
            *end = '\0';
            inputs->line = last ? inputs->used : (size_t)(end + 1 - inputs->bytes);
            if (*begin) {
                *path = cnn_copy_string(begin);
                return *path ? CNN_OK : cnn_fail_memory(error, "paths from standard input");
            }
            continue;
        }
        if (inputs->ended) {
            return CNN_OK;
        }
        if (rest > 0) {
            memmove(inputs->bytes, begin, rest);
        }
        inputs->used = rest;
        inputs->line = 0;
        cnn_status status = read_more(inputs, wait, waiting, error);
        if (status != CNN_OK || *waiting) {
            return status;
        }
    }
}

cnn_status cnn_inputs_next(cnn_inputs *inputs, bool wait, cnn_input_kind *kind, char **path,
                           const char **reason, cnn_error *error) {
    *path = NULL;
    *reason = NULL;
    for (;;) {
        if (inputs->walking) {
            if (inputs->file < inputs->files.count) {
                *kind = CNN_INPUT_PATH;
                *path = inputs->files.paths[inputs->file];
                inputs->files.paths[inputs->file++] = NULL; /* the caller's now */
                return CNN_OK;
            }
            cnn_file_list_free(&inputs->files);
            inputs->walking = false;
        }
        if (inputs->reading) {
            bool waiting;
            cnn_status status = next_line(inputs, wait, &waiting, path, error);
            if (status != CNN_OK || waiting || *path) {
                *kind = waiting ? CNN_INPUT_WAITING : CNN_INPUT_PATH;
                return status;
            }
            inputs->reading = false;
        }
        if (inputs->next == inputs->count) {
            *kind = CNN_INPUT_END;
            return CNN_OK;
        }
        const char *argument = inputs->arguments[inputs->next++];
        if (strcmp(argument, "-") == 0) {
            inputs->reading = !inputs->ended;
            continue;
        }
        bool is_folder;
        CNN_TRY(open_folder(inputs, argument, &is_folder, reason, error));
        if (*reason || !is_folder) {
            *kind = *reason ? CNN_INPUT_FAILED : CNN_INPUT_PATH;
            *path = cnn_copy_string(argument);
            return *path ? CNN_OK : cnn_fail_memory(error, "a path");
        }
    }
}
