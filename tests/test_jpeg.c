/* The pixels of JPEG files of every kind, and files whose data end early. libjpeg writes the files.
 *
 * The expected pixels were made with Pillow 11.3.0 (libjpeg-turbo 3.1.1) from the same files:
 * zlib.crc32(numpy.asarray(image if image.mode == "L" else image.convert("RGB")).tobytes()). */
#include "test_support.h"

#include "base/memory.h"
#include "image/decode.h"

#include <zlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>

/* How a file is written. All else is libjpeg's default. */
typedef struct kind {
    const char *name;
    int width, height;
    int components;
    J_COLOR_SPACE colours; /* in the file */
    int adobe;             /* transform in the Adobe segment; -1: no segment */
    bool jfif;
    const char *ids;      /* of the components */
    const char *sampling; /* horizontal and vertical, of each component */
    int progressive;      /* 2: with one component in each scan of a sequential file */
    bool arithmetic;
    int restart;           /* rows of units */
    uint32_t file, pixels; /* CRC-32 */
} kind;

static const char ids_123[] = "\1\2\3\4";
static const char ids_012[] = "\0\1\2\3";
static const char ids_rgb[] = "RGBA";

static const kind kinds[] = {
    {"grey", 21, 13, 1, JCS_GRAYSCALE, -1, true, NULL, NULL, 0, false, 0, 0xb92187ce, 0x02f6ba60},
    {"grey, sampling 2x2", 21, 13, 1, JCS_GRAYSCALE, -1, true, NULL, "22", 0, false, 0, 0x5b98d626,
     0x02f6ba60},
    {"grey, progressive", 21, 13, 1, JCS_GRAYSCALE, -1, true, NULL, NULL, 1, false, 0, 0x0364f03f,
     0x02f6ba60},
    {"4:4:4", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "111111", 0, false, 0, 0x0ea26380, 0xddc7190b},
    {"4:2:2", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "211111", 0, false, 0, 0x1ed85b99, 0x84768daa},
    {"4:2:0", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 0, 0x4eae9e63, 0xfc20d4a9},
    {"4:2:0, larger", 131, 77, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 0, 0x3b56c11f,
     0x60153f52},
    {"4:4:0", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "121111", 0, false, 0, 0x0f4909a6, 0x30cdb818},
    {"4:1:1", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "411111", 0, false, 0, 0xbb82437b, 0xc7fe0854},
    {"4:1:0", 45, 27, 3, JCS_YCbCr, -1, true, NULL, "421111", 0, false, 0, 0x81ddc81d, 0x115a42d0},
    {"chroma sampled differently", 33, 31, 3, JCS_YCbCr, -1, true, NULL, "222112", 0, false, 0,
     0x0bafefec, 0x8c0d4fa2},
    {"luma sampled less", 33, 31, 3, JCS_YCbCr, -1, true, NULL, "112221", 0, false, 0, 0x12d14ea2,
     0xa7590f7a},
    {"one pixel", 1, 1, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 0, 0xa0da2e95,
     0xae76ba8d},
    {"one column", 1, 19, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 0, 0x1052ca3d,
     0xc75818e7},
    {"one row", 19, 1, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 0, 0x366954cb, 0xcc96b5eb},
    {"two columns", 2, 9, 3, JCS_YCbCr, -1, true, NULL, "211111", 0, false, 0, 0x5c5e1f8b,
     0xc26cc715},
    {"whole units", 32, 16, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 0, 0x7f9d26b5,
     0x72c5c164},
    {"progressive", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "221111", 1, false, 0, 0x156a3ea9,
     0xfc20d4a9},
    {"one component in each scan", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "221111", 2, false, 0,
     0x4c59c3c6, 0xfc20d4a9},
    {"restart intervals", 41, 43, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, false, 1, 0x3b5c9392,
     0xd01699a6},
    {"progressive, restart intervals", 41, 43, 3, JCS_YCbCr, -1, true, NULL, "211111", 1, false, 1,
     0xdcf91e89, 0x0ab7f6e0},
    {"arithmetic coding", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "221111", 0, true, 0, 0x675d181a,
     0xfc20d4a9},
    {"arithmetic coding, progressive", 21, 13, 3, JCS_YCbCr, -1, true, NULL, "221111", 1, true, 0,
     0xbdee5522, 0xfc20d4a9},
    {"arithmetic coding, restart intervals", 41, 43, 3, JCS_YCbCr, -1, true, NULL, "221111", 0,
     true, 1, 0x97f008a2, 0xd01699a6},
    {"three components, ids 1 2 3", 21, 13, 3, JCS_YCbCr, -1, false, ids_123, NULL, 0, false, 0,
     0x953b8da4, 0xddc7190b},
    {"three components, ids 0 1 2", 21, 13, 3, JCS_YCbCr, -1, false, ids_012, NULL, 0, false, 0,
     0xe5e81a36, 0xddc7190b},
    {"three components, ids RGB", 21, 13, 3, JCS_RGB, -1, false, ids_rgb, NULL, 0, false, 0,
     0x6443162e, 0x2348387e},
    {"three components, ids RGB, JFIF", 21, 13, 3, JCS_RGB, -1, true, ids_rgb, NULL, 0, false, 0,
     0x350a471d, 0xdbb0c41d},
    {"RGB, progressive", 21, 13, 3, JCS_RGB, -1, false, ids_rgb, "111111", 1, false, 0, 0x0294a691,
     0x2348387e},
    {"Adobe 0, ids 1 2 3", 21, 13, 3, JCS_RGB, 0, false, ids_123, NULL, 0, false, 0, 0xfe0463a0,
     0x2348387e},
    {"Adobe 0, JFIF", 21, 13, 3, JCS_RGB, 0, true, ids_123, NULL, 0, false, 0, 0x2a454b2e,
     0xdbb0c41d},
    {"Adobe 1", 21, 13, 3, JCS_YCbCr, 1, false, ids_123, "221111", 0, false, 0, 0xa37bfbda,
     0xfc20d4a9},
    {"Adobe 1, ids RGB", 21, 13, 3, JCS_YCbCr, 1, false, ids_rgb, NULL, 0, false, 0, 0x1e793589,
     0xddc7190b},
    {"Adobe 2, three components", 21, 13, 3, JCS_YCbCr, 2, false, ids_123, NULL, 0, false, 0,
     0x088409c9, 0xddc7190b},
    {"CMYK", 21, 13, 4, JCS_CMYK, -1, false, NULL, NULL, 0, false, 0, 0xd5c527f5, 0x3ff0f812},
    {"CMYK, Adobe 0", 21, 13, 4, JCS_CMYK, 0, false, NULL, NULL, 0, false, 0, 0xbe81341e,
     0x3ff0f812},
    {"CMYK, Adobe 0, subsampled", 21, 13, 4, JCS_CMYK, 0, false, NULL, "22111122", 0, false, 0,
     0xac3a488b, 0xbf838bae},
    {"CMYK, Adobe 0, progressive", 21, 13, 4, JCS_CMYK, 0, false, NULL, NULL, 1, false, 0,
     0x3d66d8da, 0x3ff0f812},
    {"YCCK, Adobe 2", 21, 13, 4, JCS_YCCK, 2, false, NULL, "22111122", 0, false, 0, 0x239ef5be,
     0x4296dded},
    {"YCCK, Adobe 2, progressive", 41, 29, 4, JCS_YCCK, 2, false, NULL, "22111122", 1, false, 0,
     0x841a2935, 0xb985394c},
    {"YCCK without Adobe", 21, 13, 4, JCS_YCCK, -1, false, NULL, NULL, 0, false, 0, 0xa14391f7,
     0x4ff747d4},
    {"YCCK, Adobe 1", 21, 13, 4, JCS_YCCK, 1, false, NULL, NULL, 0, false, 0, 0x4b5e48e3,
     0x6edbff61},

};

