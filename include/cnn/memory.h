/* How much memory the library may take. */
#ifndef CNN_MEMORY_H
#define CNN_MEMORY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns bytes: the smallest of the machine's memory, the limits of the process's control groups
 * and the limit of the process (ulimit -v). SIZE_MAX if none is known. */
size_t cnn_machine_memory(void);

/* Limits the memory that the library's arrays take together, in the whole process. A request beyond
 * the limit is refused before the system is asked, and the call that needs it fails with
 * CNN_ERROR_RUNTIME. There is no limit by default. */
void cnn_memory_limit(size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
