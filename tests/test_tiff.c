/* TIFF images: every layout that is read, against pixels computed here; files that are damaged, cut
 * short or made to do harm. libtiff writes the files. Only in a build with libtiff. */
#include "test_support.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "image/decode.h"

#include <tiffio.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 37, HEIGHT = 21, SAMPLES_MAX = 5, FILE_MAX = 1 << 16 };

typedef struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

/* What a file is. Zero: the default of libtiff. */
typedef struct variant {
    const char *mode; /* of TIFFOpen: byte order, BigTIFF */
    uint16_t photometric, bits, samples, planar, compression, predictor, fill, orientation;
    int extra;    /* the first extra sample; -1: not stated */
    int rows;     /* of a strip; 0: tiles */
    int tile;     /* its side */
    int subimage; /* added to every sample: 1 in a second image */
} variant;

static uint16_t samples[HEIGHT][WIDTH][SAMPLES_MAX]; /* of the file, in its range */
static uint16_t palette[3][256];

static void draw(unsigned bits, uint64_t seed) {
    unsigned most = (1U << bits) - 1;
    for (size_t i = 0; i < sizeof samples / sizeof(uint16_t); i++) {
        (&samples[0][0][0])[i] = (uint16_t)((unsigned)test_random(&seed, 0, 65536) & most);
    }
    for (size_t i = 0; i < 3 * 256; i++) {
        (&palette[0][0])[i] = (uint16_t)test_random(&seed, 256, 65536);
    }
}

/* Packs a row of `count` pixels from (x, y): one plane, or all samples if it is -1. */
static void pack(const variant *v, int x, int y, int count, int plane, uint8_t *row) {
    size_t bit = 0;
    for (int i = 0; i < count; i++) {
        for (int s = plane < 0 ? 0 : plane; s < (plane < 0 ? v->samples : plane + 1); s++) {
            unsigned sample = 0;
            if (x + i < WIDTH && y < HEIGHT) {
                sample = (samples[y][x + i][s] + (unsigned)v->subimage) & ((1U << v->bits) - 1);
            }
            if (v->bits == 16) {
                memcpy(row + bit / 8, &(uint16_t){(uint16_t)sample}, 2);
                bit += 16;
                continue;
            }
            for (int b = v->bits - 1; b >= 0; b--, bit++) {
                uint8_t mask = (uint8_t)(0x80 >> bit % 8);
                row[bit / 8] =
                    (uint8_t)(sample >> b & 1 ? row[bit / 8] | mask : row[bit / 8] & ~mask);
            }
        }
    }
}

static void write_blocks(TIFF *tiff, const variant *v, int plane) {
    int width = v->rows ? WIDTH : v->tile;
    int height = v->rows ? v->rows : v->tile;
    size_t row = v->rows ? (size_t)TIFFScanlineSize(tiff) : (size_t)TIFFTileRowSize(tiff);
    uint8_t *block = calloc((size_t)height, row);
    assert_non_null(block);
    for (int y = 0; y < HEIGHT; y += height) {
        for (int x = 0; x < WIDTH; x += width) {
            int rows = v->rows && y + height > HEIGHT ? HEIGHT - y : height;
            for (int r = 0; r < rows; r++) {
                pack(v, x, y + r, width, plane, block + (size_t)r * row);
            }
            uint16_t s = (uint16_t)(plane < 0 ? 0 : plane);
            uint32_t at = v->rows ? TIFFComputeStrip(tiff, (uint32_t)y, s)
                                  : TIFFComputeTile(tiff, (uint32_t)x, (uint32_t)y, 0, s);
            tmsize_t size = (tmsize_t)((size_t)rows * row);
            assert_int_equal(v->rows ? TIFFWriteEncodedStrip(tiff, at, block, size)
                                     : TIFFWriteEncodedTile(tiff, at, block, size),
                             size);
        }
    }
    free(block);
}

