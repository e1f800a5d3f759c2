/* Resizing: the bytes of Pillow; every instruction set against the slow twin of reference.h; memory
 * that is used again, and that is refused. */
#include "test_support.h"

#include "base/hash.h"
#include "base/memory.h"
#include "image/load.h"
#include "kernels/reference.h"

#include <string.h>

/* Bytes that depend on their place alone; tests/resample_golden.py computes the same. */
static void fill(int seed, size_t count, uint8_t *bytes) {
    for (size_t i = 0; i < count; i++) {
        uint64_t x = ((uint64_t)i + (uint64_t)seed * 1000003U + 1U) * 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93U;
        bytes[i] = (uint8_t)(x >> 56);
    }
}

static uint8_t *new_bytes(size_t count) {
    uint8_t *bytes = cnn_alloc(count, 1);
    assert_non_null(bytes);
    return bytes;
}

static cnn_image_buffers *new_buffers(const cnn_kernels *kernels) {
    cnn_image_buffers *buffers;
    cnn_error error;
    test_ok(cnn_image_buffers_create(1, &buffers, &error), &error);
    buffers->kernels = kernels ? kernels : buffers->kernels;
    return buffers;
}

/* An image and what is wanted of it. */
typedef struct resize_case {
    int width, height, channels, to_width, to_height, to_channels;
    cnn_resize how;
    const char *digest; /* the first 16 digits of the SHA-256 of the result */
} resize_case;

static cnn_image_settings settings_of(const resize_case *c) {
    return (cnn_image_settings){
        .width = c->to_width, .height = c->to_height, .channels = c->to_channels, .resize = c->how};
}

/* Resizes the pixels of `seed`; free the result with cnn_free. */
static uint8_t *resize(const resize_case *c, int seed, cnn_image_buffers *buffers) {
    size_t count = (size_t)c->width * (size_t)c->height * (size_t)c->channels;
    uint8_t *bytes = new_bytes(count);
    fill(seed, count, bytes);
    const cnn_pixels from = {bytes, c->width, c->height, c->channels,
                             (size_t)c->width * (size_t)c->channels};
    const cnn_image_settings as = settings_of(c);
    uint8_t *to = new_bytes(cnn_image_size(&as));
    cnn_error error;
    test_ok(cnn_image_convert(&from, &as, buffers, to, &error), &error);
    cnn_free(bytes);
    return to;
}

/* --- Pillow --- */

