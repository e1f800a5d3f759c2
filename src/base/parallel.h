/* Threads: one loop whose turns run in parallel. The only user of OpenMP. */
#ifndef CNN_BASE_PARALLEL_H
#define CNN_BASE_PARALLEL_H

#include <stddef.h>

/* One turn: `index` counts from 0; `thread` is below the number of threads, and no two turns run at
 * the same time with the same `thread`. */
typedef void cnn_parallel_body(void *context, size_t index, int thread);

/* How many threads this process should use if nobody says: the processors it may run on (OpenMP's
 * rules, so OMP_NUM_THREADS counts), 1 in a build without OpenMP. */
int cnn_parallel_default_threads(void);

/* Runs body for index 0 … count - 1 on up to `threads` threads, each turn once, in no fixed order,
 * and returns when all are done. */
void cnn_parallel_for(size_t count, int threads, cnn_parallel_body *body, void *context);

#endif
