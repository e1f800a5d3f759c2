/* Gives up, permanently, every right that reading images does not need. */
#ifndef CNN_CLI_SANDBOX_H
#define CNN_CLI_SANDBOX_H

#include "cnn/status.h"

/* From here on this process and its threads may read files and folders, use memory, start threads
 * (not processes), write to descriptors 1 and 2, and end. Nothing else: no file opened for writing
 * or created, removed or renamed, no network, no other program, no new executable memory, no other
 * process. A call that is refused fails with ENOSYS; one that only an attacker makes ends the
 * process with SIGSYS. Also set: no_new_privs. There is no way back.
 *
 * To be called while there is one thread. Where the system has no seccomp filters (Linux before
 * 4.14, user-mode emulators, containers that forbid them), and under sanitizers, which need more,
 * nothing happens, and that is CNN_OK. CNN_ERROR_RUNTIME where a filter could not be made or
 * loaded. */
CNN_MUST_USE cnn_status cnn_sandbox_enter(cnn_error *error);

#endif
