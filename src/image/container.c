#include "image/container.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"
#include "image/container_kinds.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* --- paths --- */

static const struct {
    const char *ending;
    cnn_container_kind kind;
} endings[] = {
    {".tar", CNN_CONTAINER_ARCHIVE},      {".zip", CNN_CONTAINER_ARCHIVE},
    {".npz", CNN_CONTAINER_NPZ},          {"idx3-ubyte", CNN_CONTAINER_IDX},
    {"idx3-ubyte.gz", CNN_CONTAINER_IDX},
};

static cnn_container_kind kind_of_name(const char *path, size_t length) {
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t ending = strlen(endings[i].ending);
        if (length >= ending &&
            strncasecmp(path + length - ending, endings[i].ending, ending) == 0) {
            return endings[i].kind;
        }
    }
    return CNN_CONTAINER_NONE;
}

/* Does errno say that there is no such file, and not that it could not be looked up? */
static bool is_absent(int reason) {
    return reason == ENOENT || reason == ENOTDIR || reason == EACCES || reason == ELOOP ||
           reason == ENAMETOOLONG;
}

/* What cannot be looked up counts as a file: opening it gives the reason. */
static bool is_file(const char *path, size_t length) {
    char part[4096];
    struct stat about;
    if (length >= sizeof part) {
        return false; /* longer than any path that can be opened */
    }
    memcpy(part, path, length);
    part[length] = '\0';
    return stat(part, &about) == 0 ? S_ISREG(about.st_mode) : !is_absent(errno);
}

/* The end of the next part of a path. */
static size_t part_end(const char *path, size_t at) {
    at += strspn(path + at, "/");
    return at + strcspn(path + at, "/");
}

cnn_container_kind cnn_container_of(const char *path, size_t *length) {
    for (size_t end = part_end(path, 0), before = 0; end > before; end = part_end(path, end)) {
        const cnn_container_kind kind = kind_of_name(path, end);
        if (kind != CNN_CONTAINER_NONE && is_file(path, end)) {
            *length = end;
            return kind;
        }
        before = end;
    }
    return CNN_CONTAINER_NONE;
}

/* --- open containers --- */

static const cnn_container_operations *const operations[CNN_CONTAINER_KINDS] = {
    [CNN_CONTAINER_ARCHIVE] = &cnn_archive_container,
    [CNN_CONTAINER_NPZ] = &cnn_npz_container,
    [CNN_CONTAINER_IDX] = &cnn_idx_container,
};

typedef struct stream {
    void *state;
    struct stream *next;
} stream;

typedef struct container {
    char *path;
    const cnn_container_operations *run;
    void *index;
    cnn_status status; /* of opening it; … */
    cnn_error why;     /* … and why it failed */
    stream *idle;      /* not in use by a thread */
} container;

/* Streams that are kept although no thread uses them. Each has a file open, and a list may name a
 * thousand archives. */
enum { IDLE_MAX = 32 };

struct cnn_containers {
    pthread_mutex_t lock;
    size_t idle;      /* streams, of all containers */
    container **list; /* [count] */
    size_t count, capacity;
    size_t last; /* the container that was found last: most images follow one in the same */
};

cnn_containers *cnn_containers_create(void) {
    cnn_containers *containers = cnn_alloc(1, sizeof *containers);
    if (containers) {
        (void)pthread_mutex_init(&containers->lock, NULL); /* the default kind cannot fail */
    }
    return containers;
}

static void free_stream(const container *c, stream *s) {
    c->run->end(s->state);
    cnn_free(s);
}

static void free_container(container *c) {
    while (c->idle) {
        stream *next = c->idle->next;
        free_stream(c, c->idle);
        c->idle = next;
    }
    if (c->index) {
        c->run->close(c->index);
    }
    cnn_free(c->path);
    cnn_free(c);
}

