/* Messages by MPI. It may be called from one thread at a time only, so that any MPI will do: every
 * call is made under a mutex, and none of them waits. A thread that waits asks again and again, and
 * leaves the processor to those that compute. */
#include "cli/message_passing.h"

#include "cnn/error.h"

#include <limits.h>
#include <mpi.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The value of a macro, as text. */
#define TEXT_OF_(value) #value
#define TEXT_OF(macro) TEXT_OF_(macro)

/* The bytes of a message that one request transfers: MPI counts in int. */
#define PIECE ((size_t)1 << 30)

/* How long a thread that waits only yields, and the shortest and longest time that it sleeps after
 * that, in nanoseconds. A step of a small network takes about a millisecond: two processes on two
 * processors train it 1.3 times as fast as with 50 microseconds. */
enum { YIELDING = 1000000, SHORTEST_SLEEP = 20000, LONGEST_SLEEP = 500000 };

typedef struct channel {
    MPI_Comm comm; /* messages of other channels are not received */
    MPI_Request *requests;
    MPI_Status *statuses; /* of requests; MPICH's MPI_STATUSES_IGNORE makes GCC warn */
    size_t capacity;      /* of both */
} channel;

typedef struct passing {
    pthread_mutex_t turn; /* to call MPI */
    int rank, count;
    channel channels[CNN_PROGRAM_CHANNEL + 1];
} passing;

/* --- errors that one process alone sees --- */

static void abandon(void *context, const cnn_error *error) {
    passing *all = context;
    const struct timespec second = {.tv_sec = 1}, forwarding = {.tv_nsec = 300000000};
    char host[256];
    if (gethostname(host, sizeof host) != 0) {
        (void)snprintf(host, sizeof host, "?");
    }
    host[sizeof host - 1] = '\0';
    if (all->rank != 0) { /* the first process prints an error that all have found */
        (void)nanosleep(&second, NULL);
    }
    fprintf(stderr, "cnntrain: process %d of %d (%s): %s\n", all->rank + 1, all->count, host,
            error->message);
    (void)fflush(NULL);
    (void)nanosleep(&forwarding,
                    NULL); /* the launcher prints only what it gets before it is told to end */
    (void)pthread_mutex_lock(&all->turn);
    (void)MPI_Abort(MPI_COMM_WORLD, (int)error->status);
    _exit((int)error->status);
}

/* result: what a call of MPI has returned. */
static void check(passing *all, int result) {
    if (result == MPI_SUCCESS) {
        return;
    }
    char text[MPI_MAX_ERROR_STRING] = "an unknown error";
    int length;
    (void)MPI_Error_string(result, text, &length);
    cnn_error error;
    (void)cnn_fail(&error, CNN_ERROR_RUNTIME, "MPI: %s", text);
    abandon(all, &error);
}

/* --- messages --- */

/* The requests that a message takes. One that is empty takes one. */
static size_t pieces(const cnn_message *message) {
    return message->size == 0 ? 1 : (message->size - 1) / PIECE + 1;
}

static void reserve(passing *all, channel *to, size_t requests) {
    if (requests <= to->capacity) {
        return;
    }
    free(to->requests); /* none is in use */
    free(to->statuses);
    to->requests = malloc(requests * sizeof *to->requests);
    to->statuses = malloc(requests * sizeof *to->statuses);
    to->capacity = requests;
    if (!to->requests || !to->statuses || requests > INT_MAX) {
        cnn_error error;
        (void)cnn_fail_memory(&error, "messages");
        abandon(all, &error);
    }
}

/* Begins to transfer a message, by *request and those after it, and moves *request on.
 * Returns what MPI did. */
static int begin(const channel *by, const cnn_message *message, MPI_Request **request) {
    char *bytes = message->bytes;
    size_t left = message->size;
    int result = MPI_SUCCESS;
    for (size_t i = pieces(message); i > 0 && result == MPI_SUCCESS; i--) {
        const int count = (int)(left < PIECE ? left : PIECE);
        result = message->receives
                     ? MPI_Irecv(bytes, count, MPI_BYTE, message->peer, 0, by->comm, *request)
                     : MPI_Isend(bytes, count, MPI_BYTE, message->peer, 0, by->comm, *request);
        left -= (size_t)count;
        bytes = left > 0 ? bytes + count : bytes;
        ++*request;
    }
    return result;
}