/* The components of a picture with smooth parts and noise. */
static void draw(uint8_t *pixels, int width, int height, int components) {
    uint64_t seed = 5;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < components; c++) {
                double value = c == 0   ? 255.0 * x / width
                               : c == 1 ? 255.0 * y / height
                               : c == 2 ? 255.0 * (x + y) / (width + height)
                                        : 128;
                value += test_random(&seed, -40, 40);
                *pixels++ = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
    }
}

/* Where an Adobe segment has its transform. */
static void set_transform(uint8_t *bytes, size_t size, int transform) {
    for (size_t at = 0; at + 16 <= size; at++) {
        if (memcmp(bytes + at,
                   "\xff\xee\0\x0e"
                   "Adobe",
                   9) == 0) {
            bytes[at + 15] = (uint8_t)transform;
            return;
        }
    }
    fail();
}

static void set_scans(struct jpeg_compress_struct *info, const kind *as, jpeg_scan_info *scans) {
    if (as->progressive == 1) {
        jpeg_simple_progression(info);
    } else if (as->progressive == 2) {
        for (int i = 0; i < as->components; i++) {
            scans[i] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {i}, .Se = 63};
        }
        info->scan_info = scans;
        info->num_scans = as->components;
    }
}

/* A file. Free with free(). */
static void make_jpeg(const kind *as, uint8_t **bytes, unsigned long *size) {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors; /* an error ends the program */
    jpeg_scan_info scans[4];
    uint8_t *pixels = malloc((size_t)(as->width * as->height * as->components));
    assert_non_null(pixels);
    draw(pixels, as->width, as->height, as->components);
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    *bytes = NULL;
    *size = 0;
    jpeg_mem_dest(&info, bytes, size);
    info.image_width = (JDIMENSION)as->width;
    info.image_height = (JDIMENSION)as->height;
    info.input_components = as->components;
    info.in_color_space = as->components == 1   ? JCS_GRAYSCALE
                          : as->components == 3 ? JCS_RGB
                                                : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_colorspace(&info, as->colours);
    jpeg_set_quality(&info, 85, TRUE);
    for (int i = 0; i < as->components; i++) {
        info.comp_info[i].component_id = as->ids ? as->ids[i] : info.comp_info[i].component_id;
        info.comp_info[i].h_samp_factor = as->sampling ? as->sampling[2 * i] - '0' : 1;
        info.comp_info[i].v_samp_factor = as->sampling ? as->sampling[2 * i + 1] - '0' : 1;
    }
    info.write_Adobe_marker = as->adobe >= 0;
    info.write_JFIF_header = as->jfif;
    info.restart_in_rows = as->restart;
    info.arith_code = as->arithmetic;
    set_scans(&info, as, scans);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = pixels + info.next_scanline * info.image_width * (unsigned)as->components;
        assert_int_equal(jpeg_write_scanlines(&info, &row, 1), 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    free(pixels);
    if (as->adobe >= 0) {
        set_transform(*bytes, *size, as->adobe);
    }
}

static uint32_t pixels_of(const void *bytes, size_t size) {
    cnn_image image;
    cnn_error error;
    test_ok(test_image_read(bytes, size, &image, &error), &error);
    size_t count = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
    uint32_t crc = (uint32_t)crc32(0, image.pixels, (uInt)count);
    cnn_image_release(&image);
    return crc;
}

static const char *reason(const void *bytes, size_t size) {
    static cnn_error error;
    cnn_image image;
    assert_int_equal(test_image_read(bytes, size, &image, &error), CNN_ERROR_DATA);
    return error.message;
}

static void test_kinds(void **state) {
    (void)state;
    bool same = true;
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        const kind *k = &kinds[i];
        uint8_t *bytes;
        unsigned long size;
        make_jpeg(k, &bytes, &size);
        uint32_t file = (uint32_t)crc32(0, bytes, (uInt)size);
        uint32_t pixels = pixels_of(bytes, size);
        if (file != k->file || pixels != k->pixels) {
            print_error("%s: file %08x (expected %08x), pixels %08x (expected %08x)\n", k->name,
                        file, k->file, pixels, k->pixels);
            same = false;
        }
        free(bytes);
    }
    assert_true(same);
}

