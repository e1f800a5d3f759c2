/* Augmentation: against its definition in double; settings that leave images unchanged; the result
 * depends only on seed, epoch and image. */
#include "config/config.h"
#include "test_support.h"

#include "samples/augment.h"
#include "samples/dataset.h"
#include "base/memory.h"
#include "cli/png_file.h"
#include "base/random.h"

#include "cnn/inspect.h"

#include <stb_image.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double degree = 0x1.921fb54442d18p+1 / 180.0;

static const cnn_augment_settings everything = {.flip_horizontal = true,
                                                .flip_vertical = true,
                                                .shift = 0.3,
                                                .rotate = 180.0,
                                                .zoom = 0.5,
                                                .shear = 45.0,
                                                .brightness = 0.5,
                                                .contrast = 0.5,
                                                .saturation = 0.7,
                                                .cutout = 0.4,
                                                .noise = 0.1};

static const cnn_augment_shape shapes[] = {{1, 28, 28}, {3, 9, 14},   {1, 1, 1},
                                           {3, 1, 7},   {1, 5, 1},    {3, 2, 301},
                                           {1, 37, 2},  {3, 12, 129}, {1, 3, 4096}};

static size_t size_of(const cnn_augment_shape *shape) {
    return (size_t)shape->channels * (size_t)shape->height * (size_t)shape->width;
}

/* Random bytes. Free with cnn_free. */
static uint8_t *make_image(const cnn_augment_shape *shape, uint64_t seed) {
    uint8_t *image = cnn_alloc(size_of(shape), 1);
    assert_non_null(image);
    for (size_t i = 0; i < size_of(shape); i++) {
        image[i] = (uint8_t)test_random(&seed, 0, 256);
    }
    return image;
}

/* The complete augmented image. Free with cnn_free. */
static uint8_t *augmented(const cnn_augment_settings *settings, uint64_t seed, uint64_t epoch,
                          size_t index, const cnn_augment_shape *shape, const uint8_t *image) {
    cnn_augmentation what;
    uint8_t *result = cnn_alloc(size_of(shape), 1);
    assert_non_null(result);
    cnn_augment_draw(settings, seed, epoch, index, shape, image, &what);
    cnn_augment_image(&what, image, result);
    return result;
}

/* --- the definition, in double --- */

/* Number `draw` of the image's own random numbers, in the order of the config's keys; shift and
 * cutout have two. */
enum { FLIP_H, FLIP_V, SHIFT_X, SHIFT_Y, ROTATE, ZOOM, SHEAR, BRIGHTNESS, CONTRAST, SATURATION };

static double drawn(uint64_t seed, uint64_t epoch, size_t index, int draw) {
    uint64_t key = cnn_random_bits(seed, CNN_RANDOM_AUGMENT, epoch, index);
    return cnn_random_uniform(key, CNN_RANDOM_AUGMENT, 0, (uint64_t)draw);
}

static double between(uint64_t seed, uint64_t epoch, size_t index, int draw, double amount) {
    return amount * (2.0 * drawn(seed, epoch, index, draw) - 1.0);
}

/* Product of two matrices. */
static void multiply(const double a[4], const double b[4], double out[4]) {
    const double product[4] = {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3],
                               a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]};
    memcpy(out, product, sizeof product);
}

/* R S Z F. */
static void forward_matrix(const cnn_augment_settings *s, uint64_t seed, uint64_t epoch,
                           size_t index, double m[4]) {
    double angle = between(seed, epoch, index, ROTATE, s->rotate) * degree;
    double slant = between(seed, epoch, index, SHEAR, s->shear) * degree;
    double scale = 1.0 + between(seed, epoch, index, ZOOM, s->zoom);
    double h = s->flip_horizontal && drawn(seed, epoch, index, FLIP_H) < 0.5 ? -1.0 : 1.0;
    double v = s->flip_vertical && drawn(seed, epoch, index, FLIP_V) < 0.5 ? -1.0 : 1.0;
    const double rotation[4] = {cos(angle), -sin(angle), sin(angle), cos(angle)};
    const double shear[4] = {1.0, tan(slant), 0.0, 1.0};
    const double zoom_and_flip[4] = {scale * h, 0.0, 0.0, scale * v};
    multiply(shear, zoom_and_flip, m);
    multiply(rotation, m, m);
}

