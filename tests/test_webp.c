/* WebP images: lossy and lossless, with alpha, animated, turned; damaged, cut short, and made to do
 * harm. Only in a build with libwebp. */
#include "test_support.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "image/decode.h"

#include <webp/encode.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 22, HEIGHT = 14, FILE_MAX = 1 << 14 };

typedef struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

static void append(file *to, const void *bytes, size_t size) {
    assert_true(size <= sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void append_number(file *to, size_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        append(to, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
    }
}

static void append_chunk(file *to, const char *name, const void *content, size_t size) {
    append(to, name, 4);
    append_number(to, size, 4);
    append(to, content, size);
    append(to, "", size % 2);
}

/* Writes the size of all that follows into the header. */
static void finish(file *whole) {
    size_t end = whole->size;
    whole->size = 4;
    append_number(whole, end - 8, 4);
    whole->size = end;
}

/* --- reading --- */

static const char *reason(const void *bytes, size_t size) {
    static cnn_error error;
    cnn_image image;
    assert_int_equal(test_image_read(bytes, size, &image, &error), CNN_ERROR_DATA);
    return error.message;
}

static void assert_contains(const char *text, const char *part) {
    assert_non_null(text);
    if (!strstr(text, part)) {
        print_error("expected \"%s\" in: %s\n", part, text);
        fail();
    }
}

static cnn_image must_read(const file *whole) {
    cnn_image image;
    cnn_error error;
    test_ok(test_image_read(whole->bytes, whole->size, &image, &error), &error);
    assert_int_equal(image.format, CNN_IMAGE_WEBP);
    return image;
}

/* --- making files --- */

static uint8_t drawn[HEIGHT][WIDTH][4]; /* RGBA */

static void draw(bool alpha, uint64_t seed) {
    for (size_t i = 0; i < sizeof drawn; i++) {
        bool opaque = i % 4 == 3 && !alpha;
        (&drawn[0][0][0])[i] = opaque ? 255 : (uint8_t)test_random(&seed, 1, 256);
    }
}

/* A lossless file with what is drawn. */
static file lossless(bool alpha) {
    file whole = {.size = 0};
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    assert_true(WebPConfigInit(&config) && WebPPictureInit(&picture));
    WebPMemoryWriterInit(&writer);
    config.lossless = 1;
    config.exact = 1;
    picture.use_argb = 1;
    picture.width = WIDTH;
    picture.height = HEIGHT;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    assert_true(
        (alpha ? WebPPictureImportRGBA : WebPPictureImportRGBX)(&picture, drawn[0][0], 4 * WIDTH));
    assert_true(WebPEncode(&config, &picture));
    WebPPictureFree(&picture);
    append(&whole, writer.mem, writer.size);
    WebPMemoryWriterClear(&writer);
    return whole;
}

/* Starts a file of several chunks. */
static file extended(int flags, int width, int height) {
    file whole = {.size = 0};
    append(&whole, "RIFF\0\0\0\0WEBPVP8X\x0a\0\0", 19);
    append(&whole, "", 1);
    append_number(&whole, (size_t)flags, 4);
    append_number(&whole, (size_t)width - 1, 3);
    append_number(&whole, (size_t)height - 1, 3);
    return whole;
}

enum { ANIMATION = 2, XMP = 4, EXIF = 8, ALPHA = 16 };

/* Appends the image of a file without the header: its chunk. */
static void append_image(file *to, const file *from) {
    append(to, from->bytes + 12, from->size - 12);
}

static void append_frame(file *to, const file *from, int x, int y) {
    file content = {.size = 0};
    append_number(&content, (size_t)x / 2, 3);
    append_number(&content, (size_t)y / 2, 3);
    append_number(&content, WIDTH - 1, 3);
    append_number(&content, HEIGHT - 1, 3);
    append_number(&content, 100, 3);
    append_number(&content, 0, 1);
    append_image(&content, from);
    append_chunk(to, "ANMF", content.bytes, content.size);
}

/* The image shows what is drawn at x, y of a canvas of zeros. */
static void check_drawn(const cnn_image *image, int channels, int at_x, int at_y) {
    assert_int_equal(image->channels, channels);
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            const uint8_t zeros[4] = {0};
            bool inside = x >= at_x && y >= at_y && x < at_x + WIDTH && y < at_y + HEIGHT;
            const uint8_t *wanted = inside ? drawn[y - at_y][x - at_x] : zeros;
            assert_memory_equal(image->pixels + (y * image->width + x) * channels, wanted,
                                (size_t)channels);
        }
    }
}

