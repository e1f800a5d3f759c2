#include "inspect/recipe.h"

#include "base/error.h"
#include "base/text.h"

#include <math.h>

/* --- the recipe; configs/README.md has measurements of its parts --- */

enum { STAGES_MAX = 5 };

typedef struct recipe {
    int longest_side; /* for images whose median sides are at most this */
    int side;         /* of the square to which images are stretched; 0: their median size */
    int stages;
    int filters[STAGES_MAX]; /* a stage: conv 3×3, batchnorm, relu, maxpool 2 */
    int units;      /* of a dense layer after the stages; 0: means of the last stage instead of
                     * pooling */
    double dropout; /* before each dense layer */
    double learning_rate;
    double shift, zoom, brightness, contrast;
    double rotate_colour, rotate_grey; /* degrees */
    double saturation;                 /* of colour images */
    double rate;                       /* floating-point operations per second, on two cores */
    double seconds;                /* that training should take, if the number of epochs is … */
    double epochs_min, epochs_max; /* … in this range */
} recipe;

static const recipe recipes[] = {
    {.longest_side = 40,
     .stages = 2,
     .filters = {16, 32},
     .units = 64,
     .dropout = 0.3,
     .learning_rate = 0.003,
     .shift = 0.07,
     .rate = 80e9,
     .seconds = 50,
     .epochs_min = 10,
     .epochs_max = 150},
    {.longest_side = 80,
     .side = 64,
     .stages = 4,
     .filters = {16, 32, 64, 128},
     .dropout = 0.3,
     .learning_rate = 0.003,
     .shift = 0.1,
     .zoom = 0.15,
     .brightness = 0.1,
     .contrast = 0.2,
     .rotate_colour = 10,
     .rotate_grey = 5,
     .saturation = 0.2,
     .rate = 80e9,
     .seconds = 360,
     .epochs_min = 20,
     .epochs_max = 150},
    {.longest_side = INT32_MAX,
     .side = 96,
     .stages = 5,
     .filters = {16, 32, 64, 128, 128},
     .dropout = 0.3,
     .learning_rate = 0.003,
     .shift = 0.1,
     .zoom = 0.15,
     .brightness = 0.1,
     .contrast = 0.2,
     .rotate_colour = 10,
     .rotate_grey = 5,
     .saturation = 0.2,
     .rate = 80e9,
     .seconds = 360,
     .epochs_min = 20,
     .epochs_max = 150},
};

#define WEIGHT_DECAY 0.01

/* Larger batches if there are many images. */
enum { BATCH_SIZE = 32, BATCH_SIZE_MANY = 64, MANY_IMAGES = 5000 };

/* A network learns nothing from a handful of steps: all epochs together have at least this many
 * images. */
#define PRESENTATIONS_MIN 20000.0

/* The share that is held back if the data has no validation part: a larger share of few images, to
 * measure how good the model is. */
#define VALIDATION 0.1
#define VALIDATION_OF_FEW 0.15
enum { FEW_IMAGES = 1000 };

/* If a class has more than this many times as many images as the other, the loss is balanced. */
#define UNBALANCED 3.0

/* The network sees colour if at least one in this many images is in colour. */
enum { COLOUR_SHARE = 20 };

/* Smaller images are enlarged: two poolings would leave nothing of them. */
enum { SIDE_MIN = 8 };

/* --- */

static size_t train_images(const cnn_survey *survey) {
    return survey->images[CNN_SPLIT_TRAIN][0] + survey->images[CNN_SPLIT_TRAIN][1];
}

static bool has_validation(const cnn_survey *survey) {
    return survey->images[CNN_SPLIT_VALIDATION][0] + survey->images[CNN_SPLIT_VALIDATION][1] > 0;
}

static double held_back(const cnn_survey *survey) {
    if (has_validation(survey)) {
        return 0.0;
    }
    return train_images(survey) < FEW_IMAGES ? VALIDATION_OF_FEW : VALIDATION;
}

