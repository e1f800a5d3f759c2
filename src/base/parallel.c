#include "parallel.h"

#ifdef _OPENMP
#include <omp.h>
#endif

int cnn_parallel_default_threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

void cnn_parallel_for(size_t count, int threads, cnn_parallel_body *body, void *context) {
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
        int team = count < (size_t)threads ? (int)count : threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
        for (size_t i = 0; i < count; i++) {
            body(context, i, omp_get_thread_num());
        }
        return;
    }
#endif
    (void)threads;
    for (size_t i = 0; i < count; i++) {
        body(context, i, 0);
    }
}
