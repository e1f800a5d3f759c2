/* Reads BMP images: of Windows and OS/2, uncompressed or run-length coded, also without the file
 * header ("DIB"). */
#include "base/error.h"
#include "base/memory.h"
#include "image/bit_fields.h"
#include "image/reader.h"

#include <string.h>

enum { FILE_HEADER = 14, OLD_HEADER = 12, USUAL_HEADER = 40, HEADER_MAX = 124, PALETTE_MAX = 256 };
enum { RLE_8 = 1, RLE_4 = 2, BIT_FIELDS = 3, ALPHA_BIT_FIELDS = 6 }; /* values of `compression` */

typedef struct bmp_header {
    int width, height; /* at most SIDE_MAX */
    bool top_down;     /* the first row in the file is the top one */
    int bits;          /* of a pixel: 1, 2, 4 or 8, an index into the palette; 16, 24 or 32 */
    uint32_t compression;
    cnn_bit_fields fields; /* of 16 bits and more */
    size_t palette;        /* its offset in the file */
    size_t entries, entry; /* of the palette: how many, and the bytes of one */
    size_t begin;          /* offset of the pixels */
} bmp_header;

/* An image with a larger side exceeds any limit. */
#define SIDE_MAX (1U << 24)

/* Is this the size of a header of OS/2 or Windows that is read? */
static bool is_header_size(uint32_t size) {
    return size == OLD_HEADER || size == 16 || size == USUAL_HEADER || size == 52 || size == 56 ||
           size == 64 || size == 108 || size == HEADER_MAX;
}

/* "BM" or, without the file header, the size of a header, and 1 where it has the planes. */
static bool recognises(const uint8_t *bytes, size_t size) {
    if (size < 2 || memcmp(bytes, "BM", 2) == 0) {
        return size >= 2;
    }
    uint32_t header = size >= 16 ? cnn_little_endian(bytes, 4) : 0;
    return is_header_size(header) &&
           cnn_little_endian(bytes + (header == OLD_HEADER ? 8 : 12), 2) == 1;
}

/* --- header --- */

static cnn_status fail_cut(const char *what, size_t needed, size_t at, size_t size,
                           cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA,
                    "the BMP file is cut short: expected %zu bytes of %s at byte %zu, found %zu",
                    needed, what, at, size > at ? size - at : 0);
}

static bool is_run_length_coded(const bmp_header *header) {
    return header->compression == RLE_8 || header->compression == RLE_4;
}

static bool has_masks(const bmp_header *header) {
    return header->compression == BIT_FIELDS || header->compression == ALPHA_BIT_FIELDS;
}

static cnn_status check_kind(const bmp_header *header, cnn_error *error) {
    int bits = header->bits;
    bool indexed = bits == 1 || bits == 2 || bits == 4 || bits == 8;
    bool direct = bits == 16 || bits == 24 || bits == 32;
    if (header->compression == 0
            ? indexed || direct
            : (is_run_length_coded(header) && indexed) || (has_masks(header) && direct)) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    "expected a BMP file of 1, 2, 4, 8, 16, 24 or 32 bits per pixel with the "
                    "compression 0, 1 or 2 (up to 8 bits), 3 or 6 (from 16 bits), found %d bits "
                    "with the compression %u%s",
                    bits, header->compression,
                    header->compression == 4   ? " (JPEG)"
                    : header->compression == 5 ? " (PNG)"
                                               : "");
}

/* Reads a header of `size` bytes at info: its size (4), and with 12 bytes, width (2), height (2),
 * planes (2), bits (2); or with more, width (4), height (4), planes (2), bits (2), compression (4),
 * 12 bytes, colours (4), 4 bytes, masks of red, green, blue, alpha (4 each). What a shorter one
 * lacks is 0 there. */
static cnn_status read_fields(const uint8_t info[HEADER_MAX], uint32_t size, bmp_header *header,
                              cnn_error *error) {
    bool old = size == OLD_HEADER;
    uint32_t width = cnn_little_endian(info + 4, old ? 2 : 4);
    uint32_t height = cnn_little_endian(info + (old ? 6 : 8), old ? 2 : 4);
    header->top_down = height > INT32_MAX;
    height = header->top_down ? 0U - height : height;
    header->width = (int)(width < SIDE_MAX ? width : SIDE_MAX);
    header->height = (int)(height < SIDE_MAX ? height : SIDE_MAX);
    header->bits = (int)cnn_little_endian(info + (old ? 10 : 14), 2);
    header->compression = old ? 0 : cnn_little_endian(info + 16, 4);
    CNN_TRY(check_kind(header, error));
    size_t colours = old ? 0 : cnn_little_endian(info + 32, 4);
    header->entry = old ? 3 : 4;
    header->entries = header->bits > 8 ? 0 : colours > 0 ? colours : (size_t)1 << header->bits;
    uint32_t mask[4];
    for (size_t c = 0; c < 4; c++) {
        mask[c] = has_masks(header) ? cnn_little_endian(info + 40 + 4 * c, 4) : 0;
    }
    header->fields = cnn_bit_fields_of(mask[0], mask[1], mask[2], mask[3]);
    if ((mask[0] | mask[1] | mask[2] | mask[3]) == 0) {
        /* masks of 32 bits that are all 0: with alpha, as in Pillow */
        header->fields = has_masks(header) && header->bits == 32
                             ? cnn_bit_fields_of(0xff0000, 0xff00, 0xff, 0xff000000)
                             : cnn_bit_fields_usual(header->bits);
    }
    return CNN_OK;
}

