#include "base/file_lock.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    ATTEMPTS = 100,         /* when the last holder has just removed the file */
    RETRY_MILLISECONDS = 20 /* between two attempts to get a lock that another program holds */
};

static bool is_unsupported(int reason) {
    return reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL;
}

/* Locks an open file; returns 0, or errno. It never waits: the lock may be that of a machine that
 * is gone. */
static int lock_file(int file, bool shared) {
    return cnn_file_flock(file, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ? 0 : errno;
}

/* Removes the file of a lock that is held.
 *
 * Only the single holder of a lock may remove its file, so that no program keeps a lock on a file
 * that has lost its name. Becoming the single holder takes more than one step: in between, another
 * program may have been it, and have removed the file. */
static void remove_file(int file, const char *path, bool shared) {
    if (!shared || (lock_file(file, false) == 0 && cnn_file_has_name(file, AT_FDCWD, path))) {
        (void)unlink(path);
    }
}

/* Locks the file with flock. lock->file stays -1 if another program holds it (*held), or if there
 * are no locks. */
static cnn_status take_file(cnn_file_lock *lock, bool *held, cnn_error *error) {
    *held = false;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int file =
            cnn_file_open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (file < 0) {
            return cnn_fail_errno(error, lock->path, errno);
        }
        int reason = lock_file(file, lock->shared);
        if (reason == 0 && cnn_file_has_name(file, AT_FDCWD, lock->path)) {
            lock->file = file;
            return CNN_OK;
        }
        *held = reason == EWOULDBLOCK;
        if (reason != 0 && !*held) {
            (void)unlink(lock->path); /* no program can hold it */
        }
        (void)close(file);
        if (*held || is_unsupported(reason)) {
            return CNN_OK;
        }
        if (reason != 0) {
            return cnn_fail_errno(error, lock->path, reason);
        }
        /* its last holder removed it between open and flock: try the new file */
    }
    return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: the lock file keeps changing", lock->path);
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

static cnn_status take_both(const cnn_lock_request *request, cnn_file_lock *lock, bool *busy,
                            cnn_lock_holder *holder, cnn_error *error) {
    lock->path = cnn_copy_string(request->path);
    if (!lock->path) {
        return cnn_fail_memory(error, request->path);
    }
    CNN_TRY(take_file(lock, &lock->held_elsewhere, error));
    return take_claim(request, lock, busy, holder, error);
}

/* The claims decide also if the file is locked by another program: an NFS server keeps the lock of
 * a machine that is gone for its lease (version 4), or until the machine starts again (version 3).
 */
static cnn_status try_once(const cnn_lock_request *request, cnn_file_lock *lock, bool *busy,
                           cnn_lock_holder *holder, cnn_error *error) {
    *lock = (cnn_file_lock){.file = -1, .shared = request->kind == CNN_LOCK_SHARED};
    *busy = false;
    *holder = (cnn_lock_holder){0};
    cnn_status status = take_both(request, lock, busy, holder, error);
    if (status != CNN_OK || *busy) {
        cnn_file_lock_release(lock);
    }
    return status;
}

cnn_status cnn_file_lock_take(const cnn_lock_request *request, cnn_file_lock *lock, bool *busy,
                              cnn_lock_holder *holder, cnn_error *error) {
    CNN_TRY(try_once(request, lock, busy, holder, error));
    while (*busy && request->kind == CNN_LOCK_WAIT) {
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
    if (lock->claim && lock->held_elsewhere && !lock->shared) {
        /* the locked file is left over, since no other program is at work; the next program
         * makes a new one */
        (void)unlink(lock->path);
    }
    cnn_claim_release(lock->claim); /* while the kernel's lock still keeps others out */
    if (lock->file >= 0) {
        /* removed while it is held: a program that has it open sees that it is gone */
        remove_file(lock->file, lock->path, lock->shared);
        (void)close(lock->file);
    }
    cnn_free(lock->path);
    *lock = (cnn_file_lock){.file = -1};
}
