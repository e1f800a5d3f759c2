/* image.range and image.alpha: images of 16 bits and with transparency, their content, and what the
 * network sees of them. */
#include "test_support.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "config/config.h"
#include "image/hidden.h"
#include "image/load.h"
#include "samples/dataset.h"
#include "samples/stretch.h"

#include <zlib.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- PNG files --- */

/* A PNG file in the making. */
typedef struct png {
    uint8_t bytes[1 << 17];
    size_t size;
} png;

static void put_32(uint8_t *to, size_t value) {
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void add_chunk(png *file, const char *name, const void *content, size_t size) {
    uint8_t *chunk = file->bytes + file->size;
    assert_true(file->size + size + 12 <= sizeof file->bytes);
    put_32(chunk, size);
    memcpy(chunk + 4, name, 4);
    if (size > 0) {
        memcpy(chunk + 8, content, size);
    }
    put_32(chunk + 8 + size, crc32(0, chunk + 4, (uInt)(4 + size)));
    file->size += size + 12;
}

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

static void start_png(png *file, int width, int height, int bits, int colour) {
    uint8_t header[13] = {0};
    memcpy(file->bytes, "\x89PNG\r\n\x1a\n", 8);
    file->size = 8;
    put_32(header, (size_t)width);
    put_32(header + 4, (size_t)height);
    header[8] = (uint8_t)bits;
    header[9] = (uint8_t)colour;
    add_chunk(file, "IHDR", header, sizeof header);
}

/* rows: `height` rows of `size` bytes. */
static void end_png(png *file, const uint8_t *rows, int height, size_t size, const char *path) {
    static uint8_t raw[1 << 16], packed[1 << 16];
    uLongf length = sizeof packed;
    assert_true((size_t)height * (size + 1) <= sizeof raw);
    for (int y = 0; y < height; y++) {
        raw[(size_t)y * (size + 1)] = 0; /* no filter */
        memcpy(raw + (size_t)y * (size + 1) + 1, rows + (size_t)y * size, size);
    }
    assert_int_equal(compress(packed, &length, raw, (uLong)((size_t)height * (size + 1))), Z_OK);
    add_chunk(file, "IDAT", packed, length);
    add_chunk(file, "IEND", NULL, 0);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file->bytes, 1, file->size, out), file->size);
    assert_int_equal(fclose(out), 0);
}

static int channels_of(int colour) {
    return colour == GREY ? 1 : colour == GREY_ALPHA ? 2 : colour == RGB ? 3 : 4;
}

/* orientation: 0: no EXIF data. */
static void write_16(const char *path, int width, int height, int colour, const uint16_t *values,
                     int orientation) {
    static png file;
    uint8_t rows[4096];
    size_t row = (size_t)(width * channels_of(colour)) * 2;
    assert_true((size_t)height * row <= sizeof rows);
    for (size_t i = 0; i < (size_t)height * row / 2; i++) {
        rows[2 * i] = (uint8_t)(values[i] >> 8);
        rows[2 * i + 1] = (uint8_t)values[i];
    }
    start_png(&file, width, height, 16, colour);
    if (orientation > 0) {
        uint8_t exif[26] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0";
        exif[19] = (uint8_t)orientation;
        add_chunk(&file, "eXIf", exif, sizeof exif);
    }
    end_png(&file, rows, height, row, path);
}

static void write_8(const char *path, int width, int height, int colour, const uint8_t *values) {
    static png file;
    start_png(&file, width, height, 8, colour);
    end_png(&file, values, height, (size_t)(width * channels_of(colour)), path);
}

static cnn_image read_file(const char *path) {
    cnn_image image;
    cnn_error error;
    test_ok(cnn_image_read(path, 64, &image, &error), &error);
    return image;
}

static uint64_t content_of(const char *path) {
    uint64_t content;
    cnn_error error;
    cnn_image image = read_file(path);
    test_ok(cnn_image_content(&image, &content, &error), &error);
    cnn_image_release(&image);
    return content;
}

