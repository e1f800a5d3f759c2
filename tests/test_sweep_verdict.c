/* What is said about the results of a sweep: choice, words and shares follow from made-up rows. */
#include "test_support.h"

#include "run/sweep_set.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char config_text[] =
    "{\"data\": {\"train\": \"images\"}, \"image\": {\"width\": 12, \"height\": 12, \"channels\": "
    "1},\n"
    "\"layers\": [{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, "
    "{\"type\": \"sigmoid\"}]}";

/* A set without directories. Free with close_set. */
static cnn_sweep_set open_set(const char *sweep, const char *metric) {
    char override[80];
    const char *const overrides[] = {override};
    cnn_sweep_set set = {0};
    cnn_error error;
    (void)snprintf(override, sizeof override, "train.early_stopping.metric=%s", metric);
    test_ok(cnn_config_parse("cfg.json", config_text, strlen(config_text), overrides, 1, &set.base,
                             &error),
            &error);
    test_ok(cnn_sweep_parse("sweep.json", sweep, strlen(sweep), &set.sweep, &error), &error);
    return set;
}

static void close_set(cnn_sweep_set *set) {
    cnn_config_free(set->base);
    cnn_sweep_free(set->sweep);
}

/* --- the choice and the next one --- */

/* rows[count] with these results; NaN: not finished. */
static void fill(cnn_sweep_row *rows, cnn_metric_id metric, const double *results, int count) {
    for (int i = 0; i < count; i++) {
        rows[i] =
            (cnn_sweep_row){.state = isnan(results[i]) ? CNN_SWEEP_ENDED : CNN_SWEEP_FINISHED};
        rows[i].metrics[metric] = results[i];
    }
}

static void test_next(void **state) {
    (void)state;
    cnn_sweep_row rows[6];
    cnn_sweep_set set =
        open_set("{\"grid\": {\"train.epochs\": [1, 2, 3]}, \"seeds\": [1, 2]}", "val_loss");
    fill(rows, CNN_METRIC_loss, (const double[]){0.3, 0.5, 0.1, (double)NAN, 0.2, 0.1}, 6);
    cnn_sweep_choice choice = cnn_sweep_choose(set.sweep, rows, CNN_METRIC_loss);
    assert_int_equal(choice.point, 3); /* the best of those that have finished with all seeds */
    assert_int_equal(choice.member, 6);
    assert_int_equal(choice.next, 1); /* not 2, which has one seed */
    fill(rows, CNN_METRIC_auc, (const double[]){0.3, 0.5, 0.1, 0.8, 0.2, 0.1}, 6);
    choice = cnn_sweep_choose(set.sweep, rows, CNN_METRIC_auc);
    assert_int_equal(choice.point, 2);
    assert_int_equal(choice.member, 4);
    assert_int_equal(choice.next, 1);
    const double none = (double)NAN;
    fill(rows, CNN_METRIC_auc, (const double[]){none, none, none, 0.8, none, none}, 6);
    choice = cnn_sweep_choose(set.sweep, rows, CNN_METRIC_auc);
    assert_int_equal(choice.member, 4);
    assert_int_equal(choice.next, 0);
    close_set(&set);
}

/* --- words --- */

/* Is `expected` a part of what is said about this comparison of run 2 with run 1? */
static void check_words(const char *metric, cnn_sweep_comparison found, const char *expected) {
    cnn_text text = {0};
    cnn_sweep_comparison comparisons[3] = {found};
    cnn_sweep_set set = open_set("{\"grid\": {\"train.epochs\": [1, 2, 3]}}", metric);
    const cnn_sweep_findings findings = {.choice = {.member = 2, .point = 2, .next = 1},
                                         .comparisons = comparisons};
    cnn_sweep_describe_next(&set, &findings, &text);
    assert_false(text.failed);
    if (!strstr(text.data, expected)) {
        fail_msg("expected \"%s\" in \"%s\"", expected, text.data);
    }
    cnn_text_free(&text);
    close_set(&set);
}

