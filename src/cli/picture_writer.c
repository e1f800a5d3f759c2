#include "cli/picture_writer.h"

#include "cnn/error.h"
#include "cnn/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 239 bytes: a temporary name is up to 16 longer, and a file system takes 255. */
enum { NAME_MAX_BYTES = 239 };
#define SIZE_MAX_BYTES ((size_t)256 << 20)

/* What is sent before a name and the bytes of a file. */
typedef struct request {
    size_t name_length, size;
} request;

/* --- pipes --- */

/* False, with errno set, if not all can be written. */
static bool send_all(int file, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        const ssize_t done = write(file, at, size);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        at += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* The same for reading; errno is 0 if the other end is closed. */
static bool receive_all(int file, void *data, size_t size) {
    char *at = data;
    while (size > 0) {
        const ssize_t done = read(file, at, size);
        if (done == 0 || (done < 0 && errno != EINTR)) {
            errno = done == 0 ? 0 : errno;
            return false;
        }
        at += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* --- the process --- */

static bool is_picture(const char *name, const uint8_t *bytes, size_t size) {
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".png") == 0 && !strchr(name, '/') &&
           size > sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

static cnn_status write_picture(const char *folder, const char *name, const uint8_t *bytes,
                                size_t size, cnn_error *error) {
    if (!is_picture(name, bytes, size)) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: refused a file that is not a picture",
                        folder);
    }
    const size_t room = strlen(folder) + strlen(name) + 2;
    char *path = malloc(room);
    if (!path) {
        return cnn_fail_memory(error, "a picture");
    }
    (void)snprintf(path, room, "%s/%s", folder, name);
    cnn_status status = cnn_file_write(path, bytes, size, error);
    free(path);
    return status;
}

/* Does one request. False, with the reason in errno (0: the program has ended), if there will be no
 * other. */
static bool serve(const char *folder, int requests, int replies) {
    request head;
    char name[NAME_MAX_BYTES + 1] = "";
    cnn_error error = {0};
    if (!receive_all(requests, &head, sizeof head)) {
        return false;
    }
    if (head.name_length > NAME_MAX_BYTES || head.size > SIZE_MAX_BYTES) {
        errno = EMSGSIZE;
        return false;
    }
    uint8_t *bytes = malloc(head.size + 1);
    const bool received = bytes && receive_all(requests, name, head.name_length) &&
                          receive_all(requests, bytes, head.size);
    const int reason = errno;
    if (received) {
        error.status = write_picture(folder, name, bytes, head.size, &error);
    }
    free(bytes);
    errno = reason;
    return received && send_all(replies, &error, sizeof error);
}

static _Noreturn void work(const char *folder, cnn_status (*confine)(cnn_error *error),
                           int requests, int replies) {
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    /* whoever reads or writes these must not wait for this process */
    (void)close(STDIN_FILENO);
    (void)close(STDOUT_FILENO);
    cnn_error error;
    if (confine && confine(&error) != CNN_OK) {
        _exit(EPERM);
    }
    while (serve(folder, requests, replies)) {
    }
    _exit(errno & 0xff); /* the reason, for wait_for */
}

/* --- the program --- */

static cnn_status start(const char *folder, cnn_status (*confine)(cnn_error *error),
                        const int down[2], const int up[2], pid_t *process, cnn_error *error) {
    *process = fork();
    if (*process == 0) {
        (void)close(down[1]);
        (void)close(up[0]);
        work(folder, confine, down[0], up[1]);
    }
    return *process > 0 ? CNN_OK
                        : cnn_fail(error, CNN_ERROR_RUNTIME,
                                   "%s: cannot start the process that writes pictures: %s", folder,
                                   strerror(errno));
}

/* Closes those that are open. */
static void close_both(const int pipe[2]) {
    for (int i = 0; i < 2; i++) {
        if (pipe[i] >= 0) {
            (void)close(pipe[i]);
        }
    }
}

cnn_status cnn_picture_writer_start(const char *folder, cnn_status (*confine)(cnn_error *error),
                                    cnn_picture_writer *writer, cnn_error *error) {
    int down[2] = {-1, -1}, up[2] = {-1, -1};
    pid_t process = -1;
    CNN_TRY(cnn_folder_make(folder, error));
    cnn_status status = CNN_OK;
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
        status = cnn_fail(error, CNN_ERROR_RUNTIME,
                          "%s: cannot make a pipe to the process that writes pictures: %s", folder,
                          strerror(errno));
    }
    if (status == CNN_OK) {
        status = start(folder, confine, down, up, &process, error);
    }
    if (status != CNN_OK) {
        close_both(down);
        close_both(up);
        return status;
    }
    (void)close(down[0]);
    (void)close(up[1]);
    *writer = (cnn_picture_writer){.process = process, .requests = down[1], .replies = up[0]};
    return CNN_OK;
}

/* Waits for the end of the process. Returns the reason that it gives, an errno, or 0. */
static int wait_for(cnn_picture_writer *writer) {
    int status = 0;
    pid_t ended = -1;
    if (writer->process > 0) {
        const int pipes[2] = {writer->requests, writer->replies};
        close_both(pipes);
        do {
            ended = waitpid(writer->process, &status, 0);
        } while (ended < 0 && errno == EINTR);
    }
    *writer = (cnn_picture_writer){.process = -1, .requests = -1, .replies = -1};
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

void cnn_picture_writer_end(cnn_picture_writer *writer) {
    (void)wait_for(writer);
}

cnn_status cnn_picture_writer_put(cnn_picture_writer *writer, const char *name,
                                  const uint8_t *bytes, size_t size, cnn_error *error) {
    const request head = {.name_length = strlen(name), .size = size};
    cnn_error reply;
    if (!send_all(writer->requests, &head, sizeof head) ||
        !send_all(writer->requests, name, head.name_length) ||
        !send_all(writer->requests, bytes, size) ||
        !receive_all(writer->replies, &reply, sizeof reply)) {
        int reason = errno == EPIPE ? 0 : errno;
        const int given = wait_for(writer);
        reason = reason ? reason : given;
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: the process that writes pictures: %s", name,
                        reason ? strerror(reason) : "it has ended");
    }
    return reply.status == CNN_OK ? CNN_OK
                                  : cnn_fail(error, CNN_ERROR_RUNTIME, "%s", reply.message);
}