/* The file header, if there is one, is "BM", 8 bytes, and the offset of the pixels (4). */
static cnn_status read_header(const uint8_t *bytes, size_t size, bmp_header *header,
                              cnn_error *error) {
    size_t at = memcmp(bytes, "BM", 2) == 0 ? FILE_HEADER : 0;
    if (size < at + 4) {
        return fail_cut("a header", OLD_HEADER, at, size, error);
    }
    uint32_t header_size = cnn_little_endian(bytes + at, 4);
    if (!is_header_size(header_size)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a BMP header of 12, 16, 40, 52, 56, 64, 108 or 124 bytes at "
                        "byte %zu, found %u",
                        at, header_size);
    }
    size_t taken = header_size;
    if (header_size == USUAL_HEADER && size >= at + 20) { /* masks follow the header */
        uint32_t compression = cnn_little_endian(bytes + at + 16, 4);
        taken += compression == BIT_FIELDS ? 12 : compression == ALPHA_BIT_FIELDS ? 16 : 0;
    }
    if (size - at < taken) {
        return fail_cut("a header", taken, at, size, error);
    }
    uint8_t info[HEADER_MAX] = {0};
    memcpy(info, bytes + at, taken);
    CNN_TRY(read_fields(info, header_size, header, error));
    header->palette = at + taken;
    header->begin = at > 0 ? cnn_little_endian(bytes + 10, 4) : 0;
    if (header->begin == 0 || (header->bits <= 8 && header->begin == at + header_size)) {
        header->begin = header->palette + header->entries * header->entry; /* as Pillow does */
    }
    return CNN_OK;
}

/* --- pixels --- */

/* Bytes of a row; the next one begins at a multiple of 4. */
static size_t row_bytes(const bmp_header *header) {
    return ((size_t)header->width * (size_t)header->bits + 7) / 8;
}

static size_t row_step(const bmp_header *header) {
    return (row_bytes(header) + 3) / 4 * 4;
}

/* The last row may end without the bytes that fill it up. */
static cnn_status check_length(const bmp_header *header, size_t size, cnn_error *error) {
    size_t needed = is_run_length_coded(header)
                        ? 1
                        : row_step(header) * (size_t)(header->height - 1) + row_bytes(header);
    return header->begin > size || size - header->begin < needed
               ? fail_cut("pixels", needed, header->begin, size, error)
               : CNN_OK;
}

/* Colours that the file has no entry for are black; or, as in Pillow, the grey i if the entries
 * that it has are the greys 0, 1, 2 … */
static void read_palette(const uint8_t *bytes, size_t size, const bmp_header *header,
                         uint8_t palette[PALETTE_MAX][3]) {
    bool grey = header->entries != 2;
    for (size_t i = 0; i < PALETTE_MAX; i++) {
        size_t at = header->palette + i * header->entry;
        bool is_there = i < header->entries && at + 3 <= size;
        for (size_t c = 0; c < 3; c++) { /* blue comes first in the file */
            palette[i][c] = is_there ? bytes[at + 2 - c] : grey ? (uint8_t)i : 0;
            grey = grey && palette[i][c] == i;
        }
    }
}

/* The row of the image that row y of the file is. */
static uint8_t *row_of(const bmp_header *header, size_t y, cnn_image *image) {
    size_t row = header->top_down ? y : (size_t)header->height - 1 - y;
    return image->pixels + row * (size_t)header->width * (size_t)image->channels;
}

static void read_rows(const uint8_t *from, const bmp_header *header, uint8_t (*palette)[3],
                      cnn_image *image) {
    size_t bits = (size_t)header->bits;
    for (size_t y = 0; y < (size_t)header->height; y++, from += row_step(header)) {
        uint8_t *to = row_of(header, y, image);
        for (size_t x = 0; x < (size_t)header->width; x++, to += image->channels) {
            size_t at = x * bits / 8;
            if (bits > 8) {
                cnn_bit_fields_read(&header->fields, from + at, bits / 8, to);
            } else {
                memcpy(to, palette[from[at] >> (8 - bits - x * bits % 8) & ((1U << bits) - 1)], 3);
            }
        }
    }
}

