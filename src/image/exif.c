/* A loop over 12-byte entries, instead of a library: libexif reads only an orientation of the type
 * SHORT, and parses all other data of the camera on the way to it. */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

/* The types of TIFF 6.0, and those that came later. */
enum type {
    SHORT = 3,
    LONG = 4,
    RATIONAL = 5,
    SBYTE = 6,
    SSHORT = 8,
    SLONG = 9,
    SRATIONAL = 10,
    FLOAT = 11,
    DOUBLE = 12,
    IFD = 13,
    LONG8 = 16,
};
/* Bytes of a value of each type. 0: unknown. BYTE (1), ASCII (2) and UNDEFINED (7) are no numbers
 * here. */
static const uint8_t type_sizes[] = {
    [1] = 1,     [2] = 1,      [SHORT] = 2,  [LONG] = 4,  [RATIONAL] = 8,
    [SBYTE] = 1, [7] = 1,      [SSHORT] = 2, [SLONG] = 4, [SRATIONAL] = 8,
    [FLOAT] = 4, [DOUBLE] = 8, [IFD] = 4,    [LONG8] = 8};

typedef struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
} tiff;

static uint64_t read_number(const tiff *from, size_t at, size_t size) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | from->bytes[at + (from->big_endian ? i : size - 1 - i)];
    }
    return number;
}

/* The value at `at`; 0 if it is no number. Negative integers need not be told from large ones,
 * since both are no orientation. */
static double read_value(const tiff *from, size_t at, size_t type) {
    uint64_t bits = read_number(from, at, type_sizes[type]);
    uint32_t low_bits = (uint32_t)bits;
    float single;
    double value = 0;
    switch (type) {
    case RATIONAL:
    case SRATIONAL: {
        int64_t above = (int64_t)read_number(from, at, 4);
        int64_t below = (int64_t)read_number(from, at + 4, 4);
        above = type == SRATIONAL ? (int32_t)above : above;
        below = type == SRATIONAL ? (int32_t)below : below;
        return below != 0 ? (double)above / (double)below : 0;
    }
    case FLOAT:
        memcpy(&single, &low_bits, sizeof single);
        return single;
    case DOUBLE:
        memcpy(&value, &bits, sizeof value);
        return value;
    case SHORT:
    case LONG:
    case SBYTE:
    case SSHORT:
    case SLONG:
    case IFD:
    case LONG8:
        return (double)bits;
    default:
        return 0;
    }
}

/* The first directory: the number of entries (2), and entries of 12 bytes: tag (2), type (2),
 * number of values (4), the values, or their offset if they take more than 4 bytes. As in Pillow,
 * the last entry with the tag counts, and none after one whose values are not there. *value: 0 if
 * there is no entry. */
static bool find_orientation(const tiff *from, size_t at, double *value) {
    enum { ORIENTATION = 0x0112, ENTRY = 12 };
    bool found = false;
    if (from->size < 2 || at > from->size - 2) {
        return false;
    }
    size_t entries = read_number(from, at, 2);
    at += 2;
    for (size_t i = 0; i < entries && from->size - at >= ENTRY; i++, at += ENTRY) {
        size_t type = read_number(from, at + 2, 2);
        uint64_t count = read_number(from, at + 4, 4);
        if (type >= sizeof type_sizes || type_sizes[type] == 0 || count == 0) {
            continue;
        }
        size_t place = at + 8;
        if (count * type_sizes[type] > 4) {
            place = read_number(from, at + 8, 4);
            if (place > from->size || count * type_sizes[type] > from->size - place) {
                break;
            }
        }
        if (read_number(from, at, 2) == ORIENTATION) {
            *value = read_value(from, place, type);
            found = true;
        }
    }
    return found;
}

/* Reads the header: byte order (2), 42 (2), the offset of the first directory (4). False: it is
 * damaged. As in Pillow, 42 may be in the other byte order, and 43 may stand after "MM". */
static bool read_header(const uint8_t *bytes, size_t size, tiff *as, size_t *directory) {
    static const char starts[][4] = {"MM\0*", "II*\0", "MM*\0", "II\0*", "MM\0+"};
    for (size_t i = 0; size >= 8 && i < sizeof starts / sizeof *starts; i++) {
        if (memcmp(bytes, starts[i], sizeof starts[i]) == 0) {
            *as = (tiff){.bytes = bytes, .size = size, .big_endian = bytes[0] == 'M'};
            *directory = read_number(as, 4, 4);
            return true;
        }
    }
    return false;
}

/* tiff:Orientation="6" or tiff:Orientation>6. The first one counts. */
static int find_in_xmp(const uint8_t *xmp, size_t size) {
    static const char name[] = "tiff:Orientation";
    const uint8_t *end = xmp ? xmp + size : NULL;
    while (xmp && (xmp = memmem(xmp, (size_t)(end - xmp), name, sizeof name - 1)) != NULL) {
        xmp += sizeof name - 1;
        size_t skip = end - xmp >= 3 && memcmp(xmp, "=\"", 2) == 0 ? 2
                      : end - xmp >= 2 && *xmp == '>'              ? 1
                                                                   : 0;
        if (skip > 0 && xmp[skip] >= '0' && xmp[skip] <= '9') {
            return xmp[skip] - '0';
        }
    }
    return 1;
}

int cnn_exif_or_xmp_orientation(const uint8_t *bytes, size_t size, const uint8_t *xmp,
                                size_t xmp_size) {
    static const uint8_t mark[6] = {'E', 'x', 'i', 'f', 0, 0};
    tiff exif;
    size_t directory;
    double value = 1;
    while (size >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0) {
        bytes += sizeof mark;
        size -= sizeof mark;
    }
    if (size > 0 && !read_header(bytes, size, &exif, &directory)) {
        return 1;
    }
    if (size == 0 || !find_orientation(&exif, directory, &value)) {
        value = find_in_xmp(xmp, xmp_size);
    }
    return value >= 1 && value <= 8 && value == (int)value ? (int)value : 1;
}

int cnn_exif_orientation(const uint8_t *bytes, size_t size) {
    return cnn_exif_or_xmp_orientation(bytes, size, NULL, 0);
}