/* Loads an image at its own size: pixels[channels][height][width]. */
static void load(const char *path, int width, int height, int channels, cnn_range ends,
                 cnn_alpha alpha, uint8_t *pixels) {
    cnn_error error;
    cnn_image_settings as = {.width = width,
                             .height = height,
                             .channels = channels,
                             .range = ends.high > 0 ? CNN_RANGE_STRETCH : CNN_RANGE_FULL,
                             .ends = ends,
                             .alpha = alpha,
                             .max_megapixels = 64};
    test_ok(cnn_image_load(path, &as, NULL, pixels, NULL, &error), &error);
}

/* --- range --- */

static const cnn_range full = {0, 0};

/* Every value of every range below, against the definition in double. */
static void test_bytes(void **state) {
    (void)state;
    static const cnn_range ranges[] = {{0, 65535}, {29820, 29949}, {0, 4095},     {65534, 65535},
                                       {0, 1},     {1, 256},       {1000, 60001}, {29820, 30075}};
    for (size_t r = 0; r < TEST_COUNT(ranges); r++) {
        const cnn_range *range = &ranges[r];
        for (int v = 0; v < 65536; v++) {
            double exact = (double)(v - range->low) * 255.0 / (double)(range->high - range->low);
            double want = fmin(fmax(floor(exact + 0.5), 0.0), 255.0);
            assert_int_equal(cnn_range_byte(range, (uint32_t)v), (int)want);
        }
    }
    for (int v = 0; v < 256; v++) { /* 8 bits are not changed by the whole range */
        assert_int_equal(cnn_range_byte(&ranges[0], (uint32_t)(257 * v)), v);
    }
}

static cnn_range range_of(const char *const *paths, size_t count, cnn_alpha alpha) {
    cnn_histogram *histogram = cnn_histogram_create();
    cnn_error error;
    assert_non_null(histogram);
    for (size_t i = 0; i < count; i++) {
        cnn_image image = read_file(paths[i]);
        test_ok(cnn_histogram_add(histogram, &image, alpha, &error), &error);
        cnn_image_release(&image);
    }
    cnn_range range = cnn_histogram_range(histogram);
    cnn_free(histogram);
    return range;
}

static void expect_range(cnn_range got, int low, int high) {
    assert_int_equal(got.low, low);
    assert_int_equal(got.high, high);
}