/* --- run-length codes --- */

/* Writes `count` pixels from column *x of a row, without those beyond its end. Pixel i has the
 * colour of the byte codes[i * step], or with 4 bits, of a half of codes[i / 2 * step]. */
static void write_run(const uint8_t *codes, size_t step, size_t count, const bmp_header *header,
                      uint8_t (*palette)[3], uint8_t *row, size_t *x) {
    size_t width = (size_t)header->width;
    for (size_t i = 0; i < count && *x < width; i++, (*x)++) {
        unsigned code = header->compression == RLE_8 ? codes[i * step]
                        : i % 2 == 0                 ? codes[i / 2 * step] >> 4
                                                     : codes[i / 2 * step] & 15U;
        memcpy(row + 3 * *x, palette[code], 3);
    }
}

static cnn_status fail_runs(const char *problem, const bmp_header *header, const char *found,
                            size_t at, size_t y, cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA,
                    "%s: expected run-length codes of %d×%d pixels, found %s at byte %zu, in row "
                    "%zu of the file",
                    problem, header->width, header->height, found, at, y + 1);
}

/* Two bytes are a number of pixels and their colour; or 0 and 0: the end of the row, 1: the end of
 * the image, 2: skips as many pixels and rows as the next two bytes say, n: the colours of n pixels
 * follow, and a byte that makes their number even. Skipped pixels have the colour 0.
 *
 * All rows must be there, as in Pillow. A row may be filled up to a multiple of 4 pixels. */
static cnn_status read_runs(const uint8_t *bytes, size_t size, const bmp_header *header,
                            uint8_t (*palette)[3], cnn_image *image, cnn_error *error) {
    size_t width = (size_t)header->width;
    size_t height = (size_t)header->height;
    for (size_t i = 0; i < width * height; i++) {
        memcpy(image->pixels + 3 * i, palette[0], 3);
    }
    size_t at = header->begin;
    for (size_t x = 0, y = 0; y + (x >= width ? 1 : 0) < height;) {
        size_t left = size > at ? size - at : 0;
        size_t count = left >= 2 ? bytes[at] : 0;
        size_t escape = left >= 2 && count == 0 ? bytes[at + 1] : 0;
        size_t pixels = count > 0 ? count : escape > 2 ? escape : 0;
        size_t colours = count > 0 ? 0 : header->compression == RLE_8 ? pixels : (pixels + 1) / 2;
        size_t taken = 2 + (escape == 2 ? 2 : colours);
        if (left < taken) {
            return fail_runs("the BMP file is cut short", header, "the end of the file", size, y,
                             error);
        }
        if (escape == 1) {
            return fail_runs("damaged BMP", header, "the end of the image", at, y, error);
        }
        if (pixels > 0 && x + pixels > (width + 3) / 4 * 4) {
            return fail_runs("damaged BMP", header, "too many pixels", at, y, error);
        }
        uint8_t *row = row_of(header, y, image);
        if (count > 0) {
            write_run(bytes + at + 1, 0, pixels, header, palette, row, &x);
        } else if (escape == 0) {
            x = 0;
            y++;
        } else if (escape == 2) {
            x += bytes[at + 2];
            y += bytes[at + 3];
        } else {
            write_run(bytes + at + 2, 1, pixels, header, palette, row, &x);
        }
        at += taken + colours % 2;
    }
    return CNN_OK;
}

/* --- the reader --- */

static cnn_status read_bmp(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                           cnn_image *image, cnn_error *error) {
    bmp_header header;
    CNN_TRY(read_header(bytes, size, &header, error));
    image->width = header.width;
    image->height = header.height;
    image->channels = header.bits > 8 ? header.fields.channels : 3;
    CNN_TRY(cnn_image_check_size(image->width, image->height, limit, error));
    CNN_TRY(check_length(&header, size, error));
    if (image->header_only) {
        return CNN_OK;
    }
    image->pixels =
        cnn_alloc((size_t)header.width * (size_t)header.height, (size_t)image->channels);
    if (!image->pixels) {
        return cnn_fail_memory(error, "decoding an image");
    }
    uint8_t palette[PALETTE_MAX][3];
    read_palette(bytes, size, &header, palette);
    if (is_run_length_coded(&header)) {
        return read_runs(bytes, size, &header, palette, image, error);
    }
    read_rows(bytes + header.begin, &header, palette, image);
    return CNN_OK;
}

const cnn_image_reader cnn_bmp_reader = {
    .name = "BMP", .extensions = "bmp dib ", .recognises = recognises, .read = read_bmp};