/* clang-format off */
/* Made by tests/resample_golden.py with Pillow 11.3.0; 9.4.0 and 12.0.0 give the same. */
static const resize_case pillow[] = {
    {500, 375, 3, 96, 96, 3, CNN_RESIZE_STRETCH, "6725a31569e5f58a"},
    {375, 500, 4, 96, 96, 1, CNN_RESIZE_CROP, "879db6a5c4c3117b"},
    {3000, 1, 3, 1, 1, 3, CNN_RESIZE_STRETCH, "65ea53e7bf92ac6c"},
    {1, 3000, 1, 7, 3, 1, CNN_RESIZE_STRETCH, "33b406bf7b983cda"},
    {1, 1, 3, 300, 200, 3, CNN_RESIZE_STRETCH, "92a2c1349111f14e"},
    {3000, 2000, 3, 224, 224, 3, CNN_RESIZE_LETTERBOX, "9d1d63119610223e"},
    {2999, 17, 2, 31, 3000, 3, CNN_RESIZE_STRETCH, "33d31d1c397b24f8"},
    {17, 2999, 3, 3000, 31, 1, CNN_RESIZE_STRETCH, "d84b8824f86a2c1c"},
    {64, 48, 3, 64, 48, 3, CNN_RESIZE_STRETCH, "e8241889279bc1d9"},
    {64, 48, 3, 64, 17, 3, CNN_RESIZE_STRETCH, "fd3c52e087312d65"},
    {64, 48, 1, 100, 48, 1, CNN_RESIZE_STRETCH, "591b197514b2877e"},
    {1618, 4, 1, 24, 24, 1, CNN_RESIZE_STRETCH, "93130c51aa974ff9"},
    {28, 6, 2, 37, 64, 1, CNN_RESIZE_CROP, "eae42ad255f7028d"},
    {15, 591, 3, 8, 8, 1, CNN_RESIZE_LETTERBOX, "4049bd6021756f56"},
    {2244, 27, 4, 273, 273, 3, CNN_RESIZE_STRETCH, "2c3560855b4e37bf"},
    {24, 42, 3, 254, 254, 1, CNN_RESIZE_CROP, "9d638d0801bbe6bd"},
    {8, 78, 3, 40, 40, 3, CNN_RESIZE_LETTERBOX, "756334ad8968a57b"},
    {38, 2856, 3, 32, 32, 3, CNN_RESIZE_STRETCH, "22f1aff63c6905da"},
    {12, 313, 3, 4, 4, 3, CNN_RESIZE_CROP, "66ce1125f318d71c"},
    {26, 206, 3, 221, 221, 3, CNN_RESIZE_LETTERBOX, "ce0d8843efbdb384"},
    {15, 10, 2, 249, 249, 1, CNN_RESIZE_STRETCH, "119b2fb3ead79822"},
    {215, 40, 4, 28, 28, 3, CNN_RESIZE_CROP, "f2d577044769dd27"},
    {1973, 26, 2, 14, 226, 1, CNN_RESIZE_LETTERBOX, "3ffd86705f64b6a6"},
    {7, 1490, 2, 37, 2, 3, CNN_RESIZE_STRETCH, "e693c85eb825077f"},
    {309, 60, 3, 31, 31, 1, CNN_RESIZE_CROP, "d8c6c04d14df7fb7"},
    {380, 11, 2, 34, 186, 1, CNN_RESIZE_LETTERBOX, "f8bdcaa7242354dd"},
    {17, 913, 3, 35, 35, 1, CNN_RESIZE_STRETCH, "b34b42fd92992859"},
    {26, 1457, 3, 15, 15, 1, CNN_RESIZE_CROP, "6b5410eb0ce48e44"},
    {1832, 23, 4, 7, 117, 1, CNN_RESIZE_LETTERBOX, "080fcf72d654cfba"},
    {31, 1410, 4, 6, 62, 1, CNN_RESIZE_STRETCH, "6eb8b0167097cbe1"},
    {28, 1645, 2, 6, 6, 1, CNN_RESIZE_CROP, "306068c5b05c5684"},
    {38, 1943, 2, 23, 23, 1, CNN_RESIZE_LETTERBOX, "7c8c2fd08d1bd512"},
    {384, 109, 2, 150, 150, 3, CNN_RESIZE_STRETCH, "bde926a0575b0be3"},
    {32, 1723, 2, 9, 273, 1, CNN_RESIZE_CROP, "aa96714785b34760"},
    {39, 2536, 1, 285, 285, 1, CNN_RESIZE_LETTERBOX, "79cf6e8a3b1561b9"},
    {36, 401, 1, 29, 288, 3, CNN_RESIZE_STRETCH, "edf7f339584bb9b4"},
    {2483, 66, 2, 245, 35, 3, CNN_RESIZE_CROP, "a1feafa896bc479c"},
    {214, 298, 1, 16, 220, 1, CNN_RESIZE_LETTERBOX, "c47b6188ba9aa9cc"},
    {2636, 24, 1, 113, 113, 1, CNN_RESIZE_STRETCH, "bc4b4f863da61c8d"},
    {83, 207, 3, 13, 183, 1, CNN_RESIZE_CROP, "71ed244c3157d85a"},
    {284, 1358, 1, 40, 40, 1, CNN_RESIZE_LETTERBOX, "7906d9472e2d6051"},
    {6, 139, 2, 208, 208, 1, CNN_RESIZE_STRETCH, "848b6bd89f9c290a"},
    {18, 28, 1, 6, 6, 3, CNN_RESIZE_CROP, "2e25170653427946"},
    {233, 1098, 2, 9, 9, 3, CNN_RESIZE_LETTERBOX, "de569af4fb3ebb7e"},
    {93, 272, 2, 257, 257, 1, CNN_RESIZE_STRETCH, "1ef28ea2b2f6661d"},
    {17, 777, 4, 31, 126, 3, CNN_RESIZE_CROP, "c0a3850c82b6ea33"},
    {202, 14, 3, 9, 9, 1, CNN_RESIZE_LETTERBOX, "e99a68304ca6f115"},
    {321, 347, 3, 25, 260, 1, CNN_RESIZE_STRETCH, "ecd462d8a587bac3"},
    {95, 2, 3, 22, 22, 3, CNN_RESIZE_CROP, "2233ff84e8f11e12"},
    {14, 196, 2, 18, 18, 1, CNN_RESIZE_LETTERBOX, "78e55dd50308e717"},
    {46, 38, 2, 20, 20, 3, CNN_RESIZE_STRETCH, "27f42e30840e1adf"},
};
/* clang-format on */

