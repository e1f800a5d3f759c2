/* Images: every format, the same colours in any format, resizing, and files that are not images. */
#include "test_support.h"

#include "base/file.h"
#include "base/memory.h"
#include "image/load.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WIDTH 7
#define HEIGHT 5
#define PIXELS (WIDTH * HEIGHT)

static cnn_image_settings settings(int width, int height, int channels, cnn_resize resize) {
    return (cnn_image_settings){.width = width,
                                .height = height,
                                .channels = channels,
                                .resize = resize,
                                .max_megapixels = 64};
}

/* Loads an image that must be readable; returns its content hash. */
static uint64_t load(const char *path, cnn_image_settings as, uint8_t *pixels) {
    uint64_t content;
    cnn_error error;
    test_ok(cnn_image_load(path, &as, NULL, pixels, &content, &error), &error);
    return content;
}

/* Loads a file that must not be readable; returns the reason. */
static const char *reason(const char *path) {
    static cnn_error error;
    uint8_t pixels[PIXELS];
    cnn_image_settings as = settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH);
    error = (cnn_error){0};
    assert_int_equal(cnn_image_load(path, &as, NULL, pixels, NULL, &error), CNN_ERROR_DATA);
    assert_int_equal(error.status, CNN_ERROR_DATA);
    assert_string_not_equal(error.message, "");
    return error.message;
}

/* A random image with each number of channels; the grey images are the grey of the colours. */
typedef struct picture {
    uint8_t grey[PIXELS], rgb[PIXELS * 3], rgba[PIXELS * 4], grey_rgb[PIXELS * 3];
} picture;

static picture random_picture(uint64_t seed) {
    picture p;
    for (int i = 0; i < PIXELS; i++) {
        for (int c = 0; c < 3; c++) {
            p.rgb[i * 3 + c] = p.rgba[i * 4 + c] = (uint8_t)test_random(&seed, 0, 256);
        }
        p.rgba[i * 4 + 3] = (uint8_t)test_random(&seed, 0, 256);
        const uint8_t *colour = p.rgb + i * 3;
        p.grey[i] =
            (uint8_t)((19595 * colour[0] + 38470 * colour[1] + 7471 * colour[2] + 32768) >> 16);
        memset(p.grey_rgb + i * 3, p.grey[i], 3);
    }
    return p;
}

static void write_pnm(const char *path, int channels, const uint8_t *pixels) {
    char bytes[64 + PIXELS * 3];
    int header = snprintf(bytes, 64, "P%d\n%d %d\n255\n", channels == 1 ? 5 : 6, WIDTH, HEIGHT);
    memcpy(bytes + header, pixels, (size_t)(PIXELS * channels));
    test_write_bytes(path, bytes, (size_t)(header + PIXELS * channels));
}

/* --- formats --- */

static void test_formats(void **state) {
    (void)state;
    picture p = random_picture(5);
    assert_true(stbi_write_png("grey.png", WIDTH, HEIGHT, 1, p.grey, 0));
    assert_true(stbi_write_png("rgb.png", WIDTH, HEIGHT, 3, p.rgb, 0));
    assert_true(stbi_write_png("transparent.png", WIDTH, HEIGHT, 4, p.rgba, 0));
    for (int i = 0; i < PIXELS; i++) {
        p.rgba[i * 4 + 3] = 255;
    }
    assert_true(stbi_write_png("rgba.png", WIDTH, HEIGHT, 4, p.rgba, 0));
    assert_true(stbi_write_bmp("rgb.bmp", WIDTH, HEIGHT, 3, p.rgb));
    assert_true(stbi_write_tga("rgb.tga", WIDTH, HEIGHT, 3, p.rgb));
    assert_true(stbi_write_png("grey-rgb.png", WIDTH, HEIGHT, 3, p.grey_rgb, 0));
    write_pnm("ppm.jpg", 3, p.rgb); /* recognised by content, not by name */
    write_pnm("pgm.png", 1, p.grey);
    static const struct {
        const char *path;
        int content;
    } files[] = {{"grey.png", 0},       {"grey-rgb.png", 0}, {"pgm.png", 0}, {"rgb.png", 1},
                 {"rgba.png", 1},       {"rgb.bmp", 1},      {"rgb.tga", 1}, {"ppm.jpg", 1},
                 {"transparent.png", 2}}; /* the same pixels, but not a copy */
    uint8_t pixels[PIXELS * 3];
    uint64_t content[3] = {0, 0, 0};
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        uint64_t hash = load(files[i].path, settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH), pixels);
        assert_memory_equal(pixels, p.grey, PIXELS);
        uint64_t again = load(files[i].path, settings(WIDTH, HEIGHT, 3, CNN_RESIZE_CROP), pixels);
        for (int c = 0; c < 3; c++) {
            for (int k = 0; k < PIXELS; k++) { /* planar, the same bytes */
                int want = files[i].content > 0 ? p.rgb[k * 3 + c] : p.grey[k];
                assert_int_equal(pixels[c * PIXELS + k], want);
            }
        }
        assert_true(hash == again);
        uint64_t *same = &content[files[i].content];
        assert_true(*same == 0 || *same == hash);
        *same = hash;
    }
    assert_true(content[0] != content[1] && content[1] != content[2]);
}

