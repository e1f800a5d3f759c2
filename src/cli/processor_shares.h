/* How the processes that train together divide the processors of a machine. */
#ifndef CNN_CLI_PROCESSOR_SHARES_H
#define CNN_CLI_PROCESSOR_SHARES_H

#include <sched.h>

/* Where a process runs. */
typedef struct cnn_site {
    char machine[64];  /* processes with the same text share a machine */
    cpu_set_t allowed; /* the processors that it may run on; none: not known */
    int threads;       /* its default if it were alone: cnn_default_threads */
} cnn_site;

typedef struct cnn_share {
    int here;    /* processes on this machine, with this one */
    int threads; /* its part of the processors, at least 1 */
} cnn_share;

/* The site of this process. */
void cnn_site_find(cnn_site *site);

/* Divides the processors of each machine. A processor that k of the processes may run on counts as
 * 1/k for each of them: a launcher that has bound each process to some processors has divided them
 * already. A quota of processor time (containers) is divided by the number of processes. */
void cnn_processors_divide(const cnn_site *sites, int count, cnn_share *shares);

#endif
