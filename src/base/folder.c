#include "base/folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sort.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A folder that is being walked, and those above it. */
typedef struct step {
    const struct step *above;
    dev_t device;
    ino_t inode;
} step;

typedef struct entry {
    size_t name; /* its offset in the names of the list */
    unsigned char type;
} entry;

/* The entries of one folder. */
typedef struct entry_list {
    entry *entries;
    size_t count, capacity;
    cnn_text names;   /* concatenated, each with its '\0' */
    cnn_keyed *order; /* [count]: indices of the entries, sorted by name */
} entry_list;

static const char *name_of(const entry_list *list, size_t place) {
    return list->names.data + list->entries[list->order[place].value].name;
}

/* The first 8 bytes of a name as a number. Comparing these is enough for most names. */
static uint64_t head_of(const char *name) {
    uint64_t head = 0;
    for (int i = 0; i < 8; i++) {
        head = head << 8 | (unsigned char)*name;
        name += *name != '\0';
    }
    return head;
}

static int by_name(const void *a, const void *b, void *context) {
    const entry_list *list = context;
    const cnn_keyed *x = a, *y = b;
    return strcmp(list->names.data + list->entries[x->value].name,
                  list->names.data + list->entries[y->value].name);
}

/* Fills in the order: sorted by the first bytes, then, where these are equal, by the whole names.
 */
static bool sort_entries(entry_list *list) {
    list->order = cnn_alloc(list->count, sizeof *list->order);
    for (size_t i = 0; i < list->count && list->order; i++) {
        list->order[i] =
            (cnn_keyed){.key = head_of(list->names.data + list->entries[i].name), .value = i};
    }
    if (!list->order || !cnn_sort_by_key(list->order, list->count)) {
        return false;
    }
    for (size_t first = 0, end; first < list->count; first = end) {
        for (end = first + 1;
             end < list->count && list->order[end].key == list->order[first].key;) {
            end++;
        }
        if (end - first > 1) {
            qsort_r(list->order + first, end - first, sizeof *list->order, by_name, list);
        }
    }
    return true;
}

static bool add_entry(entry_list *list, const struct dirent *found) {
    void *entries = list->entries;
    if (!cnn_grow(&entries, &list->capacity, list->count + 1, sizeof *list->entries)) {
        return false;
    }
    list->entries = entries;
    list->entries[list->count++] = (entry){.name = list->names.length, .type = found->d_type};
    cnn_text_append(&list->names, found->d_name, strlen(found->d_name) + 1);
    return !list->names.failed;
}

static cnn_status fail_reading(const char *folder, int reason, cnn_error *error) {
    return cnn_fail(error, cnn_file_blame(reason, CNN_ERROR_DATA), "%s: %s", folder,
                    strerror(reason));
}

static cnn_status read_entries(DIR *stream, const char *folder, entry_list *list,
                               cnn_error *error) {
    for (;;) {
        errno = 0;
        struct dirent *found = readdir(stream);
        if (!found) {
            return errno == 0 ? CNN_OK : fail_reading(folder, errno, error);
        }
        if (found->d_name[0] != '.' && !add_entry(list, found)) {
            return cnn_fail_memory(error, "walking a folder");
        }
    }
}

/* Lists the entries of one folder, sorted, without hidden ones. Free with free_entries, also after
 * a failure. */
static cnn_status read_folder(const char *folder, entry_list *list, cnn_error *error) {
    DIR *stream = opendir(folder);
    if (!stream) {
        return fail_reading(folder, errno, error);
    }
    cnn_status status = read_entries(stream, folder, list, error);
    (void)closedir(stream);
    CNN_TRY(status);
    return sort_entries(list) ? CNN_OK : cnn_fail_memory(error, "walking a folder");
}

static void free_entries(entry_list *list) {
    cnn_text_free(&list->names);
    cnn_free(list->entries);
    cnn_free(list->order);
}

/* Is the entry a folder, or a link to one? Most file systems give the type with the entry. */
static bool is_folder(const entry_list *list, size_t place, const char *path) {
    unsigned char type = list->entries[list->order[place].value].type;
    return type == DT_DIR || ((type == DT_LNK || type == DT_UNKNOWN) && cnn_folder_exists(path));
}

cnn_status cnn_file_list_add(cnn_file_list *list, char *path, cnn_error *error) {
    void *paths = list->paths;
    if (!path || !cnn_grow(&paths, &list->capacity, list->count + 1, sizeof *list->paths)) {
        cnn_free(path);
        return cnn_fail_memory(error, "a list of files");
    }
    list->paths = paths;
    list->paths[list->count++] = path;
    return CNN_OK;
}

static cnn_status walk(const char *folder, const step *above, cnn_file_list *files,
                       cnn_error *error);

static cnn_status walk_entries(const char *folder, const step *here, entry_list *list,
                               cnn_file_list *files, cnn_error *error) {
    CNN_TRY(read_folder(folder, list, error));
    /* paths are allocated in their final order, so that reading them reads memory in order */
    for (size_t i = 0; i < list->count; i++) {
        char *path = cnn_path_join(folder, name_of(list, i));
        if (path && is_folder(list, i, path)) {
            cnn_status status = walk(path, here, files, error);
            cnn_free(path);
            CNN_TRY(status);
        } else {
            CNN_TRY(cnn_file_list_add(files, path, error));
        }
    }
    return CNN_OK;
}

static cnn_status walk(const char *folder, const step *above, cnn_file_list *files,
                       cnn_error *error) {
    struct stat about;
    if (stat(folder, &about) != 0) {
        return fail_reading(folder, errno, error);
    }
    step here = {.above = above, .device = about.st_dev, .inode = about.st_ino};
    for (; above; above = above->above) {
        if (above->device == here.device && above->inode == here.inode) {
            return CNN_OK; /* a link to a folder above */
        }
    }
    entry_list list = {0};
    cnn_status status = walk_entries(folder, &here, &list, files, error);
    free_entries(&list);
    return status;
}

cnn_status cnn_folder_files(const char *folder, cnn_file_list *files, cnn_error *error) {
    *files = (cnn_file_list){0};
    struct stat about;
    if (stat(folder, &about) == 0 && !S_ISDIR(about.st_mode)) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: expected a folder, found a file", folder);
    }
    cnn_status status = walk(folder, NULL, files, error);
    if (status != CNN_OK) {
        cnn_file_list_free(files);
    }
    return status;
}

static cnn_status add_folders(const char *folder, entry_list *list, cnn_file_list *names,
                              cnn_error *error) {
    CNN_TRY(read_folder(folder, list, error));
    for (size_t i = 0; i < list->count; i++) {
        char *path = cnn_path_join(folder, name_of(list, i));
        if (!path) {
            return cnn_fail_memory(error, "walking a folder");
        }
        bool found = is_folder(list, i, path);
        cnn_free(path);
        if (found) {
            CNN_TRY(cnn_file_list_add(names, cnn_copy_string(name_of(list, i)), error));
        }
    }
    return CNN_OK;
}

cnn_status cnn_folder_folders(const char *folder, cnn_file_list *names, cnn_error *error) {
    *names = (cnn_file_list){0};
    entry_list list = {0};
    cnn_status status = add_folders(folder, &list, names, error);
    free_entries(&list);
    if (status != CNN_OK) {
        cnn_file_list_free(names);
    }
    return status;
}

void cnn_file_list_free(cnn_file_list *files) {
    for (size_t i = 0; i < files->count; i++) {
        cnn_free(files->paths[i]);
    }
    cnn_free(files->paths);
    *files = (cnn_file_list){0};
}
