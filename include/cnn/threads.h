/* How many threads the library uses by default. */
#ifndef CNN_THREADS_H
#define CNN_THREADS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the number of processors that this process may run on (taskset), but no more than the
 * quota of its control groups allows. At least 1. */
int cnn_default_threads(void);

#ifdef __cplusplus
}
#endif
#endif
