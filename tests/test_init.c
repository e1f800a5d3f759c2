/* The recipe of --init: its configs for made-up surveys, without folders. */
#include "test_support.h"

#include "base/memory.h"
#include "inspect/recipe.h"

#include <math.h>
#include <string.h>

/* A survey of as many images of either class, all in grey or all in colour, of one size. */
static cnn_survey survey_of(size_t negative, size_t positive, int width, int height, bool colour) {
    static char train[] = "photos", zero[] = "bad \"one\"", one[] = "good";
    return (cnn_survey){.layout = {.train = train},
                        .classes = {zero, one},
                        .images = {[CNN_SPLIT_TRAIN] = {negative, positive}},
                        .readable = negative + positive,
                        .colour = colour ? negative + positive : 0,
                        .width = width,
                        .height = height};
}

static cnn_config *make(const cnn_survey *survey, cnn_recipe_budget *budget) {
    cnn_config *config;
    cnn_error error;
    assert_int_equal(cnn_recipe_make(survey, NULL, "runs/photos", 0.0, &config, budget, &error),
                     CNN_OK);
    return config;
}

/* Every size gives a network: those of the recipe's bounds, and extremes. */
static void sizes_are_understood(void **state) {
    (void)state;
    static const struct {
        int width, height, seen_width, seen_height;
    } cases[] = {{28, 28, 28, 28},     {40, 20, 40, 20},    {1, 1, 8, 8},     {40, 3, 40, 8},
                 {41, 2, 64, 64},      {80, 80, 64, 64},    {81, 81, 96, 96}, {128, 30, 96, 96},
                 {129, 129, 192, 192}, {1, 4096, 192, 192}, {64, 48, 64, 64}, {30000, 2, 192, 192},
                 {500, 375, 192, 192}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int colour = 0; colour < 2; colour++) {
            cnn_survey survey = survey_of(300, 200, cases[i].width, cases[i].height, colour);
            cnn_recipe_budget budget;
            cnn_config *config = make(&survey, &budget);
            assert_int_equal(config->image.width, cases[i].seen_width);
            assert_int_equal(config->image.height, cases[i].seen_height);
            assert_int_equal(config->image.channels, colour ? 3 : 1);
            assert_true(colour || config->augment.saturation <= 0.0);
            cnn_config_free(config);
        }
    }
}