/* The hash distinguishes images that differ in one value, or only in shape. */
static void test_content(void **state) {
    (void)state;
    picture p = random_picture(9);
    uint8_t pixels[PIXELS];
    cnn_image_settings as = settings(3, 3, 1, CNN_RESIZE_STRETCH);
    assert_true(stbi_write_png("a.png", WIDTH, HEIGHT, 1, p.grey, 0));
    assert_true(stbi_write_png("turned.png", HEIGHT, WIDTH, 1, p.grey, 0));
    p.grey[PIXELS - 1] ^= 1;
    assert_true(stbi_write_png("b.png", WIDTH, HEIGHT, 1, p.grey, 0));
    uint64_t a = load("a.png", as, pixels);
    assert_true(a != load("b.png", as, pixels));
    assert_true(a != load("turned.png", as, pixels));
}

static void test_16_bits(void **state) {
    (void)state;
    static const char bytes[] = "P5 3 1 65535\n\x12\x34\xff\x00\x00\xff";
    test_write_bytes("deep.pgm", bytes, sizeof bytes - 1);
    uint8_t pixels[3];
    (void)load("deep.pgm", settings(3, 1, 1, CNN_RESIZE_STRETCH), pixels);
    assert_int_equal(pixels[0], 0x12);
    assert_int_equal(pixels[1], 0xff);
    assert_int_equal(pixels[2], 0x00);
}

static void test_jpeg(void **state) {
    (void)state;
    uint8_t flat[16 * 16], pixels[16 * 16];
    memset(flat, 130, sizeof flat);
    assert_true(stbi_write_jpg("flat.jpg", 16, 16, 1, flat, 95));
    (void)load("flat.jpg", settings(16, 16, 1, CNN_RESIZE_STRETCH), pixels);
    for (size_t i = 0; i < sizeof pixels; i++) {
        assert_in_range(pixels[i], 128, 132);
    }
}

/* --- sizes --- */

/* 24×12: column x has the value 10 x; and 12×24: row y has it. */
static void write_steps(void) {
    uint8_t wide[12][24], tall[24][12];
    for (int y = 0; y < 12; y++) {
        for (int x = 0; x < 24; x++) {
            wide[y][x] = tall[x][y] = (uint8_t)(10 * x);
        }
    }
    assert_true(stbi_write_png("wide.png", 24, 12, 1, wide, 0));
    assert_true(stbi_write_png("tall.png", 12, 24, 1, tall, 0));
}

static void test_stretch(void **state) {
    (void)state;
    write_steps();
    uint8_t pixels[12][12], turned[12][12];
    (void)load("wide.png", settings(12, 12, 1, CNN_RESIZE_STRETCH), &pixels[0][0]);
    (void)load("tall.png", settings(12, 12, 1, CNN_RESIZE_STRETCH), &turned[0][0]);
    for (int y = 0; y < 12; y++) {
        for (int x = 0; x < 12; x++) { /* the mean of two steps, filtered a little at the edges */
            test_near("column", (size_t)x, pixels[y][x], 20 * x + 5, 4);
            test_near("row", (size_t)x, turned[x][y], 20 * x + 5, 4);
        }
    }
}

