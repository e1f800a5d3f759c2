/* Reads TGA images. */
#include "base/error.h"
#include "base/memory.h"
#include "image/bit_fields.h"
#include "image/reader.h"

#include <string.h>

enum { HEADER = 18, INDEXED = 1, COLOUR = 2, GREY = 3, PACKED = 8 }; /* PACKED is added to a kind */

/* In a file: length of a text before the palette (1), has a palette (1), kind (1), number of the
 * palette's first entry (2), entries (2), bits of each (1); x (2), y (2), width (2), height (2),
 * bits (1), flags (1). */
typedef struct tga_header {
    int width, height;
    unsigned kind;
    bool packed;                  /* run-length coded */
    bool right_to_left, top_down; /* the order of the pixels in the file */
    unsigned bits;                /* of a pixel */
    unsigned first, entries, entry_bits;
    size_t palette, begin; /* offsets of the palette and the pixels */
    cnn_bit_fields fields; /* of colours, in the palette or in the pixels */
} tga_header;

static bool is_colour_size(unsigned bits) {
    return bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

/* A TGA has no signature, only a header in which not everything is allowed. */
static bool recognises(const uint8_t *bytes, size_t size) {
    if (size < HEADER || bytes[1] > 1 || (bytes[1] == 1 && !is_colour_size(bytes[7]))) {
        return false;
    }
    unsigned bits = bytes[16];
    switch (bytes[2]) {
    case INDEXED:
    case INDEXED + PACKED:
        return bytes[1] == 1 && bits == 8;
    case COLOUR:
    case COLOUR + PACKED:
        return is_colour_size(bits);
    case GREY:
        return bits == 1 || bits == 8 || bits == 16;
    case GREY + PACKED:
        return bits == 8 || bits == 16;
    default:
        return false;
    }
}

static size_t bytes_of(unsigned bits) {
    return (bits + 7U) / 8;
}

static tga_header read_header(const uint8_t *bytes) {
    tga_header header = {.width = (int)cnn_little_endian(bytes + 12, 2),
                         .height = (int)cnn_little_endian(bytes + 14, 2),
                         .kind = bytes[2] & ~(unsigned)PACKED,
                         .packed = bytes[2] & PACKED,
                         .right_to_left = bytes[17] & 0x10,
                         .top_down = bytes[17] & 0x20,
                         .bits = bytes[16],
                         .first = cnn_little_endian(bytes + 3, 2),
                         .entries = bytes[1] == 1 ? cnn_little_endian(bytes + 5, 2) : 0,
                         .entry_bits = bytes[7],
                         .palette = HEADER + (size_t)bytes[0]};
    header.begin = header.palette + header.entries * bytes_of(header.entry_bits);
    unsigned bits = header.kind == INDEXED ? header.entry_bits : header.bits;
    header.fields = bits == 32 ? cnn_bit_fields_of(0xff0000, 0xff00, 0xff, 0xff000000)
                               : cnn_bit_fields_usual((int)bits);
    return header;
}

/* Do the bytes[size] contain this number of run-length coded pixels? They are packets of a byte n,
 * and a pixel that is repeated n - 127 times (n >= 128), or n + 1 pixels. */
static bool has_packets(const uint8_t *bytes, size_t size, size_t pixels, size_t pixel_size) {
    size_t at = 0;
    for (size_t i = 0; i < pixels;) {
        if (at >= size) {
            return false;
        }
        size_t count = (bytes[at] & 127U) + 1;
        count = count < pixels - i ? count : pixels - i;
        at += 1 + (bytes[at] >= 128 ? 1 : count) * pixel_size;
        i += count;
    }
    return at <= size;
}

static cnn_status check_length(const uint8_t *bytes, size_t size, const tga_header *header,
                               cnn_error *error) {
    size_t width = (size_t)header->width;
    size_t height = (size_t)header->height;
    size_t row = header->bits == 1 ? (width + 7) / 8 : width * bytes_of(header->bits);
    size_t needed = row * height;
    size_t found = size > header->begin ? size - header->begin : 0;
    if (header->packed
            ? has_packets(bytes + (size - found), found, width * height, bytes_of(header->bits))
            : found >= needed) {
        return CNN_OK;
    }
    return header->packed
               ? cnn_fail(error, CNN_ERROR_DATA,
                          "the TGA file is cut short: expected more pixels, found the end of the "
                          "file at byte %zu",
                          size)
               : cnn_fail(error, CNN_ERROR_DATA,
                          "the TGA file is cut short: expected %zu bytes of pixels at byte %zu, "
                          "found %zu",
                          needed, header->begin, found);
}

/* Colours that the palette has no entry for are black. */
static void read_palette(const uint8_t *bytes, const tga_header *header, uint8_t palette[256][4]) {
    memset(palette, 0, sizeof(uint8_t[256][4]));
    size_t entry = bytes_of(header->entry_bits);
    for (size_t i = 0; i < header->entries && header->first + i < 256; i++) {
        cnn_bit_fields_read(&header->fields, bytes + header->palette + i * entry, entry,
                            palette[header->first + i]);
    }
}

/* Where pixel i of the file is in the image. */
static uint8_t *pixel_of(const tga_header *header, size_t i, cnn_image *image) {
    size_t width = (size_t)header->width;
    size_t x = i % width;
    size_t y = i / width;
    x = header->right_to_left ? width - 1 - x : x;
    y = header->top_down ? y : (size_t)header->height - 1 - y;
    return image->pixels + (y * width + x) * (size_t)image->channels;
}

static void read_bits(const uint8_t *from, const tga_header *header, cnn_image *image) {
    size_t width = (size_t)header->width;
    for (size_t i = 0; i < width * (size_t)header->height; i++) {
        size_t x = i % width;
        uint8_t byte = from[i / width * ((width + 7) / 8) + x / 8];
        *pixel_of(header, i, image) = byte >> (7 - x % 8) & 1 ? 255 : 0;
    }
}

/* Reads the pixels, all of which are there. A packet may continue in the next row. */
static void read_pixels(const uint8_t *from, const tga_header *header, uint8_t (*palette)[4],
                        cnn_image *image) {
    size_t size = bytes_of(header->bits);
    size_t left = 0; /* pixels of the packet */
    bool repeated = false;
    for (size_t i = 0; i < (size_t)header->width * (size_t)header->height; i++) {
        if (header->packed && left == 0) {
            repeated = *from >= 128;
            left = (*from++ & 127U) + 1;
        }
        uint8_t *to = pixel_of(header, i, image);
        if (header->kind == COLOUR) {
            cnn_bit_fields_read(&header->fields, from, size, to);
        } else if (header->kind == INDEXED) {
            memcpy(to, palette[*from], (size_t)image->channels);
        } else {
            memcpy(to, from, size);
        }
        left -= header->packed ? 1 : 0;
        from += repeated && left > 0 ? 0 : size;
    }
}

static cnn_status read_tga(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                           cnn_image *image, cnn_error *error) {
    tga_header header = read_header(bytes);
    image->width = header.width;
    image->height = header.height;
    image->channels = header.kind != GREY ? header.fields.channels : header.bits == 16 ? 2 : 1;
    CNN_TRY(cnn_image_check_size(image->width, image->height, limit, error));
    CNN_TRY(check_length(bytes, size, &header, error));
    if (image->header_only) {
        return CNN_OK;
    }
    image->pixels =
        cnn_alloc((size_t)header.width * (size_t)header.height, (size_t)image->channels);
    if (!image->pixels) {
        return cnn_fail_memory(error, "decoding an image");
    }
    if (header.bits == 1) {
        read_bits(bytes + header.begin, &header, image);
        return CNN_OK;
    }
    uint8_t palette[256][4];
    read_palette(bytes, &header, palette);
    read_pixels(bytes + header.begin, &header, palette, image);
    return CNN_OK;
}

const cnn_image_reader cnn_tga_reader = {
    .name = "TGA", .extensions = "tga icb vda vst ", .recognises = recognises, .read = read_tga};
