/* A claim keeps programs on other machines out where the kernel's locks cannot.
 *
 * A network file system may have no locks, or locks that only programs of one machine see (NFS with
 * nolock or local_lock=all, most file systems in user space). In both cases, taking the lock seems
 * to succeed. So a program that locks a place also creates a claim, a small file of its own:
 *
 *   PATH.a.0123456789abcdef   the program wants the place alone; .s.: it shares the place. The
 *                             first 8 digits are a hash of its lock domain (lock_domain.h), the
 *                             others are random
 *
 *   1. It creates its claim, as a candidate. No other program ever writes or renames the file.
 *   2. It lists the folder. Of two programs, the one that created its claim later sees the claim of
 *      the other, so they cannot both find the place empty.
 *   3. If no claim is in its way, it becomes the holder. A holder in its way is respected. Of two
 *      candidates, the one whose name sorts first stays, and the other one withdraws.
 *
 * A claim that a crash left must not keep others out for ever, and the claim of a running program
 * must not be removed. A program locks its claim (flock) if it can. The lock tells whether a
 * program under the same kernel, with the same file system mounted, still runs. It tells nothing
 * about other machines: a server keeps the locks of a machine that is gone (NFS 4 for its lease,
 * NFS 3 until the machine starts again), and takes them from one that has lost its network. So a
 * claim contains a count, the beat, which its program increases every few seconds. A program that
 * finds a claim watches it, by its own clock: a claim that changes is alive, and one that does not
 * change for a minute is left over and removed. (After eight seconds, if it is empty and its name
 * has the hash of the own domain: its program was killed between creating and writing it.) The
 * times of files and the clocks of other machines are never used. Because names are random,
 * removing a claim that is left over never removes a newer one.
 *
 * (The lock of the lock file itself says less: the last holder removes the file, and where locks
 * are local, that holder may be on another machine.)
 *
 * A program that was suspended for more than a minute may find that its claim was removed, and that
 * another program has the place. So it must call cnn_claim_is_lost before it writes. */
#ifndef CNN_BASE_FILE_CLAIM_H
#define CNN_BASE_FILE_CLAIM_H

#include "base/log.h"

#include "cnn/status.h"

#include <stdbool.h>

typedef struct cnn_claim cnn_claim;

/* The program that keeps others out. */
typedef struct cnn_lock_holder {
    long process;  /* 0: unknown */
    char host[65]; /* "": unknown */
} cnn_lock_holder;

typedef struct cnn_claim_request {
    const char *path; /* of the lock file: the first part of the name of a claim */
    bool shared;
    const cnn_log_sink *log;         /* gets a message when a claim has to be watched; or NULL */
    bool (*should_stop)(void *user); /* asked while a claim is watched; NULL: never */
    void *user;
} cnn_claim_request;

/* Takes a claim. If another program's claim keeps this one out, *claim is NULL and *holder is that
 * program. CNN_STOPPED if should_stop returned true. CNN_ERROR_RUNTIME with the path in the
 * message. Free *claim with cnn_claim_release. */
CNN_MUST_USE cnn_status cnn_claim_take(const cnn_claim_request *request, cnn_claim **claim,
                                       cnn_lock_holder *holder, cnn_error *error);

/* Has the file of the claim been removed? Looks on the disk. NULL: no. */
bool cnn_claim_is_lost(const cnn_claim *claim);

/* The path of the claim's file. */
const char *cnn_claim_path(const cnn_claim *claim);

/* Removes the claim. NULL is allowed. */
void cnn_claim_release(cnn_claim *claim);

#endif
