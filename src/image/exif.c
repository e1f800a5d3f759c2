#include "image/exif.h"

#include "base/memory.h"

#include <libexif/exif-data.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The marker that libexif expects in front of the data. JPEG files contain it, PNG files do not. */
static const char mark[6] = {'E', 'x', 'i', 'f', '\0', '\0'};
/* The most bytes that a JPEG segment can hold. Larger EXIF data in a PNG are ignored. */
#define EXIF_LIMIT ((size_t)65533)

/* A part of the file; size 0: not found. */
typedef struct part {
    const uint8_t *bytes;
    size_t size;
} part;

/* Searches the segments of a JPEG: FF xx, then a length of two bytes, big-endian. They end at the
 * coded data (SOS) or at the end of the image (EOI). */
static part find_in_jpeg(const uint8_t *bytes, size_t size) {
    enum { APP1 = 0xe1, EOI = 0xd9, SOS = 0xda };
    for (size_t at = 2; at + 4 <= size && bytes[at] == 0xff;) {
        uint8_t kind = bytes[at + 1];
        if (kind == 0xff) { /* a fill byte */
            at++;
            continue;
        }
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (kind == SOS || kind == EOI || length < 2 || length > size - at - 2) {
            break;
        }
        const uint8_t *content = bytes + at + 4;
        if (kind == APP1 && length - 2 > sizeof mark && memcmp(content, mark, sizeof mark) == 0) {
            return (part){content, length - 2};
        }
        at += 2 + length;
    }
    return (part){NULL, 0};
}

/* Searches the chunks of a PNG, which follow 8 bytes of signature: length, name, content, checksum.
 */
static part find_in_png(const uint8_t *bytes, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        const uint8_t *chunk = bytes + at;
        size_t length =
            (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (length > size - at - 12) {
            break;
        }
        if (memcmp(chunk + 4, "eXIf", 4) == 0) {
            return (part){chunk + 8, length};
        }
        at += 12 + length;
    }
    return (part){NULL, 0};
}

/* --- memory: counted, because libexif does not distinguish a lack of memory from damaged data ---
 */

static _Thread_local bool refused; /* since read_orientation began */

static void *take(ExifLong size) {
    void *memory = cnn_plain_alloc(size);
    refused = refused || !memory;
    return memory;
}

static void *take_more(void *memory, ExifLong size) {
    void *moved = cnn_plain_realloc(memory, size);
    refused = refused || !moved;
    return moved;
}

static ExifData *new_data(void) {
    ExifMem *memory = exif_mem_new(take, take_more, cnn_free);
    ExifData *data = memory ? exif_data_new_mem(memory) : NULL;
    refused = refused || !data;
    if (memory) {
        exif_mem_unref(memory);
    }
    return data;
}

/* --- reading --- */

/* exif: [size], starts with `mark`. 0: memory was refused. */
static int read_orientation(const uint8_t *exif, size_t size) {
    int orientation = 1;
    refused = false;
    ExifData *data = new_data();
    if (!data) {
        return 0;
    }
    /* libexif must not correct or add tags */
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(data, exif, (unsigned)size);
    const ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (entry && entry->format == EXIF_FORMAT_SHORT && entry->components == 1 && entry->size >= 2) {
        int value = exif_get_short(entry->data, exif_data_get_byte_order(data));
        orientation = value >= 1 && value <= 8 ? value : 1;
    }
    exif_data_unref(data);
    return refused ? 0 : orientation;
}

int cnn_exif_orientation(const void *file, size_t size) {
    const uint8_t *bytes = file;
    if (size >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8) {
        part exif = find_in_jpeg(bytes, size);
        return exif.size > 0 ? read_orientation(exif.bytes, exif.size) : 1;
    }
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) {
        part exif = find_in_png(bytes, size);
        if (exif.size == 0 || exif.size > EXIF_LIMIT - sizeof mark) {
            return 1;
        }
        uint8_t *marked = cnn_alloc(sizeof mark + exif.size, 1);
        if (!marked) {
            return 0;
        }
        memcpy(marked, mark, sizeof mark);
        memcpy(marked + sizeof mark, exif.bytes, exif.size);
        int orientation = read_orientation(marked, sizeof mark + exif.size);
        cnn_free(marked);
        return orientation;
    }
    return 1;
}
