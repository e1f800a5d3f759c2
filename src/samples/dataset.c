#include "samples/dataset.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "samples/hold_back.h"
#include "samples/read.h"
#include "samples/share.h"
#include "samples/stretch.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* --- listing --- */

/* Is one of the first `count` samples in the split? */
static bool has_split(const cnn_sample_list *list, size_t count, cnn_split split) {
    for (size_t i = 0; i < count; i++) {
        if (list->samples[i].split == split) {
            return true;
        }
    }
    return false;
}

cnn_status cnn_dataset_list(const cnn_data_settings *data, int threads, const cnn_log_sink *log,
                            char *classes[2], cnn_sample_list *list, cnn_error *error) {
    cnn_list_source source = {.path = data->train,
                              .split = CNN_SPLIT_TRAIN,
                              .splits_allowed = true,
                              .threads = threads,
                              .log = log};
    for (int i = 0; i < 2; i++) {
        if (data->classes[i]) {
            classes[i] = cnn_copy_string(data->classes[i]);
            if (!classes[i]) {
                return cnn_fail_memory(error, "class names");
            }
        }
    }
    CNN_TRY(cnn_sample_list_read(&source, classes, list, error));
    source.splits_allowed = false;
    const size_t of_train = list->count;
    const struct {
        const char *path, *key;
        cnn_split split;
    } others[] = {{data->validation.path, "data.validation", CNN_SPLIT_VALIDATION},
                  {data->test, "data.test", CNN_SPLIT_TEST}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (!others[i].path) {
            continue;
        }
        if (has_split(list, of_train, others[i].split)) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "%s: expected no %s images of its own in addition to %s (%s)",
                            data->train, cnn_split_names[others[i].split], others[i].key,
                            others[i].path);
        }
        source.path = others[i].path;
        source.split = others[i].split;
        CNN_TRY(cnn_sample_list_read(&source, classes, list, error));
    }
    if (list->count == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: expected images, found none", data->train);
    }
    return CNN_OK;
}

/* --- reading --- */

/* Adds a path, made absolute, and a newline. */
static void add_source(cnn_text *text, const char *working_directory, const char *path) {
    if (path) {
        size_t length = strlen(path);
        while (length > 1 && path[length - 1] == '/') {
            length--;
        }
        if (*path != '/') {
            cnn_text_append(text, working_directory, strlen(working_directory));
            cnn_text_append(text, "/", 1);
        }
        cnn_text_append(text, path, length);
    }
    cnn_text_append(text, "\n", 1);
}

/* Writes where the images come from: the same text for every run on the same folders and classes.
 */
static cnn_status describe_source(const cnn_data_settings *data, char *const *classes,
                                  cnn_text *text, cnn_error *error) {
    char working_directory[PATH_MAX];
    if (!getcwd(working_directory, sizeof working_directory)) {
        working_directory[0] = '\0';
    }
    add_source(text, working_directory, data->train);
    add_source(text, working_directory, data->validation.path);
    add_source(text, working_directory, data->test);
    int first = strcmp(classes[0], classes[1]) < 0 ? 0 : 1;
    cnn_text_format(text, "%s\n%s\n", classes[first], classes[1 - first]);
    return text->failed ? cnn_fail_memory(error, "the images") : CNN_OK;
}

/* Logs every unreadable image, removes it from the list and counts it. */
static void drop_bad_images(cnn_dataset *dataset, cnn_log_level level, const cnn_log_sink *log) {
    size_t kept = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        cnn_sample *sample = &dataset->samples[i];
        const char *reason = dataset->images.reasons[i];
        if (!reason) {
            sample->row = i;
            dataset->samples[kept++] = *sample;
            continue;
        }
        cnn_log_message(log, level, "%s: %s", sample->path, reason);
        dataset->bad_images++;
        cnn_free(sample->path);
        cnn_free(sample->group);
    }
    dataset->count = kept;
}

