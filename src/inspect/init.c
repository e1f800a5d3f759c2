/* --init: examines images, makes a config for them, and logs what it found. */
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cnn/inspect.h"
#include "inspect/init_keys.h"
#include "inspect/recipe.h"
#include "samples/read.h"

#include <stdio.h>
#include <string.h>

/* Ants and bees, in configs/README.md. */
#define PRETRAINED_HINT                                                                            \
    "a network that has learned from a million photographs is a better start (ants and bees: 4 % " \
    "wrong instead of 22 %), and takes seconds: data/pretrained.sh lite2, then --pretrained "      \
    "pretrained/efficientnet-lite2.bin"

/* "runs/NAME" for the folder, manifest or archive NAME; "runs/mine" if a path does not end in a
 * name. */
static cnn_status name_output(const char *path, cnn_text *output, cnn_error *error) {
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    size_t stem = path[end] ? 0 : cnn_source_stem(path);
    end = stem > start ? stem : end;
    const char *name = path + start;
    int length = (int)(end - start);
    bool none = length == 0 || strncmp(name, "..", (size_t)length) == 0;
    cnn_text_format(output, "runs/%.*s", none ? 4 : length, none ? "mine" : name);
    return output->failed ? cnn_fail_memory(error, "a path") : CNN_OK;
}

static void log_images(const cnn_survey *survey, const cnn_log_sink *log) {
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        const size_t *images = survey->images[split];
        if (images[0] + images[1] > 0) {
            cnn_log_message(log, CNN_LOG_INFO,
                            "%s: %zu images: %zu \"%s\" (class 0), %zu \"%s\" (class 1)",
                            cnn_split_names[split], images[0] + images[1], images[0],
                            survey->classes[0], images[1], survey->classes[1]);
        }
    }
    cnn_log_message(log, CNN_LOG_INFO,
                    "median size %d×%d, sides of %d to %d pixels; %zu of %zu images in colour",
                    survey->width, survey->height, survey->smallest_side, survey->largest_side,
                    survey->colour, survey->readable);
    if (survey->unreadable > 0) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "%zu unreadable images: the config skips them (data.bad_images)",
                        survey->unreadable);
    }
    if (survey->other_labels > 0) {
        cnn_log_message(log, CNN_LOG_INFO, "%zu images of other classes are left out",
                        survey->other_labels);
    }
    if (survey->two_labels > 0) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "%zu images have copies with the other label: training leaves them out "
                        "(data.duplicates); --check-data names them",
                        survey->two_labels);
    }
    if (survey->two_splits > 0) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "%zu images have copies in an earlier split: training leaves them out "
                        "(data.duplicates); --check-data names them",
                        survey->two_splits);
    }
}

/* What the config shows of the files that a network would not see by default. */
static void log_hidden(const cnn_survey *survey, const cnn_config *config,
                       const cnn_log_sink *log) {
    cnn_range range;
    size_t shapes = atomic_load(&survey->hidden.shapes);
    if (cnn_hidden_is_narrow(&survey->hidden, &range)) {
        bool stretched = config->image.range == CNN_RANGE_STRETCH;
        cnn_log_message(log, stretched ? CNN_LOG_INFO : CNN_LOG_WARNING,
                        "%zu images of 16 bits: 99.8 %% of their values are from %lld to %lld of "
                        "65535, %d of 256 levels: %s",
                        atomic_load(&survey->hidden.deep), (long long)range.low,
                        (long long)range.high, cnn_range_levels(&range),
                        stretched ? "the config stretches that range (image.range)"
                                  : "image.range \"stretch\" would not help, as most images have 8 "
                                    "bits");
    }
    if (shapes > 0) {
        bool composed = config->image.alpha != CNN_ALPHA_DROP;
        cnn_log_message(log, composed ? CNN_LOG_INFO : CNN_LOG_WARNING,
                        "%zu images have one colour, and their shape only in the alpha channel: "
                        "the config %s (image.alpha)",
                        shapes,
                        !composed                                ? "drops it"
                        : config->image.alpha == CNN_ALPHA_WHITE ? "composes images over white"
                                                                 : "composes images over black");
    }
}

