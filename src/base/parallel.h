/* Threads: a loop whose iterations run in parallel. */
#ifndef CNN_BASE_PARALLEL_H
#define CNN_BASE_PARALLEL_H

#include "cnn/threads.h" /* cnn_default_threads */

#include <stddef.h>

/* One iteration: `index` counts from 0; `thread` is less than the number of threads, and no two
 * iterations run at the same time with the same `thread`. */
typedef void cnn_parallel_body(void *context, size_t index, int thread);

/* Threads that wait for loops. One loop at a time: do not use a pool from two threads at once, or
 * from within an iteration. */
typedef struct cnn_thread_pool cnn_thread_pool;

/* Up to `threads` threads, including the caller's; fewer if the system refuses more. NULL if memory
 * is refused. Free with cnn_thread_pool_free (NULL is allowed). */
cnn_thread_pool *cnn_thread_pool_create(int threads);
void cnn_thread_pool_free(cnn_thread_pool *pool);

/* Number of threads of the pool, including the caller's; 1 for NULL. */
int cnn_thread_pool_threads(const cnn_thread_pool *pool);

/* Runs body for index 0 … count - 1 on up to `threads` threads of the pool, each iteration once, in
 * no fixed order, and returns when all are done. Each iteration goes to the first thread that is
 * free: a thread that the system does not schedule delays only the iteration that it has begun.
 * pool NULL: only the caller's thread. */
void cnn_thread_pool_for(cnn_thread_pool *pool, size_t count, int threads, cnn_parallel_body *body,
                         void *context);

/* The same, with a pool that is made for this loop. */
void cnn_parallel_for(size_t count, int threads, cnn_parallel_body *body, void *context);

#endif
