/* The limits of the control groups of this process, as set by a container or a batch system. A
 * group cannot exceed the limits of the groups around it, so the least of these limits counts.
 * Supports versions 1 and 2, mounted where Linux distributions and containers mount them: version 2
 * in /sys/fs/cgroup or /sys/fs/cgroup/unified; a controller of version 1 in a folder of
 * /sys/fs/cgroup with the name that it has in /proc/self/cgroup ("cpu,cpuacct").
 * Source: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the Linux kernel. */
#ifndef CNN_BASE_CONTROL_GROUP_H
#define CNN_BASE_CONTROL_GROUP_H

#include <stddef.h>

/* For both functions, `root` is a prefix of every path that is read: "" for this machine, a folder
 * with artificial groups in a test. SIZE_MAX means that there is no limit. A file that is missing
 * or cannot be understood sets no limit. */

/* Returns the number of processors that the quota of processor time allows (cpu.max;
 * cpu.cfs_quota_us), rounded up, so at least 1. */
size_t cnn_control_group_processors(const char *root);

/* Returns the limit of memory in bytes (memory.max; memory.limit_in_bytes). */
size_t cnn_control_group_memory(const char *root);

#endif
