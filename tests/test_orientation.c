/* The orientation of photos, as cameras and programs write it into JPEG and PNG.
 *
 * Every expected orientation was made with Pillow 11.3: the file was opened, and
 * ImageOps.exif_transpose compared with Image.transpose, as in getexif().get(0x0112, 1). */
#include "test_support.h"

#include "base/memory.h"
#include "image/decode.h"
#include "image/exif.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <zlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that grow. */
typedef struct text {
    uint8_t bytes[4096];
    size_t size;
} text;

static void append(text *to, const void *bytes, size_t size) {
    assert_true(size <= sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void append_for_stb(void *to, void *bytes, int size) {
    append(to, bytes, (size_t)size);
}

static void append_number(text *to, bool big_endian, uint64_t number, int size) {
    for (int i = 0; i < size; i++) {
        int shift = 8 * (big_endian ? size - 1 - i : i);
        append(to, (const uint8_t[]){(uint8_t)(number >> shift)}, 1);
    }
}

#define LITERAL(literal) literal, sizeof literal - 1
static const char mark[6] = "Exif\0"; /* and the zero that C adds */
enum { SHORT = 3, ORIENTATION = 0x0112 };

/* A directory entry: `values` numbers of `size` bytes, the same one each. */
typedef struct entry {
    unsigned tag, type, count;
    uint64_t number[2];
    int size, values;
} entry;

/* A TIFF header and one directory. Values of more than 4 bytes follow it; those of the second
 * entry, if it has any, are not there. */
static void make_tiff(text *to, bool big_endian, const entry *entries, int count) {
    text values = {0};
    to->size = 0;
    append(to, big_endian ? "MM\0*" : "II*", 4);
    append_number(to, big_endian, 8, 4);
    append_number(to, big_endian, (uint64_t)count, 2);
    size_t after = 8 + 2 + 12 * (size_t)count + 4;
    for (const entry *e = entries; e < entries + count; e++) {
        append_number(to, big_endian, e->tag, 2);
        append_number(to, big_endian, e->type, 2);
        append_number(to, big_endian, e->count, 4);
        text value = {0};
        for (int i = 0; i < e->values; i++) {
            append_number(&value, big_endian, e->number[i], e->size);
        }
        if (value.size > 4) {
            append_number(to, big_endian, after + values.size, 4);
            append(&values, value.bytes, value.size);
        } else {
            append(to, value.bytes, value.size);
            append_number(to, big_endian, 0, 4 - (int)value.size);
        }
    }
    append_number(to, big_endian, 0, 4);
    append(to, values.bytes, values.size);
}

static void make_short(text *to, bool big_endian, int orientation) {
    make_tiff(to, big_endian, &(entry){ORIENTATION, SHORT, 1, {(uint64_t)orientation}, 2, 1}, 1);
}

/* From memory of exactly that size, so that sanitizers detect reads beyond it. */
static int orientation_of(const void *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int orientation = cnn_exif_orientation(copy, size);
    free(copy);
    return orientation;
}

/* --- EXIF data --- */

static void test_types(void **state) {
    (void)state;
    static const struct {
        entry entry;
        int orientation;
    } cases[] = {
        {{ORIENTATION, SHORT, 1, {1}, 2, 1}, 1},
        {{ORIENTATION, SHORT, 1, {2}, 2, 1}, 2},
        {{ORIENTATION, SHORT, 1, {8}, 2, 1}, 8},
        {{ORIENTATION, SHORT, 1, {9}, 2, 1}, 1},
        {{ORIENTATION, SHORT, 1, {0}, 2, 1}, 1},
        {{ORIENTATION, SHORT, 1, {0x0600}, 2, 1}, 1},
        {{ORIENTATION, SHORT, 2, {6, 3}, 2, 2}, 6},
        {{ORIENTATION, SHORT, 0, {6}, 2, 1}, 1},
        {{ORIENTATION + 1, SHORT, 1, {6}, 2, 1}, 1},
        {{ORIENTATION, 1, 1, {6}, 1, 1}, 1}, /* BYTE */
        {{ORIENTATION, 2, 2, {'6', 0}, 1, 2}, 1},
        {{ORIENTATION, 7, 1, {6}, 1, 1}, 1},
        {{ORIENTATION, 4, 1, {6}, 4, 1}, 6}, /* LONG */
        {{ORIENTATION, 4, 1, {0x10006}, 4, 1}, 1},
        {{ORIENTATION, 5, 1, {6, 1}, 4, 2}, 6}, /* RATIONAL */
        {{ORIENTATION, 5, 1, {12, 2}, 4, 2}, 6},
        {{ORIENTATION, 5, 1, {13, 2}, 4, 2}, 1},
        {{ORIENTATION, 5, 1, {6, 0}, 4, 2}, 1},
        {{ORIENTATION, 6, 1, {6}, 1, 1}, 6}, /* SBYTE */
        {{ORIENTATION, 6, 1, {0xfa}, 1, 1}, 1},
        {{ORIENTATION, 8, 1, {6}, 2, 1}, 6}, /* SSHORT */
        {{ORIENTATION, 9, 1, {6}, 4, 1}, 6}, /* SLONG */
        {{ORIENTATION, 9, 1, {0xfffffffa}, 4, 1}, 1},
        {{ORIENTATION, 10, 1, {0xfffffffa, 0xffffffff}, 4, 2}, 6}, /* SRATIONAL: -6 / -1 */
        {{ORIENTATION, 11, 1, {0x40c00000}, 4, 1}, 6},             /* FLOAT: 6, 6.5, NaN */
        {{ORIENTATION, 11, 1, {0x40d00000}, 4, 1}, 1},
        {{ORIENTATION, 11, 1, {0x7fc00000}, 4, 1}, 1},
        {{ORIENTATION, 12, 1, {0x4018000000000000}, 8, 1}, 6}, /* DOUBLE: 6 */
        {{ORIENTATION, 13, 1, {6}, 4, 1}, 6},                  /* IFD */
        {{ORIENTATION, 16, 1, {6}, 8, 1}, 6},                  /* LONG8 */
        {{ORIENTATION, 17, 1, {6}, 8, 1}, 1},
        {{ORIENTATION, 0xffff, 1, {6}, 2, 1}, 1},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        for (int big_endian = 0; big_endian < 2; big_endian++) {
            text tiff;
            make_tiff(&tiff, big_endian != 0, &cases[i].entry, 1);
            int found = orientation_of(tiff.bytes, tiff.size);
            if (found != cases[i].orientation) {
                print_error("case %zu, big endian %d: %d\n", i, big_endian, found);
            }
            assert_int_equal(found, cases[i].orientation);
        }
    }
}

static void test_directories(void **state) {
    (void)state;
    const entry six = {ORIENTATION, SHORT, 1, {6}, 2, 1};
    const entry three = {ORIENTATION, SHORT, 1, {3}, 2, 1};
    const entry missing = {0x010f, 2, 100, {0x1000}, 4, 1}; /* at byte 0x1000 */
    const entry unknown = {0x010f, 99, 100, {0x1000}, 4, 1};
    const entry unknown_six = {ORIENTATION, 99, 1, {6}, 2, 1};
    const entry none = {ORIENTATION, SHORT, 0, {6}, 2, 1};
    const struct {
        entry entries[2];
        int orientation;
    } cases[] = {{{six, three}, 3},   {{missing, six}, 1},       {{six, missing}, 6},
                 {{unknown, six}, 6}, {{unknown_six, three}, 3}, {{six, unknown_six}, 6},
                 {{six, none}, 6}};
    text tiff;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        make_tiff(&tiff, i % 2 == 0, cases[i].entries, 2);
        assert_int_equal(orientation_of(tiff.bytes, tiff.size), cases[i].orientation);
    }
    make_short(&tiff, true, 6);
    for (size_t size = 0; size < tiff.size; size++) { /* the entry ends at byte 22 */
        assert_int_equal(orientation_of(tiff.bytes, size), size < 22 ? 1 : 6);
    }
    for (size_t k = 0; k < 8 * tiff.size; k++) {
        tiff.bytes[k / 8] ^= (uint8_t)(1 << k % 8);
        assert_in_range(orientation_of(tiff.bytes, tiff.size), 1, 8);
        tiff.bytes[k / 8] ^= (uint8_t)(1 << k % 8);
    }
    tiff.bytes[9] = 9; /* entries, of which one is there */
    assert_int_equal(orientation_of(tiff.bytes, tiff.size), 6);
    static const struct {
        const char *start;
        int orientation;
    } starts[] = {{"MM\0*", 6}, {"MM*\0", 6}, {"MM\0+", 6}, {"MM+\0", 1}, {"MM\0\0", 1}};
    for (size_t i = 0; i < TEST_COUNT(starts); i++) {
        memcpy(tiff.bytes, starts[i].start, 4);
        assert_int_equal(orientation_of(tiff.bytes, tiff.size), starts[i].orientation);
    }
    make_short(&tiff, false, 6);
    memcpy(tiff.bytes, "II\0*", 4);
    assert_int_equal(orientation_of(tiff.bytes, tiff.size), 6);
    memcpy(tiff.bytes, "II+", 4);
    assert_int_equal(orientation_of(tiff.bytes, tiff.size), 1);
}

static void test_xmp(void **state) {
    (void)state;
    static const struct {
        const char *xmp;
        int orientation;
    } cases[] = {{" tiff:Orientation=\"6\"", 6},
                 {"<tiff:Orientation>6</tiff:Orientation>", 6},
                 {"tiff:Orientation=\"66\"", 6},
                 {"tiff:Orientation=\"x\" tiff:Orientation=\"6\" tiff:Orientation=\"3\"", 6},
                 {"tiff:Orientation=\"9\" tiff:Orientation=\"6\"", 1},
                 {"tiff:Orientation='6'", 1},
                 {"tiff:Orientation=\"", 1},
                 {"tiff:Orientation>", 1},
                 {"tiff:Orientatio", 1},
                 {"", 1}};
    text tiff;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const uint8_t *xmp = (const uint8_t *)cases[i].xmp;
        size_t size = strlen(cases[i].xmp);
        assert_int_equal(cnn_exif_or_xmp_orientation(NULL, 0, xmp, size), cases[i].orientation);
        make_tiff(&tiff, true, &(entry){ORIENTATION, SHORT, 0, {6}, 2, 1}, 1);
        assert_int_equal(cnn_exif_or_xmp_orientation(tiff.bytes, tiff.size, xmp, size),
                         cases[i].orientation);
        assert_int_equal(cnn_exif_or_xmp_orientation((const uint8_t *)mark, sizeof mark, xmp, size),
                         cases[i].orientation);
        for (int said = 0; said < 4; said++) { /* EXIF data have precedence */
            make_short(&tiff, true, said);
            assert_int_equal(cnn_exif_or_xmp_orientation(tiff.bytes, tiff.size, xmp, size),
                             said > 0 ? said : 1);
        }
    }
}

