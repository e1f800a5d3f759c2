#include "samples/tree.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *cnn_tree_name(const cnn_tree *tree, size_t i) {
    return cnn_archive_name(&tree->archive, tree->members[i]);
}

/* --- the order of a walk --- */

static int rank(char c) {
    return c == '/' ? 1 : c ? 1 + (unsigned char)c : 0;
}

/* Compares names as a walk over folders sorts them: part by part, a slash below all other bytes. */
static int compare_names(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return rank(*a) - rank(*b);
}

/* Is the file before the folder name[length] in this order (negative), in it (0), or after it? */
static int compare_to_folder(const char *file, const char *name, size_t length) {
    size_t i = 0;
    while (i < length && file[i] == name[i]) {
        i++;
    }
    return rank(file[i]) - rank(i < length ? name[i] : '/');
}

static int by_name(const void *a, const void *b, void *context) {
    const cnn_archive *archive = context;
    return compare_names(cnn_archive_name(archive, *(const size_t *)a),
                         cnn_archive_name(archive, *(const size_t *)b));
}

/* Does a part of the name start with a dot? */
static bool is_hidden(const char *name) {
    return *name == '.' || strstr(name, "/.");
}

static cnn_status sort_members(cnn_tree *tree, cnn_error *error) {
    cnn_archive *archive = &tree->archive;
    bool sorted = true;
    tree->members = cnn_alloc(archive->count, sizeof *tree->members);
    if (!tree->members) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < archive->count; i++) {
        const char *name = cnn_archive_name(archive, i);
        if (*name && !is_hidden(name)) {
            sorted = sorted && (tree->count == 0 ||
                                compare_names(cnn_tree_name(tree, tree->count - 1), name) < 0);
            tree->members[tree->count++] = i;
        }
    }
    if (!sorted) {
        qsort_r(tree->members, tree->count, sizeof *tree->members, by_name, archive);
    }
    return CNN_OK;
}

cnn_status cnn_tree_open(const char *path, const cnn_log_sink *log, cnn_tree *tree,
                         cnn_error *error) {
    *tree = (cnn_tree){0};
    const cnn_status status = cnn_archive_open(path, CNN_LABEL_ENDING, &tree->archive, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    if (tree->archive.skipped > 0) {
        cnn_log_message(log, CNN_LOG_WARNING, "%s: %zu %s skipped, the first is \"%.80s\"", path,
                        tree->archive.skipped,
                        tree->archive.skipped == 1 ? "link or device" : "links or devices",
                        tree->archive.first_skipped);
    }
    return sort_members(tree, error);
}

void cnn_tree_free(cnn_tree *tree) {
    cnn_archive_free(&tree->archive);
    cnn_free(tree->members);
    *tree = (cnn_tree){0};
}

/* --- folders --- */

/* The name in the archive of the folder; "" for the archive itself. */
static const char *inside(const cnn_tree *tree, const char *folder) {
    const char *name = folder + strlen(tree->archive.path);
    return name + strspn(name, "/");
}

/* A folder of an archive: the files first … end - 1, each name from byte `skip` on. */
typedef struct part {
    size_t first, end, skip;
} part;

static part find_part(const cnn_tree *tree, const char *folder) {
    const char *name = inside(tree, folder);
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '/') {
        length--;
    }
    if (length == 0) {
        return (part){.end = tree->count};
    }
    part p = {.skip = length + 1};
    for (size_t end = tree->count; p.first < end;) {
        const size_t middle = p.first + (end - p.first) / 2;
        if (compare_to_folder(cnn_tree_name(tree, middle), name, length) < 0) {
            p.first = middle + 1;
        } else {
            end = middle;
        }
    }
    p.end = p.first;
    while (p.end < tree->count &&
           compare_to_folder(cnn_tree_name(tree, p.end), name, length) == 0) {
        p.end++;
    }
    return p;
}

void cnn_tree_range(const cnn_tree *tree, const char *folder, size_t *first, size_t *end) {
    const part p = find_part(tree, folder);
    *first = p.first;
    *end = p.end;
}

cnn_status cnn_tree_look(const cnn_tree *tree, const char *folder, bool *is_folder,
                         cnn_error *error) {
    if (!tree) {
        return cnn_folder_look(folder, CNN_ERROR_DATA, is_folder, error);
    }
    const part p = find_part(tree, folder);
    *is_folder = p.end > p.first || !*inside(tree, folder);
    return CNN_OK;
}

cnn_status cnn_tree_files(const cnn_tree *tree, const char *folder, cnn_file_list *files,
                          cnn_error *error) {
    if (!tree) {
        return cnn_folder_files(folder, files, error);
    }
    *files = (cnn_file_list){0};
    const part p = find_part(tree, folder);
    for (size_t i = p.first; i < p.end; i++) {
        const cnn_status status =
            cnn_file_list_add(files, cnn_path_join(folder, cnn_tree_name(tree, i) + p.skip), error);
        if (status != CNN_OK) {
            cnn_file_list_free(files);
            return status;
        }
    }
    return CNN_OK;
}

static char *copy_part(const char *text, size_t length) {
    char *copy = cnn_plain_alloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

cnn_status cnn_tree_folders(const cnn_tree *tree, const char *folder, cnn_file_list *names,
                            cnn_error *error) {
    if (!tree) {
        return cnn_folder_folders(folder, names, error);
    }
    *names = (cnn_file_list){0};
    const part p = find_part(tree, folder);
    const char *before = "";
    size_t before_length = 0;
    for (size_t i = p.first; i < p.end; i++) {
        const char *name = cnn_tree_name(tree, i) + p.skip;
        const size_t length = strcspn(name, "/");
        if (name[length] == '\0' ||
            (length == before_length && memcmp(name, before, length) == 0)) {
            continue; /* a file, or another one in the same folder */
        }
        before = name;
        before_length = length;
        const cnn_status status = cnn_file_list_add(names, copy_part(name, length), error);
        if (status != CNN_OK) {
            cnn_file_list_free(names);
            return status;
        }
    }
    return CNN_OK;
}

bool cnn_tree_has_files(const cnn_tree *tree, const char *folder) {
    const part p = find_part(tree, folder);
    for (size_t i = p.first; i < p.end; i++) {
        if (!strchr(cnn_tree_name(tree, i) + p.skip, '/')) {
            return true;
        }
    }
    return false;
}
