/* How images are divided into folds: every class evenly, units undivided, depending only on seed,
 * content and group. */
#include "test_support.h"

#include "samples/folds.h"

#include <stdio.h>
#include <string.h>

#define SEEDS 20
#define MOST 400 /* samples of a test */

static char *const classes[2] = {(char[]){"good"}, (char[]){"bad"}};
static cnn_error folds_error;

/* `zeros` images of class 0 and `ones` of class 1, all different. */
static void make_samples(cnn_sample *samples, size_t zeros, size_t ones) {
    uint64_t random = 7;
    for (size_t i = 0; i < zeros + ones; i++) {
        samples[i] = (cnn_sample){.path = (char[]){"x"},
                                  .label = i >= zeros,
                                  .content = (uint64_t)test_random(&random, 0, 9e15)};
    }
}

static cnn_status assign(const cnn_sample *samples, size_t count, int folds, uint64_t seed,
                         int *fold) {
    folds_error = (cnn_error){0};
    return cnn_folds_assign(samples, count, folds, seed, classes, "photos", fold, &folds_error);
}

static void refuse(const cnn_sample *samples, size_t count, int folds, const char *message) {
    int fold[MOST];
    assert_int_equal(assign(samples, count, folds, 1, fold), CNN_ERROR_DATA);
    if (!strstr(folds_error.message, message)) {
        fail_msg("expected \"%s\" in \"%s\"", message, folds_error.message);
    }
}

/* images[label] of one fold; label 2: of both. */
static size_t images_of(const cnn_sample *samples, const int *fold, size_t count, int of,
                        int label) {
    size_t images = 0;
    for (size_t i = 0; i < count; i++) {
        images += fold[i] == of && (label == 2 || samples[i].label == label);
    }
    return images;
}

/* The numbers of a class, or of all images, in two folds differ by at most this. */
static void check_even(const cnn_sample *samples, const int *fold, size_t count, int folds,
                       int label, size_t bound) {
    size_t least = count, most = 0;
    for (int f = 0; f < folds; f++) {
        size_t images = images_of(samples, fold, count, f, label);
        least = images < least ? images : least;
        most = images > most ? images : most;
    }
    if (most - least > bound) {
        fail_msg("class %d: folds of %zu to %zu images, expected within %zu", label, least, most,
                 bound);
    }
}

/* Without groups and copies, classes and folds are as even as integers allow. */
static void test_even(void **state) {
    (void)state;
    static const struct {
        size_t zeros, ones;
        int folds;
    } cases[] = {{50, 50, 5}, {98, 155, 5}, {53, 7, 3}, {11, 11, 10}, {2, 2, 2}, {300, 13, 13}};
    cnn_sample samples[MOST];
    int fold[MOST];
    for (size_t k = 0; k < TEST_COUNT(cases); k++) {
        size_t count = cases[k].zeros + cases[k].ones;
        make_samples(samples, cases[k].zeros, cases[k].ones);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_ok(assign(samples, count, cases[k].folds, seed, fold), &folds_error);
            assert_int_equal(images_of(samples, fold, count, -1, 2), 0);
            for (int label = 0; label <= 2; label++) {
                check_even(samples, fold, count, cases[k].folds, label, 1);
            }
        }
    }
}

/* Copies and groups stay together, chains of both, too; the folds are even within the largest. */
static void test_units(void **state) {
    (void)state;
    enum { COUNT = 240, FOLDS = 5 };
    static char groups[COUNT][8];
    cnn_sample samples[COUNT];
    int fold[COUNT];
    make_samples(samples, COUNT / 2, COUNT / 2);
    for (int i = 0; i < COUNT; i++) { /* units of 6: 0=1 and 4=5 by content, 1-2-3-4 by group */
        if (i % 6 == 1 || i % 6 == 5) {
            samples[i].content = samples[i - 1].content;
        }
        if (i % 6 >= 1 && i % 6 <= 4) {
            (void)snprintf(groups[i], sizeof groups[i], "g%d", i / 6);
            samples[i].group = groups[i];
        }
    }
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_ok(assign(samples, COUNT, FOLDS, seed, fold), &folds_error);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(fold[i], fold[i / 6 * 6]);
        }
        check_even(samples, fold, COUNT, FOLDS, 0, 6);
        check_even(samples, fold, COUNT, FOLDS, 1, 6);
    }
}

