/* A set of runs: members that are trained alike, on other images or by other keys of the config,
 * and whose results are put together.
 *
 * The set has a run directory. config.json and split.csv tell which set it is; each member has a
 * run directory of its own in it, and is an ordinary run there: killed or stopped, it can go on.
 *
 * There are three ways to run a set:
 *
 *   all     every member, one after the other, then gather
 *   member  one member; other processes, also on other machines that see the directory, may train
 *           other members at the same time
 *   gather  put the results of all members together
 *
 * All processes of a set must agree on it: whoever comes later compares config and split.csv with
 * those that are there. The lock of the set's directory is shared by those who train a member; who
 * trains all or gathers holds it alone. A member's directory is locked like that of any run. */
#ifndef CNN_RUN_RUN_SET_H
#define CNN_RUN_RUN_SET_H

#include "base/text.h"
#include "run/directory.h"
#include "samples/dataset.h"

#include "cnn/train.h"

/* What a member trains on, and by. */
typedef struct cnn_member {
    const cnn_config *config; /* the set's, or the set's with some keys overridden */
    cnn_dataset *images;      /* split for the member; NULL: the member reads its own */
} cnn_member;

/* What one kind of set is; `context` is that of the set. Members count from 1. */
typedef struct cnn_set_kind {
    const char *member; /* what messages call a member: "fold" */
    /* The config of a member. Needs no images. */
    const cnn_config *(*config)(const void *context, int member);
    /* The member's directory: "DIR/fold-2". NULL when memory is refused; free with cnn_free. */
    char *(*path)(const char *directory, int member);
    /* Reads what all members have in common. Called once, before whatever follows here. */
    cnn_status (*load)(void *context, cnn_error *error);
    /* The set's config, resolved. */
    const cnn_config *(*resolved)(const void *context);
    /* The set's split.csv: which images, or members, there are. */
    void (*describe)(const void *context, cnn_text *text);
    /* Compares the split.csv that the set was started with, the file `table`, and brings what was
     * loaded into its order. *difference: what differs, for people (free with cnn_text_free); empty
     * where nothing does. Then writes split.csv anew where paths have changed. */
    cnn_status (*follow)(void *context, const char *table, cnn_text *difference, cnn_error *error);
    /* Makes a member ready to be trained. */
    cnn_status (*prepare)(void *context, int member, cnn_member *what, cnn_error *error);
    /* Reads what all members have left, in their directories, and writes the set's results into its
     * directory; summary.json last. */
    cnn_status (*gather)(void *context, const cnn_run_directory *directory, cnn_error *error);
} cnn_set_kind;

typedef struct cnn_run_set {
    const cnn_set_kind *kind;
    void *context;
    int count; /* of members */
    const cnn_config *config;
    const cnn_train_options *options; /* .member and .gather choose the way */
} cnn_run_set;

/* Runs the set. Statuses as those of cnn_train, messages of a member starting with "fold 2/5: ".
 * CNN_ERROR_CONFIG, too, where results are to be gathered of members that are not finished. */
CNN_MUST_USE cnn_status cnn_run_set_run(const cnn_run_set *set, cnn_error *error);

#endif
