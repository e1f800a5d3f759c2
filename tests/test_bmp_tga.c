/* BMP and TGA images of 3 × 2 pixels, of every kind that is read; and damaged ones. */
#include "test_support.h"

#include "image/decode.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 3, HEIGHT = 2, FILE_MAX = 4096 };

/* A file in memory. */
typedef struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

#define DATA(text) .data = (text), .data_size = sizeof(text) - 1

static void append(file *to, const void *bytes, size_t size) {
    assert_true(size <= sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void append_number(file *to, uint32_t number, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = 0;
        if (i < 4) {
            byte = (uint8_t)(number >> (8 * i));
        }
        append(to, &byte, 1);
    }
}

/* Byte i is i * factor + first. */
static void append_pattern(file *to, size_t size, size_t factor, size_t first) {
    for (size_t i = 0; i < size; i++) {
        append_number(to, (uint32_t)(i * factor + first), 1);
    }
}

/* Reads an image. CNN_OK, or CNN_ERROR_DATA with a message. */
static cnn_status read_image(const file *from, size_t size, cnn_image *image, cnn_error *error) {
    (void)unlink("image"); /* some file systems flush a file that is cut and written again */
    FILE *out = fopen("image", "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(from->bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
    *error = (cnn_error){0};
    cnn_status status = cnn_image_read("image", 64, image, error);
    assert_true(status == CNN_OK || (status == CNN_ERROR_DATA && error->message[0]));
    return status;
}

/* The first `size` bytes of the file are refused with a message that contains this text. */
static void assert_refused(const file *from, size_t size, const char *text) {
    cnn_image image;
    cnn_error error;
    cnn_status status = read_image(from, size, &image, &error);
    if (status == CNN_OK || !strstr(error.message, text)) {
        print_error("%zu of %zu bytes: %s\n", size, from->size,
                    status == CNN_OK ? "read" : error.message);
        fail();
    }
}

/* The first `size` bytes of the file show these pixels: a text of two hexadecimal digits for each
 * value, from the top row to the bottom one. */
static void assert_pixels(const file *from, size_t size, cnn_image_format format, int channels,
                          const char *pixels) {
    cnn_image image;
    cnn_error error;
    test_ok(read_image(from, size, &image, &error), &error);
    assert_int_equal(image.format, format);
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    assert_int_equal(image.channels, channels);
    assert_false(image.deep);
    char found[2 * WIDTH * HEIGHT * 4 + 1];
    for (int i = 0; i < WIDTH * HEIGHT * channels; i++) {
        (void)snprintf(found + 2 * (size_t)i, 3, "%02x", (unsigned)image.pixels[i]);
    }
    assert_string_equal(found, pixels);
    cnn_image_release(&image);
}

/* --- BMP --- */

typedef struct bmp {
    uint32_t header, bits, compression, colours, masks[4], mask_count, offset;
    bool top_down;
    const char *data; /* of the pixels; NULL: bytes of a pattern */
    size_t data_size;
    int channels;
    const char *pixels;
} bmp;

static size_t bmp_row(const bmp *b) {
    return (WIDTH * b->bits + 31) / 32 * 4;
}

static void append_info(file *to, const bmp *b) {
    size_t begin = to->size;
    size_t side = b->header == 12 ? 2 : 4;
    append_number(to, b->header, 4);
    append_number(to, WIDTH, side);
    append_number(to, b->top_down ? 0U - HEIGHT : HEIGHT, side);
    append_number(to, 1, 2);
    append_number(to, b->bits, 2);
    if (b->header >= 40) {
        append_number(to, b->compression, 4);
        append_pattern(to, 12, 1, 1); /* not read */
        append_number(to, b->colours, 4);
        append_number(to, 0, 4);
        for (size_t i = 0; i < b->mask_count; i++) {
            append_number(to, b->masks[i], 4);
        }
    }
    if (to->size - begin < b->header) {
        append_pattern(to, b->header - (to->size - begin), 0, 0);
    }
}

/* With the file header, or without. */
static void make_bmp(const bmp *b, bool whole, file *to) {
    size_t colours = b->colours > 0 ? b->colours : b->bits <= 8 ? (size_t)1 << b->bits : 0;
    *to = (file){0};
    if (whole) {
        append(to, "BM", 2);
        append_number(to, 0, 12);
    }
    append_info(to, b);
    append_pattern(to, colours * (b->header == 12 ? 3 : 4), 29, 7); /* the palette */
    if (whole) {
        to->bytes[10] = (uint8_t)to->size;
        to->bytes[11] = (uint8_t)(to->size >> 8);
    }
    if (b->data) {
        append(to, b->data, b->data_size);
    } else {
        append_pattern(to, HEIGHT * bmp_row(b), 73, 41);
    }
}

/* The pixels were made with Pillow 11.3.0: numpy.asarray(Image.open(…).convert(…)) of the same
 * bytes, with "RGBA" if that is the mode of the file, else with "RGB". */
static const bmp pillow_bmps[] = {
    {.header = 12, .bits = 1, .channels = 3, .pixels = "412407987b5e412407412407412407987b5e"},
    {.header = 12, .bits = 4, .channels = 3, .pixels = "9d8063ac8f72503316efd2b5503316a28568"},
    {.header = 12, .bits = 8, .channels = 3, .pixels = "6c4f323b1e010aedd03013f6ffe2c5ceb194"},
    {.header = 12, .bits = 24, .channels = 3, .pixels = "27de9502b970dd944bbb7229964d047128df"},
    {.header = 40, .bits = 1, .channels = 3, .pixels = "412407b5987b412407412407412407b5987b"},
    {.header = 40, .bits = 4, .channels = 3, .pixels = "11f4d72508eb55381b290cef55381b6d5033"},
    {.header = 40, .bits = 8, .channels = 3, .pixels = "2508eb391cff4d3013d5b89be9ccaffde0c3"},
    {.header = 40, .bits = 16, .channels = 3, .pixels = "739c8b9c0018bda4ace68b4a0829de29946a"},
    {.header = 40, .bits = 24, .channels = 3, .pixels = "27de9502b970dd944bbb7229964d047128df"},
    {.header = 40, .bits = 32, .channels = 3, .pixels = "27de954b02b96f26ddbb7229df964d03ba71"},
    {.header = 52, .bits = 24, .channels = 3, .pixels = "27de9502b970dd944bbb7229964d047128df"},
    {.header = 56, .bits = 8, .channels = 3, .pixels = "2508eb391cff4d3013d5b89be9ccaffde0c3"},
    {.header = 64, .bits = 24, .channels = 3, .pixels = "27de9502b970dd944bbb7229964d047128df"},
    {.header = 108, .bits = 4, .channels = 3, .pixels = "11f4d72508eb55381b290cef55381b6d5033"},
    {.header = 124, .bits = 32, .channels = 3, .pixels = "27de954b02b96f26ddbb7229df964d03ba71"},
    {.header = 40,
     .bits = 1,
     .top_down = true,
     .channels = 3,
     .pixels = "412407412407b5987b412407b5987b412407"},
    {.header = 40,
     .bits = 4,
     .top_down = true,
     .channels = 3,
     .pixels = "290cef55381b6d503311f4d72508eb55381b"},
    {.header = 40,
     .bits = 8,
     .top_down = true,
     .channels = 3,
     .pixels = "d5b89be9ccaffde0c32508eb391cff4d3013"},
    {.header = 124,
     .bits = 24,
     .top_down = true,
     .channels = 3,
     .pixels = "bb7229964d047128df27de9502b970dd944b"},
    {.header = 40,
     .bits = 16,
     .top_down = true,
     .channels = 3,
     .pixels = "e68b4a0829de29946a739c8b9c0018bda4ac"},
    {.header = 40,
     .bits = 4,
     .colours = 5,
     .channels = 3,
     .pixels = "11f4d7000000000000290cef000000000000"},
    {.header = 40,
     .bits = 8,
     .colours = 100,
     .channels = 3,
     .pixels = "2508eb000000000000d5b89b000000000000"},
    {.header = 40,
     .bits = 24,
     .colours = 9,
     .channels = 3,
     .pixels = "27de9502b970dd944bbb7229964d047128df"},
    {.header = 40,
     .bits = 16,
     .compression = 3,
     .masks = {0xf800, 0x7e0, 0x1f},
     .mask_count = 3,
     .channels = 3,
     .pixels = "bd4c8b4a8118ded2ac73444a0095de94ca6a"},
    {.header = 40,
     .bits = 16,
     .top_down = true,
     .compression = 3,
     .masks = {0x7c00, 0x3e0, 0x1f},
     .mask_count = 3,
     .channels = 3,
     .pixels = "e68b4a0829de29946a739c8b9c0018bda4ac"},
    {.header = 52,
     .bits = 16,
     .compression = 3,
     .masks = {0xf800, 0x7e0, 0x1f},
     .mask_count = 3,
     .channels = 3,
     .pixels = "bd4c8b4a8118ded2ac73444a0095de94ca6a"},
    {.header = 40,
     .bits = 24,
     .compression = 3,
     .masks = {0xff0000, 0xff00, 0xff},
     .mask_count = 3,
     .channels = 3,
     .pixels = "27de9502b970dd944bbb7229964d047128df"},
    {.header = 40,
     .bits = 32,
     .compression = 3,
     .masks = {0xff0000, 0xff00, 0xff},
     .mask_count = 3,
     .channels = 3,
     .pixels = "27de954b02b96f26ddbb7229df964d03ba71"},
    {.header = 40,
     .bits = 32,
     .compression = 3,
     .masks = {0xff000000, 0xff0000, 0xff00},
     .mask_count = 3,
     .channels = 3,
     .pixels = "7027de944b02b86f2604bb7228df964c03ba"},
    {.header = 52,
     .bits = 32,
     .compression = 3,
     .masks = {0xff000000, 0xff00, 0xff},
     .mask_count = 3,
     .channels = 3,
     .pixels = "70de959402b9b826dd04722928964d4cba71"},
    {.header = 56,
     .bits = 32,
     .compression = 3,
     .masks = {0xff, 0xff00, 0xff0000, 0xff000000},
     .mask_count = 4,
     .channels = 4,
     .pixels = "95de2770b9024b94dd266fb82972bb044d96df2871ba034c"},
    {.header = 124,
     .bits = 32,
     .top_down = true,
     .compression = 3,
     .masks = {0xff0000, 0xff00, 0xff, 0xff000000},
     .mask_count = 4,
     .channels = 4,
     .pixels = "bb722904df964d2803ba714c27de95704b02b9946f26ddb8"},
    {.header = 108,
     .bits = 32,
     .compression = 3,
     .masks = {0xff000000, 0xff0000, 0xff00, 0xff},
     .mask_count = 4,
     .channels = 4,
     .pixels = "7027de95944b02b9b86f26dd04bb722928df964d4c03ba71"},
    {.header = 124,
     .bits = 32,
     .compression = 3,
     .masks = {0xff000000, 0xff00, 0xff, 0xff0000},
     .mask_count = 4,
     .channels = 4,
     .pixels = "70de95279402b94bb826dd6f047229bb28964ddf4cba7103"},
    {.header = 56,
     .bits = 32,
     .compression = 3,
     .masks = {0x0, 0x0, 0x0, 0x0},
     .mask_count = 4,
     .channels = 4,
     .pixels = "27de95704b02b9946f26ddb8bb722904df964d2803ba714c"},
    {.header = 40,
     .bits = 8,
     .compression = 1,
     DATA("\003\007\000\000\001\005\002\011\000\001"),
     .channels = 3,
     .pixels = "85684b55381b55381b6d50336d50336d5033"},
    {.header = 40,
     .bits = 8,
     .top_down = true,
     .compression = 1,
     DATA("\003\007\000\000\001\005\002\011\000\001"),
     .channels = 3,
     .pixels = "6d50336d50336d503385684b55381b55381b"},
    {.header = 40,
     .bits = 8,
     .compression = 1,
     DATA("\000\003\001\002\003\000\000\000\002\004\000\000"),
     .channels = 3,
     .pixels = "11f4d711f4d7412407b5987b290cef9d8063"},
    {.header = 64,
     .bits = 8,
     .compression = 1,
     DATA("\004\001\000\000\000\003\004\005\006\000\000\001"),
     .channels = 3,
     .pixels = "11f4d785684bf9dcbfb5987bb5987bb5987b"},
    {.header = 40,
     .bits = 4,
     .compression = 2,
     DATA("\003\022\000\000\002\064\000\000\000\001"),
     .channels = 3,
     .pixels = "9d806311f4d7412407b5987b290cefb5987b"},
};

/* Pillow refuses these files, or does not skip pixels and misses those after an odd number of
 * half bytes. The pixels were found by hand: the bytes are those of a file above, or the colours
 * are evident. */
static const bmp other_bmps[] = {
    {.header = 40,
     .bits = 4,
     .compression = 2,
     DATA("\000\004\022\064\000\000\003\126"),
     .channels = 3,
     .pixels = "85684bf9dcbf85684bb5987b290cef9d8063"},
    {.header = 16, .bits = 8, .channels = 3, .pixels = "2508eb391cff4d3013d5b89be9ccaffde0c3"},
    {.header = 40, .bits = 2, .channels = 3, .pixels = "b5987b4124079d8063412407290cef290cef"},
    {.header = 40,
     .bits = 8,
     .colours = 300,
     .channels = 3,
     .pixels = "2508eb391cff4d3013d5b89be9ccaffde0c3"},
    {.header = 40,
     .bits = 16,
     .compression = 3,
     .masks = {0x1f, 0x7e0, 0xf800},
     .mask_count = 3,
     .channels = 3,
     .pixels = "8b4cbd18814aacd2de4a4473de95006aca94"},
    {.header = 108,
     .bits = 16,
     .compression = 3,
     .masks = {0xf00, 0xf0, 0xf, 0xf000},
     .mask_count = 4,
     .channels = 4,
     .pixels = "aa7711bbcc003344ee9955dd2222997744bbbb006644dd99"},
    {.header = 40,
     .bits = 32,
     .compression = 6,
     .masks = {0xff, 0xff00, 0xff0000, 0xff000000},
     .mask_count = 4,
     .channels = 4,
     .pixels = "95de2770b9024b94dd266fb82972bb044d96df2871ba034c"},
    {.header = 40,
     .bits = 32,
     .compression = 3,
     .masks = {0x3ff00000, 0xffc00, 0x3ff},
     .mask_count = 3,
     .channels = 3,
     .pixels = "bf7da450afade0f1b612b689a2f8922f3b9b"},
    {.header = 40,
     .bits = 4,
     .compression = 2,
     DATA("\000\003\022\060\000\000\003\105\000\001"),
     .channels = 3,
     .pixels = "11f4d785684b11f4d7b5987b290cef9d8063"},
    {.header = 40,
     .bits = 8,
     .compression = 1,
     DATA("\000\002\001\001\002\003"),
     .channels = 3,
     .pixels = "4124079d80639d8063412407412407412407"},
    {.header = 40,
     .bits = 8,
     .compression = 1,
     DATA("\000\000\003\005\000\001"),
     .channels = 3,
     .pixels = "85684b85684b85684b412407412407412407"},
    {.header = 40,
     .bits = 8,
     .compression = 1,
     DATA("\001\005\000\002\002\000\000\000\003\006"),
     .channels = 3,
     .pixels = "f9dcbff9dcbff9dcbf85684b412407412407"},
};

static void check_bmp(const bmp *b) {
    static file whole;
    make_bmp(b, true, &whole);
    assert_pixels(&whole, whole.size, CNN_IMAGE_BMP, b->channels, b->pixels);
    /* not needed: bytes that fill up the last row; or one of them, and the end of the image */
    size_t spare = b->data ? 3 : bmp_row(b) - (WIDTH * b->bits + 7) / 8;
    if (!b->data) {
        assert_pixels(&whole, whole.size - spare, CNN_IMAGE_BMP, b->channels, b->pixels);
    }
    bool in_palette = false;
    for (size_t size = 2; size < whole.size - spare; size += in_palette ? 97 : 1) {
        assert_refused(&whole, size, "the BMP file is cut short: expected ");
        in_palette = size > 70 && size + 120 < whole.size;
    }
}

static void test_bmp(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(pillow_bmps); i++) {
        check_bmp(&pillow_bmps[i]);
    }
    for (size_t i = 0; i < TEST_COUNT(other_bmps); i++) {
        check_bmp(&other_bmps[i]);
    }
}

/* Without the file header, or with one that states no offset, or the end of the header. */
static void test_bmp_offset(void **state) {
    (void)state;
    static file made;
    for (size_t i = 0; i < TEST_COUNT(pillow_bmps); i++) {
        const bmp *b = &pillow_bmps[i];
        if (b->bits > 8 && b->colours > 0) {
            continue; /* nothing states where these pixels are */
        }
        make_bmp(b, false, &made);
        assert_pixels(&made, made.size, CNN_IMAGE_BMP, b->channels, b->pixels);
        make_bmp(b, true, &made);
        made.bytes[10] = made.bytes[11] = 0;
        assert_pixels(&made, made.size, CNN_IMAGE_BMP, b->channels, b->pixels);
        made.bytes[10] = (uint8_t)(14 + b->header);
        if (b->bits <= 8) {
            assert_pixels(&made, made.size, CNN_IMAGE_BMP, b->channels, b->pixels);
        }
    }
}

/* Five half bytes take four bytes. */
static void test_odd_half_bytes(void **state) {
    (void)state;
    const bmp b = {.header = 40, .bits = 4, .compression = 2, DATA("\0\5\x12\x34\x50\0\4\x66\0\1")};
    static file made;
    make_bmp(&b, true, &made);
    made.bytes[18] = 9; /* width */
    made.bytes[22] = 1; /* height */
    cnn_image image;
    cnn_error error;
    test_ok(read_image(&made, made.size, &image, &error), &error);
    static const uint8_t colours[9] = {1, 2, 3, 4, 5, 6, 6, 6, 6};
    for (size_t x = 0; x < sizeof colours; x++) { /* blue of the palette, from byte 54 */
        assert_int_equal(image.pixels[3 * x + 2], made.bytes[54 + 4 * (size_t)colours[x]]);
    }
    cnn_image_release(&image);
}

static void test_wrong_bmp(void **state) {
    (void)state;
    static const struct {
        bmp file;
        const char *message;
    } cases[] = {
        {{.header = 41, .bits = 8}, "expected a BMP header of 12, 16, 40, "},
        {{.header = 40, .bits = 3}, "found 3 bits with the compression 0"},
        {{.header = 40, .bits = 0, .compression = 5}, "found 0 bits with the compression 5 (PNG)"},
        {{.header = 40, .bits = 24, .compression = 1}, "found 24 bits with the compression 1"},
        {{.header = 40, .bits = 8, .compression = 3}, "found 8 bits with the compression 3"},
        /* fewer pixels than promised, and too many in a row */
        {{.header = 40, .bits = 8, .compression = 1, DATA("\3\1\0\0\0\1")},
         "damaged BMP: expected run-length codes of 3×2 pixels, found the end of the image at byte "
         "1082, in row 2 of the file"},
        {{.header = 40, .bits = 8, .compression = 1, DATA("\5\1\0\0\3\1")},
         "found too many pixels at byte 1078, in row 1 of the file"},
        {{.header = 40, .bits = 4, .compression = 2, DATA("\1\1\0\4\x12\x34\0\0\3\1")},
         "found too many pixels at byte 120, in row 1 of the file"},
        {{.header = 40, .bits = 8, .compression = 1, DATA("\0\2\7\0\1\1")},
         "found too many pixels at byte 1082, in row 1 of the file"},
        {{.header = 40, .bits = 8, .compression = 1, DATA("\3\1\0\3\1\2\3\0")},
         "found too many pixels at byte 1080, in row 1 of the file"},
    };
    static file made;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        make_bmp(&cases[i].file, true, &made);
        assert_refused(&made, made.size, cases[i].message);
    }
    /* a size that the file does not have: refused before memory is taken */
    const bmp large = {.header = 40, .bits = 8, .compression = 1, DATA("\3\1")};
    make_bmp(&large, true, &made);
    memcpy(made.bytes + 18, "\xff\xff\xff\x7f\0\0\0\x80", 8);
    assert_refused(&made, made.size, "expected at most 64 megapixels");
    memcpy(made.bytes + 18, "\0\0\0\0", 4);
    assert_refused(&made, made.size, "expected an image with pixels");
    memcpy(made.bytes + 10, "\xff\xff\xff\xff", 4);
    memcpy(made.bytes + 18, "\3\0\0\0\2\0\0\0", 8);
    assert_refused(&made, made.size, "expected 1 bytes of pixels at byte 4294967295, found 0");
}