static bool is_colour(const cnn_survey *survey) {
    return survey->colour * COLOUR_SHARE >= survey->readable;
}

static bool is_unbalanced(const cnn_survey *survey) {
    double a = (double)survey->images[CNN_SPLIT_TRAIN][0];
    double b = (double)survey->images[CNN_SPLIT_TRAIN][1];
    return a > UNBALANCED * b || b > UNBALANCED * a;
}

static const recipe *choose(const cnn_survey *survey) {
    int longer = survey->width > survey->height ? survey->width : survey->height;
    const recipe *chosen = recipes;
    while (longer > chosen->longest_side) {
        chosen++;
    }
    return chosen;
}

/* --- the config as JSON; config/read.c checks every key and fills in the defaults --- */

static void write_path(const char *key, const char *path, cnn_text *json) {
    if (path) {
        cnn_text_format(json, ", \"%s\": ", key);
        cnn_text_json_string(json, path);
    }
}

static void write_data(const cnn_survey *survey, cnn_text *json) {
    cnn_text_format(json, "\"data\": {\"classes\": [");
    cnn_text_json_string(json, survey->classes[0]);
    cnn_text_format(json, ", ");
    cnn_text_json_string(json, survey->classes[1]);
    cnn_text_format(json, "]");
    write_path("train", survey->layout.train, json);
    write_path("validation", survey->layout.validation, json);
    write_path("test", survey->layout.test, json);
    if (!survey->layout.validation) {
        cnn_text_format(json, ", \"validation\": %g", held_back(survey));
    }
    if (survey->unreadable > 0) {
        cnn_text_format(json, ", \"bad_images\": \"skip\"");
    }
    if (survey->two_labels + survey->two_splits > 0) {
        cnn_text_format(json, ", \"duplicates\": \"allow\"");
    }
    cnn_text_format(json, "}");
}

static int at_least(int value, int least) {
    return value < least ? least : value;
}

static void write_image(const recipe *r, const cnn_survey *survey, cnn_text *json) {
    cnn_text_format(json,
                    ", \"image\": {\"width\": %d, \"height\": %d, \"channels\": %d, "
                    "\"resize\": \"stretch\", \"normalize\": \"standardize\"}",
                    r->side ? r->side : at_least(survey->width, SIDE_MIN),
                    r->side ? r->side : at_least(survey->height, SIDE_MIN),
                    is_colour(survey) ? 3 : 1);
}

static void write_layers(const recipe *r, cnn_text *json) {
    cnn_text_format(json, ", \"layers\": [");
    for (int i = 0; i < r->stages; i++) {
        bool averaged = r->units == 0 && i == r->stages - 1;
        cnn_text_format(json,
                        "{\"type\": \"conv\", \"filters\": %d, \"kernel\": 3, \"padding\": "
                        "\"same\"}, {\"type\": \"batchnorm\"}, {\"type\": \"relu\"}, %s, ",
                        r->filters[i],
                        averaged ? "{\"type\": \"global_avgpool\"}"
                                 : "{\"type\": \"maxpool\", \"size\": 2}");
    }
    cnn_text_format(json, "{\"type\": \"flatten\"}, {\"type\": \"dropout\", \"rate\": %g}, ",
                    r->dropout);
    if (r->units > 0) {
        cnn_text_format(json,
                        "{\"type\": \"dense\", \"units\": %d}, {\"type\": \"batchnorm\"}, "
                        "{\"type\": \"relu\"}, {\"type\": \"dropout\", \"rate\": %g}, ",
                        r->units, r->dropout);
    }
    cnn_text_format(json, "{\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}]");
}

