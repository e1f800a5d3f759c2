#include "inspect/data_problems.h"

#include <math.h>

static const struct {
    const char *name; /* in the table */
    const char *text; /* after a number of images; NULL: another finding names them */
} problems[CNN_DATA_PROBLEMS] = {
    [CNN_DATA_UNREADABLE] = {"unreadable", "cannot be read"},
    [CNN_DATA_COPY_OTHER_LABEL] = {"copy_other_label", "have an exact copy with the other label"},
    [CNN_DATA_COPY_OTHER_SPLIT] = {"copy_other_split", "have an exact copy in another split"},
    [CNN_DATA_GROUP_OTHER_SPLIT] = {"group_other_split", "have their group in another split, too"},
    [CNN_DATA_COPY] = {"copy", "are exact copies of an earlier one"},
    [CNN_DATA_LEFT_OUT] = {"left_out", NULL},
    [CNN_DATA_NEAR_COPY_OTHER_LABEL] = {"near_copy_other_label",
                                        "have a near-copy with the other label"},
    [CNN_DATA_NEAR_COPY_OTHER_SPLIT] = {"near_copy_other_split",
                                        "have a near-copy in another split"},
    [CNN_DATA_NEAR_COPY] = {"near_copy", "have a near-copy"},
    [CNN_DATA_CONSTANT] = {"constant", "have one colour all over"},
    [CNN_DATA_SHAPE_IN_ALPHA] = {"shape_in_alpha",
                                 "have one colour, and their shape only in the alpha "
                                 "channel, which the network does not see"},
    [CNN_DATA_SMALL] = {"small", "are smaller than what the network sees"},
    [CNN_DATA_WRONG_EXTENSION] = {"wrong_extension", "are of another format than their name says"},
};

bool cnn_data_report_leaves_out(const cnn_data_report *report, size_t i) {
    return report->config->data.duplicates == CNN_DUPLICATES_DROP &&
           (report->sharing[i].shared & CNN_COPY_LEFT_OUT) != 0;
}

bool cnn_data_problem_is_flaw(cnn_data_problem what) {
    return what >= CNN_DATA_FLAW && what <= CNN_DATA_LAST_FLAW;
}

const char *cnn_data_problem_name(cnn_data_problem what) {
    return cnn_data_problem_is_flaw(what) ? cnn_flaw_table[what - CNN_DATA_FLAW].name
                                          : problems[what].name;
}

const char *cnn_data_problem_text(cnn_data_problem what) {
    return cnn_data_problem_is_flaw(what) ? cnn_flaw_table[what - CNN_DATA_FLAW].text
                                          : problems[what].text;
}

bool cnn_data_problem_needs_pixels(cnn_data_problem what) {
    return what != CNN_DATA_UNREADABLE && what != CNN_DATA_SMALL &&
           what != CNN_DATA_WRONG_EXTENSION;
}

/* An image of one colour is a separate finding. */
static bool has_flaw(const cnn_data_report *report, size_t i, cnn_data_problem what) {
    return (report->flaws[i] >> (what - CNN_DATA_FLAW) & 1) != 0 && !report->facts[i].constant;
}

bool cnn_data_problem_has(const cnn_data_report *report, size_t i, cnn_data_problem what) {
    if (i >= report->readable) {
        return what == CNN_DATA_UNREADABLE;
    }
    const cnn_image_facts *facts = &report->facts[i];
    if (cnn_data_problem_is_flaw(what)) {
        return has_flaw(report, i, what);
    }
    switch (what) {
    case CNN_DATA_COPY_OTHER_LABEL:
        return (report->sharing[i].shared & CNN_COPY_OTHER_LABEL) != 0;
    case CNN_DATA_COPY_OTHER_SPLIT:
        return (report->sharing[i].shared & CNN_COPY_OTHER_SPLIT) != 0;
    case CNN_DATA_GROUP_OTHER_SPLIT:
        return (report->sharing[i].shared & CNN_GROUP_OTHER_SPLIT) != 0;
    case CNN_DATA_COPY:
        return report->sharing[i].first != i;
    case CNN_DATA_LEFT_OUT:
        return cnn_data_report_leaves_out(report, i);
    case CNN_DATA_NEAR_COPY_OTHER_LABEL:
        return report->near[i].other_label;
    case CNN_DATA_NEAR_COPY_OTHER_SPLIT:
        return report->near[i].other_split;
    case CNN_DATA_NEAR_COPY:
        return report->near[i].distance >= 0;
    case CNN_DATA_CONSTANT:
        return facts->constant;
    case CNN_DATA_SHAPE_IN_ALPHA:
        return facts->shape_in_alpha && report->config->image.alpha == CNN_ALPHA_DROP;
    case CNN_DATA_SMALL:
        return facts->width < report->config->image.width ||
               facts->height < report->config->image.height;
    case CNN_DATA_WRONG_EXTENSION:
        return cnn_image_extension_is_wrong(report->list.samples[i].path, facts->format);
    case CNN_DATA_UNREADABLE:
    case CNN_DATA_FLAW:
    case CNN_DATA_LAST_FLAW:
    case CNN_DATA_PROBLEMS:
        break;
    }
    return false;
}

size_t cnn_data_problem_count(const cnn_data_report *report, cnn_data_problem what) {
    size_t count = 0;
    for (size_t i = 0; i < report->list.count; i++) {
        count += cnn_data_problem_has(report, i, what);
    }
    return count;
}

/* --- properties that may tell the classes apart --- */

double cnn_shortcut_value(const cnn_image_facts *facts, cnn_shortcut what) {
    switch (what) {
    case CNN_SHORTCUT_WIDTH:
        return facts->width;
    case CNN_SHORTCUT_HEIGHT:
        return facts->height;
    case CNN_SHORTCUT_FILE_SIZE:
        return (double)facts->file_size;
    case CNN_SHORTCUT_BRIGHTNESS:
    case CNN_SHORTCUTS:
        break;
    }
    return facts->brightness;
}

const char *cnn_shortcut_name(cnn_shortcut what) {
    static const char *const names[CNN_SHORTCUTS] = {"width", "height", "file size", "brightness"};
    return names[what];
}

/* The test of Mann and Whitney 1947: without a difference between the classes, the AUC of m and n
 * images has the variance (m + n + 1) / (12 m n), or less with ties. */
bool cnn_shortcut_is_one(const cnn_data_report *report, cnn_shortcut what) {
    const double auc = report->auc[what];
    double of[2] = {0.0, 0.0};
    for (size_t i = 0; i < report->readable; i++) {
        of[report->list.samples[i].label != 0] += 1.0;
    }
    const double deviation = sqrt((of[0] + of[1] + 1.0) / (12.0 * of[0] * of[1]));
    return fabs(auc - 0.5) >= CNN_SHORTCUT_AUC - 0.5 && /* false for NaN */
           fabs(auc - 0.5) > CNN_SHORTCUT_Z * deviation;
}
