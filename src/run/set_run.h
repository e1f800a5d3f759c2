/* A set that is being run: private to run/run_set.c (all members, and the three ways to run a set),
 * run/set_start.c (the set's directory), run/set_member.c (one member) and run/set_jobs.c (all
 * members, with a line for each). */
#ifndef CNN_RUN_SET_RUN_H
#define CNN_RUN_SET_RUN_H

#include "run/run_set.h"
#include "run/set_watch.h"

typedef struct cnn_set_run {
    const cnn_run_set *set;
    const cnn_train_options *options;
    cnn_session session;
    int member;           /* the current one, from 1 */
    int finished;         /* members that had finished when this process began */
    cnn_status noted;     /* the failure of the current member, of which there is a note; or OK */
    size_t images;        /* training images of an epoch; 0 if unknown */
    double begin;         /* by cnn_clock_seconds */
    double deadline;      /* of --max-seconds, the same */
    cnn_set_watch *watch; /* of all members, if kind->brief; else NULL */
} cnn_set_run;

/* --- the set's directory (set_start.c) --- */

/* Seconds of train.minutes for the set; 0: no limit. */
double cnn_set_seconds(const cnn_set_run *r);

/* The same for a member: an equal part of what is left for it and those after it. */
double cnn_set_member_seconds(const cnn_set_run *r, int member);

/* Compares the config with that of a set that has begun. Needs no images. */
CNN_MUST_USE cnn_status cnn_set_compare_config(const cnn_set_run *r, cnn_error *error);

/* Compares the table, too. */
CNN_MUST_USE cnn_status cnn_set_compare(const cnn_set_run *r, cnn_error *error);

/* Writes config and table of a new set, or compares them with those of the set that is there. */
CNN_MUST_USE cnn_status cnn_set_start_or_resume(const cnn_set_run *r, cnn_error *error);

/* --- one member (set_member.c) --- */

/* A function for one member, r->member, in its directory `path`. */
typedef cnn_status cnn_set_member_work(cnn_set_run *r, const char *path, bool *answer,
                                       cnn_error *error);

/* Calls it for a member, which becomes r->member. */
CNN_MUST_USE cnn_status cnn_set_of_member(cnn_set_run *r, int member, cnn_set_member_work *work,
                                          bool *answer, cnn_error *error);

/* *finished: is there nothing to do? Fails if the member may not be trained. Needs no images, so
 * that mistakes are found before images are read. */
cnn_set_member_work cnn_set_look_in;

/* *finished: has the member finished, or failed for good? */
cnn_set_member_work cnn_set_is_finished_in;

/* *done: has the run of the member ended with results that can be gathered? */
cnn_set_member_work cnn_set_is_done_in;

/* Trains a member, and notes its failure (r->noted), which ends only a process that trains this
 * member alone. So does a failure that was noted before and would come again. One that cannot be
 * noted, because the disk is full or the directory is gone, is that of the set. */
CNN_MUST_USE cnn_status cnn_set_train_or_note(cnn_set_run *r, int member, cnn_error *error);

/* *wanted: is the member to be trained now, in this rung? context: the set (a cnn_set_run). */
CNN_MUST_USE cnn_status cnn_set_is_wanted(void *context, int member, bool *wanted,
                                          cnn_error *error);

/* --- all members, with a line for each (set_jobs.c) --- */

/* Trains all members that are wanted; with jobs, each in its own process. Needs r->watch. */
CNN_MUST_USE cnn_status cnn_set_train_watched(cnn_set_run *r, int rung, cnn_error *error);

#endif