static void test_words(void **state) {
    (void)state;
    cnn_sweep_comparison found = {.cells = 100,
                                  .seeds = 1,
                                  .difference = 0.25,
                                  .standard_error = 0.02,
                                  .p = 1e-8,
                                  .adjusted_p = 2e-8};
    check_words("val_recall", found, "run 2 is better than run 1, the next by recall. ");
    check_words("val_recall", found,
                "its recall is 0.2500 greater, standard error 0.0200, "
                "p = 2e-08, corrected for the choice among 3 combinations.");
    check_words("val_loss", found, "its log loss is 0.2500 smaller, ");
    check_words("val_f1", found,
                "chosen by F1, compared by log loss, because differences in F1 "
                "are not tested: run 2 has a smaller log loss than run 1, the "
                "next by F1. ");
    check_words("val_f1", found, " With one seed, these are two trained models ");
    found.difference = -0.25;
    check_words("val_f1", found, ": run 2 has a greater log loss than run 1, ");
    check_words("val_f1", found, "its log loss is 0.2500 greater, ");
    check_words("val_auc", found, "run 2 is worse than run 1, the next by ROC AUC. ");
    found.adjusted_p = 0.05;
    check_words("val_f1", found, ": run 2 is not shown to differ in log loss from run 1, ");
    found.difference = 0.25;
    check_words("val_auc", found, "run 2 is not shown to be better than run 1, ");
    found.difference = 0.0;
    check_words("val_auc", found, ", its ROC AUC is the same, standard error 0.0200, ");
    found = (cnn_sweep_comparison){.other_images = true};
    check_words("val_auc", found,
                "run 2 cannot be compared with run 1, the next by ROC AUC: they "
                "have other validation images.");
    found.other_images = false;
    check_words("val_auc", found, "no seed has finished in both, or a class has fewer than two");
}

/* --- keys --- */

/* The shares of the first key. */
static cnn_sweep_key_share first_share(const char *sweep, const double *results) {
    cnn_sweep_row rows[12];
    cnn_sweep_key_share shares[CNN_SWEEP_KEYS_MAX];
    cnn_error error;
    cnn_sweep_set set = open_set(sweep, "val_loss");
    assert_true(set.sweep->members <= 12);
    fill(rows, CNN_METRIC_loss, results, set.sweep->members);
    test_ok(cnn_sweep_key_shares(&set, rows, shares, &error), &error);
    close_set(&set);
    return shares[0];
}

#define TWO_BY_THREE "{\"grid\": {\"train.epochs\": [1, 2], \"train.batch_size\": [1, 2, 3]}}"

static void test_shares(void **state) {
    (void)state;
    const double none = (double)NAN;
    /* ranks 1 2 3 against 4 5 6: H = 27 / 7, (H - 1) / 4; F = 13.5, of 1 and 4 degrees of freedom:
     * p by SciPy, stats.f.sf(13.5, 1, 4) */
    cnn_sweep_key_share share = first_share(TWO_BY_THREE, (double[]){1, 2, 3, 4, 5, 6});
    test_near("share", 0, share.share, (27.0 / 7.0 - 1.0) / 4.0, 1e-12);
    test_near("p", 0, share.p, 0.0213116, 1e-7);
    /* ranks 1 4 5 against 2 3 6: less than chance gives */
    share = first_share(TWO_BY_THREE, (double[]){1, 4, 5, 2, 3, 6});
    test_near("share", 1, share.share, 0.0, 0.0);
    assert_true(share.p > 0.5);
    /* one result of each value says nothing; with seeds, it does */
    share = first_share("{\"grid\": {\"train.epochs\": [1, 2, 3]}}", (double[]){3, 1, 2});
    assert_true(isnan(share.share) && share.values == 3 && share.results == 3);
    share = first_share("{\"grid\": {\"train.epochs\": [1, 2, 3]}, \"seeds\": [1, 2]}",
                        (double[]){1, 2, 3, 4, 5, 6});
    test_near("share", 2, share.share, (32.0 / 7.0 - 2.0) / 3.0, 1e-12);
    share = first_share("{\"grid\": {\"train.epochs\": [1, 2, 3]}, \"seeds\": [1, 2]}",
                        (double[]){1, 2, none, none, none, none});
    assert_true(isnan(share.share) && share.values == 1);
    share = first_share(TWO_BY_THREE, (double[]){1, 1, 1, 1, 1, 1});
    assert_true(isnan(share.share) && isnan(share.p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