/* The percentiles by nearest rank: of 1 to 1000 values, those at ranks 1 and 999. */
static void test_percentiles(void **state) {
    (void)state;
    uint16_t values[1001];
    for (int i = 0; i < 1001; i++) {
        values[i] = (uint16_t)(20000 + 7 * ((i * 389) % 1001)); /* each once, mixed */
    }
    const char *const path[] = {"ramp.png"};
    cnn_histogram *histogram = cnn_histogram_create();
    assert_non_null(histogram);
    expect_range(cnn_histogram_range(histogram), 0, 65535); /* nothing in it */
    cnn_free(histogram);
    write_16(path[0], 1001, 1, GREY, values, 0);
    /* 3003 values: ranks ceil(3.003) = 4 and ceil(2999.997) = 3000, which are values 2 and 1000 */
    expect_range(range_of(path, 1, CNN_ALPHA_DROP), 20007, 20000 + 7 * 999);
    write_16(path[0], 500, 1, GREY, values, 0); /* 1500: ranks 2 and 1499, the least and the most */
    int least = 65535, most = 0;
    for (int i = 0; i < 500; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    expect_range(range_of(path, 1, CNN_ALPHA_DROP), least, most);
    static const uint16_t same[3][2] = {{0, 0}, {30000, 30000}, {65535, 65535}};
    static const int want[3][2] = {{0, 1}, {30000, 30001}, {65534, 65535}};
    for (int i = 0; i < 3; i++) { /* one value only */
        write_16(path[0], 2, 1, GREY, same[i], 0);
        expect_range(range_of(path, 1, CNN_ALPHA_DROP), want[i][0], want[i][1]);
    }
}

/* Grey counts like the same image in colour, 8 bits like the same in 16, and pixels that nobody
 * sees only with "drop". */
static void test_what_counts(void **state) {
    (void)state;
    static const uint8_t grey[4] = {3, 90, 90, 200};
    static const uint16_t deep[4] = {3 * 257, 90 * 257, 90 * 257, 200 * 257};
    static const uint8_t clear[8] = {3, 0, 90, 1, 90, 255, 200, 0};
    write_8("grey.png", 4, 1, GREY, grey);
    write_16("deep.png", 4, 1, GREY, deep, 0);
    write_8("clear.png", 4, 1, GREY_ALPHA, clear);
    const char *const grey_path[] = {"grey.png"}, *const deep_path[] = {"deep.png"},
                      *const clear_path[] = {"clear.png"};
    expect_range(range_of(grey_path, 1, CNN_ALPHA_DROP), 771, 51400);
    expect_range(range_of(deep_path, 1, CNN_ALPHA_DROP), 771, 51400);
    expect_range(range_of(clear_path, 1, CNN_ALPHA_DROP), 771, 51400);
    expect_range(range_of(clear_path, 1, CNN_ALPHA_WHITE), 90 * 257, 90 * 257 + 1);
    /* an image of 500 equal greys and one pixel of colour: red, green and blue count once each,
     * grey three times */
    uint16_t many[500], colour[3] = {1, 2, 60000};
    for (int i = 0; i < 500; i++) {
        many[i] = 30000;
    }
    write_16("many.png", 500, 1, GREY, many, 0);
    write_16("colour.png", 1, 1, RGB, colour, 0);
    const char *const both[] = {"many.png", "colour.png"};
    expect_range(range_of(both, 2, CNN_ALPHA_DROP), 2, 30000); /* ranks 2 and 1502 of 1503 */
}

/* What the network sees of 16 bits: the high byte, or the stretched range, turned upright, of grey
 * and of colour; a file of 8 bits and pixels in memory alike. */
static void test_stretched_pixels(void **state) {
    (void)state;
    static const cnn_range ends = {1000, 1510};
    static const uint16_t values[6] = {999, 1002, 1255, 1256, 1509, 40000}; /* 3 × 2 */
    static const uint8_t want[6] = {0, 1, 128, 128, 255, 255}, high[6] = {3, 3, 4, 4, 5, 156};
    uint8_t pixels[18];
    write_16("a.png", 3, 2, GREY, values, 0);
    load("a.png", 3, 2, 1, full, CNN_ALPHA_DROP, pixels);
    assert_memory_equal(pixels, high, 6);
    load("a.png", 3, 2, 1, ends, CNN_ALPHA_DROP, pixels);
    assert_memory_equal(pixels, want, 6);
    write_16("turned.png", 3, 2, GREY, values, 6); /* a quarter to the right: 2 × 3 */
    static const uint8_t turned[6] = {128, 0, 255, 1, 255, 128};
    load("turned.png", 2, 3, 1, ends, CNN_ALPHA_DROP, pixels);
    assert_memory_equal(pixels, turned, 6);
    write_16("colour.png", 2, 1, RGB, values, 0); /* to [C][H][W] */
    static const uint8_t planes[6] = {0, 128, 1, 255, 128, 255};
    load("colour.png", 2, 1, 3, ends, CNN_ALPHA_DROP, pixels);
    assert_memory_equal(pixels, planes, 6);
    static const uint8_t eight[6] = {3, 4, 5, 6, 7, 200}; /* 771 … 1285, 1542 … */
    static const uint8_t eight_seen[6] = {0, 14, 143, 255, 255, 255};
    cnn_error error;
    const cnn_image_settings as = {
        .width = 3, .height = 2, .channels = 1, .range = CNN_RANGE_STRETCH, .ends = ends};
    write_8("eight.png", 3, 2, GREY, eight);
    load("eight.png", 3, 2, 1, ends, CNN_ALPHA_DROP, pixels);
    assert_memory_equal(pixels, eight_seen, 6);
    cnn_pixels given = {.bytes = eight, .width = 3, .height = 2, .channels = 1, .stride = 3};
    test_ok(cnn_image_adjust_and_convert(&given, &as, NULL, pixels, &error), &error);
    assert_memory_equal(pixels, eight_seen, 6);
    given.stride = 2;
    assert_int_equal(cnn_image_adjust_and_convert(&given, &as, NULL, pixels, &error),
                     CNN_ERROR_DATA);
}

/* PNM with a maximum above 255, binary and plain: scaled to 16 bits. */
static void test_pnm(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        uint16_t samples[3];
        uint8_t pixels[3];
    } files[] = {{"P5 3 1 65535\n\x12\x34\xff\xff\x00\xff", 19, {0x1234, 65535, 255}, {18, 255, 0}},
                 {"P5 3 1 4095\n\x00\x01\x0f\xff\x07\xff", 18, {16, 65535, 32759}, {0, 255, 127}},
                 {"P2 3 1 4095\n1 4095 2047\n", 24, {16, 65535, 32759}, {0, 255, 127}}};
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        FILE *out = fopen("deep.pgm", "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(files[i].bytes, 1, files[i].size, out), files[i].size);
        assert_int_equal(fclose(out), 0);
        cnn_image image = read_file("deep.pgm");
        assert_true(image.deep);
        assert_non_null(image.samples);
        assert_memory_equal(image.samples, files[i].samples, sizeof files[i].samples);
        assert_memory_equal(image.pixels, files[i].pixels, 3);
        cnn_image_release(&image);
    }
}

