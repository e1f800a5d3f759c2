/* Common to training, dry run and trace: data in memory, a planned network, the normalization of
 * pixels. */
#ifndef CNN_RUN_SETUP_H
#define CNN_RUN_SETUP_H

#include "config/config.h"
#include "model/model_file.h"
#include "run/frozen_base.h"
#include "run/pretrained_start.h"
#include "samples/dataset.h"

#include "cnn/options.h"

typedef struct cnn_setup {
    cnn_config config; /* cnn_setup_config: a view, of which nothing is freed */
    cnn_start *start;  /* NULL: not from a pretrained network */
    cnn_dataset *dataset;
    cnn_network *network; /* the one that is trained (cnn_start_network) */
    cnn_model_info info;  /* classes are the dataset's */
    cnn_pixel_table table;
    cnn_ranks *ranks; /* processes that train together, to be set after cnn_setup_plan; NULL: one */
    int threads;
    bool borrowed; /* the caller owns the dataset */
} cnn_setup;

/* Plans the network, then loads the data and logs what it found (counts, which class is 1). The
 * config must outlive the setup. Free with cnn_setup_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_setup_create(const cnn_config *config,
                                         const cnn_common_options *options, cnn_network_mode mode,
                                         cnn_setup *setup, cnn_error *error);

/* The same with images that are already loaded, and stay owned by the caller. dataset NULL: reads
 * them. */
CNN_MUST_USE cnn_status cnn_setup_create_on(cnn_dataset *dataset, const cnn_config *config,
                                            const cnn_common_options *options,
                                            cnn_network_mode mode, cnn_setup *setup,
                                            cnn_error *error);

/* The two halves of it, for code that checks more before images are read, which can take minutes.
 * The first one plans the network; a config whose layers or pretrained network do not fit fails
 * here. */
CNN_MUST_USE cnn_status cnn_setup_plan(const cnn_config *config, const cnn_common_options *options,
                                       cnn_network_mode mode, cnn_setup *setup, cnn_error *error);

/* The second one loads the data. checked: as for a training, what the config wants to be measured
 * on validation images must be possible (cnn_splits_check). */
CNN_MUST_USE cnn_status cnn_setup_load(cnn_dataset *dataset, const cnn_config *config,
                                       const cnn_common_options *options, bool checked,
                                       cnn_setup *setup, cnn_error *error);
void cnn_setup_free(cnn_setup *setup);

/* The config with the names of the dataset's classes and the ends of its range: a view, of which
 * nothing is freed. */
cnn_config cnn_setup_config(const cnn_config *config, const cnn_dataset *dataset);

/* The settings of the options for reading images. */
cnn_reading cnn_setup_reading(const cnn_common_options *options);

/* The same for a run with this start, which may be NULL: if it has frozen layers, images are read
 * as features. *base: NULL, or what *reading needs as long as it is used; free with
 * cnn_frozen_base_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_setup_reading_for(const cnn_start *start, const cnn_config *config,
                                              const cnn_common_options *options,
                                              cnn_reading *reading, cnn_frozen_base **base,
                                              cnn_error *error);

/* Reads the images of a run with this start, as features if layers are frozen, for these processes
 * together (NULL: this one). checked: as for cnn_setup_load. */
CNN_MUST_USE cnn_status cnn_setup_read_images(const cnn_start *start, const cnn_config *config,
                                              const cnn_common_options *options, cnn_ranks *ranks,
                                              bool checked, cnn_dataset **dataset,
                                              cnn_error *error);

/* Writes a model of all layers, those of a pretrained network included. parameters: of
 * setup->network. */
CNN_MUST_USE cnn_status cnn_setup_write_model(const cnn_setup *setup, const char *path,
                                              const float *parameters, cnn_error *error);

/* Parameters of all layers of the model. */
size_t cnn_setup_parameters(const cnn_setup *setup);

/* Threads to use: the option, or as many as there are processors. */
int cnn_setup_threads(int wanted);

/* The order of the training images in an epoch: order[split_count[TRAIN]], sample indices. A pure
 * function of seed and epoch (counted from 1), or the order of the files if the config does not
 * shuffle. With balanced classes, images occur more than once, or not at all. */
CNN_MUST_USE cnn_status cnn_setup_order(const cnn_config *config, const cnn_dataset *dataset,
                                        int64_t epoch, size_t *order, cnn_error *error);

#endif
