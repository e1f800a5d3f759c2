#include "inspect/init_keys.h"

#include "base/error.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

/* Keys that options of --init set, because more than the key follows from them. */
static const struct {
    const char *key, *option;
} decided[] = {{"data.train", "--init DIR"},
               {"pretrained", "--pretrained FILE"},
               {"train.minutes", "--minutes M"}};

/* Does the argument set this key, or one inside it? */
static bool sets(const char *argument, const char *key) {
    const size_t length = strlen(key);
    return strncmp(argument, key, length) == 0 && strchr(".=", argument[length]) != NULL &&
           argument[length] != '\0';
}

static cnn_status check_decided(const cnn_init_options *options, cnn_error *error) {
    for (size_t i = 0; i < options->override_count; i++) {
        for (size_t k = 0; k < sizeof decided / sizeof *decided; k++) {
            if (sets(options->overrides[i], decided[k].key)) {
                return cnn_fail(error, CNN_ERROR_CONFIG,
                                "command line: %.100s: expected %s instead, which decides more "
                                "than this key",
                                options->overrides[i], decided[k].option);
            }
        }
    }
    return CNN_OK;
}

/* A small config whose values arguments can replace. Its network fits any image. */
static void write_smallest(const char *path, cnn_json_writer *json) {
    static const char *const layers[] = {"flatten", "dense", "sigmoid"};
    cnn_json_begin_object(json);
    cnn_json_begin_object(cnn_json_key(json, "data"));
    cnn_json_string(cnn_json_key(json, "train"), path);
    cnn_json_end(json);
    cnn_json_begin_object(cnn_json_key(json, "image"));
    cnn_json_integer(cnn_json_key(json, "width"), 8);
    cnn_json_integer(cnn_json_key(json, "height"), 8);
    cnn_json_integer(cnn_json_key(json, "channels"), 1);
    cnn_json_end(json);
    cnn_json_begin_array(cnn_json_key(json, "layers"));
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        cnn_json_begin_object(json);
        cnn_json_string(cnn_json_key(json, "type"), layers[i]);
        if (strcmp(layers[i], "dense") == 0) {
            cnn_json_integer(cnn_json_key(json, "units"), 1);
        }
        cnn_json_end(json);
    }
    cnn_json_end(json);
    cnn_json_end(json);
}

/* early: [options->override_count]: receives the arguments, except those of layers, which are set
 * in the layers of the recipe. */
static size_t choose_early(const cnn_init_options *options, const char **early) {
    size_t count = 0;
    for (size_t i = 0; i < options->override_count; i++) {
        if (!sets(options->overrides[i], "layers")) {
            early[count++] = options->overrides[i];
        }
    }
    return count;
}

cnn_status cnn_init_keys_read(const char *path, const cnn_init_options *options,
                              cnn_config **chosen, cnn_error *error) {
    *chosen = NULL;
    CNN_TRY(check_decided(options, error));
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    write_smallest(path, &json);
    const char **early = cnn_alloc(options->override_count + 1, sizeof *early);
    const cnn_status status = text.failed || !early
                                  ? cnn_fail_memory(error, "the config")
                                  : cnn_config_parse("the recipe", text.data, text.length, early,
                                                     choose_early(options, early), chosen, error);
    cnn_free(early);
    cnn_text_free(&text);
    return status;
}

cnn_status cnn_init_keys_apply(const cnn_init_options *options, cnn_config **config,
                               cnn_error *error) {
    if (options->override_count == 0) {
        return CNN_OK;
    }
    char *text = cnn_config_to_json(*config);
    if (!text) {
        return cnn_fail_memory(error, "the config");
    }
    cnn_config *changed;
    const cnn_status status = cnn_config_parse("the recipe", text, strlen(text), options->overrides,
                                               options->override_count, &changed, error);
    cnn_text_release(text);
    CNN_TRY(status);
    cnn_config_free(*config);
    *config = changed;
    return CNN_OK;
}