static void test_crop(void **state) {
    (void)state;
    write_steps();
    uint8_t pixels[12][12], turned[12][12], small[6][6];
    (void)load("wide.png", settings(12, 12, 1, CNN_RESIZE_CROP), &pixels[0][0]);
    (void)load("tall.png", settings(12, 12, 1, CNN_RESIZE_CROP), &turned[0][0]);
    (void)load("wide.png", settings(6, 6, 1, CNN_RESIZE_CROP), &small[0][0]);
    for (int y = 0; y < 12; y++) {
        for (int x = 0; x < 12; x++) { /* columns 6 … 17 of 24, unfiltered */
            assert_int_equal(pixels[y][x], 10 * (x + 6));
            assert_int_equal(turned[x][y], 10 * (x + 6));
        }
    }
    test_near("middle", 0, small[3][0], 65, 6);
    test_near("middle", 5, small[3][5], 165, 6);
}

static void test_letterbox(void **state) {
    (void)state;
    write_steps();
    uint8_t pixels[24][24], turned[24][24], small[12][12];
    memset(pixels, 99, sizeof pixels);
    (void)load("wide.png", settings(24, 24, 1, CNN_RESIZE_LETTERBOX), &pixels[0][0]);
    (void)load("tall.png", settings(24, 24, 1, CNN_RESIZE_LETTERBOX), &turned[0][0]);
    for (int y = 0; y < 24; y++) {
        for (int x = 0; x < 24; x++) {
            int want = y >= 6 && y < 18 ? 10 * x : 0;
            assert_int_equal(pixels[y][x], want);
            assert_int_equal(turned[x][y], want);
        }
    }
    (void)load("wide.png", settings(12, 12, 1, CNN_RESIZE_LETTERBOX), &small[0][0]);
    for (int x = 0; x < 12; x++) {
        assert_int_equal(small[2][x], 0);
        test_near("column", (size_t)x, small[3][x], 20 * x + 5, 4);
        test_near("column", (size_t)x, small[8][x], 20 * x + 5, 4);
        assert_int_equal(small[9][x], 0);
    }
}

/* Extreme shapes keep at least one row or column. */
static void test_extreme_shapes(void **state) {
    (void)state;
    uint8_t line[300], pixels[3 * 16 * 16];
    memset(line, 200, sizeof line);
    assert_true(stbi_write_png("row.png", 300, 1, 1, line, 0));
    assert_true(stbi_write_png("column.png", 1, 300, 1, line, 0));
    assert_true(stbi_write_png("dot.png", 1, 1, 3, line, 0));
    static const char *const paths[] = {"row.png", "column.png", "dot.png"};
    for (size_t i = 0; i < TEST_COUNT(paths); i++) {
        for (int how = CNN_RESIZE_STRETCH; how <= CNN_RESIZE_LETTERBOX; how++) {
            (void)load(paths[i], settings(16, 16, 3, (cnn_resize)how), pixels);
            assert_in_range(pixels[8 * 16 + 8] + pixels[7 * 16 + 7], 200, 400);
        }
    }
}

static void test_convert(void **state) {
    (void)state;
    picture p = random_picture(3);
    uint8_t padded[HEIGHT][WIDTH * 4 + 5], pixels[PIXELS];
    for (int y = 0; y < HEIGHT; y++) {
        memcpy(padded[y], p.rgba + y * WIDTH * 4, WIDTH * 4);
    }
    cnn_image_settings as = settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH);
    cnn_error error;
    const cnn_pixels from = {padded[0], WIDTH, HEIGHT, 4, sizeof padded[0]};
    test_ok(cnn_image_convert(&from, &as, NULL, pixels, &error), &error);
    assert_memory_equal(pixels, p.grey, PIXELS);
    const cnn_pixels wrong[] = {{p.grey, 0, 5, 1, 7}, {p.grey, 7, 0, 1, 7},  {p.grey, 7, -1, 1, 7},
                                {p.grey, 7, 5, 0, 7}, {p.grey, 7, 5, 5, 35}, {p.grey, 7, 5, 1, 6}};
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        error.message[0] = '\0';
        assert_int_equal(cnn_image_convert(&wrong[i], &as, NULL, pixels, &error), CNN_ERROR_DATA);
        assert_string_not_equal(error.message, "");
    }
}