static const kind *find_kind(const char *name) {
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    fail();
    return NULL;
}

/* Every file that ends before all its data is refused, and says where. */
static void test_cut(void **state) {
    (void)state;
    static const char *const names[] = {"grey",
                                        "4:2:0",
                                        "progressive",
                                        "one component in each scan",
                                        "restart intervals",
                                        "progressive, restart intervals",
                                        "arithmetic coding",
                                        "arithmetic coding, progressive",
                                        "CMYK, Adobe 0, progressive"};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        const kind *k = find_kind(names[i]);
        uint8_t *bytes;
        unsigned long size;
        make_jpeg(k, &bytes, &size);
        for (size_t end = 2; end < size; end++) {
            cnn_image image;
            cnn_error error;
            if (test_image_read(bytes, end, &image, &error) == CNN_OK) {
                size_t count = (size_t)(image.width * image.height * image.channels);
                assert_true(end >= size - 4 && !k->arithmetic);
                assert_int_equal((uint32_t)crc32(0, image.pixels, (uInt)count), k->pixels);
                cnn_image_release(&image);
                continue;
            }
            char place[64];
            (void)snprintf(place, sizeof place, "found the end of the file at byte %zu", end);
            if (!strstr(error.message, "the JPEG file is cut short: expected ") ||
                !strstr(error.message, place)) {
                print_error("%s, %zu of %lu bytes: %s\n", k->name, end, size, error.message);
                fail();
            }
            assert_true(end < size - 2 || k->arithmetic);
        }
        free(bytes);
    }
}