/* Fills in the request's paths and cache. source: memory for a text of the request. */
static cnn_status set_source(const cnn_data_settings *data, const cnn_reading *reading,
                             cnn_image_request *request, const char **paths, cnn_text *source,
                             const cnn_dataset *dataset, cnn_error *error) {
    if (reading->cache.folder) {
        CNN_TRY(describe_source(data, dataset->classes, source, error));
        request->cache = reading->cache;
        request->source = source->data;
    }
    for (size_t i = 0; i < dataset->count; i++) {
        paths[i] = dataset->samples[i].path;
    }
    request->paths = paths;
    return CNN_OK;
}

/* A request for `count` images, without their paths. Its contents may be NULL. plain: of the
 * request. */
static cnn_image_request request_for(const cnn_image_settings *image, const cnn_reading *reading,
                                     const bool *plain, size_t count) {
    uint64_t *contents = cnn_alloc(count, sizeof *contents);
    return (cnn_image_request){.contents = contents,
                               .count = count,
                               .settings = image,
                               .transform = reading->transform,
                               .plain = plain,
                               .threads = reading->threads,
                               .log = reading->log,
                               .should_stop = reading->should_stop,
                               .progress = reading->progress,
                               .user = reading->user};
}

static cnn_status load_set(const cnn_image_request *request, cnn_dataset *dataset,
                           cnn_error *error) {
    return dataset->ranks ? cnn_share_load(dataset->ranks, request, &dataset->images, error)
                          : cnn_image_set_load(request, &dataset->images, error);
}

/* Loads the images into the dataset. paths, request->contents: room for [count], may be NULL. */
static cnn_status load_images(const cnn_data_settings *data, const cnn_reading *reading,
                              cnn_image_request *request, const char **paths, cnn_text *source,
                              cnn_dataset *dataset, cnn_error *error) {
    if (!paths || !request->contents) {
        return cnn_fail_memory(error, "the list of images");
    }
    CNN_TRY(set_source(data, reading, request, paths, source, dataset, error));
    CNN_TRY(load_set(request, dataset, error));
    for (size_t i = 0; i < dataset->count; i++) {
        dataset->samples[i].content = request->contents[i];
    }
    return CNN_OK;
}

/* *plain: which of the listed images are never augmented, [count]; NULL if that makes no
 * difference. Which training images will be held back depends on what they contain. */
static cnn_status mark_plain(const cnn_dataset *dataset, bool **plain, cnn_error *error) {
    if (dataset->features.variants <= 1) {
        return CNN_OK;
    }
    *plain = cnn_alloc(dataset->count, sizeof **plain);
    if (!*plain) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < dataset->count; i++) {
        (*plain)[i] = dataset->samples[i].split != CNN_SPLIT_TRAIN;
    }
    return CNN_OK;
}

/* Reads the listed images and drops the unreadable ones, or fails because of them. */
static cnn_status read_images(const cnn_data_settings *data, const cnn_image_settings *image,
                              const cnn_reading *reading, cnn_dataset *dataset, cnn_error *error) {
    size_t listed = dataset->count;
    bool fail = data->bad_images == CNN_BAD_IMAGES_FAIL;
    cnn_text source = {0};
    bool *plain = NULL;
    CNN_TRY(mark_plain(dataset, &plain, error));
    const char **paths = cnn_alloc(listed, sizeof *paths);
    cnn_image_request request = request_for(image, reading, plain, listed);
    cnn_status status = load_images(data, reading, &request, paths, &source, dataset, error);
    cnn_free(plain);
    cnn_free(paths);
    cnn_free(request.contents);
    cnn_text_free(&source);
    CNN_TRY(status);
    drop_bad_images(dataset, fail ? CNN_LOG_ERROR : CNN_LOG_WARNING, reading->log);
    if (dataset->bad_images > 0 && fail) {
        return cnn_fail(
            error, CNN_ERROR_DATA,
            "%s: %zu of %zu images cannot be read (named above); set data.bad_images to "
            "\"skip\" to train without them",
            data->train, dataset->bad_images, listed);
    }
    return CNN_OK;
}

