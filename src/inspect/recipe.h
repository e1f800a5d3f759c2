/* A config for images of which only a survey is known, and perhaps a pretrained network: network,
 * augmentation, optimizer and number of epochs, measured in configs/README.md. */
#ifndef CNN_INSPECT_RECIPE_H
#define CNN_INSPECT_RECIPE_H

#include "config/config.h"
#include "inspect/survey.h"

/* The estimated time of training, and what it is computed from. */
typedef struct cnn_recipe_budget {
    bool features;  /* a pretrained network sees every image once; training takes no time */
    size_t images;  /* training images of an epoch; with features: all images */
    double flops;   /* of a step, per image: forward, and twice as many backward; with features:
                     * forward */
    double rate;    /* floating-point operations per second, on two cores */
    double seconds; /* of the whole training */
    double minutes; /* train.minutes; 0: none. Then `seconds` is that of the most epochs */
} cnn_recipe_budget;

/* The config for such images, a pure function of the survey and the file. pretrained: the path of a
 * network to start from (model/pretrained.h); NULL: none. output: the run directory. minutes: the
 * time that the run may take, train.minutes; 0: none. Paths and names are copied and must be UTF-8.
 * Free *config with cnn_config_free. CNN_ERROR_MODEL for the file; CNN_ERROR_CONFIG if its layers
 * cannot be continued; CNN_ERROR_RUNTIME if memory is refused.
 */
CNN_MUST_USE cnn_status cnn_recipe_make(const cnn_survey *survey, const char *pretrained,
                                        const char *output, double minutes, cnn_config **config,
                                        cnn_recipe_budget *budget, cnn_error *error);

/* Estimates the time again, for a config in which values of the recipe were replaced. */
CNN_MUST_USE cnn_status cnn_recipe_estimate(const cnn_config *config, const cnn_survey *survey,
                                            cnn_recipe_budget *budget, cnn_error *error);

/* Are the images large enough to be photographs, or like them, so that a network that has learned
 * from photographs is a better start? See configs/README.md. */
bool cnn_recipe_wants_pretrained(const cnn_survey *survey);

#endif
