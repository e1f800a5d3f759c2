#include "samples/dataset.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "samples/duplicates.h"
#include "samples/hold_back.h"
#include "samples/read.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* --- listing --- */

cnn_status cnn_dataset_list(const cnn_data_settings *data, int threads, char *classes[2],
                            cnn_sample_list *list, cnn_error *error) {
    for (int i = 0; i < 2; i++) {
        if (data->classes[i]) {
            classes[i] = cnn_copy_string(data->classes[i]);
            if (!classes[i]) {
                return cnn_fail_memory(error, "class names");
            }
        }
    }
    cnn_status status =
        cnn_sample_list_read(data->train, CNN_SPLIT_TRAIN, true, threads, classes, list, error);
    bool test_rows = false;
    for (size_t i = 0; i < list->count; i++) {
        test_rows = test_rows || list->samples[i].split == CNN_SPLIT_TEST;
    }
    if (status == CNN_OK && data->validation.path) {
        status = cnn_sample_list_read(data->validation.path, CNN_SPLIT_VALIDATION, false, threads,
                                      classes, list, error);
    }
    if (status == CNN_OK && data->test && test_rows) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: split: expected no row with split test beside data.test (%s)",
                        data->train, data->test);
    }
    if (status == CNN_OK && data->test) {
        status =
            cnn_sample_list_read(data->test, CNN_SPLIT_TEST, false, threads, classes, list, error);
    }
    if (status == CNN_OK && list->count == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: expected images, found none", data->train);
    }
    return status;
}

/* --- decoding --- */

/* Adds a path as seen from the root, and a line's end. */
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

/* Where the images come from, as text: the same for every run on the same folders and classes. */
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

