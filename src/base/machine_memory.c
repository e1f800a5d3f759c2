#include "base/machine_memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define GROUPS "/sys/fs/cgroup"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Reads the first line of a file, without the newline. False if there is none. */
static bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "re");
    bool read = file && fgets(line, size, file);
    if (file) {
        (void)fclose(file);
    }
    if (read) {
        line[strcspn(line, "\n")] = '\0';
    }
    return read;
}

/* The limit of a group. "max", or a missing file, means none. */
static size_t group_limit(const char *group) {
    char path[PATH_MAX + sizeof GROUPS + sizeof "/memory.max"];
    char line[32];
    (void)snprintf(path, sizeof path, GROUPS "%s/memory.max", group);
    if (!read_line(path, line, sizeof line) || *line < '0' || *line > '9') {
        return SIZE_MAX;
    }
    unsigned long long bytes = strtoull(line, NULL, 10);
    return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/* The smallest limit of the process's control group and the groups that contain it. */
static size_t groups_limit(void) {
    char line[PATH_MAX];
    size_t bytes = SIZE_MAX;
    if (!read_line("/proc/self/cgroup", line, sizeof line) || strncmp(line, "0::/", 4) != 0) {
        return bytes; /* version 1, or no groups */
    }
    char *group = line + strlen("0::");
    for (;;) {
        bytes = least(bytes, group_limit(group));
        char *slash = strrchr(group, '/');
        if (!slash) {
            return bytes;
        }
        *slash = '\0'; /* in the end "", the root of a container */
    }
}

size_t cnn_machine_memory(void) {
    size_t bytes = groups_limit();
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0 && (size_t)pages <= SIZE_MAX / (size_t)page) {
        bytes = least(bytes, (size_t)pages * (size_t)page);
    }
    struct rlimit process;
    if (getrlimit(RLIMIT_AS, &process) == 0 && process.rlim_cur != RLIM_INFINITY &&
        process.rlim_cur < SIZE_MAX) {
        bytes = least(bytes, (size_t)process.rlim_cur);
    }
    return bytes;
}
