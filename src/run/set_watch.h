/* The progress of the members of a set, which may be trained at the same time, each in its own
 * process (jobs.h): memory that these processes share with that of the set, and what it shows. */
#ifndef CNN_RUN_SET_WATCH_H
#define CNN_RUN_SET_WATCH_H

#include "cnn/log.h"
#include "cnn/sweep.h"

typedef struct cnn_set_watch cnn_set_watch;

/* For `members` members, named `name` ("run") in messages; before their processes are started.
 * share: of all their epochs, the part that will be trained. Free with cnn_set_watch_free. */
CNN_MUST_USE cnn_status cnn_set_watch_create(const char *name, int members, double share,
                                             cnn_set_watch **watch, cnn_error *error);
void cnn_set_watch_free(cnn_set_watch *watch); /* NULL is allowed */

/* A part of the training of all members begins: rung, from 1, of rungs, in which `wanted` members
 * are trained. */
void cnn_set_watch_rung(cnn_set_watch *watch, int rung, int rungs, int wanted);

/* --- in the process that trains a member --- */

void cnn_set_watch_begin(cnn_set_watch *watch, int member);
void cnn_set_watch_batch(cnn_set_watch *watch, int member, const cnn_train_progress *progress);
void cnn_set_watch_epoch(cnn_set_watch *watch, int member, const cnn_train_epoch *epoch);

/* --- in the process of the set --- */

/* To be called when a member has ended. If it has not failed, logs its result. */
void cnn_set_watch_end(cnn_set_watch *watch, int member, bool failed, const cnn_log_sink *log);

/* The progress of all members, of which `running` are being trained. */
cnn_sweep_progress cnn_set_watch_look(const cnn_set_watch *watch, int running);

#endif
