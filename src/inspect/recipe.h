/* A config for images of which only a survey is known: network, augmentation, optimizer and number
 * of epochs, measured in configs/README.md. */
#ifndef CNN_INSPECT_RECIPE_H
#define CNN_INSPECT_RECIPE_H

#include "config/config.h"
#include "inspect/survey.h"

/* The estimated time of training, and what it is computed from. */
typedef struct cnn_recipe_budget {
    size_t images;  /* training images of an epoch */
    double flops;   /* of a step, per image: forward, and twice as many backward */
    double rate;    /* floating-point operations per second, on two cores */
    double seconds; /* of the whole training */
} cnn_recipe_budget;

/* The config for such images, a pure function of the survey. output: the run directory. Paths and
 * names are copied from the survey and must be UTF-8. Free *config with cnn_config_free.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_recipe_make(const cnn_survey *survey, const char *output,
                                        cnn_config **config, cnn_recipe_budget *budget,
                                        cnn_error *error);

#endif
