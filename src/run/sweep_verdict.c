/* What a sweep shows, in words, for the log and the page: is the chosen combination better than the
 * next one? Are all judged by the same images? */
#include "run/sweep_set.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

/* --- the next one --- */

cnn_sweep_shown cnn_sweep_what_is_shown(const cnn_sweep_comparison *found) {
    static const double level = 0.05;
    if (!(found->adjusted_p < level)) { /* or NaN */
        return CNN_SWEEP_SHOWS_NOTHING;
    }
    return found->difference > 0.0 ? CNN_SWEEP_SHOWS_BETTER : CNN_SWEEP_SHOWS_WORSE;
}

/* "run 3", "runs 5 and 6", "runs 5 to 7" */
static void add_runs(const cnn_sweep *sweep, int point, cnn_text *text) {
    int first = (point - 1) * sweep->seeds + 1;
    if (sweep->seeds > 1) {
        cnn_text_format(text, "runs %d %s %d", first, sweep->seeds == 2 ? "and" : "to",
                        first + sweep->seeds - 1);
    } else {
        cnn_text_format(text, "run %d", first);
    }
}

static void add_claim(const cnn_sweep_set *set, const cnn_sweep_choice *choice,
                      const cnn_sweep_comparison *found, cnn_text *text) {
    /* by the metric itself, one or several runs; by log loss in its place, the same */
    static const char *const claims[][2][2] = {
        [CNN_SWEEP_SHOWS_NOTHING] = {{"is not shown to be better than",
                                      "are not shown to be better than"},
                                     {"is not shown to differ in log loss from",
                                      "are not shown to differ in log loss from"}},
        [CNN_SWEEP_SHOWS_BETTER] = {{"is better than", "are better than"},
                                    {"has a smaller log loss than",
                                     "have a smaller log loss than"}},
        [CNN_SWEEP_SHOWS_WORSE] = {{"is worse than", "are worse than"},
                                   {"has a greater log loss than", "have a greater log loss than"}},
    };
    const cnn_metric_id metric = set->base->train.early_stopping.metric;
    const char *name = cnn_metric_table[metric].text;
    const bool other = cnn_sweep_compared(metric) != metric;
    if (other) {
        cnn_text_format(text,
                        "chosen by %s, compared by log loss, because differences in %s are not "
                        "tested: ",
                        name, name);
    }
    add_runs(set->sweep, choice->point, text);
    cnn_text_format(text, " %s ",
                    claims[cnn_sweep_what_is_shown(found)][other][set->sweep->seeds > 1]);
    add_runs(set->sweep, choice->next, text);
    cnn_text_format(text, ", the next by %s", name);
}

static void add_numbers(const cnn_sweep_set *set, const cnn_sweep_comparison *found,
                        cnn_text *text) {
    const cnn_metric *metric =
        &cnn_metric_table[cnn_sweep_compared(set->base->train.early_stopping.metric)];
    const bool greater = (found->difference > 0.0) == metric->more_is_better;
    cnn_text_format(text, ". On the same validation images%s, %s %s is ",
                    found->seeds > 1 ? " and with the same seeds" : "",
                    set->sweep->seeds > 1 ? "their" : "its", metric->text);
    if (fabs(found->difference) > 0.0) {
        cnn_text_format(text, "%.4f %s", fabs(found->difference), greater ? "greater" : "smaller");
    } else {
        cnn_text_format(text, "the same");
    }
    cnn_text_format(text,
                    ", standard error %.4f, p = %.3g, corrected for the choice among %d "
                    "combinations.",
                    found->standard_error, found->adjusted_p, set->sweep->points);
    if (found->seeds == 1) {
        cnn_text_format(text, " With one seed, these are two trained models on the same images: "
                              "whether the values are better needs \"seeds\" in the sweep file.");
    }
}

void cnn_sweep_describe_next(const cnn_sweep_set *set, const cnn_sweep_findings *findings,
                             cnn_text *text) {
    const cnn_sweep_choice *choice = &findings->choice;
    if (choice->next == 0) {
        return;
    }
    const cnn_sweep_comparison *found = &findings->comparisons[choice->next - 1];
    if (found->cells > 0) {
        add_claim(set, choice, found, text);
        add_numbers(set, found, text);
        return;
    }
    add_runs(set->sweep, choice->point, text);
    cnn_text_format(text, " cannot be compared with ");
    add_runs(set->sweep, choice->next, text);
    cnn_text_format(text, ", the next by %s: %s.",
                    cnn_metric_table[set->base->train.early_stopping.metric].text,
                    found->other_images ? "they have other validation images"
                                        : "no seed has finished in both, or a class has fewer "
                                          "than two validation images");
}

/* --- the images --- */

void cnn_sweep_describe_images(const cnn_sweep_set *set, const cnn_sweep_findings *findings,
                               cnn_text *text) {
    int count = 0;
    for (int i = 0; i < set->sweep->points; i++) {
        count += findings->comparisons[i].other_images;
    }
    if (count > 0) {
        cnn_text_format(text,
                        "%d of %d combinations have other validation images than the chosen one: "
                        "a better result may be due to easier images, and differences are not "
                        "tested",
                        count, set->sweep->points);
    }
}

/* Do two members have different values of the key? */
static bool differs(const cnn_config *a, const cnn_config *b, const char *key, bool *failed) {
    cnn_text text[2] = {{0}, {0}};
    const cnn_config *const configs[] = {a, b};
    for (int i = 0; i < 2; i++) {
        cnn_json_writer json = cnn_json_writer_start(&text[i], CNN_JSON_COMPACT);
        cnn_config_write_key(configs[i], key, &json);
        *failed = *failed || text[i].failed;
    }
    bool result = !*failed && strcmp(text[0].data, text[1].data) != 0;
    cnn_text_free(&text[0]);
    cnn_text_free(&text[1]);
    return result;
}

/* Does the key differ between runs of different combinations with the same seed? held_back: only
 * where images are held back for validation counts. */
static bool differs_anywhere(const cnn_sweep_set *set, const char *key, bool held_back,
                             bool *failed) {
    for (int i = set->sweep->seeds; i < set->sweep->members; i++) {
        const cnn_config *first = set->configs[i % set->sweep->seeds], *config = set->configs[i];
        if ((!held_back || !config->data.validation.path) && differs(first, config, key, failed)) {
            return true;
        }
    }
    return false;
}

void cnn_sweep_warn_of_images(const cnn_sweep_set *set, cnn_text *text) {
    static const struct {
        const char *name;
        bool held_back;
    } keys[] = {{"data.validation", false},
                {"data.classes", false},
                {"data.duplicates", false},
                {"data.train", true},
                {"train.seed", true}};
    int count = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (differs_anywhere(set, keys[i].name, keys[i].held_back, &text->failed)) {
            cnn_text_format(text, "%s%s", count++ > 0 ? ", " : "", keys[i].name);
        }
    }
    if (count > 0) {
        cnn_text_format(text,
                        " %s between combinations, which may then have different validation "
                        "images: a better result may be due to easier images, and differences are "
                        "not tested; give all the same ones, with data.validation \"FOLDER\"",
                        count > 1 ? "differ" : "differs");
    }
}
