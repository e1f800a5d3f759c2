#include "base/file_lock.h"

#include "base/error.h"
#include "base/file.h"
#include "base/lock_domain.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What the holder wrote into the file. */
static cnn_lock_holder read_holder(int file) {
    char text[100] = {0}, process[21] = "";
    cnn_lock_holder holder = {0};
    if (pread(file, text, sizeof text - 1, 0) > 0) {
        (void)sscanf(text, "%20[0-9] %64[-A-Za-z0-9._]", process, holder.host);
        holder.process = strtol(process, NULL, 10);
    }
    return holder;
}

/* Writes process number and machine, for messages. The lock does not depend on it, so failures are
 * ignored. Of programs that share a lock, the latest one is named. */
static void write_holder(int file) {
    char host[65], text[100];
    cnn_host_name(host);
    int length = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
    if (ftruncate(file, 0) == 0) {
        ssize_t written = pwrite(file, text, (size_t)length, 0);
        (void)written;
    }
}

enum {
    ATTEMPTS = 100,          /* when the last holder has just removed the file */
    RETRY_MILLISECONDS = 100 /* between two attempts to get a lock that another machine holds */
};

static bool is_unsupported(int reason) {
    return reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL;
}

/* Locks an open file; returns 0, or errno. */
static int lock_file(int file, cnn_lock_kind kind) {
    static const int operations[] = {[CNN_LOCK_ALONE] = LOCK_EX | LOCK_NB,
                                     [CNN_LOCK_SHARED] = LOCK_SH | LOCK_NB,
                                     [CNN_LOCK_WAIT] = LOCK_EX};
    return cnn_file_flock(file, operations[kind]) == 0 ? 0 : errno;
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

/* Locks the file with flock. lock->file is -1 if it is busy, or if there are no locks. */
static cnn_status take_file(const char *path, cnn_lock_kind kind, cnn_file_lock *lock, bool *busy,
                            cnn_lock_holder *holder, cnn_error *error) {
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
        if (*busy) {
            *holder = read_holder(file);
        }
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

/* Takes the claim that belongs to the lock. */
static cnn_status take_claim(const cnn_lock_request *request, cnn_file_lock *lock, bool *busy,
                             cnn_lock_holder *holder, cnn_error *error) {
    const cnn_claim_request claim = {.path = request->path,
                                     .shared = request->kind == CNN_LOCK_SHARED,
                                     .log = request->log,
                                     .should_stop = request->should_stop,
                                     .user = request->user};
    CNN_TRY(cnn_claim_take(&claim, &lock->claim, holder, error));
    *busy = !lock->claim;
    return CNN_OK;
}

static cnn_status try_once(const cnn_lock_request *request, cnn_file_lock *lock, bool *busy,
                           cnn_lock_holder *holder, cnn_error *error) {
    *lock = (cnn_file_lock){.file = -1};
    *busy = false;
    *holder = (cnn_lock_holder){0};
    CNN_TRY(take_file(request->path, request->kind, lock, busy, holder, error));
    cnn_status status = *busy ? CNN_OK : take_claim(request, lock, busy, holder, error);
    if (status != CNN_OK || *busy) {
        cnn_file_lock_release(lock);
    }
    return status;
}

cnn_status cnn_file_lock_take(const cnn_lock_request *request, cnn_file_lock *lock, bool *busy,
                              cnn_lock_holder *holder, cnn_error *error) {
    CNN_TRY(try_once(request, lock, busy, holder, error));
    while (*busy && request->kind == CNN_LOCK_WAIT) { /* a program on another machine holds it */
        if (request->should_stop && request->should_stop(request->user)) {
            return cnn_fail(error, CNN_STOPPED, "stopped before the run began");
        }
        (void)poll(NULL, 0, RETRY_MILLISECONDS);
        CNN_TRY(try_once(request, lock, busy, holder, error));
    }
    return CNN_OK;
}

bool cnn_file_lock_is_lost(const cnn_file_lock *lock) {
    return cnn_claim_is_lost(lock->claim);
}

void cnn_file_lock_release(cnn_file_lock *lock) {
    cnn_claim_release(lock->claim); /* while the kernel's lock still keeps others out */
    if (lock->path) {
        /* removed while it is held: a program that has it open sees that it is gone */
        remove_file(lock->file, lock->path, lock->shared);
        (void)close(lock->file);
        cnn_free(lock->path);
    }
    *lock = (cnn_file_lock){.file = -1};
}