/* --- files that are not images --- */

static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        }
    }
    return ~crc;
}

static void put_big_endian(uint32_t value, uint8_t *bytes) {
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* A PNG file that claims to be this large, without any pixels. */
static void write_claim(const char *path, uint32_t width, uint32_t height) {
    uint8_t bytes[33 + 12 + 12] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    put_big_endian(width, bytes + 16);
    put_big_endian(height, bytes + 20);
    bytes[24] = 8; /* bits; the colour type 0 is grey */
    put_big_endian(crc32_of(bytes + 12, 17), bytes + 29);
    memcpy(bytes + 33, "\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82", 24);
    test_write_bytes(path, bytes, sizeof bytes);
}

static void test_pixel_limit(void **state) {
    (void)state;
    write_claim("huge.png", 30000, 30000);
    assert_string_equal(
        reason("huge.png"),
        "expected at most 64 megapixels (image.max_megapixels), found 900: 30000×30000");
    write_claim("huger.png", 0x7fffffff, 0x7fffffff);
    (void)reason("huger.png");
    write_claim("none.png", 0, 5);
    (void)reason("none.png");
    picture p = random_picture(2);
    uint8_t pixels[PIXELS];
    write_pnm("small.pgm", 1, p.grey);
    cnn_image_settings as = settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH);
    cnn_error error;
    as.max_megapixels = PIXELS / 1e6;
    test_ok(cnn_image_load("small.pgm", &as, NULL, pixels, NULL, &error), &error);
    as.max_megapixels = (PIXELS - 1) / 1e6;
    assert_int_equal(cnn_image_load("small.pgm", &as, NULL, pixels, NULL, &error), CNN_ERROR_DATA);
}

static void test_no_image(void **state) {
    (void)state;
    test_write_bytes("empty.png", "", 0);
    test_write_bytes("text.png", "hello, this is no image\n", 24);
    test_write_bytes("P5", "P5", 2);
    assert_int_equal(mkdir("folder.png", 0777), 0);
    assert_int_equal(mkfifo("pipe.png", 0666), 0);
    assert_string_equal(reason("empty.png"), "expected an image, found an empty file");
    assert_non_null(strstr(reason("text.png"), "expected a PNG, JPEG, BMP"));
    (void)reason("P5");
    assert_string_equal(reason("folder.png"), "expected a file, found a folder");
    assert_string_equal(reason("missing.png"), "No such file or directory");
    (void)alarm(20); /* a reader that waits for the pipe would wait for ever */
    (void)reason("pipe.png");
    (void)alarm(0);
}

/* Files cut short at every length, or with any byte changed: a reason, or pixels, and no crash. */
static void test_damaged(void **state) {
    (void)state;
    picture p = random_picture(8);
    uint8_t pixels[PIXELS], bytes[1024];
    assert_true(stbi_write_png("whole.png", WIDTH, HEIGHT, 3, p.rgb, 0));
    assert_true(stbi_write_bmp("whole.bmp", WIDTH, HEIGHT, 3, p.rgb));
    assert_true(stbi_write_tga("whole.tga", WIDTH, HEIGHT, 3, p.rgb));
    assert_true(stbi_write_jpg("whole.jpg", WIDTH, HEIGHT, 3, p.rgb, 60));
    static const char *const paths[] = {"whole.png", "whole.bmp", "whole.tga", "whole.jpg"};
    cnn_image_settings as = settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH);
    for (size_t i = 0; i < TEST_COUNT(paths); i++) {
        FILE *file = fopen(paths[i], "rb");
        assert_non_null(file);
        size_t size = fread(bytes, 1, sizeof bytes, file);
        assert_int_equal(fclose(file), 0);
        for (size_t k = 0; k < 2 * size; k++) {
            cnn_error error = {0};
            uint8_t *changed = &bytes[k % size];
            *changed ^= k >= size ? 0xff : 0;
            test_write_bytes("damaged", bytes, k < size ? k : size);
            *changed ^= k >= size ? 0xff : 0;
            cnn_status status = cnn_image_load("damaged", &as, NULL, pixels, NULL, &error);
            assert_true(status == CNN_OK || (status == CNN_ERROR_DATA && error.message[0]));
        }
    }
    test_write_bytes("cut.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    (void)reason("cut.png");
}

