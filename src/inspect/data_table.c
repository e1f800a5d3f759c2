/* data_report.csv: a row for each image that --check-data looked at. */
#include "inspect/data_problems.h"

#include <inttypes.h>

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
        for (int what = 0; what < CNN_DATA_PROBLEMS; what++) {
            if (cnn_data_problem_has(report, i, (cnn_data_problem)what)) {
                cnn_text_format(text, "%s%s", separator,
                                cnn_data_problem_name((cnn_data_problem)what));
                separator = " ";
            }
        }
        cnn_text_append(text, ",,", *separator == ',' ? 2 : 1);
        cnn_text_csv_field(text, report->reasons[i] ? report->reasons[i] : "");
        cnn_text_append(text, "\n", 1);
    }
}
