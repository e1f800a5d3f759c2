/* Images that are damaged, cut short, or of another format than those that are read; and images
 * that look damaged but that every viewer reads. */
#include "test_support.h"

#include "base/memory.h"
#include "image/decode.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <zlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 21, HEIGHT = 13, PIXELS = WIDTH * HEIGHT, FILE_MAX = 1 << 16 };

/* A file in memory. */
typedef struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

static void append(file *to, const void *bytes, size_t size) {
    assert_true(size <= sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void append_for_stb(void *to, void *bytes, int size) {
    append(to, bytes, (size_t)size);
}

/* The message about a file that must be refused. */
static const char *reason(const void *bytes, size_t size) {
    static cnn_error error;
    cnn_image image;
    cnn_status status = test_image_read(bytes, size, &image, &error);
    if (status == CNN_OK) {
        print_error("read as %d×%d, value %d\n", image.width, image.height, image.pixels[0]);
    }
    assert_int_equal(status, CNN_ERROR_DATA);
    return error.message;
}

static cnn_image must_read(const void *bytes, size_t size) {
    cnn_image image;
    cnn_error error;
    test_ok(test_image_read(bytes, size, &image, &error), &error);
    return image;
}

/* The file shows the same pixels as another one. */
static void assert_same(const file *one, const file *other) {
    cnn_image a = must_read(one->bytes, one->size);
    cnn_image b = must_read(other->bytes, other->size);
    assert_int_equal(a.width, b.width);
    assert_int_equal(a.height, b.height);
    assert_int_equal(a.channels, b.channels);
    assert_memory_equal(a.pixels, b.pixels, (size_t)(a.width * a.height * a.channels));
    cnn_image_release(&a);
    cnn_image_release(&b);
}

/* RGB, with edges in it, so that a wrong place in the coded data shows. */
static void draw(uint8_t pixels[3 * PIXELS], uint64_t seed) {
    for (int i = 0; i < 3 * PIXELS; i++) {
        pixels[i] = (uint8_t)test_random(&seed, 0, 256);
    }
}

/* --- PNM --- */

static void test_maximum(void **state) {
    (void)state;
    /* made with Pillow 12.0.0: numpy.asarray(Image.open(…))[0, 0] of "P5 1 1 MAXIMUM\n" and the
     * sample, or "P6 …" if the maximum is above 255 */
    static const int values[] = {
        /* maximum, sample, pixel */
        1, 0, 0, 1, 1, 255, 1, 2, 255, 2, 1, 128, 2, 2, 255, 2, 3, 255, 15, 1, 17, 15, 2, 34, 15, 7,
        119, 15, 14, 238, 15, 15, 255, 15, 16, 255, 100, 1, 3, 100, 14, 36, 100, 33, 84, 100, 50,
        128, 100, 99, 252, 100, 101, 255, 254, 36, 36, 254, 127, 128, 254, 253, 254, 255, 127, 127,
        255, 254, 254, 256, 1, 1, 256, 85, 85, 256, 255, 254, 256, 257, 255, 1023, 1, 0, 1023, 146,
        36, 1023, 511, 127, 4095, 1, 0, 4095, 585, 36, 4095, 2047, 127, 4095, 4000, 249, 4095, 4094,
        255, 4095, 4096, 255, 65534, 1, 0, 65534, 9362, 36, 65534, 32767, 128, 65534, 65535, 255,
        /* 65535: the high byte, as in PNG */
        65535, 0x12ff, 18, 65535, 0xff00, 255};
    for (size_t i = 0; i < TEST_COUNT(values); i += 3) {
        for (int plain = 0; plain < 2; plain++) {
            for (int colour = 0; colour < 2; colour++) {
                int maximum = values[i];
                int sample = values[i + 1];
                char text[64];
                int size =
                    snprintf(text, sizeof text, "P%d 1 1 %d\n", (plain ? 2 : 5) + colour, maximum);
                for (int c = 0; c < (colour ? 3 : 1); c++) {
                    if (plain) {
                        size += snprintf(text + size, 16, "%d ", sample);
                        continue;
                    }
                    if (maximum > 255) {
                        text[size++] = (char)(sample >> 8);
                    }
                    text[size++] = (char)sample;
                }
                if (plain && sample > maximum) {
                    assert_non_null(strstr(reason(text, (size_t)size), "expected a value of at "));
                    continue;
                }
                cnn_image image = must_read(text, (size_t)size);
                assert_int_equal(image.pixels[0], values[i + 2]);
                assert_int_equal(image.channels, colour ? 3 : 1);
                assert_int_equal(image.format, CNN_IMAGE_PNM);
                assert_int_equal(image.deep, maximum > 255);
                cnn_image_release(&image);
            }
        }
    }
}

#define TEXT(text) text, sizeof text - 1

static void test_pnm(void **state) {
    (void)state;
    /* made with Pillow 12.0.0: numpy.asarray(Image.open(…).convert("RGB"))[..., 0] */
    static const struct {
        const char *bytes;
        size_t size;
        uint8_t pixels[20];
        int count;
    } files[] = {
        {TEXT("P1\n# c\n3 2\n1 0 1\n0#x\n11"), {0, 255, 0, 255, 0, 0}, 6},
        {TEXT("P1 3 2 101011"), {0, 255, 0, 255, 0, 0}, 6},
        {TEXT("P2 3 1 15 0 7 15"), {0, 119, 255}, 3},
        {TEXT("P2 3 1\n15 # c\n0 7\n# d\n15"), {0, 119, 255}, 3},
        {TEXT("P3 1 1 1000 0 500 1000"), {0, 128, 255}, 3},
        {TEXT("P4 10 2\n\xaa\x80\x0f\x40"),
         {0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 255, 255, 255, 255, 0, 0, 0, 0, 255, 0},
         20},
        {TEXT("P5 3#c\n 1 255\nabc"), {'a', 'b', 'c'}, 3},
        {TEXT("P5 3 1 255\r\nabc"), {'\n', 'a', 'b'}, 3},
        {TEXT("P5\t3\n\n1\n\n255\nabc"), {'a', 'b', 'c'}, 3},
    };
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        cnn_image image = must_read(files[i].bytes, files[i].size);
        assert_int_equal(image.width * image.height * image.channels, files[i].count);
        if (files[i].bytes[1] == '1') { /* the pixel in the third column, second row: "11" */
            assert_int_equal(image.pixels[3], 255);
        }
        assert_memory_equal(image.pixels, files[i].pixels, (size_t)files[i].count);
        cnn_image_release(&image);
    }
}

static void test_wrong_pnm(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } files[] = {
        {TEXT("P5 2 1 0\nab"),
         "expected a maximum from 1 to 65535 before byte 8 of a PNM file, found 0"},
        {TEXT("P5 2 1 65536\nab"),
         "expected a maximum of at most 65535 at byte 7 of a PNM file, found more"},
        {TEXT("P6 x 1 255\n"), "expected a width at byte 3 of a PNM file, found \"x\""},
        {TEXT("P6 1 \1 255\n"), "expected a height at byte 5 of a PNM file, found the byte 1"},
        {TEXT("P6 1 "), "the PNM file is cut short: expected a height at byte 5, found the end of "
                        "the file"},
        {TEXT("P5 3 1 255#c\nabc"), "expected white space at byte 10 of a PNM file, found \"#\""},
        {TEXT("P6 2 1 255\nabcde"), "the PNM file is cut short: expected 6 bytes for 2×1 pixels at "
                                    "byte 11, found 5"},
        {TEXT("P5 2 1 256\nabc"), "the PNM file is cut short: expected 4 bytes for 2×1 pixels at "
                                  "byte 11, found 3"},
        {TEXT("P4 9 2\nabc"), "the PNM file is cut short: expected 4 bytes for 9×2 pixels at byte "
                              "7, found 3"},
        {TEXT("P1 2 1\n1 "), "the PNM file is cut short: expected 0 or 1 at byte 9, found the end "
                             "of the file"},
        {TEXT("P1 2 1\n12"), "expected 0 or 1 at byte 8 of a PNM file, found \"2\""},
        {TEXT("P2 2 1 15\n3    "), "the PNM file is cut short: expected a value at byte 15, found "
                                   "the end of the file"},
        {TEXT("P2 2 1 15\n3 16"),
         "expected a value of at most 15 at byte 12 of a PNM file, found more"},
        {TEXT("P2 2 1 15\n3x 1"), "expected white space at byte 11 of a PNM file, found \"x\""},
        {TEXT("P2 900 1000 15\n3 1"), "the PNM file is cut short: expected at least 1799999 bytes "
                                      "for 900×1000 pixels at byte 15, found 3"},
    };
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        assert_string_equal(reason(files[i].bytes, files[i].size), files[i].message);
    }
}

