/* In cnntrain itself, which is not linked to MPI: that takes milliseconds at every start, and a
 * machine may have no MPI. A process that was started as one of several becomes cnntrain-mpi, which
 * is the same program with message_passing.c, and is in the same folder. */
#include "cli/message_passing.h"

#include "cnn/error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(CNN_HAVE_MPI)

/* Returns only if that fails. */
static cnn_status become(char **argv, cnn_error *error) {
    static const char suffix[] = "-mpi";
    char path[PATH_MAX + sizeof suffix];
    const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    if (length < 0) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "/proc/self/exe: %s", strerror(errno));
    }
    memcpy(path + length, suffix, sizeof suffix);
    (void)execv(path, argv);
    return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
}

#else

static cnn_status become(char **argv, cnn_error *error) {
    (void)argv;
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "several processes cannot train together: this program was built without MPI "
                    "(package libopenmpi-dev or libmpich-dev)");
}

#endif

cnn_status cnn_message_passing_start(char **argv, cnn_transport *transport, cnn_error *error) {
    *transport = (cnn_transport){.count = 1};
    return become(argv, error);
}

const char *cnn_message_passing_version(void) {
    return "none";
}

void cnn_message_passing_end(cnn_transport *transport) {
    (void)transport;
}
