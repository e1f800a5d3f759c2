/* Reads JPEG images with libjpeg-turbo, with the settings of Pillow, which gives the same pixels.
 */
#include "base/error.h"
#include "base/memory.h"
#include "image/exif.h"
#include "image/jpeg_input.h"
#include "image/reader.h"

static bool recognises(const uint8_t *bytes, size_t size) {
    return size >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8;
}

/* Grey or RGB, into the image. */
static void read_rows(struct jpeg_decompress_struct *info, cnn_image *image) {
    enum { ROWS = 16 };
    size_t row_bytes = (size_t)image->width * (size_t)image->channels;
    while (info->output_scanline < info->output_height) {
        JSAMPROW rows[ROWS];
        JDIMENSION count = 0;
        for (; count < ROWS && info->output_scanline + count < info->output_height; count++) {
            rows[count] = image->pixels + (info->output_scanline + count) * row_bytes;
        }
        (void)jpeg_read_scanlines(info, rows, count);
    }
}

/* ink[count][4]: the parts of cyan, magenta, yellow and black that do not cover the paper, 0 to
 * 255. In Pillow, a file with four components always holds these (rawmode "CMYK;I"), and this is
 * how it converts them ("CMYK" to "RGB"): (255 − black) − colour × (255 − black) / 255. */
static void convert_ink(const uint8_t *ink, size_t count, uint8_t *rgb) {
    for (size_t i = 0; i < count; i++, ink += 4, rgb += 3) {
        for (size_t c = 0; c < 3; c++) {
            unsigned covered = (255U - ink[c]) * ink[3] + 128;
            covered = ((covered >> 8) + covered) >> 8; /* divided by 255 and rounded */
            rgb[c] = (uint8_t)(ink[3] - covered);
        }
    }
}

static void read_ink(struct jpeg_decompress_struct *info, cnn_image *image) {
    size_t width = (size_t)image->width;
    JSAMPARRAY rows = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE,
                                              4 * info->output_width, 1); /* libjpeg frees it */
    while (info->output_scanline < info->output_height) {
        uint8_t *rgb = image->pixels + 3 * width * info->output_scanline;
        (void)jpeg_read_scanlines(info, rows, 1);
        convert_ink(rows[0], width, rgb);
    }
}

typedef struct request {
    const cnn_pixel_limit *limit;
    cnn_image *image;
} request;

/* The step of cnn_jpeg_run. */
static cnn_status decode(cnn_jpeg *jpeg, void *context) {
    const request *wanted = context;
    cnn_image *image = wanted->image;
    struct jpeg_decompress_struct *info = &jpeg->info;
    cnn_jpeg_read_header(jpeg);
    int components = info->num_components;
    if (components != 1 && components != 3 && components != 4) {
        return cnn_fail(jpeg->error, CNN_ERROR_DATA,
                        "expected a JPEG of 1, 3 or 4 components, found %d", components);
    }
    image->width = (int)info->image_width;
    image->height = (int)info->image_height;
    image->channels = components == 1 ? 1 : 3;
    image->orientation =
        cnn_exif_or_xmp_orientation(jpeg->exif, jpeg->exif_size, jpeg->xmp, jpeg->xmp_size);
    CNN_TRY(cnn_image_check_size(image->width, image->height, wanted->limit, jpeg->error));
    if (image->header_only) {
        return CNN_OK;
    }
    image->pixels =
        cnn_alloc((size_t)image->width * (size_t)image->height, (size_t)image->channels);
    if (!image->pixels) {
        return cnn_fail_memory(jpeg->error, "an image");
    }
    CNN_TRY(cnn_jpeg_start(jpeg));
    if (components == 4) {
        read_ink(info, image);
    } else {
        read_rows(info, image);
    }
    return CNN_OK; /* what follows the pixels is not part of the image */
}

static cnn_status read_jpeg(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                            cnn_image *image, cnn_error *error) {
    cnn_jpeg jpeg = {.bytes = bytes, .size = size, .error = error};
    request wanted = {.limit = limit, .image = image};
    cnn_status status = cnn_jpeg_run(&jpeg, decode, &wanted);
    cnn_jpeg_release(&jpeg);
    return status;
}

const cnn_image_reader cnn_jpeg_reader = {.name = "JPEG",
                                          .extensions = "jpg jpeg jpe jfif ",
                                          .recognises = recognises,
                                          .read = read_jpeg,
                                          .version = cnn_jpeg_version};
