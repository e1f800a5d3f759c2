/* The part of MPI that this program needs. Only message_passing.c, which belongs to cnntrain-mpi,
 * calls MPI; no_message_passing.c takes its place in cnntrain. */
#ifndef CNN_CLI_MESSAGE_PASSING_H
#define CNN_CLI_MESSAGE_PASSING_H

#include "cnn/status.h"
#include "cnn/transport.h"

/* A channel for the program itself, after those of the library. */
enum { CNN_PROGRAM_CHANNEL = CNN_TRANSPORT_CHANNELS };

/* Initialises MPI, and fills *transport. Call it only in a process that a launcher has started
 * (launcher.h), and before anything else: in cnntrain, it does not return, but starts cnntrain-mpi
 * with these arguments. A count of 1 means that the launcher belongs to another MPI.
 * CNN_ERROR_RUNTIME, and CNN_ERROR_CONFIG in a program without MPI. */
CNN_MUST_USE cnn_status cnn_message_passing_start(char **argv, cnn_transport *transport,
                                                  cnn_error *error);

/* The name and version of the MPI, such as "Open MPI 4.1". */
const char *cnn_message_passing_version(void);

/* The last call of all processes. */
void cnn_message_passing_end(cnn_transport *transport);

#endif