/* Names every unreadable image, takes them out of the list and counts them. */
static void drop_bad_images(cnn_dataset *dataset, cnn_log_level level, const cnn_log_sink *log) {
    size_t kept = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        cnn_sample *sample = &dataset->samples[i];
        const char *reason = dataset->store.reasons[i];
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

/* Paths and contents of the listed images, as the cache takes and gives them. */
static cnn_status read_images(const cnn_image_request *settings, cnn_dataset *dataset,
                              cnn_error *error) {
    cnn_image_request request = *settings;
    const char **paths = cnn_alloc(dataset->count, sizeof *paths);
    request.contents = cnn_alloc(dataset->count, sizeof *request.contents);
    cnn_status status = CNN_OK;
    if (paths && request.contents) {
        for (size_t i = 0; i < dataset->count; i++) {
            paths[i] = dataset->samples[i].path;
        }
        request.paths = paths;
        request.count = dataset->count;
        status = cnn_image_store_load(&request, &dataset->store, error);
        for (size_t i = 0; i < dataset->count; i++) {
            dataset->samples[i].content = request.contents[i];
        }
    } else {
        status = cnn_fail_memory(error, "the list of images");
    }
    cnn_free(paths);
    cnn_free(request.contents);
    return status;
}

static cnn_status decode_all(const cnn_data_settings *data, const cnn_image_settings *image,
                             const cnn_reading *reading, cnn_dataset *dataset, cnn_error *error) {
    size_t listed = dataset->count;
    bool fail = data->bad_images == CNN_BAD_IMAGES_FAIL;
    cnn_text source = {0};
    cnn_image_request request = {.settings = image,
                                 .threads = reading->threads,
                                 .log = reading->log,
                                 .should_stop = reading->should_stop,
                                 .user = reading->user};
    cnn_status status = CNN_OK;
    if (reading->cache.folder) {
        status = describe_source(data, dataset->classes, &source, error);
        request.cache = reading->cache;
        request.source = source.data;
    }
    if (status == CNN_OK) {
        status = read_images(&request, dataset, error);
    }
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

/* --- splitting and counting --- */

cnn_status cnn_dataset_hold_back(const cnn_data_settings *data, uint64_t seed, cnn_sample *samples,
                                 size_t count, const cnn_log_sink *log, cnn_error *error) {
    bool given = data->validation.path != NULL;
    for (size_t i = 0; i < count; i++) {
        given = given || samples[i].split == CNN_SPLIT_VALIDATION;
    }
    if (given && !data->validation.path) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "validation: the manifest's own rows, nothing held back");
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

/* From the samples' splits. */
static void index_splits(cnn_dataset *dataset) {
    memset(dataset->split_count, 0, sizeof dataset->split_count);
    memset(dataset->class_count, 0, sizeof dataset->class_count);
    for (size_t i = 0; i < dataset->count; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        dataset->split[sample->split][dataset->split_count[sample->split]++] = i;
        dataset->class_count[sample->split][sample->label]++;
    }
}

/* Both classes must be there to learn from; the other sets are reported, whatever they hold. */
static cnn_status check_classes(const cnn_data_settings *data, const cnn_dataset *dataset,
                                cnn_error *error) {
    for (int c = 0; c < 2; c++) {
        if (dataset->class_count[CNN_SPLIT_TRAIN][c] == 0) {
            return cnn_fail(
                error, CNN_ERROR_DATA,
                "%s: expected training images of both classes, found none of \"%s\" (%zu of "
                "\"%s\")",
                data->train, dataset->classes[c], dataset->class_count[CNN_SPLIT_TRAIN][1 - c],
                dataset->classes[1 - c]);
        }
    }
    return CNN_OK;
}

cnn_status cnn_dataset_load(const cnn_data_settings *data, const cnn_image_settings *image,
                            uint64_t seed, const cnn_reading *reading, cnn_dataset **out,
                            cnn_error *error) {
    const cnn_log_sink *log = reading->log;
    *out = NULL;
    cnn_dataset *dataset = cnn_alloc(1, sizeof *dataset);
    if (!dataset) {
        return cnn_fail_memory(error, "the images");
    }
    cnn_sample_list list = {0};
    dataset->image_size = cnn_image_size(image);
    cnn_status status = cnn_dataset_list(data, reading->threads, dataset->classes, &list, error);
    dataset->samples = list.samples;
    dataset->count = list.count;
    if (status == CNN_OK && list.other_labels > 0) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "%zu rows with other labels than \"%s\" and \"%s\" left out",
                        list.other_labels, dataset->classes[0], dataset->classes[1]);
    }
    if (status == CNN_OK) {
        status = decode_all(data, image, reading, dataset, error);
    }
    if (status == CNN_OK) {
        status = cnn_dataset_hold_back(data, seed, dataset->samples, dataset->count, log, error);
    }
    if (status == CNN_OK) {
        status = allocate_splits(dataset, error);
    }
    if (status == CNN_OK) {
        index_splits(dataset);
        status = check_classes(data, dataset, error);
    }
    if (status == CNN_OK) {
        status =
            cnn_duplicates_check(dataset->samples, dataset->count, dataset->classes,
                                 data->duplicates == CNN_DUPLICATES_ALLOW, data->train, log, error);
    }
    if (status != CNN_OK) {
        cnn_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return CNN_OK;
}

cnn_status cnn_dataset_choose_fold(cnn_dataset *dataset, const cnn_data_settings *data,
                                   uint64_t seed, const int *fold, int tested, cnn_error *error) {
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < dataset->count; i++) {
        dataset->samples[i].split = fold[i] == tested ? CNN_SPLIT_TEST : CNN_SPLIT_TRAIN;
    }
    if (data->validation.fraction > 0.0) {
        status =
            cnn_hold_back(dataset->samples, dataset->count, data->validation.fraction, seed, error);
    }
    index_splits(dataset);
    return status;
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
    cnn_image_store_free(&dataset->store);
    cnn_free(dataset);
}

