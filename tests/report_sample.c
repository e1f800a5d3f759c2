/* report_sample DIR: writes images with hostile names into the folder DIR, report.html about them,
 * and specimen.html, which has every element of a page. */
#include "report_sample.h"

#include "base/elementary.h"
#include "base/file.h"
#include "base/memory.h"

#include "cnn/version.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const sample_names[SAMPLE_NAMES] = {
    "cat.pgm",
    "<script>alert(1)<\\script>.pgm",
    "\"><img src=x onerror=alert(2)>.pgm",
    "'onmouseover='alert(3)'.pgm",
    "&lt;b&gt; &amp; ]]> <!-- .pgm",
    "\xe2\x80\xaemgp.tac\xe2\x80\xac.pgm",        /* U+202E, U+202C: would read cat.pgm */
    "\xd7\x97\xd7\xaa\xd7\x95\xd7\x9c 3 (1).pgm", /* Hebrew */
    "\xff\xfe\xc3(\xed\xa0\x80.pgm",              /* not UTF-8 */
    "\xe7\x8c\xab \xf0\x9f\x90\x88.pgm",          /* Chinese, an emoji */
    "a\tb\x01\x7f\x1b[31m\nc.pgm",
    "<style>*{display:none}<svg onload=alert(4)>.pgm",
    /* 250 bytes without a space */
    "250-bytes-mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
    "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
    "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm.pgm",
};

static const char config_text[] =
    "{\n"
    "    \"data\": {\"train\": \"images\", \"validation\": 0.1, \"test\": \"test</script>\",\n"
    "             \"classes\": [\"<b>cat</b> & \\\"dog\\\"\", \"\\u202egod\\u202c\"]},\n"
    "    \"image\": {\"width\": 28, \"height\": 28, \"channels\": 1},\n"
    "    \"layers\": [{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, {\"type\": "
    "\"sigmoid\"}],\n"
    "    \"train\": {\"epochs\": 10, \"batch_size\": 32, \"learning_rate\": 0.1, \"seed\": 1}\n"
    "}\n";

enum { SAMPLE_IMAGES = 240, SAMPLE_EPOCHS = 10, SIDE = 28 };

double sample_probability(size_t i, int *label) {
    *label = (int)(i % 2);
    double noise = (double)(i * 2654435761U % 1000003) / 1000003 - 0.5;
    return cnn_sigmoid((*label ? 1.6 : -1.6) + 5 * noise);
}

static cnn_status write_image(const char *path, int label, cnn_error *error) {
    char bytes[64 + SIDE * SIDE];
    int size = snprintf(bytes, sizeof bytes, "P5\n%d %d\n255\n", SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int x = i % SIDE - (label ? 18 : 10), y = i / SIDE - 14;
        bytes[size++] = (char)(x * x + y * y < 40 ? 220 : 30 + 2 * (i % 7));
    }
    /* cnn_file_write needs room for a temporary name */
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(bytes, 1, (size_t)size, file) == (size_t)size;
    ok = file && fclose(file) == 0 && ok;
    return ok ? CNN_OK : cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
}

static cnn_status fill_images(const char *folder, cnn_report_images *images, cnn_error *error) {
    images->name = "test";
    images->count = SAMPLE_IMAGES;
    images->threshold = 0.5;
    images->paths = cnn_alloc(SAMPLE_IMAGES, sizeof *images->paths);
    images->labels = cnn_alloc(SAMPLE_IMAGES, sizeof *images->labels);
    images->predicted = cnn_alloc(SAMPLE_IMAGES, sizeof *images->predicted);
    images->probabilities = cnn_alloc(SAMPLE_IMAGES, sizeof *images->probabilities);
    if (!images->paths || !images->labels || !images->predicted || !images->probabilities) {
        return cnn_fail_memory(error, "the sample");
    }
    for (size_t i = 0; i < SAMPLE_IMAGES; i++) {
        int label;
        images->probabilities[i] = sample_probability(i, &label);
        images->labels[i] = (uint8_t)label;
        images->predicted[i] = images->probabilities[i] >= images->threshold;
        images->paths[i] = cnn_path_join(folder, sample_names[i % SAMPLE_NAMES]);
        if (!images->paths[i]) {
            return cnn_fail_memory(error, "the sample");
        }
        if (i < SAMPLE_NAMES) {
            CNN_TRY(write_image(images->paths[i], label, error));
        }
    }
    cnn_scores scores;
    CNN_TRY(cnn_scores_from_probabilities(images->probabilities, images->labels, SAMPLE_IMAGES, 0.5,
                                          &scores, error));
    cnn_metrics_measure(&scores, NULL, &images->measured.metrics);
    cnn_status status = cnn_intervals_measure(&scores, &images->measured.metrics, 1,
                                              images->measured.intervals, error);
    cnn_scores_free(&scores);
    return status;
}

