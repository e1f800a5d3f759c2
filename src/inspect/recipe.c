#include "inspect/recipe.h"

#include "base/error.h"
#include "base/json_writer.h"
#include "inspect/recipe_network.h"
#include "model/pretrained.h"
#include "run/pretrained_start.h"

#include <math.h>

/* --- the recipe; configs/README.md has measurements of its parts --- */

/* How long training should take on two cores if nothing else is asked for. */
#define SECONDS 300.0

/* The share of the requested minutes that training itself should take. The rest is for reading
 * images, validation and measuring. */
#define SHARE_TRAINED 0.8

/* What suits images that are larger than symbols. Colour images are taken to be photographs. Grey
 * images are taken to come from instruments: distance and position are fixed, and brightness is
 * what was measured, so that they are only mirrored, and moved a little. */
#define LARGE                                                                                      \
    .dropout = 0.3, .learning_rate = 0.003,                                                        \
    .colour = {.shift = 0.1,                                                                       \
               .rotate = 10,                                                                       \
               .zoom = 0.15,                                                                       \
               .brightness = 0.1,                                                                  \
               .contrast = 0.2,                                                                    \
               .saturation = 0.2},                                                                 \
    .grey = {.shift = 0.05}

/* How training images are changed, besides left-right flips; see the keys of augment. */
typedef struct changes {
    double shift, rotate, zoom, brightness, contrast, saturation, cutout;
} changes;

/* Images of such sizes, the networks for them, and what suits images of that size. */
enum { NETWORKS_MAX = 4 };

typedef struct recipe {
    int longest_side;                          /* for images whose median sides are at most this */
    cnn_recipe_network networks[NETWORKS_MAX]; /* the largest first; rate 0: no more */
    double dropout, learning_rate;
    changes colour, grey; /* of such images */
} recipe;

static const recipe recipes[] = {
    {.longest_side = 40,
     .networks = {{.filters = {64, 128, 256}, .residuals = 2, .images_min = 5000, .rate = 330e9},
                  {.filters = {32, 64, 128}, .residuals = 2, .rate = 300e9},
                  {.filters = {16, 32, 64}, .residuals = 2, .rate = 220e9},
                  {.filters = {8, 16, 32}, .residuals = 1, .rate = 150e9}},
     .dropout = 0.3,
     .learning_rate = 0.003,
     .colour = {.shift = 0.1, .cutout = 0.25},
     .grey = {.shift = 0.1, .cutout = 0.25}},
    {.longest_side = 80,
     .networks = {{.side = 64, .filters = {16, 32, 64, 128}, .residuals = 2, .rate = 260e9},
                  {.side = 64, .filters = {8, 16, 32, 64}, .residuals = 2, .rate = 220e9},
                  {.side = 32, .filters = {8, 16, 32}, .residuals = 1, .rate = 150e9}},
     LARGE},
    {.longest_side = 128,
     .networks = {{.side = 96, .filters = {16, 32, 64, 128}, .residuals = 2, .rate = 300e9},
                  {.side = 64, .filters = {16, 32, 64, 128}, .residuals = 2, .rate = 260e9},
                  {.side = 64, .filters = {8, 16, 32, 64}, .residuals = 2, .rate = 220e9},
                  {.side = 32, .filters = {8, 16, 32}, .residuals = 1, .rate = 150e9}},
     LARGE},
    {.longest_side = INT32_MAX,
     .networks = {{.side = 192,
                   .halves = true,
                   .filters = {16, 32, 64, 128},
                   .residuals = 2,
                   .rate = 300e9},
                  {.side = 128,
                   .halves = true,
                   .filters = {16, 32, 64, 128},
                   .residuals = 2,
                   .rate = 280e9},
                  {.side = 64, .filters = {8, 16, 32, 64}, .residuals = 2, .rate = 220e9},
                  {.side = 32, .filters = {8, 16, 32}, .residuals = 1, .rate = 150e9}},
     LARGE},
};

/* The number of epochs is what the time allows, in this range. A network for which the time does
 * not allow the least is too large; the smallest one is trained in any case. */
#define EPOCHS_MIN 20.0
#define EPOCHS_MAX 150.0

/* A network learns nothing from a handful of steps: all epochs together have at least this many
 * images. */
#define PRESENTATIONS_MIN 20000.0

/* The layers after those of a pretrained network. The latter are not trained: their features are
 * computed once, so epochs cost nothing. */
static const recipe after_pretrained = {
    .networks = {{.rate = 80e9}}, .dropout = 0.2, .learning_rate = 0.003};