static void write_image(TIFF *tiff, const variant *v) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, v->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, v->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, v->photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, v->planar ? v->planar : PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, v->compression ? v->compression : COMPRESSION_NONE);
    if (v->predictor) {
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, v->predictor);
    }
    if (v->fill) {
        TIFFSetField(tiff, TIFFTAG_FILLORDER, v->fill);
    }
    if (v->orientation) {
        TIFFSetField(tiff, TIFFTAG_ORIENTATION, v->orientation);
    }
    if (v->photometric == PHOTOMETRIC_PALETTE) {
        TIFFSetField(tiff, TIFFTAG_COLORMAP, palette[0], palette[1], palette[2]);
    }
    if (v->extra >= 0) {
        const uint16_t extra = (uint16_t)v->extra;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
    }
    if (v->rows) {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, v->rows);
    } else {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, v->tile);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, v->tile);
    }
    for (int plane = 0; plane < (v->planar == PLANARCONFIG_SEPARATE ? v->samples : 1); plane++) {
        write_blocks(tiff, v, v->planar == PLANARCONFIG_SEPARATE ? plane : -1);
    }
    assert_int_equal(TIFFWriteDirectory(tiff), 1);
}

/* Writes "image" with the samples. */
static void write_file(const variant *v) {
    (void)unlink("image"); /* some file systems flush a file that is cut and written again */
    TIFF *tiff = TIFFOpen("image", v->mode ? v->mode : "w");
    assert_non_null(tiff);
    write_image(tiff, v);
    TIFFClose(tiff);
}

static file read_file(void) {
    file whole = {.size = 0};
    FILE *in = fopen("image", "rb");
    assert_non_null(in);
    whole.size = fread(whole.bytes, 1, sizeof whole.bytes, in);
    assert_int_equal(fclose(in), 0);
    return whole;
}

/* The message about a file that must be refused. */
static const char *reason(const void *bytes, size_t size) {
    static cnn_error error;
    cnn_image image;
    cnn_status status = test_image_read(bytes, size, &image, &error);
    if (status == CNN_OK) {
        print_error("read as %d×%d\n", image.width, image.height);
    }
    assert_int_equal(status, CNN_ERROR_DATA);
    return error.message;
}

static void assert_contains(const char *text, const char *part) {
    assert_non_null(text);
    if (!strstr(text, part)) {
        print_error("expected \"%s\" in: %s\n", part, text);
        fail();
    }
}

static cnn_image must_read(void) {
    cnn_image image;
    cnn_error error;
    test_ok(cnn_image_read("image", 64, &image, &error), &error);
    assert_int_equal(image.format, CNN_IMAGE_TIFF);
    return image;
}

/* --- what a pixel must be --- */

/* A sample as a byte: of 12 and 16 bits, the high 8. */
static int as_byte(const variant *v, int sample) {
    return v->bits > 8 ? sample >> (v->bits - 8) : sample * 255 / ((1 << v->bits) - 1);
}

static int cmyk_part(int ink, int black) {
    int light = 255 - black;
    int shade = (int)((double)ink * light / 255.0 + 0.5);
    return light > shade ? light - shade : 0;
}

static int expected_channels(const variant *v) {
    int colours = v->photometric <= PHOTOMETRIC_MINISBLACK ? 1 : 3;
    bool unset_alpha = v->extra < 0 && v->photometric == PHOTOMETRIC_RGB && v->samples == 4;
    bool alpha =
        v->photometric != PHOTOMETRIC_SEPARATED &&
        (unset_alpha || v->extra == EXTRASAMPLE_ASSOCALPHA || v->extra == EXTRASAMPLE_UNASSALPHA);
    return colours + alpha;
}

static void expect_pixel(const variant *v, const uint16_t *from, int *to) {
    int channels = expected_channels(v);
    int colours = channels <= 2 ? 1 : 3;
    for (int c = 0; c < colours; c++) {
        if (v->photometric == PHOTOMETRIC_PALETTE) {
            to[c] = palette[c][from[0]] >> 8;
        } else if (v->photometric == PHOTOMETRIC_SEPARATED) {
            to[c] = cmyk_part(as_byte(v, from[c]), as_byte(v, from[3]));
        } else {
            to[c] = as_byte(v, from[c]);
        }
        if (v->photometric == PHOTOMETRIC_MINISWHITE && v->bits < 16) {
            to[c] = 255 - to[c];
        }
    }
    if (channels % 2 == 0) {
        int alpha = as_byte(v, from[channels - 1]);
        to[channels - 1] = alpha;
        for (int c = 0; v->extra == EXTRASAMPLE_ASSOCALPHA && c < colours; c++) {
            to[c] = alpha == 0 ? 0 : to[c] * 255 / alpha < 255 ? to[c] * 255 / alpha : 255;
        }
    }
}

