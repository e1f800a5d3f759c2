/* The report of --check-data as text. */
#include "inspect/data_problems.h"

#include <math.h>
#include <string.h>

/* Number of images of a finding that are named. */
#define NAMED 10

/* --- findings --- */

/* Would training refuse data with this problem? */
static bool is_refused(const cnn_data_report *report, cnn_data_problem what) {
    bool copies = what == CNN_DATA_COPY_OTHER_LABEL || what == CNN_DATA_COPY_OTHER_SPLIT;
    return (what == CNN_DATA_UNREADABLE &&
            report->config->data.bad_images == CNN_BAD_IMAGES_FAIL) ||
           (copies && report->config->data.duplicates == CNN_DUPLICATES_ERROR);
}

/* "a.png (dog, train)" */
static void add_sample(const cnn_data_report *report, size_t i, cnn_text *text) {
    const cnn_sample *sample = &report->list.samples[i];
    cnn_text_format(text, "%s (%s, %s)", sample->path, report->classes[sample->label],
                    cnn_split_names[sample->split]);
}

/* Does the line of another image say the same? */
static bool is_in_another_line(const cnn_data_report *report, size_t i, cnn_data_problem what) {
    const cnn_sample *samples = report->list.samples;
    if (what == CNN_DATA_COPY_OTHER_LABEL) { /* the line of each copy that differs from the first
                                                names both */
        return samples[i].label == samples[report->sharing[i].first].label;
    }
    if (what == CNN_DATA_COPY_OTHER_SPLIT) {
        return samples[i].split == samples[report->sharing[i].first].split;
    }
    if (what == CNN_DATA_NEAR_COPY || what == CNN_DATA_NEAR_COPY_OTHER_LABEL ||
        what == CNN_DATA_NEAR_COPY_OTHER_SPLIT) {
        size_t nearest = report->near[i].nearest;
        return nearest < i && report->near[nearest].nearest == i;
    }
    return false;
}

/* What shows the flaw. */
static void add_measure(const cnn_image_quality *quality, unsigned flaw, cnn_text *text) {
    if (flaw == CNN_FLAW_BLACK) {
        cnn_text_format(text, ": 99 %% of its pixels are at most %d of 255", quality->lightest);
    } else if (flaw == CNN_FLAW_WHITE) {
        cnn_text_format(text, ": 99 %% of its pixels are at least %d of 255", quality->darkest);
    } else if (flaw == CNN_FLAW_FEW_LEVELS) {
        cnn_text_format(text, ": %d", quality->levels);
    } else if (flaw == CNN_FLAW_BLURRED) {
        cnn_text_format(text, ": sharpness %.3g", (double)quality->sharpness);
    } else {
        cnn_text_format(text, ": mean %.0f of 255", (double)quality->brightness);
    }
}

/* One line for one image of a finding. */
static void add_example(const cnn_data_report *report, size_t i, cnn_data_problem what,
                        cnn_text *text) {
    const cnn_image_facts *facts = &report->facts[i];
    cnn_text_format(text, "    ");
    add_sample(report, i, text);
    switch (what) {
    case CNN_DATA_UNREADABLE:
        cnn_text_format(text, ": %s", report->reasons[i]);
        break;
    case CNN_DATA_COPY_OTHER_LABEL:
    case CNN_DATA_COPY_OTHER_SPLIT:
    case CNN_DATA_COPY:
        cnn_text_format(text, " = ");
        add_sample(report, report->sharing[i].first, text);
        break;
    case CNN_DATA_NEAR_COPY_OTHER_LABEL:
    case CNN_DATA_NEAR_COPY_OTHER_SPLIT:
    case CNN_DATA_NEAR_COPY:
        cnn_text_format(text, " ~ ");
        add_sample(report, report->near[i].nearest, text);
        cnn_text_format(text, ", %d of %d bits differ", report->near[i].distance,
                        CNN_PERCEPTUAL_BITS);
        break;
    case CNN_DATA_GROUP_OTHER_SPLIT:
        cnn_text_format(text, ": group %s", report->list.samples[i].group);
        break;
    case CNN_DATA_SMALL:
        cnn_text_format(text, ": %d×%d", facts->width, facts->height);
        break;
    case CNN_DATA_WRONG_EXTENSION:
        cnn_text_format(text, ": %s", cnn_image_format_name(facts->format));
        break;
    case CNN_DATA_LEFT_OUT:
    case CNN_DATA_CONSTANT:
    case CNN_DATA_SHAPE_IN_ALPHA:
    case CNN_DATA_FLAW:
    case CNN_DATA_LAST_FLAW:
    case CNN_DATA_PROBLEMS:
        break;
    }
    if (cnn_data_problem_is_flaw(what)) {
        add_measure(&facts->quality, 1u << (what - CNN_DATA_FLAW), text);
    }
    cnn_text_format(text, "\n");
}

