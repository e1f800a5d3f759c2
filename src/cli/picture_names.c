#include "cli/picture_names.h"

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_MAX = 200 };

/* A name that is taken. */
typedef struct taken {
    unsigned long next; /* the number that the next input of this name gets */
    char name[];
} taken;

struct cnn_picture_names {
    void *tree; /* of taken */
};

static int compare(const void *a, const void *b) {
    const taken *x = a, *y = b;
    return strcmp(x->name, y->name);
}

cnn_picture_names *cnn_picture_names_create(void) {
    return calloc(1, sizeof(cnn_picture_names));
}

void cnn_picture_names_free(cnn_picture_names *names) {
    if (names) {
        tdestroy(names->tree, free);
        free(names);
    }
}

/* The entry of a name, made if there is none. *is_new: it was made. NULL if memory is refused. */
static taken *take(cnn_picture_names *names, const char *name, bool *is_new) {
    const size_t size = strlen(name) + 1;
    taken *entry = malloc(sizeof *entry + size);
    if (!entry) {
        return NULL;
    }
    entry->next = 2;
    memcpy(entry->name, name, size);
    taken *const *found = tsearch(entry, &names->tree, compare);
    *is_new = found && *found == entry;
    if (!*is_new) {
        free(entry);
    }
    return found ? *found : NULL;
}

/* Bytes of the part to keep. */
static int cut(const char *part) {
    size_t length = strlen(part);
    if (length > PART_MAX) {
        length = PART_MAX;
        while (length > PART_MAX - 4 && ((unsigned char)part[length] & 0xc0) == 0x80) {
            length--; /* the next byte continues a character */
        }
    }
    return (int)length;
}

const char *cnn_picture_names_next(cnn_picture_names *names, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *part = slash ? slash + 1 : path;
    char name[PART_MAX + 40];
    bool is_new;
    (void)snprintf(name, sizeof name, "%.*s.png", cut(part), part);
    taken *first = take(names, name, &is_new);
    taken *entry = first;
    while (entry && !is_new) {
        (void)snprintf(name, sizeof name, "%.*s-%lu.png", cut(part), part, first->next++);
        entry = take(names, name, &is_new);
    }
    return entry ? entry->name : NULL;
}