static void log_plan(const cnn_config *config, const cnn_recipe_budget *budget,
                     const cnn_log_sink *log) {
    char time[32], limit[80] = "";
    if (budget->seconds < 90.0) {
        (void)snprintf(time, sizeof time, "%.0f seconds", budget->seconds + 1.0);
    } else {
        (void)snprintf(time, sizeof time, "%.0f minutes", budget->seconds / 60.0 + 0.5);
    }
    if (budget->minutes > 0.0) {
        (void)snprintf(limit, sizeof limit, "; the run trains as many as fit (train.minutes %g)",
                       budget->minutes);
    }
    cnn_log_message(log, CNN_LOG_INFO, "network: sees %d×%d pixels in %s, %d layers%s",
                    (int)config->image.width, (int)config->image.height,
                    config->image.channels == 3 ? "colour" : "grey", config->network.layer_count,
                    budget->features ? " after those of the pretrained network" : "");
    if (budget->features) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "time: about %s on two cores for the features, which later runs find in "
                        "the cache: %zu images × %.1f million operations, at %.0f thousand million "
                        "a second",
                        time, budget->images, budget->flops / 1e6, budget->rate / 1e9);
        return;
    }
    cnn_log_message(log, CNN_LOG_INFO,
                    "time: about %s on two cores: %lld epochs × %zu images × %.1f million "
                    "operations, at %.0f thousand million a second%s",
                    time, (long long)config->train.epochs, budget->images, budget->flops / 1e6,
                    budget->rate / 1e9, limit);
}

/* Logs a better way to start, or what this start loses. */
static void log_start(const cnn_survey *survey, const cnn_config *config, const cnn_log_sink *log) {
    if (!config->pretrained.file) {
        if (cnn_recipe_wants_pretrained(survey)) {
            cnn_log_message(log, CNN_LOG_INFO, "%s", PRETRAINED_HINT);
        }
    } else if (config->image.channels == 1 && survey->colour > 0) {
        cnn_log_message(
            log, CNN_LOG_WARNING,
            "%zu of %zu images are in colour, which the pretrained network does not see",
            survey->colour, survey->readable);
    }
}

/* A config is JSON, and JSON is UTF-8: it cannot represent another path. */
static cnn_status check_path(const char *option, const char *path, cnn_error *error) {
    if (!*path) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a path, got \"\"", option);
    }
    if (!cnn_text_is_utf8(path)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected a path in UTF-8, which a config can hold, got \"%.80s\"",
                        option, path);
    }
    return CNN_OK;
}

static cnn_status print_config(const cnn_config *config, char **json, cnn_error *error) {
    char *printed = cnn_config_to_json(config);
    cnn_text text = {0};
    if (printed) {
        cnn_text_format(&text, "%s\n", printed);
    }
    cnn_free(printed);
    if (!printed || text.failed) {
        cnn_text_free(&text);
        return cnn_fail_memory(error, "the config");
    }
    *json = text.data;
    return CNN_OK;
}

/* Examines the images that path and KEY=VALUE arguments name. */
static cnn_status examine(const char *path, const cnn_init_options *options, cnn_survey *survey,
                          cnn_error *error) {
    cnn_config *chosen;
    CNN_TRY(cnn_init_keys_read(path, options, &chosen, error));
    const cnn_status status = cnn_survey_make(path, &chosen->data, &options->common, survey, error);
    cnn_config_free(chosen);
    return status;
}

static cnn_status make_config(const char *path, const cnn_init_options *options, cnn_survey *survey,
                              cnn_text *output, cnn_config **config, char **json,
                              cnn_error *error) {
    cnn_recipe_budget budget;
    CNN_TRY(check_path("--init", path, error));
    if (options->pretrained) {
        CNN_TRY(check_path("--pretrained", options->pretrained, error));
    }
    CNN_TRY(name_output(path, output, error));
    CNN_TRY(examine(path, options, survey, error));
    CNN_TRY(cnn_recipe_make(survey, options->pretrained,
                            options->output ? options->output : output->data, options->minutes,
                            config, &budget, error));
    CNN_TRY(cnn_init_keys_apply(options, config, error));
    CNN_TRY(cnn_recipe_estimate(*config, survey, &budget, error));
    log_images(survey, &options->common.log);
    log_hidden(survey, *config, &options->common.log);
    log_plan(*config, &budget, &options->common.log);
    log_start(survey, *config, &options->common.log);
    return print_config(*config, json, error);
}

cnn_status cnn_init(const char *path, const cnn_init_options *options, char **json,
                    cnn_error *error) {
    cnn_survey survey = {0};
    cnn_config *config = NULL;
    cnn_text output = {0};
    *json = NULL;
    cnn_status status = make_config(path, options, &survey, &output, &config, json, error);
    cnn_config_free(config);
    cnn_survey_free(&survey);
    cnn_text_free(&output);
    return status;
}