/* "image" must have these samples, within `bound`. */
static void check_pixels(const variant *v, int bound) {
    cnn_image image = must_read();
    int channels = expected_channels(v);
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    assert_int_equal(image.channels, channels);
    assert_int_equal(image.deep, v->bits > 8);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int wanted[4];
        expect_pixel(v, samples[i / WIDTH][i % WIDTH], wanted);
        for (int c = 0; c < channels; c++) {
            int got = image.pixels[i * channels + c];
            if (abs(got - wanted[c]) > bound) {
                print_error("photometric %d, %d bits, %d samples (extra %d), planar %d, "
                            "compression %d, rows %d, tile %d, mode %s: pixel %d, channel %d: "
                            "expected %d, got %d\n",
                            v->photometric, v->bits, v->samples, v->extra, v->planar,
                            v->compression, v->rows, v->tile, v->mode ? v->mode : "w", i, c,
                            wanted[c], got);
                fail();
            }
        }
    }
    cnn_image_release(&image);
}

/* --- layouts --- */

static const variant kinds[] = {
    {.photometric = PHOTOMETRIC_MINISWHITE, .samples = 1, .extra = -1},
    {.photometric = PHOTOMETRIC_MINISBLACK, .samples = 1, .extra = -1},
    {.photometric = PHOTOMETRIC_MINISBLACK, .samples = 2, .extra = EXTRASAMPLE_UNASSALPHA},
    {.photometric = PHOTOMETRIC_MINISBLACK, .samples = 2, .extra = EXTRASAMPLE_UNSPECIFIED},
    {.photometric = PHOTOMETRIC_PALETTE, .samples = 1, .extra = -1},
    {.photometric = PHOTOMETRIC_RGB, .samples = 3, .extra = -1},
    {.photometric = PHOTOMETRIC_RGB, .samples = 4, .extra = -1},
    {.photometric = PHOTOMETRIC_RGB, .samples = 4, .extra = EXTRASAMPLE_UNSPECIFIED},
    {.photometric = PHOTOMETRIC_RGB, .samples = 4, .extra = EXTRASAMPLE_ASSOCALPHA},
    {.photometric = PHOTOMETRIC_RGB, .samples = 4, .extra = EXTRASAMPLE_UNASSALPHA},
    {.photometric = PHOTOMETRIC_SEPARATED, .samples = 4, .extra = -1},
    {.photometric = PHOTOMETRIC_SEPARATED, .samples = 5, .extra = EXTRASAMPLE_UNSPECIFIED},
};

/* The kinds in every number of bits, by strips and tiles, pixel by pixel and in planes, in both
 * byte orders, compressed by each method in turn. */
static void test_layouts(void **state) {
    (void)state;
    static const uint16_t bits[] = {1, 2, 4, 8, 12, 16};
    static const int blocks[][2] = {{HEIGHT, 0}, {1, 0}, {8, 0}, {0, 16}, {0, 64}};
    static const uint16_t compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW,
                                            COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS,
                                            COMPRESSION_ZSTD};
    static const char *const modes[] = {"wl", "wb", "wl8", "wb8"};
    unsigned turn = 0;
    for (size_t k = 0; k < TEST_COUNT(kinds); k++) {
        for (size_t b = 0; b < TEST_COUNT(bits); b++) {
            if (kinds[k].photometric == PHOTOMETRIC_PALETTE && bits[b] > 8) {
                continue;
            }
            draw(bits[b], 1 + k);
            for (size_t block = 0; block < TEST_COUNT(blocks); block++) {
                for (uint16_t planar = 1; planar <= 2; planar++, turn++) {
                    variant v = kinds[k];
                    v.bits = bits[b];
                    v.rows = blocks[block][0];
                    v.tile = blocks[block][1];
                    v.planar = planar;
                    v.mode = modes[turn / 7 % 4];
                    v.compression = compressions[turn % TEST_COUNT(compressions)];
                    v.compression = TIFFIsCODECConfigured(v.compression) ? v.compression : 0;
                    v.fill = turn % 3 == 0 ? FILLORDER_LSB2MSB : FILLORDER_MSB2LSB;
                    bool may_predict = v.compression == COMPRESSION_LZW ||
                                       v.compression == COMPRESSION_ADOBE_DEFLATE;
                    v.predictor = may_predict && (v.bits == 8 || v.bits == 16) ? 2 : 0;
                    write_file(&v);
                    check_pixels(&v, 0);
                }
            }
        }
    }
}