/* --- PNG --- */

static void append_chunk(file *png, const char *name, const void *content, size_t size) {
    uint8_t head[8] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                       (uint8_t)size};
    memcpy(head + 4, name, 4);
    append(png, head, sizeof head);
    append(png, content, size);
    unsigned long crc = crc32(0, png->bytes + png->size - size - 4, (uInt)(size + 4));
    const uint8_t tail[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                             (uint8_t)crc};
    append(png, tail, sizeof tail);
}

/* A PNG of 8 bits. wrong: added to the last byte of the Adler-32 checksum. missing: bytes that the
 * compressed data lack at the end. apple: Apple's variant. */
static void make_png(const uint8_t *pixels, int channels, int wrong, size_t missing, bool apple,
                     file *png) {
    uint8_t rows[HEIGHT][1 + WIDTH * 4];
    uint8_t packed[FILE_MAX];
    size_t row = (size_t)(WIDTH * channels);
    uint8_t *to = rows[0];
    for (int y = 0; y < HEIGHT; y++) {
        *to++ = 0;
        memcpy(to, pixels + (size_t)y * row, row);
        to += row;
    }
    uLongf size = sizeof packed;
    assert_int_equal(compress(packed, &size, rows[0], (uLong)(to - rows[0])), Z_OK);
    packed[size - 1] = (uint8_t)(packed[size - 1] + wrong);
    const uint8_t header[13] = {0, 0, 0, WIDTH, 0, 0, 0, HEIGHT, 8, channels == 3 ? 2 : 6};
    png->size = 0;
    append(png, "\x89PNG\r\n\x1a\n", 8);
    if (apple) {
        append_chunk(png, "CgBI", "\x50\x00\x20\x02", 4);
    }
    append_chunk(png, "IHDR", header, sizeof header);
    if (apple) { /* no header of zlib, and no checksum */
        append_chunk(png, "IDAT", packed + 2, size - 6);
    } else {
        append_chunk(png, "IDAT", packed, (size - missing) / 2);
        append_chunk(png, "IDAT", packed + (size - missing) / 2,
                     size - missing - (size - missing) / 2);
    }
    append_chunk(png, "IEND", "", 0);
}

