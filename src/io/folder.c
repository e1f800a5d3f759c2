#include "folder.h"

#include "error.h"
#include "file.h"
#include "memory.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A folder on the way down, as long as it is being walked. */
typedef struct step {
    const struct step *above;
    dev_t device;
    ino_t inode;
} step;

typedef struct entry {
    uint64_t head; /* the name's first bytes as a number: mostly enough to tell which is first */
    size_t place;  /* in the list's names */
    const char *name;
    unsigned char type;
} entry;

/* What is directly in a folder. */
typedef struct entry_list {
    entry *entries;
    size_t count, capacity;
    cnn_text names; /* one after the other, each with its '\0' */
} entry_list;

static uint64_t head_of(const char *name) {
    uint64_t head = 0;
    for (int i = 0; i < 8; i++) {
        head = head << 8 | (unsigned char)*name;
        name += *name != '\0';
    }
    return head;
}

static int by_name(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->head != y->head ? (x->head < y->head ? -1 : 1) : strcmp(x->name, y->name);
}

static bool add_entry(entry_list *list, const struct dirent *found) {
    void *entries = list->entries;
    if (!cnn_grow(&entries, &list->capacity, list->count + 1, sizeof *list->entries)) {
        return false;
    }
    list->entries = entries;
    list->entries[list->count++] =
        (entry){.head = head_of(found->d_name), .place = list->names.length, .type = found->d_type};
    cnn_text_append(&list->names, found->d_name, strlen(found->d_name) + 1);
    return !list->names.failed;
}

/* Everything in one folder but hidden entries, sorted. Free with free_entries. */
static cnn_status read_folder(const char *folder, entry_list *list, cnn_error *error) {
    cnn_status status = CNN_OK;
    DIR *stream = opendir(folder);
    struct dirent *found = NULL;
    while (status == CNN_OK && stream && (errno = 0, found = readdir(stream)) != NULL) {
        if (found->d_name[0] != '.' && !add_entry(list, found)) {
            status = cnn_fail_memory(error, "walking a folder");
        }
    }
    if (status == CNN_OK && errno != 0) {
        status = cnn_fail(error, CNN_ERROR_DATA, "%s: %s", folder, strerror(errno));
    }
    if (stream) {
        (void)closedir(stream);
    }
    for (size_t i = 0; i < list->count && status == CNN_OK; i++) {
        list->entries[i].name = list->names.data + list->entries[i].place;
    }
    if (list->count > 0 && status == CNN_OK) {
        qsort(list->entries, list->count, sizeof *list->entries, by_name);
    }
    return status;
}

static void free_entries(entry_list *list) {
    cnn_text_free(&list->names);
    cnn_free(list->entries);
}

/* Is it a folder, or a link to one? Most file systems tell without being asked about each file. */
static bool is_folder(const entry *found, const char *path) {
    return found->type == DT_DIR ||
           ((found->type == DT_LNK || found->type == DT_UNKNOWN) && cnn_folder_exists(path));
}

/* Takes the path. */
static cnn_status add(cnn_file_list *list, char *path, cnn_error *error) {
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
                       cnn_error *error) {
    struct stat about;
    if (stat(folder, &about) != 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: %s", folder, strerror(errno));
    }
    step here = {.above = above, .device = about.st_dev, .inode = about.st_ino};
    for (; above; above = above->above) {
        if (above->device == here.device && above->inode == here.inode) {
            return CNN_OK; /* a link that leads up again */
        }
    }
    entry_list list = {0};
    cnn_status status = read_folder(folder, &list, error);
    /* paths are made in their final order: whoever goes through them goes through memory in order
     */
    for (size_t i = 0; i < list.count && status == CNN_OK; i++) {
        char *path = cnn_path_join(folder, list.entries[i].name);
        if (path && is_folder(&list.entries[i], path)) {
            status = walk(path, &here, files, error);
            cnn_free(path);
        } else {
            status = add(files, path, error);
        }
    }
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

cnn_status cnn_folder_folders(const char *folder, cnn_file_list *names, cnn_error *error) {
    *names = (cnn_file_list){0};
    entry_list list = {0};
    cnn_status status = read_folder(folder, &list, error);
    for (size_t i = 0; i < list.count && status == CNN_OK; i++) {
        char *path = cnn_path_join(folder, list.entries[i].name);
        if (!path) {
            status = cnn_fail_memory(error, "walking a folder");
        } else if (is_folder(&list.entries[i], path)) {
            status = add(names, cnn_copy_string(list.entries[i].name), error);
        }
        cnn_free(path);
    }
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