enum { EPOCHS_PRETRAINED = 30 };

/* How images come to the size that the pretrained network sees. */
#define RESIZE_PRETRAINED "crop"

#define WEIGHT_DECAY 0.01

/* Larger batches if there are many images. */
enum { BATCH_SIZE = 32, BATCH_SIZE_MANY = 64, MANY_IMAGES = 5000 };

/* The share that is held back if the data has no validation part: a larger share of few images, to
 * measure how good the model is. */
#define VALIDATION 0.1
#define VALIDATION_OF_FEW 0.15
enum { FEW_IMAGES = 1000 };

/* If a class has more than this many times as many images as the other, the loss is balanced. */
#define UNBALANCED 3.0

/* The network sees colour if at least one in this many images is in colour. */
enum { COLOUR_SHARE = 20 };

/* Transparency is composed if at least one in this many images has its shape only there. */
enum { SHAPE_SHARE = 20 };

/* The shorter side of photographs, and of images that are like them, is usually at least this. */
enum { PHOTOGRAPH_SIDE = 128 };

/* Smaller images are enlarged: two poolings would leave nothing of them. */
enum { SIDE_MIN = 8 };

/* --- what the survey found --- */

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

/* Most images have 16 bits, and their values fill only a small part of the range. */
static bool is_stretched(const cnn_survey *survey) {
    cnn_range range;
    return 2 * atomic_load(&survey->hidden.deep) > survey->readable &&
           cnn_hidden_is_narrow(&survey->hidden, &range);
}

static bool has_shapes_in_alpha(const cnn_survey *survey) {
    size_t shapes = atomic_load(&survey->hidden.shapes);
    return shapes > 0 && shapes * SHAPE_SHARE >= survey->readable;
}

