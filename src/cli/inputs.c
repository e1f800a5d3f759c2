#include "cli/inputs.h"

#include "cnn/error.h"
#include "cnn/file.h"
#include "cnn/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No path is nearly as long. Longer text is not a list of paths. */
enum { PATH_MAX_BYTES = 1 << 24 };

/* What is between the paths of stdin. */
typedef enum separator { NOT_KNOWN, NEWLINE, ZERO_BYTE } separator;

/* A list of paths that is read from stdin. */
typedef struct path_list {
    bool reading, ended;
    separator separator;
    char *bytes; /* [capacity]; the list from `next` to `used` is still to be given out */
    size_t used, capacity, next;
} path_list;

struct cnn_inputs {
    const char *const *arguments;
    size_t count, next;
    /* the current folder */
    bool walking;
    cnn_file_list files;
    size_t file;
    path_list list;
    cnn_path_finder *finder;
};

cnn_inputs *cnn_inputs_create(const char *const *arguments, size_t count) {
    cnn_inputs *inputs = calloc(1, sizeof *inputs);
    if (!inputs) {
        return NULL;
    }
    inputs->arguments = arguments;
    inputs->count = count;
    inputs->finder = cnn_path_finder_create();
    if (!inputs->finder) {
        free(inputs);
        return NULL;
    }
    return inputs;
}

void cnn_inputs_free(cnn_inputs *inputs) {
    if (inputs) {
        cnn_file_list_free(&inputs->files);
        cnn_path_finder_free(inputs->finder);
        free(inputs->list.bytes);
        free(inputs);
    }
}

void cnn_input_free(cnn_input *input) {
    free(input->path);
    cnn_text_release(input->found);
    free(input->reason);
    *input = (cnn_input){0};
}

static cnn_status copy(const char *text, char **to, cnn_error *error) {
    const size_t size = strlen(text) + 1;
    *to = malloc(size);
    if (!*to) {
        return cnn_fail_memory(error, "a path");
    }
    memcpy(*to, text, size);
    return CNN_OK;
}

/* --- folders --- */

/* Why a folder cannot be read. Its own path is in the row already. */
static const char *reason_of(const cnn_error *error, const char *folder) {
    const size_t length = strlen(folder);
    const bool starts_with_path = strncmp(error->message, folder, length) == 0 &&
                                  strncmp(error->message + length, ": ", 2) == 0;
    return error->message + (starts_with_path ? length + 2 : 0);
}

/* Finds out whether an argument is a folder, and starts to walk it. A folder that cannot be read,
 * or contains no files, is an input that failed. */
static cnn_status open_folder(cnn_inputs *inputs, const char *path, bool *is_folder,
                              cnn_input *input, cnn_error *error) {
    struct stat about;
    *is_folder = false;
    if (stat(path, &about) != 0 && errno == ENAMETOOLONG) {
        return CNN_OK; /* the reader of images says so without the path */
    }
    cnn_file_list_free(&inputs->files);
    cnn_error found;
    const cnn_status status = cnn_path_files(path, is_folder, &inputs->files, &found);
    if (status == CNN_ERROR_RUNTIME) { /* not the fault of the input */
        *error = found;
        return status;
    }
    if (status == CNN_OK && !*is_folder) {
        return CNN_OK;
    }
    if (status != CNN_OK || inputs->files.count == 0) {
        input->kind = CNN_INPUT_FAILED;
        return copy(status != CNN_OK ? reason_of(&found, path)
                                     : "expected images, found an empty folder",
                    &input->reason, error);
    }
    inputs->walking = true;
    inputs->file = 0;
    return CNN_OK;
}

/* An argument. *walks: it is a folder, whose files are the next inputs. */
static cnn_status open_argument(cnn_inputs *inputs, const char *argument, bool *walks,
                                cnn_input *input, cnn_error *error) {
    bool is_folder;
    input->kind = CNN_INPUT_PATH;
    CNN_TRY(cnn_path_finder_find(inputs->finder, argument, &input->found, error));
    CNN_TRY(open_folder(inputs, input->found ? input->found : argument, &is_folder, input, error));
    *walks = is_folder && input->kind == CNN_INPUT_PATH;
    if (*walks) {
        cnn_input_free(input);
        return CNN_OK;
    }
    return copy(argument, &input->path, error);
}

/* --- paths from stdin --- */

/* Makes room for `more` bytes, doubling the buffer. */
static cnn_status make_room(path_list *list, size_t more, cnn_error *error) {
    size_t capacity = list->capacity;
    while (capacity < list->used + more) {
        capacity = capacity > 0 ? 2 * capacity : more;
    }
    if (capacity > PATH_MAX_BYTES) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "standard input: expected a path on each line, or zero bytes between "
                        "paths, found more than %d bytes without either",
                        PATH_MAX_BYTES / 2);
    }
    char *bytes = capacity > list->capacity ? realloc(list->bytes, capacity) : list->bytes;
    if (!bytes) {
        return cnn_fail_memory(error, "paths from standard input");
    }
    list->bytes = bytes;
    list->capacity = capacity;
    return CNN_OK;
}

/* Reads more of stdin. *waiting: it has nothing now. */
static cnn_status read_more(path_list *list, bool wait, bool *waiting, cnn_error *error) {
    *waiting = false;
    struct pollfd poll_stdin = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!wait && poll(&poll_stdin, 1, 0) == 0) {
        *waiting = true;
        return CNN_OK;
    }
    if (list->next > 0) {
        list->used -= list->next;
        memmove(list->bytes, list->bytes + list->next, list->used);
        list->next = 0;
    }
    CNN_TRY(make_room(list, 65536, error));
    ssize_t got;
    do {
        got = read(STDIN_FILENO, list->bytes + list->used, list->capacity - list->used - 1);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "standard input: %s", strerror(errno));
    }
    list->used += (size_t)got;
    list->ended = got == 0;
    return CNN_OK;
}

