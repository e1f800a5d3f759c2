/* The images of a run: how many, which were left out, their files, and how augmentation changes
 * them. */
#include "base/error.h"
#include "report/augmentation_picture.h"
#include "report/data_files.h"
#include "report/figures.h"
#include "report/html_table.h"
#include "report/sections.h"

static void write_counts(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    const char *const heads[] = {report->set ? "" : "split", report->classes[0], report->classes[1],
                                 "all", NULL};
    cnn_html_table_begin(html, "Images", NULL, heads);
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        const size_t *images = run->split_images[split];
        if (images[0] + images[1] == 0) {
            continue;
        }
        cnn_html_table_row(html, report->set ? "all folds" : cnn_split_names[split]);
        cnn_count_cell(html, images[0]);
        cnn_count_cell(html, images[1]);
        cnn_count_cell(html, images[0] + images[1]);
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
}

static void begin_fact(cnn_html *html, const char *name) {
    cnn_html_element(html, "dt", name);
    cnn_html_begin(html, "dd");
}

static void write_facts(cnn_html *html, const cnn_report_run *run) {
    const cnn_image_settings *image = &run->config->image;
    cnn_html_begin_class(html, "dl", "facts");
    begin_fact(html, "What the network sees");
    cnn_html_format(html, "%lld × %lld pixels, %s", (long long)image->width,
                    (long long)image->height, image->channels == 1 ? "grey" : "red, green, blue");
    cnn_html_end(html);
    begin_fact(html, "Groups");
    if (run->groups > 0) {
        cnn_count(html, run->groups);
    } else {
        cnn_html_text(html, "none named");
    }
    cnn_html_end(html);
    begin_fact(html, "Images with the same pixels as another one in their split");
    cnn_count(html, run->repeated);
    cnn_html_end(html);
    begin_fact(html, "Copies left out");
    cnn_figure_count(html, "", "copies_left_out", run->copies_left_out);
    cnn_html_end(html);
    begin_fact(html, "Unreadable images left out");
    cnn_figure_count(html, "", "bad_images", run->bad_images);
    cnn_html_end(html);
    cnn_html_end(html);
}

cnn_status cnn_report_data(cnn_html *html, const cnn_report *report, cnn_error *error) {
    if (!report->run) {
        return CNN_OK;
    }
    write_counts(html, report);
    write_facts(html, report->run);
    CNN_TRY(cnn_data_files_write(html, report, error));
    return cnn_augmentation_picture(html, report, error);
}