static void test_fax(void **state) {
    (void)state;
    static const uint16_t compressions[] = {COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,
                                            COMPRESSION_CCITTFAX4};
    draw(1, 3);
    for (size_t i = 0; i < TEST_COUNT(compressions); i++) {
        for (uint16_t photometric = 0; photometric < 2; photometric++) {
            for (uint16_t fill = 1; fill <= 2; fill++) {
                variant v = {.photometric = photometric,
                             .bits = 1,
                             .samples = 1,
                             .extra = -1,
                             .rows = i % 2 ? 5 : HEIGHT,
                             .fill = fill,
                             .compression = compressions[i]};
                write_file(&v);
                check_pixels(&v, 0);
            }
        }
    }
}

/* A smooth picture, which JPEG hardly changes. */
static void draw_smooth(void) {
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            samples[y][x][0] = (uint16_t)(40 + 3 * x + y);
            samples[y][x][1] = (uint16_t)(200 - 2 * x - y);
            samples[y][x][2] = (uint16_t)(100 + 2 * y);
        }
    }
}

static void test_jpeg(void **state) {
    (void)state;
    draw_smooth();
    for (int kind = 0; kind < 3; kind++) { /* grey, RGB, YCbCr */
        TIFF *tiff = TIFFOpen("image", "w");
        assert_non_null(tiff);
        variant v = {.photometric = kind == 0 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB,
                     .bits = 8,
                     .samples = kind == 0 ? 1 : 3,
                     .extra = -1,
                     .rows = 16,
                     .compression = COMPRESSION_JPEG};
        TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
        TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 95);
        variant written = v;
        if (kind == 2) {
            TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
            written.photometric = PHOTOMETRIC_YCBCR;
        }
        write_image(tiff, &written);
        TIFFClose(tiff);
        check_pixels(&v, 8);
    }
}

/* YCbCr that is not compressed as JPEG. By the default coefficients, from BT.601: the colours of
 * pixels whose chroma differ by 40 from the middle. */
static void test_ycbcr(void **state) {
    (void)state;
    static const int expected[4][3] = {
        {100, 100, 100}, {156, 71, 100}, {100, 86, 171}, {30, 30, 30}};
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        uint16_t *s = samples[i / WIDTH][i % WIDTH];
        s[0] = i % 4 == 3 ? 30 : 100;
        s[1] = i % 4 == 2 ? 168 : 128;
        s[2] = i % 4 == 1 ? 168 : 128;
    }
    variant v = {.photometric = PHOTOMETRIC_YCBCR,
                 .bits = 8,
                 .samples = 3,
                 .extra = -1,
                 .rows = 8,
                 .compression = COMPRESSION_LZW};
    TIFF *tiff = TIFFOpen("image", "w");
    assert_non_null(tiff);
    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
    write_image(tiff, &v);
    TIFFClose(tiff);
    cnn_image image = must_read();
    assert_int_equal(image.channels, 3);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        for (int c = 0; c < 3; c++) {
            assert_true(abs(image.pixels[3 * i + c] - expected[i % 4][c]) <= 1);
        }
    }
    cnn_image_release(&image);
}

static void test_orientations(void **state) {
    (void)state;
    draw(8, 5);
    for (uint16_t orientation = 1; orientation <= 8; orientation++) {
        variant v = {.photometric = PHOTOMETRIC_MINISBLACK,
                     .bits = 8,
                     .samples = 1,
                     .extra = -1,
                     .rows = HEIGHT,
                     .orientation = orientation};
        write_file(&v);
        cnn_image image = must_read();
        bool transposed = orientation >= 5;
        /* the corner of the upright image that the first sample of the file is in */
        bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
        bool below = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
        assert_int_equal(image.orientation, orientation);
        assert_int_equal(image.width, transposed ? HEIGHT : WIDTH);
        int x = right ? image.width - 1 : 0;
        int y = below ? image.height - 1 : 0;
        assert_int_equal(image.pixels[y * image.width + x], samples[0][0][0]);
        /* and the one next to it */
        int dx = transposed ? 0 : right ? -1 : 1;
        int dy = !transposed ? 0 : below ? -1 : 1;
        assert_int_equal(image.pixels[(y + dy) * image.width + x + dx], samples[0][1][0]);
        cnn_image_release(&image);
    }
}

