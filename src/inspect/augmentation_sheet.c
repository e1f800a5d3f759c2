/* The contact sheet of --show-augmented: some training images as augmentation changes them. */
#include "inspect/augmentation_sheet.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
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
    const cnn_sheet_source *source;
    cnn_augment_shape shape;
    int factor;                  /* every pixel becomes factor x factor … */
    int divisor;                 /* … and divisor x divisor of these one; one of both is 1 */
    int tile_width, tile_height; /* in pixels of the sheet */
    cnn_augmented_sheet *sheet;
} drawing;

/* The pixel of a tile at (x, y), from a plane of the image. */
static uint8_t tile_pixel(const drawing *d, const uint8_t *plane, int x, int y) {
    int left = x * d->divisor / d->factor, top = y * d->divisor / d->factor;
    unsigned sum = 0;
    for (int row = top; row < top + d->divisor; row++) {
        for (int column = left; column < left + d->divisor; column++) {
            sum += plane[(size_t)row * (size_t)d->shape.width + (size_t)column];
        }
    }
    unsigned count = (unsigned)(d->divisor * d->divisor);
    return (uint8_t)((sum + count / 2) / count);
}

/* Copies an image of [C][H][W] bytes to a tile of the sheet, whose pixels are interleaved. */
static void draw_tile(const drawing *d, const uint8_t *image, int row, int column) {
    size_t channels = (size_t)d->shape.channels;
    size_t plane = (size_t)d->shape.height * (size_t)d->shape.width;
    size_t top = (size_t)row * (size_t)(d->tile_height + GAP);
    size_t left = (size_t)column * (size_t)(d->tile_width + GAP);
    for (int y = 0; y < d->tile_height; y++) {
        uint8_t *to =
            d->sheet->pixels + ((top + (size_t)y) * (size_t)d->sheet->width + left) * channels;
        for (int x = 0; x < d->tile_width; x++) {
            for (size_t c = 0; c < channels; c++) {
                *to++ = tile_pixel(d, image + c * plane, x, y);
            }
        }
    }
}

/* changed: room for an image. */
static cnn_status draw_row(const drawing *d, int row, uint8_t *changed, cnn_error *error) {
    size_t place = (size_t)row * d->source->count / (size_t)d->sheet->rows;
    size_t sample;
    const uint8_t *image;
    CNN_TRY(d->source->get(d->source->context, place, &image, &sample, error));
    draw_tile(d, image, row, 0);
    for (int column = 1; column < COLUMNS; column++) {
        cnn_augmentation what;
        cnn_augment_draw(&d->config->augment, (uint64_t)d->config->train.seed, (uint64_t)column,
                         sample, &d->shape, image, &what);
        cnn_augment_image(&what, image, changed);
        draw_tile(d, changed, row, column);
    }
    return CNN_OK;
}

static cnn_status draw_rows(const drawing *d, uint8_t *changed, cnn_error *error) {
    for (int row = 0; row < d->sheet->rows; row++) {
        CNN_TRY(draw_row(d, row, changed, error));
    }
    return CNN_OK;
}

/* The sizes of tiles and of the sheet. */
static void measure(drawing *d, int largest) {
    const cnn_augment_shape *shape = &d->shape;
    int longer = shape->width > shape->height ? shape->width : shape->height;
    int shorter = shape->width > shape->height ? shape->height : shape->width;
    int divisor = largest > 0 ? (longer + largest - 1) / largest : 1;
    d->divisor = divisor < shorter ? divisor : shorter;
    d->factor = d->divisor == 1 ? (TILE_AT_LEAST + longer - 1) / longer : 1;
    d->tile_width = shape->width * d->factor / d->divisor;
    d->tile_height = shape->height * d->factor / d->divisor;
    d->sheet->channels = shape->channels;
    d->sheet->width = COLUMNS * (d->tile_width + GAP) - GAP;
    d->sheet->height = d->sheet->rows * (d->tile_height + GAP) - GAP;
}

cnn_status cnn_augmented_sheet_draw(const cnn_config *config, const cnn_sheet_source *source,
                                    int rows, int largest, cnn_augmented_sheet *sheet,
                                    cnn_error *error) {
    drawing d = {.config = config,
                 .source = source,
                 .shape = {.channels = (int)config->image.channels,
                           .height = (int)config->image.height,
                           .width = (int)config->image.width},
                 .sheet = sheet};
    *sheet =
        (cnn_augmented_sheet){.rows = (size_t)rows < source->count ? rows : (int)source->count};
    measure(&d, largest);
    size_t bytes = (size_t)sheet->width * (size_t)sheet->channels;
    uint8_t *changed = cnn_alloc(cnn_image_size(&config->image), 1);
    sheet->pixels = cnn_alloc((size_t)sheet->height, bytes);
    cnn_status status = CNN_OK;
    if (!changed || !sheet->pixels) {
        status = cnn_fail_memory(error, "the contact sheet");
    } else {
        memset(sheet->pixels, GAP_LEVEL, (size_t)sheet->height * bytes);
        status = draw_rows(&d, changed, error);
    }
    cnn_free(changed);
    return status;
}

void cnn_augmented_sheet_free(cnn_augmented_sheet *sheet) {
    cnn_free(sheet->pixels);
    cnn_free(sheet->path);
    *sheet = (cnn_augmented_sheet){0};
}

/* The images of a dataset. */
static cnn_status get_from_dataset(void *context, size_t place, const uint8_t **pixels,
                                   size_t *sample, cnn_error *error) {
    const cnn_dataset *dataset = context;
    (void)error;
    *sample = dataset->split[CNN_SPLIT_TRAIN][place];
    *pixels = cnn_dataset_pixels(dataset, *sample);
    return CNN_OK;
}

static cnn_status show(const cnn_config *config, const cnn_augmented_sheet_options *options,
                       cnn_dataset *dataset, cnn_augmented_sheet *sheet, cnn_error *error) {
    const char *folder = options->output ? options->output : config->output;
    const cnn_sheet_source source = {.count = dataset->split_count[CNN_SPLIT_TRAIN],
                                     .get = get_from_dataset,
                                     .context = dataset};
    if (!cnn_augment_is_on(&config->augment)) {
        cnn_log_message(&options->common.log, CNN_LOG_WARNING,
                        "the config turns no augmentation on: every image is unchanged");
    }
    CNN_TRY(cnn_augmented_sheet_draw(config, &source, options->images, 0, sheet, error));
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
