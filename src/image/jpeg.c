#include "image/jpeg.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/exif.h"
#include "image/reader.h"
#include "image/stb_decode.h"

#include <string.h>

/* --- segments: markers FF xx, most followed by a length of two bytes, big-endian --- */

enum marker {
    TEM = 0x01,
    SOF0 = 0xc0,
    SOF1 = 0xc1,
    SOF2 = 0xc2,
    SOF3 = 0xc3,
    DHT = 0xc4,
    SOF5 = 0xc5,
    JPG = 0xc8,
    SOF9 = 0xc9, /* from here to SOF15, DAC (CC) included: arithmetic coding */
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
};

/* As stb_image recognises it: FF D8, with any number of FF between. */
static bool recognises(const uint8_t *bytes, size_t size) {
    size_t at = 1;
    while (at < size && bytes[at] == 0xff) {
        at++;
    }
    return size >= 2 && bytes[0] == 0xff && at < size && bytes[at] == SOI;
}

static bool is_bare(uint8_t marker) {
    return marker <= TEM || marker == 0xff || (marker >= RST0 && marker <= EOI);
}

typedef struct segment {
    uint8_t marker;
    size_t at, begin, end; /* offsets: the marker, the content after the length, its end */
    bool whole;            /* else the file ends in it */
    bool invalid;          /* its length does not count itself; it ends after the marker */
} segment;

/* Finds the first marker with a length, or the end marker, from `at`. All other bytes, between
 * segments and in the coded data of a scan (where 00 follows a plain FF), are skipped. False: none.
 */
static bool find_segment(const uint8_t *bytes, size_t size, size_t at, segment *found) {
    for (; at + 2 <= size; at++) {
        uint8_t marker = bytes[at + 1];
        if (bytes[at] != 0xff || (is_bare(marker) && marker != EOI)) {
            continue;
        }
        *found = (segment){.marker = marker, .at = at, .begin = at + 2, .end = at + 2};
        found->whole = marker == EOI;
        if (marker != EOI && at + 4 <= size) {
            size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
            found->whole = length <= size - at - 2;
            found->invalid = length < 2;
            if (length >= 2) {
                found->begin = at + 4;
                found->end = found->whole ? at + 2 + length : size;
            }
        }
        return true;
    }
    return false;
}

/* --- checks --- */

/* Does a DHT segment (without its length) consist of whole tables of at most 256 codes each? A
 * table has one byte, 16 counts, and one byte per code. A decoder would read a table that does not
 * fit from the bytes after the segment. Adds the tables to the set *defined: bit 0 … 3 for DC,
 * 4 … 7 for AC. */
static bool has_sound_tables(const uint8_t *content, size_t size, unsigned *defined) {
    size_t at = 0;
    while (at + 17 <= size) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16; i++) {
            codes += content[at + i];
        }
        if (codes > 256) {
            return false;
        }
        *defined |= 1U << ((content[at] >> 4 & 1) * 4 + (content[at] & 3));
        at += 17 + codes;
    }
    return at == size;
}

/* Each scan takes time in proportion to the size of the image, even if it has only a few bytes. A
 * sequential JPEG has one scan for each of at most four components. A progressive one by libjpeg
 * has 10 (colour) or 18 (CMYK). */
enum { SCANS_MAX = 4, SCANS_MAX_PROGRESSIVE = 64, COMPONENTS_MAX = 4 };

/* What is known about the file so far. */
typedef struct contents {
    uint8_t frame; /* the marker of the frame that the scans fill; 0: none yet */
    size_t frame_at;
    int components;
    uint8_t ids[COMPONENTS_MAX];
    unsigned covered; /* the set of components that are in a scan */
    int scans;
    bool coded;       /* there is a byte of coded data */
    unsigned defined; /* Huffman tables, as in has_sound_tables */
    bool lacks_tables;
} contents;

