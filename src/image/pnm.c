/* Reads PNM images: PBM, PGM and PPM, plain (P1 to P3) and binary (P4 to P6). */
#include "base/error.h"
#include "base/memory.h"
#include "image/reader.h"

#include <ctype.h>
#include <math.h>

typedef struct pnm_header {
    char kind;         /* '1' … '6' */
    int width, height; /* at most 2^24, or 0 */
    int maximum;       /* of a sample, 1 … 65535; 1 for bits */
    int channels;      /* 1 or 3 */
    size_t begin;      /* offset of the samples in the file */
} pnm_header;

/* The most columns or rows. */
#define SIDE_MAX (1 << 24)
#define MAXIMUM_MAX 65535

static bool recognises(const uint8_t *bytes, size_t size) {
    return size >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6';
}

/* --- header: "P" and a digit, width, height, maximum (not of bits), one white space --- */

/* The offset of the first byte from `at` that is neither white space nor part of a comment, which
 * reaches from # to the end of the line. */
static size_t skip_space(const uint8_t *bytes, size_t size, size_t at) {
    bool comment = false;
    while (at < size && (comment || isspace(bytes[at]) || bytes[at] == '#')) {
        comment = (comment || bytes[at] == '#') && bytes[at] != '\r' && bytes[at] != '\n';
        at++;
    }
    return at;
}

/* Fails: `what` was expected at a place where something else is, or nothing. */
static cnn_status fail_at(const uint8_t *bytes, size_t size, size_t at, const char *what,
                          cnn_error *error) {
    if (at >= size) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the PNM file is cut short: expected %s at byte %zu, found the end of the "
                        "file",
                        what, size);
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    isgraph(bytes[at]) ? "expected %s at byte %zu of a PNM file, found \"%c\""
                                       : "expected %s at byte %zu of a PNM file, found the byte %d",
                    what, at, bytes[at]);
}

/* Reads a number of at most `most` after white space and comments, and moves *at after it. */
static cnn_status read_number(const uint8_t *bytes, size_t size, int most, const char *what,
                              size_t *at, int *number, cnn_error *error) {
    *at = skip_space(bytes, size, *at);
    size_t begin = *at;
    if (begin >= size || !isdigit(bytes[begin])) {
        return fail_at(bytes, size, begin, what, error);
    }
    *number = 0;
    while (*at < size && isdigit(bytes[*at]) && *number <= most) {
        *number = *number * 10 + (bytes[(*at)++] - '0');
    }
    return *number <= most ? CNN_OK
                           : cnn_fail(error, CNN_ERROR_DATA,
                                      "expected %s of at most %d at byte %zu of a PNM file, found "
                                      "more",
                                      what, most, begin);
}

/* The samples of a row in a binary file take this many bytes. */
static size_t row_bytes(const pnm_header *header) {
    size_t samples = (size_t)header->width * (size_t)header->channels;
    return header->kind == '4' ? (samples + 7) / 8 : samples * (header->maximum > 255 ? 2 : 1);
}

/* Are there enough bytes for the samples? In a plain file, a sample takes one byte, and those that
 * are not bits are separated by one. */
static cnn_status check_length(const pnm_header *header, size_t size, cnn_error *error) {
    size_t samples = (size_t)header->width * (size_t)header->height * (size_t)header->channels;
    size_t needed = row_bytes(header) * (size_t)header->height;
    bool plain = header->kind <= '3';
    if (plain) {
        needed = header->kind == '1' || samples == 0 ? samples : 2 * samples - 1;
    }
    size_t found = size > header->begin ? size - header->begin : 0;
    if (found >= needed) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    "the PNM file is cut short: expected %s%zu bytes for %d×%d pixels at byte "
                    "%zu, found %zu",
                    plain ? "at least " : "", needed, header->width, header->height, header->begin,
                    found);
}

/* Reads the header. Refuses a file that is too short for its samples, so that a header cannot ask
 * for memory that the file does not fill. CNN_ERROR_DATA with the place in the file. */
static cnn_status read_header(const uint8_t *bytes, size_t size, pnm_header *header,
                              cnn_error *error) {
    bool bits = bytes[1] == '1' || bytes[1] == '4';
    *header = (pnm_header){.kind = (char)bytes[1],
                           .maximum = 1,
                           .channels = bytes[1] == '3' || bytes[1] == '6' ? 3 : 1};
    size_t at = 2;
    CNN_TRY(read_number(bytes, size, SIDE_MAX, "a width", &at, &header->width, error));
    CNN_TRY(read_number(bytes, size, SIDE_MAX, "a height", &at, &header->height, error));
    if (!bits) {
        CNN_TRY(read_number(bytes, size, MAXIMUM_MAX, "a maximum", &at, &header->maximum, error));
        if (header->maximum == 0) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "expected a maximum from 1 to %d before byte %zu of a PNM file, "
                            "found 0",
                            MAXIMUM_MAX, at);
        }
    }
    if (at >= size || !isspace(bytes[at])) {
        return fail_at(bytes, size, at, "white space", error);
    }
    header->begin = at + 1;
    return check_length(header, size, error);
}

