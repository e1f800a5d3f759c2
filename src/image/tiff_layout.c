#include "image/tiff_layout.h"

#include "base/error.h"

#define CONVERT "convert it with: convert 'FILE[0]' FILE.png"

/* The most samples of a pixel: more than any kind that is read has, and some that are ignored. */
enum { SAMPLES_MAX = 8 };

/* The most columns or rows. */
#define SIDE_MAX (1U << 24)

/* The compressions that are read, and the most bytes that one byte can become; 0: no such limit is
 * known. The others are rare, and their decoders are more code than they are worth. libtiff 4.5.0
 * cannot read what it writes as CCITTRLEW. LZMA and WebP take as much memory as the data ask for.
 */
static const struct {
    uint16_t code;
    size_t ratio;
} compressions[] = {
    {COMPRESSION_NONE, 1},       {COMPRESSION_LZW, 4096},     {COMPRESSION_ADOBE_DEFLATE, 1040},
    {COMPRESSION_DEFLATE, 1040}, {COMPRESSION_PACKBITS, 128}, {COMPRESSION_JPEG, 0},
    {COMPRESSION_CCITTRLE, 0},   {COMPRESSION_CCITTFAX3, 0},  {COMPRESSION_CCITTFAX4, 0},
    {COMPRESSION_ZSTD, 0},
};

static size_t find_compression(uint16_t code) {
    size_t count = sizeof compressions / sizeof *compressions;
    size_t i = 0;
    while (i < count && compressions[i].code != code) {
        i++;
    }
    return i;
}

static cnn_status check_compression(uint16_t code, cnn_error *error) {
    if (find_compression(code) < sizeof compressions / sizeof *compressions &&
        TIFFIsCODECConfigured(code)) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    "expected a TIFF compressed by LZW, deflate, PackBits, JPEG or CCITT, found "
                    "compression %u; " CONVERT,
                    code);
}

static cnn_status check_samples(uint16_t samples, uint16_t bits, uint16_t format,
                                cnn_error *error) {
    if (samples > SAMPLES_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a TIFF with at most %d samples per pixel, found %u; " CONVERT,
                        SAMPLES_MAX, samples);
    }
    bool whole = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
    if (whole && (bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 12 || bits == 16)) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    "expected a TIFF with unsigned samples of 1, 2, 4, 8, 12 or 16 bits, found %s "
                    "samples of %u bits; " CONVERT,
                    whole                           ? "unsigned"
                    : format == SAMPLEFORMAT_IEEEFP ? "floating-point"
                    : format == SAMPLEFORMAT_INT    ? "signed"
                                                    : "other",
                    bits);
}

/* Reads the palette. Its values have 16 bits, of which the high 8 count; some programs write 8. */
static cnn_status read_palette(TIFF *tiff, cnn_tiff_kind *kind, cnn_error *error) {
    uint16_t *columns[3];
    if (kind->bits > 8 ||
        !TIFFGetField(tiff, TIFFTAG_COLORMAP, &columns[0], &columns[1], &columns[2])) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged TIFF: expected a palette of at most 8 bits, found %s",
                        kind->bits > 8 ? "more" : "none");
    }
    int shift = 0;
    for (size_t i = 0; i < (size_t)1 << kind->bits; i++) {
        shift = columns[0][i] > 255 || columns[1][i] > 255 || columns[2][i] > 255 ? 8 : shift;
    }
    for (size_t i = 0; i < (size_t)1 << kind->bits; i++) {
        for (size_t c = 0; c < 3; c++) {
            kind->palette[i][c] = (uint8_t)(columns[c][i] >> shift);
        }
    }
    return CNN_OK;
}