/* paths, request->contents: room for [count], may be NULL. */
static cnn_status load_again(const cnn_data_settings *data, const cnn_reading *reading,
                             cnn_image_request *request, const char **paths, cnn_text *source,
                             cnn_dataset *dataset, cnn_error *error) {
    if (!paths || !request->contents) {
        return cnn_fail_memory(error, "the list of images");
    }
    cnn_image_set_free(&dataset->images); /* first, so that memory holds only one of the two */
    CNN_TRY(set_source(data, reading, request, paths, source, dataset, error));
    CNN_TRY(load_set(request, dataset, error));
    for (size_t i = 0; i < dataset->count; i++) {
        cnn_sample *sample = &dataset->samples[i];
        const char *reason = dataset->images.reasons[i];
        if (reason || request->contents[i] != sample->content) {
            return cnn_fail(error, CNN_ERROR_DATA, "%s: changed while images were read%s%s",
                            sample->path, reason ? ": " : "", reason ? reason : "");
        }
        sample->row = i;
    }
    return CNN_OK;
}

cnn_status cnn_dataset_load_again(cnn_dataset *dataset, const cnn_data_settings *data,
                                  const cnn_image_settings *image, const cnn_reading *reading,
                                  cnn_error *error) {
    dataset->seen = *image;
    cnn_text source = {0};
    const char **paths = cnn_alloc(dataset->count, sizeof *paths);
    cnn_image_request request = request_for(&dataset->seen, reading, NULL, dataset->count);
    cnn_status status = load_again(data, reading, &request, paths, &source, dataset, error);
    cnn_free(paths);
    cnn_free(request.contents);
    cnn_text_free(&source);
    return status;
}

/* --- splitting and counting --- */

cnn_status cnn_dataset_hold_back(const cnn_data_settings *data, uint64_t seed, cnn_sample *samples,
                                 size_t count, const cnn_log_sink *log, cnn_error *error) {
    bool given = data->validation.path != NULL;
    for (size_t i = 0; i < count; i++) {
        given = given || samples[i].split == CNN_SPLIT_VALIDATION;
    }
    if (given && !data->validation.path) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "validation: the images that data.train has for it, nothing held back");
    }
    if (given || !(data->validation.fraction > 0.0)) {
        return CNN_OK;
    }
    return cnn_hold_back(samples, count, data->validation.fraction, seed, error);
}

static cnn_status allocate_splits(cnn_dataset *dataset, cnn_error *error) {
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        dataset->split[split] = cnn_alloc(dataset->count, sizeof *dataset->split[split]);
        if (!dataset->split[split]) {
            return cnn_fail_memory(error, "the list of images");
        }
    }
    return CNN_OK;
}

/* Fills in the indices and counts of each split. */
static void index_splits(cnn_dataset *dataset) {
    memset(dataset->split_count, 0, sizeof dataset->split_count);
    memset(dataset->class_count, 0, sizeof dataset->class_count);
    for (size_t i = 0; i < dataset->count; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        dataset->split[sample->split][dataset->split_count[sample->split]++] = i;
        dataset->class_count[sample->split][sample->label]++;
    }
}

/* The training images must contain both classes. The other splits need not. */
static cnn_status check_classes(const cnn_data_settings *data, const cnn_dataset *dataset,
                                cnn_error *error) {
    for (int c = 0; c < 2; c++) {
        if (dataset->class_count[CNN_SPLIT_TRAIN][c] == 0) {
            return cnn_fail(
                error, CNN_ERROR_DATA,
                "%s: expected training images of both classes, found none of \"%s\" (%zu of "
                "\"%s\")%s",
                data->train, dataset->classes[c], dataset->class_count[CNN_SPLIT_TRAIN][1 - c],
                dataset->classes[1 - c],
                dataset->left_out.two_labels > 0
                    ? "; all copies of images with two labels are left out (data.duplicates)"
                    : "");
        }
    }
    return CNN_OK;
}

