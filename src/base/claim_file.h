/* The file of a claim: its name, and what it says. Private to file_claim.c and claim_contest.c;
 * file_claim.h explains claims. */
#ifndef CNN_BASE_CLAIM_FILE_H
#define CNN_BASE_CLAIM_FILE_H

#include "base/file_claim.h"

#include <fcntl.h>
#include <stdint.h>

enum {
    CNN_CLAIM_TEXT = 400,  /* no claim is longer */
    CNN_CLAIM_DIGITS = 16, /* at the end of a name: a hash of the lock domain, random digits */
};

/* Links are not followed, and opening a pipe does not block. */
#define CNN_CLAIM_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

/* The file of the program's own claim. */
typedef struct cnn_claim_file {
    char *path;
    const char *name; /* the last part of it */
    char domain[80], host[65];
    int file;    /* open all the time, for its lock; -1: not created */
    bool locked; /* is it? */
    uint64_t count;
} cnn_claim_file;

/* Names and creates the claim's file, as a candidate, and locks it if the file system has locks.
 * `folder` is the folder of request->path. CNN_ERROR_RUNTIME with the path in the message. Free
 * with cnn_claim_file_remove, also after a failure. */
CNN_MUST_USE cnn_status cnn_claim_file_create(const cnn_claim_request *request, const char *folder,
                                              cnn_claim_file *file, cnn_error *error);

/* Writes the claim with the next count. Returns 0, or errno. */
int cnn_claim_file_write(cnn_claim_file *file, bool holder);

/* Has the file been removed? Looks on the disk. */
bool cnn_claim_file_is_removed(const cnn_claim_file *file);

/* Removes the file, if it was created. */
void cnn_claim_file_remove(cnn_claim_file *file);

/* What a claim says. */
typedef struct cnn_claim_content {
    char text[CNN_CLAIM_TEXT];
    bool holder, locked;
    cnn_lock_holder program;
    char domain[80];
} cnn_claim_content;

/* Reads the claim of any program. Returns 0, or errno. A claim that is empty, or has other text,
 * says nothing: it is watched like any other. */
int cnn_claim_file_read(const char *path, cnn_claim_content *content);

/* Does this errno say that a claim's file has been removed? */
bool cnn_claim_file_is_gone(int reason);

#endif