/* --- TGA --- */

typedef struct tga {
    uint32_t kind, bits, flags, first, entries, entry_bits, text;
    const char *data; /* of the pixels; NULL: bytes of a pattern */
    size_t data_size;
    int channels;
    const char *pixels;
} tga;

static void make_tga(const tga *t, file *to) {
    *to = (file){0};
    append_number(to, t->text, 1);
    append_number(to, t->entries > 0, 1);
    append_number(to, t->kind, 1);
    append_number(to, t->first, 2);
    append_number(to, t->entries, 2);
    append_number(to, t->entry_bits, 1);
    append_number(to, 0, 4);
    append_number(to, WIDTH, 2);
    append_number(to, HEIGHT, 2);
    append_number(to, t->bits, 1);
    append_number(to, t->flags, 1);
    append_pattern(to, t->text, 0, 'i');
    append_pattern(to, t->entries * ((t->entry_bits + 7) / 8), 29, 7);
    if (t->data) {
        append(to, t->data, t->data_size);
        return;
    }
    size_t begin = to->size;
    append_pattern(to, HEIGHT * (t->bits == 1 ? 1 : WIDTH * ((t->bits + 7) / 8)), 73, 41);
    for (size_t i = begin; t->kind == 1 && i < to->size; i++) {
        to->bytes[i] = (uint8_t)(to->bytes[i] % 4 + t->first);
    }
}