#ifdef CNN_HAVE_TIFF
/* TIFF of 16 bits. Its 0 is black even if it says that 0 is white (photometric 0), as in Pillow. */
static void test_tiff(void **state) {
    (void)state;
    static const uint16_t values[3] = {0x1234, 0x8001, 0xfffe};
    for (uint8_t photometric = 0; photometric < 2; photometric++) {
        uint8_t bytes[8 + 6 + 2 + 9 * 12 + 4] = "II*\0\16"; /* the directory is at byte 14 */
        const uint16_t entries[9][2] = {{256, 3}, {257, 1}, {258, 16}, {259, 1}, {262, photometric},
                                        {273, 8}, {277, 1}, {278, 1},  {279, 6}};
        memcpy(bytes + 8, values, 6); /* on a little-endian machine */
        bytes[14] = 9;
        for (size_t i = 0; i < 9; i++) {
            uint8_t *entry = bytes + 16 + 12 * i;
            entry[0] = (uint8_t)entries[i][0];
            entry[1] = (uint8_t)(entries[i][0] >> 8);
            entry[2] = 3; /* a number of 16 bits */
            entry[4] = 1;
            entry[8] = (uint8_t)entries[i][1];
        }
        FILE *out = fopen("deep.tif", "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, sizeof bytes, out), sizeof bytes);
        assert_int_equal(fclose(out), 0);
        cnn_image image = read_file("deep.tif");
        assert_true(image.deep);
        assert_non_null(image.samples);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(image.samples[i], values[i]);
            assert_int_equal(image.pixels[i], image.samples[i] >> 8);
        }
        cnn_image_release(&image);
    }
}
#endif

/* --- alpha --- */

/* SHA-256 of the 256 × 256 reds of Image.alpha_composite(Image.new("RGBA", size, background),
 * image).convert("RGB"), where the image has colour y and alpha x at (x, y): Pillow 11.3. */
