/* A lock file, for programs that must not write to the same place at the same time. */
#ifndef CNN_BASE_FILE_LOCK_H
#define CNN_BASE_FILE_LOCK_H

#include "base/file_claim.h"

#include "cnn/status.h"

#include <stdbool.h>

typedef enum cnn_lock_kind {
    CNN_LOCK_ALONE,  /* no other program holds it */
    CNN_LOCK_SHARED, /* no program holds it alone; any number of programs share it */
    CNN_LOCK_WAIT,   /* as CNN_LOCK_ALONE, but waits for it: where others hold it for a moment */
} cnn_lock_kind;

typedef struct cnn_lock_request {
    const char *path; /* of the lock file */
    cnn_lock_kind kind;
    const cnn_log_sink *log;         /* told when finding out takes a while; NULL: nobody is */
    bool (*should_stop)(void *user); /* asked then; NULL: never */
    void *user;
} cnn_lock_request;

typedef struct cnn_file_lock {
    int file;   /* -1: it could not be locked, because another program has or there are no locks */
    char *path; /* of the lock file; NULL: the lock is not held */
    bool shared;
    bool held_elsewhere; /* was the file locked by another program? */
    cnn_claim *claim;    /* NULL: the lock is not held */
} cnn_file_lock;

/* Makes the file `path`, locks it with flock, and leaves a claim next to it (file_claim.h). *busy:
 * another program holds the lock in a way that keeps this one out; *holder is that program. The
 * claims decide who holds the lock. flock makes this quick for programs of one machine, whose
 * kernel knows when a program has ended: what a killed program left is taken over at once. Finding
 * out about a program on another machine takes seconds if it is alive, and a minute if it is not,
 * whatever the locks of the file system. CNN_STOPPED if should_stop ended that. CNN_ERROR_RUNTIME,
 * message starting with the path, if the files cannot be made. */
CNN_MUST_USE cnn_status cnn_file_lock_take(const cnn_lock_request *request, cnn_file_lock *lock,
                                           bool *busy, cnn_lock_holder *holder, cnn_error *error);

/* Has another program taken the lock, because this one was suspended so long that it seemed dead,
 * or has a user removed its claim? */
bool cnn_file_lock_is_lost(const cnn_file_lock *lock);

/* Ends the lock; the last holder removes the file. A lock that is not held is allowed. */
void cnn_file_lock_release(cnn_file_lock *lock);

#endif