/* A position reflected at 0 and at last until it is between them. */
static double reflected(double place, double last) {
    if (last <= 0.0) {
        return 0.0;
    }
    while (place < 0.0 || place > last) {
        place = place < 0.0 ? -place : 2.0 * last - place;
    }
    return place;
}

static double bilinear(const uint8_t *plane, int height, int width, double x, double y) {
    double left = floor(x), upper = floor(y);
    double right = left + 1 < width ? left + 1 : left,
           lower = upper + 1 < height ? upper + 1 : upper;
    double share_x = x - left, share_y = y - upper;
    size_t stride = (size_t)width;
    const uint8_t *top = plane + (size_t)upper * stride, *bottom = plane + (size_t)lower * stride;
    return (1.0 - share_y) * ((1.0 - share_x) * top[(size_t)left] + share_x * top[(size_t)right]) +
           share_y * ((1.0 - share_x) * bottom[(size_t)left] + share_x * bottom[(size_t)right]);
}

/* Compares an image whose geometry is changed with the definition. */
static void compare_geometry(const cnn_augment_settings *s, uint64_t epoch,
                             const cnn_augment_shape *shape, double bound) {
    uint8_t *image = make_image(shape, epoch + 1);
    uint8_t *got = augmented(s, 7, epoch, 3, shape, image);
    double m[4];
    forward_matrix(s, 7, epoch, 3, m);
    double determinant = m[0] * m[3] - m[1] * m[2];
    double shift_x = floor(between(7, epoch, 3, SHIFT_X, s->shift * shape->width) + 0.5);
    double shift_y = floor(between(7, epoch, 3, SHIFT_Y, s->shift * shape->height) + 0.5);
    double middle_x = (shape->width - 1) / 2.0, middle_y = (shape->height - 1) / 2.0;
    size_t plane = (size_t)shape->height * (size_t)shape->width, i = 0;
    double sum = 0.0;
    for (int c = 0; c < shape->channels; c++) {
        for (int y = 0; y < shape->height; y++) {
            for (int x = 0; x < shape->width; x++, i++) {
                double dx = x - middle_x - shift_x, dy = y - middle_y - shift_y;
                double from_x = middle_x + (m[3] * dx - m[1] * dy) / determinant;
                double from_y = middle_y + (m[0] * dy - m[2] * dx) / determinant;
                double want = bilinear(image + (size_t)c * plane, shape->height, shape->width,
                                       reflected(from_x, shape->width - 1),
                                       reflected(from_y, shape->height - 1));
                test_near("pixel", i, got[i], want, bound);
                sum += got[i] - want;
            }
        }
    }
    /* rounding favours neither side */
    test_near("mean", epoch, sum / (double)i, 0.0, bound / sqrt((double)i) + 0.05 * bound);
    cnn_free(image);
    cnn_free(got);
}

static void test_geometry(void **state) {
    (void)state;
    const cnn_augment_settings settings[] = {{.rotate = 180.0},
                                             {.zoom = 0.5},
                                             {.shear = 45.0},
                                             {.flip_horizontal = true, .rotate = 30.0},
                                             {.flip_horizontal = true,
                                              .flip_vertical = true,
                                              .shift = 0.5,
                                              .rotate = 180.0,
                                              .zoom = 0.5,
                                              .shear = 45.0}};
    for (size_t s = 0; s < TEST_COUNT(settings); s++) {
        for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
            for (uint64_t epoch = 1; epoch <= 12; epoch++) {
                /* half a grey level for the byte, and positions to 1/512 pixel on either axis */
                compare_geometry(&settings[s], epoch, &shapes[i], 0.5 + 2.0 * 255.0 / 512.0 + 0.01);
            }
        }
    }
}