/* --- pixels --- */

static const char lossy[] =
    "\x52\x49\x46\x46\x86\x00\x00\x00\x57\x45\x42\x50\x56\x50\x38\x20\x7a\x00\x00\x00\xf0\x04"
    "\x00\x9d\x01\x2a\x17\x00\x13\x00\x3f\x09\x72\xa9\x50\x3f\xa7\x23\xa2\xb0\x0c\x03\xf0\x21"
    "\x09\x6c\x00\x9d\x32\x84\x7b\x4f\x16\x89\x85\x2b\x94\x65\xb9\xe4\x40\x2d\x6f\x34\x8d\x55"
    "\xb7\x80\x00\xfe\xf9\x50\x7a\x16\xa0\x3b\x53\xb1\x43\x51\x64\x38\xa2\xb4\x70\x0e\x55\x84"
    "\xf4\x99\x27\xf9\x9a\x54\xe2\x23\x64\x1f\x0d\x8c\x2c\xb2\x45\x0c\xe8\x63\x07\x91\x72\x5d"
    "\x9e\x8b\x60\x80\xd7\x15\x75\x9f\x12\x5e\x50\x79\x25\x25\xcb\x15\x66\x5b\x0c\x8b\xba\x11"
    "\x29\x82\x68\x60\xad\x5c\xe9\x59\x28\x00";
static const char lossy_alpha[] =
    "\x52\x49\x46\x46\xe8\x00\x00\x00\x57\x45\x42\x50\x56\x50\x38\x58\x0a\x00\x00\x00\x10\x00"
    "\x00\x00\x16\x00\x00\x12\x00\x00\x41\x4c\x50\x48\x4f\x00\x00\x00\x11\x5f\x40\x90\x6d\x8b"
    "\x4f\xf1\x2e\x22\x62\x44\x47\x60\x56\x6d\x7b\x8e\xfd\xfe\x44\x84\xbd\x11\x2c\x82\x45\xb0"
    "\x08\x16\x81\x08\x44\x20\x82\x45\x90\xcf\x6e\x22\x44\xf4\x3f\xd4\x20\x31\xe5\xb2\x1d\x57"
    "\xd5\x3d\x07\x30\x7d\x18\xff\x4f\x3c\xf3\xc2\x2b\xef\x7c\xf2\x5d\xcd\xc0\xd2\x3e\x66\x90"
    "\xd8\xaa\xcf\xc4\x99\xcb\x1b\x00\x56\x50\x38\x20\x72\x00\x00\x00\x50\x04\x00\x9d\x01\x2a"
    "\x17\x00\x13\x00\x3f\x29\x80\xb8\x53\xb2\xa8\xa5\xa2\xb0\x0c\x02\x50\x25\x09\x6c\x00\x9d"
    "\x32\x84\x70\x27\x32\x89\x85\xac\xa3\xb4\x3a\x88\x9c\x64\x40\x00\xfe\xf2\xd9\x7d\x60\x0c"
    "\xe3\xe2\xba\x8b\xb2\x69\xc2\xd3\xe6\xa7\x9d\x57\xd1\x78\xc2\xba\x4d\xb9\xd8\x70\x3a\x87"
    "\x18\x86\x5e\xf6\x16\x9b\xf6\xe9\x48\xac\xf4\x5a\xf7\x81\x53\xea\xdd\x14\xeb\x58\x63\x03"
    "\x11\x6f\xf0\x68\xaa\x00\xa9\x28\xef\x86\x7b\x4d\x4d\xda\x23\x9c\x28\x80\x00\x00";

static uint64_t hash(const uint8_t *bytes, size_t size) {
    uint64_t value = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++) {
        value = (value ^ bytes[i]) * 0x100000001b3;
    }
    return value;
}

/* Files that Pillow 11.3.0 wrote (23×19, quality 30, and 20 with alpha), and the FNV-1a hashes of
 * numpy.asarray(Image.open(…)). */
