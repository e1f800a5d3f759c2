/* What the control groups that this process runs in allow it: the limits of a container or of a
 * batch system. A group has at most what each group around it has, so a limit is the least of all
 * of them. Versions 1 and 2, mounted where Linux distributions and containers mount them: version 2
 * in /sys/fs/cgroup or /sys/fs/cgroup/unified, a controller of version 1 in a folder below
 * /sys/fs/cgroup that is called as in /proc/self/cgroup ("cpu,cpuacct").
 * Source: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the Linux kernel. */
#ifndef CNN_BASE_CONTROL_GROUP_H
#define CNN_BASE_CONTROL_GROUP_H

#include <stddef.h>

/* Both functions: `root` is put before every path that is read: "" for this machine, a folder with
 * made-up groups in a test. SIZE_MAX means that there is no limit. A file that is missing or cannot
 * be understood sets no limit. */

/* Processors that the quota of processor time is worth (cpu.max; cpu.cfs_quota_us), rounded up, so
 * at least 1. */
size_t cnn_control_group_processors(const char *root);

/* Bytes of memory (memory.max; memory.limit_in_bytes). */
size_t cnn_control_group_memory(const char *root);

#endif
