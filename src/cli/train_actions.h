/* What cnntrain does: an action for each way to call it, and the settings that they need. */
#ifndef CNN_CLI_TRAIN_ACTIONS_H
#define CNN_CLI_TRAIN_ACTIONS_H

#include "cli/processes.h"
#include "cli/program.h"
#include "cli/progress.h"

#include "cnn/tensorboard.h"
#include "cnn/train.h"

/* The settings from the command line. */
typedef struct train_command {
    cnn_shared_options shared;
    const char *config_path;
    const char *images;     /* what --init examines */
    const char *pretrained; /* the network that its config starts from; NULL: none */
    double minutes;         /* the time that its config allows; 0: any */
    const char **overrides; /* [argc] */
    size_t override_count;
    cnn_cross_validation_options run; /* folds is 0 for a plain run */
    const char *sweep;                /* the sweep file; NULL: none */
    int jobs;                         /* of a sweep; 0: one run after the other */
    bool verbose, no_cache, no_report, with_tensorboard;
    int shown; /* images on the sheet of --show-augmented */

    cnn_processes processes; /* this one, and those that train with it */
    int threads_given;       /* by --threads, for each of them; 0: each has its own number */

    /* of the current action */
    cnn_progress progress;
    char *cache;                  /* the folder; NULL: none */
    cnn_config *config;           /* NULL until it is loaded */
    cnn_tensorboard *tensorboard; /* NULL: no event files, or they could not be written */
} train_command;

/* For cnn_program: refuse what several processes cannot do, and divide the machine between them;
 * end all of them with the same result. context is a train_command. */
CNN_MUST_USE cnn_status cnn_action_prepare(void *context, const cnn_option *selected,
                                           cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_conclude(void *context, cnn_status status, cnn_error *error);

/* Trains. Like every action, `context` is a train_command. */
CNN_MUST_USE cnn_status cnn_action_train(void *context, cnn_error *error);

/* These do not train; each prints what its option asks for. */
CNN_MUST_USE cnn_status cnn_action_init(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_dry_run(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_check_data(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_check_gradients(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_trace(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_show_augmented(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_print_config(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_help_config(void *context, cnn_error *error);
CNN_MUST_USE cnn_status cnn_action_schema(void *context, cnn_error *error);

/* Frees what an action has left in the command, and ends the exchange with the other processes. */
void cnn_action_end(train_command *command);

#endif