/* --- EXIF orientation --- */

/* EXIF data with one entry, in both byte orders: a TIFF header and a directory. */
enum { EXIF_SIZE = 6 + 8 + 2 + 12 + 4 };

static void make_exif(bool big_endian, int tag, int type, int value, uint8_t exif[EXIF_SIZE]) {
    const struct {
        int number, bytes;
    } fields[] = {{42, 2},  {8, 4},    {1, 2}, /* one entry, at 8 */
                  {tag, 2}, {type, 2}, {1, 4}, {value, 2}, {0, 2}, {0, 4}};
    memcpy(exif, big_endian ? "Exif\0\0MM" : "Exif\0\0II", 8);
    uint8_t *to = exif + 8;
    for (size_t i = 0; i < TEST_COUNT(fields); i++) {
        for (int b = 0; b < fields[i].bytes; b++) {
            int shift = 8 * (big_endian ? fields[i].bytes - 1 - b : b);
            *to++ = (uint8_t)(fields[i].number >> shift);
        }
    }
    assert_int_equal(to - exif, EXIF_SIZE);
}

enum { ORIENTATION = 0x0112, SHORT = 3 };

/* Reads `from` and writes it again as `to` with `size` bytes more at `place`. */
static void insert_bytes(const char *from, size_t place, const uint8_t *bytes, size_t size,
                         const char *to) {
    uint8_t whole[4096];
    FILE *file = fopen(from, "rb");
    assert_non_null(file);
    size_t length = fread(whole, 1, sizeof whole - size, file);
    assert_true(feof(file) != 0);
    assert_int_equal(fclose(file), 0);
    memmove(whole + place + size, whole + place, length - place);
    memcpy(whole + place, bytes, size);
    test_write_bytes(to, whole, length + size);
}

/* An APP1 segment after the first two bytes of a JPEG, or after its JFIF segment if it has one. */
static void write_jpeg_with_exif(const char *from, const uint8_t exif[EXIF_SIZE], const char *to) {
    uint8_t segment[4 + EXIF_SIZE] = {0xff, 0xe1, 0, 2 + EXIF_SIZE};
    memcpy(segment + 4, exif, EXIF_SIZE);
    insert_bytes(from, 2 + 18, segment, sizeof segment, to);
}

/* An eXIf chunk after the IHDR of a PNG. */
static void write_png_with_exif(const char *from, const uint8_t exif[EXIF_SIZE], const char *to) {
    uint8_t chunk[12 + EXIF_SIZE - 6] = {0, 0, 0, EXIF_SIZE - 6, 'e', 'X', 'I', 'f'};
    memcpy(chunk + 8, exif + 6, EXIF_SIZE - 6);
    put_big_endian(crc32_of(chunk + 4, EXIF_SIZE - 2), chunk + 8 + EXIF_SIZE - 6);
    insert_bytes(from, 8 + 25, chunk, sizeof chunk, to);
}

/* Where EXIF says that a pixel of the file must appear: by rows and columns (EXIF 2.32, 4.6.5.1.5:
 * "the 0th row is at the visual …, the 0th column is the visual …"). */
static size_t seen_at(int orientation, int x, int y) {
    switch (orientation) {
    case 1: /* top, left-hand side */
        return (size_t)(y * WIDTH + x);
    case 2: /* top, right */
        return (size_t)(y * WIDTH + WIDTH - 1 - x);
    case 3: /* bottom, right */
        return (size_t)((HEIGHT - 1 - y) * WIDTH + WIDTH - 1 - x);
    case 4: /* bottom, left */
        return (size_t)((HEIGHT - 1 - y) * WIDTH + x);
    case 5: /* left, top: rows are seen as columns */
        return (size_t)(x * HEIGHT + y);
    case 6: /* right, top */
        return (size_t)(x * HEIGHT + HEIGHT - 1 - y);
    case 7: /* right, bottom */
        return (size_t)((WIDTH - 1 - x) * HEIGHT + HEIGHT - 1 - y);
    default: /* left, bottom */
        return (size_t)((WIDTH - 1 - x) * HEIGHT + y);
    }
}