bool cnn_recipe_wants_pretrained(const cnn_survey *survey) {
    int shorter = survey->width < survey->height ? survey->width : survey->height;
    return shorter >= PHOTOGRAPH_SIDE;
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

static void add_text(cnn_json_writer *json, const char *key, const char *text) {
    cnn_json_string(cnn_json_key(json, key), text);
}

static void add_number(cnn_json_writer *json, const char *key, double number) {
    cnn_json_number(cnn_json_key(json, key), number);
}

static void add_path(cnn_json_writer *json, const char *key, const char *path) {
    if (path) {
        add_text(json, key, path);
    }
}

static void write_data(const cnn_survey *survey, cnn_json_writer *json) {
    cnn_json_begin_object(cnn_json_key(json, "data"));
    cnn_json_begin_array(cnn_json_key(json, "classes"));
    cnn_json_string(json, survey->classes[0]);
    cnn_json_string(json, survey->classes[1]);
    cnn_json_end(json);
    add_path(json, "train", survey->layout.train);
    add_path(json, "validation", survey->layout.validation);
    add_path(json, "test", survey->layout.test);
    if (!survey->layout.validation) {
        add_number(json, "validation", held_back(survey));
    }
    if (survey->unreadable > 0) {
        add_text(json, "bad_images", "skip");
    }
    cnn_json_end(json);
}

static int at_least(int value, int least) {
    return value < least ? least : value;
}

static void write_image(const cnn_recipe_network *network, const cnn_survey *survey,
                        cnn_json_writer *json) {
    int side = network->side;
    cnn_json_begin_object(cnn_json_key(json, "image"));
    add_number(json, "width", side ? side : at_least(survey->width, SIDE_MIN));
    add_number(json, "height", side ? side : at_least(survey->height, SIDE_MIN));
    add_number(json, "channels", is_colour(survey) ? 3 : 1);
    add_text(json, "resize", "stretch");
    if (is_stretched(survey)) {
        add_text(json, "range", "stretch");
    }
    if (has_shapes_in_alpha(survey)) {
        add_text(json, "alpha", cnn_hidden_background(&survey->hidden));
    }
    add_text(json, "normalize", "standardize");
    cnn_json_end(json);
}

/* What the pretrained network sees. Its normalization belongs to it. */
static void write_image_of(const cnn_image_settings *seen, cnn_json_writer *json) {
    cnn_json_begin_object(cnn_json_key(json, "image"));
    add_number(json, "width", (double)seen->width);
    add_number(json, "height", (double)seen->height);
    add_number(json, "channels", (double)seen->channels);
    add_text(json, "resize", RESIZE_PRETRAINED);
    cnn_json_end(json);
}

static void write_pretrained(const char *path, cnn_json_writer *json) {
    cnn_json_begin_object(cnn_json_key(json, "pretrained"));
    add_text(json, "file", path);
    add_text(json, "train", "none");
    cnn_json_end(json);
}

static void write_augment(const changes *made, cnn_json_writer *json) {
    cnn_json_begin_object(cnn_json_key(json, "augment"));
    cnn_json_boolean(cnn_json_key(json, "flip_horizontal"), true);
    add_number(json, "shift", made->shift);
    add_number(json, "rotate", made->rotate);
    add_number(json, "zoom", made->zoom);
    add_number(json, "brightness", made->brightness);
    add_number(json, "contrast", made->contrast);
    add_number(json, "saturation", made->saturation);
    add_number(json, "cutout", made->cutout);
    cnn_json_end(json);
}

/* model.bin is the last epoch, which one_cycle approaches in small steps, not the epoch with the
 * lowest validation loss: with few images that is chance, and often an epoch in the middle of the
 * run. The validation images are used for the temperature and to measure how good the model is. */
static void write_train(const recipe *r, const cnn_survey *survey, cnn_json_writer *json) {
    cnn_json_begin_object(cnn_json_key(json, "train"));
    add_number(json, "batch_size",
               train_images(survey) > MANY_IMAGES ? BATCH_SIZE_MANY : BATCH_SIZE);
    add_text(json, "optimizer", "adamw");
    add_number(json, "learning_rate", r->learning_rate);
    add_number(json, "weight_decay", WEIGHT_DECAY);
    add_text(json, "schedule", "one_cycle");
    cnn_json_boolean(cnn_json_key(json, "calibrate"), true);
    cnn_json_begin_object(cnn_json_key(json, "early_stopping"));
    cnn_json_boolean(cnn_json_key(json, "restore"), false);
    cnn_json_end(json);
    if (is_unbalanced(survey)) {
        add_text(json, "pos_weight", "balanced");
    }
    cnn_json_end(json);
}

/* Where training starts: with the weights of a file, or, if path is NULL, with random ones. */
typedef struct beginning {
    const char *path;
    const cnn_image_settings *seen; /* those of the file; NULL if path is */
} beginning;

static void write_network(const recipe *r, const cnn_recipe_network *network,
                          const cnn_survey *survey, const beginning *from, cnn_json_writer *json) {
    if (from->path) {
        write_image_of(from->seen, json);
        write_pretrained(from->path, json);
        cnn_recipe_write_layers(network, r->dropout, json);
    } else {
        write_image(network, survey, json);
        cnn_recipe_write_layers(network, r->dropout, json);
        write_augment(is_colour(survey) ? &r->colour : &r->grey, json);
    }
}

/* Parses what was written, so that the recipe is checked like any config. */
static cnn_status write_config(const recipe *r, const cnn_recipe_network *network,
                               const cnn_survey *survey, const beginning *from, const char *output,
                               cnn_config **config, cnn_error *error) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    write_data(survey, &json);
    write_network(r, network, survey, from, &json);
    write_train(r, survey, &json);
    add_path(&json, "output", output);
    cnn_json_end(&json);
    cnn_status status = text.failed ? cnn_fail_memory(error, "the config")
                                    : cnn_config_parse("the recipe", text.data, text.length, NULL,
                                                       0, config, error);
    cnn_text_free(&text);
    if (status == CNN_OK && from->path) {
        (*config)->image.range = from->seen->range;
        (*config)->image.alpha = from->seen->alpha;
    }
    return status;
}

/* --- the estimated time --- */

static cnn_status count_flops(const cnn_network_spec *spec, double *flops, cnn_error *error) {
    const cnn_kernels *kernels;
    cnn_network *network;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_network_create(spec, kernels, CNN_NETWORK_FAST, &network, error));
    *flops = network->flops;
    cnn_network_free(network);
    return CNN_OK;
}

/* The least number of epochs that is worth training. */
static double least_epochs(double images) {
    double needed = ceil(PRESENTATIONS_MIN / images);
    return fmin(fmax(needed, EPOCHS_MIN), EPOCHS_MAX);
}