static void write_augment(const recipe *r, const cnn_survey *survey, cnn_text *json) {
    bool colour = is_colour(survey);
    cnn_text_format(json,
                    ", \"augment\": {\"flip_horizontal\": true, \"shift\": %g, \"rotate\": %g, "
                    "\"zoom\": %g, \"brightness\": %g, \"contrast\": %g, \"saturation\": %g}",
                    r->shift, colour ? r->rotate_colour : r->rotate_grey, r->zoom, r->brightness,
                    r->contrast, colour ? r->saturation : 0.0);
}

/* model.bin is the last epoch, which one_cycle approaches in small steps, not the epoch with the
 * lowest validation loss: with few images that is chance, and often an epoch in the middle of the
 * run. The validation images are used for the temperature and to measure how good the model is. */
static void write_train(const recipe *r, const cnn_survey *survey, cnn_text *json) {
    cnn_text_format(json,
                    ", \"train\": {\"batch_size\": %d, \"optimizer\": \"adamw\", "
                    "\"learning_rate\": %g, \"weight_decay\": %g, \"schedule\": \"one_cycle\", "
                    "\"calibrate\": true, \"early_stopping\": {\"restore\": false}%s}",
                    train_images(survey) > MANY_IMAGES ? BATCH_SIZE_MANY : BATCH_SIZE,
                    r->learning_rate, WEIGHT_DECAY,
                    is_unbalanced(survey) ? ", \"pos_weight\": \"balanced\"" : "");
}

/* --- the estimated time --- */

static cnn_status count_flops(const cnn_config *config, double *flops, cnn_error *error) {
    const cnn_kernels *kernels;
    cnn_network *network;
    cnn_status status = cnn_kernels_choose(&kernels, error);
    if (status == CNN_OK) {
        status = cnn_network_create(&config->network, kernels, CNN_NETWORK_FAST, &network, error);
    }
    if (status == CNN_OK) {
        *flops = network->flops;
        cnn_network_free(network);
    }
    return status;
}

/* As many epochs as the time allows, within the bounds of the recipe. */
static double choose_epochs(const recipe *r, const cnn_recipe_budget *budget) {
    double images = (double)budget->images;
    double affordable = floor(r->seconds * r->rate / (budget->flops * images));
    double needed = ceil(PRESENTATIONS_MIN / images);
    double epochs = affordable > needed ? affordable : needed;
    epochs = epochs < r->epochs_min ? r->epochs_min : epochs;
    return epochs > r->epochs_max ? r->epochs_max : epochs;
}

static cnn_status plan_time(const recipe *r, const cnn_survey *survey, cnn_config *config,
                            cnn_recipe_budget *budget, cnn_error *error) {
    double forward;
    cnn_status status = count_flops(config, &forward, error);
    if (status == CNN_OK) {
        double kept = (double)train_images(survey) * (1.0 - held_back(survey));
        *budget = (cnn_recipe_budget){
            .images = (size_t)ceil(kept), .flops = 3.0 * forward, .rate = r->rate};
        double epochs = choose_epochs(r, budget);
        config->train.epochs = (int64_t)epochs;
        budget->seconds = epochs * (double)budget->images * budget->flops / budget->rate;
    }
    return status;
}

cnn_status cnn_recipe_make(const cnn_survey *survey, const char *output, cnn_config **config,
                           cnn_recipe_budget *budget, cnn_error *error) {
    const recipe *r = choose(survey);
    cnn_text json = {0};
    cnn_text_format(&json, "{");
    write_data(survey, &json);
    write_image(r, survey, &json);
    write_layers(r, &json);
    write_augment(r, survey, &json);
    write_train(r, survey, &json);
    write_path("output", output, &json);
    cnn_text_format(&json, "}");
    *config = NULL;
    cnn_status status = json.failed ? cnn_fail_memory(error, "the config")
                                    : cnn_config_parse("the recipe", json.data, json.length, NULL,
                                                       0, config, error);
    cnn_text_free(&json);
    if (status == CNN_OK) {
        status = plan_time(r, survey, *config, budget, error);
        if (status != CNN_OK) {
            cnn_config_free(*config);
            *config = NULL;
        }
    }
    return status;
}
