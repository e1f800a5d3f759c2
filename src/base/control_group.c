#include "base/control_group.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS "/sys/fs/cgroup"

/* Returns the limit that one group sets; folder: of the group. */
typedef size_t group_limit(const char *folder);

/* A resource: its controller in version 1, and how a group of either version limits it. */
typedef struct resource {
    const char *controller;
    group_limit *version1, *version2;
} resource;

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Reads the first line of a file, without its end. False if there is none. */
static bool read_line(const char *folder, const char *name, char *line, int size) {
    char path[2 * PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        return false;
    }
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

/* Reads a positive integer and the spaces after it. Returns the text after them, or NULL if there
 * is no such number: version 2 writes "max" for no limit, version 1 writes -1. */
static const char *read_number(const char *text, size_t *number) {
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    *number = value < SIZE_MAX ? (size_t)value : SIZE_MAX;
    return *number > 0 ? end + strspn(end, " ") : NULL;
}

static size_t bytes_limit(const char *folder, const char *name) {
    char line[64];
    size_t bytes = SIZE_MAX;
    return read_line(folder, name, line, sizeof line) && read_number(line, &bytes) ? bytes
                                                                                   : SIZE_MAX;
}

static size_t memory_version1(const char *folder) {
    return bytes_limit(folder, "memory.limit_in_bytes");
}

static size_t memory_version2(const char *folder) {
    return bytes_limit(folder, "memory.max");
}

/* Converts `quota` microseconds of processor time in each `period` microseconds. */
static size_t processors(size_t quota, size_t period) {
    return quota / period + (quota % period > 0);
}

static size_t processors_version1(const char *folder) {
    char quota_line[64];
    char period_line[64];
    size_t quota = 0;
    size_t period = 0;
    if (!read_line(folder, "cpu.cfs_quota_us", quota_line, sizeof quota_line) ||
        !read_line(folder, "cpu.cfs_period_us", period_line, sizeof period_line) ||
        !read_number(quota_line, &quota) || !read_number(period_line, &period)) {
        return SIZE_MAX;
    }
    return processors(quota, period);
}

static size_t processors_version2(const char *folder) {
    char line[64]; /* "50000 100000" */
    size_t quota = 0;
    size_t period = 0;
    if (!read_line(folder, "cpu.max", line, sizeof line)) {
        return SIZE_MAX;
    }
    const char *rest = read_number(line, &quota);
    return rest && read_number(rest, &period) ? processors(quota, period) : SIZE_MAX;
}

/* Returns the least limit of the group `path` and the groups around it, up to the one that is
 * mounted. The mounted one is always read: in a container, it may be the container's own group,
 * while the path is the one outside the container. */
static size_t limit_from(const char *root, const char *mount, const char *path,
                         group_limit *limit) {
    char folder[2 * PATH_MAX];
    int length = snprintf(folder, sizeof folder, "%s%s", root, mount);
    if (length < 0 || (size_t)length + strlen(path) >= sizeof folder) {
        return SIZE_MAX;
    }
    size_t top = (size_t)length;
    strcpy(folder + top, path);
    size_t value = limit(folder);
    for (size_t end = strlen(folder); end > top; end--) {
        if (folder[end - 1] == '/') {
            folder[end - 1] = '\0';
            value = least(value, limit(folder));
        }
    }
    return value;
}

/* True if `name` is one of the words, which are separated by commas. */
static bool is_listed(const char *words, const char *name) {
    size_t length = strlen(name);
    for (;;) {
        size_t word = strcspn(words, ",");
        if (word == length && memcmp(words, name, length) == 0) {
            return true;
        }
        if (words[word] == '\0') {
            return false;
        }
        words += word + 1;
    }
}

/* Returns the limit by one line of /proc/self/cgroup: a number, the controllers (none: version 2),
 * the group's path. */
static size_t limit_of_line(const char *root, char *line, const resource *what) {
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(++controllers, ':') : NULL;
    if (!path) {
        return SIZE_MAX;
    }
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (*controllers == '\0') {
        return least(limit_from(root, GROUPS, path, what->version2),
                     limit_from(root, GROUPS "/unified", path, what->version2));
    }
    char mount[NAME_MAX];
    if (!is_listed(controllers, what->controller) ||
        snprintf(mount, sizeof mount, GROUPS "/%s", controllers) >= (int)sizeof mount) {
        return SIZE_MAX;
    }
    return limit_from(root, mount, path, what->version1);
}

static size_t limit_of(const char *root, const resource *what) {
    char line[PATH_MAX + 100];
    size_t value = SIZE_MAX;
    (void)snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = fopen(line, "re");
    if (!file) {
        return value;
    }
    while (fgets(line, sizeof line, file)) {
        value = least(value, limit_of_line(root, line, what));
    }
    (void)fclose(file);
    return value;
}

size_t cnn_control_group_processors(const char *root) {
    static const resource processor_time = {"cpu", processors_version1, processors_version2};
    return limit_of(root, &processor_time);
}

size_t cnn_control_group_memory(const char *root) {
    static const resource memory = {"memory", memory_version1, memory_version2};
    return limit_of(root, &memory);
}
