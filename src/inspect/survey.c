#include "inspect/survey.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "inspect/read_images.h"
#include "run/setup.h"
#include "samples/dataset.h"
#include "samples/duplicates.h"
#include "samples/split_folders.h"

#include <stdlib.h>

/* Grey images are often saved as RGB, and the rounding of JPEG tints some of their pixels a little.
 * An image is in colour if in more than one of COLOURED_PIXELS pixels, red, green and blue are more
 * than COLOUR_SPREAD (of 255) apart. */
enum { COLOUR_SPREAD = 16, COLOURED_PIXELS = 100 };

/* The pixel limit of the image reader: the default of image.max_megapixels. */
#define MEGAPIXELS_MAX 64.0

/* --- where the images are --- */

/* Moves the paths of the splits into the layout. */
static void take_splits(cnn_split_folders *splits, cnn_layout *layout) {
    layout->train = splits->path[CNN_SPLIT_TRAIN];
    layout->validation = splits->path[CNN_SPLIT_VALIDATION];
    layout->test = splits->path[CNN_SPLIT_TEST];
    *splits = (cnn_split_folders){0};
}

/* Replaces a path that was found by one that was chosen. */
static cnn_status choose_path(const char *chosen, char **path, cnn_error *error) {
    if (chosen) {
        cnn_free(*path);
        *path = cnn_copy_string(chosen);
    }
    return !chosen || *path ? CNN_OK : cnn_fail_memory(error, "a path");
}

static cnn_status find_layout(const char *path, const cnn_data_settings *chosen,
                              const cnn_log_sink *log, cnn_layout *layout, cnn_error *error) {
    cnn_split_folders splits = {0};
    bool is_folder;
    CNN_TRY(cnn_folder_look(path, CNN_ERROR_DATA, &is_folder, error));
    cnn_status status =
        is_folder ? cnn_split_folders_find(NULL, path, chosen->classes, log, &splits, error)
                  : CNN_OK;
    if (status == CNN_OK) {
        take_splits(&splits, layout);
    }
    cnn_split_folders_free(&splits);
    CNN_TRY(status);
    if (!layout->train) {
        layout->train = cnn_copy_string(path);
    }
    CNN_TRY(choose_path(chosen->validation.path, &layout->validation, error));
    CNN_TRY(choose_path(chosen->test, &layout->test, error));
    return layout->train ? CNN_OK : cnn_fail_memory(error, "a path");
}

/* --- the images --- */

/* The properties of one image. */
typedef struct look {
    int width, height;
    bool colour;
    uint64_t content;
} look;

/* All images. */
typedef struct image_list {
    cnn_sample_list list;
    look *each; /* [list.count] */
    cnn_containers *containers;
    cnn_hidden *hidden;
    char **reasons; /* [list.count]: why an image is unreadable; NULL if it is readable */
} image_list;

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

/* A cnn_read_image. */
static cnn_status look_at(void *context, size_t i, int thread, cnn_error *error) {
    (void)thread;
    const image_list *all = context;
    look *seen = &all->each[i];
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = MEGAPIXELS_MAX};
    CNN_TRY(cnn_image_read_from(all->containers, all->list.samples[i].path, &limit, &image, error));
    seen->width = image.width;
    seen->height = image.height;
    seen->colour = has_colour(&image);
    cnn_status status = cnn_image_content(&image, &seen->content, error);
    if (status == CNN_OK) {
        status = cnn_hidden_look(all->hidden, &image, error);
    }
    cnn_image_release(&image);
    return status;
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
static void drop_unreadable(image_list *all, const cnn_log_sink *log, cnn_survey *survey) {
    for (size_t i = 0; i < all->list.count; i++) {
        cnn_sample *sample = &all->list.samples[i];
        if (all->reasons[i]) {
            cnn_log_message(log, CNN_LOG_WARNING, "%s: %s", sample->path, all->reasons[i]);
            survey->unreadable++;
            cnn_free(sample->path);
            cnn_free(sample->group);
        } else {
            sample->content = all->each[i].content;
            all->each[survey->readable] = all->each[i];
            all->list.samples[survey->readable++] = *sample;
        }
    }
    all->list.count = survey->readable;
}

/* widths, heights: room for [survey->readable]. */
static void find_sizes(const look *each, int *widths, int *heights, cnn_survey *survey) {
    for (size_t i = 0; i < survey->readable; i++) {
        int w = each[i].width, h = each[i].height;
        int shorter = w < h ? w : h, longer = w < h ? h : w;
        widths[i] = w;
        heights[i] = h;
        survey->colour += each[i].colour;
        survey->smallest_side =
            i == 0 || shorter < survey->smallest_side ? shorter : survey->smallest_side;
        survey->largest_side = longer > survey->largest_side ? longer : survey->largest_side;
    }
    survey->width = median(widths, survey->readable);
    survey->height = median(heights, survey->readable);
}

