/* How a run was made, and how it is repeated. */
#include "report/figures.h"
#include "report/sections.h"

static void begin_fact(cnn_html *html, const char *name) {
    cnn_html_element(html, "dt", name);
    cnn_html_begin(html, "dd");
}

/* "3 min 20.5 s" */
static void write_time(cnn_html *html, double seconds) {
    long minutes = (long)(seconds / 60.0);
    cnn_figure(html, "", "seconds", seconds, 1);
    cnn_html_text(html, " s");
    if (minutes > 0) {
        cnn_html_format(html, " (%ld min %.0f s)", minutes, seconds - 60.0 * (double)minutes);
    }
}

/* What one run has, and a set has not. */
static void write_run_facts(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    begin_fact(html, "SHA-256 of model.bin");
    cnn_html_element(html, "code", report->model_sha256);
    cnn_html_end(html);
    begin_fact(html, "Time of all epochs");
    write_time(html, run->seconds);
    cnn_html_end(html);
    begin_fact(html, "Training images per second");
    cnn_figure(html, "", "images_per_second", run->images_per_second, 0);
    cnn_html_end(html);
    begin_fact(html, "Threads");
    cnn_figure_count(html, "", "threads", (size_t)run->threads);
    cnn_html_end(html);
    begin_fact(html, "Instruction set");
    cnn_html_text(html, run->isa);
    cnn_html_end(html);
}

static void write_facts(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    cnn_html_begin_class(html, "dl", "facts");
    begin_fact(html, "Program");
    cnn_html_format(html, "cnntrain %s", run->version);
    cnn_html_end(html);
    begin_fact(html, "Seed (train.seed)");
    cnn_html_format(html, "%lld", (long long)run->config->train.seed);
    cnn_html_end(html);
    if (!report->set) {
        write_run_facts(html, report);
    }
    cnn_html_end(html);
}

/* Where the config belongs: the page does not tell where the run was started. */
static void write_place(cnn_html *html, const cnn_config *config) {
    cnn_html_begin(html, "p");
    if (config->data.train && config->data.train[0] == '/') {
        cnn_prose(html, "Copy `config.json` from the folder of this page to any folder, as "
                        "`repeat.json`, and run there:");
    } else {
        cnn_prose(html, "Copy `config.json` from the folder of this page, as `repeat.json`, to the "
                        "folder in which the run was started: the paths in it are relative to that "
                        "folder");
        if (config->data.train) {
            cnn_prose(html, " (`data.train` is ");
            cnn_html_element(html, "bdi", config->data.train);
            cnn_html_text(html, ")");
        }
        cnn_html_text(html, ". Run there:");
    }
    cnn_html_end(html);
}

static void write_command(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    cnn_html_begin(html, "pre");
    cnn_html_attribute(html, "tabindex", "0");
    cnn_html_begin(html, "code");
    cnn_html_text(html, "cnntrain --config repeat.json --out repeated");
    if (report->set) {
        cnn_html_format(html, " --folds %zu", report->set->count);
    } else if (run->member > 0) {
        cnn_html_format(html, " --folds %d --member %d", run->members, run->member);
    }
    if (run->config->train.minutes > 0.0) { /* the epochs that it chose are in config.json */
        cnn_html_text(html, " train.minutes=0");
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

/* What the command gives. */
static void write_promise(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    cnn_html_begin_class(html, "p", "note");
    if (!report->set && cnn_run_was_cut(run)) {
        cnn_html_format(html,
                        "This run cannot be repeated exactly: the clock ended its training in "
                        "epoch %zu of %lld. The command trains all epochs, and gives another "
                        "model.",
                        run->epoch_count, (long long)run->config->train.epochs);
    } else {
        if (run->config->train.minutes > 0.0) {
            cnn_prose(html, "The number of epochs that `train.minutes` chose is `train.epochs` in "
                            "`config.json`. ");
        }
        cnn_prose(html, "The same version gives the same `model.bin`, byte for byte, on any number "
                        "of threads and any processor");
        cnn_html_text(html,
                      report->set ? ", except for folds that a time limit ended early." : ".");
    }
    cnn_html_end(html);
}

static void write_config(cnn_html *html, const cnn_report *report) {
    cnn_html_begin(html, "details");
    cnn_html_element(html, "summary", "The config: all keys, with defaults");
    cnn_html_begin(html, "pre");
    cnn_html_attribute(html, "tabindex", "0");
    cnn_html_element(html, "code", report->run->config_text);
    cnn_html_end(html);
    cnn_html_end(html);
}

cnn_status cnn_report_made(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    if (report->run) {
        write_facts(html, report);
        cnn_html_element(html, "h3", "To repeat it");
        write_place(html, report->run->config);
        write_command(html, report);
        write_promise(html, report);
        write_config(html, report);
    }
    return CNN_OK;
}
