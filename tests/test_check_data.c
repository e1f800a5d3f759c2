/* What --check-data finds: facts of one image, near-copies, and the report and table of a folder
 * that has every problem. */
#include "test_support.h"

#include "cnn/inspect.h"

#include "image/facts.h"
#include "base/memory.h"
#include "samples/near_copies.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE 40
#define TEST_PI 3.14159265358979323846

static char *read_text(const char *path) {
    static char text[65536];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fclose(file), 0);
    text[size] = '\0';
    return text;
}

/* An image of random overlapping rectangles: the same at any size. */
static void fill_picture(uint64_t seed, int width, int height, uint8_t *pixels) {
    memset(pixels, 90, (size_t)width * (size_t)height);
    for (int r = 0; r < 30; r++) {
        double left = test_random(&seed, -0.2, 0.9), top = test_random(&seed, -0.2, 0.9);
        double right = left + test_random(&seed, 0.1, 0.5);
        double bottom = top + test_random(&seed, 0.1, 0.5);
        uint8_t value = (uint8_t)test_random(&seed, 0, 220);
        for (int i = 0; i < width * height; i++) {
            double x = (i % width + 0.5) / width, y = (i / width + 0.5) / height;
            if (x >= left && x < right && y >= top && y < bottom) {
                pixels[i] = value;
            }
        }
    }
}

static void write_pixels(const char *path, int width, int height, const uint8_t *pixels) {
    assert_true(strstr(path, ".jpg")   ? stbi_write_jpg(path, width, height, 1, pixels, 60)
                : strstr(path, ".bmp") ? stbi_write_bmp(path, width, height, 1, pixels)
                                       : stbi_write_png(path, width, height, 1, pixels, width));
}

/* Picture `seed` as a file of width × height, each value `brighter` per cent brighter. */
static void write_picture(const char *path, uint64_t seed, int width, int height, int brighter) {
    uint8_t *pixels = cnn_alloc((size_t)width * (size_t)height, 1);
    assert_non_null(pixels);
    fill_picture(seed, width, height, pixels);
    for (int i = 0; i < width * height; i++) {
        int value = pixels[i] * (100 + brighter) / 100;
        pixels[i] = (uint8_t)(value > 255 ? 255 : value);
    }
    write_pixels(path, width, height, pixels);
    cnn_free(pixels);
}

/* The same picture at half the size: means of four pixels. */
static void write_halved(const char *path, uint64_t seed, int width, int height) {
    uint8_t *pixels = cnn_alloc((size_t)width * (size_t)height, 1);
    assert_non_null(pixels);
    fill_picture(seed, width, height, pixels);
    for (int y = 0; y < height / 2; y++) {
        for (int x = 0; x < width / 2; x++) {
            const uint8_t *four = pixels + 2 * y * width + 2 * x;
            pixels[y * (width / 2) + x] =
                (uint8_t)((four[0] + four[1] + four[width] + four[width + 1]) / 4);
        }
    }
    write_pixels(path, width / 2, height / 2, pixels);
    cnn_free(pixels);
}

static cnn_image_facts facts_of(const char *path) {
    cnn_image_facts facts;
    cnn_error error;
    cnn_image_settings as = {.width = 8, .height = 8, .channels = 3, .max_megapixels = 64};
    test_ok(cnn_image_facts_read(path, &as, NULL, NULL, &facts, &error), &error);
    return facts;
}

/* --- one image --- */

static void test_facts(void **state) {
    (void)state;
    static const uint8_t rgba[2][4] = {{100, 100, 100, 0}, {50, 150, 250, 255}};
    static const uint8_t flat[2][2] = {{9, 1}, {9, 200}}; /* alpha does not count */
    assert_true(stbi_write_png("two.jpg", 1, 2, 4, rgba, 4));
    assert_true(stbi_write_png("flat.png", 2, 1, 2, flat, 4));
    test_write_text("deep.pgm", "P5 2 1 65535\n\x12\x34\x12\x34");
    cnn_image_facts facts = facts_of("two.jpg");
    struct stat about;
    assert_int_equal(stat("two.jpg", &about), 0);
    assert_int_equal(facts.format, CNN_IMAGE_PNG);
    assert_int_equal(facts.width, 1);
    assert_int_equal(facts.height, 2);
    assert_int_equal(facts.channels, 4);
    assert_int_equal(facts.orientation, 1);
    assert_int_equal(facts.file_size, about.st_size);
    assert_false(facts.deep);
    assert_false(facts.constant);
    test_near("brightness", 0, facts.brightness, (100 + 132) / 2.0, 0.0);
    assert_true(cnn_image_extension_is_wrong("two.jpg", facts.format));
    assert_string_equal(cnn_image_mode_name(facts.channels, facts.deep), "RGBA");
    facts = facts_of("flat.png");
    assert_true(facts.constant);
    assert_int_equal(facts.channels, 2);
    facts = facts_of("deep.pgm");
    assert_true(facts.deep);
    assert_true(facts.constant);
    assert_int_equal(facts.format, CNN_IMAGE_PNM);
    test_near("brightness", 1, facts.brightness, 0x12, 0.0);
}