/* Flips and shifts copy: no grey level is off. */
static void test_copies(void **state) {
    (void)state;
    const cnn_augment_settings settings[] = {
        {.flip_horizontal = true},
        {.flip_vertical = true},
        {.shift = 0.5},
        {.flip_horizontal = true, .flip_vertical = true, .shift = 0.2}};
    for (size_t s = 0; s < TEST_COUNT(settings); s++) {
        for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
            for (uint64_t epoch = 1; epoch <= 12; epoch++) {
                compare_geometry(&settings[s], epoch, &shapes[i], 1e-6);
            }
        }
    }
}

/* The copying code and the interpolating code give the same bytes for the same positions. */
static void test_both_ways(void **state) {
    (void)state;
    const cnn_augment_settings settings = {
        .flip_horizontal = true, .flip_vertical = true, .shift = 0.5};
    for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
        uint8_t *image = make_image(&shapes[i], 5);
        for (uint64_t epoch = 1; epoch <= 20; epoch++) {
            cnn_augmentation what;
            uint8_t *copied = augmented(&settings, 1, epoch, 0, &shapes[i], image);
            uint8_t *interpolated = cnn_alloc(size_of(&shapes[i]), 1);
            cnn_augment_draw(&settings, 1, epoch, 0, &shapes[i], image, &what);
            assert_true(what.whole);
            what.whole = false;
            cnn_augment_image(&what, image, interpolated);
            assert_memory_equal(copied, interpolated, size_of(&shapes[i]));
            cnn_free(copied);
            cnn_free(interpolated);
        }
        cnn_free(image);
    }
}

/* --- settings that leave an image unchanged --- */

static void test_nothing(void **state) {
    (void)state;
    const cnn_augment_settings none = {0};
    assert_false(cnn_augment_is_on(&none));
    assert_true(cnn_augment_is_on(&everything));
    for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
        uint8_t *image = make_image(&shapes[i], i + 1);
        uint8_t *same = augmented(&none, 1, 1, 0, &shapes[i], image);
        assert_memory_equal(same, image, size_of(&shapes[i]));
        cnn_free(image);
        cnn_free(same);
    }
}

/* Every setting by itself counts as on, and changes some image within a few epochs. */
static void test_each_switch(void **state) {
    (void)state;
    const cnn_augment_settings each[] = {
        {.flip_horizontal = true}, {.flip_vertical = true}, {.shift = 0.1},
        {.rotate = 20.0},          {.zoom = 0.2},           {.shear = 20.0},
        {.brightness = 0.2},       {.contrast = 0.3},       {.saturation = 0.5},
        {.cutout = 0.3},           {.noise = 0.05}};
    const cnn_augment_shape shape = {3, 12, 17};
    uint8_t *image = make_image(&shape, 3);
    for (size_t i = 0; i < TEST_COUNT(each); i++) {
        int changed = 0;
        assert_true(cnn_augment_is_on(&each[i]));
        for (uint64_t epoch = 1; epoch <= 40; epoch++) {
            uint8_t *result = augmented(&each[i], 1, epoch, 0, &shape, image);
            changed += memcmp(result, image, size_of(&shape)) != 0;
            cnn_free(result);
        }
        assert_true(i < 2 ? changed > 8 && changed < 32 : changed > 25); /* half of the flips */
    }
    cnn_free(image);
}

/* An image of one colour stays one, however far it is moved. */
static void test_constant(void **state) {
    (void)state;
    const cnn_augment_settings settings = {.flip_horizontal = true,
                                           .flip_vertical = true,
                                           .shift = 0.5,
                                           .rotate = 180.0,
                                           .zoom = 0.5,
                                           .shear = 45.0,
                                           .contrast = 1.0,
                                           .saturation = 1.0,
                                           .cutout = 0.5};
    const cnn_augment_shape extreme[] = {{3, 4096, 1}, {3, 1, 4096}, {1, 2, 4096}, {3, 200, 3}};
    for (size_t i = 0; i < TEST_COUNT(extreme); i++) {
        size_t size = size_of(&extreme[i]);
        uint8_t *image = cnn_alloc(size, 1);
        memset(image, 201, size);
        for (uint64_t epoch = 1; epoch <= 10; epoch++) {
            uint8_t *result = augmented(&settings, 9, epoch, 4, &extreme[i], image);
            assert_memory_equal(result, image, size);
            cnn_free(result);
        }
        cnn_free(image);
    }
}

