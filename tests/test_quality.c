/* What is measured of a single image, and which images of a set stand out. */
#include "test_support.h"

#include "image/quality.h"
#include "samples/flaws.h"

#include <math.h>
#include <string.h>

static cnn_image_quality measured(const uint8_t *pixels, int width, int height, int channels,
                                  cnn_resize resize) {
    const cnn_image_settings settings = {
        .width = width, .height = height, .channels = channels, .resize = resize};
    cnn_image_quality quality;
    cnn_error error;
    test_ok(cnn_image_quality_measure(pixels, &settings, &quality, &error), &error);
    return quality;
}

/* One pixel in a hundred does not count. */
static void test_extremes(void **state) {
    (void)state;
    uint8_t pixels[200];
    memset(pixels, 10, sizeof pixels);
    pixels[3] = pixels[150] = 250;
    pixels[4] = 0;
    cnn_image_quality q = measured(pixels, 20, 10, 1, CNN_RESIZE_STRETCH);
    assert_int_equal(q.lightest, 10);
    assert_int_equal(q.darkest, 10);
    assert_int_equal(q.levels, 3);
    assert_int_equal(q.counted, 200);
    test_near("brightness", 0, (double)q.brightness, (197 * 10 + 2 * 250) / 200.0, 1e-5);
    pixels[199] = 251;
    pixels[1] = pixels[2] = 5;
    q = measured(pixels, 20, 10, 1, CNN_RESIZE_STRETCH);
    assert_int_equal(q.lightest, 250);
    assert_int_equal(q.darkest, 5);
    memset(pixels, 255, sizeof pixels);
    q = measured(pixels, 20, 10, 1, CNN_RESIZE_STRETCH);
    assert_int_equal(q.darkest, 255);
    assert_int_equal(q.lightest, 255);
    test_near("sharpness", 0, (double)q.sharpness, 0.0, 0.0);
    assert_int_equal(q.levels, 1);
}

/* Against its definition, in double and two passes. */
static void test_sharpness(void **state) {
    (void)state;
    enum { WIDTH = 13, HEIGHT = 9, COUNT = WIDTH * HEIGHT };
    uint8_t pixels[COUNT];
    double laplacian[COUNT], mean = 0.0, mean_laplacian = 0.0, contrast = 0.0, focus = 0.0;
    uint64_t random = 3;
    int inner = 0;
    for (int i = 0; i < COUNT; i++) {
        pixels[i] = (uint8_t)test_random(&random, 0, 256);
        mean += pixels[i] / (double)COUNT;
    }
    for (int y = 1; y < HEIGHT - 1; y++) {
        for (int x = 1; x < WIDTH - 1; x++) {
            const uint8_t *p = pixels + y * WIDTH + x;
            laplacian[inner++] = 4.0 * p[0] - p[1] - p[-1] - p[WIDTH] - p[-WIDTH];
        }
    }
    for (int i = 0; i < inner; i++) {
        mean_laplacian += laplacian[i] / inner;
    }
    for (int i = 0; i < inner; i++) {
        focus += pow(laplacian[i] - mean_laplacian, 2.0) / inner;
    }
    for (int i = 0; i < COUNT; i++) {
        contrast += pow(pixels[i] - mean, 2.0) / COUNT;
    }
    cnn_image_quality q = measured(pixels, WIDTH, HEIGHT, 1, CNN_RESIZE_STRETCH);
    test_near("sharpness", 0, (double)q.sharpness, focus / contrast, 1e-5 * focus / contrast);
    /* too small for a Laplacian */
    q = measured(pixels, WIDTH, 2, 1, CNN_RESIZE_STRETCH);
    test_near("sharpness", 1, (double)q.sharpness, 0.0, 0.0);
    q = measured(pixels, 1, 1, 1, CNN_RESIZE_STRETCH);
    assert_int_equal(q.levels, 1);
}

/* Grey as Pillow 11.3 computes it: Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)).
 */
static void test_colours(void **state) {
    (void)state;
    static const struct {
        uint8_t rgb[3];
        int grey;
    } colours[] = {{{200, 100, 50}, 124},
                   {{1, 255, 3}, 150},
                   {{255, 0, 0}, 76},
                   {{0, 0, 255}, 29},
                   {{255, 255, 255}, 255}};
    for (size_t i = 0; i < TEST_COUNT(colours); i++) {
        cnn_image_quality q = measured(colours[i].rgb, 1, 1, 3, CNN_RESIZE_STRETCH);
        assert_int_equal(q.darkest, colours[i].grey);
        assert_int_equal(q.lightest, colours[i].grey);
    }
}

/* What letterbox adds is not measured; black edges of other images are. */
static void test_bars(void **state) {
    (void)state;
    enum { SIDE = 16, INSIDE = 10 };
    uint8_t inside[SIDE * INSIDE], wide[SIDE * SIDE] = {0}, tall[SIDE * SIDE] = {0};
    uint64_t random = 4;
    for (int i = 0; i < SIDE * INSIDE; i++) {
        inside[i] = (uint8_t)test_random(&random, 1, 256);
        wide[3 * SIDE + i] = inside[i];
        tall[i % SIDE * SIDE + 3 + i / SIDE] = inside[i]; /* the same, transposed */
    }
    const cnn_image_quality wanted = measured(inside, SIDE, INSIDE, 1, CNN_RESIZE_STRETCH);
    const uint8_t *const images[] = {wide, tall};
    for (size_t i = 0; i < TEST_COUNT(images); i++) {
        cnn_image_quality q = measured(images[i], SIDE, SIDE, 1, CNN_RESIZE_LETTERBOX);
        assert_memory_equal(&q, &wanted, sizeof q);
        q = measured(images[i], SIDE, SIDE, 1, CNN_RESIZE_STRETCH);
        assert_int_equal(q.counted, SIDE * SIDE);
    }
    memset(wide, 0, sizeof wide);
    cnn_image_quality q = measured(wide, SIDE, SIDE, 1, CNN_RESIZE_LETTERBOX);
    assert_int_equal(q.counted, SIDE * SIDE);
    assert_int_equal(q.lightest, 0);
}

