/* A set of runs: members that differ in their images or in some keys of the config, and whose
 * results are put together.
 *
 * The set has a run directory. config.json and split.csv identify the set; each member has its own
 * run directory in it, and is an ordinary run there: if it is killed or stopped, it can be resumed.
 *
 * There are three ways to run a set:
 *
 *   all     every member, one after the other, then gather
 *   member  one member; other processes, also on other machines that see the directory, may train
 *           other members at the same time
 *   gather  put the results of all members together
 *
 * All processes of a set must agree on it: later ones compare config and split.csv with the
 * existing files. Processes that train a member share the lock of the set's directory; a process
 * that trains all members or gathers holds it alone. The directory of a member is locked like that
 * of any run. */
#ifndef CNN_RUN_RUN_SET_H
#define CNN_RUN_RUN_SET_H

#include "base/text.h"
#include "run/directory.h"
#include "samples/dataset.h"

#include "cnn/train.h"

/* The images and the config of a member. */
typedef struct cnn_member {
    const cnn_config *config; /* that of the set, or that with some keys overridden */
    cnn_dataset *images;      /* split for the member; NULL: the member reads its own */
} cnn_member;

/* One kind of set; `context` is that of the set. Members count from 1. */
typedef struct cnn_set_kind {
    const char *member; /* the name of a member in messages: "fold" */
    /* The config of a member. Needs no images. */
    const cnn_config *(*config)(const void *context, int member);
    /* The member's directory: "DIR/fold-2". NULL if memory is refused; free with cnn_free. */
    char *(*path)(const char *directory, int member);
    /* Reads what all members have in common. Called once, before the functions that follow. */
    cnn_status (*load)(void *context, cnn_error *error);
    /* The set's config, resolved. */
    const cnn_config *(*resolved)(const void *context);
    /* From now on, all members train this many epochs. */
    void (*plan)(void *context, int64_t epochs);
    /* The split.csv of the set: its images, or members. */
    void (*describe)(const void *context, cnn_text *text);
    /* Compares the split.csv that the set was started with, the file `table`, and brings what was
     * loaded into its order. *difference: a description of the difference (free with
     * cnn_text_free), empty if there is none. Then writes split.csv again if paths have changed. */
    cnn_status (*follow)(void *context, const char *table, cnn_text *difference, cnn_error *error);
    /* Prepares a member for training. */
    cnn_status (*prepare)(void *context, int member, cnn_member *what, cnn_error *error);
    /* Reads the results of all members from their directories, and writes the results of the set
     * into its directory; summary.json last. */
    cnn_status (*gather)(void *context, const cnn_run_directory *directory, cnn_error *error);
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
} cnn_run_set;

/* Runs the set. Statuses as those of cnn_train, messages of a member starting with "fold 2/5: ".
 * CNN_ERROR_CONFIG, too, if results of members that are not finished should be gathered. */
CNN_MUST_USE cnn_status cnn_run_set_run(const cnn_run_set *set, cnn_error *error);

#endif
