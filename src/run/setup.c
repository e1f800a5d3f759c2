#include "run/setup.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/sort.h"
#include "run/hidden_warning.h"
#include "run/splits_check.h"
#include "run/training_settings.h"
#include "samples/sampling.h"

#include <string.h>

int cnn_setup_threads(int wanted) {
    return wanted > 0 ? wanted : cnn_default_threads();
}

/* "12000 images: 6000 "shirt" (class 0), 6000 "t-shirt" (class 1)" */
static void log_split(const cnn_log_sink *log, const cnn_dataset *dataset, cnn_split split) {
    if (dataset->split_count[split] > 0) {
        cnn_log_message(
            log, CNN_LOG_INFO, "%s: %zu images: %zu \"%s\" (class 0), %zu \"%s\" (class 1)",
            cnn_split_names[split], dataset->split_count[split], dataset->class_count[split][0],
            dataset->classes[0], dataset->class_count[split][1], dataset->classes[1]);
    }
}

/* Warns of a class with no image, or one: next to nothing can be measured on it. */
static void warn_of_few(const cnn_log_sink *log, const cnn_dataset *dataset, cnn_split split) {
    for (int label = 0; label < 2 && dataset->split_count[split] > 0; label++) {
        size_t count = dataset->class_count[split][label];
        if (count < 2) {
            cnn_log_message(log, CNN_LOG_WARNING,
                            "%s: %s image of \"%s\" (class %d): the results %s nothing about this "
                            "class; use more images%s",
                            cnn_split_names[split], count == 0 ? "no" : "only one",
                            dataset->classes[label], label, count == 0 ? "say" : "say almost",
                            split == CNN_SPLIT_VALIDATION ? ", or a larger data.validation" : "");
        }
    }
}

cnn_config cnn_setup_config(const cnn_config *config, const cnn_dataset *dataset) {
    cnn_config named = *config;
    named.data.classes[0] = dataset->classes[0];
    named.data.classes[1] = dataset->classes[1];
    named.image.ends = dataset->seen.ends;
    return named;
}

cnn_reading cnn_setup_reading(const cnn_common_options *options) {
    return (cnn_reading){.cache = {.folder = options->cache_directory,
                                   .limit = options->cache_limit > 0 ? options->cache_limit
                                                                     : CNN_CACHE_LIMIT_DEFAULT},
                         .threads = cnn_setup_threads(options->threads),
                         .log = &options->log,
                         .should_stop = options->should_stop,
                         .progress = options->reading,
                         .user = options->user};
}

cnn_status cnn_setup_reading_for(const cnn_start *start, const cnn_config *config,
                                 const cnn_common_options *options, cnn_reading *reading,
                                 cnn_frozen_base **base, cnn_error *error) {
    *base = NULL;
    *reading = cnn_setup_reading(options);
    if (start) {
        reading->ends = start->file->config->image.ends;
    }
    if (cnn_start_is_frozen(start)) {
        CNN_TRY(cnn_frozen_base_create(start, config, reading->threads, base, error));
        cnn_frozen_base_use(*base, reading);
    }
    return CNN_OK;
}

cnn_status cnn_setup_write_model(const cnn_setup *setup, const char *path, const float *parameters,
                                 cnn_error *error) {
    return setup->start ? cnn_start_write_model(setup->start, path, &setup->config, &setup->info,
                                                parameters, error)
                        : cnn_model_write(path, &setup->config, &setup->info,
                                          &setup->network->graph, parameters, error);
}

size_t cnn_setup_parameters(const cnn_setup *setup) {
    return setup->start ? setup->start->graph.parameter_count : setup->network->parameter_count;
}

cnn_status cnn_setup_create(const cnn_config *config, const cnn_common_options *options,
                            cnn_network_mode mode, cnn_setup *setup, cnn_error *error) {
    return cnn_setup_create_on(NULL, config, options, mode, setup, error);
}

/* Logs what will be trained, and on which images. */
static void log_setup(const cnn_setup *setup, const cnn_log_sink *log) {
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        log_split(log, setup->dataset, (cnn_split)split);
    }
    warn_of_few(log, setup->dataset, CNN_SPLIT_VALIDATION);
    warn_of_few(log, setup->dataset, CNN_SPLIT_TEST);
    if (setup->dataset->bad_images > 0) {
        cnn_log_message(log, CNN_LOG_WARNING, "%zu unreadable images skipped",
                        setup->dataset->bad_images);
    }
    cnn_settings_log_balance(&setup->config, setup->dataset, log);
    cnn_log_message(log, CNN_LOG_DETAIL, "%zu parameters, %s kernels, %d threads",
                    cnn_setup_parameters(setup), cnn_isa_name(setup->network->kernels->isa),
                    setup->threads);
}

cnn_status cnn_setup_read_images(const cnn_start *start, const cnn_config *config,
                                 const cnn_common_options *options, cnn_ranks *ranks, bool checked,
                                 cnn_dataset **dataset, cnn_error *error) {
    cnn_reading reading;
    cnn_frozen_base *base;
    cnn_status status = cnn_setup_reading_for(start, config, options, &reading, &base, error);
    status = cnn_ranks_agree(ranks, status, error);
    if (status == CNN_OK) {
        reading.ranks = ranks;
        if (checked) {
            cnn_splits_check_list(config, &reading);
        }
        status = cnn_dataset_load(&config->data, &config->image, (uint64_t)config->train.seed,
                                  &reading, dataset, error);
    }
    cnn_frozen_base_free(base);
    return status;
}