static void test_checksums(void **state) {
    (void)state;
    uint8_t pixels[3 * PIXELS];
    static file png;
    draw(pixels, 3);
    make_png(pixels, 3, 0, 0, false, &png);
    cnn_image image = must_read(png.bytes, png.size);
    assert_memory_equal(image.pixels, pixels, sizeof pixels);
    cnn_image_release(&image);
    for (size_t at = 8; at < png.size; at++) { /* no byte of a chunk can change */
        png.bytes[at] ^= 0x10;
        (void)reason(png.bytes, png.size);
        png.bytes[at] ^= 0x10;
    }
    png.bytes[8 + 25 + 8 + 9] ^= 1; /* in the first IDAT */
    assert_non_null(strstr(reason(png.bytes, png.size), "damaged PNG: expected the CRC "));
    assert_non_null(strstr(reason(png.bytes, png.size), " of the chunk IDAT at byte 33, found "));
    make_png(pixels, 3, 1, 0, false, &png);
    assert_string_equal(reason(png.bytes, png.size),
                        "damaged PNG: the Adler-32 checksum of its pixels is wrong");
    make_png(pixels, 3, 0, 5, false, &png);
    assert_string_equal(reason(png.bytes, png.size),
                        "damaged PNG: its compressed data are cut short");
    make_png(pixels, 3, 0, 0, false, &png);
    append(&png, "more", 4); /* not part of the image */
    image = must_read(png.bytes, png.size);
    assert_memory_equal(image.pixels, pixels, sizeof pixels);
    cnn_image_release(&image);
    assert_string_equal(reason("\x89PNG\n\x1a\n\0\0\0\rIHDR", 15),
                        "damaged PNG: its signature is changed, as if it had been copied as text");
}