/* --- colour --- */

static double limited(double level) {
    return level < 0.0 ? 0.0 : level > 255.0 ? 255.0 : level;
}

static void test_colour(void **state) {
    (void)state;
    const cnn_augment_settings settings[] = {
        {.brightness = 1.0}, {.contrast = 1.0}, {.brightness = 0.4, .contrast = 0.6}};
    for (size_t s = 0; s < TEST_COUNT(settings); s++) {
        for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
            size_t size = size_of(&shapes[i]);
            uint8_t *image = make_image(&shapes[i], 11);
            double mean = 0.0;
            for (size_t j = 0; j < size; j++) {
                mean += (double)image[j] / (double)size;
            }
            for (uint64_t epoch = 1; epoch <= 10; epoch++) {
                uint8_t *got = augmented(&settings[s], 2, epoch, 1, &shapes[i], image);
                double b = between(2, epoch, 1, BRIGHTNESS, settings[s].brightness);
                double f = 1.0 + between(2, epoch, 1, CONTRAST, settings[s].contrast);
                for (size_t j = 0; j < size; j++) {
                    double want = limited(mean + f * (image[j] - mean) + 255.0 * b);
                    test_near("level", j, got[j], want, 0.505);
                }
                cnn_free(got);
            }
            cnn_free(image);
        }
    }
}

static void test_saturation(void **state) {
    (void)state;
    const cnn_augment_settings settings = {.saturation = 1.0};
    const cnn_augment_shape shape = {3, 11, 200};
    size_t plane = 11 * 200;
    uint8_t *image = make_image(&shape, 2);
    for (uint64_t epoch = 1; epoch <= 20; epoch++) {
        uint8_t *got = augmented(&settings, 1, epoch, 0, &shape, image);
        double s = 1.0 + between(1, epoch, 0, SATURATION, 1.0);
        for (size_t i = 0; i < plane; i++) {
            double grey =
                (77.0 * image[i] + 150.0 * image[plane + i] + 29.0 * image[2 * plane + i]) / 256.0;
            for (size_t c = 0; c < 3; c++) {
                double want = limited(grey + s * (image[c * plane + i] - grey));
                /* the grey level is an integer, below */
                test_near("value", c * plane + i, got[c * plane + i], want, 0.505 + fabs(1.0 - s));
            }
        }
        cnn_free(got);
    }
    cnn_free(image);
}

/* Mean, deviation, share within one and two deviations, and independence of what is next to it. */
static void test_noise(void **state) {
    (void)state;
    const cnn_augment_settings settings = {.noise = 0.1};
    const cnn_augment_shape shape = {3, 128, 255};
    size_t size = size_of(&shape), width = 255;
    uint8_t *image = cnn_alloc(size, 1);
    memset(image, 128, size);
    uint8_t *first = augmented(&settings, 1, 1, 0, &shape, image);
    uint8_t *second = augmented(&settings, 1, 2, 0, &shape, image);
    const double want = 25.5;
    double sum = 0.0, squares = 0.0, one = 0.0, two = 0.0;
    double beside = 0.0, below = 0.0, next_plane = 0.0, next_epoch = 0.0;
    for (size_t i = 0; i < size; i++) {
        double noise = first[i] - 128.0;
        sum += noise;
        squares += noise * noise;
        one += fabs(noise) < want;
        two += fabs(noise) < 2.0 * want;
        beside += noise * (first[(i + 1) % size] - 128.0);
        below += noise * (first[(i + width) % size] - 128.0);
        next_plane += noise * (first[(i + size / 3) % size] - 128.0);
        next_epoch += noise * (second[i] - 128.0);
    }
    double count = (double)size, error = 5.0 / sqrt(count); /* five standard errors */
    test_near("mean", 0, sum / count, 0.0, want * error);
    test_near("deviation", 0, sqrt(squares / count), want, 0.01 * want);
    test_near("within one deviation", 0, one / count, 0.683, 0.02);
    test_near("within two deviations", 0, two / count, 0.954, 0.01);
    const double products[] = {beside, below, next_plane, next_epoch};
    for (size_t i = 0; i < TEST_COUNT(products); i++) {
        test_near("correlation", i, products[i] / squares, 0.0, error);
    }
    cnn_free(image);
    cnn_free(first);
    cnn_free(second);
}