/* How the network sees pixels. */
static void set_normalization(cnn_setup *setup) {
    const cnn_start *start = setup->start;
    if (start) {
        memcpy(setup->info.mean, start->file->mean, sizeof setup->info.mean);
        memcpy(setup->info.deviation, start->file->deviation, sizeof setup->info.deviation);
    } else if (setup->config.normalize == CNN_NORMALIZE_STANDARDIZE) {
        cnn_dataset_statistics(setup->dataset, (int)setup->config.image.channels, setup->info.mean,
                               setup->info.deviation);
    }
    cnn_pixel_table_fill(setup->info.mean, setup->info.deviation, &setup->table);
}

/* Reads the pretrained network, if there is one, and plans the one that is trained. */
static cnn_status plan_network(cnn_setup *setup, const cnn_config *config, const cnn_log_sink *log,
                               cnn_network_mode mode, cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    CNN_TRY(cnn_start_create(config, &setup->start, error));
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    if (setup->start) {
        cnn_log_message(log, CNN_LOG_INFO, "%s", setup->start->described);
    }
    return cnn_network_create(cnn_start_network(setup->start, config), kernels, mode,
                              &setup->network, error);
}

cnn_status cnn_setup_plan(const cnn_config *config, const cnn_common_options *options,
                          cnn_network_mode mode, cnn_setup *setup, cnn_error *error) {
    *setup = (cnn_setup){.threads = cnn_setup_threads(options->threads)};
    return plan_network(setup, config, &options->log, mode, error);
}

cnn_status cnn_setup_load(cnn_dataset *dataset, const cnn_config *config,
                          const cnn_common_options *options, bool checked, cnn_setup *setup,
                          cnn_error *error) {
    setup->dataset = dataset;
    setup->borrowed = dataset != NULL;
    if (!dataset) {
        CNN_TRY(cnn_setup_read_images(setup->start, config, options, setup->ranks, checked,
                                      &setup->dataset, error));
    }
    if (checked) {
        CNN_TRY(cnn_splits_check(config, setup->dataset, error));
    }
    setup->config = cnn_setup_config(config, setup->dataset);
    log_setup(setup, &options->log);
    CNN_TRY(cnn_hidden_warn(setup, &options->log, error));
    setup->info = (cnn_model_info){
        .classes = {setup->dataset->classes[0], setup->dataset->classes[1]},
        .deviation = {1.0, 1.0, 1.0},
        .threshold = config->train.threshold.number, /* 0.5 if a rule will choose it */
        .temperature = 1.0,
    };
    set_normalization(setup);
    return CNN_OK;
}

cnn_status cnn_setup_create_on(cnn_dataset *dataset, const cnn_config *config,
                               const cnn_common_options *options, cnn_network_mode mode,
                               cnn_setup *setup, cnn_error *error) {
    CNN_TRY(cnn_setup_plan(config, options, mode, setup, error));
    return cnn_setup_load(dataset, config, options, false, setup, error);
}

void cnn_setup_free(cnn_setup *setup) {
    cnn_network_free(setup->network);
    if (!setup->borrowed) {
        cnn_dataset_free(setup->dataset);
    }
    cnn_start_free(setup->start);
    *setup = (cnn_setup){0};
}

/* order: a random permutation of images. */
static cnn_status shuffle(const size_t *images, size_t count, uint64_t seed, int64_t epoch,
                          size_t *order, cnn_error *error) {
    /* sorting by random keys: all orders are equally likely, and no number depends on another */
    cnn_keyed *keys = cnn_alloc(count, sizeof *keys);
    for (size_t i = 0; i < count && keys; i++) {
        keys[i] = (cnn_keyed){.key = cnn_random_bits(seed, CNN_RANDOM_SHUFFLE, (uint64_t)epoch, i),
                              .value = i};
    }
    if (!keys || !cnn_sort_by_key(keys, count)) {
        cnn_free(keys);
        return cnn_fail_memory(error, "shuffling");
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = images[keys[i].value];
    }
    cnn_free(keys);
    return CNN_OK;
}

/* images: [split_count[TRAIN]], the training images; overwritten. */
static cnn_status order_images(const cnn_config *config, const cnn_dataset *dataset, int64_t epoch,
                               size_t *images, size_t *order, cnn_error *error) {
    size_t count = dataset->split_count[CNN_SPLIT_TRAIN];
    uint64_t seed = (uint64_t)config->train.seed;
    if (config->data.sampling == CNN_SAMPLING_BALANCED) {
        CNN_TRY(cnn_sampling_draw(dataset, seed, epoch, images, error));
    }
    if (config->train.shuffle) {
        return shuffle(images, count, seed, epoch, order, error);
    }
    memcpy(order, images, count * sizeof *order);
    return CNN_OK;
}

cnn_status cnn_setup_order(const cnn_config *config, const cnn_dataset *dataset, int64_t epoch,
                           size_t *order, cnn_error *error) {
    size_t count = dataset->split_count[CNN_SPLIT_TRAIN];
    size_t *images = cnn_alloc(count, sizeof *images);
    if (!images) {
        return cnn_fail_memory(error, "the order of the images");
    }
    memcpy(images, dataset->split[CNN_SPLIT_TRAIN], count * sizeof *images);
    cnn_status status = order_images(config, dataset, epoch, images, order, error);
    cnn_free(images);
    return status;
}