static void test_extensions(void **state) {
    (void)state;
    static const struct {
        const char *path;
        cnn_image_format format;
        bool wrong;
    } names[] = {{"a.png", CNN_IMAGE_PNG, false},      {"a.PNG", CNN_IMAGE_PNG, false},
                 {"a.png", CNN_IMAGE_JPEG, true},      {"a.jpeg", CNN_IMAGE_JPEG, false},
                 {"a.JPG", CNN_IMAGE_JPEG, false},     {"a.jpg", CNN_IMAGE_PNG, true},
                 {"a.tga", CNN_IMAGE_TGA, false},      {"a.ppm", CNN_IMAGE_PNM, false},
                 {"a.bmp", CNN_IMAGE_TGA, true},       {"a.dat", CNN_IMAGE_PNG, false},
                 {"a", CNN_IMAGE_PNG, false},          {"b.jpg/a", CNN_IMAGE_PNG, false},
                 {"b.jpg/a.png", CNN_IMAGE_PNG, false}};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        assert_int_equal(cnn_image_extension_is_wrong(names[i].path, names[i].format),
                         names[i].wrong);
    }
}

/* --- near-copies --- */

static int distance_of(const cnn_image_facts *a, const cnn_image_facts *b) {
    int distance = 0;
    for (int bit = 0; bit < CNN_PERCEPTUAL_BITS; bit++) {
        uint64_t difference = a->perceptual[bit / 64] ^ b->perceptual[bit / 64];
        distance += (int)(difference >> (bit % 64) & 1);
    }
    return distance;
}

/* A bit is a frequency: of an image of one cosine wave, that coefficient is the largest, and of its
 * negative, the smallest. */
static void test_frequencies(void **state) {
    (void)state;
    enum { WAVE = 32 };
    static const struct { int down, right; } waves[] = {{0, 1}, {1, 0}, {3, 5}, {15, 15}, {7, 0}};
    uint8_t pixels[WAVE * WAVE];
    for (size_t i = 0; i < TEST_COUNT(waves); i++) {
        int bit = waves[i].down * 16 + waves[i].right - 1;
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int y = 0; y < WAVE; y++) {
                for (int x = 0; x < WAVE; x++) {
                    double wave = cos(0.5 * TEST_PI * (2 * x + 1) * waves[i].right / (double)WAVE) *
                                  cos(0.5 * TEST_PI * (2 * y + 1) * waves[i].down / (double)WAVE);
                    pixels[y * WAVE + x] = (uint8_t)(128.5 + sign * 100.0 * wave);
                }
            }
            assert_true(stbi_write_png("wave.png", WAVE, WAVE, 1, pixels, WAVE));
            cnn_image_facts facts = facts_of("wave.png");
            assert_int_equal(facts.perceptual[bit / 64] >> (bit % 64) & 1, sign > 0);
        }
    }
}

/* An image of another size, compression or brightness is near; other images are far. */
static void test_perceptual_hash(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        write_picture("a.png", seed, 200, 150, 0);
        write_halved("small.png", seed, 200, 150);
        write_picture("a.jpg", seed, 200, 150, 0);
        write_picture("bright.png", seed, 200, 150, 15);
        write_picture("other.png", seed + 100, 200, 150, 0);
        cnn_image_facts a = facts_of("a.png");
        static const char *const near[] = {"small.png", "a.jpg", "bright.png"};
        for (size_t i = 0; i < TEST_COUNT(near); i++) {
            cnn_image_facts b = facts_of(near[i]);
            assert_in_range(distance_of(&a, &b), 0, CNN_NEAR_COPY_BITS);
            assert_true(a.content != b.content);
        }
        cnn_image_facts other = facts_of("other.png");
        assert_in_range(distance_of(&a, &other), 2 * CNN_NEAR_COPY_BITS, CNN_PERCEPTUAL_BITS);
    }
}

