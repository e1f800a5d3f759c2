/* How much memory is available to this process. */
#ifndef CNN_BASE_MACHINE_MEMORY_H
#define CNN_BASE_MACHINE_MEMORY_H

#include <stddef.h>

/* Bytes: the least of what the machine has, what the control groups that we run in may take
 * (version 2, as containers set them) and what the process may (ulimit -v). SIZE_MAX where nothing
 * tells. */
size_t cnn_machine_memory(void);

#endif
