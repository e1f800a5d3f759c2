#include "image_guard.h"

#include "error.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* --- PNM: "P5" or "P6", width, height, maximum, one white space, pixels --- */

static bool is_pnm(const char *bytes, size_t size) {
    return size >= 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6');
}

static cnn_status guard_pnm(char *bytes, size_t *size, int width, int height, cnn_error *error) {
    size_t at = 2;
    size_t digits = 0; /* where the last number starts */
    int maximum = 0;
    for (int number = 0; number < 3; number++) {
        while (at < *size && (isspace((unsigned char)bytes[at]) || bytes[at] == '#')) {
            at += bytes[at] == '#' ? strcspn(bytes + at, "\r\n") : 1; /* the buffer ends in a 0 */
        }
        maximum = 0;
        digits = at;
        for (; at < *size && isdigit((unsigned char)bytes[at]) && maximum < 65536; at++) {
            maximum = maximum * 10 + (bytes[at] - '0');
        }
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

static bool is_jpeg(const uint8_t *bytes, size_t size) {
    return size >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8;
}

/* Has a DHT segment, without its length, only tables of at most 256 codes? Each: one byte, 16
 * counts, a byte a code. */
static bool has_sound_tables(const uint8_t *segment, size_t size) {
    for (size_t at = 0; at + 17 <= size;) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16; i++) {
            codes += segment[at + i];
        }
        if (codes > 256) {
            return false;
        }
        at += 17 + codes;
    }
    return true;
}

/* Stops at every marker as a decoder would: between segments and behind the coded data of a scan
 * (where a plain FF is followed by 00) everything else is passed over. */
static cnn_status guard_jpeg(const uint8_t *bytes, size_t size, cnn_error *error) {
    enum { DHT = 0xc4, FIRST_WITHOUT_LENGTH = 0xd0, LAST_WITHOUT_LENGTH = 0xd9 };
    for (size_t at = 2; at + 4 <= size;) {
        uint8_t marker = bytes[at + 1];
        bool bare = marker <= 1 || marker == 0xff ||
                    (marker >= FIRST_WITHOUT_LENGTH && marker <= LAST_WITHOUT_LENGTH);
        if (bytes[at] != 0xff || bare) {
            at++;
            continue;
        }
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        size_t begin = at + 4;
        size_t end = at + 2 + length < size ? at + 2 + length : size;
        if (marker == DHT && end > begin && !has_sound_tables(bytes + begin, end - begin)) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "damaged JPEG: a Huffman table of more than 256 codes");
        }
        at = length >= 2 ? end : at + 2;
    }
    return CNN_OK;
}

cnn_status cnn_image_guard(char *bytes, size_t *size, int width, int height, cnn_error *error) {
    if (is_pnm(bytes, *size)) {
        return guard_pnm(bytes, size, width, height, error);
    }
    if (is_jpeg((const uint8_t *)bytes, *size)) {
        return guard_jpeg((const uint8_t *)bytes, *size, error);
    }
    return CNN_OK;
}