/* Made like pillow_bmps; with "L" and "LA" if that is the mode. The alpha of 16 bits, for which
 * Pillow takes the opposite of the highest bit, is left out. */
static const tga pillow_tgas[] = {
    {.kind = 1,
     .bits = 8,
     .entries = 5,
     .entry_bits = 16,
     .channels = 3,
     .pixels = "4a0039bd94083118debd94083118dea4acac"},
    {.kind = 1,
     .bits = 8,
     .flags = 0x20,
     .entries = 5,
     .entry_bits = 24,
     .channels = 3,
     .pixels = "987b5eefd2b546290c412407987b5eefd2b5"},
    {.kind = 1,
     .bits = 8,
     .flags = 0x20,
     .first = 100,
     .entries = 3,
     .entry_bits = 24,
     .channels = 3,
     .pixels = "987b5eefd2b5000000412407987b5eefd2b5"},
    {.kind = 1,
     .bits = 8,
     .flags = 0x30,
     .first = 100,
     .entries = 3,
     .entry_bits = 16,
     .channels = 3,
     .pixels = "0000003118debd94083118debd94084a0039"},
    {.kind = 2, .bits = 16, .channels = 3, .pixels = "5231ff739c8b9c0018e68b4a0829de29946a"},
    {.kind = 2, .bits = 24, .channels = 3, .pixels = "4c03ba27de9502b970bb7229964d047128df"},
    {.kind = 2,
     .bits = 32,
     .channels = 4,
     .pixels = "27de95704b02b9946f26ddb8bb722904df964d2803ba714c"},
    {.kind = 2,
     .bits = 24,
     .flags = 0x20,
     .channels = 3,
     .pixels = "bb7229964d047128df4c03ba27de9502b970"},
    {.kind = 2,
     .bits = 24,
     .flags = 0x10,
     .channels = 3,
     .pixels = "02b97027de954c03ba7128df964d04bb7229"},
    {.kind = 2,
     .bits = 24,
     .flags = 0x30,
     .channels = 3,
     .pixels = "7128df964d04bb722902b97027de954c03ba"},
    {.kind = 2,
     .bits = 24,
     .flags = 0xef,
     .channels = 3,
     .pixels = "bb7229964d047128df4c03ba27de9502b970"},
    {.kind = 2,
     .bits = 24,
     .text = 11,
     .channels = 3,
     .pixels = "4c03ba27de9502b970bb7229964d047128df"},
    {.kind = 3, .bits = 1, .channels = 1, .pixels = "00ffff0000ff"},
    {.kind = 3, .bits = 1, .flags = 0x30, .channels = 1, .pixels = "ff0000ffff00"},
    {.kind = 3, .bits = 8, .channels = 1, .pixels = "044d962972bb"},
    {.kind = 3, .bits = 8, .flags = 0x30, .channels = 1, .pixels = "bb7229964d04"},
    {.kind = 3, .bits = 16, .flags = 0x20, .channels = 2, .pixels = "2972bb044d96df2871ba034c"},
    {.kind = 9,
     .bits = 8,
     .flags = 0x20,
     .entries = 5,
     .entry_bits = 24,
     DATA("\202\001\002\002\003\004"),
     .channels = 3,
     .pixels = "987b5e987b5e987b5eefd2b546290c9d8063"},
    {.kind = 10,
     .bits = 24,
     .text = 3,
     DATA("\201\001\002\003\000\004\005\006\202\007\010\011"),
     .channels = 3,
     .pixels = "090807090807090807030201030201060504"},
    {.kind = 10,
     .bits = 16,
     .flags = 0x20,
     DATA("\005\001\002\003\004\005\006\007\010\011\012\013\014"),
     .channels = 3,
     .pixels = "00830808001808832910003910834a18005a"},
    {.kind = 10,
     .bits = 32,
     .flags = 0x10,
     DATA("\202\001\002\003\004\002\001\002\003\004\005\006\007\010\011\012\013\014"),
     .channels = 4,
     .pixels = "0b0a090c0706050803020104030201040302010403020104"},
    {.kind = 11,
     .bits = 8,
     .flags = 0x20,
     DATA("\005\001\002\003\004\005\006"),
     .channels = 1,
     .pixels = "010203040506"},
    {.kind = 11,
     .bits = 16,
     .flags = 0x20,
     DATA("\202\001\002\202\003\004"),
     .channels = 2,
     .pixels = "010201020102030403040304"},
};