/* Settings that depend on counts. */
static void counts_are_obeyed(void **state) {
    (void)state;
    static const struct {
        size_t negative, positive;
        double validation;
        bool balanced;
    } cases[] = {{500, 500, 0.1, false},   {500, 499, 0.15, false}, {1, 1, 0.15, false},
                 {300, 100, 0.15, false},  {301, 100, 0.15, true},  {1000, 3001, 0.1, true},
                 {3000, 2000, 0.1, false}, {3000, 2001, 0.1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_survey survey = survey_of(cases[i].negative, cases[i].positive, 28, 28, false);
        cnn_recipe_budget budget;
        cnn_config *config = make(&survey, &budget);
        assert_true(fabs(config->data.validation.fraction - cases[i].validation) < 1e-12);
        assert_int_equal(config->train.pos_weight.text != NULL, cases[i].balanced);
        assert_int_equal(config->train.batch_size,
                         cases[i].negative + cases[i].positive > 5000 ? 64 : 32);
        assert_int_equal(config->data.bad_images, CNN_BAD_IMAGES_FAIL);
        assert_int_equal(config->data.duplicates, CNN_DUPLICATES_DROP);
        cnn_config_free(config);
    }
}

/* The filters of the first stage tell the networks of the recipe apart. */
static int first_filters(const cnn_config *config) {
    return config->network.layers[0].value[0];
}

/* The time agrees with its figures, is about five minutes, and gives enough epochs; the network's
 * operations, counted by hand: 2 a multiply-add of conv and dense are most of them. */
static void time_follows_from_figures(void **state) {
    (void)state;
    static const struct {
        size_t each;
        int filters;
        int residuals; /* in the last stages */
    } cases[] = {{50, 32, 2},    {500, 32, 2},   {5000, 32, 2},
                 {20000, 16, 2}, {100000, 8, 1}, {2000000, 8, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t each = cases[i].each;
        cnn_survey survey = survey_of(each, each, 28, 28, false);
        cnn_recipe_budget budget;
        cnn_config *config = make(&survey, &budget);
        double f = cases[i].filters, residual = 2.0 * 9.0 * f * f;
        double by_hand = 28 * 28 * f * 9 + 14 * 14 * 2 * f * f * 9 + 7 * 7 * 8 * f * f * 9 +
                         7 * 7 * 16 * residual +
                         (cases[i].residuals == 2 ? 14 * 14 * 4 * residual : 0);
        size_t kept = (size_t)ceil((double)(2 * each) * (each < 500 ? 0.85 : 0.9));
        assert_int_equal(first_filters(config), cases[i].filters);
        assert_int_equal(budget.images, kept);
        assert_true(budget.flops > 6.0 * by_hand && budget.flops < 6.5 * by_hand);
        double seconds = (double)config->train.epochs * (double)kept * budget.flops / budget.rate;
        assert_true(fabs(budget.seconds - seconds) <= 1e-9 * seconds);
        assert_in_range(config->train.epochs, 20, 150);
        assert_true(budget.seconds <= 300.0 || config->train.epochs == 20);
        assert_true(budget.seconds > 270.0 || config->train.epochs == 150);
        cnn_config_free(config);
    }
}

/* Larger images, and more of them, get a network that leaves time for enough epochs. */
static void networks_fit_the_time(void **state) {
    (void)state;
    static const struct {
        size_t each;
        int size, seen, filters;
    } cases[] = {{100, 300, 192, 16}, {2000, 300, 192, 16}, {5000, 300, 128, 16},
                 {15000, 300, 64, 8}, {200000, 300, 32, 8}, {1000, 100, 96, 16},
                 {5000, 100, 64, 16}, {18000, 100, 64, 8},  {1000, 60, 64, 16},
                 {15000, 60, 64, 8},  {200000, 60, 32, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_survey survey =
            survey_of(cases[i].each, cases[i].each, cases[i].size, cases[i].size, true);
        cnn_recipe_budget budget;
        cnn_config *config = make(&survey, &budget);
        assert_int_equal(config->image.width, cases[i].seen);
        assert_int_equal(first_filters(config), cases[i].filters);
        assert_true(config->train.epochs >= 20);
        assert_true(budget.seconds <= 300.0 || cases[i].each == 200000);
        cnn_config_free(config);
    }
}

/* With a time, the config has it, and the most epochs of the recipe, however many images there are.
 */
static void minutes_are_kept(void **state) {
    (void)state;
    for (size_t each = 50; each < 200000; each *= 50) {
        cnn_survey survey = survey_of(each, each, 28, 28, false);
        cnn_recipe_budget budget;
        cnn_config *config;
        cnn_error error;
        assert_int_equal(
            cnn_recipe_make(&survey, NULL, "runs/photos", 2.5, &config, &budget, &error), CNN_OK);
        assert_true(fabs(config->train.minutes - 2.5) < 1e-12);
        assert_true(fabs(budget.minutes - 2.5) < 1e-12);
        assert_int_equal(config->train.epochs, 150);
        cnn_config_free(config);
    }
}

/* More minutes give a larger network, fewer a smaller one. */
static void minutes_choose_the_network(void **state) {
    (void)state;
    static const struct {
        double minutes;
        int filters;
    } cases[] = {{0.2, 8}, {2, 16}, {6, 32}, {60, 64}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_survey survey = survey_of(5000, 5000, 32, 32, true);
        cnn_recipe_budget budget;
        cnn_config *config;
        cnn_error error;
        assert_int_equal(cnn_recipe_make(&survey, NULL, "runs/photos", cases[i].minutes, &config,
                                         &budget, &error),
                         CNN_OK);
        assert_int_equal(first_filters(config), cases[i].filters);
        cnn_config_free(config);
    }
}

/* The network sees colour if a twentieth of the images has it. */
static void few_colours_are_grey(void **state) {
    (void)state;
    cnn_survey survey = survey_of(100, 100, 300, 300, false);
    for (size_t colour = 8; colour < 13; colour++) {
        survey.colour = colour;
        cnn_recipe_budget budget;
        cnn_config *config = make(&survey, &budget);
        assert_int_equal(config->image.channels, colour >= 10 ? 3 : 1);
        cnn_config_free(config);
    }
}

/* Large images in grey keep their light and size, photographs in colour do not; small images change
 * alike in both. */
static void colour_decides_the_changes(void **state) {
    (void)state;
    static const struct {
        int size;
        bool colour, changes_light;
        double shift, rotate, zoom, cutout;
    } cases[] = {{32, true, false, 0.1, 0, 0, 0.25},  {32, false, false, 0.1, 0, 0, 0.25},
                 {64, true, true, 0.1, 10, 0.15, 0},  {64, false, false, 0.05, 0, 0, 0},
                 {300, true, true, 0.1, 10, 0.15, 0}, {300, false, false, 0.05, 0, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_survey survey = survey_of(100, 100, cases[i].size, cases[i].size, cases[i].colour);
        cnn_recipe_budget budget;
        cnn_config *config = make(&survey, &budget);
        const cnn_augment_settings *made = &config->augment;
        assert_true(made->flip_horizontal);
        assert_true(made->shift == cases[i].shift && made->rotate == cases[i].rotate);
        assert_true(made->zoom == cases[i].zoom && made->cutout == cases[i].cutout);
        assert_int_equal(made->brightness > 0.0, cases[i].changes_light);
        assert_int_equal(made->contrast > 0.0, cases[i].changes_light);
        assert_int_equal(made->saturation > 0.0, cases[i].changes_light);
        cnn_config_free(config);
    }
}

/* Paths, names and settings for the warnings of the survey are in the config. */
static void findings_are_kept(void **state) {
    (void)state;
    char validation[] = "photos\\val", test[] = "té\"st";
    cnn_survey survey = survey_of(400, 100, 500, 375, true);
    survey.layout.validation = validation;
    survey.layout.test = test;
    survey.images[CNN_SPLIT_VALIDATION][0] = 10;
    survey.unreadable = 1;
    survey.two_splits = 2;
    cnn_recipe_budget budget;
    cnn_config *config = make(&survey, &budget);
    assert_string_equal(config->data.train, "photos");
    assert_string_equal(config->data.validation.path, validation);
    assert_string_equal(config->data.test, test);
    assert_string_equal(config->data.classes[0], "bad \"one\"");
    assert_string_equal(config->output, "runs/photos");
    assert_int_equal(config->data.bad_images, CNN_BAD_IMAGES_SKIP);
    assert_int_equal(config->data.duplicates, CNN_DUPLICATES_DROP);
    assert_int_equal(budget.images, 500);
    cnn_config_free(config);
}

/* Which images --init mentions pretrained networks for. */
static void large_images_want_a_start(void **state) {
    (void)state;
    static const struct {
        int width, height;
        bool colour, expected;
    } cases[] = {{128, 128, true, true},
                 {127, 500, true, false},
                 {500, 127, true, false},
                 {500, 375, false, true},
                 {28, 28, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_survey survey = survey_of(9, 9, cases[i].width, cases[i].height, cases[i].colour);
        assert_int_equal(cnn_recipe_wants_pretrained(&survey), cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_understood),      cmocka_unit_test(counts_are_obeyed),
        cmocka_unit_test(time_follows_from_figures), cmocka_unit_test(networks_fit_the_time),
        cmocka_unit_test(few_colours_are_grey),      cmocka_unit_test(colour_decides_the_changes),
        cmocka_unit_test(minutes_are_kept),          cmocka_unit_test(minutes_choose_the_network),
        cmocka_unit_test(findings_are_kept),         cmocka_unit_test(large_images_want_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
