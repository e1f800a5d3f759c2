/* A lock on a name, for programs that must not write to one place at the same time. */
#ifndef CNN_BASE_FILE_LOCK_H
#define CNN_BASE_FILE_LOCK_H

#include "cnn/status.h"

#include <stdbool.h>

typedef struct cnn_file_lock {
    int file;   /* -1: none is held */
    char *path; /* of the file that stands for the lock */
} cnn_file_lock;

/* Makes the file `path` and locks it (flock), without waiting: *busy where another program holds
 * it; *holder is then its process, 0 where that is unknown. What counts is the kernel's lock, which
 * ends with its program, not the file: one that a killed program left behind is taken over. Where
 * the file system knows no locks, CNN_OK with lock->file -1. CNN_ERROR_RUNTIME, message starting
 * with the path, where the file cannot be made. */
CNN_MUST_USE cnn_status cnn_file_lock_take(const char *path, cnn_file_lock *lock, bool *busy,
                                           long *holder, cnn_error *error);

/* Removes the file and ends the lock; one that is not held is fine. */
void cnn_file_lock_release(cnn_file_lock *lock);

#endif