static void test_all_alphas(void **state) {
    (void)state;
    static const char *const want[2] = {
        "e2083f2d3a72f11beca41a27e2aa2a51b66577fe9cb04aa603ba3f68a9024d63",
        "418853ec87753026005a03396b5361073ee4c6a446aeb22d6ce917e3f4f50806"};
    static uint8_t pixels[65536 * 4], reds[65536];
    for (int channels = 2; channels <= 4; channels += 2) {
        for (int black = 0; black < 2; black++) {
            cnn_image image = {.pixels = pixels, .width = 256, .height = 256, .channels = channels};
            for (int i = 0; i < 65536; i++) {
                memset(pixels + i * channels, i / 256, (size_t)channels - 1);
                pixels[(i + 1) * channels - 1] = (uint8_t)i;
            }
            cnn_alpha_compose(black ? CNN_ALPHA_BLACK : CNN_ALPHA_WHITE, &image);
            for (int i = 0; i < 65536; i++) {
                reds[i] = pixels[i * channels];
                assert_int_equal(pixels[(i + 1) * channels - 2], reds[i]); /* blue, or grey */
                assert_int_equal(pixels[(i + 1) * channels - 1], i % 256);
            }
            char digits[65];
            cnn_sha256_hex(reds, sizeof reds, digits);
            assert_string_equal(digits, want[black]);
        }
    }
}

/* The pixels in a row (RGBRGB…) of a file of 4 × 1, with each setting. */
static void expect_pixels(const char *path, const uint8_t want[3][12]) {
    for (int alpha = CNN_ALPHA_DROP; alpha <= CNN_ALPHA_BLACK; alpha++) {
        uint8_t pixels[12];
        load(path, 4, 1, 3, full, (cnn_alpha)alpha, pixels);
        for (int i = 0; i < 12; i++) {
            assert_int_equal(pixels[i % 3 * 4 + i / 3], want[alpha][i]);
        }
    }
}

/* Palettes and grey with tRNS, and 16 bits: what Pillow 11.3 gives, with Image.open(path)
 * .convert("RGBA") for the image in the line above. */
static void test_alpha_of_files(void **state) {
    (void)state;
    static png file;
    static const uint8_t index[4] = {0, 1, 2, 3}, grey[4] = {7, 50, 200, 7};
    start_png(&file, 4, 1, 8, PALETTE);
    add_chunk(&file, "PLTE", "\12\24\36\310\144\62\377\377\377\0\0\0", 12);
    add_chunk(&file, "tRNS", "\0\200\100\310", 4);
    end_png(&file, index, 1, 4, "palette.png");
    static const uint8_t palette[3][12] = {
        {10, 20, 30, 200, 100, 50, 255, 255, 255, 0, 0, 0},
        {255, 255, 255, 227, 177, 152, 255, 255, 255, 55, 55, 55},
        {0, 0, 0, 100, 50, 25, 64, 64, 64, 0, 0, 0}};
    expect_pixels("palette.png", palette);
    start_png(&file, 4, 1, 8, GREY);
    add_chunk(&file, "tRNS", "\0\7", 2);
    end_png(&file, grey, 1, 4, "key.png");
    static const uint8_t key[3][12] = {{7, 7, 7, 50, 50, 50, 200, 200, 200, 7, 7, 7},
                                       {255, 255, 255, 50, 50, 50, 200, 200, 200, 255, 255, 255},
                                       {0, 0, 0, 50, 50, 50, 200, 200, 200, 0, 0, 0}};
    expect_pixels("key.png", key);
    static const uint16_t deep[16] = {0x1234, 0x5678, 0x9abc, 0xdef0, 0xffff, 0x0100,
                                      0x80ff, 0x4001, 0x7fff, 0x8000, 0x00ff, 0x0000,
                                      0x2345, 0xfedc, 0x6543, 0xffff};
    write_16("deep.png", 4, 1, RGBA, deep, 0);
    static const uint8_t high[3][12] = {
        {0x12, 0x56, 0x9a, 255, 1, 0x80, 0x7f, 0x80, 0, 0x23, 0xfe, 0x65},
        {49, 108, 167, 255, 191, 223, 255, 255, 255, 35, 254, 101},
        {16, 75, 134, 64, 0, 32, 0, 0, 0, 35, 254, 101}};
    expect_pixels("deep.png", high);
    /* the range comes first, and does not change alpha */
    uint8_t pixels[12];
    static const cnn_range ends = {0, 0x8000};
    load("deep.png", 4, 1, 3, ends, CNN_ALPHA_WHITE, pixels);
    assert_int_equal(pixels[0], (36 * 0xde + 255 * (255 - 0xde) + 127) / 255);
    assert_int_equal(pixels[2], 255); /* alpha 0 */
    /* pixels in memory */
    static const uint8_t memory[8] = {0, 0, 0, 0, 200, 100, 50, 128};
    static const uint8_t seen[6] = {255, 227, 255, 177, 255, 152};
    cnn_error error;
    cnn_image_settings as = {.width = 2, .height = 1, .channels = 3, .alpha = CNN_ALPHA_WHITE};
    const cnn_pixels given = {.bytes = memory, .width = 2, .height = 1, .channels = 4, .stride = 8};
    test_ok(cnn_image_adjust_and_convert(&given, &as, NULL, pixels, &error), &error);
    assert_memory_equal(pixels, seen, 6);
}

