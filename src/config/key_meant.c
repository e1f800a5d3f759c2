/* Which key people mean: for "did you mean train.epochs=3?". */
#include "config/keys.h"

#include <string.h>

enum { KEYS_MAX = 128, NAME_MAX_SIZE = 64 };

/* The last part of a dotted path. */
static const char *last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* Is `word` one of the words of `list`, which spaces separate? */
static bool has_word(const char *list, const char *word) {
    const size_t length = strlen(word);
    while (list && *list) {
        const size_t next = strcspn(list, " ");
        if (next == length && strncmp(list, word, length) == 0) {
            return true;
        }
        list += next + strspn(list + next, " ");
    }
    return false;
}

/* Does the key begin as `name` does, up to its last part? */
static bool in_section_of(const cnn_key *key, const char *name) {
    const size_t length = (size_t)(last_part(name) - name);
    return strncmp(key->name, name, length) == 0 && last_part(key->name) == key->name + length;
}

/* A key that has this name, or is known by it; one of the same section first. */
static const char *named(const char *name) {
    const char *part = last_part(name), *found = NULL;
    const cnn_key *key;
    for (int i = 0; *part && (key = cnn_config_key(i)); i++) {
        const bool same = strcmp(last_part(key->name), part) == 0 || has_word(key->also, part);
        if (same && in_section_of(key, name)) {
            return key->name;
        }
        found = same && !found ? key->name : found;
    }
    return found;
}

/* The key whose last part is nearest to that of `name`. */
static const char *nearest(const char *name) {
    const char *parts[KEYS_MAX + 1] = {NULL}, *names[KEYS_MAX];
    const cnn_key *key;
    for (int i = 0; i < KEYS_MAX && (key = cnn_config_key(i)); i++) {
        names[i] = key->name;
        parts[i] = last_part(key->name);
    }
    const char *found = cnn_text_nearest(last_part(name), parts);
    for (int i = 0; found && parts[i]; i++) {
        if (parts[i] == found) {
            return names[i];
        }
    }
    return NULL;
}

const char *cnn_config_key_meant(const char *name, bool misspelt) {
    char plain[NAME_MAX_SIZE]; /* as keys are spelt */
    size_t length = 0;
    for (; name[length] && length + 1 < sizeof plain; length++) {
        plain[length] = name[length] == '-' ? '_' : name[length];
    }
    if (name[length]) {
        return NULL;
    }
    plain[length] = '\0';
    const char *found = named(plain);
    return found || !misspelt ? found : nearest(plain);
}
