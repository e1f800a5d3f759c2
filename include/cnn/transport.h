/* Several processes that train one network together (cnn_common_options.transport), on one machine
 * or on several. The program provides the transport of their messages; that of cnntrain is MPI. */
#ifndef CNN_TRANSPORT_H
#define CNN_TRANSPORT_H

#include "cnn/error.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A message to another process, or from it. Both sides know its size. */
typedef struct cnn_message {
    int peer;      /* the other process */
    bool receives; /* bytes are received; else they are sent, and not changed */
    void *bytes;
    size_t size;
} cnn_message;

/* Channels, whose messages are independent of each other. */
enum { CNN_TRANSPORT_CHANNELS = 2 };

typedef struct cnn_transport {
    int rank, count; /* this process, 0 … count - 1, and all of them; count >= 1 */
    /* Is a processor left for a thread that waits for messages, while as many others compute as
     * cnn_common_options.threads says? It decides when messages are exchanged, and no result. */
    bool spare_processor;
    /* Sends and receives these messages, all at once, and returns when all are done. Messages of a
     * channel from one process to another arrive in the order in which they are listed, and in that
     * of the calls. At most one thread calls it for a channel at a time; two threads may call it
     * for two channels at the same time. It does not return if a process is gone: it ends this
     * one. */
    void (*exchange)(void *context, int channel, const cnn_message *messages, size_t count);
    /* Ends all processes, this one included, because of an error that only this one has found.
     * Prints the reason. */
    void (*abandon)(void *context, const cnn_error *error);
    void *context;
} cnn_transport;

#ifdef __cplusplus
}
#endif
#endif