/* --- content --- */

static void test_content(void **state) {
    (void)state;
    static const uint8_t grey[4] = {1, 2, 3, 250};
    uint8_t opaque[8], clear[8];
    uint16_t copy[4], low[4], deep_opaque[8];
    for (int i = 0; i < 4; i++) {
        opaque[2 * i] = clear[2 * i] = grey[i];
        opaque[2 * i + 1] = 255;
        clear[2 * i + 1] = i == 3 ? 254 : 255;
        copy[i] = low[i] = deep_opaque[2 * i] = (uint16_t)(257 * grey[i]);
        deep_opaque[2 * i + 1] = 65535;
    }
    low[2] ^= 1;
    write_8("grey.png", 4, 1, GREY, grey);
    write_8("opaque.png", 4, 1, GREY_ALPHA, opaque);
    write_8("clear.png", 4, 1, GREY_ALPHA, clear);
    write_16("copy.png", 4, 1, GREY, copy, 0);
    write_16("deep-opaque.png", 4, 1, GREY_ALPHA, deep_opaque, 0);
    write_16("low.png", 4, 1, GREY, low, 0);
    low[2] ^= 2;
    write_16("low2.png", 4, 1, GREY, low, 0);
    uint16_t rgb[12];
    for (int i = 0; i < 12; i++) {
        rgb[i] = low[i / 3];
    }
    write_16("low2-rgb.png", 4, 1, RGB, rgb, 0);
    uint64_t content = content_of("grey.png");
    assert_true(content == content_of("opaque.png"));
    assert_true(content == content_of("copy.png"));
    assert_true(content == content_of("deep-opaque.png"));
    assert_true(content != content_of("clear.png"));
    assert_true(content != content_of("low.png"));
    assert_true(content_of("low.png") != content_of("low2.png"));
    assert_true(content_of("low2.png") == content_of("low2-rgb.png"));
    assert_true(content_of("clear.png") != content_of("low.png"));
    FILE *out = fopen("low2.pgm", "wb"); /* the same values in another format */
    assert_non_null(out);
    (void)fprintf(out, "P5 4 1 65535\n");
    for (int i = 0; i < 4; i++) {
        (void)fputc(low[i] >> 8, out);
        (void)fputc(low[i] & 255, out);
    }
    assert_int_equal(fclose(out), 0);
    assert_true(content_of("low2.png") == content_of("low2.pgm"));
}

/* --- what is hidden --- */

/* Looks at images of 16 bits with `noise` different values from `from` on. */
static bool is_narrow(int from, int noise) {
    cnn_hidden hidden = {0};
    cnn_error error;
    cnn_range range;
    uint16_t values[1024];
    uint64_t random = 5;
    for (int i = 0; i < 1024; i++) {
        values[i] = (uint16_t)(from + (int)test_random(&random, 0, noise));
    }
    values[7] = 65535; /* a dead pixel hides nothing */
    write_16("noise.png", 32, 32, GREY, values, 0);
    cnn_image image = read_file("noise.png");
    test_ok(cnn_hidden_start(&hidden, &error), &error);
    assert_false(cnn_hidden_is_narrow(&hidden, &range));
    test_ok(cnn_hidden_look(&hidden, &image, &error), &error);
    bool narrow = cnn_hidden_is_narrow(&hidden, &range);
    cnn_hidden_free(&hidden);
    cnn_image_release(&image);
    return narrow;
}

