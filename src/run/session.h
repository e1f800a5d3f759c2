/* A run directory while a program works in it: may it be used, who else may use it meanwhile, and
 * is there anything left to do?
 *
 *   cnn_session_open    refuses a directory that the options do not allow; changes nothing
 *   cnn_session_claim   from here on, the directory is ours: locked, and made where it was missing
 *   cnn_session_close   ends the lock
 *
 * Whatever reads images does so between these calls: a mistake shows before, and a directory is
 * made only for data that can be trained on. */
#ifndef CNN_RUN_SESSION_H
#define CNN_RUN_SESSION_H

#include "base/file_lock.h"
#include "config/config.h"
#include "run/directory.h"

#include "cnn/train.h"

/* Who opens the directory. */
typedef enum cnn_session_kind {
    CNN_SESSION_RUN, /* one run; nobody else works there meanwhile */
    CNN_SESSION_SET, /* a set of runs (run_set.h), all of it; nobody else works there meanwhile */
    CNN_SESSION_MEMBER, /* a set, for one of its members; others may work on other members */
} cnn_session_kind;

typedef enum cnn_run_mode {
    CNN_RUN_NEW,       /* the directory must be empty or missing */
    CNN_RUN_RESUME,    /* … or hold what the session's kind asks for */
    CNN_RUN_OVERWRITE, /* whatever it holds: files of an earlier run are removed */
} cnn_run_mode;

typedef struct cnn_session {
    cnn_session_kind kind;
    cnn_run_mode mode;
    cnn_run_directory directory;
    bool begun;   /* something is there to go on with: a run's checkpoint, a set's split.csv */
    bool claimed; /* by cnn_session_claim */
    bool part;    /* of a set, whose session has said all about locks */
    cnn_file_lock lock;
    cnn_log_sink log;
} cnn_session;

/* The mode that the options ask for. */
cnn_run_mode cnn_run_mode_of(const cnn_train_options *options);

/* Opens options->output, or else the config's. CNN_ERROR_CONFIG where there is neither, or where
 * the directory may not be used in this mode, or where a run that starts would overwrite the config
 * it was given (own_config.h). Close with cnn_session_close, also after a failure.
 */
CNN_MUST_USE cnn_status cnn_session_open(const cnn_config *config, const cnn_train_options *options,
                                         cnn_session_kind kind, cnn_run_mode mode,
                                         cnn_session *session, cnn_error *error);
void cnn_session_close(cnn_session *session);

/* Keeps others out of the directory until the session is closed; says at the log where the file
 * system has no locks. Then looks again whether the directory may be used: others may have come and
 * gone since it was opened. CNN_ERROR_CONFIG where another run is at work in it. make: a directory
 * that is missing is made; otherwise it is left missing, and nothing is claimed. */
CNN_MUST_USE cnn_status cnn_session_claim(cnn_session *session, bool make, cnn_error *error);

/* For one of the programs that share a set: a second lock, which is waited for, and held while the
 * set is started or compared. Release with cnn_file_lock_release. Looks again whether the set has
 * begun. */
CNN_MUST_USE cnn_status cnn_session_lock_start(cnn_session *session, cnn_file_lock *lock,
                                               cnn_error *error);

/* How far a run is. */
typedef enum cnn_run_end {
    CNN_RUN_UNFINISHED, /* files are missing */
    CNN_RUN_CUT_SHORT,  /* all files are there, of fewer epochs than the config wants: --max-seconds
                         * ended it, or it was to train fewer */
    CNN_RUN_FINISHED, /* all files are there, of all epochs, or of those before it stopped early */
} cnn_run_end;

/* How far is the run that a session of kind CNN_SESSION_RUN has opened? Needs no images.
 * CNN_ERROR_CONFIG where it was started with another config; CNN_ERROR_MODEL where its checkpoint
 * is damaged. */
CNN_MUST_USE cnn_status cnn_session_look(const cnn_session *session, const cnn_config *config,
                                         cnn_run_end *end, cnn_error *error);

/* The same for the run directory `path`. */
CNN_MUST_USE cnn_status cnn_run_look(const char *path, const cnn_config *config, cnn_run_end *end,
                                     cnn_error *error);

/* Says at the log that there is nothing to do. */
void cnn_session_log_finished(const cnn_session *session);

#endif