/* Kinds of frames that are not read. */
static cnn_status check_frame(const uint8_t *bytes, const segment *frame, cnn_error *error) {
    uint8_t marker = frame->marker;
    if (marker >= SOF9) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a JPEG with Huffman coding, found arithmetic coding at byte %zu; "
                        "convert it with: jpegtran -copy all FILE >NEW.jpg",
                        frame->at);
    }
    if (marker >= SOF3) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a baseline or progressive JPEG, found a %s one at byte %zu; "
                        "convert it with: djpeg FILE >FILE.ppm (libjpeg-turbo 3)",
                        marker == SOF3 ? "lossless" : "hierarchical", frame->at);
    }
    if (frame->begin < frame->end && bytes[frame->begin] != 8) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a JPEG of 8 bits, found %d bits at byte %zu; convert it with: "
                        "djpeg FILE >FILE.ppm (libjpeg-turbo 3)",
                        bytes[frame->begin], frame->begin);
    }
    return CNN_OK;
}

static bool is_frame(uint8_t marker) {
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG;
}

/* content: bits (1), height (2), width (2), number of components (1), each with id (1), … (2). */
static void read_frame(const uint8_t *content, size_t size, const segment *frame, contents *file) {
    file->frame = frame->marker;
    file->frame_at = frame->at;
    for (size_t at = 6; at + 3 <= size && file->components < COMPONENTS_MAX; at += 3) {
        file->ids[file->components++] = content[at];
    }
}

/* content: number of components (1), each with id (1) and tables (1), … (3). The coded data follow
 * at `after`. */
static cnn_status read_scan(const uint8_t *content, size_t size, const segment *scan,
                            const uint8_t *after, size_t left, contents *file, cnn_error *error) {
    int scans_max = file->frame == SOF2 ? SCANS_MAX_PROGRESSIVE : SCANS_MAX;
    if (++file->scans > scans_max) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a JPEG of at most %d scans, found more",
                        scans_max);
    }
    file->coded = file->coded || (left > 0 && after[0] != 0xff) ||
                  (left > 1 && after[0] == 0xff && after[1] == 0);
    size_t components = size > 0 ? content[0] : 0;
    for (size_t i = 0; i < components && 3 + 2 * i <= size; i++) {
        uint8_t id = content[1 + 2 * i];
        unsigned tables = content[2 + 2 * i];
        for (int k = 0; k < file->components; k++) {
            file->covered |= file->ids[k] == id ? 1U << k : 0;
        }
        unsigned needed = 1U << (tables >> 4 & 3) | 1U << (4 + (tables & 3));
        if (file->frame != SOF2 && (needed & ~file->defined) != 0) {
            if ((needed & ~file->defined & ~0x33U) != 0) { /* the standard has tables 0 and 1 */
                return cnn_fail(error, CNN_ERROR_DATA,
                                "damaged JPEG: expected the Huffman tables of the scan at byte "
                                "%zu before it, found none",
                                scan->at);
            }
            file->lacks_tables = true;
        }
    }
    return CNN_OK;
}

static cnn_status read_segment(const uint8_t *bytes, size_t size, const segment *part,
                               contents *file, cnn_error *error) {
    const uint8_t *content = bytes + part->begin;
    size_t length = part->end - part->begin;
    if (part->marker == DHT && length > 0 &&
        (!part->whole || !has_sound_tables(content, length, &file->defined))) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged JPEG: Huffman tables of more than 256 codes, or cut short");
    }
    if (!part->whole && (file->scans == 0 || file->frame == SOF2)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the JPEG file is cut short: expected more of the segment at byte %zu, "
                        "found the end of the file at byte %zu",
                        part->at, size);
    }
    if (file->frame == 0 && is_frame(part->marker)) {
        CNN_TRY(check_frame(bytes, part, error));
        read_frame(content, length, part, file);
    }
    return part->marker == SOS && part->whole
               ? read_scan(content, length, part, bytes + part->end, size - part->end, file, error)
               : CNN_OK;
}

/* Is there anything but fill bytes from `from` up to `to`? */
static bool has_junk(const uint8_t *bytes, size_t from, size_t to) {
    while (from < to && bytes[from] == 0xff) {
        from++;
    }
    return from < to;
}