/* Lists the images, and logs what is not used. */
static cnn_status list(const cnn_data_settings *data, const cnn_reading *reading,
                       cnn_dataset *dataset, cnn_error *error) {
    const cnn_log_sink *log = reading->log;
    cnn_sample_list list = {0};
    cnn_status status =
        cnn_dataset_list(data, reading->threads, log, dataset->classes, &list, error);
    dataset->samples = list.samples; /* also after a failure: they are freed with the dataset */
    dataset->count = list.count;
    cnn_sample_list_log_folders(&list, dataset->classes, log);
    cnn_free(list.other_folder);
    CNN_TRY(status);
    if (list.other_labels > 0) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "%zu images with other labels than \"%s\" and \"%s\" left out",
                        list.other_labels, dataset->classes[0], dataset->classes[1]);
    }
    if (list.other_forms > 0) {
        cnn_log_message(log, CNN_LOG_DETAIL,
                        "paths that are on disk in another Unicode normalization form than in the "
                        "manifest: %zu",
                        list.other_forms);
    }
    return CNN_OK;
}

/* Reports errors that the list alone shows: reading the images can take minutes. */
static cnn_status check_list(const cnn_data_settings *data, const cnn_reading *reading,
                             cnn_dataset *dataset, cnn_error *error) {
    CNN_TRY(allocate_splits(dataset, error));
    index_splits(dataset);
    CNN_TRY(check_classes(data, dataset, error));
    return reading->check ? reading->check(reading->check_context, dataset, error) : CNN_OK;
}

/* A hash of what is listed. */
static uint64_t hash_list(const cnn_dataset *dataset) {
    uint64_t hash = CNN_HASH_START;
    for (size_t i = 0; i < dataset->count; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        const uint8_t record[2] = {(uint8_t)sample->label, (uint8_t)sample->split};
        hash = cnn_hash_bytes(hash, sample->path, strlen(sample->path));
        hash = cnn_hash_bytes(hash, record, sizeof record);
    }
    return hash;
}

/* Lists and checks the images. CNN_ERROR_DATA if not all processes list the same. */
static cnn_status list_alike(const cnn_data_settings *data, const cnn_reading *reading,
                             cnn_dataset *dataset, cnn_error *error) {
    cnn_status status = list(data, reading, dataset, error);
    if (status == CNN_OK) {
        status = check_list(data, reading, dataset, error);
    }
    CNN_TRY(cnn_ranks_agree(reading->ranks, status, error));
    uint64_t found[2] = {dataset->count, hash_list(dataset)}, first[2] = {found[0], found[1]};
    cnn_ranks_broadcast(reading->ranks, 0, first, sizeof first);
    if (found[0] != first[0] || found[1] != first[1]) {
        status =
            cnn_fail(error, CNN_ERROR_DATA,
                     "%s: expected the same images for all processes, found %zu for process "
                     "%d and %zu for process 1, or other names or labels",
                     data->train, dataset->count, cnn_rank(reading->ranks) + 1, (size_t)first[0]);
    }
    return cnn_ranks_agree(reading->ranks, status, error);
}

