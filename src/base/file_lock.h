/* A lock on a name, for programs that must not write to one place at the same time. */
#ifndef CNN_BASE_FILE_LOCK_H
#define CNN_BASE_FILE_LOCK_H

#include "cnn/status.h"

#include <stdbool.h>

typedef enum cnn_lock_kind {
    CNN_LOCK_ALONE,  /* nobody else holds it */
    CNN_LOCK_SHARED, /* nobody holds it alone; any number of programs share it */
    CNN_LOCK_WAIT,   /* as CNN_LOCK_ALONE, but waits for it: where others hold it for a moment */
} cnn_lock_kind;

typedef struct cnn_file_lock {
    int file;   /* -1: none is held */
    char *path; /* of the file that stands for the lock */
    bool shared;
} cnn_file_lock;

/* Makes the file `path` and locks it (flock). *busy: another program holds it in a way that keeps
 * us out; *holder is then a process that does, 0 where that is unknown. What counts is the kernel's
 * lock, which ends with its program, not the file: one that a killed program left is taken over.
 * Where the file system has no locks, CNN_OK with lock->file -1. CNN_ERROR_RUNTIME, message
 * starting with the path, where the file cannot be made. */
CNN_MUST_USE cnn_status cnn_file_lock_take(const char *path, cnn_lock_kind kind,
                                           cnn_file_lock *lock, bool *busy, long *holder,
                                           cnn_error *error);

/* Ends the lock; whoever holds it last removes the file. A lock that is not held is fine. */
void cnn_file_lock_release(cnn_file_lock *lock);

#endif
