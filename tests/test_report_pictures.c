/* Which pictures a report shows, by hand; pictures of files that are missing or have changed; how
 * large pictures are at most. */
#include "base/memory.h"
#include "image/decode.h"
#include "image/jpeg_encode.h"
#include "report/gallery.h"
#include "report/picture_choice.h"
#include "report/thumbnails.h"
#include "run/evaluate_model.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the choice --- */

enum { MOST = 64 };

typedef struct made {
    cnn_report_images images;
    double probabilities[MOST], thresholds[MOST];
    uint8_t labels[MOST], predicted[MOST];
    cnn_picture_choice choice;
} made;

static void add(made *m, double probability, int label) {
    const size_t i = m->images.count++;
    m->probabilities[i] = probability;
    m->labels[i] = (uint8_t)label;
    m->thresholds[i] = 0.5;
    m->predicted[i] = probability >= 0.5;
}

static void choose(made *m) {
    cnn_error error;
    m->images.probabilities = m->probabilities;
    m->images.labels = m->labels;
    m->images.predicted = m->predicted;
    test_ok(cnn_picture_choice_make(&m->images, m->thresholds, &m->choice, &error), &error);
}

static void expect(const made *m, cnn_picture_group group, size_t found, const size_t *images,
                   size_t count) {
    assert_int_equal(m->choice.found[group], found);
    assert_int_equal(m->choice.count[group], count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(m->choice.image[group][i], images[i]);
    }
}

static void test_choice(void **state) {
    (void)state;
    made m = {0};
    /* 0 to 7: label 0, taken for 1; 2 and 5 are equal */
    static const double wrong[] = {0.6, 0.9, 0.8, 0.55, 0.99, 0.8, 0.7, 0.51};
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        add(&m, wrong[i], 0);
    }
    add(&m, 0.25, 1); /* 8, 9: label 1, taken for 0 */
    add(&m, 0.125, 1);
    for (int i = 0; i < 5; i++) { /* 10 to 14: right; the median is 12 */
        add(&m, 0.0625 + 0.03125 * i, 0);
    }
    for (int i = 0; i < 4; i++) { /* 15 to 18 */
        add(&m, 0.96875 - 0.03125 * i, 1);
    }
    choose(&m);
    expect(&m, CNN_PICTURES_MISTAKES_0, 8, (const size_t[]){4, 1, 2, 5, 6, 0}, 6);
    expect(&m, CNN_PICTURES_MISTAKES_1, 2, (const size_t[]){9, 8}, 2);
    expect(&m, CNN_PICTURES_TYPICAL_0, 5, (const size_t[]){13, 12, 11}, 3);
    expect(&m, CNN_PICTURES_TYPICAL_1, 4, (const size_t[]){18, 17, 16}, 3);
    /* 7: 0.51, 3: 0.55, 14: 0.1875, 10: 0.0625, 15: 0.96875; the others are shown */
    expect(&m, CNN_PICTURES_UNCERTAIN, 5, (const size_t[]){7, 3, 14, 10, 15}, 5);
}

/* Equal images: the first ones. No images, one image, one class. */
static void test_few(void **state) {
    (void)state;
    made none = {0};
    choose(&none);
    for (int group = 0; group < CNN_PICTURES_GROUPS; group++) {
        expect(&none, (cnn_picture_group)group, 0, NULL, 0);
    }
    made one = {0};
    add(&one, 0.75, 1);
    choose(&one);
    expect(&one, CNN_PICTURES_TYPICAL_1, 1, (const size_t[]){0}, 1);
    expect(&one, CNN_PICTURES_UNCERTAIN, 0, NULL, 0);
    made equal = {0};
    for (int i = 0; i < 20; i++) {
        add(&equal, 0.75, 0);
    }
    choose(&equal);
    expect(&equal, CNN_PICTURES_MISTAKES_0, 20, (const size_t[]){0, 1, 2, 3, 4, 5}, 6);
    expect(&equal, CNN_PICTURES_UNCERTAIN, 14, (const size_t[]){6, 7, 8, 9, 10, 11}, 6);
}