/* --- cutout --- */

/* A square of the mean, all other pixels unchanged; it can cover every pixel. */
static void test_cutout(void **state) {
    (void)state;
    const cnn_augment_settings settings = {.cutout = 0.5};
    const cnn_augment_shape shape = {3, 8, 14};
    enum { PLANE = 8 * 14 };
    uint8_t image[3 * PLANE];
    int hits[PLANE] = {0}, whole = 0;
    for (int i = 0; i < PLANE; i++) { /* means 100, 50, 200; no byte is one of these */
        image[i] = i % 2 ? 90 : 110;
        image[PLANE + i] = i % 2 ? 45 : 55;
        image[2 * PLANE + i] = i % 2 ? 190 : 210;
    }
    for (uint64_t epoch = 1; epoch <= 2000; epoch++) {
        uint8_t *got = augmented(&settings, 1, epoch, 0, &shape, image);
        int left = 14, right = -1, top = 8, bottom = -1, count = 0;
        for (int i = 0; i < PLANE; i++) {
            if (got[i] == 100) {
                int x = i % 14, y = i / 14;
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
                bottom = y > bottom ? y : bottom;
                count++;
                hits[i]++;
                assert_int_equal(got[PLANE + i], 50);
                assert_int_equal(got[2 * PLANE + i], 200);
            } else {
                assert_int_equal(got[i], image[i]);
                assert_int_equal(got[PLANE + i], image[PLANE + i]);
                assert_int_equal(got[2 * PLANE + i], image[2 * PLANE + i]);
            }
        }
        assert_true(count >= 4); /* a quarter of the 4 × 4 square is inside, at least */
        assert_int_equal(count, (right - left + 1) * (bottom - top + 1));
        whole += count == 16;
        cnn_free(got);
    }
    assert_true(whole > 500);
    for (int i = 0; i < PLANE; i++) {
        assert_true(hits[i] > 50);
    }
}

/* --- a pure function --- */

/* Turning one setting on does not change the others. */
static void test_switches_are_independent(void **state) {
    (void)state;
    const cnn_augment_shape shape = {3, 20, 30};
    const cnn_augment_settings none = {0};
    uint8_t *image = make_image(&shape, 8);
    for (uint64_t epoch = 1; epoch <= 5; epoch++) {
        cnn_augmentation all, geometry, colour, nothing;
        cnn_augment_settings s = everything;
        cnn_augment_draw(&s, 1, epoch, 6, &shape, image, &all);
        s = (cnn_augment_settings){.contrast = everything.contrast,
                                   .brightness = everything.brightness,
                                   .noise = everything.noise};
        cnn_augment_draw(&s, 1, epoch, 6, &shape, image, &colour);
        s = everything;
        s.contrast = s.brightness = s.saturation = s.cutout = s.noise = 0.0;
        cnn_augment_draw(&s, 1, epoch, 6, &shape, image, &geometry);
        cnn_augment_draw(&none, 1, epoch, 6, &shape, image, &nothing);
        assert_memory_equal(&all.u, &geometry.u, sizeof all.u);
        assert_memory_equal(&all.v, &geometry.v, sizeof all.v);
        assert_int_equal(all.factor, colour.factor);
        assert_int_equal(all.offset, colour.offset);
        assert_true(all.noise_key == colour.noise_key);
        assert_int_equal(geometry.factor, nothing.factor);
        assert_int_equal(geometry.offset, nothing.offset);
        assert_memory_equal(&colour.u, &nothing.u, sizeof colour.u);
    }
    cnn_free(image);
}

static void test_seed_epoch_image(void **state) {
    (void)state;
    const cnn_augment_shape shape = {1, 16, 16};
    uint8_t *image = make_image(&shape, 8);
    uint8_t *one = augmented(&everything, 1, 1, 1, &shape, image);
    uint8_t *again = augmented(&everything, 1, 1, 1, &shape, image);
    uint8_t *others[] = {augmented(&everything, 2, 1, 1, &shape, image),
                         augmented(&everything, 1, 2, 1, &shape, image),
                         augmented(&everything, 1, 1, 2, &shape, image)};
    assert_memory_equal(one, again, 256);
    for (size_t i = 0; i < TEST_COUNT(others); i++) {
        assert_memory_not_equal(one, others[i], 256);
        cnn_free(others[i]);
    }
    cnn_free(image);
    cnn_free(one);
    cnn_free(again);
}

