/* A claim: what keeps programs on other machines out where the kernel's locks do not.
 *
 * A network's file system may have no locks, or locks that only programs of one machine see (NFS
 * with nolock or local_lock=all, most file systems in user space), and both look like a lock that
 * was taken. So a program that locks a place also leaves a claim there, a small file of its own:
 *
 *   PATH.a.0123456789abcdef   it wants the place alone; .s.: it shares it. The first half of the
 *                             rest is that of a hash of the kernel, the second half is random
 *
 *   1. It creates its claim, as a candidate. Nobody else ever writes or renames the file.
 *   2. It lists the folder. Of two programs, the one that created its claim later sees the claim of
 *      the other: so never do both see an empty place.
 *   3. If there is no claim in its way, it becomes the holder. A holder in its way is respected. Of
 *      two candidates, the one whose name comes first stays, and the other one withdraws.
 *
 * A claim that a crash has left must not keep others out for ever, and one of a program that lives
 * must not be removed. A program locks its claim (flock) if it can. Of a program under the same
 * kernel, with the same file system mounted, the lock says which it is. Of all others, the kernel
 * cannot know: a server keeps the locks of a machine that is gone (NFS 4 for its lease, NFS 3 until
 * the machine starts again), and takes them from one whose network is gone. So a
 * claim contains a count, which its program raises every few seconds, the beat. Who finds a claim
 * watches it, by a clock of its own: a claim that has changed is alive, one that does not change
 * for a minute is left over, and removed (two seconds, if it is empty and, by its name, of the own
 * kernel: its program was killed between creating and writing it). No time of a file, and no clock
 * of another machine, is ever looked at. As the names are random, removing a claim that is left
 * over can never remove one that has come since.
 *
 * (The lock of the lock file itself says less: its file is removed by the last holder, and where
 * locks are local, that may be one on another machine.)
 *
 * A program that was suspended for more than a minute may find that its claim was removed, and that
 * another one has the place. So it must ask (cnn_claim_is_lost) before it writes. */
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
    const cnn_log_sink *log;         /* told when a claim has to be watched; NULL: nobody is */
    bool (*should_stop)(void *user); /* asked while a claim is watched; NULL: never */
    void *user;
} cnn_claim_request;

/* Takes a claim. *claim is NULL if another program's keeps it out: *holder is that program then.
 * CNN_STOPPED if should_stop said so. CNN_ERROR_RUNTIME with the path in the message. */
CNN_MUST_USE cnn_status cnn_claim_take(const cnn_claim_request *request, cnn_claim **claim,
                                       cnn_lock_holder *holder, cnn_error *error);

/* Has the file of the claim been removed? Looks on the disk. NULL: no. */
bool cnn_claim_is_lost(const cnn_claim *claim);

/* The path of the claim's file. */
const char *cnn_claim_path(const cnn_claim *claim);

/* Removes the claim. NULL is allowed. */
void cnn_claim_release(cnn_claim *claim);

/* The name of this machine as other machines know it: at most 64 letters, digits, '.', '-', '_'. */
void cnn_host_name(char name[65]);

/* Names the programs that see each other's locks in the folder: those under the same kernel for
 * which the folder is on the same mounted file system. Unique to the caller if that is unknown. */
void cnn_lock_domain(const char *folder, char name[80]);

#endif
