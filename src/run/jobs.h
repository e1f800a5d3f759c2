/* Members of a set that are trained at the same time, each in its own process: threads of one
 * process would share its memory limit, and the death of one would end all. */
#ifndef CNN_RUN_JOBS_H
#define CNN_RUN_JOBS_H

#include "cnn/options.h"
#include "cnn/status.h"

#include <stdbool.h>

/* How the work on a member ended. */
typedef struct cnn_job_result {
    cnn_error error;  /* its status */
    cnn_status noted; /* the member has failed with this status, which is noted: others continue.
                         CNN_OK: it has not */
} cnn_job_result;

typedef struct cnn_jobs {
    int count; /* of members, which count from 1 */
    int at_once;
    const cnn_common_options *options; /* should_stop is asked several times a second */
    void *context;
    /* In this process: is the member to be worked on? */
    cnn_status (*wanted)(void *context, int member, bool *wanted, cnn_error *error);
    /* In a separate process, a copy of this one: trains the member. */
    void (*work)(void *context, int member, cnn_job_result *result);
    /* In this process: a member has ended. killed: the number of the signal that killed its
     * process; 0: none. A status other than CNN_OK ends the set: no more are started, and those
     * that run are stopped as by SIGTERM. */
    cnn_status (*ended)(void *context, int member, int killed, const cnn_job_result *result,
                        cnn_error *error);
    /* In this process, several times a second: the number of members that are being worked on. */
    void (*look)(void *context, int running);
} cnn_jobs;

/* Threads of each of `jobs` members, which share `threads`. */
int cnn_jobs_threads(int threads, int jobs);

/* Runs the work of all members. No thread may exist in this process besides the caller's. If this
 * process is killed, those of members are stopped as by SIGTERM. CNN_STOPPED if should_stop
 * returned true; CNN_ERROR_RUNTIME if no process can be started; else the first failure of `ended`.
 */
CNN_MUST_USE cnn_status cnn_jobs_run(const cnn_jobs *jobs, cnn_error *error);

#endif