/* The floats of an image are those of its augmented bytes, whatever its lane, block and neighbours.
 */
static void test_blocks(void **state) {
    (void)state;
    enum { IMAGES = 40 };
    const cnn_augment_shape shape = {3, 7, 261};
    size_t size = size_of(&shape);
    uint8_t *pixels = make_image(&(cnn_augment_shape){IMAGES * 3, 7, 261}, 4);
    cnn_sample samples[IMAGES] = {{0}};
    size_t order[IMAGES];
    for (size_t i = 0; i < IMAGES; i++) {
        samples[i].row = i;
        samples[i].label = (int)(i % 2);
        order[i] = (i * 17 + 5) % IMAGES;
    }
    cnn_dataset dataset = {.samples = samples, .count = IMAGES, .image_size = size};
    dataset.images.pixels = pixels;
    cnn_pixel_table table;
    cnn_pixel_table_fill((double[3]){0.1, 0.2, 0.3}, (double[3]){1.0, 2.0, 0.5}, &table);
    cnn_dataset_source source = {.dataset = &dataset,
                                 .table = &table,
                                 .order = order,
                                 .augment = &everything,
                                 .seed = 3,
                                 .epoch = 2};
    cnn_block block = {.channels = 3, .height = 7, .width = 261, .row_stride = 263 * CNN_LANES};
    block.plane_stride = block.row_stride * 8;
    float *x = cnn_alloc((size_t)block.plane_stride * 3, sizeof *x);
    double *dense = cnn_alloc(test_block_count(&block), sizeof *dense);
    uint8_t labels[CNN_LANES];
    for (size_t first = 0; first < IMAGES; first += 9) {
        int count = IMAGES - first < 9 ? (int)(IMAGES - first) : 9;
        test_block_poison(&block, x);
        cnn_dataset_fill(&source, first, count, &block, x, labels);
        test_block_read(&block, x, dense);
        for (size_t lane = 0; lane < CNN_LANES; lane++) {
            const double *got = dense + lane * size;
            if ((int)lane >= count) {
                for (size_t i = 0; i < size; i++) {
                    assert_true(got[i] == 0.0);
                }
                continue;
            }
            size_t sample = order[first + lane];
            uint8_t *want = augmented(&everything, 3, 2, sample, &shape, pixels + sample * size);
            assert_int_equal(labels[lane], samples[sample].label);
            for (size_t i = 0; i < size; i++) {
                test_near("value", i, got[i], (double)table.value[i / (size / 3)][want[i]], 0.0);
            }
            cnn_free(want);
        }
    }
    cnn_free(pixels);
    cnn_free(x);
    cnn_free(dense);
}

/* --- the contact sheet --- */

static void write_image(const char *path, int number) {
    uint64_t random = (uint64_t)number + 1;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs("P6 5 3 255\n", file) >= 0);
    for (int i = 0; i < 45; i++) {
        assert_true(fputc((int)test_random(&random, 0, 256), file) != EOF);
    }
    assert_int_equal(fclose(file), 0);
}

/* The tile's pixel (x, y), which every one of its 20 × 20 has. */
static const uint8_t *tile_pixel(const cnn_augmented_sheet *sheet, int row, int column, int y,
                                 int x) {
    enum { FACTOR = 20, GAP = 4 };
    const uint8_t *first = NULL;
    for (int i = 0; i < FACTOR * FACTOR; i++) {
        int down = row * (3 * FACTOR + GAP) + y * FACTOR + i / FACTOR;
        int across = column * (5 * FACTOR + GAP) + x * FACTOR + i % FACTOR;
        const uint8_t *pixel =
            sheet->pixels + 3 * ((size_t)down * (size_t)sheet->width + (size_t)across);
        first = first ? first : pixel;
        assert_memory_equal(pixel, first, 3);
    }
    return first;
}