const uint8_t *cnn_dataset_pixels(const cnn_dataset *dataset, size_t i) {
    return dataset->store.pixels + dataset->samples[i].row * dataset->image_size;
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

/* --- from bytes to floats --- */

void cnn_dataset_statistics(const cnn_dataset *dataset, int channels, double mean[3],
                            double deviation[3]) {
    size_t plane = dataset->image_size / (size_t)channels;
    size_t images = dataset->split_count[CNN_SPLIT_TRAIN];
    for (int c = 0; c < channels; c++) {
        uint64_t sum = 0, squares = 0; /* whole numbers: exact, whatever the order */
        for (size_t i = 0; i < images; i++) {
            const uint8_t *pixel =
                cnn_dataset_pixels(dataset, dataset->split[CNN_SPLIT_TRAIN][i]) + (size_t)c * plane;
            for (size_t j = 0; j < plane; j++) {
                sum += pixel[j];
                squares += (uint64_t)pixel[j] * pixel[j];
            }
        }
        double count = (double)images * (double)plane;
        double average = (double)sum / count;
        double variance = (double)squares / count - average * average;
        mean[c] = average / 255.0;
        deviation[c] = variance > 1e-6 ? sqrt(variance) / 255.0 : 1.0;
    }
}

void cnn_pixel_table_fill(const double mean[3], const double deviation[3], cnn_pixel_table *table) {
    for (int c = 0; c < 3; c++) {
        for (int byte = 0; byte < 256; byte++) {
            table->value[c][byte] = (float)(((double)byte / 255.0 - mean[c]) / deviation[c]);
        }
    }
}

void cnn_block_from_images(const cnn_pixel_table *table, const uint8_t *const *images, int count,
                           const cnn_block *block, float *x) {
    size_t i = 0;
    for (int c = 0; c < block->channels; c++) {
        const float *value = table->value[c];
        for (int h = 0; h < block->height; h++) {
            float *to = x + c * block->plane_stride + h * block->row_stride;
            for (int w = 0; w < block->width; w++, i++, to += CNN_LANES) {
                for (int lane = 0; lane < count; lane++) {
                    to[lane] = value[images[lane][i]];
                }
                for (int lane = count; lane < CNN_LANES; lane++) {
                    to[lane] = 0.0f;
                }
            }
        }
    }
}

/* A run of pixels of one row, of all images, into their lanes. */
static void write_run(const cnn_pixel_table *table, cnn_augment_run *runs, int images, int count,
                      const cnn_block *block, float *x) {
    for (int c = 0; c < block->channels; c++) {
        const float *value = table->value[c];
        float *to = x + c * block->plane_stride;
        for (int w = 0; w < count; w++, to += CNN_LANES) {
            for (int lane = 0; lane < images; lane++) {
                to[lane] = value[runs[lane][c][w]];
            }
            for (int lane = images; lane < CNN_LANES; lane++) {
                to[lane] = 0.0f;
            }
        }
    }
}

/* cnn_block_from_images for images that change on the way: samples[lane] says which they are. */
static void fill_augmented(const cnn_dataset_source *source, const size_t *samples,
                           const uint8_t *const *images, int count, const cnn_block *block,
                           float *x) {
    const cnn_augment_shape shape = {
        .channels = block->channels, .height = block->height, .width = block->width};
    cnn_augmentation what[CNN_LANES];
    cnn_augment_run runs[CNN_LANES];
    for (int lane = 0; lane < count; lane++) {
        cnn_augment_draw(source->augment, source->seed, source->epoch, samples[lane], &shape,
                         images[lane], &what[lane]);
    }
    for (int h = 0; h < block->height; h++) {
        for (int w = 0; w < block->width; w += CNN_AUGMENT_RUN) {
            int left = block->width - w;
            int run = left < CNN_AUGMENT_RUN ? left : CNN_AUGMENT_RUN;
            for (int lane = 0; lane < count; lane++) {
                cnn_augment_pixels(&what[lane], images[lane], h, w, run, runs[lane]);
            }
            write_run(source->table, runs, count, run, block,
                      x + h * block->row_stride + w * CNN_LANES);
        }
    }
}

void cnn_dataset_fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                      uint8_t *labels) {
    const cnn_dataset_source *source = context;
    const cnn_dataset *dataset = source->dataset;
    const uint8_t *images[CNN_LANES];
    const size_t *samples = source->order + first;
    for (int lane = 0; lane < count; lane++) {
        images[lane] = cnn_dataset_pixels(dataset, samples[lane]);
        if (labels) {
            labels[lane] = (uint8_t)dataset->samples[samples[lane]].label;
        }
    }
    if (source->augment && cnn_augment_is_on(source->augment)) {
        fill_augmented(source, samples, images, count, block, x);
    } else {
        cnn_block_from_images(source->table, images, count, block, x);
    }
}