/* A photograph with an orientation, and its upright version as a file without: the same pixels, and
 * the same content. */
static void test_orientations(void **state) {
    (void)state;
    picture p = random_picture(12);
    uint8_t stored[3 * PIXELS], seen[3 * PIXELS], upright[3 * PIXELS], exif[EXIF_SIZE];
    assert_true(stbi_write_jpg("plain.jpg", WIDTH, HEIGHT, 3, p.rgb, 90));
    for (int jpeg = 0; jpeg < 2; jpeg++) {
        const char *plain = jpeg ? "plain.jpg" : "plain.png";
        const char *turned = jpeg ? "turned.jpg" : "turned.png";
        if (!jpeg) {
            assert_true(stbi_write_png(plain, WIDTH, HEIGHT, 3, p.rgb, 0));
        }
        uint64_t content = load(plain, settings(WIDTH, HEIGHT, 3, CNN_RESIZE_STRETCH), stored);
        for (int orientation = 1; orientation <= 8; orientation++) {
            int width = orientation >= 5 ? HEIGHT : WIDTH;
            make_exif(orientation % 2 == 0, ORIENTATION, SHORT, orientation, exif);
            if (jpeg) {
                write_jpeg_with_exif(plain, exif, turned);
            } else {
                write_png_with_exif(plain, exif, turned);
            }
            for (int y = 0; y < HEIGHT; y++) {
                for (int x = 0; x < WIDTH; x++) {
                    for (int c = 0; c < 3; c++) {
                        size_t place = seen_at(orientation, x, y);
                        uint8_t value = stored[c * PIXELS + y * WIDTH + x];
                        seen[(size_t)c * PIXELS + place] = value;
                        upright[place * 3 + (size_t)c] = value;
                    }
                }
            }
            uint8_t pixels[3 * PIXELS];
            cnn_image_settings as = settings(width, PIXELS / width, 3, CNN_RESIZE_STRETCH);
            uint64_t hash = load(turned, as, pixels);
            assert_memory_equal(pixels, seen, sizeof pixels);
            assert_true(stbi_write_png("upright.png", width, PIXELS / width, 3, upright, 0));
            assert_true(hash == load("upright.png", as, pixels));
            assert_true((hash == content) == (orientation == 1));
        }
    }
}

/* --- bombs --- */

/* A JPEG of three components, with as many scans of zeros, which decode to one colour;
 * one component in each scan if there are several sequential ones. */
static void write_scans(const char *path, bool progressive, unsigned side, int scans) {
    static uint8_t bytes[4096];
    static const uint8_t quantization[4] = {0xff, 0xdb, 0, 67};
    const uint8_t frame[] = {0xff,
                             progressive ? 0xc2 : 0xc0,
                             0,
                             17,
                             8,
                             (uint8_t)(side >> 8),
                             (uint8_t)side,
                             (uint8_t)(side >> 8),
                             (uint8_t)side,
                             3,
                             1,
                             0x11,
                             0,
                             2,
                             0x11,
                             0,
                             3,
                             0x11,
                             0};
    const uint8_t all[] = {0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, progressive ? 0 : 63,
                           0,    0,    0, 0};
    size_t size = 0;
    bytes[size++] = 0xff;
    bytes[size++] = 0xd8;
    memcpy(bytes + size, quantization, sizeof quantization);
    size += sizeof quantization;
    bytes[size++] = 0;
    memset(bytes + size, 1, 64);
    size += 64;
    memcpy(bytes + size, frame, sizeof frame);
    size += sizeof frame;
    for (int kind = 0; kind <= 0x10; kind += 0x10) { /* one code of one bit, for 0 */
        const uint8_t table[22] = {0xff, 0xc4, 0, 20, (uint8_t)kind, 1};
        memcpy(bytes + size, table, sizeof table);
        size += sizeof table;
    }
    for (int i = 0; i < scans; i++) {
        const uint8_t one[] = {0xff, 0xda, 0, 8, 1, (uint8_t)(1 + i % 3), 0, 0, 63, 0, 0};
        bool together = progressive || scans == 1; /* the components */
        memcpy(bytes + size, together ? all : one, together ? sizeof all : sizeof one);
        size += together ? sizeof all : sizeof one;
    }
    bytes[size++] = 0xff;
    bytes[size++] = 0xd9;
    test_write_bytes(path, bytes, size);
}