/* The search against a plain loop over all pairs: the number of images that have near-copies. */
static size_t check_search(const cnn_sample *samples, const cnn_image_facts *facts, size_t count) {
    cnn_near_copy *near = cnn_alloc(count, sizeof *near);
    cnn_error error;
    size_t found = 0;
    assert_non_null(near);
    test_ok(cnn_near_copies_find(samples, facts, count, 3, near, &error), &error);
    for (size_t i = 0; i < count; i++) {
        size_t best = 0;
        int best_rank = -1, best_distance = -1;
        bool other_label = false, other_split = false;
        for (size_t j = 0; j < count; j++) {
            int distance = distance_of(&facts[i], &facts[j]);
            if (distance > CNN_NEAR_COPY_BITS || samples[i].content == samples[j].content ||
                facts[i].constant || facts[j].constant) {
                continue;
            }
            bool label = samples[i].label != samples[j].label;
            bool split = samples[i].split != samples[j].split;
            int rank = label ? 2 : split ? 1 : 0;
            other_label = other_label || label;
            other_split = other_split || split;
            if (rank > best_rank || (rank == best_rank && distance < best_distance)) {
                best = j;
                best_rank = rank;
                best_distance = distance;
            }
        }
        assert_int_equal(near[i].distance, best_distance);
        assert_int_equal(near[i].other_label, other_label);
        assert_int_equal(near[i].other_split, other_split);
        if (best_rank >= 0) {
            assert_int_equal(near[i].nearest, best);
            found++;
        }
    }
    cnn_free(near);
    return found;
}

static void flip(cnn_image_facts *facts, int bit) {
    facts->perceptual[bit / 64] ^= (uint64_t)1 << (bit % 64);
}

/* Hashes: the first `centres` are random, the others copies of them. */
static void make_hashes(size_t centres, cnn_sample *samples, cnn_image_facts *facts, size_t count,
                        uint64_t *random) {
    for (size_t i = 0; i < count; i++) {
        samples[i] = (cnn_sample){.label = test_random(random, 0, 1) < 0.1,
                                  .split = (cnn_split)test_random(random, 0, 3),
                                  .content = (uint64_t)(i < 20 ? 7 : i)};
        facts[i] = (cnn_image_facts){.constant = i % 50 == 0};
        for (int bit = 0; bit < CNN_PERCEPTUAL_BITS && i < centres; bit++) {
            if (test_random(random, 0, 2) < 1.0) {
                flip(&facts[i], bit);
            }
        }
        if (i >= centres) {
            memcpy(facts[i].perceptual, facts[(count - 1 - i) % centres].perceptual,
                   sizeof facts->perceptual);
        }
    }
}

static void test_search(void **state) {
    (void)state;
    enum { COUNT = 300, CENTRES = 30 };
    static cnn_sample samples[COUNT];
    static cnn_image_facts facts[COUNT];
    uint64_t random = 5;
    make_hashes(CENTRES, samples, facts, COUNT, &random);
    for (size_t i = CENTRES; i < COUNT; i++) {
        for (int flips = (int)test_random(&random, 0, 14); flips > 0; flips--) {
            flip(&facts[i], (int)test_random(&random, 0, CNN_PERCEPTUAL_BITS));
        }
    }
    assert_in_range(check_search(samples, facts, COUNT), 100, COUNT);
}

/* Of 20 bands of bits, the search needs at least four that are equal. Here only the last four of
 * near-copies are, and so many other images have the same bits in three of these that all four are
 * needed to separate them. */
static void test_search_bands(void **state) {
    (void)state;
    enum { COUNT = 4000, CENTRES = COUNT / 2, BANDS = 20 };
    static cnn_sample samples[COUNT];
    static cnn_image_facts facts[COUNT];
    uint64_t random = 6;
    make_hashes(CENTRES, samples, facts, COUNT, &random);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t centre = i < CENTRES ? i : COUNT - 1 - i;
        const size_t groups[] = {0, centre % 3, centre / 3 % 3};
        for (int band = BANDS - 4; band < BANDS - 1; band++) {
            for (int bit = band; bit < CNN_PERCEPTUAL_BITS; bit += BANDS) {
                const uint64_t mask = (uint64_t)1 << (bit % 64);
                const bool set = groups[band - (BANDS - 4)] > (size_t)(bit / BANDS % 2);
                facts[i].perceptual[bit / 64] &= ~mask;
                facts[i].perceptual[bit / 64] |= set ? mask : 0;
            }
        }
        for (int bit = 0; bit < CNN_NEAR_COPY_BITS && i >= CENTRES; bit++) {
            flip(&facts[i], bit);
        }
    }
    assert_in_range(check_search(samples, facts, COUNT), COUNT - COUNT / 20, COUNT);
}

