/* A run directory while a program uses it: whether it may be used, its lock, and whether anything
 * is left to do.
 *
 *   cnn_session_open    refuses a directory that the options do not allow; changes nothing
 *   cnn_session_claim   locks the directory, and makes it if it is missing
 *   cnn_session_close   releases the lock
 *
 * Images are read between open and claim: mistakes are found before that, and a directory is made
 * only for data that can be trained on. */
#ifndef CNN_RUN_SESSION_H
#define CNN_RUN_SESSION_H

#include "base/file_lock.h"
#include "config/config.h"
#include "run/directory.h"

#include "cnn/train.h"

/* The purpose for which a directory is opened. */
typedef enum cnn_session_kind {
    CNN_SESSION_RUN,    /* one run; excludes all other programs */
    CNN_SESSION_SET,    /* a complete set of runs (run_set.h); excludes all other programs */
    CNN_SESSION_MEMBER, /* a set, for one of its members; other programs may train other members */
    CNN_SESSION_SWEEP,  /* as CNN_SESSION_SET, of a sweep instead of folds */
    CNN_SESSION_SWEEP_MEMBER, /* as CNN_SESSION_MEMBER */
} cnn_session_kind;

typedef enum cnn_run_mode {
    CNN_RUN_NEW,       /* the directory must be empty or missing */
    CNN_RUN_RESUME,    /* … or contain what the kind of session requires */
    CNN_RUN_OVERWRITE, /* any content is allowed: files of an earlier run are removed */
} cnn_run_mode;

typedef struct cnn_session {
    cnn_session_kind kind;
    cnn_run_mode mode;
    cnn_run_directory directory;
    bool begun;   /* there is something to resume: the checkpoint of a run, the table of a set */
    bool claimed; /* by cnn_session_claim */
    bool no_test; /* the options say that test images are not measured */
    cnn_file_lock lock;
    cnn_log_sink log;
    bool (*should_stop)(void *user); /* that of the options, and what it is given */
    void *user;
} cnn_session;

/* The mode that the options ask for. */
cnn_run_mode cnn_run_mode_of(const cnn_train_options *options);

/* Opens options->output, or else the config's. CNN_ERROR_CONFIG if there is neither, if the
 * directory may not be used in this mode, or if a run that starts would overwrite the config it was
 * given (own_config.h). Close with cnn_session_close, also after a failure. */
CNN_MUST_USE cnn_status cnn_session_open(const cnn_config *config, const cnn_train_options *options,
                                         cnn_session_kind kind, cnn_run_mode mode,
                                         cnn_session *session, cnn_error *error);
void cnn_session_close(cnn_session *session);

/* Locks the directory until the session is closed. That takes up to a minute if a program on
 * another machine has left its claim there; CNN_STOPPED if the options' should_stop ends it. Then
 * checks again whether the directory may be used, because other programs may have used it since it
 * was opened. CNN_ERROR_CONFIG if another run is using it. make: a missing directory is created;
 * otherwise it stays missing, and nothing is claimed. */
CNN_MUST_USE cnn_status cnn_session_claim(cnn_session *session, bool make, cnn_error *error);

/* To be asked before files are written: CNN_ERROR_CONFIG if another run has taken the directory
 * over while this one was suspended. */
CNN_MUST_USE cnn_status cnn_session_still_ours(const cnn_session *session, cnn_error *error);

/* For one of the programs that share a set: takes a second lock, waiting for it, to hold while the
 * set is started or compared. Release with cnn_file_lock_release. Checks again whether the set has
 * begun. */
CNN_MUST_USE cnn_status cnn_session_lock_start(cnn_session *session, cnn_file_lock *lock,
                                               cnn_error *error);

/* For a run with a time budget that is resumed: takes over its number of epochs (train.minutes). */
CNN_MUST_USE cnn_status cnn_session_take_over(const cnn_session *session, cnn_config *config,
                                              cnn_error *error);

/* The progress of a run. */
typedef enum cnn_run_end {
    CNN_RUN_UNFINISHED, /* some files are missing */
    CNN_RUN_CUT_SHORT,  /* all files exist, for fewer epochs than in the config: --max-seconds ended
                         * it, or its config had fewer */
    CNN_RUN_FINISHED,   /* all files exist, for all epochs, or for those before it stopped early, or
                         * before train.minutes were up */
} cnn_run_end;

/* The progress of the run that a session of kind CNN_SESSION_RUN has opened. Needs no images.
 * CNN_ERROR_CONFIG if it was started with another config; CNN_ERROR_MODEL if its checkpoint is
 * damaged. */
CNN_MUST_USE cnn_status cnn_session_look(const cnn_session *session, const cnn_config *config,
                                         cnn_run_end *end, cnn_error *error);

/* The same for the run directory `path`. no_test: as in cnn_train_options. */
CNN_MUST_USE cnn_status cnn_run_look(const char *path, const cnn_config *config, bool no_test,
                                     cnn_run_end *end, cnn_error *error);

/* Logs that there is nothing to do. */
void cnn_session_log_finished(const cnn_session *session);

#endif
