/* How much memory this process may use. */
#ifndef CNN_BASE_MACHINE_MEMORY_H
#define CNN_BASE_MACHINE_MEMORY_H

#include <stddef.h>

/* Returns bytes: the smallest of the machine's memory, the limits of the process's control groups
 * (base/control_group.h) and the limit of the process (ulimit -v). SIZE_MAX if none is
 * known. */
size_t cnn_machine_memory(void);

#endif
