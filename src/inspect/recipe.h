/* A config for images that nobody knows anything of but what a survey tells: network, augmentation,
 * optimizer and number of epochs, as configs/README.md measured them. */
#ifndef CNN_INSPECT_RECIPE_H
#define CNN_INSPECT_RECIPE_H

#include "config/config.h"
#include "inspect/survey.h"

/* What training is to take, and the figures that follow from. */
typedef struct cnn_recipe_budget {
    size_t images;  /* trained on in an epoch */
    double flops;   /* of one image's step: forward, and twice as much backward */
    double rate;    /* floating-point operations a second, on two cores */
    double seconds; /* of the whole training */
} cnn_recipe_budget;

/* The config for such images; a pure function of the survey. output: the run directory. Paths and
 * names are those of the survey, which must be UTF-8, and are copied. Free *config with
 * cnn_config_free. CNN_ERROR_RUNTIME where memory is refused. */
CNN_MUST_USE cnn_status cnn_recipe_make(const cnn_survey *survey, const char *output,
                                        cnn_config **config, cnn_recipe_budget *budget,
                                        cnn_error *error);

#endif