/* Each image has the threshold of its own model. */
static void test_thresholds(void **state) {
    (void)state;
    made m = {0};
    for (int i = 0; i < 9; i++) { /* 3, 4 and 5 become typical */
        add(&m, 0.25, 0);
        m.thresholds[i] = 0.28125 + 0.03125 * (i * 5 % 9);
    }
    choose(&m);
    expect(&m, CNN_PICTURES_TYPICAL_0, 9, (const size_t[]){3, 4, 5}, 3);
    expect(&m, CNN_PICTURES_UNCERTAIN, 6, (const size_t[]){0, 2, 6, 8, 1, 7}, 6);
}

/* --- JPEG --- */

/* Noise, which no format compresses. */
static uint8_t *noise(size_t count, uint64_t seed) {
    uint8_t *pixels = cnn_alloc(count, 1);
    assert_non_null(pixels);
    for (size_t i = 0; i < count; i++) {
        pixels[i] = (uint8_t)test_random(&seed, 0.0, 256.0);
    }
    return pixels;
}

static void test_jpeg(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 160}, {160, 1}, {7, 13}, {160, 160}, {64, 64}};
    for (size_t s = 0; s < TEST_COUNT(sizes); s++) {
        const int height = sizes[s][0], width = sizes[s][1];
        const size_t count = 3 * (size_t)height * (size_t)width;
        uint8_t *pixels = cnn_alloc(count, 1), *bytes;
        size_t size;
        cnn_error error;
        cnn_image image;
        for (size_t i = 0; i < count; i++) { /* a slope of each colour */
            const int x = (int)(i / 3) % width, y = (int)(i / 3) / width;
            pixels[i] = (uint8_t)(i % 3 == 0   ? 255 * x / width
                                  : i % 3 == 1 ? 255 * y / height
                                               : 90);
        }
        test_ok(cnn_jpeg_encode(height, width, pixels, &bytes, &size, &error), &error);
        test_ok(test_image_read(bytes, size, &image, &error), &error);
        assert_int_equal(image.format, CNN_IMAGE_JPEG);
        assert_int_equal(image.width, width);
        assert_int_equal(image.height, height);
        double away = 0.0;
        for (size_t i = 0; i < count; i++) {
            away += fabs((double)image.pixels[i] - pixels[i]) / (double)count;
        }
        print_message("%d x %d: off by %.2f on average\n", height, width, away);
        assert_true(away < 6.0);
        cnn_image_release(&image);
        cnn_free(bytes);
        cnn_free(pixels);
    }
}

/* The bound that the size of a page depends on, and that the room of the encoder is enough. */
static void test_jpeg_of_noise(void **state) {
    (void)state;
    uint8_t *pixels = noise((size_t)3 * CNN_THUMBNAIL_SIDE * CNN_THUMBNAIL_SIDE, 3), *bytes;
    size_t size;
    cnn_error error;
    test_ok(cnn_jpeg_encode(CNN_THUMBNAIL_SIDE, CNN_THUMBNAIL_SIDE, pixels, &bytes, &size, &error),
            &error);
    print_message("a picture of noise takes %zu bytes\n", size);
    assert_true((double)size < 0.8 * CNN_THUMBNAIL_SIDE * CNN_THUMBNAIL_SIDE);
    cnn_free(bytes);
    cnn_free(pixels);
}

/* --- thumbnails without a model --- */

static void write_grey(const char *path, int width, int height, int grey) {
    uint8_t *pixels = cnn_alloc((size_t)width, (size_t)height);
    assert_non_null(pixels);
    memset(pixels, grey, (size_t)width * (size_t)height);
    test_write_pgm(path, width, height, 255, pixels);
    cnn_free(pixels);
}