static void test_first_of_several(void **state) {
    (void)state;
    draw(8, 6);
    variant v = {.photometric = PHOTOMETRIC_RGB, .bits = 8, .samples = 3, .extra = -1, .rows = 8};
    TIFF *tiff = TIFFOpen("image", "w");
    assert_non_null(tiff);
    write_image(tiff, &v);
    variant second = v;
    second.subimage = 1;
    write_image(tiff, &second);
    TIFFClose(tiff);
    check_pixels(&v, 0);
}

/* Some programs write a palette of 8 bits. */
static void test_palette_of_bytes(void **state) {
    (void)state;
    draw(8, 7);
    variant v = {
        .photometric = PHOTOMETRIC_PALETTE, .bits = 8, .samples = 1, .extra = -1, .rows = 8};
    uint16_t whole[3][256];
    memcpy(whole, palette, sizeof whole);
    for (int i = 0; i < 3 * 256; i++) {
        (&palette[0][0])[i] >>= 8;
    }
    write_file(&v);
    memcpy(palette, whole, sizeof whole);
    check_pixels(&v, 0);
}

/* --- refused --- */

/* The bytes of the first value of a tag, in a little-endian file that is not a BigTIFF. */
static uint8_t *find_tag(file *whole, unsigned tag) {
    size_t at = (size_t)whole->bytes[4] | (size_t)whole->bytes[5] << 8 |
                (size_t)whole->bytes[6] << 16 | (size_t)whole->bytes[7] << 24;
    for (uint8_t *entry = whole->bytes + at + 2; entry + 12 <= whole->bytes + whole->size;
         entry += 12) {
        if ((entry[0] | (unsigned)entry[1] << 8) == tag) {
            return entry + 8;
        }
    }
    fail_msg("no tag %u", tag);
    return NULL;
}

static void put_32(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

/* The first value of a tag with one value, of any type. */
static const char *reason_with(const file *whole, unsigned tag, uint32_t value) {
    file changed = *whole;
    uint8_t *at = find_tag(&changed, tag);
    at[-6] = TIFF_LONG;
    put_32(at, value);
    return reason(changed.bytes, changed.size);
}

static file grey_file(uint16_t compression, int rows) {
    variant v = {.mode = "wl",
                 .photometric = PHOTOMETRIC_MINISBLACK,
                 .bits = 8,
                 .samples = 1,
                 .extra = -1,
                 .rows = rows,
                 .tile = 16,
                 .compression = compression};
    draw(8, 8);
    write_file(&v);
    return read_file();
}

static void test_refused_kinds(void **state) {
    (void)state;
    static const struct {
        uint16_t format, bits;
        const char *message;
    } formats[] = {{SAMPLEFORMAT_IEEEFP, 32, "found floating-point samples of 32 bits; convert "},
                   {SAMPLEFORMAT_INT, 16, "found signed samples of 16 bits; convert "},
                   {SAMPLEFORMAT_UINT, 32, "found unsigned samples of 32 bits; convert "}};
    for (size_t i = 0; i < TEST_COUNT(formats); i++) {
        TIFF *tiff = TIFFOpen("image", "wl");
        assert_non_null(tiff);
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 2);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, formats[i].bits);
        TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, formats[i].format);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 1);
        assert_true(TIFFWriteEncodedStrip(tiff, 0, (uint8_t[8]){0}, formats[i].bits / 4) > 0);
        TIFFClose(tiff);
        file whole = read_file();
        assert_contains(reason(whole.bytes, whole.size), formats[i].message);
    }
    file whole = grey_file(COMPRESSION_NONE, 8);
    assert_contains(reason_with(&whole, TIFFTAG_COMPRESSION, COMPRESSION_LZMA),
                    "found compression 34925; convert it with: convert ");
    assert_contains(reason_with(&whole, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_CIELAB),
                    "found photometric interpretation 8; convert it with: convert ");
    assert_contains(reason_with(&whole, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB),
                    "expected at least 3 samples per pixel, found 1");
}

