#include "cnn/file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <utf8proc.h>

/* The names of a folder that are not in ASCII; the others have only one form. */
typedef struct folder_names {
    char *path;
    cnn_text names;   /* concatenated, each with its '\0' */
    cnn_keyed *order; /* [count]: sorted by the hash of the form; value: offset in names */
    size_t count, capacity;
} folder_names;

struct cnn_path_finder {
    folder_names *folders;
    size_t count, capacity;
};

/* --- forms --- */

/* Characters of a decomposed name. A name has at most 255 bytes, or 255 UTF-16 units on some file
 * systems, and a character becomes at most four. */
enum { FORM_MAX = 1024 };

typedef struct form {
    int32_t characters[FORM_MAX];
    size_t count;
} form;

/* The canonical decomposition of a name: NFD, equal for two names if and only if NFC is. False if
 * the name is not UTF-8 or too long. */
static bool decompose(const char *name, size_t length, form *to) {
    const utf8proc_ssize_t count =
        utf8proc_decompose((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)length, to->characters,
                           FORM_MAX, (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
    to->count = count > 0 && count <= FORM_MAX ? (size_t)count : 0;
    return to->count > 0;
}

static uint64_t hash_of(const form *of) {
    return cnn_hash_bytes(CNN_HASH_START, of->characters, of->count * sizeof *of->characters);
}

static bool is_same(const form *a, const form *b) {
    return a->count == b->count &&
           memcmp(a->characters, b->characters, a->count * sizeof *a->characters) == 0;
}

static bool is_ascii(const char *text) {
    while (*text && (unsigned char)*text < 0x80) {
        text++;
    }
    return !*text;
}

/* --- folders --- */

static bool add_name(folder_names *folder, const char *name, uint64_t key) {
    void *order = folder->order;
    if (!cnn_grow(&order, &folder->capacity, folder->count + 1, sizeof *folder->order)) {
        return false;
    }
    folder->order = order;
    folder->order[folder->count++] = (cnn_keyed){.key = key, .value = folder->names.length};
    cnn_text_append(&folder->names, name, strlen(name) + 1);
    return !folder->names.failed;
}

/* A folder that cannot be read has no names, since the reader of the file says why; but a lack of
 * memory or descriptors is not the fault of the folder. */
static cnn_status check_exhaustion(int reason, const folder_names *folder, cnn_error *error) {
    return cnn_file_blame(reason, CNN_OK) == CNN_OK ? CNN_OK
                                                    : cnn_fail_errno(error, folder->path, reason);
}

static cnn_status read_names(DIR *stream, folder_names *folder, cnn_error *error) {
    for (;;) {
        errno = 0;
        const struct dirent *found = readdir(stream);
        if (!found) {
            CNN_TRY(check_exhaustion(errno, folder, error));
            break;
        }
        form decomposed;
        if (!is_ascii(found->d_name) &&
            decompose(found->d_name, strlen(found->d_name), &decomposed) &&
            !add_name(folder, found->d_name, hash_of(&decomposed))) {
            return cnn_fail_memory(error, "the names in a folder");
        }
    }
    return cnn_sort_by_key(folder->order, folder->count)
               ? CNN_OK
               : cnn_fail_memory(error, "the names in a folder");
}

static cnn_status read_folder(folder_names *folder, cnn_error *error) {
    DIR *stream = opendir(*folder->path ? folder->path : ".");
    if (!stream) {
        return check_exhaustion(errno, folder, error);
    }
    const cnn_status status = read_names(stream, folder, error);
    (void)closedir(stream);
    return status;
}

/* The names of a folder, read when it is first needed. path "": the current one. */
static cnn_status open_folder(cnn_path_finder *finder, const char *path, folder_names **out,
                              cnn_error *error) {
    *out = NULL;
    for (size_t i = finder->count; i-- > 0;) { /* lists name a folder's files one after another */
        if (strcmp(finder->folders[i].path, path) == 0) {
            *out = &finder->folders[i];
            return CNN_OK;
        }
    }
    void *folders = finder->folders;
    char *copy = cnn_copy_string(path);
    if (!copy ||
        !cnn_grow(&folders, &finder->capacity, finder->count + 1, sizeof *finder->folders)) {
        cnn_free(copy);
        return cnn_fail_memory(error, "the names in a folder");
    }
    finder->folders = folders;
    *out = &finder->folders[finder->count++];
    **out = (folder_names){.path = copy};
    return read_folder(*out, error);
}

/* The only name in the folder with this form; NULL if there is none, or more than one. */
static const char *find_name(const folder_names *folder, const form *wanted) {
    const uint64_t key = hash_of(wanted);
    size_t first = 0;
    for (size_t end = folder->count; first < end;) {
        const size_t middle = first + (end - first) / 2;
        if (folder->order[middle].key < key) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    const char *name = NULL;
    for (; first < folder->count && folder->order[first].key == key; first++) {
        const char *candidate = folder->names.data + folder->order[first].value;
        form other;
        if (decompose(candidate, strlen(candidate), &other) && is_same(&other, wanted)) {
            if (name) {
                return NULL;
            }
            name = candidate;
        }
    }
    return name;
}

/* --- paths --- */

static bool is_missing(const char *path) {
    struct stat about;
    return stat(path, &about) != 0 && errno == ENOENT;
}

/* Appends the next part of a path, name[length], as it is called on disk. *exists: false if it has
 * no other form there either. */
static cnn_status add_part(cnn_path_finder *finder, cnn_text *path, const char *name, size_t length,
                           bool *exists, cnn_error *error) {
    const size_t before = path->length;
    cnn_text_append(path, name, length);
    if (path->failed) {
        return cnn_fail_memory(error, "a path");
    }
    *exists = !is_missing(path->data);
    form wanted;
    if (*exists || !decompose(name, length, &wanted)) {
        return CNN_OK;
    }
    path->length = before;
    path->data[before] = '\0';
    folder_names *folder;
    CNN_TRY(open_folder(finder, path->data, &folder, error));
    const char *other = find_name(folder, &wanted);
    if (other) {
        *exists = true;
        cnn_text_append(path, other, strlen(other));
    }
    return path->failed ? cnn_fail_memory(error, "a path") : CNN_OK;
}

static cnn_status add_parts(cnn_path_finder *finder, const char *path, cnn_text *found,
                            bool *exists, cnn_error *error) {
    *exists = true;
    while (*path && *exists) {
        const size_t slashes = strspn(path, "/");
        cnn_text_append(found, path, slashes);
        path += slashes;
        const size_t length = strcspn(path, "/");
        if (length > 0) {
            CNN_TRY(add_part(finder, found, path, length, exists, error));
        }
        path += length;
    }
    return found->failed ? cnn_fail_memory(error, "a path") : CNN_OK;
}

cnn_path_finder *cnn_path_finder_create(void) {
    return cnn_alloc(1, sizeof(cnn_path_finder));
}

void cnn_path_finder_free(cnn_path_finder *finder) {
    if (!finder) {
        return;
    }
    for (size_t i = 0; i < finder->count; i++) {
        cnn_free(finder->folders[i].path);
        cnn_text_free(&finder->folders[i].names);
        cnn_free(finder->folders[i].order);
    }
    cnn_free(finder->folders);
    cnn_free(finder);
}

cnn_status cnn_path_finder_find(cnn_path_finder *finder, const char *path, char **found,
                                cnn_error *error) {
    *found = NULL;
    if (is_ascii(path) || !is_missing(path)) {
        return CNN_OK;
    }
    cnn_text on_disk = {0};
    bool exists;
    const cnn_status status = add_parts(finder, path, &on_disk, &exists, error);
    if (status == CNN_OK && exists) {
        *found = cnn_text_take(&on_disk);
    }
    cnn_text_free(&on_disk);
    return status;
}

static cnn_status correct(cnn_path_finder *finder, char **path, cnn_error *error) {
    char *found;
    if (!finder) {
        return cnn_fail_memory(error, "a path");
    }
    CNN_TRY(cnn_path_finder_find(finder, *path, &found, error));
    if (found) {
        cnn_free(*path);
        *path = found;
    }
    return CNN_OK;
}

cnn_status cnn_path_correct(char **path, cnn_error *error) {
    cnn_path_finder *finder = cnn_path_finder_create();
    const cnn_status status = correct(finder, path, error);
    cnn_path_finder_free(finder);
    return status;
}