static void test_narrow(void **state) {
    (void)state;
    assert_true(is_narrow(29820, 130)); /* a thermal camera, in hundredths of a kelvin */
    assert_true(is_narrow(0, 4096));    /* X-ray, 12 bits */
    assert_true(is_narrow(0, 16384));   /* a camera, 14 bits */
    assert_false(is_narrow(0, 20000));  /* more than a quarter of the range */
    assert_false(is_narrow(0, 65536));  /* all of it */
    assert_int_equal(cnn_range_levels(&(cnn_range){29820, 29949}), 1);
    assert_int_equal(cnn_range_levels(&(cnn_range){0, 4095}), 16);
}

/* The shape is only in alpha: a black square, and a white one; not if there are colours, nor
 * without a shape. */
static void test_shapes(void **state) {
    (void)state;
    uint8_t pixels[32 * 32 * 4];
    static const struct {
        int colour, inside, outside, noise;
        bool shape, light;
    } cases[] = {{0, 255, 0, 0, true, false},    {0, 255, 0, 16, true, false},
                 {255, 255, 0, 0, true, true},   {0, 255, 0, 40, false, false},
                 {0, 255, 255, 0, false, false}, {0, 0, 0, 0, false, false},
                 {90, 100, 30, 0, true, false},  {90, 100, 50, 0, false, false}};
    for (size_t k = 0; k < TEST_COUNT(cases); k++) {
        uint64_t random = 3;
        for (int i = 0; i < 1024; i++) {
            int x = i % 32, y = i / 32;
            bool inside = x > 8 && x < 20 && y > 8 && y < 20;
            int noise = (int)test_random(&random, 0, cases[k].noise + 1);
            memset(pixels + 4 * i, cases[k].colour + noise, 3);
            pixels[4 * i + 3] = (uint8_t)(inside ? cases[k].inside : cases[k].outside);
        }
        pixels[0] = 200; /* single pixels do not count */
        cnn_image image = {.pixels = pixels, .width = 32, .height = 32, .channels = 4};
        bool light;
        assert_int_equal(cnn_alpha_has_shape(&image, &light), cases[k].shape);
        assert_int_equal(light, cases[k].light);
    }
}

/* --- data sets --- */

/* A manifest with splits: training images from 20000 to 20999, others from 0 to 65535. */
static void write_data(void) {
    FILE *table = fopen("list.csv", "w");
    assert_non_null(table);
    (void)fprintf(table, "path,label,split\n");
    uint64_t random = 8;
    for (int i = 0; i < 24; i++) {
        static const char *const splits[] = {"train", "train", "val", "test"};
        char path[32];
        uint16_t values[100];
        for (int k = 0; k < 100; k++) {
            values[k] = (uint16_t)(i % 4 < 2 ? 20000 + (int)test_random(&random, 0, 1000)
                                             : (int)test_random(&random, 0, 65536));
        }
        if (i % 4 < 2) { /* one value in a hundred of each end, so that the percentiles are known */
            values[0] = 20000;
            values[1] = 20999;
        }
        (void)snprintf(path, sizeof path, "%02d.png", i);
        write_16(path, 10, 10, GREY, values, 0);
        (void)fprintf(table, "%s,%s,%s\n", path, i % 8 < 4 ? "a" : "b", splits[i % 4]);
    }
    assert_int_equal(fclose(table), 0);
}

static cnn_config *make_config(const char *more) {
    cnn_config *config;
    cnn_error error;
    char text[512];
    int size =
        snprintf(text, sizeof text,
                 "{\"data\": {\"train\": \"list.csv\"}, \"image\": {\"width\": 5, "
                 "\"height\": 5, \"channels\": 1, %s}, \"layers\": [{\"type\": \"flatten\"},"
                 " {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}], \"train\": "
                 "{\"epochs\": 1, \"batch_size\": 4, \"learning_rate\": 0.1}}",
                 more);
    test_ok(cnn_config_parse("test", text, (size_t)size, NULL, 0, &config, &error), &error);
    return config;
}