static cnn_status measure_sizes(const look *each, cnn_survey *survey, cnn_error *error) {
    int *widths = cnn_alloc(survey->readable, sizeof *widths);
    int *heights = cnn_alloc(survey->readable, sizeof *heights);
    bool complete = widths && heights;
    if (complete) {
        find_sizes(each, widths, heights, survey);
    }
    cnn_free(widths);
    cnn_free(heights);
    return complete ? CNN_OK : cnn_fail_memory(error, "the sizes of images");
}

/* Counts the images of each class and split, and the copies that training leaves out. sharing: room
 * for [list->count]. */
static cnn_status count_each(const cnn_sample_list *list, cnn_sharing *sharing, cnn_survey *survey,
                             cnn_error *error) {
    CNN_TRY(cnn_duplicates_find(list->samples, list->count, sharing, error));
    for (size_t i = 0; i < list->count; i++) {
        const cnn_sample *sample = &list->samples[i];
        if ((sharing[i].shared & CNN_COPY_LEFT_OUT) == 0) {
            survey->images[sample->split][sample->label]++;
        } else if (sharing[i].shared & CNN_COPY_OTHER_LABEL) {
            survey->two_labels++;
        } else {
            survey->two_splits++;
        }
    }
    return CNN_OK;
}

static cnn_status count_samples(const cnn_sample_list *list, cnn_survey *survey, cnn_error *error) {
    cnn_sharing *sharing = cnn_alloc(list->count, sizeof *sharing);
    cnn_status status =
        sharing ? count_each(list, sharing, survey, error) : cnn_fail_memory(error, "the images");
    cnn_free(sharing);
    return status;
}

static cnn_status examine(const cnn_common_options *options, image_list *all, cnn_survey *survey,
                          cnn_error *error) {
    all->containers = cnn_containers_create();
    if (!all->containers) {
        return cnn_fail_memory(error, "the images");
    }
    cnn_status status =
        cnn_read_images(&all->list, options, all->containers, look_at, all, all->reasons, error);
    cnn_containers_free(all->containers);
    CNN_TRY(status);
    drop_unreadable(all, &options->log, survey);
    if (survey->readable == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: expected images, found %zu unreadable files",
                        survey->layout.train, survey->unreadable);
    }
    CNN_TRY(measure_sizes(all->each, survey, error));
    CNN_TRY(count_samples(&all->list, survey, error));
    for (int label = 0; label < 2; label++) {
        if (survey->images[CNN_SPLIT_TRAIN][label] == 0) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "%s: expected images of both classes to train on, found none of "
                            "\"%s\"",
                            survey->layout.train, survey->classes[label]);
        }
    }
    return CNN_OK;
}

static cnn_status look_at_all(const cnn_common_options *options, image_list *all,
                              cnn_survey *survey, cnn_error *error) {
    size_t count = all->list.count;
    all->each = cnn_alloc(count, sizeof *all->each);
    all->reasons = cnn_alloc(count, sizeof *all->reasons);
    cnn_status status = all->each && all->reasons ? examine(options, all, survey, error)
                                                  : cnn_fail_memory(error, "the images");
    for (size_t i = 0; all->reasons && i < count; i++) {
        cnn_free(all->reasons[i]);
    }
    cnn_free(all->each);
    cnn_free(all->reasons);
    return status;
}

cnn_status cnn_survey_make(const char *path, const cnn_data_settings *chosen,
                           const cnn_common_options *options, cnn_survey *survey,
                           cnn_error *error) {
    image_list all = {.hidden = &survey->hidden};
    *survey = (cnn_survey){0};
    CNN_TRY(cnn_hidden_start(&survey->hidden, error));
    CNN_TRY(find_layout(path, chosen, &options->log, &survey->layout, error));
    const cnn_data_settings places = {.classes = {chosen->classes[0], chosen->classes[1]},
                                      .train = survey->layout.train,
                                      .validation = {.path = survey->layout.validation},
                                      .test = survey->layout.test};
    cnn_status status = cnn_dataset_list(&places, cnn_setup_threads(options->threads),
                                         &options->log, survey->classes, &all.list, error);
    cnn_sample_list_log_folders(&all.list, survey->classes, &options->log);
    survey->other_labels = all.list.other_labels;
    if (status == CNN_OK) {
        status = look_at_all(options, &all, survey, error);
    }
    cnn_sample_list_free(&all.list);
    return status;
}

void cnn_survey_free(cnn_survey *survey) {
    cnn_free(survey->layout.train);
    cnn_free(survey->layout.validation);
    cnn_free(survey->layout.test);
    cnn_free(survey->classes[0]);
    cnn_free(survey->classes[1]);
    cnn_hidden_free(&survey->hidden);
    *survey = (cnn_survey){0};
}