static void test_cut_short(void **state) {
    (void)state;
    static const uint16_t compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_JPEG};
    for (size_t i = 0; i < TEST_COUNT(compressions); i++) {
        file whole = grey_file(compressions[i], 8);
        for (size_t size = 8; size < whole.size; size++) {
            const char *message = reason(whole.bytes, size);
            /* the directory is the last part, and then the values that it refers to */
            if (size < (size_t)(find_tag(&whole, TIFFTAG_IMAGEWIDTH) - whole.bytes)) {
                assert_memory_equal(message, "the TIFF file is cut short: expected ", 37);
            }
        }
    }
    /* data after the directory, as many programs write them */
    file whole = grey_file(COMPRESSION_NONE, HEIGHT);
    file moved = whole;
    memcpy(moved.bytes + whole.size, whole.bytes + 8, WIDTH * HEIGHT);
    moved.size = whole.size + WIDTH * HEIGHT;
    put_32(find_tag(&moved, TIFFTAG_STRIPOFFSETS), (uint32_t)whole.size);
    find_tag(&moved, TIFFTAG_STRIPOFFSETS)[-6] = TIFF_LONG;
    cnn_image image;
    cnn_error error;
    test_ok(test_image_read(moved.bytes, moved.size, &image, &error), &error);
    cnn_image_release(&image);
    char message[160];
    (void)snprintf(message, sizeof message,
                   "the TIFF file is cut short: expected %d bytes for strip 0 at byte %zu, found "
                   "100",
                   WIDTH * HEIGHT, whole.size);
    assert_string_equal(reason(moved.bytes, whole.size + 100), message);
}

/* Any byte may be wrong. The file is then read or refused, without a word on stderr. */
static void test_damaged(void **state) {
    (void)state;
    static const uint16_t compressions[] = {COMPRESSION_NONE,     COMPRESSION_LZW,
                                            COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE,
                                            COMPRESSION_JPEG,     COMPRESSION_ZSTD};
    int before = dup(STDERR_FILENO);
    assert_non_null(freopen("stderr", "w", stderr));
    for (size_t i = 0; i < TEST_COUNT(compressions); i++) {
        if (!TIFFIsCODECConfigured(compressions[i])) {
            continue;
        }
        file whole = grey_file(compressions[i], i % 2 ? 8 : 0);
        size_t step = whole.size / 300 + 1;
        for (size_t at = 0; at < whole.size; at += at + 300 < whole.size ? step : 1) {
            cnn_image image;
            cnn_error error;
            uint8_t right = whole.bytes[at];
            whole.bytes[at] = (uint8_t)(right ^ (0x55 + at));
            if (test_image_read(whole.bytes, whole.size, &image, &error) == CNN_OK) {
                cnn_image_release(&image);
            }
            whole.bytes[at] = right;
        }
    }
    assert_int_equal(fflush(stderr), 0);
    assert_int_equal(ftell(stderr), 0);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    (void)close(before);
    /* the checksum of deflate, which libtiff need not compare, is not tested; coded data are */
    file whole = grey_file(COMPRESSION_ADOBE_DEFLATE, HEIGHT);
    memset(whole.bytes + 40, 0xff, 100);
    assert_contains(reason(whole.bytes, whole.size), "damaged TIFF: ");
}

/* --- made to do harm --- */

