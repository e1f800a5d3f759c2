#include "inspect/data_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Number of images of a finding that are named in the text. */
#define NAMED 10

/* --- the possible problems of an image --- */

typedef enum problem {
    UNREADABLE,
    COPY_OTHER_LABEL,
    COPY_OTHER_SPLIT,
    GROUP_OTHER_SPLIT,
    COPY,
    LEFT_OUT,
    NEAR_COPY_OTHER_LABEL,
    NEAR_COPY_OTHER_SPLIT,
    NEAR_COPY,
    CONSTANT,
    SHAPE_IN_ALPHA,
    FLAW, /* and those after it, in the order of cnn_flaw_table */
    LAST_FLAW = FLAW + CNN_FLAWS - 1,
    SMALL,
    WRONG_EXTENSION,
    PROBLEMS,
} problem;

static const struct {
    const char *name; /* in the table */
    const char *text; /* after a number of images; NULL: another finding names them */
} problems[PROBLEMS] = {
    [UNREADABLE] = {"unreadable", "cannot be read"},
    [COPY_OTHER_LABEL] = {"copy_other_label", "have an exact copy with the other label"},
    [COPY_OTHER_SPLIT] = {"copy_other_split", "have an exact copy in another split"},
    [GROUP_OTHER_SPLIT] = {"group_other_split", "have their group in another split, too"},
    [COPY] = {"copy", "are exact copies of an earlier one"},
    [LEFT_OUT] = {"left_out", NULL},
    [NEAR_COPY_OTHER_LABEL] = {"near_copy_other_label", "have a near-copy with the other label"},
    [NEAR_COPY_OTHER_SPLIT] = {"near_copy_other_split", "have a near-copy in another split"},
    [NEAR_COPY] = {"near_copy", "have a near-copy"},
    [CONSTANT] = {"constant", "have one colour all over"},
    [SHAPE_IN_ALPHA] = {"shape_in_alpha", "have one colour, and their shape only in the alpha "
                                          "channel, which the network does not see"},
    [SMALL] = {"small", "are smaller than what the network sees"},
    [WRONG_EXTENSION] = {"wrong_extension", "are of another format than their name says"},
};

bool cnn_data_report_leaves_out(const cnn_data_report *report, size_t i) {
    return report->config->data.duplicates == CNN_DUPLICATES_DROP &&
           (report->sharing[i].shared & CNN_COPY_LEFT_OUT) != 0;
}

static bool is_flaw(problem what) {
    return what >= FLAW && what <= LAST_FLAW;
}

static const char *problem_name(problem what) {
    return is_flaw(what) ? cnn_flaw_table[what - FLAW].name : problems[what].name;
}

static const char *problem_text(problem what) {
    return is_flaw(what) ? cnn_flaw_table[what - FLAW].text : problems[what].text;
}

/* An image of one colour is a finding of its own. */
static bool has_flaw(const cnn_data_report *report, size_t i, problem what) {
    return (report->flaws[i] >> (what - FLAW) & 1) != 0 && !report->facts[i].constant;
}

static bool has_problem(const cnn_data_report *report, size_t i, problem what) {
    if (i >= report->readable) {
        return what == UNREADABLE;
    }
    const cnn_image_facts *facts = &report->facts[i];
    const cnn_sharing *sharing = &report->sharing[i];
    const cnn_near_copy *near = &report->near[i];
    if (is_flaw(what)) {
        return has_flaw(report, i, what);
    }
    switch (what) {
    case COPY_OTHER_LABEL:
        return (sharing->shared & CNN_COPY_OTHER_LABEL) != 0;
    case COPY_OTHER_SPLIT:
        return (sharing->shared & CNN_COPY_OTHER_SPLIT) != 0;
    case GROUP_OTHER_SPLIT:
        return (sharing->shared & CNN_GROUP_OTHER_SPLIT) != 0;
    case COPY:
        return sharing->first != i;
    case LEFT_OUT:
        return cnn_data_report_leaves_out(report, i);
    case NEAR_COPY_OTHER_LABEL:
        return near->other_label;
    case NEAR_COPY_OTHER_SPLIT:
        return near->other_split;
    case NEAR_COPY:
        return near->distance >= 0;
    case CONSTANT:
        return facts->constant;
    case SHAPE_IN_ALPHA:
        return facts->shape_in_alpha && report->config->image.alpha == CNN_ALPHA_DROP;
    case SMALL:
        return facts->width < report->config->image.width ||
               facts->height < report->config->image.height;
    case WRONG_EXTENSION:
        return cnn_image_extension_is_wrong(report->list.samples[i].path, facts->format);
    case UNREADABLE:
    case FLAW:
    case LAST_FLAW:
    case PROBLEMS:
        break;
    }
    return false;
}

