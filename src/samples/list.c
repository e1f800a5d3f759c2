#include "samples/list.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const cnn_split_names[] = {"train", "validation", "test", NULL};

bool cnn_split_from_word(const char *word, cnn_split *split) {
    static const char *const spellings[CNN_SPLIT_COUNT][6] = {
        [CNN_SPLIT_TRAIN] = {"train", "training", "training_set"},
        [CNN_SPLIT_VALIDATION] = {"validation", "val", "valid", "validation_set", "dev"},
        [CNN_SPLIT_TEST] = {"test", "testing", "test_set"},
    };
    for (int i = 0; i < CNN_SPLIT_COUNT; i++) {
        for (const char *const *spelling = spellings[i]; *spelling; spelling++) {
            if (strcasecmp(word, *spelling) == 0) {
                *split = (cnn_split)i;
                return true;
            }
        }
    }
    return false;
}

void cnn_sample_list_free(cnn_sample_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        cnn_free(list->samples[i].path);
        cnn_free(list->samples[i].group);
    }
    cnn_free(list->samples);
    cnn_free(list->other_folder);
    *list = (cnn_sample_list){0};
}

void cnn_sample_list_log_folders(const cnn_sample_list *list, char *const *classes,
                                 const cnn_log_sink *log) {
    if (list->other_folders == 1) {
        cnn_log_message(log, CNN_LOG_INFO, "%s: not used: the classes are \"%s\" and \"%s\"",
                        list->other_folder, classes[0], classes[1]);
    } else if (list->other_folders > 1) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "%s and %zu more folders: not used: the classes are \"%s\" and \"%s\"",
                        list->other_folder, list->other_folders - 1, classes[0], classes[1]);
    }
}

cnn_status cnn_sample_list_reserve(cnn_sample_list *list, size_t more, cnn_error *error) {
    void *samples = list->samples;
    if (!cnn_grow(&samples, &list->capacity, list->count + more, sizeof *list->samples)) {
        return cnn_fail_memory(error, "the list of images");
    }
    list->samples = samples;
    return CNN_OK;
}

cnn_status cnn_sample_list_add(cnn_sample_list *list, char *path, char *group, int label,
                               cnn_split split, cnn_error *error) {
    void *samples = list->samples;
    if (!path || !cnn_grow(&samples, &list->capacity, list->count + 1, sizeof *list->samples)) {
        cnn_free(path);
        cnn_free(group);
        return cnn_fail_memory(error, "the list of images");
    }
    list->samples = samples;
    list->samples[list->count++] =
        (cnn_sample){.path = path, .group = group, .label = label, .split = split};
    return CNN_OK;
}

cnn_status cnn_samples_order(const cnn_sample *samples, size_t count, cnn_containers *containers,
                             size_t **order, cnn_error *error) {
    const char **paths = cnn_alloc(count, sizeof *paths);
    if (!paths) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < count; i++) {
        paths[i] = samples[i].path;
    }
    const cnn_status status = cnn_containers_order(containers, paths, count, order, error);
    cnn_free(paths);
    return status;
}

cnn_status cnn_classes_from_names(char *const *names, size_t count, const char *source,
                                  const char *what, char *classes[2], cnn_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!cnn_text_is_utf8(names[i])) { /* JSON cannot hold it */
            return cnn_fail(error, CNN_ERROR_DATA, "%s: expected %s in UTF-8, found \"%.60s\"",
                            source, what, names[i]);
        }
    }
    if (count == 2) {
        classes[0] = cnn_copy_string(names[0]);
        classes[1] = cnn_copy_string(names[1]);
        return classes[0] && classes[1] ? CNN_OK : cnn_fail_memory(error, "class names");
    }
    cnn_text found = {0};
    for (size_t i = 0; i < count && i < 10; i++) {
        cnn_text_format(&found, "%s\"%.60s\"", i ? ", " : ": ", names[i]);
    }
    cnn_text example = {0};
    if (count > 2) {
        cnn_text_format(&example,
                        "; choose two with data.classes, such as data.classes="
                        "'[\"%.60s\",\"%.60s\"]'",
                        names[0], names[1]);
    }
    cnn_status status = cnn_fail(error, CNN_ERROR_DATA, "%s: expected two %s, found %zu%s%s%s",
                                 source, what, count, found.data ? found.data : "",
                                 count > 10 ? ", …" : "", example.data ? example.data : "");
    cnn_text_free(&found);
    cnn_text_free(&example);
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

cnn_status cnn_classes_from_labels(char **labels, size_t count, const char *source,
                                   char *classes[2], cnn_error *error) {
    qsort(labels, count, sizeof *labels, by_text);
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        if (different == 0 || strcmp(labels[different - 1], labels[i]) != 0) {
            labels[different++] = labels[i];
        }
    }
    return cnn_classes_from_names(labels, different, source, "labels", classes, error);
}

int cnn_class_of(const char *label, char *const *classes) {
    return strcmp(label, classes[0]) == 0 ? 0 : strcmp(label, classes[1]) == 0 ? 1 : -1;
}
