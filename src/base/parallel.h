/* Threads: one loop whose turns run in parallel. */
#ifndef CNN_BASE_PARALLEL_H
#define CNN_BASE_PARALLEL_H

#include <stddef.h>

/* One turn: `index` counts from 0; `thread` is below the number of threads, and no two turns run at
 * the same time with the same `thread`. */
typedef void cnn_parallel_body(void *context, size_t index, int thread);

/* How many threads this process should use by default: the processors it may run on (taskset), but
 * no more than the quota of its control groups is worth (base/control_group.h). At least 1. */
int cnn_parallel_default_threads(void);

/* Threads that wait for loops. One loop at a time: not to be used from two threads at once, nor
 * from within a turn. */
typedef struct cnn_thread_pool cnn_thread_pool;

/* Up to `threads` threads, the caller's own among them; fewer where the system refuses more. NULL
 * when memory is refused. Free with cnn_thread_pool_free (NULL is fine). */
cnn_thread_pool *cnn_thread_pool_create(int threads);
void cnn_thread_pool_free(cnn_thread_pool *pool);

/* Threads of the pool, the caller's own among them; 1 for NULL. */
int cnn_thread_pool_threads(const cnn_thread_pool *pool);

/* Runs body for index 0 … count - 1 on up to `threads` of the pool's threads, each turn once, in no
 * fixed order, and returns when all are done. Turns go to whichever thread is there first: a thread
 * that the system does not let run holds nobody up but in the turn that it has begun. pool NULL:
 * the caller's thread alone. */
void cnn_thread_pool_for(cnn_thread_pool *pool, size_t count, int threads, cnn_parallel_body *body,
                         void *context);

/* The same once, with a pool of its own. */
void cnn_parallel_for(size_t count, int threads, cnn_parallel_body *body, void *context);

#endif