static void test_pillow(void **state) {
    (void)state;
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        const cnn_kernels *kernels = cnn_kernels_for((cnn_isa)isa);
        if (!kernels) {
            continue;
        }
        cnn_image_buffers *buffers = new_buffers(kernels); /* used for one size after the other */
        for (size_t i = 0; i < TEST_COUNT(pillow); i++) {
            const resize_case *c = &pillow[i];
            const cnn_image_settings as = settings_of(c);
            uint8_t *result = resize(c, (int)i, buffers);
            char digits[65];
            cnn_sha256_hex(result, cnn_image_size(&as), digits);
            cnn_free(result);
            if (strncmp(digits, c->digest, 16) != 0) {
                fail_msg("case %zu, %d×%d×%d to %d×%d×%d, instruction set %d: other bytes", i,
                         c->width, c->height, c->channels, c->to_width, c->to_height,
                         c->to_channels, isa);
            }
        }
        cnn_image_buffers_free(buffers, 1);
    }
}

/* --- the slow twin --- */

/* The twin's result, in planes; free with cnn_free. */
static uint8_t *resize_slowly(const resize_case *c, const uint8_t *bytes) {
    const size_t pixels = (size_t)c->width * (size_t)c->height;
    const size_t colours = c->channels >= 3 && c->to_channels == 3 ? 3 : 1;
    const size_t plane = (size_t)c->to_width * (size_t)c->to_height;
    uint8_t *x = new_bytes(pixels * colours);
    uint8_t *between = new_bytes((size_t)c->to_width * (size_t)c->height * colours);
    uint8_t *y = new_bytes(plane * colours);
    uint8_t *planes = new_bytes(plane * (size_t)c->to_channels);
    for (size_t i = 0; i < pixels; i++, bytes += c->channels) {
        bool grey = colours == 1 && c->channels >= 3;
        for (size_t k = 0; k < colours; k++) {
            x[i * colours + k] =
                grey ? (uint8_t)((19595 * bytes[0] + 38470 * bytes[1] + 7471 * bytes[2] + 32768) /
                                 65536)
                     : bytes[k];
        }
    }
    const cnn_reference_resample size = {
        .C = (int)colours, .H = c->height, .W = c->width, .OH = c->to_height, .OW = c->to_width};
    cnn_reference_resample_bytes(&size, x, between, y);
    for (size_t i = 0; i < plane * (size_t)c->to_channels; i++) {
        planes[i] = y[i % plane * colours + (colours == 3 ? i / plane : 0)];
    }
    cnn_free(x);
    cnn_free(between);
    cnn_free(y);
    return planes;
}

/* Every instruction set gives the twin's bytes. Rows have `gap` bytes between them. */
static void compare_with_twin(const resize_case *c, const uint8_t *bytes, size_t gap,
                              cnn_image_buffers *const *buffers) {
    const size_t row = (size_t)c->width * (size_t)c->channels;
    const size_t stride = row + gap;
    const cnn_image_settings as = settings_of(c);
    uint8_t *want = resize_slowly(c, bytes);
    uint8_t *got = new_bytes(cnn_image_size(&as));
    /* no byte after the last row, so that reading one is found where memory is checked */
    uint8_t *apart = new_bytes(stride * (size_t)(c->height - 1) + row);
    for (int y = 0; y < c->height; y++) {
        memcpy(apart + (size_t)y * stride, bytes + (size_t)y * row, row);
    }
    const cnn_pixels from = {apart, c->width, c->height, c->channels, stride};
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        cnn_error error;
        if (buffers[isa]) {
            memset(got, 99, cnn_image_size(&as));
            test_ok(cnn_image_convert(&from, &as, buffers[isa], got, &error), &error);
            if (memcmp(got, want, cnn_image_size(&as)) != 0) {
                fail_msg("%d×%d×%d to %d×%d×%d, instruction set %d: not the twin's bytes", c->width,
                         c->height, c->channels, c->to_width, c->to_height, c->to_channels, isa);
            }
        }
    }
    cnn_free(apart);
    cnn_free(got);
    cnn_free(want);
}

typedef struct all_buffers {
    cnn_image_buffers *of[CNN_ISA_COUNT]; /* NULL: not on this machine */
} all_buffers;

static all_buffers create_all(void) {
    all_buffers all = {{NULL}};
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        const cnn_kernels *kernels = cnn_kernels_for((cnn_isa)isa);
        all.of[isa] = kernels ? new_buffers(kernels) : NULL;
    }
    return all;
}