/* The offset of the n-th scan: FF DA. */
static size_t find_scan(const uint8_t *bytes, size_t size, int n) {
    for (size_t at = 0; at + 1 < size; at++) {
        if (bytes[at] == 0xff && bytes[at + 1] == 0xda && n-- == 0) {
            return at;
        }
    }
    fail();
    return 0;
}

static const uint8_t end_marker[2] = {0xff, 0xd9};

/* Data that end early at an end marker are shown as by Pillow, unless a component has none. */
static void test_ended_early(void **state) {
    (void)state;
    uint8_t *bytes;
    unsigned long size;
    make_jpeg(find_kind("4:2:0, larger"), &bytes, &size);
    memcpy(bytes + size / 2, end_marker, 2);
    assert_int_equal(pixels_of(bytes, size / 2 + 2), 0xdf870558);
    size_t scan = find_scan(bytes, size, 0);
    memcpy(bytes + scan + 14, end_marker, 2);
    assert_non_null(strstr(reason(bytes, scan + 16), "damaged JPEG: expected the coded data of its "
                                                     "pixels at byte "));
    free(bytes);
    make_jpeg(find_kind("progressive"), &bytes, &size);
    scan = find_scan(bytes, size, 5);
    memcpy(bytes + scan, end_marker, 2);
    assert_int_equal(pixels_of(bytes, scan + 2), 0x7bfcb7e7);
    assert_non_null(strstr(reason(bytes, scan), "cut short: expected more coded data"));
    scan = find_scan(bytes, size, 1);
    memcpy(bytes + scan + 10, end_marker, 2); /* of coefficients that only sharpen the image; how
                                                 libjpeg smooths it depends on its version */
    (void)pixels_of(bytes, scan + 12);
    scan = find_scan(bytes, size, 0);
    memcpy(bytes + scan + 14, end_marker, 2);
    assert_non_null(strstr(reason(bytes, scan + 16), "damaged JPEG: expected the coded data"));
    free(bytes);
    make_jpeg(find_kind("one component in each scan"), &bytes, &size);
    scan = find_scan(bytes, size, 2);
    memcpy(bytes + scan, end_marker, 2);
    assert_non_null(strstr(reason(bytes, scan + 2), "expected coded data for each of its 3 "
                                                    "components, found none for some"));
    free(bytes);
}

/* Changed data are shown as by Pillow, as far as they can be decoded. */
static void test_changed_data(void **state) {
    (void)state;
    uint8_t *bytes;
    unsigned long size;
    make_jpeg(find_kind("4:2:0, larger"), &bytes, &size);
    bytes[size / 2] ^= 0x55;
    assert_int_equal(pixels_of(bytes, size), 0xed971335);
    free(bytes);
    make_jpeg(find_kind("restart intervals"), &bytes, &size);
    bytes[size / 2] ^= 0x55;
    assert_int_equal(pixels_of(bytes, size), 0xc80944a7);
    free(bytes);
}

/* The memory of libjpeg is part of --max-memory: here, 6 bytes for each pixel. */
static void test_memory(void **state) {
    (void)state;
    kind large = *find_kind("progressive");
    uint8_t *bytes;
    unsigned long size;
    cnn_image image;
    cnn_error error;
    large.width = large.height = 512;
    large.sampling = "111111";
    make_jpeg(&large, &bytes, &size);
    (void)pixels_of(bytes, size);
    free(bytes);
    cnn_memory_state before = cnn_memory_look();
    size_t needed = (size_t)512 * 512 * (3 + 6);
    for (size_t more = 0; more < 2 * needed; more += needed / 8) {
        cnn_memory_limit(before.in_use + more);
        cnn_status status = cnn_image_read("image", 64, &image, &error);
        cnn_memory_limit(SIZE_MAX);
        assert_int_equal(status, more <= needed ? CNN_ERROR_RUNTIME : status);
        assert_int_equal(status, more > needed * 3 / 2 ? CNN_OK : status);
        cnn_image_release(&image);
        assert_int_equal(cnn_memory_look().in_use, before.in_use);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_cut),
        cmocka_unit_test(test_ended_early), cmocka_unit_test(test_changed_data),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
