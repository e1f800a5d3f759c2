/* Images that members of a sweep share: most sweeps do not change which images a run sees. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "config/keys.h"
#include "run/setup.h"

#include <string.h>

/* What decides which images a run has, and in which splits. */
static void write_key(const cnn_config *config, cnn_text *text) {
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    const cnn_key *key;
    cnn_json_begin_object(&json);
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        if (strncmp(key->name, "data.", 5) == 0 || strncmp(key->name, "image.", 6) == 0 ||
            strcmp(key->name, "train.seed") == 0) {
            cnn_config_write_key(config, key->name, cnn_json_key(&json, key->name));
        }
    }
    cnn_json_end(&json);
}

static cnn_status load(cnn_sweep_images *images, const cnn_config *config,
                       const cnn_common_options *options, cnn_error *error) {
    cnn_text key = {0};
    write_key(config, &key);
    if (key.failed) {
        cnn_text_free(&key);
        return cnn_fail_memory(error, "the images");
    }
    if (images->key && strcmp(images->key, key.data) == 0) {
        cnn_text_free(&key);
        return CNN_OK;
    }
    cnn_sweep_images_free(images);
    cnn_status status =
        cnn_setup_read_images(NULL, config, options, NULL, true, &images->dataset, error);
    if (status == CNN_OK) {
        images->key = cnn_text_take(&key);
    }
    cnn_text_free(&key);
    return status;
}

cnn_status cnn_sweep_images_get(cnn_sweep_images *images, const cnn_config *config,
                                const cnn_common_options *options, cnn_dataset **dataset,
                                cnn_error *error) {
    *dataset = NULL;
    if (config->pretrained.file) {
        return CNN_OK;
    }
    CNN_TRY(load(images, config, options, error));
    *dataset = images->dataset;
    return CNN_OK;
}

void cnn_sweep_images_free(cnn_sweep_images *images) {
    cnn_dataset_free(images->dataset);
    cnn_text_release(images->key);
    *images = (cnn_sweep_images){0};
}