/* Every scan takes time for the whole image, though it is of 17 bytes. */
static void test_scans(void **state) {
    (void)state;
    uint8_t pixels[PIXELS];
    cnn_image_settings as = settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH);
    for (int progressive = 0; progressive < 2; progressive++) {
        write_scans("64.jpg", progressive != 0, 16, 64);
        (void)load("64.jpg", as, pixels);
        write_scans("65.jpg", progressive != 0, 16, 65);
        assert_string_equal(reason("65.jpg"), "expected a JPEG of at most 64 scans, found more");
    }
    write_scans("huge.jpg", true, 65000, 1);
    assert_string_equal(
        reason("huge.jpg"),
        "expected at most 64 megapixels (image.max_megapixels), found 4225: 65000×65000");
}

/* Data after the end of a JPEG, as some cameras write it, is not part of it. */
static void test_after_the_end(void **state) {
    (void)state;
    static const uint8_t after[] = {0xff, 0xc4, 0xff, 0xff, 0, 0xff, 0xda, 0, 12};
    uint8_t bytes[4096], pixels[PIXELS];
    write_scans("whole.jpg", false, 16, 1);
    FILE *file = fopen("whole.jpg", "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes - sizeof after, file);
    assert_int_equal(fclose(file), 0);
    memcpy(bytes + size, after, sizeof after);
    test_write_bytes("more.jpg", bytes, size + sizeof after);
    (void)load("more.jpg", settings(WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH), pixels);
}

/* A PNG of 10×10 pixels whose data are those of a far larger one. */
static void test_inflating(void **state) {
    (void)state;
    enum { SIDE = 4500 }; /* more than the decoder may allocate for any small image */
    uint8_t *black = calloc(SIDE, SIDE);
    assert_non_null(black);
    int size = 0;
    uint8_t *png = stbi_write_png_to_mem(black, SIDE, SIDE, SIDE, 1, &size);
    assert_non_null(png);
    put_big_endian(10, png + 16);
    put_big_endian(10, png + 20);
    put_big_endian(crc32_of(png + 12, 17), png + 29);
    test_write_bytes("bomb.png", png, (size_t)size);
    assert_string_equal(reason("bomb.png"),
                        "expected data for the pixels of its header, found far more");
    test_write_bytes("text.png", "no image", 8); /* the next file has its own reason */
    assert_non_null(strstr(reason("text.png"), "expected a PNG"));
    STBIW_FREE(png);
    free(black);
}

/* A column of many pixels, all zero. */
static void write_column(const char *path, int height) {
    char header[32];
    int length = snprintf(header, sizeof header, "P5 1 %d 255\n", height);
    test_write_bytes(path, header, (size_t)length);
    assert_int_equal(truncate(path, length + height), 0);
}

static void test_too_extreme(void **state) {
    (void)state;
    uint8_t *pixels = calloc(96 * 96, 3);
    assert_non_null(pixels);
    cnn_error error;
    cnn_image_settings as = settings(96, 96, 3, CNN_RESIZE_STRETCH);
    cnn_image_settings line = settings(4096, 1, 3, CNN_RESIZE_STRETCH);
    write_column("tall.pgm", CNN_RESAMPLE_SIDE_MAX);
    test_ok(cnn_image_load("tall.pgm", &as, NULL, pixels, NULL, &error), &error);
    assert_int_equal(cnn_image_load("tall.pgm", &line, NULL, pixels, NULL, &error), CNN_ERROR_DATA);
    assert_string_equal(error.message, "expected an image of a less extreme shape, found "
                                       "1×1048576, which cannot be resized to 4096×1");
    write_column("taller.pgm", CNN_RESAMPLE_SIDE_MAX + 1);
    assert_int_equal(cnn_image_load("taller.pgm", &as, NULL, pixels, NULL, &error), CNN_ERROR_DATA);
    assert_string_equal(error.message,
                        "expected at most 1048576 pixels in a row or a column, found "
                        "1×1048577");
    free(pixels);
}

/* Formats that stb_image supports but that are not compiled in, to reduce the attack surface. */
static void test_other_formats(void **state) {
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
    } files[] = {
#define BYTES(name, text) {name, text, sizeof text - 1}
        BYTES("gif", "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"),
        BYTES("psd", "8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\1\0\0\0\1\0\10\0\3"
                     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0rgb"),
        BYTES("hdr", "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\1\1\1\x80"),
        BYTES("pic", "\x53\x80\xf6\x34pppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
                     "ppppppppppppppppppppppppppppPICT\0\1\0\1\0\0\0\0\0\0\0\0\0\10\0\xe0rgb"),
#undef BYTES
    };
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        test_write_bytes(files[i].name, files[i].bytes, files[i].size);
        assert_non_null(strstr(reason(files[i].name), "expected a PNG, JPEG, BMP"));
    }
}

