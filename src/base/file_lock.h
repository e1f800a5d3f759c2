/* A lock file, for programs that must not write to the same place at the same time. */
#ifndef CNN_BASE_FILE_LOCK_H
#define CNN_BASE_FILE_LOCK_H

#include "cnn/status.h"

#include <stdbool.h>

typedef enum cnn_lock_kind {
    CNN_LOCK_ALONE,  /* no other program holds it */
    CNN_LOCK_SHARED, /* no program holds it alone; any number of programs share it */
    CNN_LOCK_WAIT,   /* as CNN_LOCK_ALONE, but waits for it: where others hold it for a moment */
} cnn_lock_kind;

typedef struct cnn_file_lock {
    int file;   /* -1: not held */
    char *path; /* of the lock file */
    bool shared;
} cnn_file_lock;

/* Makes the file `path` and locks it with flock. *busy: another program holds the lock in a way
 * that keeps this one out; *holder is then the number of a process that does, 0 if unknown. The
 * lock is the kernel's: it ends with its program, so a file that a killed program left is taken
 * over. If the file system has no locks, returns CNN_OK with lock->file -1. CNN_ERROR_RUNTIME,
 * message starting with the path, if the file cannot be made. */
CNN_MUST_USE cnn_status cnn_file_lock_take(const char *path, cnn_lock_kind kind,
                                           cnn_file_lock *lock, bool *busy, long *holder,
                                           cnn_error *error);

/* Ends the lock; the last holder removes the file. A lock that is not held is allowed. */
void cnn_file_lock_release(cnn_file_lock *lock);

#endif