static void test_cut_png(void **state) {
    (void)state;
    uint8_t pixels[3 * PIXELS];
    static file png;
    draw(pixels, 4);
    make_png(pixels, 3, 0, 0, false, &png);
    for (size_t size = 4; size < png.size; size++) {
        assert_memory_equal(reason(png.bytes, size), "the PNG file is cut short: expected ", 36);
    }
    char message[128];
    (void)snprintf(message, sizeof message,
                   "the PNG file is cut short: expected a chunk at byte %zu, found the end of the "
                   "file",
                   png.size - 12);
    assert_string_equal(reason(png.bytes, png.size - 12), message);
    assert_string_equal(reason(png.bytes, 30), "the PNG file is cut short: expected 25 bytes for "
                                               "the chunk IHDR at byte 8, found 22");
}

/* Apple's variant: blue before red, colours multiplied by alpha. */
static void test_apple(void **state) {
    (void)state;
    static const uint8_t colours[][4] = {{200, 100, 50, 255}, {255, 128, 0, 128}, {0, 0, 0, 0}};
    static const uint8_t stored[][4] = {{50, 100, 200, 255}, {0, 64, 128, 128}, {0, 0, 0, 0}};
    uint8_t pixels[4 * PIXELS] = {0};
    static file png;
    memcpy(pixels, stored, sizeof stored);
    make_png(pixels, 4, 0, 0, true, &png);
    cnn_image image = must_read(png.bytes, png.size);
    assert_int_equal(image.channels, 4);
    assert_memory_equal(image.pixels, colours, sizeof colours);
    cnn_image_release(&image);
    for (int i = 0; i < 3; i++) {
        memcpy(pixels + 3 * i, stored[0], 3);
    }
    make_png(pixels, 3, 0, 0, true, &png);
    image = must_read(png.bytes, png.size);
    assert_int_equal(image.channels, 3);
    assert_memory_equal(image.pixels + 6, colours[0], 3);
    cnn_image_release(&image);
    make_png(pixels, 3, 0, 0, false, &png); /* the next file of another program is not Apple's */
    image = must_read(png.bytes, png.size);
    assert_memory_equal(image.pixels, pixels, 9);
    cnn_image_release(&image);
    make_png(pixels, 3, 0, 0, true, &png);
    png.bytes[8 + 16 + 8 + 9] = 0; /* grey */
    unsigned long crc = crc32(0, png.bytes + 8 + 16 + 4, 17);
    for (int i = 0; i < 4; i++) {
        png.bytes[8 + 16 + 8 + 13 + i] = (uint8_t)(crc >> (24 - 8 * i));
    }
    assert_non_null(strstr(reason(png.bytes, png.size), "pngcrush -revert-iphone-optimizations"));
}

/* --- JPEG --- */

static void make_jpeg(file *jpeg) {
    uint8_t pixels[3 * PIXELS];
    draw(pixels, 7);
    jpeg->size = 0;
    assert_true(stbi_write_jpg_to_func(append_for_stb, jpeg, WIDTH, HEIGHT, 3, pixels, 90));
}