/* --- the report --- */

/* A config for images of SIDE × SIDE; up to 2 overrides. */
static cnn_status check(const char *first, const char *second, char **text, cnn_error *error) {
    const char *overrides[] = {first, second};
    test_write_text("cfg.json", "{\"data\": {\"train\": \"d\", \"validation\": 0}, \"image\": "
                                "{\"width\": 40, \"height\": 40, \"channels\": 1}, \"layers\": "
                                "[{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, "
                                "{\"type\": \"sigmoid\"}], \"output\": \"out\"}");
    cnn_config *config;
    size_t count = first ? second ? 2 : 1 : 0;
    test_ok(cnn_config_load("cfg.json", overrides, count, &config, error), error);
    cnn_status status =
        cnn_check_data(config, &(cnn_check_data_options){.common.threads = 2}, text, error);
    cnn_config_free(config);
    return status;
}

static void expect_in(const char *text, const char *part) {
    if (!strstr(text, part)) {
        fail_msg("expected \"%s\" in\n%s", part, text);
    }
}

/* folder/a and folder/b with different pictures, a00.png … */
static void write_classes(const char *folder, int count, uint64_t seed) {
    char path[64];
    assert_int_equal(mkdir(folder, 0777), 0);
    for (int c = 0; c < 2; c++) {
        (void)snprintf(path, sizeof path, "%s/%c", folder, 'a' + c);
        assert_int_equal(mkdir(path, 0777), 0);
        for (int i = 0; i < count; i++) {
            (void)snprintf(path, sizeof path, "%s/%c/%c%02d.png", folder, 'a' + c, 'a' + c, i);
            write_picture(path, seed + (uint64_t)(100 * c + i), SIDE, SIDE, 0);
        }
    }
}

static void test_clean(void **state) {
    (void)state;
    write_classes("d", 5, 1);
    char *text;
    cnn_error error = {0};
    test_ok(check(NULL, NULL, &text, &error), &error);
    expect_in(text, "train              10             5             5\n");
    expect_in(text, "format     10 PNG\n");
    expect_in(text, "mode       10 grey\n");
    expect_in(text, "turned     0 by");
    expect_in(text, "\nno problems found\n");
    cnn_text_release(text);
    const char *table = read_text("out/data_report.csv");
    expect_in(table, "\nd/b/b04.png,b,train,,PNG,grey,40,40,1,");
    assert_null(strstr(strchr(table, '\n'), "copy"));
    /* the directory is still a new one */
    assert_int_equal(access("out/config.json", F_OK), -1);
}