static void test_thumbnails(void **state) {
    (void)state;
    static char wide[] = "wide.pgm", small[] = "small.pgm", missing[] = "missing.pgm",
                text[] = "text.pgm";
    char *paths[] = {wide, missing, small, text};
    static const size_t images[] = {2, 1, 0, 3};
    write_grey(wide, 400, 100, 200);
    write_grey(small, 10, 20, 100);
    FILE *file = fopen(text, "wb");
    assert_non_null(file);
    (void)fputs("no image", file);
    assert_int_equal(fclose(file), 0);
    const cnn_report_images from = {.count = 4, .paths = paths};
    for (int threads = 1; threads <= 3; threads += 2) {
        const cnn_report report = {.threads = threads};
        cnn_thumbnail shown[4];
        cnn_error error;
        test_ok(cnn_thumbnails_make(&report, &from, images, 4, true, shown, &error), &error);
        assert_int_equal(shown[0].width, 40); /* half of the longest side */
        assert_int_equal(shown[0].height, 80);
        assert_string_equal(shown[0].picture.media_type, "image/png");
        assert_int_equal(shown[2].width, 160);
        assert_int_equal(shown[2].height, 40);
        assert_null(shown[2].map.bytes);
        assert_null(shown[1].picture.bytes);
        assert_non_null(strstr(shown[1].reason, "No such file"));
        assert_null(shown[3].picture.bytes);
        assert_true(strlen(shown[3].reason) > 0);
        for (int i = 0; i < 4; i++) {
            cnn_thumbnail_release(&shown[i]);
        }
    }
}

/* Folds whose models are gone: pictures without maps. */
static void test_no_models(void **state) {
    (void)state;
    static char path[] = "fold.pgm", model[] = "gone.bin";
    char *paths[] = {path, path};
    int fold[] = {1, 0};
    static const size_t images[] = {0, 1};
    write_grey(path, 160, 160, 7);
    cnn_report_member members[] = {{.model = model}, {.model = model}};
    const cnn_report_set set = {.count = 2, .members = members};
    const cnn_report report = {.set = &set, .threads = 2};
    const cnn_report_images from = {.count = 2, .paths = paths, .fold = fold};
    cnn_thumbnail shown[2];
    cnn_error error;
    test_ok(cnn_thumbnails_make(&report, &from, images, 2, true, shown, &error), &error);
    for (int i = 0; i < 2; i++) {
        assert_non_null(shown[i].picture.bytes);
        assert_null(shown[i].map.bytes);
        cnn_thumbnail_release(&shown[i]);
    }
}

/* --- paths --- */

static void test_shown_path(void **state) {
    (void)state;
    static const struct {
        const char *data, *path, *shown;
    } cases[] = {
        {"photos", "photos/cat/1.png", "cat/1.png"},
        {"/home/me/photos", "/home/me/photos/cat/1.png", "cat/1.png"},
        {"/home/me/photos/", "/home/me/photos/cat/1.png", "cat/1.png"},
        {"/home/me/list.csv", "/home/me/cat/1.png", "cat/1.png"},
        {"list.csv", "cat/1.png", "cat/1.png"},
        {"/home/me/list.csv", "/elsewhere/1.png", "/elsewhere/1.png"},
        {"photos", "photos2/1.png", "photos2/1.png"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char data[64];
        (void)snprintf(data, sizeof data, "%s", cases[i].data);
        const cnn_evaluation evaluation = {.data = data};
        const cnn_report report = {.evaluation = &evaluation};
        assert_string_equal(cnn_shown_path(&report, cases[i].path), cases[i].shown);
    }
    const cnn_report run = {0};
    assert_string_equal(cnn_shown_path(&run, "data/1.png"), "data/1.png");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_few),
        cmocka_unit_test(test_thresholds),    cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_jpeg_of_noise), cmocka_unit_test(test_thumbnails),
        cmocka_unit_test(test_no_models),     cmocka_unit_test(test_shown_path),
    };
    return cmocka_run_group_tests(tests, test_folder_enter, test_folder_leave);
}