/* Finds out what the samples mean. Sets kind but for its palette. */
static cnn_status read_colours(const cnn_tiff_layout *l, cnn_tiff_kind *kind, cnn_error *error) {
    uint16_t colours = 1;
    kind->white_is_zero = false;
    if (l->photometric == PHOTOMETRIC_MINISWHITE || l->photometric == PHOTOMETRIC_MINISBLACK ||
        (l->photometric == PHOTOMETRIC_YCBCR && l->samples == 1)) {
        kind->colours = CNN_TIFF_GREY;
        /* Pillow does not invert 16 bits */
        kind->white_is_zero = l->photometric == PHOTOMETRIC_MINISWHITE && kind->bits < 16;
    } else if (l->photometric == PHOTOMETRIC_PALETTE) {
        kind->colours = CNN_TIFF_PALETTE;
    } else if (l->photometric == PHOTOMETRIC_RGB || l->photometric == PHOTOMETRIC_YCBCR) {
        kind->colours = CNN_TIFF_RGB;
        colours = 3;
    } else if (l->photometric == PHOTOMETRIC_SEPARATED) {
        kind->colours = CNN_TIFF_CMYK;
        colours = 4;
    } else {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected grey, palette, RGB, CMYK or YCbCr in a TIFF, found photometric "
                        "interpretation %u; " CONVERT,
                        l->photometric);
    }
    kind->kept = colours;
    return l->samples >= colours
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_DATA,
                          "damaged TIFF: expected at least %u samples per pixel, found %u", colours,
                          l->samples);
}

/* Is the sample after the colours alpha? In RGB of four samples it is, if the file does not say
 * what it is. */
static void read_alpha(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                       cnn_tiff_kind *kind) {
    enum { COREL_DRAW = 999 };
    uint16_t count = 0;
    uint16_t *extra = NULL;
    kind->alpha = CNN_TIFF_NO_ALPHA;
    if (kind->colours == CNN_TIFF_CMYK || l->samples <= kind->kept ||
        !TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &extra)) {
        return;
    }
    uint16_t first = count > 0 ? extra[0] : EXTRASAMPLE_UNSPECIFIED;
    if (first == EXTRASAMPLE_ASSOCALPHA) {
        kind->alpha = CNN_TIFF_PREMULTIPLIED;
    } else if (first == EXTRASAMPLE_UNASSALPHA || first == COREL_DRAW ||
               (s->extra_unset && kind->colours == CNN_TIFF_RGB && l->samples == 4)) {
        kind->alpha = CNN_TIFF_PLAIN_ALPHA;
    }
    kind->kept += kind->alpha == CNN_TIFF_NO_ALPHA ? 0 : 1;
}

cnn_status cnn_tiff_read_layout(TIFF *tiff, const cnn_tiff_source *s, cnn_tiff_layout *l,
                                cnn_error *error) {
    uint32_t width = 0, height = 0;
    uint16_t bits, format, planar;
    *l = (cnn_tiff_layout){.photometric = PHOTOMETRIC_MINISWHITE, .tiled = TIFFIsTiled(tiff)};
    (void)TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    (void)TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    (void)TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &l->photometric);
    if (!TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &l->compression) ||
        !TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits) ||
        !TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format) ||
        !TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &l->samples) ||
        !TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar)) {
        return cnn_tiff_fail(s, "its description is incomplete", error);
    }
    if (width > SIDE_MAX || height > SIDE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected at most %u columns and rows in a TIFF, found %u×%u", SIDE_MAX,
                        width, height);
    }
    l->width = width;
    l->height = height;
    l->planar = planar == PLANARCONFIG_SEPARATE && l->samples > 1;
    l->kind.bits = bits;
    CNN_TRY(check_compression(l->compression, error));
    CNN_TRY(check_samples(l->samples, bits, format, error));
    CNN_TRY(read_colours(l, &l->kind, error));
    read_alpha(tiff, s, l, &l->kind);
    return l->kind.colours == CNN_TIFF_PALETTE ? read_palette(tiff, &l->kind, error) : CNN_OK;
}

/* --- blocks --- */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t cnn_tiff_blocks_across(const cnn_tiff_layout *l) {
    return (l->width + l->block_width - 1) / l->block_width;
}

size_t cnn_tiff_blocks_down(const cnn_tiff_layout *l) {
    return (l->height + l->block_height - 1) / l->block_height;
}