/* Refuses:
 * - Huffman tables of more than 256 codes, also if a table continues after its segment (stb_image
 *   2.27 would write past an array);
 * - more scans than any program writes, because each scan takes time for the whole image;
 * - kinds of JPEG that are not read: arithmetic coding, lossless, other than 8 bits;
 * - files that are cut short before the coded data, and files without coded data for all
 *   components.
 *
 * *incomplete: the file must be repaired before it is decoded, because stb_image would not notice
 * that Huffman tables are missing, that the file is cut short, or (2.30) that it has skipped
 * everything after bytes between two segments that belong to none. */
static cnn_status check(const uint8_t *bytes, size_t size, bool *incomplete, cnn_error *error) {
    contents file = {0};
    segment part = {.end = 2};
    bool ended = false;
    bool junk = false;
    bool in_scan = false; /* is the last segment a scan, which coded data follow? */
    for (size_t end = 2; !ended && find_segment(bytes, size, end, &part); end = part.end) {
        junk = junk || (!in_scan && has_junk(bytes, end, part.at));
        in_scan = part.marker == SOS;
        ended = part.marker == EOI; /* bytes after it are not part of the image */
        if (!ended) {
            CNN_TRY(read_segment(bytes, size, &part, &file, error));
        }
    }
    if (file.scans == 0 || !file.coded) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: expected the coded data of its pixels, found the end of the %s at "
                        "byte %zu",
                        ended ? "damaged JPEG" : "the JPEG file is cut short",
                        ended ? "image" : "file", ended ? part.at : size);
    }
    if (file.covered != (1U << file.components) - 1U) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged JPEG: expected coded data for each of the %d components of the "
                        "frame at byte %zu, found none for some",
                        file.components, file.frame_at);
    }
    *incomplete = file.lacks_tables || !ended || junk;
    return CNN_OK;
}

/* --- repair --- */

/* The Huffman tables of ITU T.81, K.3.3, as a DHT segment: DC 0, AC 0, DC 1, AC 1. */
static const uint8_t standard_tables[] = {
    0xff, 0xc4, 0x01, 0xa2,
#define DC_CODES 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    0x00, 0,    1,    5,        1,        1,    1,    1,    1,    1,    0,    0,    0,    0,
    0,    0,    0,    DC_CODES, 0x10,     0,    2,    1,    3,    3,    2,    4,    3,    5,
    5,    4,    4,    0,        0,        1,    0x7d, 0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05,
    0x12, 0x21, 0x31, 0x41,     0x06,     0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81,
    0x91, 0xa1, 0x08, 0x23,     0x42,     0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62,
    0x72, 0x82, 0x09, 0x0a,     0x16,     0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29,
    0x2a, 0x34, 0x35, 0x36,     0x37,     0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54,     0x55,     0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66,
    0x67, 0x68, 0x69, 0x6a,     0x73,     0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84,
    0x85, 0x86, 0x87, 0x88,     0x89,     0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0xa2, 0xa3, 0xa4,     0xa5,     0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5,
    0xb6, 0xb7, 0xb8, 0xb9,     0xba,     0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca,
    0xd2, 0xd3, 0xd4, 0xd5,     0xd6,     0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5,
    0xe6, 0xe7, 0xe8, 0xe9,     0xea,     0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9,
    0xfa, 0x01, 0,    3,        1,        1,    1,    1,    1,    1,    1,    1,    1,    0,
    0,    0,    0,    0,        DC_CODES, 0x11, 0,    2,    1,    2,    4,    4,    3,    4,
    7,    5,    4,    4,        0,        1,    2,    0x77, 0x00, 0x01, 0x02, 0x03, 0x11, 0x04,
    0x05, 0x21, 0x31, 0x06,     0x12,     0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81,
    0x08, 0x14, 0x42, 0x91,     0xa1,     0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62,
    0x72, 0xd1, 0x0a, 0x16,     0x24,     0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a,     0x35,     0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46,
    0x47, 0x48, 0x49, 0x4a,     0x53,     0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64,
    0x65, 0x66, 0x67, 0x68,     0x69,     0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x82, 0x83, 0x84, 0x85,     0x86,     0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0x9a,     0xa2,     0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2,
    0xb3, 0xb4, 0xb5, 0xb6,     0xb7,     0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
    0xc8, 0xc9, 0xca, 0xd2,     0xd3,     0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3,
    0xe4, 0xe5, 0xe6, 0xe7,     0xe8,     0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
#undef DC_CODES
};

