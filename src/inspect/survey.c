#include "inspect/survey.h"

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "run/setup.h"
#include "samples/dataset.h"
#include "samples/duplicates.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Grey images are often saved as RGB, and the rounding of JPEG tints some of their pixels a little.
 * An image is in colour if in more than one of COLOURED_PIXELS pixels, red, green and blue are more
 * than COLOUR_SPREAD (of 255) apart. */
enum { COLOUR_SPREAD = 16, COLOURED_PIXELS = 100 };

/* The pixel limit of the image reader: the default of image.max_megapixels. */
#define MEGAPIXELS_MAX 64.0

/* --- where the images are --- */

/* *joined: folder/name if that is a folder, else NULL. */
static cnn_status find_folder(const char *folder, const char *name, char **joined,
                              cnn_error *error) {
    bool is_folder = false;
    *joined = cnn_path_join(folder, name);
    cnn_status status = *joined ? cnn_folder_look(*joined, CNN_ERROR_DATA, &is_folder, error)
                                : cnn_fail_memory(error, "a path");
    if (!is_folder) {
        cnn_free(*joined);
        *joined = NULL;
    }
    return status;
}

/* Does the folder contain folders? A class may be called "train", but then contains only images. */
static cnn_status holds_folders(const char *folder, bool *answer, cnn_error *error) {
    cnn_file_list names = {0};
    cnn_status status = cnn_folder_folders(folder, &names, error);
    *answer = status == CNN_OK && names.count > 0;
    cnn_file_list_free(&names);
    return status;
}

/* The names of the parts of a folder that is already split. */
static cnn_status find_splits(const char *path, cnn_layout *layout, cnn_error *error) {
    bool split = false;
    cnn_status status = find_folder(path, "train", &layout->train, error);
    if (status == CNN_OK && layout->train) {
        status = holds_folders(layout->train, &split, error);
    }
    if (status != CNN_OK || !split) {
        cnn_free(layout->train);
        layout->train = NULL;
        return status;
    }
    status = find_folder(path, "validation", &layout->validation, error);
    if (status == CNN_OK && !layout->validation) {
        status = find_folder(path, "val", &layout->validation, error);
    }
    return status == CNN_OK ? find_folder(path, "test", &layout->test, error) : status;
}

static cnn_status find_layout(const char *path, cnn_layout *layout, cnn_error *error) {
    bool is_folder;
    cnn_status status = cnn_folder_look(path, CNN_ERROR_DATA, &is_folder, error);
    if (status == CNN_OK && is_folder) {
        status = find_splits(path, layout, error);
    }
    if (status == CNN_OK && !layout->train) {
        layout->train = cnn_copy_string(path);
        status = layout->train ? CNN_OK : cnn_fail_memory(error, "a path");
    }
    return status;
}

/* --- the images --- */

/* The properties of one image. */
typedef struct look {
    int width, height;
    bool colour;
    uint64_t content;
    char *reason; /* why it is unreadable; NULL: it is readable */
} look;

/* Reading all images. */
typedef struct reading {
    const cnn_train_options *options;
    const cnn_sample *samples;
    look *looks;
    atomic_bool ended; /* stop reading images */
    cnn_error why;     /* written by the thread that ended it */
} reading;

static bool has_colour(const cnn_image *image) {
    size_t channels = (size_t)image->channels;
    size_t pixels = (size_t)image->width * (size_t)image->height;
    size_t coloured = 0;
    for (size_t i = 0; i < pixels && channels >= 3; i++) {
        const uint8_t *p = image->pixels + i * channels;
        int most = p[0] > p[1] ? p[0] : p[1];
        int least = p[0] < p[1] ? p[0] : p[1];
        most = p[2] > most ? p[2] : most;
        least = p[2] < least ? p[2] : least;
        coloured += most - least > COLOUR_SPREAD;
    }
    return coloured > pixels / COLOURED_PIXELS;
}

/* Not the fault of an image. The first reason counts. */
static void end(reading *r, const char *path, cnn_status status, const char *why) {
    if (!atomic_exchange(&r->ended, true)) {
        (void)cnn_fail(&r->why, status, "%s: %s", path, why);
    }
}

static cnn_status look_at(const char *path, look *seen, cnn_error *error) {
    cnn_image image;
    cnn_status status = cnn_image_read(path, MEGAPIXELS_MAX, &image, error);
    if (status != CNN_OK) {
        return status;
    }
    seen->width = image.width;
    seen->height = image.height;
    seen->colour = has_colour(&image);
    status = cnn_image_content(&image, &seen->content, error);
    cnn_image_release(&image);
    return status;
}

static void look_at_sample(void *context, size_t i, int thread) {
    (void)thread;
    reading *r = context;
    const char *path = r->samples[i].path;
    cnn_error error;
    if (r->options->should_stop && r->options->should_stop(r->options->user)) {
        end(r, path, CNN_STOPPED, "stopped before it was read");
    }
    if (atomic_load(&r->ended)) {
        return;
    }
    cnn_status status = look_at(path, &r->looks[i], &error);
    if (status == CNN_ERROR_DATA) {
        r->looks[i].reason = cnn_copy_string(error.message);
    }
    if (status != CNN_OK && !r->looks[i].reason) {
        end(r, path, CNN_ERROR_RUNTIME, status == CNN_ERROR_DATA ? "out of memory" : error.message);
    }
}