void cnn_containers_free(cnn_containers *containers) {
    if (containers) {
        for (size_t i = 0; i < containers->count; i++) {
            free_container(containers->list[i]);
        }
        cnn_free(containers->list);
        (void)pthread_mutex_destroy(&containers->lock);
        cnn_free(containers);
    }
}

static container *add(cnn_containers *containers, const char *path, size_t length) {
    void *list = containers->list;
    if (!cnn_grow(&list, &containers->capacity, containers->count + 1, sizeof *containers->list)) {
        return NULL;
    }
    containers->list = list;
    container *c = cnn_alloc(1, sizeof *c);
    char *copy = cnn_plain_alloc(length + 1);
    if (!c || !copy) {
        cnn_free(c);
        cnn_free(copy);
        return NULL;
    }
    memcpy(copy, path, length);
    copy[length] = '\0';
    c->path = copy;
    containers->list[containers->count++] = c;
    return c;
}

static bool has_path(const container *c, const char *path, size_t length) {
    return strncmp(c->path, path, length) == 0 && c->path[length] == '\0';
}

/* The position of the container path[length] in the list, from 1; 0: it is not open. */
static size_t position_of(const cnn_containers *containers, const char *path, size_t length) {
    size_t i = containers->count;
    if (containers->last < i && has_path(containers->list[containers->last], path, length)) {
        return containers->last + 1;
    }
    while (i > 0 && !has_path(containers->list[i - 1], path, length)) {
        i--;
    }
    return i;
}

/* *c: the container path[length], opened. Its failure is kept: every image in it has the same. A
 * lack of memory is not. */
static cnn_status open_locked(cnn_containers *containers, const char *path, size_t length,
                              size_t *number, container **c, cnn_error *error) {
    *number = position_of(containers, path, length);
    if (*number > 0) {
        containers->last = *number - 1;
        *c = containers->list[containers->last];
        return CNN_OK;
    }
    *c = add(containers, path, length);
    if (!*c) {
        return cnn_fail_memory(error, "an archive");
    }
    *number = containers->count;
    (*c)->run = operations[kind_of_name(path, length)];
    (*c)->status = (*c)->run->open((*c)->path, &(*c)->index, &(*c)->why);
    if ((*c)->status == CNN_ERROR_RUNTIME) {
        const cnn_status status = cnn_fail(error, CNN_ERROR_RUNTIME, "%s", (*c)->why.message);
        containers->count--;
        free_container(*c);
        return status;
    }
    return CNN_OK;
}

/* Finds the member in the container; its position. *number: of the container, from 1. */
static cnn_status find(cnn_containers *containers, const char *path, size_t length, size_t *number,
                       container **c, uint64_t *position, cnn_error *error) {
    (void)pthread_mutex_lock(&containers->lock);
    const cnn_status status = open_locked(containers, path, length, number, c, error);
    (void)pthread_mutex_unlock(&containers->lock);
    CNN_TRY(status);
    if ((*c)->status != CNN_OK) {
        return cnn_fail(error, (*c)->status, "%s", (*c)->why.message);
    }
    const char *name = path + length;
    return (*c)->run->find((*c)->index, name + strspn(name, "/"), position, error);
}

/* --- reading --- */

/* Takes the idle stream that is nearest before the position, or else any. NULL: there is none. */
static stream *take_stream(cnn_containers *containers, container *c, uint64_t position) {
    (void)pthread_mutex_lock(&containers->lock);
    stream **best = NULL;
    uint64_t best_at = 0;
    for (stream **s = &c->idle; *s; s = &(*s)->next) {
        const uint64_t at = c->run->at((*s)->state);
        const bool before = at <= position;
        if (!best || (before && (best_at > position || at >= best_at))) {
            best = s;
            best_at = at;
        }
    }
    stream *taken = best ? *best : NULL;
    if (taken) {
        *best = taken->next;
        containers->idle--;
    }
    (void)pthread_mutex_unlock(&containers->lock);
    return taken;
}