static void add_problem(const cnn_data_report *report, cnn_data_problem what, size_t count,
                        const char *table, cnn_text *text) {
    bool drop = report->config->data.duplicates == CNN_DUPLICATES_DROP;
    cnn_text_format(
        text, "  %zu of %zu images %s%s\n", count, report->list.count, cnn_data_problem_text(what),
        !drop                               ? ""
        : what == CNN_DATA_COPY_OTHER_LABEL ? ": training leaves them out"
        : what == CNN_DATA_COPY_OTHER_SPLIT ? ": training leaves out those in the later split"
                                            : "");
    size_t lines = 0;
    for (size_t i = 0; i < report->list.count; i++) {
        if (cnn_data_problem_has(report, i, what) && !is_in_another_line(report, i, what) &&
            lines++ < NAMED) {
            add_example(report, i, what, text);
        }
    }
    if (lines > NAMED) {
        cnn_text_format(text, "    … and %zu more%s%s\n", lines - NAMED, table ? ", in " : "",
                        table ? table : "");
    }
}

/* Counts the readable images that training uses, or those that it leaves out. */
static void count_used(const cnn_data_report *report, bool used, size_t count[CNN_SPLIT_COUNT][2]) {
    memset(count, 0, CNN_SPLIT_COUNT * sizeof *count);
    for (size_t i = 0; i < report->readable; i++) {
        const cnn_sample *sample = &report->list.samples[i];
        count[sample->split][sample->label] += cnn_data_report_leaves_out(report, i) != used;
    }
}

/* A class without training images cannot be learnt, and training refuses to validate or test
 * nothing because all images are left out. Returns the number of findings. */
static size_t add_missing_images(const cnn_data_report *report, cnn_text *text) {
    size_t used[CNN_SPLIT_COUNT][2], left_out[CNN_SPLIT_COUNT][2], missing = 0;
    count_used(report, true, used);
    count_used(report, false, left_out);
    for (int label = 0; label < 2; label++) {
        if (used[CNN_SPLIT_TRAIN][label] == 0) {
            cnn_text_format(text, "  no training image of \"%s\" %s\n", report->classes[label],
                            left_out[CNN_SPLIT_TRAIN][label] > 0
                                ? "is left: they have copies with the other label"
                                : "can be read");
            missing++;
        }
    }
    for (int split = CNN_SPLIT_VALIDATION; split < CNN_SPLIT_COUNT; split++) {
        if (used[split][0] + used[split][1] == 0 && left_out[split][0] + left_out[split][1] > 0) {
            cnn_text_format(text,
                            "  no %s image is left: all are copies of images in an earlier split, "
                            "or have copies with the other label\n",
                            cnn_split_names[split]);
            missing++;
        }
    }
    return missing;
}

/* --- facts --- */

static void add_counts(const cnn_data_report *report, cnn_text *text) {
    size_t count[CNN_SPLIT_COUNT][2];
    size_t left_out = cnn_data_problem_count(report, CNN_DATA_LEFT_OUT);
    count_used(report, true, count);
    cnn_text_format(text, "%-12s %10s  %12s  %12s\n", "data", "images", "class 0", "class 1");
    cnn_text_format(text, "  %-10s %10s  %12.40s  %12.40s\n", "", "", report->classes[0],
                    report->classes[1]);
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        cnn_text_format(text, "  %-10s %10zu  %12zu  %12zu\n", cnn_split_names[split],
                        count[split][0] + count[split][1], count[split][0], count[split][1]);
    }
    cnn_text_format(text, "  %-10s %10zu\n", "unreadable", report->list.count - report->readable);
    if (left_out > 0) {
        cnn_text_format(text, "  %-10s %10zu  copies (data.duplicates)\n", "left out", left_out);
    }
    if (report->list.other_labels > 0) {
        cnn_text_format(text, "  %-10s %10zu  rows of other labels\n", "left out",
                        report->list.other_labels);
    }
}

