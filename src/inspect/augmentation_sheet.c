/* The contact sheet of --show-augmented: some training images as augmentation changes them. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cnn/inspect.h"
#include "run/directory.h"
#include "run/setup.h"

#include <string.h>

enum {
    COLUMNS = 8,        /* the image, then epochs 1 … 7 */
    GAP = 4,            /* pixels between tiles */
    GAP_LEVEL = 128,    /* neither black nor white */
    TILE_AT_LEAST = 96, /* least pixels of the longer side of a tile */
};

/* One sheet that is being drawn. */
typedef struct drawing {
    const cnn_config *config;
    const cnn_dataset *dataset;
    cnn_augment_shape shape;
    int factor; /* every pixel becomes factor x factor */
    cnn_augmented_sheet *sheet;
} drawing;

/* Copies an image of [C][H][W] bytes to a tile of the sheet, whose pixels are interleaved. */
static void draw_tile(const drawing *d, const uint8_t *image, int row, int column) {
    const cnn_augment_shape *shape = &d->shape;
    size_t channels = (size_t)shape->channels, plane = (size_t)shape->height * (size_t)shape->width;
    size_t top = (size_t)row * (size_t)(shape->height * d->factor + GAP);
    size_t left = (size_t)column * (size_t)(shape->width * d->factor + GAP);
    for (int y = 0; y < shape->height * d->factor; y++) {
        const uint8_t *from = image + (size_t)(y / d->factor) * (size_t)shape->width;
        uint8_t *to =
            d->sheet->pixels + ((top + (size_t)y) * (size_t)d->sheet->width + left) * channels;
        for (int x = 0; x < shape->width * d->factor; x++) {
            for (size_t c = 0; c < channels; c++) {
                *to++ = from[c * plane + (size_t)(x / d->factor)];
            }
        }
    }
}

/* changed: room for an image. */
static void draw_row(const drawing *d, int row, uint8_t *changed) {
    const cnn_dataset *dataset = d->dataset;
    size_t images = dataset->split_count[CNN_SPLIT_TRAIN];
    size_t place = (size_t)row * images / (size_t)d->sheet->rows;
    size_t sample = dataset->split[CNN_SPLIT_TRAIN][place];
    const uint8_t *image = cnn_dataset_pixels(dataset, sample);
    draw_tile(d, image, row, 0);
    for (int column = 1; column < COLUMNS; column++) {
        cnn_augmentation what;
        cnn_augment_draw(&d->config->augment, (uint64_t)d->config->train.seed, (uint64_t)column,
                         sample, &d->shape, image, &what);
        cnn_augment_image(&what, image, changed);
        draw_tile(d, changed, row, column);
    }
}

static cnn_status draw_sheet(drawing *d, cnn_error *error) {
    const cnn_augment_shape *shape = &d->shape;
    cnn_augmented_sheet *sheet = d->sheet;
    int longer = shape->width > shape->height ? shape->width : shape->height;
    d->factor = (TILE_AT_LEAST + longer - 1) / longer;
    sheet->channels = shape->channels;
    sheet->width = COLUMNS * (shape->width * d->factor + GAP) - GAP;
    sheet->height = sheet->rows * (shape->height * d->factor + GAP) - GAP;
    uint8_t *changed = cnn_alloc(d->dataset->image_size, 1);
    sheet->pixels =
        cnn_alloc((size_t)sheet->height, (size_t)sheet->width * (size_t)sheet->channels);
    if (!changed || !sheet->pixels) {
        cnn_free(changed);
        return cnn_fail_memory(error, "the contact sheet");
    }
    memset(sheet->pixels, GAP_LEVEL,
           (size_t)sheet->height * (size_t)sheet->width * (size_t)sheet->channels);
    for (int row = 0; row < sheet->rows; row++) {
        draw_row(d, row, changed);
    }
    cnn_free(changed);
    return CNN_OK;
}

void cnn_augmented_sheet_free(cnn_augmented_sheet *sheet) {
    cnn_free(sheet->pixels);
    cnn_free(sheet->path);
    *sheet = (cnn_augmented_sheet){0};
}

static cnn_status show(const cnn_config *config, const cnn_augmented_sheet_options *options,
                       const cnn_dataset *dataset, cnn_augmented_sheet *sheet, cnn_error *error) {
    const char *folder = options->output ? options->output : config->output;
    size_t there = dataset->split_count[CNN_SPLIT_TRAIN];
    drawing d = {.config = config,
                 .dataset = dataset,
                 .shape = {.channels = (int)config->image.channels,
                           .height = (int)config->image.height,
                           .width = (int)config->image.width},
                 .sheet = sheet};
    sheet->rows = (size_t)options->images < there ? options->images : (int)there;
    if (!cnn_augment_is_on(&config->augment)) {
        cnn_log_message(&options->common.log, CNN_LOG_WARNING,
                        "the config turns no augmentation on: every image is unchanged");
    }
    CNN_TRY(draw_sheet(&d, error));
    sheet->path = cnn_path_join(folder ? folder : "", CNN_AUGMENTED_SHEET);
    if (!sheet->path) {
        return cnn_fail_memory(error, "a path");
    }
    return folder ? cnn_folder_make(folder, error) : CNN_OK;
}

cnn_status cnn_show_augmented(const cnn_config *config, const cnn_augmented_sheet_options *options,
                              cnn_augmented_sheet *sheet, cnn_error *error) {
    cnn_setup setup;
    *sheet = (cnn_augmented_sheet){0};
    cnn_config seen = *config; /* a view whose images are pixels, not features */
    seen.pretrained.train = CNN_PRETRAINED_ALL;
    cnn_status status = cnn_setup_create(&seen, &options->common, CNN_NETWORK_FAST, &setup, error);
    if (status == CNN_OK) {
        status = show(config, options, setup.dataset, sheet, error);
    }
    if (status != CNN_OK) {
        cnn_augmented_sheet_free(sheet);
    }
    cnn_setup_free(&setup);
    return status;
}