static bool contains(const path_list *list, char byte) {
    return list->used > 0 && memchr(list->bytes, byte, list->used);
}

/* Checks and skips the byte order mark. UTF-16 is what some shells write by default. */
static cnn_status read_mark(path_list *list, cnn_error *error) {
    const char *bytes = list->bytes;
    if (list->used >= 4 && ((memcmp(bytes, "\xff\xfe", 2) == 0 && bytes[3] == '\0') ||
                            (memcmp(bytes, "\xfe\xff", 2) == 0 && bytes[2] == '\0'))) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "standard input: expected paths in UTF-8, found UTF-16; convert it with "
                        "iconv -f UTF-16 -t UTF-8");
    }
    list->next = list->used >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return CNN_OK;
}

/* Finds out what separates the paths. No path has PATH_MAX bytes, so a list with zero bytes
 * has one among as many at its start. Less is enough if it ends a line and no more is there: a
 * program that writes a line at a time wants its row. */
static cnn_status find_separator(path_list *list, bool wait, bool *waiting, cnn_error *error) {
    *waiting = false;
    while (list->separator == NOT_KNOWN) {
        if (contains(list, '\0')) {
            list->separator = ZERO_BYTE;
        } else if (list->ended || list->used >= PATH_MAX + 3) {
            list->separator = NEWLINE;
        } else {
            const bool has_line = contains(list, '\n');
            CNN_TRY(read_more(list, wait && !has_line, waiting, error));
            if (*waiting && !has_line) {
                return CNN_OK;
            }
            list->separator = *waiting ? NEWLINE : NOT_KNOWN;
            *waiting = false;
        }
    }
    return read_mark(list, error);
}

/* Ends a path with '\0' instead of its separator, and removes the carriage return of CRLF. */
static cnn_status cut_path(const path_list *list, char *begin, char *end, cnn_error *error) {
    *end = '\0';
    if (list->separator == ZERO_BYTE) {
        return CNN_OK;
    }
    if (strlen(begin) != (size_t)(end - begin)) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "standard input: expected a path on each line, as before, found a zero "
                        "byte after \"%.100s\"",
                        begin);
    }
    if (end > begin && end[-1] == '\r') {
        end[-1] = '\0';
    }
    return CNN_OK;
}

/* The next path of the list that is not empty. *path: NULL at the end, or if stdin has nothing now
 * (*waiting). */
static cnn_status next_path(path_list *list, bool wait, bool *waiting, char **path,
                            cnn_error *error) {
    *path = NULL;
    *waiting = false;
    if (list->separator == NOT_KNOWN) {
        CNN_TRY(find_separator(list, wait, waiting, error));
    }
    while (!*waiting) {
        char *begin = list->bytes + list->next;
        const size_t rest = list->used - list->next;
        char *end = rest > 0 ? memchr(begin, list->separator == NEWLINE ? '\n' : '\0', rest) : NULL;
        if (!end && list->ended && rest > 0) {
            end = begin + rest; /* nothing follows the last path */
        }
        if (end) {
            list->next += (size_t)(end - begin) + ((size_t)(end - begin) < rest);
            CNN_TRY(cut_path(list, begin, end, error));
            if (*begin) {
                return copy(begin, path, error);
            }
        } else if (list->ended) {
            return CNN_OK;
        } else {
            CNN_TRY(read_more(list, wait, waiting, error));
        }
    }
    return CNN_OK;
}

/* --- inputs --- */

/* The next file of the folder, if there is one. */
static cnn_status next_file(cnn_inputs *inputs, cnn_input *input, cnn_error *error) {
    if (inputs->walking && inputs->file < inputs->files.count) {
        input->kind = CNN_INPUT_PATH;
        return copy(inputs->files.paths[inputs->file++], &input->path, error);
    }
    cnn_file_list_free(&inputs->files);
    inputs->walking = false;
    return CNN_OK;
}

/* The next path of stdin, if there is one, or CNN_INPUT_WAITING. */
static cnn_status next_listed(cnn_inputs *inputs, bool wait, cnn_input *input, cnn_error *error) {
    bool waiting = false;
    CNN_TRY(next_path(&inputs->list, wait, &waiting, &input->path, error));
    input->kind = waiting ? CNN_INPUT_WAITING : CNN_INPUT_PATH;
    if (input->path) {
        return cnn_path_finder_find(inputs->finder, input->path, &input->found, error);
    }
    inputs->list.reading = waiting;
    return CNN_OK;
}

cnn_status cnn_inputs_next(cnn_inputs *inputs, bool wait, cnn_input *input, cnn_error *error) {
    *input = (cnn_input){.kind = CNN_INPUT_PATH};
    for (;;) {
        if (inputs->walking) {
            CNN_TRY(next_file(inputs, input, error));
        } else if (inputs->list.reading) {
            CNN_TRY(next_listed(inputs, wait, input, error));
        } else if (inputs->next == inputs->count) {
            input->kind = CNN_INPUT_END;
            return CNN_OK;
        } else if (strcmp(inputs->arguments[inputs->next], "-") == 0) {
            inputs->next++;
            inputs->list.reading = !inputs->list.ended;
        } else {
            bool walks;
            CNN_TRY(open_argument(inputs, inputs->arguments[inputs->next++], &walks, input, error));
        }
        if (input->path || input->kind == CNN_INPUT_WAITING) {
            return CNN_OK;
        }
    }
}