static void test_lossy(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int channels;
        uint64_t hash;
    } files[] = {{lossy, sizeof lossy - 1, 3, 0xeac40fc3c473fb67},
                 {lossy_alpha, sizeof lossy_alpha - 1, 4, 0x51cd27f4b4315392}};
    for (size_t i = 0; i < TEST_COUNT(files); i++) {
        file whole = {.size = 0};
        append(&whole, files[i].bytes, files[i].size);
        cnn_image image = must_read(&whole);
        assert_int_equal(image.width, 23);
        assert_int_equal(image.height, 19);
        assert_int_equal(image.channels, files[i].channels);
        assert_false(image.deep);
        assert_true(hash(image.pixels, (size_t)(23 * 19 * image.channels)) == files[i].hash);
        cnn_image_release(&image);
    }
}

static void test_lossless(void **state) {
    (void)state;
    for (int alpha = 0; alpha < 2; alpha++) {
        draw(alpha, 1);
        file whole = lossless(alpha);
        append(&whole, "more", 4); /* bytes after the end do not count */
        cnn_image image = must_read(&whole);
        check_drawn(&image, alpha ? 4 : 3, 0, 0);
        cnn_image_release(&image);
    }
}

static void test_first_frame(void **state) {
    (void)state;
    for (int alpha = 0; alpha < 2; alpha++) {
        draw(alpha, 2);
        file first = lossless(alpha);
        draw(alpha, 3);
        file second = lossless(alpha);
        draw(alpha, 2);
        file whole = extended(ANIMATION | (alpha ? ALPHA : 0), WIDTH + 10, HEIGHT + 7);
        append_chunk(&whole, "ANIM", "\xff\xff\xff\xff\0\0", 6); /* a white background: ignored */
        append_frame(&whole, &first, 4, 6);
        append_frame(&whole, &second, 0, 0);
        finish(&whole);
        cnn_image image = must_read(&whole);
        assert_int_equal(image.width, WIDTH + 10);
        assert_int_equal(image.height, HEIGHT + 7);
        check_drawn(&image, alpha ? 4 : 3, 4, 6);
        cnn_image_release(&image);
    }
}

/* EXIF data with and without the mark that JPEG files have, and XMP data. */
static void test_orientation(void **state) {
    (void)state;
    static const char exif[] =
        "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0";
    static const char xmp[] = "<rdf:Description tiff:Orientation=\"8\"/>";
    draw(false, 4);
    file plain = lossless(false);
    for (int kind = 0; kind < 3; kind++) {
        file whole = extended(kind == 2 ? XMP : EXIF, WIDTH, HEIGHT);
        append_image(&whole, &plain);
        if (kind == 2) {
            append_chunk(&whole, "XMP ", xmp, sizeof xmp - 1);
        } else {
            append_chunk(&whole, "EXIF", exif + (kind ? 6 : 0), sizeof exif - (kind ? 6 : 0));
        }
        finish(&whole);
        cnn_image image = must_read(&whole);
        assert_int_equal(image.orientation, 8);
        assert_int_equal(image.width, HEIGHT);
        assert_int_equal(image.height, WIDTH);
        assert_memory_equal(image.pixels, drawn[0][WIDTH - 1], 3);
        assert_memory_equal(image.pixels + 3, drawn[1][WIDTH - 1], 3);
        cnn_image_release(&image);
    }
}

static void test_extension(void **state) {
    (void)state;
    assert_false(cnn_image_extension_is_wrong("a.WebP", CNN_IMAGE_WEBP));
    assert_true(cnn_image_extension_is_wrong("a.webp", CNN_IMAGE_PNG));
    assert_true(cnn_image_extension_is_wrong("a.jpg", CNN_IMAGE_WEBP));
    assert_string_equal(cnn_image_format_name(CNN_IMAGE_WEBP), "WebP");
}

/* --- damaged files --- */

static void test_cut_short(void **state) {
    (void)state;
    draw(true, 5);
    file whole = lossless(true);
    for (size_t size = 12; size < whole.size; size++) {
        char message[120];
        (void)snprintf(message, sizeof message,
                       "the WebP file is cut short: expected %zu bytes, found %zu", whole.size,
                       size);
        assert_string_equal(reason(whole.bytes, size), message);
    }
}

/* Any byte may be wrong. The file is then read or refused. */
static void test_damaged(void **state) {
    (void)state;
    file files[3] = {{.size = 0}, {.size = 0}, extended(ANIMATION | ALPHA, WIDTH, HEIGHT)};
    append(&files[0], lossy, sizeof lossy - 1);
    append(&files[1], lossy_alpha, sizeof lossy_alpha - 1);
    draw(true, 6);
    file plain = lossless(true);
    append_frame(&files[2], &plain, 0, 0);
    finish(&files[2]);
    for (size_t i = 0; i < 3; i++) {
        for (size_t at = 0; at < files[i].size; at++) {
            for (int bit = 0; bit < 8; bit += 3) {
                cnn_image image;
                cnn_error error;
                files[i].bytes[at] ^= (uint8_t)(1 << bit);
                if (test_image_read(files[i].bytes, files[i].size, &image, &error) == CNN_OK) {
                    cnn_image_release(&image);
                }
                files[i].bytes[at] ^= (uint8_t)(1 << bit);
            }
        }
    }
}