/* Begins to transfer all of them. Returns the number of requests. */
static size_t begin_all(passing *all, channel *by, const cnn_message *messages, size_t count) {
    size_t requests = 0;
    for (size_t i = 0; i < count; i++) {
        requests += pieces(&messages[i]);
    }
    reserve(all, by, requests);
    MPI_Request *next = by->requests;
    int result = MPI_SUCCESS;
    (void)pthread_mutex_lock(&all->turn);
    for (size_t i = 0; i < count && result == MPI_SUCCESS; i++) {
        result = begin(by, &messages[i], &next);
    }
    (void)pthread_mutex_unlock(&all->turn);
    check(all, result);
    return requests;
}

/* The reason why one of these requests failed. */
static int failure(const channel *by, size_t requests) {
    for (size_t i = 0; i < requests; i++) {
        const int result = by->statuses[i].MPI_ERROR;
        if (result != MPI_SUCCESS && result != MPI_ERR_PENDING) {
            return result;
        }
    }
    return MPI_ERR_OTHER;
}

static int64_t now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Lets others use the processor. waited: nanoseconds so far. Of a long wait, a sixteenth may be
 * too long. */
static void let_others(int64_t waited) {
    if (waited < YIELDING) {
        (void)sched_yield();
        return;
    }
    const int64_t wanted = waited / 16;
    const struct timespec sleep = {.tv_nsec = wanted < SHORTEST_SLEEP  ? SHORTEST_SLEEP
                                              : wanted > LONGEST_SLEEP ? LONGEST_SLEEP
                                                                       : wanted};
    (void)nanosleep(&sleep, NULL);
}

static void exchange(void *context, int number, const cnn_message *messages, size_t count) {
    passing *all = context;
    channel *by = &all->channels[number];
    const size_t requests = begin_all(all, by, messages, count);
    const int64_t begun = now();
    for (;;) {
        int done = 0;
        (void)pthread_mutex_lock(&all->turn);
        const int result = MPI_Testall((int)requests, by->requests, &done, by->statuses);
        (void)pthread_mutex_unlock(&all->turn);
        check(all, result == MPI_ERR_IN_STATUS ? failure(by, requests) : result);
        if (done) {
            return;
        }
        let_others(now() - begun);
    }
}

/* --- the beginning and the end --- */

/* Returns what MPI did. */
static int open_channels(passing *all) {
    int result = MPI_SUCCESS;
    for (int i = 0; i <= CNN_PROGRAM_CHANNEL && result == MPI_SUCCESS; i++) {
        result = MPI_Comm_dup(MPI_COMM_WORLD, &all->channels[i].comm);
    }
    return result;
}

cnn_status cnn_message_passing_start(char **argv, cnn_transport *transport, cnn_error *error) {
    (void)argv;
    int given;
    passing *all = calloc(1, sizeof *all);
    *transport = (cnn_transport){.count = 1};
    if (!all) {
        return cnn_fail_memory(error, "messages");
    }
    (void)pthread_mutex_init(&all->turn, NULL);
    (void)MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given);
    (void)MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN); /* and copies of it */
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &all->rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &all->count);
    *transport = (cnn_transport){.rank = all->rank,
                                 .count = all->count,
                                 .exchange = exchange,
                                 .abandon = abandon,
                                 .context = all};
    if (given < MPI_THREAD_SERIALIZED) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "MPI: expected a library that several threads may call "
                        "(MPI_THREAD_SERIALIZED)");
    }
    check(all, open_channels(all));
    return CNN_OK;
}

const char *cnn_message_passing_version(void) {
#if defined(OMPI_MAJOR_VERSION)
    return "Open MPI " TEXT_OF(OMPI_MAJOR_VERSION) "." TEXT_OF(OMPI_MINOR_VERSION);
#elif defined(MPICH_VERSION)
    return "MPICH " MPICH_VERSION;
#else
    return "MPI " TEXT_OF(MPI_VERSION) "." TEXT_OF(MPI_SUBVERSION);
#endif
}

void cnn_message_passing_end(cnn_transport *transport) {
    passing *all = transport->context;
    if (!all) {
        return;
    }
    for (int i = 0; i <= CNN_PROGRAM_CHANNEL; i++) {
        if (all->channels[i].comm) {
            (void)MPI_Comm_free(&all->channels[i].comm);
        }
        free(all->channels[i].requests);
        free(all->channels[i].statuses);
    }
    (void)MPI_Finalize();
    (void)pthread_mutex_destroy(&all->turn);
    free(all);
    *transport = (cnn_transport){.count = 1};
}