/* --- a corpus --- */

static size_t corpus_files, corpus_read;

/* The header of a file that can be decoded says what decoding it says. */
static bool header_agrees(const char *path, bool decoded) {
    const cnn_pixel_limit limit = {.megapixels = 64.0};
    cnn_image whole = {0}, header;
    cnn_error error;
    cnn_status status = cnn_image_read_from(NULL, path, &limit, &whole, &error);
    cnn_status header_status = cnn_image_read_header(NULL, path, &limit, &header, &error);
    bool same =
        status != CNN_OK || (header_status == CNN_OK && !header.pixels && !header.samples &&
                             header.format == whole.format && header.width == whole.width &&
                             header.height == whole.height && header.channels == whole.channels &&
                             header.deep == whole.deep && header.orientation == whole.orientation &&
                             header.file_size == whole.file_size);
    if (!same || (decoded && status != CNN_OK)) {
        print_error("%s: header: status %d, %d×%d, %d channels, deep %d, orientation %d; decoded: "
                    "%d, %d×%d, %d, %d, %d\n",
                    path, (int)header_status, header.width, header.height, header.channels,
                    header.deep, header.orientation, (int)status, whole.width, whole.height,
                    whole.channels, whole.deep, whole.orientation);
        same = false;
    }
    cnn_image_release(&whole);
    return same;
}

static int visit(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about, (void)place;
    if (kind != FTW_F) {
        return 0;
    }
    uint8_t pixels[3 * 32 * 32];
    cnn_image_settings as = settings(32, 32, 3, CNN_RESIZE_LETTERBOX);
    cnn_error error = {0};
    cnn_status status = cnn_image_load(path, &as, NULL, pixels, NULL, &error);
    corpus_files++;
    corpus_read += status == CNN_OK;
    if (status != CNN_OK && (status != CNN_ERROR_DATA || !error.message[0])) {
        print_error("%s: status %d, message \"%s\"\n", path, (int)status, error.message);
        return 1;
    }
    return header_agrees(path, status == CNN_OK) ? 0 : 1;
}

/* The files from which the fuzzers start have every format and kind. */
static void test_headers(void **state) {
    (void)state;
    corpus_files = corpus_read = 0;
    assert_int_equal(nftw(CNN_SEEDS, visit, 16, 0), 0);
    assert_in_range(corpus_read, 20, corpus_files);
}

static void test_corpus(void **state) {
    (void)state;
    const char *corpus = getenv("CNN_CORPUS");
    if (!corpus) {
        skip();
    }
    assert_int_equal(nftw(corpus, visit, 16, 0), 0);
    print_message("%zu files, %zu of them images\n", corpus_files, corpus_read);
    assert_int_not_equal(corpus_files, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),       cmocka_unit_test(test_content),
        cmocka_unit_test(test_16_bits),       cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_stretch),       cmocka_unit_test(test_crop),
        cmocka_unit_test(test_letterbox),     cmocka_unit_test(test_extreme_shapes),
        cmocka_unit_test(test_convert),       cmocka_unit_test(test_pixel_limit),
        cmocka_unit_test(test_no_image),      cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_orientations),  cmocka_unit_test(test_scans),
        cmocka_unit_test(test_after_the_end), cmocka_unit_test(test_inflating),
        cmocka_unit_test(test_too_extreme),   cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_headers),       cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
