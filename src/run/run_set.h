/* A set of runs: members that differ in their images or in some keys of the config, and whose
 * results are put together.
 *
 * The set has a run directory. config.json and a table (split.csv, members.csv) identify the set;
 * each member has its own run directory in it, and is an ordinary run there: if it is killed or
 * stopped, it can be resumed.
 *
 * A failure ends a set. With kind->failed, it is noted, and the next member is trained: only a
 * directory that cannot be used, wrong options, or Ctrl-C end such a set.
 *
 * There are three ways to run a set:
 *
 *   all     every member, one after the other, then gather
 *   member  one member; other processes, also on other machines that see the directory, may train
 *           other members at the same time
 *   gather  put the results of all members together
 *
 * All processes of a set must agree on it: later ones compare config and table with the
 * existing files. Processes that train a member share the lock of the set's directory; a process
 * that trains all members or gathers holds it alone. The directory of a member is locked like that
 * of any run. */
#ifndef CNN_RUN_RUN_SET_H
#define CNN_RUN_RUN_SET_H

#include "base/text.h"
#include "run/directory.h"
#include "run/session.h"
#include "samples/dataset.h"

#include "cnn/sweep.h"

/* The images and the config of a member. */
typedef struct cnn_member {
    const cnn_config *config; /* that of the set, or that with some keys overridden */
    cnn_dataset *images;      /* split for the member; NULL: the member reads its own */
    bool fold;                /* as in cnn_training */
    int64_t pause;            /* the same */
} cnn_member;

/* One kind of set; `context` is that of the set. Members count from 1. */
typedef struct cnn_set_kind {
    const char *member;           /* the name of a member in messages: "fold" */
    cnn_session_kind whole, part; /* the sessions of the set, and of a process with one member */
    cnn_run_file table;           /* the file that identifies the set, besides config.json */
    const char *changed;          /* for messages: what may have changed if it differs */
    bool gathers_part; /* the results of some members can be gathered while others are missing */
    bool grows; /* members may be added to the end of the table, which is known before `load` */
    bool brief; /* when all are trained: a line for each member that ends, and its own messages as
                 * details */
    /* The config of a member. Needs no images. */
    const cnn_config *(*config)(const void *context, int member);
    /* The member's directory: "DIR/fold-2". NULL if memory is refused; free with cnn_free. */
    char *(*path)(const char *directory, int member);
    /* Reads what all members have in common. Called once, before the functions that follow. */
    cnn_status (*load)(void *context, cnn_error *error);
    /* The set's config, resolved. */
    const cnn_config *(*resolved)(const void *context);
    /* From now on, all members train this many epochs. NULL: train.minutes is not for the set, but
     * for each member. */
    void (*plan)(void *context, int64_t epochs);
    /* The table of the set: its images, or members. */
    void (*describe)(const void *context, cnn_text *text);
    /* Compares the table that the set was started with, the file `table`, and brings what was
     * loaded into its order. *difference: a description of the difference (free with
     * cnn_text_free), empty if there is none. Then writes the table again if paths have changed. */
    cnn_status (*follow)(void *context, const char *table, cnn_text *difference, cnn_error *error);
    /* Prepares a member for training. */
    cnn_status (*prepare)(void *context, int member, cnn_member *what, cnn_error *error);
    /* Notes in the member's directory that the member has failed, so that the others can continue.
     * NULL: a failure ends the set. */
    cnn_status (*failed)(const void *context, int member, const cnn_error *reason,
                         cnn_error *error);
    /* *settled: is there such a note, and would training the member again end in the same way?
     * *reason: the failure, as noted. */
    cnn_status (*settled)(const void *context, int member, bool *settled, cnn_error *reason,
                          cnn_error *error);
    /* The training of the whole set may be divided into rungs, from 0: before each one, begin_rung
     * decides how far which members are trained. rungs 0: no; the functions are NULL. */
    int rungs;
    cnn_status (*begin_rung)(void *context, int rung, cnn_error *error);
    /* *wanted: is the member to be trained in this rung? */
    cnn_status (*wanted)(const void *context, int member, bool *wanted, cnn_error *error);
    double share; /* the share of the epochs of all members that all rungs together train */
    /* Reads the results of all members from their directories, and writes the results of the set
     * into its directory; summary.json last. reports: report.html, too, unless that fails. */
    cnn_status (*gather)(void *context, const cnn_run_directory *directory, cnn_error *error);
    bool reports;
    /* Of a set that has been gathered: fails if every member has failed. NULL: a failure ends the
     * set. */
    cnn_status (*outcome)(const void *context, cnn_error *error);
} cnn_set_kind;

typedef struct cnn_run_set {
    const cnn_set_kind *kind;
    void *context;
    int count; /* of members */
    const cnn_config *config;
    const cnn_train_options *options; /* of the set's directory, and of its members */
    /* the mode: */
    int member; /* this member alone; 0: all, or gather */
    bool gather;
    int jobs; /* members that are trained at the same time (jobs.h), for kind->brief; below 2: one
               * after the other */
    void (*progress)(void *user, const cnn_sweep_progress *progress); /* for the same; or NULL */
} cnn_run_set;

/* Runs the set. Statuses as those of cnn_train, messages of a member starting with "fold 2/5: ".
 * CNN_OK if members have failed and were noted, unless all have, also before. CNN_ERROR_CONFIG,
 * too, if results of members that are not finished should be gathered. */
CNN_MUST_USE cnn_status cnn_run_set_run(const cnn_run_set *set, cnn_error *error);

#endif
