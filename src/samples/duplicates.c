#include "samples/duplicates.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"

#include <string.h>

/* The most copies that are named for each kind of error. */
#define NAMED 5

/* Sorts the keys and examines each run of equal ones. */
static cnn_status find_contents(const cnn_sample *samples, cnn_keyed *keys, size_t count,
                                cnn_sharing *sharing, cnn_error *error) {
    if (!cnn_sort_by_key(keys, count)) {
        return cnn_fail_memory(error, "looking for copies");
    }
    for (size_t begin = 0, end; begin < count; begin = end) {
        size_t first = keys[begin].value;
        unsigned shared = 0;
        for (end = begin + 1; end < count && keys[end].key == keys[begin].key; end++) {
            const cnn_sample *other = &samples[keys[end].value];
            shared |= CNN_COPY;
            shared |= other->label != samples[first].label ? CNN_COPY_OTHER_LABEL : 0u;
            shared |= other->split != samples[first].split ? CNN_COPY_OTHER_SPLIT : 0u;
        }
        for (size_t i = begin; i < end; i++) {
            sharing[keys[i].value] = (cnn_sharing){.first = first, .shared = shared};
        }
    }
    return CNN_OK;
}

static cnn_status find_groups(const cnn_sample *samples, cnn_keyed *keys, size_t count,
                              cnn_sharing *sharing, cnn_error *error) {
    if (!cnn_sort_by_key(keys, count)) {
        return cnn_fail_memory(error, "looking at groups");
    }
    for (size_t begin = 0, end; begin < count; begin = end) {
        unsigned shared = 0;
        for (end = begin; end < count && keys[end].key == keys[begin].key; end++) {
            bool other = samples[keys[end].value].split != samples[keys[begin].value].split;
            shared |= other ? CNN_GROUP_OTHER_SPLIT : 0u;
        }
        for (size_t i = begin; i < end; i++) {
            sharing[keys[i].value].shared |= shared;
        }
    }
    return CNN_OK;
}

static cnn_status find_all(const cnn_sample *samples, cnn_keyed *keys, size_t count,
                           cnn_sharing *sharing, cnn_error *error) {
    for (size_t i = 0; i < count; i++) {
        keys[i] = (cnn_keyed){.key = samples[i].content, .value = i};
    }
    CNN_TRY(find_contents(samples, keys, count, sharing, error));
    size_t grouped = 0;
    for (size_t i = 0; i < count; i++) {
        const char *group = samples[i].group;
        if (group) {
            keys[grouped++] = (cnn_keyed){.key = cnn_xxh3_64(group, strlen(group)), .value = i};
        }
    }
    return find_groups(samples, keys, grouped, sharing, error);
}

cnn_status cnn_duplicates_find(const cnn_sample *samples, size_t count, cnn_sharing *sharing,
                               cnn_error *error) {
    cnn_keyed *keys = cnn_alloc(count, sizeof *keys);
    if (!keys) {
        return cnn_fail_memory(error, "looking for copies");
    }
    cnn_status status = find_all(samples, keys, count, sharing, error);
    cnn_free(keys);
    return status;
}

/* --- the check at the start of a run --- */

/* Logs the first copies that differ in `kind` from the first sample with the same content, as
 * "b.png (cat, test): the same image as a.png (dog, train)". */
static void name_copies(const cnn_sample *samples, size_t count, const cnn_sharing *sharing,
                        cnn_shared kind, char *const *classes, const cnn_log_sink *log) {
    size_t named = 0;
    for (size_t i = 0; i < count && named < NAMED; i++) {
        const cnn_sample *copy = &samples[i];
        const cnn_sample *first = &samples[sharing[i].first];
        bool differs = kind == CNN_COPY_OTHER_LABEL ? copy->label != first->label
                                                    : copy->split != first->split;
        if (differs) {
            cnn_log_message(log, CNN_LOG_ERROR, "%s (%s, %s): the same image as %s (%s, %s)",
                            copy->path, classes[copy->label], cnn_split_names[copy->split],
                            first->path, classes[first->label], cnn_split_names[first->split]);
            named++;
        }
    }
}

static size_t count_shared(const cnn_sharing *sharing, size_t count, cnn_shared kind) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += (sharing[i].shared & kind) != 0;
    }
    return found;
}

static cnn_status check(const cnn_sample *samples, size_t count, cnn_sharing *sharing,
                        char *const *classes, bool allowed, const char *source,
                        const cnn_log_sink *log, cnn_error *error) {
    CNN_TRY(cnn_duplicates_find(samples, count, sharing, error));
    size_t labels = count_shared(sharing, count, CNN_COPY_OTHER_LABEL);
    size_t splits = count_shared(sharing, count, CNN_COPY_OTHER_SPLIT);
    size_t groups = count_shared(sharing, count, CNN_GROUP_OTHER_SPLIT);
    size_t copies = 0; /* without the first of each content */
    for (size_t i = 0; i < count; i++) {
        copies += sharing[i].first != i;
    }
    if (groups > 0) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "%zu images have their group in another split, too (--check-data lists "
                        "them)",
                        groups);
    }
    if (labels + splits > 0 && !allowed) {
        name_copies(samples, count, sharing, CNN_COPY_OTHER_LABEL, classes, log);
        name_copies(samples, count, sharing, CNN_COPY_OTHER_SPLIT, classes, log);
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: %zu images have a copy with the other label, %zu have a copy in "
                        "another split (the first are named above, --check-data lists all); set "
                        "data.duplicates to \"allow\" to train on them",
                        source, labels, splits);
    }
    if (labels + splits > 0) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "%zu images have a copy with the other label, %zu have a copy in another "
                        "split",
                        labels, splits);
    }
    if (copies > 0) {
        cnn_log_message(log, CNN_LOG_INFO, "%zu of %zu images are exact copies of others", copies,
                        count);
    }
    return CNN_OK;
}

cnn_status cnn_duplicates_check(const cnn_sample *samples, size_t count, char *const *classes,
                                bool allowed, const char *source, const cnn_log_sink *log,
                                cnn_error *error) {
    cnn_sharing *sharing = cnn_alloc(count, sizeof *sharing);
    if (!sharing) {
        return cnn_fail_memory(error, "looking for copies");
    }
    cnn_status status = check(samples, count, sharing, classes, allowed, source, log, error);
    cnn_free(sharing);
    return status;
}
