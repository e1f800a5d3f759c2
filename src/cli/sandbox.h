/* Gives up, permanently, every right that reading images does not need. */
#ifndef CNN_CLI_SANDBOX_H
#define CNN_CLI_SANDBOX_H

#include "cnn/status.h"

/* After this, the process and its threads may read files and folders, use memory, start threads
 * (not processes), write to descriptors 1 and 2, and to `pipe` (-1: none), and end. Nothing else is
 * allowed: no file may be opened for writing, created, removed or renamed; no network, no other
 * program, no new executable memory, no other process. A call that is refused fails with ENOSYS;
 * one that only injected code would make ends the process with SIGSYS. Also sets no_new_privs. This
 * cannot be undone.
 *
 * Call it while there is one thread. Does nothing, and returns CNN_OK, if the system has no seccomp
 * filters (Linux before 4.14, user-mode emulators, containers that forbid them), and under
 * sanitizers, which need more calls. CNN_ERROR_RUNTIME if a filter could not be made or loaded. */
CNN_MUST_USE cnn_status cnn_sandbox_enter(int pipe, cnn_error *error);

/* The same for the process that writes pictures (picture_writer.h), which may also open, write,
 * rename and remove files. */
CNN_MUST_USE cnn_status cnn_sandbox_enter_writer(cnn_error *error);

#endif
