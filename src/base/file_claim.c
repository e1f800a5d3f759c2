#include "base/file_claim.h"

#include "base/claim_contest.h"
#include "base/claim_file.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    BEAT_MILLISECONDS = 5000, /* a holder changes its claim this often */
    STACK_SIZE = 256 * 1024,  /* of the thread that changes a claim */
};

struct cnn_claim {
    cnn_claim_file file;
    atomic_bool lost;
    bool beating;
    pthread_t thread;
    int wake[2]; /* a pipe that ends the thread */
};

/* --- the beat --- */

static void *beat(void *context) {
    cnn_claim *claim = context;
    struct pollfd wake = {.fd = claim->wake[0], .events = POLLIN};
    int ready;
    while ((ready = poll(&wake, 1, BEAT_MILLISECONDS)) == 0 || (ready < 0 && errno == EINTR)) {
        if (cnn_claim_file_is_gone(cnn_claim_file_write(&claim->file, true))) {
            atomic_store(&claim->lost, true);
        }
    }
    return NULL;
}

/* Signals are handled by the other threads of the program. */
static int start_thread(cnn_claim *claim) {
    pthread_attr_t attributes;
    sigset_t all, before;
    (void)sigfillset(&all);
    int reason = pthread_attr_init(&attributes);
    if (reason != 0) {
        return reason;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    reason = pthread_create(&claim->thread, &attributes, beat, claim);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return reason;
}

static cnn_status start_beat(cnn_claim *claim, cnn_error *error) {
    if (pipe2(claim->wake, O_CLOEXEC) != 0) {
        return cnn_fail_errno(error, claim->file.path, errno);
    }
    int reason = start_thread(claim);
    claim->beating = reason == 0;
    if (reason != 0) {
        (void)close(claim->wake[0]);
        (void)close(claim->wake[1]);
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "%s: cannot start a thread, out of memory or of threads: %s",
                        claim->file.path, strerror(reason));
    }
    return CNN_OK;
}

static void stop_beat(cnn_claim *claim) {
    if (claim->beating) {
        (void)close(claim->wake[1]); /* ends the poll */
        (void)pthread_join(claim->thread, NULL);
        (void)close(claim->wake[0]);
        claim->beating = false;
    }
}

/* --- taking a claim --- */

/* Becomes the holder, unless another program keeps this one out. `folder` is that of the lock
 * file. */
static cnn_status take(const cnn_claim_request *request, const char *folder, cnn_claim *claim,
                       bool *out, cnn_lock_holder *holder, cnn_error *error) {
    cnn_claim_file *own = &claim->file;
    CNN_TRY(cnn_claim_file_create(request, folder, own, error));
    CNN_TRY(cnn_claim_compete(request, folder, own, out, holder, error));
    if (*out) {
        return CNN_OK;
    }
    int reason = cnn_claim_file_write(own, true); /* fails if it was removed meanwhile */
    return reason == 0 ? start_beat(claim, error) : cnn_fail_errno(error, own->path, reason);
}

static cnn_status take_in_folder(const cnn_claim_request *request, cnn_claim *claim, bool *out,
                                 cnn_lock_holder *holder, cnn_error *error) {
    char *folder = cnn_path_folder(request->path);
    if (!folder) {
        return cnn_fail_memory(error, request->path);
    }
    cnn_status status = take(request, folder[0] ? folder : ".", claim, out, holder, error);
    cnn_free(folder);
    return status;
}

cnn_status cnn_claim_take(const cnn_claim_request *request, cnn_claim **claim,
                          cnn_lock_holder *holder, cnn_error *error) {
    bool out = false;
    cnn_claim *own = cnn_alloc(1, sizeof *own);
    *claim = NULL;
    *holder = (cnn_lock_holder){0};
    if (!own) {
        return cnn_fail_memory(error, request->path);
    }
    *own = (cnn_claim){.file.file = -1};
    cnn_status status = take_in_folder(request, own, &out, holder, error);
    if (status == CNN_OK && !out) {
        *claim = own;
        return CNN_OK;
    }
    cnn_claim_release(own);
    return status;
}

/* --- a claim that is held --- */

bool cnn_claim_is_lost(const cnn_claim *claim) {
    return claim && (atomic_load(&claim->lost) || cnn_claim_file_is_removed(&claim->file));
}

const char *cnn_claim_path(const cnn_claim *claim) {
    return claim->file.path;
}

void cnn_claim_release(cnn_claim *claim) {
    if (claim) {
        stop_beat(claim);
        cnn_claim_file_remove(&claim->file);
        cnn_free(claim);
    }
}
