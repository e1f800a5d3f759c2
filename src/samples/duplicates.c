#include "samples/duplicates.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"

#include <string.h>

/* The most copies that are named for each kind of error. */
#define NAMED 5

/* The most images that are left out and named as a warning, for each reason. */
#define NAMED_LEFT_OUT 10

/* Fills in sharing for samples of one content: keys[count], sorted by their numbers. */
static void share(const cnn_sample *samples, const cnn_keyed *keys, size_t count,
                  cnn_sharing *sharing) {
    size_t first = keys[0].value, kept = first;
    unsigned shared = 0;
    for (size_t i = 1; i < count; i++) {
        const cnn_sample *other = &samples[keys[i].value];
        shared |= CNN_COPY;
        shared |= other->label != samples[first].label ? CNN_COPY_OTHER_LABEL : 0u;
        shared |= other->split != samples[first].split ? CNN_COPY_OTHER_SPLIT : 0u;
        kept = other->split < samples[kept].split ? keys[i].value : kept;
    }
    for (size_t i = 0; i < count; i++) {
        size_t n = keys[i].value;
        bool left_out =
            (shared & CNN_COPY_OTHER_LABEL) != 0 || samples[n].split > samples[kept].split;
        sharing[n] = (cnn_sharing){
            .first = first, .kept = kept, .shared = shared | (left_out ? CNN_COPY_LEFT_OUT : 0u)};
    }
}

/* Sorts the keys and examines each run of equal ones. */
static cnn_status find_contents(const cnn_sample *samples, cnn_keyed *keys, size_t count,
                                cnn_sharing *sharing, cnn_error *error) {
    if (!cnn_sort_by_key(keys, count)) {
        return cnn_fail_memory(error, "looking for copies");
    }
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && keys[end].key == keys[begin].key;) {
            end++;
        }
        share(samples, keys + begin, end - begin, sharing);
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

/* --- leaving copies out --- */

/* Logs the images that are left out for one reason; returns their number. */
static size_t name_left_out(const cnn_sample *samples, size_t count, const cnn_sharing *sharing,
                            bool labels, char *const *classes, const cnn_log_sink *log) {
    size_t found = 0, named = 0;
    for (size_t i = 0; i < count; i++) {
        bool two_labels = (sharing[i].shared & CNN_COPY_OTHER_LABEL) != 0;
        if ((sharing[i].shared & CNN_COPY_LEFT_OUT) == 0 || two_labels != labels) {
            continue;
        }
        found++;
        const cnn_sample *sample = &samples[i];
        const cnn_sample *other = &samples[labels ? sharing[i].first : sharing[i].kept];
        if (other != sample) { /* the first of copies with two labels is named by the others */
            cnn_log_message(log, named++ < NAMED_LEFT_OUT ? CNN_LOG_WARNING : CNN_LOG_DETAIL,
                            "%s (%s, %s): left out, %s %s (%s, %s)", sample->path,
                            classes[sample->label], cnn_split_names[sample->split],
                            labels ? "and so is the same image with another label," : "a copy of",
                            other->path, classes[other->label], cnn_split_names[other->split]);
        }
    }
    return found;
}

/* Removes the samples that are left out; returns how many are left. */
static size_t remove_left_out(cnn_sample *samples, size_t count, const cnn_sharing *sharing,
                              cnn_left_out *left_out) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (sharing[i].shared & CNN_COPY_LEFT_OUT) {
            left_out->of_split[samples[i].split]++;
            cnn_free(samples[i].path);
            cnn_free(samples[i].group);
        } else {
            samples[kept++] = samples[i];
        }
    }
    return kept;
}

/* A run that silently validates or tests nothing would be worse than none. */
static cnn_status check_left(const cnn_sample *samples, size_t count, const char *source,
                             const cnn_left_out *left_out, cnn_error *error) {
    size_t left[CNN_SPLIT_COUNT] = {0};
    for (size_t i = 0; i < count; i++) {
        left[samples[i].split]++;
    }
    for (int split = CNN_SPLIT_VALIDATION; split < CNN_SPLIT_COUNT; split++) {
        if (left[split] == 0 && left_out->of_split[split] > 0) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "%s: expected %s images that are not copies of others, found only %zu "
                            "copies in an earlier split or with two labels (--check-data lists "
                            "them); set data.duplicates to \"allow\" to use them",
                            source, cnn_split_names[split], left_out->of_split[split]);
        }
    }
    return CNN_OK;
}

static cnn_status drop(cnn_sample *samples, size_t *count, cnn_sharing *sharing,
                       char *const *classes, const char *source, const cnn_log_sink *log,
                       cnn_left_out *left_out, cnn_error *error) {
    CNN_TRY(cnn_duplicates_find(samples, *count, sharing, error));
    left_out->two_labels = name_left_out(samples, *count, sharing, true, classes, log);
    left_out->two_splits = name_left_out(samples, *count, sharing, false, classes, log);
    if (left_out->two_labels + left_out->two_splits == 0) {
        return CNN_OK;
    }
    cnn_log_message(log, CNN_LOG_WARNING,
                    "%zu images left out (data.duplicates): %zu have a copy with the other label, "
                    "%zu have a copy in an earlier split; --check-data lists all",
                    left_out->two_labels + left_out->two_splits, left_out->two_labels,
                    left_out->two_splits);
    *count = remove_left_out(samples, *count, sharing, left_out);
    return check_left(samples, *count, source, left_out, error);
}

cnn_status cnn_duplicates_drop(cnn_sample *samples, size_t *count, char *const *classes,
                               const char *source, const cnn_log_sink *log, cnn_left_out *left_out,
                               cnn_error *error) {
    *left_out = (cnn_left_out){0};
    cnn_sharing *sharing = cnn_alloc(*count, sizeof *sharing);
    if (!sharing) {
        return cnn_fail_memory(error, "looking for copies");
    }
    cnn_status status = drop(samples, count, sharing, classes, source, log, left_out, error);
    cnn_free(sharing);
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
                        "data.duplicates to \"drop\" to train without such copies, or to "
                        "\"allow\" to train on them",
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