/* Every problem once: each is found, and named in the text and in the table. */
static void test_everything(void **state) {
    (void)state;
    write_classes("d", 6, 1);
    write_classes("t", 3, 1000);
    test_write_text("d/a/notes.png", "no image");
    write_picture("d/b/conflict.bmp", 3, SIDE, SIDE, 0);       /* a02 */
    write_picture("d/b/same.png", 104, SIDE, SIDE, 0);         /* b03 */
    write_picture("d/b/darker.png", 105, SIDE, SIDE, -10);     /* near b04 */
    write_picture("d/a/near, \"b\".png", 101, SIDE, SIDE, 10); /* near b00 */
    write_picture("t/b/crossing.png", 101, SIDE, SIDE, 0);     /* b00 */
    write_picture("d/a/small.png", 500, SIDE - 1, SIDE, 0);
    write_picture("d/a/wrong.bmp.jpg", 501, SIDE, SIDE, 0);
    assert_int_equal(rename("d/a/wrong.bmp.jpg", "d/a/wrong.bmp"), 0);
    uint8_t flat[SIDE * SIDE] = {0};
    assert_true(stbi_write_png("d/a/flat.png", SIDE, SIDE, 1, flat, SIDE));
    char *text;
    cnn_error error = {0};
    assert_int_equal(check("data.test=t", "data.duplicates=error", &text, &error), CNN_ERROR_DATA);
    assert_non_null(text);
    static const char *const lines[] = {
        "  unreadable          1\n",
        "\nerrors: training refuses this data",
        "  1 of 27 images cannot be read\n    d/a/notes.png (a, train): expected a PNG",
        "  2 of 27 images have an exact copy with the other label\n"
        "    d/b/conflict.bmp (b, train) = d/a/a02.png (a, train)\n",
        "  2 of 27 images have an exact copy in another split\n"
        "    t/b/crossing.png (b, test) = d/b/b00.png (b, train)\n",
        "\nwarnings\n",
        "  3 of 27 images are exact copies of an earlier one\n",
        "    d/b/same.png (b, train) = d/b/b03.png (b, train)\n",
        "  3 of 27 images have a near-copy with the other label\n"
        "    d/a/near, \"b\".png (a, train) ~ d/b/b00.png (b, train), ",
        "  2 of 27 images have a near-copy in another split\n",
        "  5 of 27 images have a near-copy\n",
        "  1 of 27 images have one colour all over\n    d/a/flat.png (a, train)\n",
        "  1 of 27 images are smaller than what the network sees\n"
        "    d/a/small.png (a, train): 39×40\n",
        "  1 of 27 images are of another format than their name says\n"
        "    d/a/wrong.bmp (a, train): JPEG\n",
        "\nevery image: out/data_report.csv\n",
    };
    for (size_t i = 0; i < TEST_COUNT(lines); i++) {
        expect_in(text, lines[i]);
    }
    cnn_text_release(text);
    const char *table = read_text("out/data_report.csv");
    static const char *const ends[] = {
        ",d/a/a02.png,,,copy_other_label copy,\n",
        ",d/b/b03.png,,,copy,\n",
        ",constant,\n",
        ",small,\n",
        ",wrong_extension,\n",
        "\n\"d/a/near, \"\"b\"\".png\",a,train,,PNG,grey,40,40,1,",
        ",near_copy_other_label near_copy_other_split near_copy,\n",
        ",copy_other_split near_copy_other_label near_copy,\n",
        ",copy_other_split copy near_copy_other_label near_copy_other_split near_copy,\n",
        "\nd/a/notes.png,a,train,,,,,,,,,,,,,,,unreadable,\"expected a PNG, JPEG, ",
    };
    for (size_t i = 0; i < TEST_COUNT(ends); i++) {
        expect_in(table, ends[i]);
    }
    /* by default, copies are left out and not counted */
    assert_int_equal(check("data.test=t", NULL, &text, &error), CNN_ERROR_DATA);
    expect_in(text, "  train              17             9             8\n");
    expect_in(text, "  test                6             3             3\n");
    expect_in(text, "  left out            3  copies (data.duplicates)\n");
    expect_in(text,
              "  2 of 27 images have an exact copy with the other label: training leaves them "
              "out\n    d/b/conflict.bmp (b, train) = d/a/a02.png (a, train)\n");
    expect_in(text,
              "  2 of 27 images have an exact copy in another split: training leaves out those "
              "in the later split\n    t/b/crossing.png (b, test) = d/b/b00.png (b, train)\n");
    cnn_text_release(text);
    expect_in(read_text("out/data_report.csv"), ",copy_other_label copy left_out,\n");
    expect_in(read_text("out/data_report.csv"), ",copy_other_split copy left_out near_copy_other");
    /* what training accepts is not an error */
    assert_int_equal(check("data.test=t", "data.duplicates=allow", &text, &error), CNN_ERROR_DATA);
    cnn_text_release(text);
    assert_int_equal(unlink("d/a/notes.png"), 0);
    test_ok(check("data.test=t", "data.duplicates=allow", &text, &error), &error);
    assert_null(strstr(text, "errors"));
    expect_in(text, "have an exact copy with the other label");
    cnn_text_release(text);
}

/* A picture, changed by `change`, as a file. */
static void write_changed(const char *path, uint64_t seed, int (*change)(int value, int place)) {
    uint8_t pixels[SIDE * SIDE];
    fill_picture(seed, SIDE, SIDE, pixels);
    for (int i = 0; i < SIDE * SIDE; i++) {
        pixels[i] = (uint8_t)change(pixels[i], i);
    }
    write_pixels(path, SIDE, SIDE, pixels);
}