/* Groups of very different sizes, some with both classes: a large one comes first, and small ones
 * even out the rest. */
static void test_large_groups(void **state) {
    (void)state;
    enum { COUNT = 200, FOLDS = 4 };
    static char groups[COUNT][8];
    cnn_sample samples[COUNT];
    int fold[COUNT];
    make_samples(samples, COUNT / 2, COUNT / 2);
    for (int i = 0; i < COUNT; i++) { /* 20 of each class; 10 of class 0; 4 of both; … */
        int in_class = i % (COUNT / 2);
        const char *name = in_class < 20                       ? "both"
                           : i < COUNT / 2 && in_class < 30    ? "ten"
                           : in_class < 36 && in_class % 6 < 2 ? "few"
                                                               : NULL;
        if (name) {
            (void)snprintf(groups[i], sizeof groups[i], "%s", name);
            samples[i].group = groups[i];
        }
    }
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_ok(assign(samples, COUNT, FOLDS, seed, fold), &folds_error);
        for (int i = 0; i < COUNT; i++) {
            for (int j = 0; j < i; j++) {
                bool together = samples[i].group && samples[j].group &&
                                strcmp(samples[i].group, samples[j].group) == 0;
                assert_true(!together || fold[i] == fold[j]);
            }
        }
        for (int label = 0; label <= 2; label++) {
            check_even(samples, fold, COUNT, FOLDS, label, 1);
        }
    }
}

/* The seed matters; names and order do not. Images of other splits are in no fold. */
static void test_membership(void **state) {
    (void)state;
    enum { COUNT = 60 };
    cnn_sample samples[COUNT], reversed[COUNT];
    int fold[COUNT], back[COUNT], last[COUNT] = {0};
    make_samples(samples, COUNT / 2, COUNT / 2);
    samples[3].split = CNN_SPLIT_TEST;
    samples[40].split = CNN_SPLIT_VALIDATION;
    size_t moved = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_ok(assign(samples, COUNT, 3, seed, fold), &folds_error);
        for (int i = 0; i < COUNT; i++) {
            reversed[COUNT - 1 - i] = samples[i];
            reversed[COUNT - 1 - i].path = (char[]){"renamed"};
            assert_int_equal(fold[i] == -1, i == 3 || i == 40);
            moved += seed > 0 && fold[i] != last[i];
            last[i] = fold[i];
        }
        test_ok(assign(reversed, COUNT, 3, seed, back), &folds_error);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(fold[i], back[COUNT - 1 - i]);
        }
    }
    assert_in_range(moved, 500, 1000); /* two thirds of 19 × 58 are 735 */
}

static void test_refused(void **state) {
    (void)state;
    cnn_sample samples[MOST];
    make_samples(samples, 20, 4);
    refuse(samples, 24, 5, "photos: --folds 5: expected at least 5 images");
    refuse(samples, 24, 5, "found 4 of \"bad\"");
    samples[23].content = samples[22].content; /* copies count once */
    refuse(samples, 24, 4, "found 3 of \"bad\"");
    make_samples(samples, 20, 0);
    refuse(samples, 20, 2, "found 0 of \"bad\"");
    /* groups of 30 good; 60 bad; twice 5 good and 1 bad: enough for three folds, but one fold would
     * lack a class */
    make_samples(samples, 40, 62);
    static char names[][2] = {"g", "m", "n", "b"};
    for (int i = 0; i < 102; i++) {
        samples[i].group = names[i < 30 ? 0 : i < 42 ? 1 + i % 2 : 3];
    }
    refuse(samples, 102, 3, "has no image of \"bad\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even),         cmocka_unit_test(test_units),
        cmocka_unit_test(test_large_groups), cmocka_unit_test(test_membership),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