static void free_all(const all_buffers *all) {
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        cnn_image_buffers_free(all->of[isa], 1);
    }
}

static void test_twin(void **state) {
    (void)state;
    enum { SIDE = 70, CASES = 300 };
    uint64_t seed = 12;
    uint8_t bytes[SIDE * SIDE * 4];
    const all_buffers all = create_all();
    for (int i = 0; i < CASES; i++) {
        resize_case c = {.width = (int)test_random(&seed, 1, SIDE + 1),
                         .height = (int)test_random(&seed, 1, SIDE + 1),
                         .channels = 1 + i % 4,
                         .to_width = (int)test_random(&seed, 1, SIDE + 1),
                         .to_height = (int)test_random(&seed, 1, SIDE + 1),
                         .to_channels = i % 8 < 4 ? 1 : 3};
        c.to_width = i % 10 == 0 ? c.width : c.to_width;
        c.to_height = i % 15 == 0 ? c.height : c.to_height;
        fill(i, sizeof bytes, bytes);
        compare_with_twin(&c, bytes, i % 3 == 0 ? 5 : 0, all.of);
    }
    free_all(&all);
}

/* The longest rows and columns, all white: the largest sums that there can be. */
static void test_largest_sums(void **state) {
    (void)state;
    static const int lengths[] = {CNN_RESAMPLE_SIDE_MAX, CNN_RESAMPLE_SIDE_MAX - 1, 700001, 4097};
    uint8_t *white = new_bytes(CNN_RESAMPLE_SIDE_MAX);
    memset(white, 255, CNN_RESAMPLE_SIDE_MAX);
    const all_buffers all = create_all();
    for (size_t i = 0; i < TEST_COUNT(lengths); i++) {
        for (int to = 1; to <= 3; to++) {
            const resize_case wide = {lengths[i], 1, 1, to, 1, 1, CNN_RESIZE_STRETCH, NULL};
            const resize_case tall = {1, lengths[i], 1, 1, to, 1, CNN_RESIZE_STRETCH, NULL};
            compare_with_twin(&wide, white, 0, all.of);
            compare_with_twin(&tall, white, 0, all.of);
        }
    }
    free_all(&all);
    cnn_free(white);
}

/* --- memory --- */

/* Buffers grow to the largest image, and after that take no more. */
static void test_buffers(void **state) {
    (void)state;
    static const resize_case large = {300, 200, 3, 40, 30, 3, CNN_RESIZE_STRETCH, NULL};
    static const resize_case small = {20, 30, 3, 40, 30, 3, CNN_RESIZE_STRETCH, NULL};
    cnn_image_buffers *buffers = new_buffers(NULL);
    cnn_free(resize(&large, 1, buffers));
    size_t before = cnn_memory_look().in_use;
    cnn_free(resize(&small, 1, buffers));
    assert_int_equal(cnn_memory_look().in_use, before);
    cnn_free(resize(&large, 2, buffers));
    assert_int_equal(cnn_memory_look().in_use, before);
    cnn_image_buffers_free(buffers, 1);
}

/* Memory is refused at one place after the other; then the same buffers give the right bytes. */
static void test_refused(void **state) {
    (void)state;
    static const resize_case c = {60, 50, 3, 9, 7, 3, CNN_RESIZE_STRETCH, NULL};
    uint8_t bytes[60 * 50 * 3], pixels[9 * 7 * 3];
    const cnn_pixels from = {bytes, c.width, c.height, c.channels, 60 * 3};
    const cnn_image_settings as = settings_of(&c);
    fill(4, sizeof bytes, bytes);
    cnn_error error;
    size_t refused = 0;
    cnn_status status = CNN_ERROR_RUNTIME;
    cnn_image_buffers *buffers = new_buffers(NULL);
    for (size_t room = 0; status != CNN_OK && room < 1 << 20; room += 64, refused++) {
        cnn_memory_limit(cnn_memory_look().in_use + room);
        status = cnn_image_convert(&from, &as, buffers, pixels, &error);
        assert_true(status == CNN_OK || status == CNN_ERROR_RUNTIME);
    }
    cnn_memory_limit(SIZE_MAX);
    test_ok(status, &error);
    assert_true(refused > 3);
    uint8_t *want = resize_slowly(&c, bytes);
    assert_memory_equal(pixels, want, sizeof pixels);
    cnn_free(want);
    cnn_image_buffers_free(buffers, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pillow),       cmocka_unit_test(test_twin),
        cmocka_unit_test(test_largest_sums), cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
