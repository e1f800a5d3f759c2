/* How many epochs fit into a budget: made-up speeds, no clock. */
#include "test_support.h"

#include "run/epoch_budget.h"

#include <math.h>

/* An epoch takes 100 × 0.02 + 50 × 0.002 + 0.4 = 2.5 s. After the last one come two passes over the
 * validation images, one over 20 test images and 30 training images (150 × 0.002 s), the intervals
 * of 70 images (0.7 s), three models and the files: 0.3 + 0.7 + 0.3 + 0.4 = 1.7 s. */
static const cnn_run_speed speed = {
    .step = 0.02, .forward = 0.002, .intervals = 0.01, .model = 0.1, .files = 0.4};
static const cnn_run_work work = {
    .batches = 100, .validation = 50, .test = 20, .compared = 30, .tunes = true};

static int64_t fit(double seconds, double spent) {
    return cnn_budget_epochs(&speed, &work, seconds, spent, 1000);
}

static void near(double a, double b) {
    if (!(fabs(a - b) < 1e-9)) {
        fail_msg("expected %.12g, got %.12g", b, a);
    }
}

static void parts_add_up(void **state) {
    (void)state;
    cnn_run_work other = work;
    near(cnn_budget_epoch(&speed, &work), 2.5);
    near(cnn_budget_end(&speed, &work), 0.5 + 1.7);
    other.tunes = false; /* a pass less over the validation images */
    near(cnn_budget_end(&speed, &other), 0.5 + 1.7 - 50 * 0.002);
    other.gathered = true; /* the test images again: a pass, and two measurements */
    near(cnn_budget_end(&speed, &other), 0.5 + 1.6 + 20 * (0.002 + 2 * 0.01));
    other.validation = other.test = 0;
    near(cnn_budget_epoch(&speed, &other), 2.4);
    near(cnn_budget_end(&speed, &other), 0.4 + 30 * 0.002 + 0.7);
}

static void the_last_epoch_ends_in_time(void **state) {
    (void)state;
    /* nine tenths of the budget: ten epochs and what comes before and after them */
    double seconds = (10 * 2.5 + 1.7 + 3.0) / 0.9;
    assert_int_equal(fit(seconds + 1e-6, 3.0), 10);
    assert_int_equal(fit(seconds - 1e-6, 3.0), 9);
    assert_int_equal(fit(seconds, 3.0 + 1e-6), 9);
    assert_int_equal(fit(seconds, 3.0 + 2.5 * 9 + 1e-6), 0);
    assert_int_equal(fit(seconds, 3.0 + 2.5 * 9 - 1e-6), 1);
    for (int tenths = 10; tenths < 20000; tenths += 7) {
        double budget = tenths / 10.0;
        int64_t epochs = fit(budget, 1.0);
        assert_true(epochs == 0 || 1.0 + (double)epochs * 2.5 + 1.7 <= 0.9 * budget);
        assert_true(1.0 + (double)(epochs + 1) * 2.5 + 1.7 > 0.9 * budget);
    }
}

static void the_limit_is_kept(void **state) {
    (void)state;
    assert_int_equal(cnn_budget_epochs(&speed, &work, 60.0, 0.0, 20), 20);
    assert_int_equal(cnn_budget_epochs(&speed, &work, 60.0, 0.0, 21), 20);
    assert_int_equal(cnn_budget_epochs(&speed, &work, 6e7, 0.0, 1000000), 1000000);
    assert_int_equal(cnn_budget_epochs(&speed, &work, 60.0, 0.0, 1), 1);
}

/* Parts that a clock cannot see, or that never end. */
static void extremes_are_numbers(void **state) {
    (void)state;
    const cnn_run_speed none = {0};
    const cnn_run_speed endless = {.step = 1e300};
    assert_int_equal(cnn_budget_epochs(&none, &work, 1.0, 0.0, 1000000), 1000000);
    assert_int_equal(cnn_budget_epochs(&none, &work, 1.0, 0.9, 1000000), 0);
    assert_int_equal(cnn_budget_epochs(&none, &work, 1.0, 2.0, 1000000), 0);
    assert_int_equal(cnn_budget_epochs(&endless, &work, 6e7, 0.0, 10), 0);
    assert_int_equal(fit(1e-6, 0.0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(the_last_epoch_ends_in_time),
        cmocka_unit_test(the_limit_is_kept),
        cmocka_unit_test(extremes_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