/* --- samples --- */

static uint8_t scale(int sample, const pnm_header *header) {
    int maximum = header->maximum;
    sample = sample < maximum ? sample : maximum;
    if (maximum == MAXIMUM_MAX) {
        return (uint8_t)(sample >> 8);
    }
    return (uint8_t)rint((double)sample / maximum * 255.0);
}

/* In 16 bits. */
static uint16_t scale_16(int sample, int maximum) {
    sample = sample < maximum ? sample : maximum;
    return (uint16_t)rint((double)sample / maximum * MAXIMUM_MAX);
}

/* values: of 16 bits; NULL if the maximum is at most 255. */
static void read_binary(const uint8_t *from, const pnm_header *header, uint8_t *pixels,
                        uint16_t *values) {
    size_t samples = (size_t)header->width * (size_t)header->channels;
    uint8_t bytes_as[256]; /* the pixel of each sample of one byte */
    for (int i = 0; i < 256; i++) {
        bytes_as[i] = scale(i, header);
    }
    for (int y = 0; y < header->height; y++, from += row_bytes(header), pixels += samples) {
        for (size_t x = 0; x < samples; x++) {
            if (header->kind == '4') {
                pixels[x] = from[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
            } else if (header->maximum > 255) {
                int sample = from[2 * x] << 8 | from[2 * x + 1];
                pixels[x] = scale(sample, header);
                *values++ = scale_16(sample, header->maximum);
            } else {
                pixels[x] = bytes_as[from[x]];
            }
        }
    }
}

static cnn_status read_plain(const uint8_t *bytes, size_t size, const pnm_header *header,
                             uint8_t *pixels, uint16_t *values, cnn_error *error) {
    size_t samples = (size_t)header->width * (size_t)header->height * (size_t)header->channels;
    size_t at = header->begin;
    for (size_t i = 0; i < samples; i++) {
        if (header->kind == '1') { /* bits need no space between them */
            at = skip_space(bytes, size, at);
            if (at >= size || (bytes[at] != '0' && bytes[at] != '1')) {
                return fail_at(bytes, size, at, "0 or 1", error);
            }
            pixels[i] = bytes[at++] == '0' ? 255 : 0;
            continue;
        }
        int sample = 0;
        CNN_TRY(read_number(bytes, size, header->maximum, "a value", &at, &sample, error));
        if (at < size && !isspace(bytes[at]) && bytes[at] != '#') {
            return fail_at(bytes, size, at, "white space", error);
        }
        pixels[i] = scale(sample, header);
        if (values) {
            values[i] = scale_16(sample, header->maximum);
        }
    }
    return CNN_OK;
}

/* Reads the samples into pixels[height][width][channels]: 0 is black, the maximum is 255.
 *
 * A sample v becomes round(255 v / maximum), ties to even, as Pillow scales all but grey with a
 * maximum above 255 (which it scales to 16 bits). The maximum 65535 is the exception: the high
 * byte, as of images of 16 bits in any format. If the maximum is above 255, v also becomes the
 * value round(65535 v / maximum) of 16 bits. Samples above the maximum are white, or refused in a
 * plain file. CNN_ERROR_DATA with the place in the file. */
static cnn_status read_pixels(const uint8_t *bytes, size_t size, const pnm_header *header,
                              uint8_t *pixels, uint16_t *values, cnn_error *error) {
    if (header->kind <= '3') {
        return read_plain(bytes, size, header, pixels, values, error);
    }
    read_binary(bytes + header->begin, header, pixels, values);
    return CNN_OK;
}

/* --- the reader --- */

static cnn_status read_pnm(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                           cnn_image *image, cnn_error *error) {
    pnm_header header;
    CNN_TRY(read_header(bytes, size, &header, error));
    image->width = header.width;
    image->height = header.height;
    image->channels = header.channels;
    image->deep = header.maximum > 255;
    CNN_TRY(cnn_image_check_size(image->width, image->height, limit, error));
    if (image->header_only) {
        return CNN_OK;
    }
    size_t count = (size_t)header.width * (size_t)header.height * (size_t)header.channels;
    image->pixels = cnn_alloc(count, 1);
    image->samples = image->deep ? cnn_alloc(count, sizeof *image->samples) : NULL;
    if (!image->pixels || (image->deep && !image->samples)) {
        return cnn_fail_memory(error, "decoding an image");
    }
    return read_pixels(bytes, size, &header, image->pixels, image->samples, error);
}

const cnn_image_reader cnn_pnm_reader = {
    .name = "PNM", .extensions = "pnm pbm pgm ppm ", .recognises = recognises, .read = read_pnm};