static void test_wrong_structure(void **state) {
    (void)state;
    file whole = extended(0, WIDTH, HEIGHT);
    finish(&whole);
    assert_contains(reason(whole.bytes, whole.size), "expected a coded image (VP8 or VP8L)");
    whole = extended(ANIMATION, WIDTH, HEIGHT);
    finish(&whole);
    assert_contains(reason(whole.bytes, whole.size), "expected a frame, found none");
    draw(false, 7);
    file plain = lossless(false);
    whole = extended(0, WIDTH + 1, HEIGHT);
    append_image(&whole, &plain);
    finish(&whole);
    assert_contains(reason(whole.bytes, whole.size),
                    "expected an image of 23×14 pixels at 0, 0 of 23×14, found 22×14");
    whole = extended(ANIMATION, WIDTH + 2, HEIGHT);
    append_frame(&whole, &plain, 4, 0);
    finish(&whole);
    assert_contains(reason(whole.bytes, whole.size), "at 4, 0 of 24×14");
    whole = extended(ANIMATION, WIDTH, HEIGHT);
    append_chunk(&whole, "ANMF", "short", 5);
    finish(&whole);
    assert_contains(reason(whole.bytes, whole.size), "expected 16 bytes or more in the frame");
    whole = plain;
    whole.bytes[16] = 0xff; /* the size of the chunk */
    whole.bytes[17] = 0xff;
    assert_contains(reason(whole.bytes, whole.size), "bytes in the chunk at byte 12, found");
    whole = plain;
    whole.bytes[4] = 2;
    whole.bytes[5] = 0;
    assert_contains(reason(whole.bytes, whole.size), "expected a chunk, found 0 bytes");
    whole = plain; /* after the header, coded data of nothing but ones */
    memset(whole.bytes + 25, 0xff, whole.size - 25);
    assert_contains(reason(whole.bytes, whole.size), "damaged WebP: its coded image ");
}

/* --- made to do harm --- */

/* A canvas that is far larger than its frame. */
static void test_large_canvas(void **state) {
    (void)state;
    draw(false, 8);
    file plain = lossless(false);
    file whole = extended(ANIMATION, 1 << 24, 255);
    append_frame(&whole, &plain, 0, 0);
    finish(&whole);
    cnn_memory_limit(cnn_memory_look().in_use + ((size_t)1 << 20));
    assert_contains(reason(whole.bytes, whole.size), "megapixels");
    cnn_memory_limit(SIZE_MAX);
}

static void test_memory_limit(void **state) {
    (void)state;
    draw(true, 9);
    file whole = lossless(true);
    cnn_image image = must_read(&whole);
    cnn_image_release(&image);
    cnn_error error;
    cnn_memory_limit(cnn_memory_look().in_use + ((size_t)1 << 20));
    assert_int_equal(cnn_image_read("image", 64, &image, &error), CNN_ERROR_RUNTIME);
    cnn_memory_limit(SIZE_MAX);
    assert_int_equal(cnn_memory_look().in_use, 0);
}

static void read_in_thread(void *context, size_t index, int thread) {
    (void)index, (void)thread;
    atomic_int *wrong = context;
    cnn_image image;
    cnn_error error;
    if (cnn_image_read("image", 64, &image, &error) != CNN_OK ||
        memcmp(image.pixels, drawn, sizeof drawn) != 0) {
        atomic_fetch_add(wrong, 1);
    }
    cnn_image_release(&image);
}

static void test_threads(void **state) {
    (void)state;
    draw(true, 10);
    file whole = lossless(true);
    cnn_image image = must_read(&whole);
    cnn_image_release(&image);
    atomic_int wrong = 0;
    cnn_parallel_for(200, 4, read_in_thread, &wrong);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lossy),        cmocka_unit_test(test_lossless),
        cmocka_unit_test(test_first_frame),  cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_extension),    cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_wrong_structure),
        cmocka_unit_test(test_large_canvas), cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
