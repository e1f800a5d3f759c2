#include "samples/manifest_text.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* --- the encoding --- */

/* The 16-bit unit at `at`. */
static uint32_t read_unit(const char *at, bool big_endian) {
    const unsigned char *bytes = (const unsigned char *)at;
    return big_endian ? (uint32_t)bytes[0] << 8 | bytes[1] : (uint32_t)bytes[1] << 8 | bytes[0];
}

/* Writes a character of at least U+0000 as UTF-8. Returns its length, 1 to 4. */
static size_t write_utf8(uint32_t character, char *out) {
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(first[length] | character);
    return length;
}

/* Converts text[size]. out: room for size / 2 * 3 bytes. *used: how many it took. Returns the
 * number of bytes that were valid: size, unless the text is damaged. */
static size_t convert(const char *text, size_t size, bool big_endian, char *out, size_t *used) {
    *used = 0;
    size_t at = 0;
    while (at + 2 <= size) {
        uint32_t unit = read_unit(text + at, big_endian);
        size_t length = 2;
        if (unit >= 0xd800 && unit < 0xe000) { /* half of a pair */
            uint32_t low = at + 4 <= size ? read_unit(text + at + 2, big_endian) : 0;
            if (unit >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
                return at;
            }
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            length = 4;
        }
        *used += write_utf8(unit, out + *used);
        at += length;
    }
    return at;
}

static cnn_status from_utf16(const char *path, size_t mark, bool big_endian, char **text,
                             size_t *size, cnn_error *error) {
    size_t length = *size - mark, used;
    char *converted = cnn_alloc(length / 2 + 1, 3);
    if (!converted) {
        return cnn_fail_memory(error, "a manifest");
    }
    size_t valid = convert(*text + mark, length, big_endian, converted, &used);
    if (valid < length) {
        cnn_free(converted);
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: byte %zu: expected UTF-16 like the rest of the file, found half a "
                        "character",
                        path, mark + valid + 1);
    }
    cnn_free(*text);
    *text = converted;
    *size = used;
    return CNN_OK;
}

cnn_status cnn_manifest_to_utf8(const char *path, char **text, size_t *size, cnn_error *error) {
    const char *start = *text;
    if (*size >= 2 && (memcmp(start, "\xff\xfe", 2) == 0 || memcmp(start, "\xfe\xff", 2) == 0)) {
        return from_utf16(path, 2, *start == '\xfe', text, size, error);
    }
    if (*size >= 2 && !start[0] != !start[1]) { /* a header starts with a letter or a quote */
        return from_utf16(path, 0, !start[0], text, size, error);
    }
    if (*size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
        *size -= 3;
        memmove(*text, *text + 3, *size);
    }
    return CNN_OK;
}

/* --- the separator --- */

static const char separators[] = {',', ';', '\t'};

static bool ends_line(char c) {
    return c == '\n' || c == '\r';
}

char cnn_manifest_separator(const char *text, size_t size, size_t *skip) {
    size_t counts[sizeof separators] = {0};
    *skip = 0;
    if (size >= 5 && memcmp(text, "sep=", 4) == 0 && (size == 5 || ends_line(text[5])) &&
        memchr(separators, text[4], sizeof separators)) {
        *skip = 5;
        return text[4];
    }
    size_t i = 0;
    while (i < size && (ends_line(text[i]) || text[i] == ' ')) {
        i++;
    }
    bool quoted = false;
    for (; i < size && (quoted || !ends_line(text[i])); i++) {
        quoted = quoted != (text[i] == '"');
        for (size_t k = 0; k < sizeof separators && !quoted; k++) {
            counts[k] += text[i] == separators[k];
        }
    }
    size_t most = 0;
    for (size_t k = 1; k < sizeof separators; k++) {
        most = counts[k] > counts[most] ? k : most;
    }
    return separators[most];
}