cnn_status cnn_tiff_read_blocks(TIFF *tiff, const cnn_tiff_source *s, cnn_tiff_layout *l,
                                cnn_error *error) {
    uint32_t width = 0, height = 0;
    tmsize_t row;
    if (l->tiled) {
        (void)TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
        (void)TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
        row = TIFFTileRowSize(tiff);
    } else {
        width = (uint32_t)l->width;
        (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &height);
        height = height < l->height ? height : (uint32_t)l->height;
        row = TIFFScanlineSize(tiff);
    }
    if (width == 0 || height == 0 || row <= 0) {
        return cnn_tiff_fail(s, "its strips or tiles have no size", error);
    }
    enum { SPARE = 1 << 20 }; /* samples of tiles that are larger than a small image */
    size_t samples = l->planar ? 1 : l->samples;
    size_t bits = (size_t)width * samples * (size_t)l->kind.bits;
    l->block_width = width;
    l->block_height = height;
    l->row_bytes = (size_t)row;
    if ((size_t)width * height > 4 * l->width * l->height + SPARE ||
        (l->row_bytes != (bits + 7) / 8 && !l->by_libtiff)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged TIFF: expected %s that fit an image of %zu×%zu, found %u×%u, %zu "
                        "bytes in a row",
                        l->tiled ? "tiles" : "strips", l->width, l->height, width, height,
                        l->row_bytes);
    }
    return CNN_OK;
}

/* Block i must be in the file, and may not be too short for its rows. *bytes: what it takes there.
 */
static cnn_status check_block(TIFF *tiff, const cnn_tiff_layout *l, size_t i, size_t size,
                              size_t *bytes, cnn_error *error) {
    size_t row =
        i / (l->tiled ? cnn_tiff_blocks_across(l) : 1) % cnn_tiff_blocks_down(l) * l->block_height;
    size_t rows = l->tiled ? l->block_height : smaller(l->block_height, l->height - row);
    size_t ratio = compressions[find_compression(l->compression)].ratio;
    uint64_t begin = TIFFGetStrileOffset(tiff, (uint32_t)i);
    uint64_t count = TIFFGetStrileByteCount(tiff, (uint32_t)i);
    const char *name = l->tiled ? "tile" : "strip";
    count = ratio == 1 ? rows * l->row_bytes : count; /* what libtiff reads */
    if (begin == 0 || count == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "damaged TIFF: expected data for %s %zu, found none",
                        name, i);
    }
    if (begin > size || count > size - begin) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the TIFF file is cut short: expected %llu bytes for %s %zu at byte %llu, "
                        "found %llu",
                        (unsigned long long)count, name, i, (unsigned long long)begin,
                        (unsigned long long)(begin < size ? size - begin : 0));
    }
    if (ratio > 0 && rows * l->row_bytes / ratio > count) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged TIFF: expected the data of %zu bytes for %s %zu, found %llu bytes",
                        rows * l->row_bytes, name, i, (unsigned long long)count);
    }
    *bytes = (size_t)count;
    return CNN_OK;
}

cnn_status cnn_tiff_check_blocks(TIFF *tiff, const cnn_tiff_source *s, const cnn_tiff_layout *l,
                                 size_t *largest, cnn_error *error) {
    enum { SHARED = 16 };
    size_t blocks = l->tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
    size_t needed =
        cnn_tiff_blocks_across(l) * cnn_tiff_blocks_down(l) * (l->planar ? l->samples : 1);
    if (blocks != needed) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged TIFF: expected %zu strips or tiles, found "
                        "%zu",
                        needed, blocks);
    }
    size_t sum = 0;
    *largest = 0;
    for (size_t i = 0; i < blocks; i++) {
        size_t bytes = 0;
        CNN_TRY(check_block(tiff, l, i, s->size, &bytes, error));
        *largest = bytes > *largest ? bytes : *largest;
        sum += bytes;
        if (sum / SHARED > s->size) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "damaged TIFF: expected strips or tiles with data of their own, found "
                            "that they share them");
        }
    }
    return CNN_OK;
}
