#include "base/background.h"

#include "base/error.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>

typedef struct given_job {
    cnn_background_job *run;
    void *context;
} given_job;

struct cnn_background {
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t given, finished;
    given_job jobs[CNN_BACKGROUND_JOBS]; /* job n at n % CNN_BACKGROUND_JOBS */
    unsigned long given_count, done_count;
    bool closing;
};

/* Does the next job. The mutex is locked, but not meanwhile. */
static void do_next(cnn_background *b) {
    given_job job = b->jobs[b->done_count % CNN_BACKGROUND_JOBS];
    pthread_mutex_unlock(&b->mutex);
    job.run(job.context);
    pthread_mutex_lock(&b->mutex);
    b->done_count++;
    pthread_cond_broadcast(&b->finished);
}

static void *work(void *context) {
    cnn_background *b = context;
    pthread_mutex_lock(&b->mutex);
    for (;;) {
        while (b->done_count == b->given_count && !b->closing) {
            pthread_cond_wait(&b->given, &b->mutex);
        }
        if (b->done_count == b->given_count) {
            break;
        }
        do_next(b);
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

/* Until a job is done. The mutex is locked. */
static void wait_for_next(cnn_background *b) {
    if (b->has_thread) {
        pthread_cond_wait(&b->finished, &b->mutex);
    } else {
        do_next(b);
    }
}

/* Signals are handled by the program's first thread. */
static bool start_thread(cnn_background *b) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&b->thread, NULL, work, b) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void destroy(cnn_background *b) {
    pthread_mutex_destroy(&b->mutex);
    pthread_cond_destroy(&b->given);
    pthread_cond_destroy(&b->finished);
    cnn_free(b);
}

cnn_status cnn_background_create(bool has_thread, cnn_background **background, cnn_error *error) {
    *background = NULL;
    cnn_background *b = cnn_alloc(1, sizeof *b);
    if (!b) {
        return cnn_fail_memory(error, "a thread");
    }
    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->given, NULL);
    pthread_cond_init(&b->finished, NULL);
    b->has_thread = has_thread;
    if (has_thread && !start_thread(b)) {
        destroy(b);
        return cnn_fail(error, CNN_ERROR_RUNTIME, "the system refuses another thread");
    }
    *background = b;
    return CNN_OK;
}

void cnn_background_free(cnn_background *b) {
    if (!b) {
        return;
    }
    if (b->has_thread) {
        pthread_mutex_lock(&b->mutex);
        b->closing = true;
        pthread_cond_signal(&b->given);
        pthread_mutex_unlock(&b->mutex);
        pthread_join(b->thread, NULL);
    }
    destroy(b);
}

unsigned long cnn_background_start(cnn_background *b, cnn_background_job *job, void *context) {
    pthread_mutex_lock(&b->mutex);
    while (b->given_count - b->done_count == CNN_BACKGROUND_JOBS) {
        wait_for_next(b);
    }
    b->jobs[b->given_count % CNN_BACKGROUND_JOBS] = (given_job){.run = job, .context = context};
    unsigned long number = b->given_count++;
    pthread_cond_signal(&b->given);
    pthread_mutex_unlock(&b->mutex);
    return number;
}

void cnn_background_wait(cnn_background *b, unsigned long job) {
    pthread_mutex_lock(&b->mutex);
    while (b->done_count <= job) {
        wait_for_next(b);
    }
    pthread_mutex_unlock(&b->mutex);
}