static size_t count_problem(const cnn_data_report *report, problem what) {
    size_t count = 0;
    for (size_t i = 0; i < report->list.count; i++) {
        count += has_problem(report, i, what);
    }
    return count;
}

/* Would training refuse data with this problem? */
static bool is_refused(const cnn_data_report *report, problem what) {
    bool copies = what == COPY_OTHER_LABEL || what == COPY_OTHER_SPLIT;
    return (what == UNREADABLE && report->config->data.bad_images == CNN_BAD_IMAGES_FAIL) ||
           (copies && report->config->data.duplicates == CNN_DUPLICATES_ERROR);
}

/* --- the text: findings --- */

/* "a.png (dog, train)" */
static void add_sample(const cnn_data_report *report, size_t i, cnn_text *text) {
    const cnn_sample *sample = &report->list.samples[i];
    cnn_text_format(text, "%s (%s, %s)", sample->path, report->classes[sample->label],
                    cnn_split_names[sample->split]);
}

/* Does the line of another image say the same? */
static bool is_in_another_line(const cnn_data_report *report, size_t i, problem what) {
    const cnn_sample *samples = report->list.samples;
    if (what ==
        COPY_OTHER_LABEL) { /* the line of each copy that differs from the first names both */
        return samples[i].label == samples[report->sharing[i].first].label;
    }
    if (what == COPY_OTHER_SPLIT) {
        return samples[i].split == samples[report->sharing[i].first].split;
    }
    if (what == NEAR_COPY || what == NEAR_COPY_OTHER_LABEL || what == NEAR_COPY_OTHER_SPLIT) {
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
static void add_example(const cnn_data_report *report, size_t i, problem what, cnn_text *text) {
    const cnn_image_facts *facts = &report->facts[i];
    cnn_text_format(text, "    ");
    add_sample(report, i, text);
    switch (what) {
    case UNREADABLE:
        cnn_text_format(text, ": %s", report->reasons[i]);
        break;
    case COPY_OTHER_LABEL:
    case COPY_OTHER_SPLIT:
    case COPY:
        cnn_text_format(text, " = ");
        add_sample(report, report->sharing[i].first, text);
        break;
    case NEAR_COPY_OTHER_LABEL:
    case NEAR_COPY_OTHER_SPLIT:
    case NEAR_COPY:
        cnn_text_format(text, " ~ ");
        add_sample(report, report->near[i].nearest, text);
        cnn_text_format(text, ", %d of %d bits differ", report->near[i].distance,
                        CNN_PERCEPTUAL_BITS);
        break;
    case GROUP_OTHER_SPLIT:
        cnn_text_format(text, ": group %s", report->list.samples[i].group);
        break;
    case SMALL:
        cnn_text_format(text, ": %d×%d", facts->width, facts->height);
        break;
    case WRONG_EXTENSION:
        cnn_text_format(text, ": %s", cnn_image_format_name(facts->format));
        break;
    case LEFT_OUT:
    case CONSTANT:
    case SHAPE_IN_ALPHA:
    case FLAW:
    case LAST_FLAW:
    case PROBLEMS:
        break;
    }
    if (is_flaw(what)) {
        add_measure(&facts->quality, 1u << (what - FLAW), text);
    }
    cnn_text_format(text, "\n");
}

static void add_problem(const cnn_data_report *report, problem what, size_t count,
                        const char *table, cnn_text *text) {
    bool drop = report->config->data.duplicates == CNN_DUPLICATES_DROP;
    cnn_text_format(text, "  %zu of %zu images %s%s\n", count, report->list.count,
                    problem_text(what),
                    !drop                      ? ""
                    : what == COPY_OTHER_LABEL ? ": training leaves them out"
                    : what == COPY_OTHER_SPLIT ? ": training leaves out those in the later split"
                                               : "");
    size_t lines = 0;
    for (size_t i = 0; i < report->list.count; i++) {
        if (has_problem(report, i, what) && !is_in_another_line(report, i, what) &&
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

/* --- the text: facts --- */

static void add_counts(const cnn_data_report *report, cnn_text *text) {
    size_t count[CNN_SPLIT_COUNT][2];
    size_t left_out = count_problem(report, LEFT_OUT);
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

static const char *const shortcut_names[CNN_SHORTCUTS] = {"width", "height", "file size",
                                                          "brightness"};

static bool is_shortcut(double auc) {
    return auc >= CNN_SHORTCUT_AUC || auc <= 1.0 - CNN_SHORTCUT_AUC; /* not NaN */
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
        cnn_text_format(text, "  %-10s %10.0f %10.0f", shortcut_names[k], least, most);
        if (isnan(report->auc[k])) {
            cnn_text_format(text, " %8s\n", "-");
        } else {
            cnn_text_format(text, " %8.3f\n", report->auc[k]);
        }
    }
    cnn_text_format(text, "  AUC: how well the number alone tells the classes apart; 0.5: not at "
                          "all, 0 or 1: completely\n");
}

/* --- the text --- */

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
    for (int i = 0; i < PROBLEMS; i++) {
        problem what = (problem)i;
        size_t count = is_refused(report, what) == refused ? count_problem(report, what) : 0;
        if (count > 0 && problem_text(what)) {
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
        if (is_shortcut(report->auc[k])) {
            cnn_text_format(text,
                            "  %s alone tells the classes apart (AUC %.3f): a network may learn "
                            "that instead of what the images show\n",
                            shortcut_names[k], report->auc[k]);
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
        cnn_text_format(text, "\nnothing to object to\n");
    }
    if (table) {
        cnn_text_format(text, "\nevery image: %s\n", table);
    }
}

/* --- the table --- */

static void add_path_field(const cnn_data_report *report, bool there, size_t i, cnn_text *text) {
    cnn_text_append(text, ",", 1);
    if (there) {
        cnn_text_csv_field(text, report->list.samples[i].path);
    }
}

static void add_facts(const cnn_data_report *report, size_t i, cnn_text *text) {
    const cnn_image_facts *facts = &report->facts[i];
    const cnn_near_copy *near = &report->near[i];
    cnn_text_format(text, ",%s,%s,%d,%d,%d,%zu,%.2f,%d,%.4g,%016" PRIx64,
                    cnn_image_format_name(facts->format),
                    cnn_image_mode_name(facts->channels, facts->deep), facts->width, facts->height,
                    facts->orientation, facts->file_size, facts->brightness, facts->quality.levels,
                    (double)facts->quality.sharpness, facts->content);
    add_path_field(report, report->sharing[i].first != i, report->sharing[i].first, text);
    add_path_field(report, near->distance >= 0, near->nearest, text);
    cnn_text_append(text, ",", 1);
    if (near->distance >= 0) {
        cnn_text_format(text, "%d", near->distance);
    }
}

void cnn_data_report_tabulate(const cnn_data_report *report, cnn_text *text) {
    cnn_text_format(
        text, "path,label,split,group,format,mode,width,height,orientation,bytes,"
              "brightness,levels,sharpness,content,copy_of,near_copy,distance,problems,reason\n");
    for (size_t i = 0; i < report->list.count && !text->failed; i++) {
        const cnn_sample *sample = &report->list.samples[i];
        cnn_text_csv_field(text, sample->path);
        cnn_text_append(text, ",", 1);
        cnn_text_csv_field(text, report->classes[sample->label]);
        cnn_text_format(text, ",%s,", cnn_split_names[sample->split]);
        cnn_text_csv_field(text, sample->group ? sample->group : "");
        if (i < report->readable) {
            add_facts(report, i, text);
        } else {
            cnn_text_format(text, ",,,,,,,,,,,,,");
        }
        const char *separator = ",";
        for (int what = 0; what < PROBLEMS; what++) {
            if (has_problem(report, i, (problem)what)) {
                cnn_text_format(text, "%s%s", separator, problem_name((problem)what));
                separator = " ";
            }
        }
        cnn_text_append(text, ",,", *separator == ',' ? 2 : 1);
        cnn_text_csv_field(text, report->reasons[i] ? report->reasons[i] : "");
        cnn_text_append(text, "\n", 1);
    }
}
