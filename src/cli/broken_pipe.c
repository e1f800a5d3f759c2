#include "cli/broken_pipe.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static bool was_ignored; /* when the program was started */

void cnn_broken_pipe_ignore(void) {
    was_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
}

void cnn_broken_pipe_end(int reason) {
    if (reason == EPIPE && !was_ignored) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
        _exit(128 + SIGPIPE); /* the signal is blocked */
    }
}
