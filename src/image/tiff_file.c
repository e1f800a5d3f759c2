#include "image/tiff_file.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t count) {
    cnn_tiff_source *s = handle;
    size_t left = s->at < s->size ? s->size - s->at : 0;
    size_t taken = count > 0 && (size_t)count < left ? (size_t)count : count > 0 ? left : 0;
    memcpy(to, s->bytes + (s->at < s->size ? s->at : 0), taken);
    s->at += taken;
    return (tmsize_t)taken;
}

static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t count) {
    (void)handle, (void)from, (void)count;
    return -1;
}

static toff_t seek(thandle_t handle, toff_t offset, int from) {
    cnn_tiff_source *s = handle;
    size_t base = from == SEEK_CUR ? s->at : from == SEEK_END ? s->size : 0;
    s->at = base + offset;
    return s->at;
}

static int close_source(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    return ((const cnn_tiff_source *)handle)->size;
}

static int keep_error(TIFF *tiff, void *handle, const char *module, const char *format,
                      va_list arguments) {
    (void)tiff, (void)module;
    cnn_tiff_source *s = handle;
    char text[sizeof s->message];
    (void)vsnprintf(text, sizeof text, format, arguments);
    if (!s->message[0]) {
        memcpy(s->message, text, sizeof text);
    }
    return 1; /* libtiff prints nothing */
}

static int keep_warning(TIFF *tiff, void *handle, const char *module, const char *format,
                        va_list arguments) {
    cnn_tiff_source *s = handle;
    char text[sizeof s->message];
    va_list copy;
    va_copy(copy, arguments);
    (void)vsnprintf(text, sizeof text, format, copy);
    va_end(copy);
    s->extra_unset = s->extra_unset || strstr(text, "Defining non-color channels");
    /* the end of coded data is only a warning, after which libtiff makes up the rest */
    return strstr(text, "remature") ? keep_error(tiff, handle, module, format, arguments) : 1;
}

cnn_status cnn_tiff_fail(const cnn_tiff_source *s, const char *otherwise, cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA, "damaged TIFF: %s",
                    s->message[0] ? s->message : otherwise);
}

/* The number of `count` bytes at `at`, in the byte order of the file. */
static uint64_t number_at(const uint8_t *bytes, size_t at, size_t count) {
    bool little = bytes[0] == 'I';
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        number = number << 8 | bytes[at + (little ? count - 1 - i : i)];
    }
    return number;
}

/* Is the directory of the first image in the file? Most programs write it last. It starts with the
 * number of its entries. A BigTIFF has larger numbers. */
static cnn_status check_directory(const cnn_tiff_source *s, cnn_error *error) {
    const bool big = s->size > 8 && number_at(s->bytes, 2, 2) == 43;
    const size_t header = big ? 16 : 8;
    if (s->size < header) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the TIFF file is cut short: expected a header of %zu bytes, found %zu",
                        header, s->size);
    }
    uint64_t at = number_at(s->bytes, big ? 8 : 4, big ? 8 : 4);
    const size_t before = big ? 8 : 2;
    const size_t entry = big ? 20 : 12;
    bool counted = at <= s->size && s->size - at >= before;
    uint64_t entries = counted ? number_at(s->bytes, (size_t)at, before) : 0;
    if (!counted || entries > (s->size - at - before) / entry) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the TIFF file is cut short: expected its directory at byte %llu, found "
                        "the end of the file at byte %zu",
                        (unsigned long long)at, s->size);
    }
    return CNN_OK;
}

/* The most bytes that libtiff may take in one piece: the file twice, 4 bytes for each pixel that an
 * image may have, and 16 MiB. */
static tmsize_t largest_piece(const cnn_tiff_source *s, const cnn_pixel_limit *limit) {
    double most = 2 * (double)s->size + 4e6 * limit->megapixels + 0x1p24;
    return (tmsize_t)(most < 0x1p31 ? most : 0x1p31);
}

cnn_status cnn_tiff_open(cnn_tiff_source *s, const cnn_pixel_limit *limit, TIFF **tiff,
                         cnn_error *error) {
    CNN_TRY(check_directory(s, error));
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) {
        return cnn_fail_memory(error, "decoding an image");
    }
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, largest_piece(s, limit));
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, keep_warning, s);
    /* m: not mapped; c: strips as they are in the file */
    *tiff = TIFFClientOpenExt("TIFF", "rmc", s, read_bytes, write_bytes, seek, close_source,
                              size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return *tiff ? CNN_OK : cnn_tiff_fail(s, "its header is not that of an image", error);
}