static void add_formats(const cnn_data_report *report, cnn_text *text) {
    size_t formats[CNN_IMAGE_FORMATS] = {0};
    size_t modes[2][4] = {{0}};
    size_t turned = 0;
    for (size_t i = 0; i < report->readable; i++) {
        const cnn_image_facts *facts = &report->facts[i];
        formats[facts->format]++;
        modes[facts->deep][facts->channels - 1]++;
        turned += facts->orientation != 1;
    }
    const char *separator = "  format     ";
    for (int format = 0; format < CNN_IMAGE_FORMATS; format++) {
        if (formats[format] > 0) {
            cnn_text_format(text, "%s%zu %s", separator, formats[format],
                            cnn_image_format_name((cnn_image_format)format));
            separator = ", ";
        }
    }
    separator = "\n  mode       ";
    for (int mode = 0; mode < 8; mode++) {
        size_t images = modes[mode / 4][mode % 4];
        if (images > 0) {
            cnn_text_format(text, "%s%zu %s", separator, images,
                            cnn_image_mode_name(mode % 4 + 1, mode >= 4));
            separator = ", ";
        }
    }
    cnn_text_format(text, "\n  turned     %zu by their EXIF orientation, as training does\n",
                    turned);
}

static void add_numbers(const cnn_data_report *report, cnn_text *text) {
    if (report->readable == 0) {
        return;
    }
    cnn_text_format(text, "\n%-12s %10s %10s %8s\n", "numbers", "least", "most", "AUC");
    for (int k = 0; k < CNN_SHORTCUTS; k++) {
        double least = cnn_shortcut_value(&report->facts[0], (cnn_shortcut)k);
        double most = least;
        for (size_t i = 1; i < report->readable; i++) {
            double value = cnn_shortcut_value(&report->facts[i], (cnn_shortcut)k);
            least = fmin(least, value);
            most = fmax(most, value);
        }
        cnn_text_format(text, "  %-10s %10.0f %10.0f", cnn_shortcut_name((cnn_shortcut)k), least,
                        most);
        if (isnan(report->auc[k])) {
            cnn_text_format(text, " %8s\n", "-");
        } else {
            cnn_text_format(text, " %8.3f\n", report->auc[k]);
        }
    }
    cnn_text_format(text, "  AUC: how well the number alone tells the classes apart; 0.5: not at "
                          "all, 0 or 1: completely\n");
}

/* --- all --- */

static void add_other_folders(const cnn_sample_list *list, cnn_text *text) {
    cnn_text_format(text, "  %zu folder%s of neither class %s not used\n    %s\n",
                    list->other_folders, list->other_folders == 1 ? "" : "s",
                    list->other_folders == 1 ? "is" : "are", list->other_folder);
    if (list->other_folders > 1) {
        cnn_text_format(text, "    … and %zu more\n", list->other_folders - 1);
    }
}

/* The findings that training refuses (refused), or the other ones. Returns their number. */
static size_t add_findings(const cnn_data_report *report, bool refused, const char *table,
                           cnn_text *text) {
    size_t findings = refused ? add_missing_images(report, text) : 0;
    for (int i = 0; i < CNN_DATA_PROBLEMS; i++) {
        cnn_data_problem what = (cnn_data_problem)i;
        size_t count =
            is_refused(report, what) == refused ? cnn_data_problem_count(report, what) : 0;
        if (count > 0 && cnn_data_problem_text(what)) {
            add_problem(report, what, count, table, text);
            findings++;
        }
    }
    if (!refused) {
        findings += cnn_data_report_hidden(report, text);
    }
    if (report->list.other_folders > 0 && !refused) {
        add_other_folders(&report->list, text);
        findings++;
    }
    for (int k = 0; k < CNN_SHORTCUTS && !refused; k++) {
        if (cnn_shortcut_is_one(report, (cnn_shortcut)k)) {
            cnn_text_format(text,
                            "  %s alone tells the classes apart (AUC %.3f): a network may learn "
                            "that instead of what the images show\n",
                            cnn_shortcut_name((cnn_shortcut)k), report->auc[k]);
            findings++;
        }
    }
    return findings;
}

/* A heading and its text, if there is any. */
static void add_section(cnn_text *text, const char *heading, cnn_text *section) {
    if (section->length > 0) {
        cnn_text_format(text, "\n%s\n", heading);
        cnn_text_append(text, section->data, section->length);
    }
    text->failed = text->failed || section->failed;
    cnn_text_free(section);
}

void cnn_data_report_describe(const cnn_data_report *report, const char *table, cnn_text *text,
                              size_t *refused) {
    cnn_text errors = {0}, warnings = {0};
    *refused = add_findings(report, true, table, &errors);
    size_t warned = add_findings(report, false, table, &warnings);
    add_counts(report, text);
    add_formats(report, text);
    cnn_data_report_range(report, text);
    add_numbers(report, text);
    add_section(text, "errors: training refuses this data", &errors);
    add_section(text, "warnings", &warnings);
    if (*refused + warned == 0) {
        cnn_text_format(text, "\nno problems found\n");
    }
    if (table) {
        cnn_text_format(text, "\nevery image: %s\n", table);
    }
}