/* Takes the idle streams of the first other container that has any. NULL: none has. */
static stream *take_others(cnn_containers *containers, const container *c, container **other) {
    for (size_t i = 0; i < containers->count; i++) {
        *other = containers->list[i];
        if (*other != c && (*other)->idle) {
            stream *taken = (*other)->idle;
            (*other)->idle = NULL;
            for (const stream *s = taken; s; s = s->next) {
                containers->idle--;
            }
            return taken;
        }
    }
    return NULL;
}

/* Lists are read container by container, so that those of earlier ones are not needed any more. */
static void give_back(cnn_containers *containers, container *c, stream *s) {
    container *other = NULL;
    (void)pthread_mutex_lock(&containers->lock);
    s->next = c->idle;
    c->idle = s;
    stream *unused = containers->idle++ >= IDLE_MAX ? take_others(containers, c, &other) : NULL;
    (void)pthread_mutex_unlock(&containers->lock);
    while (unused) {
        stream *next = unused->next;
        free_stream(other, unused);
        unused = next;
    }
}

static stream *start_stream(const container *c) {
    stream *s = cnn_alloc(1, sizeof *s);
    if (s) {
        s->state = c->run->start(c->index);
        if (!s->state) {
            cnn_free(s);
            return NULL;
        }
    }
    return s;
}

cnn_status cnn_containers_read(cnn_containers *containers, const char *path, size_t length,
                               size_t limit, char **bytes, size_t *size, cnn_error *error) {
    container *c;
    size_t number;
    uint64_t position;
    *bytes = NULL;
    CNN_TRY(find(containers, path, length, &number, &c, &position, error));
    stream *s = take_stream(containers, c, position);
    s = s ? s : start_stream(c);
    if (!s) {
        return cnn_fail_memory(error, "an archive");
    }
    const cnn_status status = c->run->read(s->state, position, limit, bytes, size, error);
    give_back(containers, c, s);
    return status;
}

/* --- order --- */

/* The place of a path in the order: by container, then by position. A path on disk comes first. */
static cnn_status place_of(cnn_containers *containers, const char *path, uint64_t *place,
                           cnn_error *error) {
    enum { POSITION_BITS = 48 };
    container *c;
    size_t length, number;
    uint64_t position;
    *place = 0;
    if (cnn_container_of(path, &length) == CNN_CONTAINER_NONE) {
        return CNN_OK;
    }
    const cnn_status status = find(containers, path, length, &number, &c, &position, error);
    if (status == CNN_OK) {
        *place =
            (uint64_t)number << POSITION_BITS | (position & (UINT64_MAX >> (64 - POSITION_BITS)));
    }
    return status == CNN_ERROR_RUNTIME ? status : CNN_OK; /* the image's own fault shows later */
}

static cnn_status find_order(cnn_containers *containers, const char *const *paths, size_t count,
                             cnn_keyed *places, size_t **order, cnn_error *error) {
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        places[i].value = i;
        const cnn_status status = place_of(containers, paths[i], &places[i].key, error);
        if (status != CNN_OK) {
            return cnn_fail_prefix(error, status, "%s: ", paths[i]);
        }
        sorted = sorted && (i == 0 || places[i].key >= places[i - 1].key);
    }
    if (sorted) {
        return CNN_OK;
    }
    *order = cnn_alloc(count, sizeof **order);
    if (!*order || !cnn_sort_by_key(places, count)) {
        cnn_free(*order);
        *order = NULL;
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < count; i++) {
        (*order)[i] = places[i].value;
    }
    return CNN_OK;
}

cnn_status cnn_containers_order(cnn_containers *containers, const char *const *paths, size_t count,
                                size_t **order, cnn_error *error) {
    *order = NULL;
    cnn_keyed *places = cnn_alloc(count, sizeof *places);
    if (!places) {
        return cnn_fail_memory(error, "the list of images");
    }
    const cnn_status status = find_order(containers, paths, count, places, order, error);
    cnn_free(places);
    return status;
}