/* --- sets of images --- */

enum { COUNT = 120 };

static cnn_image_quality set[COUNT];
static uint8_t labels[COUNT], flaws[COUNT];

/* Images like each other, of two classes. */
static void make_set(void) {
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (uint8_t)(i % 2);
        set[i] = (cnn_image_quality){.darkest = 20,
                                     .lightest = 230,
                                     .levels = 200,
                                     .counted = 4096,
                                     .brightness = (float)(110 + i % 20),
                                     .sharpness = 0.3f + 0.01f * (float)(i % 17)};
    }
}

static void find(size_t count) {
    cnn_error error;
    memset(flaws, 0xff, sizeof flaws);
    test_ok(cnn_flaws_find(set, labels, count, flaws, &error), &error);
}

static void expect_only(int image, unsigned flaw) {
    find(COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (flaws[i] != (i == image ? flaw : 0u)) {
            fail_msg("image %d: expected %u, found %u", i, i == image ? flaw : 0u, flaws[i]);
        }
    }
}

static void test_each_flaw(void **state) {
    (void)state;
    make_set();
    expect_only(-1, 0);
    set[7].lightest = 31;
    set[7].brightness = 3.0f; /* not darker than the rest, too */
    set[7].sharpness = 0.001f;
    expect_only(7, CNN_FLAW_BLACK);
    set[7].lightest = 32;
    expect_only(7, CNN_FLAW_DARK | CNN_FLAW_BLURRED);
    make_set();
    set[8].darkest = 224;
    expect_only(8, CNN_FLAW_WHITE);
    set[8].darkest = 223;
    set[8].levels = 15;
    set[8].counted = 256;
    expect_only(8, CNN_FLAW_FEW_LEVELS);
    set[8].counted = 255;
    expect_only(-1, 0);
    set[8].counted = 256;
    set[8].levels = 16;
    expect_only(-1, 0);
    make_set();
    set[9].sharpness = 0.0f; /* of one colour: nothing to compare */
    expect_only(-1, 0);
}

/* The z-score and the least difference, from both sides. The median is 119 to 121, the MAD 5.
 */
static void test_limits(void **state) {
    (void)state;
    make_set();
    set[5].brightness = 119.5f + 34.0f;
    expect_only(5, CNN_FLAW_BRIGHT);
    set[5].brightness = 119.5f + 30.0f; /* stands out, but cannot be seen */
    expect_only(-1, 0);
    set[5].brightness = 119.5f - 34.0f;
    expect_only(5, CNN_FLAW_DARK);
    for (int i = 0; i < COUNT; i++) { /* MAD 20 to 24: the limit is 104 to 125 */
        set[i].brightness = (float)(80 + 4 * (i % 20));
    }
    set[5].brightness = 118.0f + 90.0f;
    expect_only(-1, 0);
    set[5].brightness = 118.0f + 130.0f;
    expect_only(5, CNN_FLAW_BRIGHT);
    make_set();
    set[5].sharpness = 0.38f / 3.5f;
    expect_only(-1, 0);
    set[5].sharpness = 0.38f / 4.5f;
    expect_only(5, CNN_FLAW_BLURRED);
    set[5].sharpness = 0.38f * 100.0f; /* sharper is no flaw */
    expect_only(-1, 0);
}

/* Two classes of different brightness, one of them with few images, and a long tail: no outliers.
 */
static void test_no_outliers(void **state) {
    (void)state;
    make_set();
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i < 24;
        set[i].brightness += labels[i] ? 100.0f : 0.0f;
    }
    expect_only(-1, 0);
    set[3].brightness = 120.0f; /* like the other class */
    expect_only(-1, 0);
    set[3].brightness = 10.0f;
    expect_only(3, CNN_FLAW_DARK);
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (uint8_t)(i % 2);
        set[i].brightness =
            i < COUNT / 2 ? 40.0f - (float)(i % 5) : 40.0f + 2.0f * (float)(i - COUNT / 2);
    }
    expect_only(-1, 0);
}

/* 20 images are compared, 19 are not; flaws that need no comparison are found among any number. */
static void test_few_images(void **state) {
    (void)state;
    make_set();
    set[0].brightness = 250.0f;
    set[1].lightest = 0;
    find(20);
    assert_int_equal(flaws[0], 0); /* nineteen others */
    find(21);
    assert_int_equal(flaws[0], CNN_FLAW_BRIGHT);
    assert_int_equal(flaws[1], CNN_FLAW_BLACK);
    find(1);
    assert_int_equal(flaws[0], 0);
    find(2);
    assert_int_equal(flaws[1], CNN_FLAW_BLACK);
    find(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extremes),    cmocka_unit_test(test_sharpness),
        cmocka_unit_test(test_colours),     cmocka_unit_test(test_bars),
        cmocka_unit_test(test_each_flaw),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_outliers), cmocka_unit_test(test_few_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
