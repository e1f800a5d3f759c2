#include "image/guard.h"

#include "base/error.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The most columns or rows in a PNM header. This is stb_image's own limit. */
#define PNM_NUMBER_MAX (1 << 24)

/* --- PNM: "P5" or "P6", width, height, maximum, one white space, pixels --- */

static bool is_pnm(const char *bytes, size_t size) {
    return size >= 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6');
}

/* Reads the number that follows *at, after white space and comments. Sets *digits to the place of
 * its first digit and *at to its end. Returns 0 if there is no digit. */
static int read_pnm_number(const char *bytes, size_t size, size_t *at, size_t *digits) {
    bool comment = false;
    while (*at < size && (comment || isspace((unsigned char)bytes[*at]) || bytes[*at] == '#')) {
        comment = (comment || bytes[*at] == '#') && bytes[*at] != '\r' && bytes[*at] != '\n';
        ++*at;
    }
    *digits = *at;
    int number = 0;
    while (*at < size && isdigit((unsigned char)bytes[*at]) && number <= PNM_NUMBER_MAX) {
        number = number * 10 + (bytes[(*at)++] - '0');
    }
    return number;
}

static cnn_status guard_pnm(char *bytes, size_t *size, cnn_error *error) {
    size_t at = 2;
    size_t digits;
    int width = read_pnm_number(bytes, *size, &at, &digits);
    int height = read_pnm_number(bytes, *size, &at, &digits);
    int maximum = read_pnm_number(bytes, *size, &at, &digits);
    if (width > PNM_NUMBER_MAX || height > PNM_NUMBER_MAX || maximum > 65535) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected at most %d columns and rows and a maximum of at most 65535 in a "
                        "PNM header, found more",
                        PNM_NUMBER_MAX);
    }
    bool wide = maximum > 255;
    size_t header = at + 1;
    size_t samples = (size_t)width * (size_t)height * (bytes[1] == '6' ? 3 : 1);
    size_t expected = header + samples * (wide ? 2 : 1);
    if (*size < expected) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected %zu bytes for %d×%d pixels, found %zu",
                        expected, width, height, *size);
    }
    if (wide) {
        memset(bytes + digits, ' ', at - digits);
        memcpy(bytes + at - 3, "255", 3); /* a maximum above 255 has three digits or more */
        for (size_t i = 0; i < samples; i++) {
            bytes[header + i] = bytes[header + 2 * i];
        }
        *size = header + samples;
    }
    return CNN_OK;
}

/* --- JPEG: markers FF xx, most followed by a length of two bytes, big-endian --- */

/* As stb_image recognises it: FF D8, with any number of FF between. */
static bool is_jpeg(const uint8_t *bytes, size_t size) {
    size_t at = 1;
    while (at < size && bytes[at] == 0xff) {
        at++;
    }
    return size >= 2 && bytes[0] == 0xff && at < size && bytes[at] == 0xd8;
}

/* Does a DHT segment (without its length) consist of whole tables of at most 256 codes each? A
 * table has one byte, 16 counts, and one byte per code. A decoder would read a table that does not
 * fit from the bytes after the segment. */
static bool has_sound_tables(const uint8_t *segment, size_t size) {
    size_t at = 0;
    while (at + 17 <= size) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16; i++) {
            codes += segment[at + i];
        }
        if (codes > 256) {
            return false;
        }
        at += 17 + codes;
    }
    return at == size;
}

/* Each scan takes time in proportion to the size of the image, even if it has only a few bytes. A
 * sequential JPEG has one scan for each of at most four components. A progressive one by libjpeg
 * has 10 (colour) or 18 (CMYK). */
enum { SCANS_MAX = 4, SCANS_MAX_PROGRESSIVE = 64 };

/* Visits every marker that a decoder would find. All other bytes, between segments and in the coded
 * data of a scan (where 00 follows a plain FF), are skipped. */
static cnn_status guard_jpeg(const uint8_t *bytes, size_t size, cnn_error *error) {
    enum {
        SOF0 = 0xc0,
        SOF1 = 0xc1,
        SOF2 = 0xc2,
        DHT = 0xc4,
        FIRST_WITHOUT_LENGTH = 0xd0,
        EOI = 0xd9,
        LAST_WITHOUT_LENGTH = EOI,
        SOS = 0xda,
    };
    uint8_t frame = 0; /* the marker of the frame that the scans fill */
    int scans = 0;
    for (size_t at = 2; at + 4 <= size;) {
        uint8_t marker = bytes[at + 1];
        if (bytes[at] == 0xff && marker == EOI) {
            break; /* bytes after it are not part of the image */
        }
        bool bare = marker <= 1 || marker == 0xff ||
                    (marker >= FIRST_WITHOUT_LENGTH && marker <= LAST_WITHOUT_LENGTH);
        if (bytes[at] != 0xff || bare) {
            at++;
            continue;
        }
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        size_t begin = at + 4;
        size_t end = at + 2 + length < size ? at + 2 + length : size;
        if (marker == DHT && length > 2 &&
            (at + 2 + length > size || !has_sound_tables(bytes + begin, length - 2))) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "damaged JPEG: Huffman tables of more than 256 codes, or cut short");
        }
        if (frame == 0 && (marker == SOF0 || marker == SOF1 || marker == SOF2)) {
            frame = marker;
        }
        int scans_max = frame == SOF2 ? SCANS_MAX_PROGRESSIVE : SCANS_MAX;
        if (marker == SOS && ++scans > scans_max) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "expected a JPEG of at most %d scans, found more", scans_max);
        }
        at = length >= 2 ? end : at + 2;
    }
    return CNN_OK;
}

cnn_status cnn_image_guard(char *bytes, size_t *size, cnn_error *error) {
    if (is_pnm(bytes, *size)) {
        return guard_pnm(bytes, size, error);
    }
    if (is_jpeg((const uint8_t *)bytes, *size)) {
        return guard_jpeg((const uint8_t *)bytes, *size, error);
    }
    return CNN_OK;
}

/* --- resizing --- */

/* The most bytes, and the most steps for finding the weights, to resize one image. A photograph
 * needs a hundredth of that. */
#define RESIZE_MAX 0x1p30

/* The cost of one side. The filter covers four pixels of the smaller size. */
typedef struct resized_side {
    double reach;        /* of the filter, in pixels of the input */
    double contributors; /* pixels with weights: each has a range (8 bytes) and 4 weights */
} resized_side;

static resized_side resize_side(int from, int to) {
    double reach = from > to ? 4.0 * from / to + 1.0 : 4.0;
    return (resized_side){.reach = reach, .contributors = from > to ? from + reach : to};
}

cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height, int channels,
                                  cnn_error *error) {
    resized_side across = resize_side(width, to_width);
    resized_side down = resize_side(height, to_height);
    double row_bytes = (double)to_width * channels * (double)sizeof(float);
    double bytes = (across.contributors + down.contributors) * (8 + 4 * sizeof(float)) +
                   (width + across.reach) * channels * (double)sizeof(float) +
                   row_bytes * (down.reach + 2.0);
    /* for each pixel of an output's side, it visits half of the input's side */
    double steps = (double)width * to_width + (double)height * to_height;
    if (bytes > RESIZE_MAX || steps > RESIZE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected an image of a less extreme shape, found %d×%d, which cannot be "
                        "resized to %d×%d",
                        width, height, to_width, to_height);
    }
    return CNN_OK;
}
