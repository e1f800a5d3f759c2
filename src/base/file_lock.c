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
 * Of programs that share a lock, the last one to come is named. */
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

/* Locks an open file; returns 0, or errno. */
static int lock_file(int file, cnn_lock_kind kind) {
    static const int operations[] = {[CNN_LOCK_ALONE] = LOCK_EX | LOCK_NB,
                                     [CNN_LOCK_SHARED] = LOCK_SH | LOCK_NB,
                                     [CNN_LOCK_WAIT] = LOCK_EX};
    int result;
    do {
        result = flock(file, operations[kind]);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

/* Removes the file of a lock that is held.
 *
 * Only the single holder of a lock may remove its file, so that no program keeps a lock on a file
 * that has lost its name. Becoming the single holder takes more than one step: in between, another
 * program may have been it, and have removed the file. */
static void remove_file(int file, const char *path, bool shared) {
    if (!shared ||
        (lock_file(file, CNN_LOCK_ALONE) == 0 && cnn_file_has_name(file, AT_FDCWD, path))) {
        (void)unlink(path);
    }
}

/* A locked file becomes the lock. */
static cnn_status keep(int file, const char *path, bool shared, cnn_file_lock *lock,
                       cnn_error *error) {
    char *copy = cnn_copy_string(path);
    if (!copy) {
        remove_file(file, path, shared);
        (void)close(file);
        return cnn_fail_memory(error, path);
    }
    write_holder(file);
    *lock = (cnn_file_lock){.file = file, .path = copy, .shared = shared};
    return CNN_OK;
}

cnn_status cnn_file_lock_take(const char *path, cnn_lock_kind kind, cnn_file_lock *lock, bool *busy,
                              long *holder, cnn_error *error) {
    *lock = (cnn_file_lock){.file = -1};
    *busy = false;
    *holder = 0;
    /* a waiting program gets the lock at last: others that get it before end when their work is
     * done */
    for (int attempt = 0; kind == CNN_LOCK_WAIT || attempt < ATTEMPTS; attempt++) {
        int file =
            cnn_file_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (file < 0) {
            return cnn_fail_errno(error, path, errno);
        }
        int reason = lock_file(file, kind);
        if (reason == 0 && cnn_file_has_name(file, AT_FDCWD, path)) {
            return keep(file, path, kind == CNN_LOCK_SHARED, lock, error);
        }
        *busy = reason == EWOULDBLOCK;
        *holder = *busy ? read_holder(file) : 0;
        if (reason != 0 && !*busy) {
            (void)unlink(path); /* no program can hold it */
        }
        (void)close(file);
        if (*busy || is_unsupported(reason)) {
            return CNN_OK;
        }
        if (reason != 0) {
            return cnn_fail_errno(error, path, reason);
        }
        /* its last holder removed it between open and flock: try the new file */
    }
    return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: the lock file keeps changing", path);
}

void cnn_file_lock_release(cnn_file_lock *lock) {
    if (lock->path) {
        /* removed while it is held: a program that has it open sees that it is gone */
        remove_file(lock->file, lock->path, lock->shared);
        (void)close(lock->file);
        cnn_free(lock->path);
    }
    *lock = (cnn_file_lock){.file = -1};
}