static void compare_tile(const cnn_augmented_sheet *sheet, int row, int column,
                         const uint8_t *image) {
    for (int i = 0; i < 45; i++) {
        assert_int_equal(tile_pixel(sheet, row, column, i % 15 / 5, i % 5)[i / 15], image[i]);
    }
}

static cnn_config *sheet_config(void) {
    static const char text[] =
        "{\"data\": {\"train\": \"data\", \"validation\": 0}, \"image\": {\"width\": 5, "
        "\"height\": 3, \"channels\": 3}, \"layers\": [{\"type\": \"flatten\"}, {\"type\": "
        "\"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}], \"augment\": {\"rotate\": 30, "
        "\"noise\": 0.1}, \"train\": {\"seed\": 5}}";
    FILE *file = fopen("cfg.json", "wb");
    cnn_config *config;
    cnn_error error;
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    test_ok(cnn_config_load("cfg.json", NULL, 0, &config, &error), &error);
    return config;
}

/* Unchanged images, then those of epochs 1 to 7; through a file and back. */
static void test_sheet(void **state) {
    (void)state;
    static const char *const folders[] = {"data", "data/a", "data/b"};
    for (size_t i = 0; i < TEST_COUNT(folders); i++) {
        assert_int_equal(mkdir(folders[i], 0777), 0);
    }
    char path[32];
    for (int i = 0; i < 6; i++) {
        (void)snprintf(path, sizeof path, "data/%c/%d.ppm", i < 3 ? 'a' : 'b', i);
        write_image(path, i);
    }
    cnn_config *config = sheet_config();
    cnn_augmented_sheet sheet;
    cnn_error error;
    cnn_augmented_sheet_options options = {.common.threads = 1, .images = 3};
    test_ok(cnn_show_augmented(config, &options, &sheet, &error), &error);
    assert_string_equal(sheet.path, "augmented.png");
    assert_int_equal(sheet.rows, 3);
    assert_int_equal(sheet.width, 8 * 104 - 4);
    assert_int_equal(sheet.height, 3 * 64 - 4);
    for (int row = 0; row < 3; row++) {
        const cnn_augment_shape shape = {3, 3, 5};
        uint64_t random = (uint64_t)(2 * row) + 1; /* every second one of six */
        uint8_t image[45];
        for (int i = 0; i < 45; i++) {
            image[i % 3 * 15 + i / 3] = (uint8_t)(int)test_random(&random, 0, 256);
        }
        compare_tile(&sheet, row, 0, image);
        for (int column = 1; column < 8; column++) {
            uint8_t *want =
                augmented(&config->augment, 5, (uint64_t)column, 2 * (size_t)row, &shape, image);
            compare_tile(&sheet, row, column, want);
            cnn_free(want);
        }
    }
    for (size_t i = 0; i < 4 * 3; i++) {
        assert_int_equal(sheet.pixels[100 * 3 + i], 128); /* between tiles */
    }
    test_ok(cnn_png_write("sheet.png", 3, sheet.height, sheet.width, sheet.pixels, &error), &error);
    int width, height, channels;
    FILE *file = fopen("sheet.png", "rb");
    static uint8_t bytes[1 << 20];
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    uint8_t *back = stbi_load_from_memory(bytes, (int)length, &width, &height, &channels, 0);
    assert_non_null(back);
    assert_int_equal(width, sheet.width);
    assert_int_equal(height, sheet.height);
    assert_int_equal(channels, 3);
    assert_memory_equal(back, sheet.pixels, (size_t)width * (size_t)height * 3);
    stbi_image_free(back);
    assert_int_equal(cnn_png_write("missing/sheet.png", 1, 1, 1, bytes, &error), CNN_ERROR_RUNTIME);
    assert_int_equal(strncmp(error.message, "missing/sheet.png", 17), 0);
    cnn_augmented_sheet_free(&sheet);
    cnn_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_each_switch),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_cutout),
        cmocka_unit_test(test_switches_are_independent),
        cmocka_unit_test(test_seed_epoch_image),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test_setup_teardown(test_sheet, test_folder_enter, test_folder_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