/* --- files --- */

/* The orientation of a file, 3 × 2 pixels as it stores them. */
static int read_file(const text *file) {
    (void)unlink("image");
    FILE *out = fopen("image", "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file->bytes, 1, file->size, out), file->size);
    assert_int_equal(fclose(out), 0);
    cnn_image image;
    cnn_error error;
    test_ok(cnn_image_read("image", 64, &image, &error), &error);
    int orientation = image.orientation;
    assert_int_equal(image.width, orientation >= 5 ? 2 : 3);
    cnn_image_release(&image);
    return orientation;
}

static const uint8_t pixels[3 * 3 * 2];

/* A JPEG with up to two APP1 segments, the second of them NULL or a segment. */
static int read_jpeg(const void *one, size_t one_size, const void *two, size_t two_size) {
    text plain = {0};
    text file = {0};
    assert_true(stbi_write_jpg_to_func(append_for_stb, &plain, 3, 2, 3, pixels, 90));
    append(&file, plain.bytes, 2);
    append(&file, "\xff\xe1", 2);
    append_number(&file, true, one_size + 2, 2);
    append(&file, one, one_size);
    append(&file, plain.bytes + 2, 18);                  /* JFIF */
    append(&file, LITERAL("\xff\xe1\0\7other\xff\xff")); /* fill bytes */
    if (two) {
        append(&file, "\xff\xe1", 2);
        append_number(&file, true, two_size + 2, 2);
        append(&file, two, two_size);
    }
    append(&file, plain.bytes + 20, plain.size - 20);
    return read_file(&file);
}

static void test_jpeg(void **state) {
    (void)state;
    text tiff, three, exif = {0}, other = {0};
    make_short(&tiff, true, 6);
    make_short(&three, false, 3);
    append(&exif, mark, sizeof mark);
    append(&exif, tiff.bytes, tiff.size);
    append(&other, mark, sizeof mark);
    append(&other, three.bytes, three.size);
    assert_int_equal(read_jpeg("x", 1, exif.bytes, exif.size), 6);
    assert_int_equal(read_jpeg(exif.bytes, exif.size, "x", 1), 6);
    assert_int_equal(read_jpeg(exif.bytes, exif.size, other.bytes, other.size), 6);
    assert_int_equal(read_jpeg(other.bytes, other.size, exif.bytes, exif.size), 3);
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/\0tiff:Orientation=\"8\"";
    static const char none[] = "http://ns.adobe.com/xap/1.0/\0";
    assert_int_equal(read_jpeg("x", 1, LITERAL(xmp)), 8);
    assert_int_equal(read_jpeg(LITERAL(xmp), "x", 1), 8);
    assert_int_equal(read_jpeg(LITERAL(xmp), exif.bytes, exif.size), 6);
    assert_int_equal(read_jpeg(exif.bytes, exif.size, LITERAL(xmp)), 6);
    assert_int_equal(read_jpeg(LITERAL(xmp), LITERAL(none)), 1);
    assert_int_equal(read_jpeg(LITERAL(none), LITERAL(xmp)), 8);
    assert_int_equal(read_jpeg(exif.bytes, 6, "x", 1), 1);
    for (size_t part = 6; part < exif.size; part++) { /* continued in the second segment */
        text rest = {0};
        append(&rest, mark, sizeof mark);
        append(&rest, exif.bytes + part, exif.size - part);
        assert_int_equal(read_jpeg(exif.bytes, part, rest.bytes, rest.size), 6);
    }
    exif.bytes[0] = 'e';
    assert_int_equal(read_jpeg("x", 1, exif.bytes, exif.size), 1);
}

static void append_chunk(text *to, const char *name, const void *bytes, size_t size) {
    append_number(to, true, size, 4);
    size_t at = to->size;
    append(to, name, 4);
    append(to, bytes, size);
    append_number(to, true, crc32(0, to->bytes + at, (uInt)(size + 4)), 4);
}

/* Keyword and what follows it, then `content`, compressed or not. */
static void append_text(text *to, const char *name, const char *head, size_t head_size,
                        const void *content, size_t size) {
    text chunk = {0};
    bool compressed = name[0] == 'z' || (name[0] == 'i' && memchr(head, 1, head_size));
    append(&chunk, head, head_size);
    if (compressed) {
        uLongf length = sizeof chunk.bytes - chunk.size;
        assert_int_equal(compress(chunk.bytes + chunk.size, &length, content, (uLong)size), Z_OK);
        chunk.size += length;
    } else {
        append(&chunk, content, size);
    }
    append_chunk(to, name, chunk.bytes, chunk.size);
}

/* A PNG with chunks before its pixels, and after them. */
static void make_png(text *file, const text *before, const text *after) {
    text plain = {0};
    assert_true(stbi_write_png_to_func(append_for_stb, &plain, 3, 2, 3, pixels, 0));
    file->size = 0;
    append(file, plain.bytes, 33);
    append(file, before->bytes, before->size);
    append(file, plain.bytes + 33, plain.size - 33 - 12);
    append(file, after->bytes, after->size);
    append(file, plain.bytes + plain.size - 12, 12);
}

static int read_png(const text *before, const text *after) {
    text file;
    make_png(&file, before, after);
    return read_file(&file);
}

#define PROFILE "Raw profile type exif\0"
#define XMP "XML:com.adobe.xmp\0"

/* The text that ImageMagick writes. */
static void make_profile(const text *tiff, text *profile) {
    char line[256];
    profile->size = 0;
    int length = snprintf(line, sizeof line, "\nexif\n %8zu\n", tiff->size + 6);
    append(profile, line, (size_t)length);
    for (size_t i = 0; i < tiff->size + 6; i++) {
        unsigned byte = i < 6 ? (uint8_t)mark[i] : tiff->bytes[i - 6];
        length = snprintf(line, sizeof line, i % 2 ? "%02x%s" : "%02X%s", byte,
                          i % 36 == 35 ? "\n" : "");
        append(profile, line, (size_t)length);
    }
    append(profile, "\n", 1);
}

static void test_png(void **state) {
    (void)state;
    text tiff, profile;
    static const text nothing;
    make_short(&tiff, false, 6);
    make_profile(&tiff, &profile);
    static const char xmp[] = "<x tiff:Orientation=\"6\"/>";
    const struct {
        const char *name, *head;
        size_t head_size;
        const void *content;
        size_t size;
        int orientation;
    } cases[] = {{"eXIf", LITERAL(""), tiff.bytes, tiff.size, 6},
                 {"eXIf", mark, sizeof mark, tiff.bytes, tiff.size, 6},
                 {"eXIf", LITERAL(""), tiff.bytes, 20, 1},
                 {"tEXt", LITERAL(PROFILE), profile.bytes, profile.size, 6},
                 {"zTXt", LITERAL(PROFILE "\0"), profile.bytes, profile.size, 6},
                 {"iTXt", LITERAL(PROFILE "\0\0\0\0"), profile.bytes, profile.size, 6},
                 {"iTXt", LITERAL(PROFILE "\1\0\0\0"), profile.bytes, profile.size, 6},
                 {"tEXt", LITERAL("raw profile type exif\0"), profile.bytes, profile.size, 1},
                 {"tEXt", LITERAL(PROFILE), LITERAL("\nexif\n"), 1},
                 {"tEXt", LITERAL(PROFILE), LITERAL(""), 1},
                 {"iTXt", LITERAL(XMP "\0\0\0\0"), LITERAL(xmp), 6},
                 {"iTXt", LITERAL(XMP "\1\0en\0k\0"), LITERAL(xmp), 6},
                 {"tEXt", LITERAL(XMP), LITERAL(xmp), 6},
                 {"zTXt", LITERAL(XMP "\0"), LITERAL(xmp), 6},
                 {"iTXt", LITERAL(XMP "\0\0"), LITERAL("6"), 1}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        text chunk = {0};
        append_text(&chunk, cases[i].name, cases[i].head, cases[i].head_size, cases[i].content,
                    cases[i].size);
        assert_int_equal(read_png(&chunk, &nothing), cases[i].orientation);
        assert_int_equal(read_png(&nothing, &chunk), cases[i].orientation);
        text three, both = {0};
        make_short(&three, true, 3);
        append_chunk(&both, "eXIf", three.bytes, three.size);
        bool is_exif = strcmp(cases[i].name, "eXIf") == 0; /* the last one counts */
        assert_int_equal(read_png(&both, &chunk), is_exif ? cases[i].orientation : 3);
        assert_int_equal(read_png(&chunk, &both), 3);
    }
    text damaged = {0};
    append_chunk(&damaged, "zTXt", PROFILE "\0no", sizeof PROFILE + 2);
    assert_int_equal(read_png(&damaged, &nothing), 1);
}

/* A lack of memory is not treated as missing EXIF data: the image would be a different one. */
static void test_no_memory(void **state) {
    (void)state;
    text tiff, profile, chunk = {0}, file;
    static const text nothing;
    make_short(&tiff, false, 6);
    make_profile(&tiff, &profile);
    append_text(&chunk, "zTXt", LITERAL(PROFILE "\0"), profile.bytes, profile.size);
    make_png(&file, &chunk, &nothing);
    (void)read_file(&file);
    cnn_memory_state before = cnn_memory_look();
    cnn_error error;
    cnn_status status = CNN_ERROR_RUNTIME;
    for (size_t more = 0; status != CNN_OK; more += 256 + more / 8) {
        cnn_image image;
        cnn_memory_limit(before.in_use + more);
        status = cnn_image_read("image", 64, &image, &error);
        assert_true(status == CNN_OK || status == CNN_ERROR_RUNTIME);
        assert_true(status != CNN_OK || image.orientation == 6);
        assert_true(status != CNN_OK || more > 1000000); /* the most that the text may take */
        cnn_image_release(&image);
        assert_int_equal(cnn_memory_look().in_use, before.in_use);
    }
    cnn_memory_limit(SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types), cmocka_unit_test(test_directories),
        cmocka_unit_test(test_xmp),   cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_png),   cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
