/* A lock on a path, for programs that must not write to the same place at the same time. */
#ifndef CNN_BASE_FILE_LOCK_H
#define CNN_BASE_FILE_LOCK_H

#include "cnn/status.h"

#include <stdbool.h>

typedef struct cnn_file_lock {
    int file;   /* -1: none is held */
    char *path; /* of the file that represents the lock */
} cnn_file_lock;

/* Makes the file `path` and locks it (flock), without waiting: *busy if another program holds it;
 * *holder is then its process number, 0 if unknown. The lock is that of the kernel, which ends with
 * the program that holds it, not the file: a file that a killed program left is taken over. If the
 * file system does not support locks: CNN_OK with lock->file -1. CNN_ERROR_RUNTIME if the file
 * cannot be made; the message starts with the path. */
CNN_MUST_USE cnn_status cnn_file_lock_take(const char *path, cnn_file_lock *lock, bool *busy,
                                           long *holder, cnn_error *error);

/* Removes the file and releases the lock. Does nothing if the lock is not held. */
void cnn_file_lock_release(cnn_file_lock *lock);

#endif
