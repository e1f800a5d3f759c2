#include "run/fold_images.h"

#include "base/error.h"
#include "base/memory.h"
#include "run/setup.h"
#include "run/splits_check.h"
#include "samples/folds.h"
#include "samples/stretch.h"

cnn_status cnn_fold_images_check(const cnn_config *config, cnn_error *error) {
    return cnn_config_check_folds(config, error);
}

/* Rows that a manifest assigns to another split cannot be divided into folds. */
static cnn_status check_splits(const cnn_config *config, const cnn_dataset *dataset,
                               cnn_error *error) {
    for (size_t i = 0; i < dataset->count; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        if (sample->split != CNN_SPLIT_TRAIN) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "%s: split: expected only \"train\" with --folds, which divides all "
                            "images, found \"%s\" for %s",
                            config->data.train, cnn_split_names[sample->split], sample->path);
        }
    }
    return CNN_OK;
}

/* The `check` of a reading whose context is the config. */
static cnn_status check_list(const void *context, const cnn_dataset *listed, cnn_error *error) {
    const cnn_config *config = context;
    CNN_TRY(check_splits(config, listed, error));
    return config->data.validation.fraction > 0.0 ? CNN_OK
                                                  : cnn_splits_check(config, listed, error);
}

cnn_status cnn_fold_images_load(const cnn_config *config, const cnn_common_options *options,
                                int folds, cnn_fold_images *images, cnn_error *error) {
    *images = (cnn_fold_images){.folds = folds};
    cnn_data_settings whole = config->data; /* a view: nothing of it is freed */
    whole.validation.fraction = 0.0;
    CNN_TRY(cnn_fold_images_check(config, error));
    CNN_TRY(cnn_start_create(config, &images->start, error));
    CNN_TRY(cnn_setup_reading_for(images->start, config, options, &images->reading, &images->base,
                                  error));
    images->reading.check = check_list;
    images->reading.check_context = config;
    CNN_TRY(cnn_dataset_load(&whole, &config->image, (uint64_t)config->train.seed, &images->reading,
                             &images->dataset, error));
    const cnn_dataset *dataset = images->dataset;
    images->fold = cnn_alloc(dataset->count, sizeof *images->fold);
    if (!images->fold) {
        return cnn_fail_memory(error, "folds");
    }
    return cnn_folds_assign(dataset->samples, dataset->count, images->folds,
                            (uint64_t)config->train.seed, dataset->classes, config->data.train,
                            images->fold, error);
}

void cnn_fold_images_free(cnn_fold_images *images) {
    cnn_dataset_free(images->dataset);
    cnn_free(images->fold);
    cnn_frozen_base_free(images->base);
    cnn_start_free(images->start);
    *images = (cnn_fold_images){0};
}

cnn_status cnn_fold_images_choose(const cnn_fold_images *images, const cnn_config *config, int fold,
                                  cnn_error *error) {
    return cnn_dataset_choose_fold(images->dataset, &config->data, (uint64_t)config->train.seed,
                                   images->fold, fold - 1, error);
}

cnn_status cnn_fold_images_stretch(const cnn_fold_images *images, const cnn_config *config,
                                   cnn_error *error) {
    return cnn_dataset_stretch(images->dataset, &config->data, &images->reading, error);
}

cnn_status cnn_fold_images_see(const cnn_fold_images *images, const cnn_config *config,
                               const cnn_range *ends, cnn_error *error) {
    const cnn_image_settings *seen = &images->dataset->seen;
    if (seen->ends.low == ends->low && seen->ends.high == ends->high) {
        return CNN_OK;
    }
    cnn_image_settings image = *seen;
    image.ends = *ends;
    return cnn_dataset_load_again(images->dataset, &config->data, &image, &images->reading, error);
}
