#include "cli/inputs.h"

#include "cnn/error.h"
#include "cnn/file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No path is nearly as long: what is, is no list of paths. */
enum { LINE_MAX_BYTES = 1 << 24 };

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
    cnn_inputs *inputs = calloc(1, sizeof *inputs);
    if (inputs) {
        inputs->arguments = arguments;
        inputs->count = count;
    }
    return inputs;
}

void cnn_inputs_free(cnn_inputs *inputs) {
    if (inputs) {
        cnn_file_list_free(&inputs->files);
        free(inputs->bytes);
        free(inputs);
    }
}

/* NULL when memory is refused. */
static char *copy_path(const char *path) {
    const size_t size = strlen(path) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, path, size) : NULL;
}

/* Finds out whether an argument is a folder, and opens it. *reason: one that cannot be read, or
 * gives no files, is an input that failed. */
static cnn_status open_folder(cnn_inputs *inputs, const char *path, bool *is_folder,
                              const char **reason, cnn_error *error) {
    cnn_file_list_free(&inputs->files);
    cnn_status status = cnn_path_files(path, is_folder, &inputs->files, &inputs->error);
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

/* Makes room for `more` bytes of stdin, doubling what there is. */
static cnn_status make_room(cnn_inputs *inputs, size_t more, cnn_error *error) {
    size_t capacity = inputs->capacity;
    while (capacity < inputs->used + more) {
        capacity = capacity > 0 ? 2 * capacity : more;
    }
    if (capacity > LINE_MAX_BYTES) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "standard input: expected a path a line, got a line of more than %d bytes",
                        LINE_MAX_BYTES / 2);
    }
    char *bytes = capacity > inputs->capacity ? realloc(inputs->bytes, capacity) : inputs->bytes;
    if (!bytes) {
        return cnn_fail_memory(error, "paths from standard input");
    }
    inputs->bytes = bytes;
    inputs->capacity = capacity;
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
    CNN_TRY(make_room(inputs, 65536, error));
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
                *path = copy_path(begin);
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
                *path = copy_path(inputs->files.paths[inputs->file++]);
                return *path ? CNN_OK : cnn_fail_memory(error, "a path");
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
            *path = copy_path(argument);
            return *path ? CNN_OK : cnn_fail_memory(error, "a path");
        }
    }
}