static void append(cnn_jpeg_copy *copy, const uint8_t *bytes, size_t size) {
    memcpy(copy->bytes + copy->size, bytes, size);
    copy->size += size;
}

/* The end of the coded data that begin at `at`: the next marker that is none of RST0 … RST7. */
static size_t end_of_coded_data(const uint8_t *bytes, size_t size, size_t at) {
    segment next;
    return find_segment(bytes, size, at, &next) ? next.at : size;
}

cnn_status cnn_jpeg_repair(const uint8_t *bytes, size_t size, cnn_jpeg_copy *copy,
                           cnn_error *error) {
    static const uint8_t start[2] = {0xff, SOI};
    static const uint8_t end[2] = {0xff, EOI};
    static const uint8_t padding[CNN_JPEG_PADDING] = {0};
    *copy = (cnn_jpeg_copy){.file_end = size};
    copy->bytes = cnn_alloc(size + sizeof standard_tables + sizeof padding + 4, 1);
    if (!copy->bytes) {
        return cnn_fail_memory(error, "repairing a JPEG");
    }
    append(copy, start, sizeof start);
    append(copy, standard_tables, sizeof standard_tables); /* the file's own tables replace them */
    bool ended = false;
    bool in_scan = false; /* is the last segment a scan? */
    segment part = {.end = 2};
    while (!ended && find_segment(bytes, size, part.end, &part) && part.whole && !part.invalid) {
        ended = part.marker == EOI;
        in_scan = part.marker == SOS;
        if (!ended) {
            part.end = part.marker == SOS ? end_of_coded_data(bytes, size, part.end) : part.end;
            append(copy, bytes + part.at, part.end - part.at);
        }
    }
    if (in_scan) { /* the file ends in its data */
        copy->data_end = copy->size;
        append(copy, padding, sizeof padding);
    }
    append(copy, end, sizeof end);
    return CNN_OK;
}

/* The orientation in the first EXIF and the last XMP data before the first scan. */
static int find_orientation(const uint8_t *bytes, size_t size) {
    enum { APP1 = 0xe1 };
    static const char exif_mark[] = "Exif\0";
    static const char xmp_mark[] = "http://ns.adobe.com/xap/1.0/";
    const uint8_t *exif = NULL;
    const uint8_t *xmp = NULL;
    size_t exif_size = 0;
    size_t xmp_size = 0;
    segment part = {.end = 2};
    while (find_segment(bytes, size, part.end, &part) && part.marker != SOS && part.marker != EOI) {
        const uint8_t *content = bytes + part.begin;
        size_t length = part.end - part.begin;
        if (part.marker != APP1) {
            continue;
        }
        if (!exif && length >= sizeof exif_mark &&
            memcmp(content, exif_mark, sizeof exif_mark) == 0) {
            exif = content;
            exif_size = length;
        } else if (length >= sizeof xmp_mark && memcmp(content, xmp_mark, sizeof xmp_mark) == 0) {
            xmp = content;
            xmp_size = length;
        }
    }
    return cnn_exif_or_xmp_orientation(exif, exif_size, xmp, xmp_size);
}

static cnn_status read_jpeg(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                            cnn_image *image, cnn_error *error) {
    bool incomplete = false;
    CNN_TRY(check(bytes, size, &incomplete, error));
    image->orientation = find_orientation(bytes, size);
    cnn_status status =
        incomplete ? CNN_ERROR_DATA : cnn_stb_decode(bytes, size, limit, image, error);
    return status == CNN_ERROR_DATA && !image->pixels
               ? cnn_stb_decode_repaired(bytes, size, limit, image, error)
               : status;
}

const cnn_image_reader cnn_jpeg_reader = {.name = "JPEG",
                                          .extensions = "jpg jpeg jpe jfif ",
                                          .recognises = recognises,
                                          .read = read_jpeg};