/* The files of a run: the first ones are gone, and none has the pixels that split.csv states. */
static void fill_samples(const cnn_report_images *images, cnn_sample samples[SAMPLE_IMAGES]) {
    static char names[SAMPLE_NAMES][256];
    for (size_t i = 0; i < SAMPLE_IMAGES; i++) {
        samples[i] = (cnn_sample){.path = images->paths[i],
                                  .label = images->labels[i],
                                  .split = CNN_SPLIT_TEST,
                                  .row = i};
        if (i < SAMPLE_NAMES) {
            (void)snprintf(names[i], sizeof names[i], "%s", sample_names[i]);
            samples[i].path = names[i];
        }
    }
}

static void free_images(cnn_report_images *images) {
    for (size_t i = 0; i < images->count && images->paths; i++) {
        cnn_free(images->paths[i]);
    }
    cnn_free(images->paths);
    cnn_free(images->labels);
    cnn_free(images->probabilities);
    cnn_free(images->predicted);
}

static void fill_epochs(cnn_epoch_row rows[SAMPLE_EPOCHS]) {
    for (int i = 0; i < SAMPLE_EPOCHS; i++) {
        rows[i] = (cnn_epoch_row){.epoch = i + 1,
                                  .learning_rate = 0.1 * (SAMPLE_EPOCHS - i) / SAMPLE_EPOCHS,
                                  .train = cnn_metrics_none(),
                                  .validation = cnn_metrics_none(),
                                  .seconds = 1.5,
                                  .images_per_second = 20000};
        rows[i].train.loss = 0.7 / (1 + 0.4 * i);
        rows[i].train.accuracy = 1 - 0.3 / (1 + 0.4 * i);
        rows[i].validation.loss = i == 4 ? NAN : 0.7 / (1 + 0.3 * i) + 0.01 * i;
        rows[i].validation.accuracy = 1 - 0.3 / (1 + 0.3 * i) - 0.01 * i;
        rows[i].validation.auc = 1 - 0.2 / (1 + 0.3 * i);
        rows[i].validation.balanced_accuracy = rows[i].validation.accuracy;
    }
}

static cnn_status write_page(const char *folder, const char *name, const cnn_report *report,
                             const cnn_page_section *sections, size_t count, cnn_error *error) {
    cnn_text text = {0};
    cnn_status status = sections ? cnn_page_write(report, sections, count, &text, error)
                                 : cnn_report_page(report, &text, error);
    char *path = cnn_path_join(folder, name);
    if (status == CNN_OK && !path) {
        status = cnn_fail_memory(error, "the sample");
    }
    if (status == CNN_OK) {
        status = cnn_file_write(path, text.data, text.length, error);
    }
    cnn_free(path);
    cnn_text_free(&text);
    return status;
}

static cnn_status write_pages(const char *folder, cnn_report_run *run, cnn_report *report,
                              cnn_error *error) {
    static cnn_sample samples[SAMPLE_IMAGES];
    cnn_config *config;
    CNN_TRY(cnn_config_parse("sample", config_text, strlen(config_text), NULL, 0, &config, error));
    run->config = config;
    run->seen = config->image;
    run->samples = samples;
    run->rows = SAMPLE_IMAGES;
    cnn_status status = fill_images(folder, &report->images[0], error);
    if (status == CNN_OK) {
        run->measured[CNN_SPLIT_TEST] = report->images[0].measured;
        fill_samples(&report->images[0], samples);
        status = write_page(folder, "report.html", report, NULL, 0, error);
    }
    if (status == CNN_OK) {
        status = write_page(folder, "specimen.html", report, specimen_sections, SPECIMEN_SECTIONS,
                            error);
    }
    free_images(&report->images[0]);
    cnn_config_free(config);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fprintf(stderr, "usage: report_sample DIR\n");
        return 2;
    }
    cnn_epoch_row epochs[SAMPLE_EPOCHS];
    fill_epochs(epochs);
    char sha256[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char isa[] = "avx2", version[] = CNN_VERSION, config[sizeof config_text];
    memcpy(config, config_text, sizeof config);
    cnn_report_run run = {.config_text = config,
                          .epochs = epochs,
                          .epoch_count = SAMPLE_EPOCHS,
                          .best_epoch = 7,
                          .model_epoch = 7,
                          .parameters = 785,
                          .seconds = 15,
                          .images_per_second = 20000,
                          .threads = 2,
                          .isa = isa,
                          .version = version,
                          .copies_left_out = 2,
                          .split_images = {{1080, 1080}, {120, 120}, {120, 120}}};
    cnn_report report = {.title = "run</title><script>alert(5)</script> \xe2\x81\xa7x\xe2\x81\xa9",
                         .classes = {"<b>cat</b> & \"dog\"", "\xe2\x80\xaegod\xe2\x80\xac"},
                         .model_sha256 = sha256,
                         .images_count = 1,
                         .run = &run,
                         .threads = 1};
    cnn_error error;
    cnn_status status = write_pages(argv[1], &run, &report, &error);
    if (status != CNN_OK) {
        (void)fprintf(stderr, "report_sample: %s\n", error.message);
        return 1;
    }
    return 0;
}
