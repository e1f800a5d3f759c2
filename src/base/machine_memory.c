#include "cnn/memory.h"

#include "base/control_group.h"

#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t cnn_machine_memory(void) {
    size_t bytes = cnn_control_group_memory("");
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