/* The offset of a marker from `at`, through the segments. */
static size_t find_marker(const file *jpeg, uint8_t marker) {
    size_t at = 2;
    while (jpeg->bytes[at + 1] != marker) {
        assert_int_equal(jpeg->bytes[at], 0xff);
        at += 2 + ((size_t)jpeg->bytes[at + 2] << 8 | jpeg->bytes[at + 3]);
        assert_true(at + 4 < jpeg->size);
    }
    return at;
}

/* *to: `from` with the bytes from `begin` to `end` replaced. */
static void splice(const file *from, size_t begin, size_t end, const void *bytes, size_t size,
                   file *to) {
    to->size = 0;
    append(to, from->bytes, begin);
    append(to, bytes, size);
    append(to, from->bytes + end, from->size - end);
}

enum { SOF0 = 0xc0, DHT = 0xc4, SOS = 0xda };

/* What cameras and their programs write, and every viewer skips. */
static void test_junk(void **state) {
    (void)state;
    static file jpeg, odd;
    make_jpeg(&jpeg);
    size_t end = jpeg.size - 2;
    static const struct {
        const char *bytes;
        size_t size;
    } junk[] = {{TEXT("\xff\0\0\xff\0\0\xff\0\0\0\0\0\0\0\0\0\0")},
                {TEXT("\xff\xd1")},
                {TEXT("\0\0\0\0\0\0\0")},
                {TEXT("\xff\xff\xff")},
                {TEXT("\xff\xd7\xff\0 any \xff\0 \xff\xd0\xff\xff\xff")},
                {TEXT("12345\xff\xd3\xff\xe1\0\6junk\xff\xd4")}};
    for (size_t i = 0; i < TEST_COUNT(junk); i++) {
        splice(&jpeg, end, end, junk[i].bytes, junk[i].size, &odd);
        assert_same(&odd, &jpeg);
        splice(&jpeg, end, jpeg.size, junk[i].bytes, junk[i].size, &odd); /* no end marker */
        assert_same(&odd, &jpeg);
    }
    splice(&jpeg, end, jpeg.size, "", 0, &odd);
    assert_same(&odd, &jpeg);
    static const uint8_t markers[] = {SOF0, DHT, SOS};
    for (size_t i = 0; i < TEST_COUNT(markers); i++) { /* between segments */
        size_t at = find_marker(&jpeg, markers[i]);
        splice(&jpeg, at, at, "\0\xff\xff", 3, &odd);
        assert_same(&odd, &jpeg);
        splice(&jpeg, at, at, "\xff\xd0 \xff\1", 5, &odd);
        assert_same(&odd, &jpeg);
    }
}

/* A frame of Motion JPEG lacks the Huffman tables, which are those of the standard. */
static void test_no_huffman_tables(void **state) {
    (void)state;
    static file jpeg, odd;
    make_jpeg(&jpeg); /* by stb_image_write, which writes the same tables */
    size_t at = find_marker(&jpeg, DHT);
    size_t length = 2 + ((size_t)jpeg.bytes[at + 2] << 8 | jpeg.bytes[at + 3]);
    splice(&jpeg, at, at + length, "", 0, &odd);
    assert_same(&odd, &jpeg);
    size_t scan = find_marker(&odd, SOS);
    odd.bytes[scan + 6] = 0x20; /* the first component's tables: the standard has no number 2 */
    assert_non_null(strstr(reason(odd.bytes, odd.size), "Huffman table 0x02 was not defined"));
}

static void test_cut_jpeg(void **state) {
    (void)state;
    static file jpeg;
    make_jpeg(&jpeg);
    size_t scan = find_marker(&jpeg, SOS);
    for (size_t size = 2; size < jpeg.size - 4; size++) {
        const char *message = reason(jpeg.bytes, size);
        char place[64];
        (void)snprintf(place, sizeof place, "end of the file at byte %zu", size);
        const char *missing = size < scan + 14 ? "the header of an image" : "more coded data";
        if (!strstr(message, "the JPEG file is cut short: expected ") || !strstr(message, place) ||
            !strstr(message, missing)) {
            print_error("%zu of %zu bytes: %s\n", size, jpeg.size, message);
            fail();
        }
    }
    assert_string_equal(reason(jpeg.bytes, 23),
                        "the JPEG file is cut short: expected the header of "
                        "an image, found the end of the file at byte 23");
}