static int by_value(const void *a, const void *b) {
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median (the upper one if count is even) of numbers[count], which it sorts; count > 0. */
static int median(int *numbers, size_t count) {
    qsort(numbers, count, sizeof *numbers, by_value);
    return numbers[count / 2];
}

/* Moves readable images and their properties to the front; logs unreadable ones and drops them. */
static void drop_unreadable(cnn_sample_list *list, look *looks, const cnn_log_sink *log,
                            cnn_survey *survey) {
    for (size_t i = 0; i < list->count; i++) {
        cnn_sample *sample = &list->samples[i];
        if (looks[i].reason) {
            cnn_log_message(log, CNN_LOG_WARNING, "%s: %s", sample->path, looks[i].reason);
            survey->unreadable++;
            cnn_free(looks[i].reason);
            cnn_free(sample->path);
            cnn_free(sample->group);
        } else {
            sample->content = looks[i].content;
            looks[survey->readable] = looks[i];
            list->samples[survey->readable++] = *sample;
        }
    }
    list->count = survey->readable;
}

static cnn_status measure_sizes(const look *looks, cnn_survey *survey, cnn_error *error) {
    int *widths = cnn_alloc(survey->readable, sizeof *widths);
    int *heights = cnn_alloc(survey->readable, sizeof *heights);
    cnn_status status = widths && heights ? CNN_OK : cnn_fail_memory(error, "the sizes of images");
    for (size_t i = 0; i < survey->readable && status == CNN_OK; i++) {
        int w = looks[i].width, h = looks[i].height;
        int shorter = w < h ? w : h, longer = w < h ? h : w;
        widths[i] = w;
        heights[i] = h;
        survey->colour += looks[i].colour;
        survey->smallest_side =
            i == 0 || shorter < survey->smallest_side ? shorter : survey->smallest_side;
        survey->largest_side = longer > survey->largest_side ? longer : survey->largest_side;
    }
    if (status == CNN_OK) {
        survey->width = median(widths, survey->readable);
        survey->height = median(heights, survey->readable);
    }
    cnn_free(widths);
    cnn_free(heights);
    return status;
}

/* Counts the images of each class and split, and the copies that training would refuse. */
static cnn_status count_samples(const cnn_sample_list *list, cnn_survey *survey, cnn_error *error) {
    cnn_sharing *sharing = cnn_alloc(list->count, sizeof *sharing);
    cnn_status status = sharing ? cnn_duplicates_find(list->samples, list->count, sharing, error)
                                : cnn_fail_memory(error, "the images");
    for (size_t i = 0; i < list->count && status == CNN_OK; i++) {
        const cnn_sample *sample = &list->samples[i];
        survey->images[sample->split][sample->label]++;
        survey->two_labels += (sharing[i].shared & CNN_COPY_OTHER_LABEL) != 0;
        survey->two_splits += (sharing[i].shared & CNN_COPY_OTHER_SPLIT) != 0;
    }
    cnn_free(sharing);
    return status;
}

static cnn_status examine(const cnn_train_options *options, cnn_sample_list *list, look *looks,
                          cnn_survey *survey, cnn_error *error) {
    reading r = {.options = options, .samples = list->samples, .looks = looks};
    atomic_init(&r.ended, false);
    cnn_parallel_for(list->count, cnn_setup_threads(options->threads), look_at_sample, &r);
    if (atomic_load(&r.ended)) {
        for (size_t i = 0; i < list->count; i++) {
            cnn_free(looks[i].reason);
        }
        return cnn_fail(error, r.why.status, "%s", r.why.message);
    }
    drop_unreadable(list, looks, &options->log, survey);
    if (survey->readable == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: expected images, found %zu unreadable files",
                        survey->layout.train, survey->unreadable);
    }
    cnn_status status = measure_sizes(looks, survey, error);
    if (status == CNN_OK) {
        status = count_samples(list, survey, error);
    }
    for (int label = 0; label < 2 && status == CNN_OK; label++) {
        if (survey->images[CNN_SPLIT_TRAIN][label] == 0) {
            status = cnn_fail(error, CNN_ERROR_DATA,
                              "%s: expected images of both classes to train on, found none of "
                              "\"%s\"",
                              survey->layout.train, survey->classes[label]);
        }
    }
    return status;
}

cnn_status cnn_survey_make(const char *path, const cnn_train_options *options, cnn_survey *survey,
                           cnn_error *error) {
    cnn_sample_list list = {0};
    look *looks = NULL;
    *survey = (cnn_survey){0};
    cnn_status status = find_layout(path, &survey->layout, error);
    if (status == CNN_OK) {
        const cnn_data_settings places = {.train = survey->layout.train,
                                          .validation = {.path = survey->layout.validation},
                                          .test = survey->layout.test};
        status = cnn_dataset_list(&places, cnn_setup_threads(options->threads), survey->classes,
                                  &list, error);
    }
    if (status == CNN_OK) {
        looks = cnn_alloc(list.count, sizeof *looks);
        status = looks ? examine(options, &list, looks, survey, error)
                       : cnn_fail_memory(error, "the images");
    }
    cnn_free(looks);
    cnn_sample_list_free(&list);
    return status;
}

void cnn_survey_free(cnn_survey *survey) {
    cnn_free(survey->layout.train);
    cnn_free(survey->layout.validation);
    cnn_free(survey->layout.test);
    cnn_free(survey->classes[0]);
    cnn_free(survey->classes[1]);
    *survey = (cnn_survey){0};
}
