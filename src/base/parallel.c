#include "base/parallel.h"

#include "base/control_group.h"
#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* How often a thread checks for work before it sleeps: some tens of microseconds. A step of a small
 * network takes no longer than that, and waking up would cost the same again. */
enum { LOOKS = 2000 };

/* Iterations are numbered by 32 bits; a longer loop runs on the caller's thread only. */
#define TURNS_MAX ((size_t)1 << 31)

struct cnn_thread_pool {
    int workers; /* threads besides the caller's */
    pthread_t *handles;

    /* The current loop. `next` is its number (upper half) and its next iteration (lower half). A
     * number is even once the members below are those of the loop, odd while they are being
     * written; so a late worker cannot run an iteration of a loop other than the one whose members
     * it has read. */
    _Atomic uint64_t next;
    _Atomic(cnn_parallel_body *) body;
    _Atomic(void *) context;
    _Atomic uint32_t count;
    atomic_int team; /* threads that may take part */
    _Atomic uint32_t finished;

    /* For threads that sleep. */
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    atomic_int asleep;   /* workers */
    atomic_bool waiting; /* the caller */
    atomic_bool closing;
};

static uint32_t loop_of(uint64_t next) {
    return (uint32_t)(next >> 32);
}

/* Has a loop other than `seen` begun? */
static bool has_begun(cnn_thread_pool *pool, uint32_t seen) {
    uint32_t loop = loop_of(atomic_load(&pool->next));
    return loop != seen && loop % 2 == 0;
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The processors that this process may run on. */
static int processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return CPU_COUNT(&set);
    }
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

int cnn_default_threads(void) {
    int threads = processors();
    size_t quota = cnn_control_group_processors("");
    return quota < (size_t)threads ? (int)quota : threads;
}

/* Runs iterations of the loop until none are left. */
static void take_turns(cnn_thread_pool *pool, uint32_t loop, int thread) {
    cnn_parallel_body *body = atomic_load(&pool->body);
    void *context = atomic_load(&pool->context);
    uint32_t count = atomic_load(&pool->count);
    if (thread >= atomic_load(&pool->team)) {
        return;
    }
    uint64_t next = atomic_load(&pool->next);
    while (loop_of(next) == loop && (uint32_t)next < count) {
        if (!atomic_compare_exchange_weak(&pool->next, &next, next + 1)) {
            continue; /* next is its new value */
        }
        body(context, (uint32_t)next, thread);
        if (atomic_fetch_add(&pool->finished, 1) + 1 == count && atomic_load(&pool->waiting)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
        next = atomic_load(&pool->next);
    }
}

/* Waits until a loop other than `seen` has begun; false when the pool closes. */
static bool wait_for_loop(cnn_thread_pool *pool, uint32_t seen) {
    for (int i = 0; i < LOOKS; i++) {
        if (has_begun(pool, seen) || atomic_load(&pool->closing)) {
            return !atomic_load(&pool->closing);
        }
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->asleep, 1);
    while (!has_begun(pool, seen) && !atomic_load(&pool->closing)) {
        pthread_cond_wait(&pool->work, &pool->mutex);
    }
    atomic_fetch_sub(&pool->asleep, 1);
    pthread_mutex_unlock(&pool->mutex);
    return !atomic_load(&pool->closing);
}

typedef struct worker {
    cnn_thread_pool *pool;
    int thread;
} worker;

static void *work(void *argument) {
    worker self = *(worker *)argument;
    cnn_free(argument);
    uint32_t seen = 0;
    while (wait_for_loop(self.pool, seen)) {
        uint32_t loop = loop_of(atomic_load(&self.pool->next));
        if (loop % 2 == 0) { /* else the next one is about to begin */
            take_turns(self.pool, loop, self.thread);
            seen = loop;
        }
    }
    return NULL;
}

/* Signals are handled by the program's first thread. */
static bool start_worker(cnn_thread_pool *pool, int thread) {
    worker *argument = cnn_alloc(1, sizeof *argument);
    if (!argument) {
        return false;
    }
    *argument = (worker){.pool = pool, .thread = thread};
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&pool->handles[thread - 1], NULL, work, argument) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) {
        cnn_free(argument);
    }
    return started;
}

cnn_thread_pool *cnn_thread_pool_create(int threads) {
    cnn_thread_pool *pool = cnn_alloc(1, sizeof *pool);
    if (!pool) {
        return NULL;
    }
    pool->handles = cnn_alloc((size_t)(threads > 1 ? threads - 1 : 0), sizeof *pool->handles);
    if (!pool->handles) {
        cnn_free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    while (pool->workers < threads - 1 && start_worker(pool, pool->workers + 1)) {
        pool->workers++;
    }
    return pool;
}

void cnn_thread_pool_free(cnn_thread_pool *pool) {
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->closing, true);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->workers; i++) {
        pthread_join(pool->handles[i], NULL);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    cnn_free(pool->handles);
    cnn_free(pool);
}

int cnn_thread_pool_threads(const cnn_thread_pool *pool) {
    return pool ? pool->workers + 1 : 1;
}

/* Up to TURNS_MAX iterations. */
static void run_loop(cnn_thread_pool *pool, uint32_t count, int threads, cnn_parallel_body *body,
                     void *context) {
    uint32_t loop = loop_of(atomic_load(&pool->next)) + 2;
    atomic_store(&pool->next, (uint64_t)(loop - 1) << 32);
    atomic_store(&pool->body, body);
    atomic_store(&pool->context, context);
    atomic_store(&pool->count, count);
    atomic_store(&pool->team, threads);
    atomic_store(&pool->finished, 0);
    atomic_store(&pool->next, (uint64_t)loop << 32);
    if (atomic_load(&pool->asleep) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->mutex);
    }
    take_turns(pool, loop, 0);
    for (int i = 0; i < LOOKS && atomic_load(&pool->finished) < count; i++) {
        relax();
    }
    if (atomic_load(&pool->finished) == count) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->waiting, true);
    while (atomic_load(&pool->finished) < count) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->mutex);
}

void cnn_thread_pool_for(cnn_thread_pool *pool, size_t count, int threads, cnn_parallel_body *body,
                         void *context) {
    if (!pool || pool->workers == 0 || threads <= 1 || count <= 1 || count > TURNS_MAX) {
        for (size_t i = 0; i < count; i++) {
            body(context, i, 0);
        }
        return;
    }
    run_loop(pool, (uint32_t)count, threads, body, context);
}

void cnn_parallel_for(size_t count, int threads, cnn_parallel_body *body, void *context) {
    cnn_thread_pool *pool = NULL;
    if (threads > 1 && count > 1) { /* without a pool, one thread does everything */
        pool = cnn_thread_pool_create(count < (size_t)threads ? (int)count : threads);
    }
    cnn_thread_pool_for(pool, count, threads, body, context);
    cnn_thread_pool_free(pool);
}
