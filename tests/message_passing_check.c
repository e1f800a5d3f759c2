/* The messages of cli/message_passing.c between the processes that mpirun has started: all to all,
 * of many sizes, many at once, in two threads at the same time. Every byte is checked. Prints a
 * line for what went wrong; nothing if all is well. cli/mpi.sh runs it.
 *
 *   mpirun -n N message_passing_check           all of that
 *   mpirun -n N message_passing_check abandon K  process K (from 0) ends all of them
 *   mpirun -n 2 message_passing_check speed      prints the time of a message, by its size
 */
#include "cli/message_passing.h"

#include "cnn/error.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static cnn_transport transport;
static int failures;

enum { LARGEST = 2000000, ALIKE = 300, PER_PEER = 5 };

static const size_t sizes[] = {0, 1, 3, 4095, 4096, 65537, LARGEST};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void *need(size_t bytes) {
    void *memory = calloc(bytes > 0 ? bytes : 1, 1);
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* A byte of a message: everything that tells one message from another is in it. */
static unsigned char byte_of(int from, int to, int channel, size_t number, size_t place) {
    uint64_t x = (uint64_t)from * 1000003 + (uint64_t)to * 10007 + (uint64_t)channel * 101 +
                 number * 7919 + place;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned char)(x >> 56);
}

static void fill(unsigned char *bytes, size_t size, int to, int channel, size_t number) {
    for (size_t i = 0; i < size; i++) {
        bytes[i] = byte_of(transport.rank, to, channel, number, i);
    }
}

static void check(const unsigned char *bytes, size_t size, int from, int channel, size_t number) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != byte_of(from, transport.rank, channel, number, i)) {
            fprintf(stderr, "message %zu of %zu bytes from %d to %d, channel %d: byte %zu\n",
                    number, size, from, transport.rank, channel, i);
            failures++;
            return;
        }
    }
}

/* Every process sends `each` messages of `size` bytes to every one, itself included, and receives
 * as many, in one call. number: that of the first one. */
static void all_to_all(int channel, size_t size, size_t each, size_t number) {
    const size_t count = 2 * each * (size_t)transport.count;
    cnn_message *messages = need(count * sizeof *messages);
    for (size_t i = 0; i < count; i++) {
        const int peer = (int)(i / 2 % (size_t)transport.count);
        const size_t which = number + i / 2 / (size_t)transport.count;
        messages[i] =
            (cnn_message){.peer = peer, .receives = i % 2 == 1, .bytes = need(size), .size = size};
        if (messages[i].receives) {
            memset(messages[i].bytes, 0x5a, size);
        } else {
            fill(messages[i].bytes, size, peer, channel, which);
        }
    }
    transport.exchange(transport.context, channel, messages, count);
    for (size_t i = 0; i < count; i++) {
        if (messages[i].receives) {
            check(messages[i].bytes, size, messages[i].peer, channel,
                  number + i / 2 / (size_t)transport.count);
        }
        free(messages[i].bytes);
    }
    free(messages);
}

/* Around in a ring: one process after the other adds to a number. */
static void ring(int channel) {
    if (transport.count == 1) { /* would wait for itself */
        return;
    }
    const int next = (transport.rank + 1) % transport.count;
    const int previous = (transport.rank + transport.count - 1) % transport.count;
    int64_t sum = 1;
    const cnn_message out = {.peer = next, .bytes = &sum, .size = sizeof sum};
    const cnn_message in = {.peer = previous, .receives = true, .bytes = &sum, .size = sizeof sum};
    for (int round = 0; round < 50; round++) {
        if (transport.rank == 0) {
            transport.exchange(transport.context, channel, &out, 1);
            transport.exchange(transport.context, channel, &in, 1);
        } else {
            transport.exchange(transport.context, channel, &in, 1);
            sum += transport.rank;
            transport.exchange(transport.context, channel, &out, 1);
        }
    }
    const int64_t wanted = 1 + 50 * (int64_t)transport.count * (transport.count - 1) / 2;
    if (transport.rank == 0 && sum != wanted) {
        fprintf(stderr, "ring on channel %d: expected %lld, got %lld\n", channel, (long long)wanted,
                (long long)sum);
        failures++;
    }
}

static void *work(void *context) {
    const int channel = *(const int *)context;
    size_t number = 0;
    transport.exchange(transport.context, channel, NULL, 0);
    for (size_t i = 0; i < SIZES; i++) {
        const size_t each = sizes[i] == LARGEST ? 1 : PER_PEER;
        all_to_all(channel, sizes[i], each, number);
        number += each;
    }
    all_to_all(channel, 100, ALIKE, number);
    ring(channel);
    return NULL;
}

static double now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* There and back. */
static void measure(size_t size) {
    unsigned char *bytes = need(size);
    memset(bytes, 1, size);
    const int rounds = size > 100000 ? 20 : 500;
    const cnn_message out = {.peer = 1 - transport.rank, .bytes = bytes, .size = size};
    cnn_message in = out;
    in.receives = true;
    const cnn_message *const order[] = {transport.rank == 0 ? &out : &in,
                                        transport.rank == 0 ? &in : &out};
    const double begun = now();
    for (int i = 0; i < 2 * rounds; i++) {
        transport.exchange(transport.context, 0, order[i % 2], 1);
    }
    const double each = (now() - begun) / (2 * rounds);
    if (transport.rank == 0) {
        printf("%9zu bytes: %8.1f us, %8.1f MB/s\n", size, each * 1e6, (double)size / each * 1e-6);
    }
    free(bytes);
}

int main(int argc, char **argv) {
    cnn_error error;
    if (cnn_message_passing_start(argv, &transport, &error) != CNN_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (argc > 2 && strcmp(argv[1], "abandon") == 0 && atoi(argv[2]) == transport.rank) {
        (void)cnn_fail(&error, CNN_ERROR_DATA, "a broken image");
        transport.abandon(transport.context, &error);
    }
    if (argc > 1 && strcmp(argv[1], "speed") == 0 && transport.count == 2) {
        for (size_t size = 8; size <= 40000000; size *= 8) {
            measure(size);
        }
    } else {
        int channels[] = {0, 1};
        pthread_t other;
        if (pthread_create(&other, NULL, work, &channels[1]) != 0) {
            return 1;
        }
        (void)work(&channels[0]);
        (void)pthread_join(other, NULL);
        ring(CNN_PROGRAM_CHANNEL);
    }
    cnn_message_passing_end(&transport);
    return failures > 0;
}