/* Headers that promise data that never come. */
static void test_no_data(void **state) {
    (void)state;
    static file jpeg, odd;
    make_jpeg(&jpeg);
    size_t scan = find_marker(&jpeg, SOS);
    splice(&jpeg, scan, jpeg.size - 2, "", 0, &odd); /* no scan */
    char message[128];
    (void)snprintf(message, sizeof message,
                   "damaged JPEG: expected the coded data of its pixels, found the end of the "
                   "image at byte %zu",
                   scan);
    assert_string_equal(reason(odd.bytes, odd.size), message);
    splice(&jpeg, scan + 14, jpeg.size - 2, "", 0, &odd); /* an empty scan */
    assert_non_null(strstr(reason(odd.bytes, odd.size), "expected the coded data of its pixels"));
    splice(&jpeg, scan, scan + 14, "\xff\xda\0\x08\1\1\0\0\x3f\0", 10, &odd);
    assert_non_null(strstr(reason(odd.bytes, odd.size),
                           "expected coded data for each of its 3 components, found none"));
}

static void test_other_jpegs(void **state) {
    (void)state;
    static file jpeg;
    make_jpeg(&jpeg);
    size_t frame = find_marker(&jpeg, SOF0);
    static const struct {
        uint8_t marker, bits;
        const char *what, *command;
    } kinds[] = {{0xc1, 12, "found 12 bits before byte ", "djpeg "},
                 {0xc3, 8, "found a lossless one before byte ", "djpeg "},
                 {0xc5, 8, "found a hierarchical one before byte ", "djpeg "}};
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        jpeg.bytes[frame + 1] = kinds[i].marker;
        jpeg.bytes[frame + 4] = kinds[i].bits;
        assert_non_null(strstr(reason(jpeg.bytes, jpeg.size), kinds[i].what));
        assert_non_null(strstr(reason(jpeg.bytes, jpeg.size), kinds[i].command));
    }
}

/* --- BMP, TGA --- */

static void test_cut_bmp_and_tga(void **state) {
    (void)state;
    uint8_t pixels[3 * PIXELS];
    static file whole;
    draw(pixels, 9);
    for (int kind = 0; kind < 3; kind++) {
        whole.size = 0;
        stbi_write_tga_with_rle = kind == 2;
        assert_true(kind == 0
                        ? stbi_write_bmp_to_func(append_for_stb, &whole, WIDTH, HEIGHT, 3, pixels)
                        : stbi_write_tga_to_func(append_for_stb, &whole, WIDTH, HEIGHT, 3, pixels));
        cnn_image image = must_read(whole.bytes, whole.size);
        assert_memory_equal(image.pixels, pixels, sizeof pixels);
        cnn_image_release(&image);
        size_t padding = kind == 0 ? 1 : 0; /* of the last row of a BMP: not needed */
        image = must_read(whole.bytes, whole.size - padding);
        cnn_image_release(&image);
        for (size_t size = 18; size < whole.size - padding; size++) {
            const char *start = kind == 0 ? "the BMP file is cut short: expected "
                                          : "the TGA file is cut short: expected ";
            assert_memory_equal(reason(whole.bytes, size), start, strlen(start));
        }
    }
    stbi_write_tga_with_rle = 1;
    static const char *const message =
        "the BMP file is cut short: expected 831 bytes of pixels at byte 54, found 46";
    whole.size = 0;
    assert_true(stbi_write_bmp_to_func(append_for_stb, &whole, WIDTH, HEIGHT, 3, pixels));
    assert_string_equal(reason(whole.bytes, 100), message);
}

/* --- other formats, whatever the name of the file --- */