/* Pillow refuses these files. The pixels were found by hand or are those of a file above. */
static const tga other_tgas[] = {
    {.kind = 1,
     .bits = 8,
     .flags = 0x20,
     .entries = 5,
     .entry_bits = 32,
     .channels = 4,
     .pixels = "b5987bd2290cef469d8063ba4124075eb5987bd2290cef46"},
    {.kind = 1,
     .bits = 8,
     .flags = 0x20,
     .entries = 5,
     .entry_bits = 15,
     .channels = 3,
     .pixels = "bd94083118dea4acac4a0039bd94083118de"},
    {.kind = 2,
     .bits = 15,
     .flags = 0x20,
     .channels = 3,
     .pixels = "e68b4a0829de29946a5231ff739c8b9c0018"},
    {.kind = 11,
     .bits = 8,
     .flags = 0x20,
     DATA("\204\007\200\005"),
     .channels = 1,
     .pixels = "070707070705"},
    {.kind = 11,
     .bits = 8,
     .flags = 0x20,
     DATA("\217\007"),
     .channels = 1,
     .pixels = "070707070707"},
    {.kind = 2,
     .bits = 24,
     .flags = 0x20,
     .entries = 5,
     .entry_bits = 24,
     .channels = 3,
     .pixels = "bb7229964d047128df4c03ba27de9502b970"},
};

