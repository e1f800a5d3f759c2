/* How much memory there is for this process. */
#ifndef CNN_BASE_MACHINE_MEMORY_H
#define CNN_BASE_MACHINE_MEMORY_H

#include <stddef.h>

/* Bytes: the least of what the machine has, what its control groups allow this process
 * (base/control_group.h) and what the process may take (ulimit -v). SIZE_MAX if none of these is
 * known. */
size_t cnn_machine_memory(void);

#endif
