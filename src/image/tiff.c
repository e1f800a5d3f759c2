/* Reads TIFF images, with libtiff: the first image of a file. */
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "image/exif.h"
#include "image/reader.h"
#include "image/tiff_layout.h"

#include <errno.h>
#include <string.h>

static bool recognises(const uint8_t *bytes, size_t size) {
    static const char *const signatures[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (size_t i = 0; size >= 4 && i < sizeof signatures / sizeof *signatures; i++) {
        if (memcmp(bytes, signatures[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

/* --- samples --- */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* cnn_alloc, which leaves errno as it is. */
static void *take(size_t count, size_t size) {
    int before = errno;
    void *memory = cnn_alloc(count, size);
    errno = before;
    return memory;
}

/* Reads the block at column x and row y of a plane, and unpacks it to samples[height][width][kept].
 */
static cnn_status read_block(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                             size_t x, size_t y, size_t plane, uint8_t *block, uint8_t *samples,
                             cnn_error *error) {
    const cnn_tiff_kind *kind = &l->kind;
    size_t rows = smaller(l->block_height, l->height - y);
    size_t columns = smaller(l->block_width, l->width - x);
    size_t size = (l->tiled ? l->block_height : rows) * l->row_bytes;
    size_t index =
        (plane * cnn_tiff_blocks_down(l) + y / l->block_height) * cnn_tiff_blocks_across(l) +
        x / l->block_width;
    tmsize_t got = l->tiled ? TIFFReadEncodedTile(tiff, (uint32_t)index, block, (tmsize_t)size)
                            : TIFFReadEncodedStrip(tiff, (uint32_t)index, block, (tmsize_t)size);
    if (got != (tmsize_t)size || s->message[0]) {
        return cnn_tiff_fail(s, "its data end too early", error);
    }
    size_t bytes = (size_t)kind->kept * (cnn_tiff_is_wide(kind) ? 2 : 1); /* of a pixel */
    for (size_t r = 0; r < rows; r++) {
        cnn_tiff_unpack(kind, block + r * l->row_bytes, columns, l->planar ? 1 : l->samples,
                        l->planar ? 1 : (size_t)kind->kept, plane,
                        samples + ((y + r) * l->width + x) * bytes);
    }
    return CNN_OK;
}

static cnn_status read_samples(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                               uint8_t *block, uint8_t *samples, cnn_error *error) {
    size_t planes = l->planar ? (size_t)l->kind.kept : 1;
    for (size_t plane = 0; plane < planes; plane++) {
        for (size_t y = 0; y < l->height; y += l->block_height) {
            for (size_t x = 0; x < l->width; x += l->block_width) {
                CNN_TRY(read_block(tiff, s, l, x, y, plane, block, samples, error));
            }
        }
    }
    return CNN_OK;
}

/* Are the samples of 16 bits those of the image? CMYK is converted in 8 bits, and so are colours
 * that are multiplied by alpha. */
static bool keeps_values(const cnn_tiff_kind *kind) {
    return (kind->colours == CNN_TIFF_GREY || kind->colours == CNN_TIFF_RGB) &&
           kind->alpha != CNN_TIFF_PREMULTIPLIED && kind->kept == cnn_tiff_channels(kind);
}

/* Inverts grey whose 0 is white. Alpha is not changed. */
static void keep_values(const cnn_tiff_kind *kind, uint16_t *samples, size_t count) {
    for (size_t i = 0; i < count && kind->white_is_zero; i += (size_t)kind->kept) {
        samples[i] = (uint16_t)(65535 - samples[i]);
    }
}

/* Reads the samples and converts them to image->pixels, and image->samples. */
static cnn_status read_pixels(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                              cnn_image *image, cnn_error *error) {
    const cnn_tiff_kind *kind = &l->kind;
    size_t pixels = l->width * l->height;
    image->pixels = take(pixels, (size_t)image->channels);
    uint8_t *block = take(l->block_height, l->row_bytes);
    bool in_place = kind->kept == image->channels && !image->deep;
    uint8_t *samples =
        in_place ? image->pixels : take(pixels, (size_t)kind->kept * (image->deep ? 2 : 1));
    cnn_status status = image->pixels && block && samples
                            ? read_samples(tiff, s, l, block, samples, error)
                            : cnn_fail_memory(error, "decoding an image");
    if (status == CNN_OK) {
        cnn_tiff_to_pixels(kind, samples, pixels, image->pixels);
        if (image->deep && keeps_values(kind)) {
            keep_values(kind, (uint16_t *)(void *)samples, pixels * (size_t)kind->kept);
            image->samples = (uint16_t *)(void *)samples;
            samples = NULL;
        }
    }
    cnn_free(block);
    cnn_free(in_place ? NULL : samples);
    return status;
}

/* Lets libtiff convert YCbCr that is not compressed as JPEG, whose samples have several forms. */
static cnn_status read_by_libtiff(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                                  uint32_t *raster, uint8_t *pixels, cnn_error *error) {
    TIFFRGBAImage decoder;
    char reason[1024] = "";
    const int stop = 1; /* at the first error */
    if (!TIFFRGBAImageBegin(&decoder, tiff, stop, reason)) {
        return cnn_tiff_fail(s, reason, error);
    }
    decoder.req_orientation = decoder.orientation; /* as the file stores it */
    int read = TIFFRGBAImageGet(&decoder, raster, (uint32_t)l->width, (uint32_t)l->height);
    TIFFRGBAImageEnd(&decoder);
    if (!read || s->message[0]) {
        return cnn_tiff_fail(s, "its data end too early", error);
    }
    for (size_t i = 0; i < l->width * l->height; i++, pixels += 3) {
        pixels[0] = (uint8_t)TIFFGetR(raster[i]);
        pixels[1] = (uint8_t)TIFFGetG(raster[i]);
        pixels[2] = (uint8_t)TIFFGetB(raster[i]);
    }
    return CNN_OK;
}

static cnn_status read_ycbcr(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                             cnn_image *image, cnn_error *error) {
    size_t pixels = l->width * l->height;
    image->pixels = take(pixels, 3);
    uint32_t *raster = take(pixels, sizeof *raster);
    cnn_status status = image->pixels && raster
                            ? read_by_libtiff(tiff, s, l, raster, image->pixels, error)
                            : cnn_fail_memory(error, "decoding an image");
    cnn_free(raster);
    return status;
}

/* libtiff takes memory by itself: for the description of an image and for tables, … */
#define LIBTIFF_MEMORY ((size_t)1 << 20)

/* … and for the coded data of a block, the coefficients of a JPEG (up to 2 bytes a sample), and a
 * block that it converts. Reads the pixels if the memory limit allows that. */
static cnn_status read_counted(TIFF *tiff, cnn_tiff_source *s, const cnn_tiff_layout *l,
                               size_t largest, cnn_image *image, cnn_error *error) {
    size_t block = l->block_height * l->row_bytes;
    bool whole_block = l->by_libtiff || l->compression == COMPRESSION_JPEG;
    size_t memory = largest + (whole_block ? 2 * block : 0);
    int before = errno;
    if (!cnn_memory_claim(memory)) {
        return cnn_fail_memory(error, "decoding an image");
    }
    errno = before;
    s->message[0] = '\0'; /* so far, errors were about tags that are ignored */
    cnn_status status = l->by_libtiff ? read_ycbcr(tiff, s, l, image, error)
                                      : read_pixels(tiff, s, l, image, error);
    cnn_memory_return(memory);
    return status;
}

/* As in other formats, XMP data count if the file itself states no orientation. */
static int read_orientation(TIFF *tiff) {
    uint16_t orientation;
    uint32_t size = 0;
    uint8_t *xmp = NULL;
    if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation)) {
        return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    return TIFFGetField(tiff, TIFFTAG_XMLPACKET, &size, &xmp)
               ? cnn_exif_or_xmp_orientation(NULL, 0, xmp, size)
               : 1;
}

static cnn_status read_image(TIFF *tiff, cnn_tiff_source *s, const cnn_pixel_limit *limit,
                             cnn_image *image, cnn_error *error) {
    cnn_tiff_layout l;
    size_t largest = 0;
    CNN_TRY(cnn_tiff_read_layout(tiff, s, &l, error));
    image->width = (int)l.width;
    image->height = (int)l.height;
    CNN_TRY(cnn_image_check_size(image->width, image->height, limit, error));
    image->orientation = read_orientation(tiff);
    l.by_libtiff = l.photometric == PHOTOMETRIC_YCBCR && l.samples > 1;
    if (l.by_libtiff && l.compression == COMPRESSION_JPEG && !l.planar) {
        (void)TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        l.by_libtiff = false;
    }
    CNN_TRY(cnn_tiff_read_blocks(tiff, s, &l, error));
    CNN_TRY(cnn_tiff_check_blocks(tiff, s, &l, &largest, error));
    image->channels = l.by_libtiff ? 3 : cnn_tiff_channels(&l.kind);
    image->deep = !l.by_libtiff && cnn_tiff_is_wide(&l.kind);
    if (image->header_only) {
        return CNN_OK;
    }
    return read_counted(tiff, s, &l, largest, image, error);
}

static cnn_status read_tiff(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                            cnn_image *image, cnn_error *error) {
    cnn_tiff_source s = {.bytes = bytes, .size = size};
    TIFF *tiff = NULL;
    if (!cnn_memory_claim(LIBTIFF_MEMORY)) {
        return cnn_fail_memory(error, "decoding an image");
    }
    errno = 0;
    cnn_status status = cnn_tiff_open(&s, limit, &tiff, error);
    if (status == CNN_OK) {
        status = read_image(tiff, &s, limit, image, error);
    }
    bool refused = errno == ENOMEM; /* whatever libtiff made of it: tiff_file.h */
    if (tiff) {
        TIFFClose(tiff);
    }
    cnn_memory_return(LIBTIFF_MEMORY);
    return refused ? cnn_fail_memory(error, "decoding an image") : status;
}

static uint64_t version(void) {
    const char *text = TIFFGetVersion();
    return cnn_xxh3_64(text, strlen(text));
}

const cnn_image_reader cnn_tiff_reader = {.name = "TIFF",
                                          .extensions = "tif tiff ",
                                          .recognises = recognises,
                                          .read = read_tiff,
                                          .version = version};