/* Sets the number of epochs and the budget. *enough: the time is, for this network. */
static cnn_status plan_time(const cnn_recipe_network *network, const cnn_survey *survey,
                            double available, cnn_config *config, cnn_recipe_budget *budget,
                            bool *enough, cnn_error *error) {
    double forward;
    CNN_TRY(count_flops(&config->network, &forward, error));
    double kept = ceil((double)train_images(survey) * (1.0 - held_back(survey)));
    *budget =
        (cnn_recipe_budget){.images = (size_t)kept, .flops = 3.0 * forward, .rate = network->rate};
    double epoch = kept * budget->flops / network->rate;
    double affordable = floor(available / epoch), least = least_epochs(kept);
    double epochs = fmin(fmax(affordable, least), EPOCHS_MAX);
    if (config->train.minutes > 0.0) {
        epochs = EPOCHS_MAX; /* the run chooses; more do not help */
    }
    *enough = affordable >= least && train_images(survey) >= network->images_min;
    config->train.epochs = (int64_t)epochs;
    budget->seconds = epochs * epoch;
    return CNN_OK;
}

/* The features of all images take the time; training takes next to none. */
static cnn_status plan_features(const cnn_recipe_network *network, const cnn_survey *survey,
                                cnn_config *config, cnn_recipe_budget *budget, cnn_error *error) {
    cnn_start *start;
    *budget =
        (cnn_recipe_budget){.images = survey->readable, .rate = network->rate, .features = true};
    config->train.epochs = EPOCHS_PRETRAINED;
    CNN_TRY(cnn_start_create(config, &start, error));
    cnn_status status = count_flops(&start->frozen, &budget->flops, error);
    cnn_start_free(start);
    budget->seconds = (double)budget->images * budget->flops / budget->rate;
    return status;
}

cnn_status cnn_recipe_estimate(const cnn_config *config, const cnn_survey *survey,
                               cnn_recipe_budget *budget, cnn_error *error) {
    if (budget->features) {
        return CNN_OK; /* which depend on the file only */
    }
    double forward;
    CNN_TRY(count_flops(&config->network, &forward, error));
    const double share = config->data.validation.path ? 0.0 : config->data.validation.fraction;
    budget->images = (size_t)ceil((double)train_images(survey) * (1.0 - share));
    budget->flops = 3.0 * forward;
    budget->seconds =
        (double)config->train.epochs * (double)budget->images * budget->flops / budget->rate;
    return CNN_OK;
}

/* The time for a run. */
typedef struct available_time {
    double minutes; /* of --minutes; 0: not given */
    double seconds; /* of these, or by default, for training */
} available_time;

/* The config with one network. */
static cnn_status make_with(const recipe *r, const cnn_recipe_network *network,
                            const cnn_survey *survey, const beginning *from, const char *output,
                            const available_time *time, cnn_config **config,
                            cnn_recipe_budget *budget, bool *enough, cnn_error *error) {
    CNN_TRY(write_config(r, network, survey, from, output, config, error));
    *enough = true;
    (*config)->train.minutes = time->minutes;
    cnn_status status =
        from->path ? plan_features(network, survey, *config, budget, error)
                   : plan_time(network, survey, time->seconds, *config, budget, enough, error);
    budget->minutes = time->minutes;
    if (status != CNN_OK) {
        cnn_config_free(*config);
        *config = NULL;
    }
    return status;
}

/* The config with the largest network for which the time is enough, else the smallest. */
static cnn_status make(const cnn_survey *survey, const beginning *from, const char *output,
                       const available_time *time, cnn_config **config, cnn_recipe_budget *budget,
                       cnn_error *error) {
    const recipe *r = from->path ? &after_pretrained : choose(survey);
    for (int i = 0;; i++) {
        const cnn_recipe_network *network = &r->networks[i];
        bool smallest = i == NETWORKS_MAX - 1 || r->networks[i + 1].rate <= 0.0, enough;
        CNN_TRY(make_with(r, network, survey, from, output, time, config, budget, &enough, error));
        if (enough || smallest) {
            return CNN_OK;
        }
        cnn_config_free(*config);
        *config = NULL;
    }
}

cnn_status cnn_recipe_make(const cnn_survey *survey, const char *pretrained, const char *output,
                           double minutes, cnn_config **config, cnn_recipe_budget *budget,
                           cnn_error *error) {
    cnn_pretrained *file = NULL;
    *config = NULL;
    if (pretrained) {
        CNN_TRY(cnn_pretrained_read(pretrained, &file, error));
    }
    const beginning from = {.path = pretrained, .seen = file ? &file->config->image : NULL};
    const available_time time = {
        .minutes = minutes, .seconds = minutes > 0.0 ? SHARE_TRAINED * 60.0 * minutes : SECONDS};
    cnn_status status = make(survey, &from, output, &time, config, budget, error);
    cnn_pretrained_free(file);
    return status;
}
