#include "forked_ranks.h"

#include "test_support.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit codes of a process: a peer is gone; it has abandoned the others; a condition is false. */
enum { EXIT_PEER_GONE = 90, EXIT_ABANDONED = 91, EXIT_CONDITION = 92 };

enum { SECONDS = 60 };

void forked_ranks_fail(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: expected %s\n", file, line, condition);
    _exit(EXIT_CONDITION);
}

/* --- the transport --- */

typedef struct wires {
    int rank;
    int socket[CNN_TRANSPORT_CHANNELS][FORKED_MAX]; /* to each other process */
} wires;

/* Bytes of a message that are done: -1 if none could be now. */
static ssize_t go_on(int socket, const cnn_message *message, size_t done) {
    uint8_t *at = (uint8_t *)message->bytes + done;
    size_t left = message->size - done;
    ssize_t part = message->receives ? recv(socket, at, left, MSG_DONTWAIT)
                                     : send(socket, at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (part == 0 || (part < 0 && errno != EAGAIN && errno != EINTR)) {
        _exit(EXIT_PEER_GONE);
    }
    return part;
}

/* Is an earlier message of the same direction between the same processes unfinished? */
static bool must_wait(const cnn_message *messages, const size_t *done, size_t i) {
    for (size_t j = 0; j < i; j++) {
        if (done[j] < messages[j].size && messages[j].peer == messages[i].peer &&
            messages[j].receives == messages[i].receives) {
            return true;
        }
    }
    return false;
}

static void exchange(void *context, int channel, const cnn_message *messages, size_t count) {
    const wires *w = context;
    size_t *done = calloc(count, sizeof *done);
    struct pollfd *polls = calloc(count, sizeof *polls);
    expect_in_rank(done && polls);
    for (nfds_t waiting = 1; waiting > 0;) {
        waiting = 0;
        for (size_t i = 0; i < count; i++) {
            expect_in_rank(messages[i].peer != w->rank);
            if (done[i] == messages[i].size || must_wait(messages, done, i)) {
                continue;
            }
            int socket = w->socket[channel][messages[i].peer];
            ssize_t part = go_on(socket, &messages[i], done[i]);
            done[i] += part > 0 ? (size_t)part : 0;
            if (done[i] < messages[i].size) {
                polls[waiting++] = (struct pollfd){
                    .fd = socket, .events = messages[i].receives ? POLLIN : POLLOUT};
            }
        }
        bool all = true;
        for (size_t i = 0; i < count; i++) {
            all = all && done[i] == messages[i].size;
        }
        waiting = all ? 0 : waiting > 0 ? waiting : 1;
        (void)poll(polls, waiting, 1);
    }
    free(done);
    free(polls);
}

static void abandon(void *context, const cnn_error *error) {
    (void)context;
    fprintf(stderr, "abandoned: %s\n", error->message);
    _exit(EXIT_ABANDONED);
}

/* --- processes --- */

static int pairs[CNN_TRANSPORT_CHANNELS][FORKED_MAX][FORKED_MAX];

static void open_pairs(int ranks) {
    for (int channel = 0; channel < CNN_TRANSPORT_CHANNELS; channel++) {
        for (int a = 0; a < ranks; a++) {
            for (int b = a + 1; b < ranks; b++) {
                int both[2];
                assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
                pairs[channel][a][b] = both[0];
                pairs[channel][b][a] = both[1];
            }
        }
    }
}

/* Closes the sockets of all but one process; rank -1: of all. */
static void close_pairs(int ranks, int rank) {
    for (int channel = 0; channel < CNN_TRANSPORT_CHANNELS; channel++) {
        for (int a = 0; a < ranks; a++) {
            for (int b = 0; b < ranks && a != rank; b++) {
                if (a != b) {
                    close(pairs[channel][a][b]);
                }
            }
        }
    }
}

static void be_rank(int rank, int ranks, forked_body *body, void *context, void *result,
                    size_t size) {
    wires w = {.rank = rank};
    cnn_transport transport = {
        .rank = rank, .count = ranks, .exchange = exchange, .abandon = abandon, .context = &w};
    close_pairs(ranks, rank);
    for (int channel = 0; channel < CNN_TRANSPORT_CHANNELS; channel++) {
        memcpy(w.socket[channel], pairs[channel][rank], sizeof w.socket[channel]);
    }
    alarm(SECONDS);
    body(&transport, context, result, size);
    fflush(NULL);
    _exit(0);
}

static void run(int ranks, forked_body *body, void *context, uint8_t *shared, size_t size,
                int *exits) {
    pid_t process[FORKED_MAX];
    assert_true(ranks <= FORKED_MAX);
    open_pairs(ranks);
    fflush(NULL);
    for (int rank = 0; rank < ranks; rank++) {
        process[rank] = fork();
        assert_true(process[rank] >= 0);
        if (process[rank] == 0) {
            be_rank(rank, ranks, body, context, shared + (size_t)rank * size, size);
        }
    }
    close_pairs(ranks, -1);
    for (int rank = 0; rank < ranks; rank++) {
        int status;
        assert_int_equal(waitpid(process[rank], &status, 0), process[rank]);
        exits[rank] = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

void forked_ranks_run(int ranks, forked_body *body, void *context, void *results, size_t size) {
    int exits[FORKED_MAX];
    size_t all = (size_t)ranks * size;
    uint8_t *shared = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    run(ranks, body, context, shared, size, exits);
    memcpy(results, shared, all);
    munmap(shared, all);
    for (int rank = 0; rank < ranks; rank++) {
        if (exits[rank] != 0) {
            fail_msg("process %d of %d ended with %d", rank, ranks, exits[rank]);
        }
    }
}

void forked_ranks_end(int ranks, forked_body *body, void *context, int *exits) {
    uint8_t unused[FORKED_MAX];
    run(ranks, body, context, unused, 0, exits);
}
