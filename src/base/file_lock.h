/* A lock file, for programs that must not write to the same place at the same time. */
#ifndef CNN_BASE_FILE_LOCK_H
#define CNN_BASE_FILE_LOCK_H

#include "cnn/status.h"

#include <stdbool.h>

typedef struct cnn_file_lock {
    int file;   /* -1: not held */
    char *path; /* of the lock file */
} cnn_file_lock;

/* Makes the file `path` and locks it with flock, without waiting. *busy: another program holds the
 * lock; *holder is then its process number, 0 if unknown. The lock is the kernel's: it ends with
 * its program, so a file that a killed program left is taken over. If the file system has no locks,
 * returns CNN_OK with lock->file -1. CNN_ERROR_RUNTIME, message starting with the path, if the file
 * cannot be made. */
CNN_MUST_USE cnn_status cnn_file_lock_take(const char *path, cnn_file_lock *lock, bool *busy,
                                           long *holder, cnn_error *error);

/* Removes the file and ends the lock. A lock that is not held is allowed. */
void cnn_file_lock_release(cnn_file_lock *lock);

#endif