static cnn_status load(const cnn_data_settings *data, const cnn_image_settings *image,
                       uint64_t seed, const cnn_reading *reading, cnn_dataset *dataset,
                       cnn_error *error) {
    const cnn_log_sink *log = reading->log;
    dataset->image_size = reading->transform ? reading->transform->size : cnn_image_size(image);
    dataset->features = reading->features;
    dataset->ranks = cnn_rank_count(reading->ranks) > 1 ? reading->ranks : NULL;
    CNN_TRY(list_alike(data, reading, dataset, error));
    dataset->seen = *image;
    dataset->seen.ends = reading->ends;
    CNN_TRY(read_images(data, &dataset->seen, reading, dataset, error));
    if (data->duplicates == CNN_DUPLICATES_DROP) {
        CNN_TRY(cnn_duplicates_drop(dataset->samples, &dataset->count, dataset->classes,
                                    data->train, log, &dataset->left_out, error));
    }
    CNN_TRY(cnn_dataset_hold_back(data, seed, dataset->samples, dataset->count, log, error));
    index_splits(dataset);
    CNN_TRY(check_classes(data, dataset, error));
    CNN_TRY(cnn_duplicates_check(dataset->samples, dataset->count, dataset->classes,
                                 data->duplicates == CNN_DUPLICATES_ALLOW, data->train, log,
                                 error));
    return cnn_dataset_stretch(dataset, data, reading, error);
}

cnn_status cnn_dataset_load(const cnn_data_settings *data, const cnn_image_settings *image,
                            uint64_t seed, const cnn_reading *reading, cnn_dataset **out,
                            cnn_error *error) {
    *out = NULL;
    cnn_dataset *dataset = cnn_alloc(1, sizeof *dataset);
    if (!dataset) {
        return cnn_fail_memory(error, "the images");
    }
    cnn_status status = load(data, image, seed, reading, dataset, error);
    if (status != CNN_OK) {
        cnn_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return CNN_OK;
}

cnn_status cnn_dataset_choose_fold(cnn_dataset *dataset, const cnn_data_settings *data,
                                   uint64_t seed, const int *fold, int tested, cnn_error *error) {
    for (size_t i = 0; i < dataset->count; i++) {
        dataset->samples[i].split = fold[i] == tested ? CNN_SPLIT_TEST : CNN_SPLIT_TRAIN;
    }
    if (data->validation.fraction > 0.0) {
        CNN_TRY(cnn_hold_back(dataset->samples, dataset->count, data->validation.fraction, seed,
                              error));
    }
    index_splits(dataset);
    return CNN_OK;
}

cnn_status cnn_dataset_reorder(cnn_dataset *dataset, const size_t *order, cnn_error *error) {
    cnn_sample *samples = cnn_alloc(dataset->count, sizeof *samples);
    if (!samples) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < dataset->count; i++) {
        samples[i] = dataset->samples[order[i]];
    }
    (void)memcpy(dataset->samples, samples, dataset->count * sizeof *samples);
    cnn_free(samples);
    index_splits(dataset);
    return CNN_OK;
}

void cnn_dataset_free(cnn_dataset *dataset) {
    if (!dataset) {
        return;
    }
    cnn_sample_list list = {.samples = dataset->samples, .count = dataset->count};
    cnn_sample_list_free(&list);
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        cnn_free(dataset->split[split]);
    }
    cnn_free(dataset->classes[0]);
    cnn_free(dataset->classes[1]);
    cnn_image_set_free(&dataset->images);
    cnn_free(dataset);
}

bool cnn_dataset_holds(const cnn_dataset *dataset, size_t i) {
    return cnn_share_holder(dataset->ranks, dataset->samples[i].row) == cnn_rank(dataset->ranks);
}

const uint8_t *cnn_dataset_pixels(const cnn_dataset *dataset, size_t i) {
    size_t place = cnn_share_place(dataset->ranks, dataset->samples[i].row);
    return dataset->images.pixels + place * dataset->image_size;
}

uint64_t cnn_dataset_fingerprint(const cnn_dataset *dataset) {
    uint64_t hash = CNN_HASH_START;
    for (size_t i = 0; i < dataset->count; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        uint8_t record[10];
        for (int b = 0; b < 8; b++) {
            record[b] = (uint8_t)(sample->content >> (8 * b));
        }
        record[8] = (uint8_t)sample->label;
        record[9] = (uint8_t)sample->split;
        hash = cnn_hash_bytes(hash, record, sizeof record);
    }
    return hash;
}
