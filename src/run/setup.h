/* Common to training, dry run and trace: data in memory, a planned network, the normalization of
 * pixels. */
#ifndef CNN_RUN_SETUP_H
#define CNN_RUN_SETUP_H

#include "config/config.h"
#include "model/model_file.h"
#include "samples/dataset.h"

#include "cnn/options.h"

typedef struct cnn_setup {
    cnn_config config; /* cnn_setup_config: a view, of which nothing is freed */
    cnn_dataset *dataset;
    cnn_network *network;
    cnn_model_info info; /* classes are the dataset's */
    cnn_pixel_table table;
    int threads;
    bool borrowed; /* the caller owns the dataset */
} cnn_setup;

/* Loads the data, logs what it found (counts, which class is 1), plans the network. The config must
 * outlive the setup. Free with cnn_setup_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_setup_create(const cnn_config *config,
                                         const cnn_common_options *options, cnn_network_mode mode,
                                         cnn_setup *setup, cnn_error *error);

/* The same with images that are already loaded, and stay owned by the caller. dataset NULL: reads
 * them. */
CNN_MUST_USE cnn_status cnn_setup_create_on(cnn_dataset *dataset, const cnn_config *config,
                                            const cnn_common_options *options,
                                            cnn_network_mode mode, cnn_setup *setup,
                                            cnn_error *error);
void cnn_setup_free(cnn_setup *setup);

/* The config with the names of the dataset's classes and the ends of its range: a view, of which
 * nothing is freed. */
cnn_config cnn_setup_config(const cnn_config *config, const cnn_dataset *dataset);

/* The settings of the options for reading images. */
cnn_reading cnn_setup_reading(const cnn_common_options *options);

/* Threads to use: the option, or as many as there are processors. */
int cnn_setup_threads(int wanted);

/* The order of the training images in an epoch: order[split_count[TRAIN]], sample indices. A pure
 * function of seed and epoch (counted from 1), or the order of the files if the config does not
 * shuffle. With balanced classes, images occur more than once, or not at all. */
CNN_MUST_USE cnn_status cnn_setup_order(const cnn_config *config, const cnn_dataset *dataset,
                                        int64_t epoch, size_t *order, cnn_error *error);

#endif
