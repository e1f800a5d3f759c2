#include "report/data_facts.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "inspect/data_reading.h"
#include "run/directory.h"

#include <sys/stat.h>

/* --- the table --- */

static bool is_file(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* In the run directory, where --check-data writes it, or in the folder of the images. */
static cnn_status find_table(const cnn_report *report, cnn_data_facts *facts, bool *used,
                             cnn_error *error) {
    const cnn_report_run *run = report->run;
    const char *const folders[] = {run->directory, run->config->data.train};
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !*used; i++) {
        char *path = folders[i] ? cnn_path_join(folders[i], CNN_DATA_REPORT) : NULL;
        if (folders[i] && !path) {
            return cnn_fail_memory(error, CNN_DATA_REPORT);
        }
        const cnn_status status = path && is_file(path)
                                      ? cnn_data_facts_read_table(report, path, facts, used, error)
                                      : CNN_OK;
        cnn_free(path);
        CNN_TRY(status);
    }
    return CNN_OK;
}

/* --- the sample --- */

/* Looks for the problems that need pixels, or for the others. Copies in a sample mean nothing:
 * those of all images are in split.csv. */
static cnn_status look(const cnn_data_report *images, bool pixels, cnn_data_look *found,
                       cnn_error *error) {
    *found = (cnn_data_look){.images = images,
                             .problems = cnn_alloc(images->list.count, sizeof *found->problems)};
    if (!found->problems) {
        return cnn_fail_memory(error, "the images");
    }
    for (size_t i = 0; i < images->list.count; i++) {
        for (int what = 0; what < CNN_DATA_PROBLEMS; what++) {
            const cnn_data_problem problem = (cnn_data_problem)what;
            const bool fits =
                problem == CNN_DATA_UNREADABLE || cnn_data_problem_needs_pixels(problem) == pixels;
            const bool about_copies =
                problem >= CNN_DATA_COPY_OTHER_LABEL && problem <= CNN_DATA_LEFT_OUT;
            if (fits && !about_copies && cnn_data_problem_has(images, i, problem)) {
                found->problems[i] |= 1u << what;
            }
        }
    }
    return CNN_OK;
}

static cnn_status read_sample(const cnn_report *report, cnn_file_sample *sample, cnn_error *error) {
    const cnn_report_run *run = report->run;
    cnn_common_options options = {.threads = report->threads};
    if (report->options) { /* without its messages and its progress, which is that of training */
        options.should_stop = report->options->should_stop;
        options.user = report->options->user;
    }
    const cnn_file_source source = {.config = run->config,
                                    .seen = &run->seen,
                                    .classes = report->classes,
                                    .samples = run->samples,
                                    .count = run->rows};
    return cnn_file_sample_read(&source, &options, sample, error);
}

static cnn_status look_at_sample(cnn_data_facts *facts, cnn_error *error) {
    const cnn_file_sample *sample = &facts->sample;
    const cnn_data_report *headers = sample->in_arrays ? &sample->pixels : &sample->headers;
    CNN_TRY(look(headers, false, &facts->headers, error));
    return look(&sample->pixels, true, &facts->pixels, error);
}

/* Is there an image with 16 bits or alpha, of which the table does not tell what is in them? */
static bool may_hide(const cnn_data_report *table) {
    for (size_t i = 0; i < table->list.count; i++) {
        if (table->facts[i].deep || table->facts[i].channels == 2 ||
            table->facts[i].channels == 4) {
            return true;
        }
    }
    return false;
}

/* --- */

cnn_status cnn_data_facts_find(const cnn_report *report, cnn_data_facts *facts, cnn_error *error) {
    bool used = false;
    *facts = (cnn_data_facts){0};
    CNN_TRY(find_table(report, facts, &used, error));
    if (!used || may_hide(&facts->table)) {
        CNN_TRY(read_sample(report, &facts->sample, error));
    }
    return used ? CNN_OK : look_at_sample(facts, error);
}

void cnn_data_facts_free(cnn_data_facts *facts) {
    if (facts->pixels.problems != facts->headers.problems) {
        cnn_free(facts->pixels.problems);
    }
    cnn_free(facts->headers.problems);
    cnn_file_sample_free(&facts->sample);
    cnn_data_facts_release_table(facts);
}