static void test_formats_by_name(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *found, *command;
    } files[] = {
#ifndef CNN_HAVE_WEBP
        {TEXT("RIFF\x24\0\0\0WEBPVP8 "), "found WebP; this cnntrain was built without libwebp; ",
         "convert it with: dwebp FILE -o FILE.png"},
#endif
        {TEXT("\0\0\0\x18"
              "ftypheic\0\0\0\0mif1heic"),
         "found HEIC; ", "heif-convert "},
        {TEXT("\0\0\0\x18"
              "ftypmif1\0\0\0\0mif1avif"),
         "found AVIF; ", "avifdec "},
        {TEXT("\0\0\0\x1c"
              "ftypavif\0\0\0\0avifmif1miaf"),
         "found AVIF; ", "avifdec "},
        {TEXT("\0\0\0\x14"
              "ftypisom\0\0\2\0isom"),
         "found a video; ", "ffmpeg "},
#ifndef CNN_HAVE_TIFF
        {TEXT("II*\0\x08\0\0\0"), "found TIFF; this cnntrain was built without libtiff; ",
         "convert it with: convert 'FILE[0]' FILE.png"},
        {TEXT("MM\0*\0\0\0\x08"), "found TIFF; this cnntrain was built without libtiff; ",
         "convert it with: convert 'FILE[0]' FILE.png"},
        {TEXT("II+\0\x08\0\0\0"), "found BigTIFF; ", "convert "},
#endif
        {TEXT("GIF89a\1\0\1\0\x80"), "found GIF; ", "convert "},
        {TEXT("\0\0\0\x0cjP  \r\n\x87\n"), "found JPEG 2000; ", "opj_decompress "},
        {TEXT("\xff\x4f\xff\x51\0\x2f"), "found JPEG 2000; ", "opj_decompress "},
        {TEXT("\0\0\0\x0cJXL \r\n\x87\n"), "found JPEG XL; ", "djxl "},
        {TEXT("\xff\x0a\xfa\x1f"), "found JPEG XL; ", "djxl "},
        {TEXT("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0"), "found ICO; ", "icotool "},
        {TEXT("%PDF-1.7\n"), "found PDF; ", "pdftoppm "},
        {TEXT("\n <!DOCTYPE html><html><body>404"), "found an HTML page, ", "curl "},
        {TEXT("\xef\xbb\xbf<HTML>"), "found an HTML page, ", "curl "},
        {TEXT("<?xml version=\"1.0\"?>\n<svg xmlns="), "found SVG; ", "rsvg-convert "},
        {TEXT("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"),
         "found a Git LFS pointer; ", "git lfs pull"},
        {TEXT("\0\5\x16\7\0\2\0\0Mac OS X"), "found the attributes that macOS", "rm "},
        {TEXT("P7\nWIDTH 1\n"), "found PAM; ", "pamtopnm "},
        {TEXT("PK\3\4\x14\0"), "found a ZIP archive; ", "unzip "},
    };
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        for (size_t size = files[i].size - 1; size <= files[i].size; size++) {
            const char *message = reason(files[i].bytes, size);
            assert_non_null(strstr(message, "expected a PNG, JPEG, BMP"));
            if (size == files[i].size &&
                (!strstr(message, files[i].found) || !strstr(message, files[i].command))) {
                print_error("%zu: %s\n", i, message);
                fail();
            }
        }
    }
    uint8_t dicom[132] = {0};
    memcpy(dicom + 128, "DICM", 4);
    assert_non_null(strstr(reason(dicom, sizeof dicom), "found DICOM; "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_pnm),
        cmocka_unit_test(test_wrong_pnm),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_cut_png),
        cmocka_unit_test(test_apple),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_no_huffman_tables),
        cmocka_unit_test(test_cut_jpeg),
        cmocka_unit_test(test_no_data),
        cmocka_unit_test(test_other_jpegs),
        cmocka_unit_test(test_cut_bmp_and_tga),
        cmocka_unit_test(test_formats_by_name),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
