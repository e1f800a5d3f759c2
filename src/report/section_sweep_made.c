/* How a sweep was made, and how it is repeated. */
#include "report/figures.h"
#include "report/sweep_record.h"

#include "cnn/config.h"
#include "cnn/text.h"
#include "cnn/version.h"

static void write_fact(cnn_html *html, const char *name, const char *format, ...) CNN_PRINTF(3, 4);
static void write_fact(cnn_html *html, const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cnn_html_element(html, "dt", name);
    cnn_html_begin(html, "dd");
    cnn_html_format_list(html, format, arguments);
    cnn_html_end(html);
    va_end(arguments);
}

static void write_facts(cnn_html *html, const cnn_report_sweep *sweep) {
    const cnn_sweep *file = sweep->set->sweep;
    cnn_html_begin_class(html, "dl", "facts");
    write_fact(html, "Program", "cnntrain %s", cnn_version());
    write_fact(html, "Runs", "%d", file->members);
    if (file->seeds > 1) { /* train.seed is the last key */
        const cnn_sweep_key *key = &file->keys[file->key_count - 1];
        cnn_html_element(html, "dt", "Seeds (train.seed)");
        cnn_html_begin(html, "dd");
        for (int i = 0; i < key->value_count; i++) {
            cnn_html_format(html, "%s%s", i > 0 ? ", " : "", key->values[i]);
        }
        cnn_html_end(html);
    } else {
        write_fact(html, "Seed (train.seed)", "%lld", (long long)sweep->set->base->train.seed);
    }
    if (file->random) {
        write_fact(html, "Seed of the drawn values", "%llu", (unsigned long long)file->seed);
    }
    cnn_html_end(html);
}

static void write_text(cnn_html *html, const char *summary, const char *text) {
    cnn_html_begin(html, "details");
    cnn_html_element(html, "summary", summary);
    cnn_html_begin(html, "pre");
    cnn_html_attribute(html, "tabindex", "0");
    cnn_html_element(html, "code", text);
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_command(cnn_html *html, const cnn_config *config) {
    cnn_html_element(html, "h3", "To repeat it");
    cnn_html_begin(html, "p");
    cnn_prose(html, "Save the two files below as `repeat.json` and `sweep.json` in the folder in "
                    "which the sweep was started: paths in them are relative to that folder. Run "
                    "there:");
    cnn_html_end(html);
    cnn_html_begin(html, "pre");
    cnn_html_attribute(html, "tabindex", "0");
    cnn_html_element(html, "code",
                     "cnntrain --config repeat.json --sweep sweep.json --out repeated");
    cnn_html_end(html);
    cnn_html_begin_class(html, "p", "note");
    if (config->train.minutes > 0.0) {
        cnn_prose(html, "With `train.minutes`, the clock chooses the number of epochs, so the runs "
                        "may train more or fewer. One run is repeated exactly by its own "
                        "`config.json` and `train.minutes=0`.");
    } else {
        cnn_prose(html, "The same version gives the same models, byte for byte, on any number of "
                        "threads and any processor, except for runs that a time limit ended "
                        "early.");
    }
    cnn_html_end(html);
}

cnn_status cnn_report_sweep_made(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    char *config = cnn_config_to_json(sweep->set->base);
    if (!config) {
        return cnn_fail_memory(error, "the report");
    }
    write_facts(html, sweep);
    write_command(html, sweep->set->base);
    write_text(html, "The config: all keys, with defaults, before a run sets its own values",
               config);
    write_text(html, "The sweep file", sweep->set->sweep->text);
    cnn_text_release(config);
    return CNN_OK;
}
