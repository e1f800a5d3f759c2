#include "image/format.h"

#include "base/error.h"
#include "image/reader.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* --- kinds of files --- */

/* What to do with a file of a kind. In a command, FILE is the file. */
typedef struct kind {
    const char *name, *advice;
} kind;

static const kind avif = {"AVIF", "convert it with: avifdec FILE FILE.png"};
static const kind heic = {"HEIC", "convert it with: heif-convert FILE FILE.png"};
static const kind html = {"an HTML page, as a server sends it for a missing file",
                          "download it again with: curl -fLO ADDRESS"};
static const kind svg = {"SVG", "convert it with: rsvg-convert -o FILE.png FILE"};
static const kind video = {"a video", "get an image with: ffmpeg -i FILE -frames:v 1 FILE.png"};

/* The bytes at `offset` that name a kind. None of them starts a file that is read: the second byte
 * of a TGA is 0 or 1, and its third byte is not 0, nor 1 after a 0. */
typedef struct signature {
    size_t offset, length;
    const char *bytes;
    kind kind;
} signature;

#define BYTES(text) sizeof text - 1, text
#define WITHOUT(library) "this cnntrain was built without " library "; convert it with: "

static const signature signatures[] = {
#ifndef CNN_HAVE_WEBP
    {8, BYTES("WEBP"), {"WebP", WITHOUT("libwebp") "dwebp FILE -o FILE.png"}},
#endif
#ifndef CNN_HAVE_TIFF
    {0, BYTES("II*\0"), {"TIFF", WITHOUT("libtiff") "convert 'FILE[0]' FILE.png"}},
    {0, BYTES("MM\0*"), {"TIFF", WITHOUT("libtiff") "convert 'FILE[0]' FILE.png"}},
    {0, BYTES("II+\0"), {"BigTIFF", WITHOUT("libtiff") "convert 'FILE[0]' FILE.png"}},
    {0, BYTES("MM\0+"), {"BigTIFF", WITHOUT("libtiff") "convert 'FILE[0]' FILE.png"}},
#endif
    {0, BYTES("GIF8"), {"GIF", "convert its first frame with: convert 'FILE[0]' FILE.png"}},
    {0,
     BYTES("\0\0\0\x0cjP  \r\n\x87\n"),
     {"JPEG 2000", "convert it with: opj_decompress -i FILE -o FILE.png"}},
    {0,
     BYTES("\xff\x4f\xff\x51"),
     {"JPEG 2000", "convert it with: opj_decompress -i FILE -o FILE.png"}},
    {0, BYTES("\0\0\0\x0cJXL \r\n\x87\n"), {"JPEG XL", "convert it with: djxl FILE FILE.png"}},
    {0, BYTES("\xff\x0a"), {"JPEG XL", "convert it with: djxl FILE FILE.png"}},
    {0, BYTES("\0\0\1\0"), {"ICO", "convert it with: icotool --extract FILE"}},
    {0, BYTES("%PDF"), {"PDF", "convert its pages with: pdftoppm -png FILE FILE"}},
    {0, BYTES("%!PS"), {"PostScript", "convert it with: convert FILE FILE.png"}},
    {0, BYTES("8BPS"), {"PSD", "convert it with: convert 'FILE[0]' FILE.png"}},
    {0, BYTES("\x76\x2f\x31\x01"), {"OpenEXR", "convert it with: convert FILE FILE.png"}},
    {0, BYTES("#?RADIANCE"), {"Radiance HDR", "convert it with: convert FILE FILE.png"}},
    {0, BYTES("P7\n"), {"PAM", "convert it with: pamtopnm FILE >FILE.pnm"}},
    {0, BYTES("PF\n"), {"PFM", "convert it with: convert FILE FILE.png"}},
    {0, BYTES("Pf\n"), {"PFM", "convert it with: convert FILE FILE.png"}},
    {0,
     BYTES("version https://git-lfs.github.com/"),
     {"a Git LFS pointer", "fetch the image with: git lfs pull"}},
    {0,
     BYTES("\0\x05\x16\x07"),
     {"the attributes that macOS keeps next to a file", "delete it with: rm FILE"}},
    {128, BYTES("DICM"), {"DICOM", "convert it with: dcmj2pnm --write-png FILE FILE.png"}},
    {0, BYTES("PK\3\4"), {"a ZIP archive", "unpack it with: unzip FILE"}},
    {0, BYTES("\x1f\x8b"), {"a gzip file", "unpack it with: gunzip <FILE >NEW"}},
};

/* --- formats of several signatures --- */

static bool has_brand(const uint8_t *bytes, size_t size, const char *brand) {
    /* the length of the box, "ftyp", the brand, its version, and compatible brands */
    size_t box = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    size_t end = box < size ? box : size;
    for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
        if (memcmp(bytes + at, brand, 4) == 0) {
            return true;
        }
    }
    return false;
}

/* A file of the ISO base media format, which states what it is by brands. */
static const kind *kind_by_brand(const uint8_t *bytes, size_t size) {
    static const struct {
        const char *brand;
        const kind *kind;
    } brands[] = {{"avif", &avif}, {"avis", &avif}, {"heic", &heic}, {"heix", &heic},
                  {"heim", &heic}, {"heis", &heic}, {"hevc", &heic}, {"hevx", &heic},
                  {"mif1", &heic}, {"msf1", &heic}};
    if (size < 12 || memcmp(bytes + 4, "ftyp", 4) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++) {
        if (has_brand(bytes, size, brands[i].brand)) {
            return brands[i].kind;
        }
    }
    return &video;
}

/* Does the text begin with this tag, in any case? */
static bool begins_with(const uint8_t *text, size_t size, const char *tag) {
    size_t length = strlen(tag);
    for (size_t i = 0; i < length; i++) {
        if (i >= size || tolower(text[i]) != tag[i]) {
            return false;
        }
    }
    return true;
}

/* HTML and SVG: a tag after a byte order mark and white space. */
static const kind *kind_by_tag(const uint8_t *bytes, size_t size) {
    size_t at = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < size && isspace(bytes[at])) {
        at++;
    }
    static const char *const tags[] = {"<!doctype html", "<html", "<head", "<body", "<!--"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (begins_with(bytes + at, size - at, tags[i])) {
            return &html;
        }
    }
    if (begins_with(bytes + at, size - at, "<svg")) {
        return &svg;
    }
    if (begins_with(bytes + at, size - at, "<?xml")) {
        size_t end = size < at + 1024 ? size : at + 1024; /* of what a prologue can take */
        for (; at < end; at++) {
            if (begins_with(bytes + at, end - at, "<svg")) {
                return &svg;
            }
        }
    }
    return NULL;
}

cnn_status cnn_image_refuse_format(const uint8_t *bytes, size_t size, cnn_error *error) {
    const kind *found = kind_by_brand(bytes, size);
    for (size_t i = 0; !found && i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (size >= s->offset + s->length && memcmp(bytes + s->offset, s->bytes, s->length) == 0) {
            found = &s->kind;
        }
    }
    found = found ? found : kind_by_tag(bytes, size);
    if (!found) {
        return CNN_OK;
    }
    char formats[CNN_IMAGE_FORMAT_LIST_SIZE];
    cnn_image_format_list(formats, sizeof formats);
    return cnn_fail(error, CNN_ERROR_DATA, "expected a %s image, found %s; %s", formats,
                    found->name, found->advice);
}
