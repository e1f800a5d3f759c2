#include "base/file_lock.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The process number that the holder wrote into the file; 0: unknown. */
static long read_holder(int file) {
    char text[24] = {0};
    return pread(file, text, sizeof text - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

/* Writes the process number, for messages. The lock does not depend on it, so failures are ignored.
 */
static void write_holder(int file) {
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) == 0) {
        ssize_t written = pwrite(file, text, (size_t)length, 0);
        (void)written;
    }
}

/* How often to try again when the last holder has just removed the file. */
enum { ATTEMPTS = 100 };

static bool is_unsupported(int reason) {
    return reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL;
}

cnn_status cnn_file_lock_take(const char *path, cnn_file_lock *lock, bool *busy, long *holder,
                              cnn_error *error) {
    *lock = (cnn_file_lock){.file = -1};
    *busy = false;
    *holder = 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int file =
            cnn_file_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (file < 0) {
            return cnn_fail_errno(error, path, errno);
        }
        int reason = flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
        if (reason == 0 && cnn_file_has_name(file, AT_FDCWD, path)) {
            lock->path = cnn_copy_string(path);
            if (!lock->path) {
                (void)unlink(path);
                (void)close(file);
                return cnn_fail_memory(error, path);
            }
            write_holder(file);
            lock->file = file;
            return CNN_OK;
        }
        *busy = reason == EWOULDBLOCK;
        *holder = *busy ? read_holder(file) : 0;
        if (reason != 0 && reason != EWOULDBLOCK && reason != EINTR) {
            (void)unlink(path); /* no program can hold it */
        }
        (void)close(file);
        if (*busy || is_unsupported(reason)) {
            return CNN_OK;
        }
        if (reason != 0 && reason != EINTR) {
            return cnn_fail_errno(error, path, reason);
        }
        /* its last holder removed it between open and flock: try the new file */
    }
    return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: the lock file keeps changing", path);
}

void cnn_file_lock_release(cnn_file_lock *lock) {
    if (lock->path) {
        /* removed while it is held: a program that has it open sees that it is gone */
        (void)unlink(lock->path);
        (void)close(lock->file);
        cnn_free(lock->path);
    }
    *lock = (cnn_file_lock){.file = -1};
}
