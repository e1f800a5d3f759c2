#include "report/augmentation_picture.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/jpeg_encode.h"
#include "image/load.h"
#include "inspect/augmentation_sheet.h"
#include "report/data_uri.h"

#include "cnn/png.h"

#include <string.h>

/* A page with them has at most 200 kB more: sheets of 900 by 400 pixels. */
enum { ROWS = 3, LARGEST = 112 };

/* Images that are read from their files. */
typedef struct files {
    const cnn_report_run *run;
    cnn_image_buffers *buffers;
    uint8_t *pixels; /* of one image */
} files;

static cnn_status get_from_file(void *context, size_t place, const uint8_t **pixels, size_t *sample,
                                cnn_error *error) {
    files *f = context;
    *sample = f->run->train_rows[place];
    *pixels = f->pixels;
    return cnn_image_load(f->run->train_paths[place], &f->run->seen, f->buffers, f->pixels, NULL,
                          error);
}

/* --- the picture as a file --- */

/* Enlarged pixels, which JPEG blurs, take few bytes as PNG. */
enum { ENLARGED = 48 };

static bool is_enlarged(const cnn_image_settings *seen) {
    return seen->width <= ENLARGED && seen->height <= ENLARGED;
}

static cnn_status write_jpeg(cnn_html *html, const cnn_augmented_sheet *sheet,
                             const char *alternative, cnn_error *error) {
    size_t size, pixels = (size_t)sheet->width * (size_t)sheet->height;
    uint8_t *bytes, *colours = cnn_alloc(pixels, 3);
    if (!colours) {
        return cnn_fail_memory(error, "a picture");
    }
    for (size_t i = 0; i < 3 * pixels; i++) {
        colours[i] = sheet->pixels[sheet->channels == 3 ? i : i / 3];
    }
    cnn_status status = cnn_jpeg_encode(sheet->height, sheet->width, colours, &bytes, &size, error);
    if (status == CNN_OK) {
        cnn_html_picture(html, "image/jpeg", bytes, size, sheet->width, sheet->height, alternative);
        cnn_free(bytes);
    }
    cnn_free(colours);
    return status;
}

static cnn_status write_png(cnn_html *html, const cnn_augmented_sheet *sheet,
                            const char *alternative, cnn_error *error) {
    size_t size;
    uint8_t *bytes;
    CNN_TRY(cnn_png_encode(sheet->channels, sheet->height, sheet->width, sheet->pixels, &bytes,
                           &size, error));
    cnn_html_picture(html, "image/png", bytes, size, sheet->width, sheet->height, alternative);
    cnn_png_free(bytes);
    return CNN_OK;
}

/* --- */

static cnn_status write_sheet(cnn_html *html, const cnn_report_run *run,
                              const cnn_augmented_sheet *sheet, cnn_error *error) {
    static const char alternative[] =
        "A row for each of some training images: first unchanged, then as augmentation changes it "
        "in the first epochs.";
    cnn_html_begin(html, "figure");
    CNN_TRY(is_enlarged(&run->seen) ? write_png(html, sheet, alternative, error)
                                    : write_jpeg(html, sheet, alternative, error));
    cnn_html_element(
        html, "figcaption",
        "Some training images, a row each: first unchanged, then as in epochs 1 to 7.");
    cnn_html_end(html);
    return CNN_OK;
}

static cnn_status draw(cnn_html *html, files *f, cnn_error *error) {
    const cnn_report_run *run = f->run;
    const size_t *images = run->split_images[CNN_SPLIT_TRAIN];
    const cnn_sheet_source source = {
        .count = images[0] + images[1], .get = get_from_file, .context = f};
    cnn_augmented_sheet sheet;
    f->pixels = cnn_alloc(cnn_image_size(&run->seen), 1);
    if (!f->pixels) {
        return cnn_fail_memory(error, "a picture");
    }
    cnn_status status =
        cnn_augmented_sheet_draw(run->config, &source, ROWS, LARGEST, &sheet, error);
    if (status == CNN_OK) {
        status = write_sheet(html, run, &sheet, error);
    } else if (status == CNN_ERROR_DATA) {
        cnn_html_element_format(html, "p",
                                "The images cannot be shown: one of them could not be "
                                "read (%s).",
                                error->message);
        status = CNN_OK;
    }
    cnn_augmented_sheet_free(&sheet);
    return status;
}

cnn_status cnn_augmentation_picture(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_run *run = report->run;
    files f = {.run = run};
    if (report->set || !run->train_paths || !cnn_augment_is_on(&run->config->augment)) {
        return CNN_OK;
    }
    cnn_html_element(html, "h3", "Augmentation");
    CNN_TRY(cnn_image_buffers_create(1, &f.buffers, error));
    cnn_status status = draw(html, &f, error);
    cnn_free(f.pixels);
    cnn_image_buffers_free(f.buffers, 1);
    return status;
}
