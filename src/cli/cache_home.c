#include "cli/cache_home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *cnn_cache_home(const char *program) {
    const char *between = "/";
    const char *base = getenv("XDG_CACHE_HOME");
    if (!base ||
        *base != '/') { /* "all paths must be absolute": the specification says to ignore others */
        between = "/.cache/";
        base = getenv("HOME");
    }
    if (!base || *base != '/') {
        return NULL;
    }
    size_t room = strlen(base) + strlen(between) + strlen(program) + 1;
    char *path = malloc(room);
    if (path) {
        (void)snprintf(path, room, "%s%s%s", base, between, program);
    }
    return path;
}
