#include "samples/webdataset.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

/* An image and the text of its label, which is in the archive. */
typedef struct labelled {
    size_t file;       /* of the tree */
    const char *label; /* label[length] */
    size_t length;
} labelled;

typedef struct labelled_files {
    const cnn_tree *tree;
    labelled *items; /* [count]; room for all files */
    size_t count;
    size_t unused, first_unused; /* members that are neither */
} labelled_files;

bool cnn_webdataset_is(const cnn_tree *tree, const char *path) {
    size_t first, end;
    cnn_tree_range(tree, path, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (tree->archive.members[tree->members[i]].label != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

/* The length of the name up to the first dot of its last part. */
static size_t key_length(const char *name) {
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    return (size_t)(base - name) + strcspn(base, ".");
}

/* Is the file KEY.EXTENSION, with an extension of images? */
static bool is_image(const char *name, size_t key) {
    return name[key] == '.' && !strchr(name + key + 1, '.') && cnn_image_has_extension(name);
}

static cnn_status fail_sample(const char *archive, const char *name, size_t key, const char *found,
                              cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA,
                    "%s: %.*s: expected an image and a label (" CNN_LABEL_ENDING "), found %s",
                    archive, key < 200 ? (int)key : 200, name, found);
}

/* Takes the files *i … of one sample, and sets *i to the first file of the next one. */
static cnn_status take_sample(labelled_files *f, size_t *i, size_t end, cnn_error *error) {
    const cnn_tree *tree = f->tree;
    const char *name = cnn_tree_name(tree, *i);
    const size_t key = key_length(name);
    size_t images = 0, labels = 0;
    labelled *item = &f->items[f->count];
    for (; *i < end; ++*i) {
        const char *file = cnn_tree_name(tree, *i);
        const size_t label = tree->archive.members[tree->members[*i]].label;
        if (key_length(file) != key || strncmp(file, name, key) != 0) {
            break;
        }
        if (label != SIZE_MAX && strcmp(file + key, CNN_LABEL_ENDING) == 0) {
            item->label = tree->archive.labels.data + label;
            labels++;
        } else if (is_image(file, key)) {
            item->file = *i;
            images++;
        } else if (f->unused++ == 0) {
            f->first_unused = *i;
        }
    }
    if (images != 1 || labels != 1) {
        return fail_sample(tree->archive.path, name, key,
                           images > 1    ? "several images"
                           : images == 0 ? "no image"
                                         : "no label",
                           error);
    }
    item->label += strspn(item->label, " \t\r\n");
    item->length = strlen(item->label);
    while (item->length > 0 && strchr(" \t\r\n", item->label[item->length - 1])) {
        item->length--;
    }
    f->count++;
    return item->length > 0 ? CNN_OK
                            : fail_sample(tree->archive.path, name, key, "an empty label", error);
}

/* The labels as strings: names[f->count], in `text`. */
static bool copy_labels(const labelled_files *f, cnn_text *text, char **names) {
    for (size_t i = 0; i < f->count; i++) {
        cnn_text_append(text, f->items[i].label, f->items[i].length);
        cnn_text_append(text, "", 1);
    }
    char *at = text->data;
    for (size_t i = 0; i < f->count && !text->failed; i++) {
        names[i] = at;
        at += f->items[i].length + 1;
    }
    return !text->failed;
}

static cnn_status find_classes(const labelled_files *f, const char *path, char *classes[2],
                               cnn_error *error) {
    cnn_text text = {0};
    char **names = cnn_alloc(f->count, sizeof *names);
    const cnn_status status = names && copy_labels(f, &text, names)
                                  ? cnn_classes_from_labels(names, f->count, path, classes, error)
                                  : cnn_fail_memory(error, "labels");
    cnn_free(names);
    cnn_text_free(&text);
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_label(const labelled *item, const char *name) {
    return strlen(name) == item->length && memcmp(name, item->label, item->length) == 0;
}

static cnn_status add_samples(const labelled_files *f, cnn_split split, char *const *classes,
                              cnn_sample_list *list, cnn_error *error) {
    for (size_t i = 0; i < f->count; i++) {
        const labelled *item = &f->items[i];
        const int label = is_label(item, classes[0]) ? 0 : is_label(item, classes[1]) ? 1 : -1;
        if (label < 0) {
            list->other_labels++;
            continue;
        }
        char *path = cnn_path_join(f->tree->archive.path, cnn_tree_name(f->tree, item->file));
        CNN_TRY(cnn_sample_list_add(list, path, NULL, label, split, error));
    }
    return CNN_OK;
}

/* Finds the samples below the folder `path`. */
static cnn_status take_all(labelled_files *f, const char *path, cnn_error *error) {
    size_t i, end;
    cnn_tree_range(f->tree, path, &i, &end);
    f->items = cnn_alloc(end - i, sizeof *f->items);
    if (!f->items) {
        return cnn_fail_memory(error, "the list of images");
    }
    while (i < end) {
        CNN_TRY(take_sample(f, &i, end, error));
    }
    return CNN_OK;
}

/* names: [f->count], is sorted. */
static cnn_status add_labels(char **names, size_t count, cnn_file_list *labels, cnn_error *error) {
    qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(names[i - 1], names[i]) != 0) {
            CNN_TRY(cnn_file_list_add(labels, cnn_copy_string(names[i]), error));
        }
    }
    return CNN_OK;
}

cnn_status cnn_webdataset_labels(const cnn_tree *tree, const char *path, cnn_file_list *labels,
                                 cnn_error *error) {
    labelled_files f = {.tree = tree};
    cnn_text text = {0};
    char **names = NULL;
    cnn_status status = take_all(&f, path, error);
    if (status == CNN_OK) {
        names = cnn_alloc(f.count, sizeof *names);
        status = names && copy_labels(&f, &text, names) ? add_labels(names, f.count, labels, error)
                                                        : cnn_fail_memory(error, "labels");
    }
    cnn_free(names);
    cnn_text_free(&text);
    cnn_free(f.items);
    return status;
}

static cnn_status read_all(labelled_files *f, const cnn_list_source *source, char *classes[2],
                           cnn_sample_list *list, cnn_error *error) {
    CNN_TRY(take_all(f, source->path, error));
    if (f->unused > 0) {
        cnn_log_message(source->log, CNN_LOG_INFO,
                        "%s: %zu members are neither images nor labels, and not used; the first is "
                        "\"%.80s\"",
                        source->path, f->unused, cnn_tree_name(f->tree, f->first_unused));
    }
    if (!classes[0]) {
        CNN_TRY(find_classes(f, source->path, classes, error));
    }
    CNN_TRY(cnn_sample_list_reserve(list, f->count, error));
    return add_samples(f, source->split, classes, list, error);
}

cnn_status cnn_sample_list_read_webdataset(const cnn_list_source *source, char *classes[2],
                                           cnn_sample_list *list, cnn_error *error) {
    labelled_files f = {.tree = source->tree};
    const cnn_status status = read_all(&f, source, classes, list, error);
    cnn_free(f.items);
    return status;
}