/* The ends are those of the training images only; every sample has the pixels that they give, with
 * the cache and without, on any number of threads. */
static void test_dataset(void **state) {
    (void)state;
    write_data();
    cnn_config *config = make_config("\"range\": \"stretch\"");
    assert_int_equal(mkdir("cache", 0700), 0);
    for (int run = 0; run < 4; run++) {
        cnn_dataset *dataset;
        cnn_error error;
        const cnn_log_sink log = {0};
        const cnn_reading reading = {
            .threads = 1 + run, .log = &log, .cache = {run > 1 ? "cache" : NULL, 1 << 20}};
        test_ok(cnn_dataset_load(&config->data, &config->image, 1, &reading, &dataset, &error),
                &error);
        expect_range(dataset->seen.ends, 20000, 20999);
        assert_int_equal(dataset->split_count[CNN_SPLIT_TRAIN], 12);
        for (size_t i = 0; i < dataset->count; i++) {
            uint8_t pixels[25];
            load(dataset->samples[i].path, 5, 5, 1, dataset->seen.ends, CNN_ALPHA_DROP, pixels);
            assert_memory_equal(cnn_dataset_pixels(dataset, i), pixels, 25);
        }
        /* an image that changes between two readings is noticed */
        if (run == 3) {
            uint16_t other[100] = {0};
            cnn_image_settings image = dataset->seen;
            write_16("05.png", 10, 10, GREY, other, 0);
            image.ends.high = 20500;
            assert_int_equal(
                cnn_dataset_load_again(dataset, &config->data, &image, &reading, &error),
                CNN_ERROR_DATA);
            assert_non_null(strstr(error.message, "05.png: changed while images were read"));
        }
        cnn_dataset_free(dataset);
    }
    cnn_config_free(config);
}

/* Runs with different ranges, ends and alphas do not share files of the cache. */
static void test_cache(void **state) {
    (void)state;
    write_data();
    static const char *const settings[] = {"\"range\": \"full\"", "\"range\": \"stretch\"",
                                           "\"alpha\": \"white\"", "\"alpha\": \"black\""};
    uint64_t sums[4];
    assert_int_equal(mkdir("cache2", 0700), 0);
    for (int run = 0; run < 8; run++) {
        cnn_config *config = make_config(settings[run % 4]);
        cnn_dataset *dataset;
        cnn_error error;
        const cnn_log_sink log = {0};
        const cnn_reading reading = {.threads = 1, .log = &log, .cache = {"cache2", 1 << 20}};
        uint16_t clear[8] = {30000, 0, 30000, 65535, 30000, 30000, 30000, 65535};
        if (run == 0) {
            write_16("00.png", 2, 2, GREY_ALPHA, clear, 0);
        }
        test_ok(cnn_dataset_load(&config->data, &config->image, 1, &reading, &dataset, &error),
                &error);
        uint64_t sum = CNN_HASH_START;
        for (size_t i = 0; i < dataset->count; i++) {
            sum = cnn_hash_bytes(sum, cnn_dataset_pixels(dataset, i), dataset->image_size);
        }
        assert_true(run < 4 || sums[run % 4] == sum);
        sums[run % 4] = sum;
        for (int other = 0; other < run && run < 4; other++) {
            assert_true(sums[other] != sum);
        }
        cnn_dataset_free(dataset);
        cnn_config_free(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),       cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_what_counts), cmocka_unit_test(test_stretched_pixels),
        cmocka_unit_test(test_pnm),
#ifdef CNN_HAVE_TIFF
        cmocka_unit_test(test_tiff),
#endif
        cmocka_unit_test(test_all_alphas),  cmocka_unit_test(test_alpha_of_files),
        cmocka_unit_test(test_content),     cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_shapes),      cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