/* The place only adds grey levels. */
static int to_black(int value, int place) {
    return value / 10 + place % 8;
}

static int to_white(int value, int place) {
    return 226 + value / 10 + place % 7;
}

static int to_few_levels(int value, int place) {
    (void)place;
    return value / 64 * 60 + 30;
}

static int to_dark(int value, int place) {
    return value / 5 + place % 16;
}

static int to_bright(int value, int place) {
    return 190 + value / 5 + place % 16;
}

/* Means of nine by nine pixels. */
static void write_blurred(const char *path, uint64_t seed) {
    uint8_t pixels[SIDE * SIDE], blurred[SIDE * SIDE];
    fill_picture(seed, SIDE, SIDE, pixels);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int sum = 0, count = 0;
        for (int j = 0; j < SIDE * SIDE; j++) {
            if (abs(i / SIDE - j / SIDE) <= 4 && abs(i % SIDE - j % SIDE) <= 4) {
                sum += pixels[j];
                count++;
            }
        }
        blurred[i] = (uint8_t)(sum / count);
    }
    write_pixels(path, SIDE, SIDE, blurred);
}

/* Images that show little, and a folder of neither class: each is named, with what was measured. */
static void test_flaws(void **state) {
    (void)state;
    write_classes("d", 15, 1);
    write_changed("d/a/black.png", 501, to_black);
    write_changed("d/a/white.png", 502, to_white);
    write_changed("d/a/few.png", 503, to_few_levels);
    write_changed("d/b/dark.png", 504, to_dark);
    write_changed("d/b/bright.png", 505, to_bright);
    write_blurred("d/b/blurred.png", 506);
    assert_int_equal(mkdir("d/c", 0777), 0);
    assert_int_equal(mkdir("d/d", 0777), 0);
    write_picture("d/c/other.png", 507, SIDE, SIDE, 0);
    char *text;
    cnn_error error = {0};
    test_ok(check("data.classes=[\"a\",\"b\"]", NULL, &text, &error), &error);
    static const char *const lines[] = {
        "  1 of 36 images are nearly black\n    d/a/black.png (a, train): 99 % of its ",
        "  1 of 36 images are nearly white\n    d/a/white.png (a, train): 99 % of its ",
        "  1 of 36 images have few grey levels\n    d/a/few.png (a, train): 4\n",
        "  1 of 36 images are far darker than the rest\n    d/b/dark.png (b, train): mean 2",
        "  1 of 36 images are far brighter than the rest\n    d/b/bright.png (b, train): mean 2",
        "  1 of 36 images are blurred, compared with the rest\n    d/b/blurred.png (b, ",
        "  2 folders of neither class are not used\n    d/c\n    … and 1 more\n",
    };
    for (size_t i = 0; i < TEST_COUNT(lines); i++) {
        expect_in(text, lines[i]);
    }
    cnn_text_release(text);
    const char *table = read_text("out/data_report.csv");
    static const char *const ends[] = {",nearly_black,\n", ",nearly_white,\n", ",few_levels,\n",
                                       ",dark,\n",         ",bright,\n",       ",blurred,\n"};
    for (size_t i = 0; i < TEST_COUNT(ends); i++) {
        expect_in(table, ends[i]);
    }
    expect_in(table, "\nd/a/few.png,a,train,,PNG,grey,40,40,1,");
    /* in another size: the levels are those of the file */
    test_ok(check("data.classes=[\"a\",\"b\"]", "image.width=7", &text, &error), &error);
    expect_in(text, "images have few grey levels\n    d/a/few.png (a, train): 4\n");
    cnn_text_release(text);
}

/* Each of the four numbers alone tells the classes apart if it is made to. */
static void test_shortcuts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int width, height, brighter;
    } cases[] = {{"width", 60, 40, 0}, {"height", 40, 60, 0}, {"brightness", 40, 40, -80}};
    for (size_t k = 0; k < TEST_COUNT(cases); k++) {
        char path[64], line[64];
        write_classes("d", 8, 1);
        for (int i = 0; i < 8; i++) {
            (void)snprintf(path, sizeof path, "d/b/b%02d.png", i);
            write_picture(path, (uint64_t)(101 + i), cases[k].width, cases[k].height,
                          cases[k].brighter);
        }
        char *text;
        cnn_error error = {0};
        test_ok(check(NULL, NULL, &text, &error), &error);
        (void)snprintf(line, sizeof line, "  %s alone tells the classes apart (AUC %s)",
                       cases[k].name, cases[k].brighter ? "0.000" : "1.000");
        expect_in(text, line);
        cnn_text_release(text);
        (void)snprintf(path, sizeof path, "done%zu", k);
        assert_int_equal(rename("d", path), 0);
    }
}

