#include "image/png_orientation.h"

#include "base/memory.h"
#include "image/exif.h"

#include <zlib.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* The most bytes of a compressed text, as in Pillow. */
#define TEXT_MAX ((size_t)1 << 20)

/* Part of the file, or memory of its own. */
typedef struct block {
    const uint8_t *bytes;
    size_t size;
    uint8_t *own; /* free with cnn_free */
} block;

/* A chunk that holds a text: after its keyword and a zero byte. */
typedef struct text_chunk {
    char kind; /* 't': tEXt; 'z': zTXt; 'i': iTXt; 0: there is none */
    block content;
} text_chunk;

/* The chunks of interest. */
typedef struct metadata {
    block exif;
    text_chunk profile, xmp;
} metadata;

static bool skip(block *from, size_t bytes) {
    bool there = bytes <= from->size;
    from->bytes += there ? bytes : 0;
    from->size -= there ? bytes : 0;
    return there;
}

static bool skip_string(block *from) {
    const uint8_t *end = from->size > 0 ? memchr(from->bytes, 0, from->size) : NULL;
    return end && skip(from, (size_t)(end - from->bytes) + 1);
}

static void note_text(const uint8_t *name, block content, metadata *found) {
    static const char profile[] = "Raw profile type exif";
    static const char xmp[] = "XML:com.adobe.xmp";
    char kind = memcmp(name, "tEXt", 4) == 0   ? 't'
                : memcmp(name, "zTXt", 4) == 0 ? 'z'
                : memcmp(name, "iTXt", 4) == 0 ? 'i'
                                               : 0;
    block text = content;
    if (kind == 0 || !skip_string(&text)) {
        return;
    }
    size_t keyword = content.size - text.size;
    if (keyword == sizeof profile && memcmp(content.bytes, profile, sizeof profile) == 0) {
        found->profile = (text_chunk){kind, text};
    } else if (keyword == sizeof xmp && memcmp(content.bytes, xmp, sizeof xmp) == 0) {
        found->xmp = (text_chunk){kind, text};
    }
}

/* The chunks follow 8 bytes of signature: length (4), name (4), content, CRC (4). */
static void find_metadata(const uint8_t *bytes, size_t size, metadata *found) {
    for (size_t at = 8; at + 12 <= size && memcmp(bytes + at + 4, "IEND", 4) != 0;) {
        const uint8_t *chunk = bytes + at;
        size_t length =
            (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (length > size - at - 12) {
            return;
        }
        block content = {.bytes = chunk + 8, .size = length};
        if (memcmp(chunk + 4, "eXIf", 4) == 0) {
            found->exif = content;
        } else {
            note_text(chunk + 4, content, found);
        }
        at += 12 + length;
    }
}

/* False: memory was refused. Damaged data become an empty text. */
static bool inflate_text(block *text) {
    uLongf size = TEXT_MAX;
    text->own = cnn_alloc(TEXT_MAX, 1);
    int status =
        text->own ? uncompress(text->own, &size, text->bytes, (uLong)text->size) : Z_MEM_ERROR;
    text->bytes = text->own;
    text->size = status == Z_OK ? size : 0;
    return status != Z_MEM_ERROR;
}

/* tEXt: the text. zTXt: method (1), compressed text. iTXt: is it compressed (1), method (1),
 * language, translated keyword, text. False: memory was refused. */
static bool read_text(const text_chunk *chunk, block *text) {
    *text = chunk->content;
    bool compressed = chunk->kind == 'z' || (chunk->kind == 'i' && text->size > 0 && *text->bytes);
    bool there = chunk->kind == 'z'   ? skip(text, 1)
                 : chunk->kind == 'i' ? skip(text, 2) && skip_string(text) && skip_string(text)
                                      : chunk->kind != 0;
    text->size = there ? text->size : 0;
    return !there || !compressed || inflate_text(text);
}

static int hex_value(uint8_t digit) {
    return digit <= '9' ? digit - '0' : tolower(digit) - 'a' + 10;
}

/* A line break, "exif", the number of bytes, each on a line, then the bytes in hexadecimal. False:
 * memory was refused. */
static bool read_profile(const block *text, block *exif) {
    block digits = {.bytes = text->bytes, .size = text->size};
    for (int line = 0; line < 3; line++) {
        const uint8_t *end = digits.size > 0 ? memchr(digits.bytes, '\n', digits.size) : NULL;
        if (!end || !skip(&digits, (size_t)(end - digits.bytes) + 1)) {
            return true;
        }
    }
    exif->bytes = exif->own = cnn_alloc(digits.size / 2 + 1, 1);
    if (!exif->own) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (isxdigit(digits.bytes[i])) {
            uint8_t *byte = exif->own + count++ / 2;
            *byte = (uint8_t)(*byte << 4 | hex_value(digits.bytes[i]));
        }
    }
    exif->size = count / 2;
    return true;
}

int cnn_png_orientation(const uint8_t *bytes, size_t size) {
    metadata found = {0};
    block text = {0};
    block xmp = {0};
    find_metadata(bytes, size, &found);
    bool read = found.exif.size > 0 ||
                (read_text(&found.profile, &text) && read_profile(&text, &found.exif));
    read = read && read_text(&found.xmp, &xmp);
    int orientation =
        read ? cnn_exif_or_xmp_orientation(found.exif.bytes, found.exif.size, xmp.bytes, xmp.size)
             : 0;
    cnn_free(text.own);
    cnn_free(xmp.own);
    cnn_free(found.exif.own);
    return orientation;
}