static void check_tga(const tga *t) {
    static file whole;
    make_tga(t, &whole);
    assert_pixels(&whole, whole.size, CNN_IMAGE_TGA, t->channels, t->pixels);
    for (size_t size = 18; size < whole.size; size++) {
        assert_refused(&whole, size, "the TGA file is cut short: expected ");
    }
}

static void test_tga(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(pillow_tgas); i++) {
        check_tga(&pillow_tgas[i]);
    }
    for (size_t i = 0; i < TEST_COUNT(other_tgas); i++) {
        check_tga(&other_tgas[i]);
    }
}

static void test_wrong_tga(void **state) {
    (void)state;
    static const tga unknown[] = {
        {.kind = 1, .bits = 8},   {.kind = 1, .bits = 16, .entries = 1, .entry_bits = 24},
        {.kind = 2, .bits = 8},   {.kind = 3, .bits = 24},
        {.kind = 11, .bits = 1},  {.kind = 4, .bits = 8},
        {.kind = 3, .bits = 0},   {.kind = 1, .bits = 8, .entries = 1, .entry_bits = 8},
        {.kind = 32, .bits = 24},
    };
    static file made;
    for (size_t i = 0; i < TEST_COUNT(unknown); i++) {
        make_tga(&unknown[i], &made);
        assert_refused(&made, made.size, "expected a PNG, JPEG, BMP, PNM");
    }
    make_tga(&(tga){.kind = 2, .bits = 24}, &made);
    made.bytes[13] = made.bytes[15] = 0xff;
    assert_refused(&made, made.size, "expected at most 64 megapixels");
    made.bytes[12] = made.bytes[13] = 0;
    assert_refused(&made, made.size, "expected an image with pixels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bmp),
        cmocka_unit_test(test_bmp_offset),
        cmocka_unit_test(test_odd_half_bytes),
        cmocka_unit_test(test_wrong_bmp),
        cmocka_unit_test(test_tga),
        cmocka_unit_test(test_wrong_tga),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