/* Few images show nothing: any number of four and five of them may tell the classes apart by
 * chance. */
static void test_few_for_shortcuts(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        char path[64], *text;
        write_classes("d", 4 + more, 1);
        for (int i = 0; i < 5; i++) {
            (void)snprintf(path, sizeof path, "d/b/b%02d.png", i);
            write_picture(path, (uint64_t)(101 + i), 60, 40, 0);
        }
        cnn_error error = {0};
        test_ok(check(NULL, NULL, &text, &error), &error);
        expect_in(text, "  width              40         60    1.000\n");
        if (!strstr(text, "width alone tells the classes apart") != !more) {
            fail_msg("expected %s shortcut in %s", more ? "a" : "no", text);
        }
        cnn_text_release(text);
        assert_int_equal(rename("d", more ? "more" : "few"), 0);
    }
}

/* No images of a class, or none at all, to train on. */
static void test_missing(void **state) {
    (void)state;
    write_classes("d", 1, 1);
    test_write_text("d/b/b00.png", "no image");
    char *text;
    cnn_error error = {0};
    assert_int_equal(check("data.bad_images=skip", NULL, &text, &error), CNN_ERROR_DATA);
    expect_in(text, "  no training image of \"b\" can be read\n");
    expect_in(text, "  width              40         40        -\n");
    cnn_text_release(text);
    assert_int_equal(check("data.train=nowhere", NULL, &text, &error), CNN_ERROR_DATA);
    assert_null(text);
    expect_in(error.message, "nowhere: expected a folder");
}

static bool stop_at_once(void *user) {
    (void)user;
    return true;
}

/* Stopped while it reads: no report, no table, and a message. */
static void test_stopped(void **state) {
    (void)state;
    write_classes("d", 3, 1);
    char *text;
    cnn_error error = {0};
    cnn_config *config;
    test_ok(check(NULL, NULL, &text, &error), &error); /* leaves cfg.json */
    cnn_text_release(text);
    assert_int_equal(unlink("out/data_report.csv"), 0);
    test_ok(cnn_config_load("cfg.json", NULL, 0, &config, &error), &error);
    cnn_check_data_options options = {.common = {.threads = 2, .should_stop = stop_at_once}};
    assert_int_equal(cnn_check_data(config, &options, &text, &error), CNN_STOPPED);
    assert_null(text);
    assert_string_not_equal(error.message, "");
    assert_int_equal(access("out/data_report.csv", F_OK), -1);
    cnn_config_free(config);
}

/* A shape that cannot be resized to the network's size is refused, as in training. */
static void test_extreme_shape(void **state) {
    (void)state;
    enum { LONG = 1 << 24 };
    uint8_t *line = cnn_alloc(LONG, 1);
    assert_non_null(line);
    FILE *file = fopen("line.pgm", "wb");
    assert_non_null(file);
    assert_true(fprintf(file, "P5 %d 1 255\n", LONG) > 0);
    assert_int_equal(fwrite(line, 1, LONG, file), LONG);
    assert_int_equal(fclose(file), 0);
    cnn_free(line);
    cnn_image_facts facts;
    cnn_error error;
    cnn_image_settings as = {.width = 80, .height = 80, .channels = 1, .max_megapixels = 64};
    uint8_t pixels[80 * 80];
    assert_int_equal(cnn_image_load("line.pgm", &as, NULL, pixels, NULL, &error), CNN_ERROR_DATA);
    assert_int_equal(cnn_image_facts_read("line.pgm", &as, NULL, NULL, &facts, &error),
                     CNN_ERROR_DATA);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_folder_enter, test_folder_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_facts),
        TEST(test_extensions),
        TEST(test_frequencies),
        TEST(test_perceptual_hash),
        TEST(test_search),
        TEST(test_search_bands),
        TEST(test_clean),
        TEST(test_everything),
        TEST(test_flaws),
        TEST(test_shortcuts),
        TEST(test_few_for_shortcuts),
        TEST(test_missing),
        TEST(test_stopped),
        TEST(test_extreme_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