static void test_hostile(void **state) {
    (void)state;
    file whole = grey_file(COMPRESSION_ADOBE_DEFLATE, HEIGHT);
    file huge = whole;
    put_32(find_tag(&huge, TIFFTAG_IMAGELENGTH), 60000);
    find_tag(&huge, TIFFTAG_IMAGELENGTH)[-6] = TIFF_LONG;
    assert_contains(reason_with(&huge, TIFFTAG_IMAGEWIDTH, 60000), "megapixels");
    assert_contains(reason_with(&whole, TIFFTAG_IMAGEWIDTH, 0xffffffff), "columns and rows");
    /* within the limit, but far more than so few bytes can become */
    put_32(find_tag(&huge, TIFFTAG_ROWSPERSTRIP), 60000);
    find_tag(&huge, TIFFTAG_ROWSPERSTRIP)[-6] = TIFF_LONG;
    cnn_memory_limit(cnn_memory_look().in_use + ((size_t)1 << 22));
    assert_contains(reason_with(&huge, TIFFTAG_IMAGEWIDTH, 1000), "expected the data of 60000000 ");
    assert_contains(reason_with(&whole, TIFFTAG_SAMPLESPERPIXEL, 65535), "TIFF");
    cnn_memory_limit(SIZE_MAX);
    file tiles = grey_file(COMPRESSION_LZW, 0);
    put_32(find_tag(&tiles, TIFFTAG_TILEWIDTH), 1 << 20);
    find_tag(&tiles, TIFFTAG_TILEWIDTH)[-6] = TIFF_LONG;
    assert_contains(reason_with(&tiles, TIFFTAG_TILELENGTH, 1 << 20), "damaged TIFF: ");
    /* each of 21 strips is the whole file */
    file shared = grey_file(COMPRESSION_LZW, 1);
    uint8_t *offsets = find_tag(&shared, TIFFTAG_STRIPOFFSETS);
    uint8_t *counts = find_tag(&shared, TIFFTAG_STRIPBYTECOUNTS);
    size_t offset_bytes = offsets[-6] == TIFF_SHORT ? 2 : 4;
    size_t count_bytes = counts[-6] == TIFF_SHORT ? 2 : 4;
    for (size_t i = 0; i < HEIGHT; i++) {
        size_t from = offsets[0] | (size_t)offsets[1] << 8;
        size_t to = counts[0] | (size_t)counts[1] << 8;
        shared.bytes[from + offset_bytes * i] = 8;
        shared.bytes[from + offset_bytes * i + 1] = 0;
        shared.bytes[to + count_bytes * i] = (uint8_t)(shared.size - 8);
        shared.bytes[to + count_bytes * i + 1] = (uint8_t)((shared.size - 8) >> 8);
    }
    assert_contains(reason(shared.bytes, shared.size), "found that they share them");
    /* a directory that is its own successor does no harm, since only the first image is read */
    size_t at = (size_t)(whole.bytes[4] | whole.bytes[5] << 8);
    size_t entries = whole.bytes[at];
    memcpy(whole.bytes + at + 2 + 12 * entries, whole.bytes + 4, 4);
    cnn_image image;
    cnn_error error;
    test_ok(test_image_read(whole.bytes, whole.size, &image, &error), &error);
    cnn_image_release(&image);
}

static void test_memory_limit(void **state) {
    (void)state;
    (void)grey_file(COMPRESSION_LZW, 8);
    cnn_image image;
    cnn_error error;
    cnn_memory_limit(cnn_memory_look().in_use + ((size_t)1 << 20));
    assert_int_equal(cnn_image_read("image", 64, &image, &error), CNN_ERROR_RUNTIME);
    cnn_memory_limit(SIZE_MAX);
    test_ok(cnn_image_read("image", 64, &image, &error), &error);
    cnn_image_release(&image);
    assert_int_equal(cnn_memory_look().in_use, 0);
}

/* --- threads --- */

static void read_in_thread(void *context, size_t index, int thread) {
    (void)thread;
    atomic_int *wrong = context;
    cnn_image image;
    cnn_error error;
    bool first = index % 2 == 0;
    cnn_status status = cnn_image_read(first ? "good" : "bad", 64, &image, &error);
    if (first ? status != CNN_OK || image.pixels[0] != (uint8_t)samples[0][0][0]
              : status != CNN_ERROR_DATA || !strstr(error.message, "damaged TIFF: ")) {
        atomic_fetch_add(wrong, 1);
    }
    cnn_image_release(&image);
}

/* Messages of libtiff belong to the file that they are about. */
static void test_threads(void **state) {
    (void)state;
    file whole = grey_file(COMPRESSION_ADOBE_DEFLATE, HEIGHT);
    assert_int_equal(rename("image", "good"), 0);
    memset(whole.bytes + 40, 0xff, 100);
    (void)reason(whole.bytes, whole.size);
    assert_int_equal(rename("image", "bad"), 0);
    atomic_int wrong = 0;
    cnn_parallel_for(200, 4, read_in_thread, &wrong);
    assert_int_equal(wrong, 0);
}

int main(void) {
    TIFFSetErrorHandler(NULL); /* of the files that are written here */
    TIFFSetWarningHandler(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_fax),
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_ycbcr),
        cmocka_unit_test(test_orientations),
        cmocka_unit_test(test_first_of_several),
        cmocka_unit_test(test_palette_of_bytes),
        cmocka_unit_test(test_refused_kinds),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
