/* The processes that train one network together, of which this is one: those that mpirun or srun
 * has started. Only the first one prints messages, and all end with the same exit code. */
#ifndef CNN_CLI_PROCESSES_H
#define CNN_CLI_PROCESSES_H

#include "cli/launcher.h"

#include "cnn/status.h"
#include "cnn/transport.h"

#include <stdbool.h>

/* Starts as {0}. */
typedef struct cnn_processes {
    cnn_transport transport; /* its count is 1 for a process that is alone */
    int here;                /* processes on this machine, with this one */
    int threads;             /* the default for this process: its part of the processors */
    int machines;            /* for the first process: how many there are … */
    int fewest, most;        /* … and the threads of a process, which may differ */
    bool agreed;             /* on a failure */
    cnn_launcher launcher;
} cnn_processes;

/* Finds the others. A process that was not started by a launcher is alone, and does not call MPI.
 * Call it first of all: it may start another program with these arguments (message_passing.h). The
 * message of the error is empty if another process prints it. */
CNN_MUST_USE cnn_status cnn_processes_start(cnn_processes *processes, char **argv,
                                            cnn_error *error);

/* Fails if there are several processes and they are to do anything but train one network. what: the
 * option that asks for it; NULL: to train. */
CNN_MUST_USE cnn_status cnn_processes_allow(const cnn_processes *processes, const char *what,
                                            cnn_error *error);

/* Is this the process that prints messages? */
bool cnn_processes_speak(const cnn_processes *processes);

/* All processes call it, each with the status and error of what it did. Returns the same status in
 * all: that of the first one that failed, whose error the first process gets; that of the others is
 * empty. After a failure, further calls return at once. */
CNN_MUST_USE cnn_status cnn_processes_agree(cnn_processes *processes, cnn_status status,
                                            cnn_error *error);

/* The last call. */
void cnn_processes_end(cnn_processes *processes);

#endif
