#include "config_keys.h"

#include <stddef.h>

static const char *const bad_images[] = {"fail", "skip", NULL};
static const char *const resizes[] = {"stretch", "crop", "letterbox", NULL};
static const char *const normalizations[] = {"unit", "standardize", NULL};
static const char *const optimizers[] = {"sgd", "momentum", NULL};

#define FIELD(field) .offset = offsetof(cnn_config, field)
/* The largest whole number up to which a JSON number (a double) holds every one exactly. */
#define LARGEST_EXACT 9007199254740991.0

const cnn_config_key cnn_config_keys[] = {
    {.path = "data.train", .kind = CNN_CONFIG_PATH, FIELD(data.train), .required = true,
     .help = "a folder with one sub-folder per class, or a .csv manifest with a header: "
             "path,label[,split][,group]"},
    {.path = "data.validation", .kind = CNN_CONFIG_VALIDATION, FIELD(data.validation), .maximum = 1,
     .fallback = 0.1,
     .help = "a second folder or manifest, or the share of data.train to hold back"},
    {.path = "data.test", .kind = CNN_CONFIG_PATH, FIELD(data.test),
     .help = "a folder or manifest that is evaluated once, after training"},
    {.path = "data.classes", .kind = CNN_CONFIG_CLASSES, FIELD(data.classes),
     .help = "[negative, positive]: the second is class 1; default: the two names, sorted"},
    {.path = "data.bad_images", .kind = CNN_CONFIG_CHOICE, FIELD(data.bad_images),
     .choices = bad_images,
     .help = "what to do about unreadable images; each is named, either way"},
    {.path = "image.width", .kind = CNN_CONFIG_INTEGER, FIELD(image.width), .required = true,
     .minimum = 1, .maximum = 4096, .in_model = true, .help = "columns that the network sees"},
    {.path = "image.height", .kind = CNN_CONFIG_INTEGER, FIELD(image.height), .required = true,
     .minimum = 1, .maximum = 4096, .in_model = true, .help = "rows that the network sees"},
    {.path = "image.channels", .kind = CNN_CONFIG_INTEGER, FIELD(image.channels), .required = true,
     .minimum = 1, .maximum = 3, .ends_only = true, .in_model = true,
     .help = "1: grey, 3: red, green, blue"},
    {.path = "image.resize", .kind = CNN_CONFIG_CHOICE, FIELD(image.resize), .choices = resizes,
     .in_model = true,
     .help = "stretch to the size, crop the middle to its shape first, or letterbox: fit inside, "
             "black around"},
    {.path = "image.normalize", .kind = CNN_CONFIG_CHOICE, FIELD(normalize),
     .choices = normalizations, .in_model = true,
     .help = "unit: x/255; standardize: to mean 0 and deviation 1 per channel of the training set"},
    {.path = "image.max_megapixels", .kind = CNN_CONFIG_NUMBER, FIELD(image.max_megapixels),
     .minimum = 0, .above_minimum = true, .maximum = 2048, .fallback = 64, .in_model = true,
     .help = "images that claim more are refused before they are decoded"},
    {.path = "layers", .kind = CNN_CONFIG_LAYERS, FIELD(network), .required = true, .in_model = true,
     .help = "the network, from the image to the probability"},
    {.path = "train.epochs", .kind = CNN_CONFIG_INTEGER, FIELD(train.epochs), .maximum = 1e6,
     .fallback = 10, .may_change = true,
     .help = "passes over the training images; 0 writes the initial weights"},
    {.path = "train.batch_size", .kind = CNN_CONFIG_INTEGER, FIELD(train.batch_size), .minimum = 1,
     .maximum = 65536, .fallback = 32, .help = "images per step: m"},
    {.path = "train.optimizer", .kind = CNN_CONFIG_CHOICE, FIELD(train.optimizer),
     .choices = optimizers, .help = "how gradients change weights"},
    {.path = "train.learning_rate", .kind = CNN_CONFIG_NUMBER, FIELD(train.learning_rate),
     .above_minimum = true, .maximum = 1e6, .fallback = 0.01, .help = "step size"},
    {.path = "train.momentum", .kind = CNN_CONFIG_NUMBER, FIELD(train.momentum), .maximum = 1,
     .fallback = 0.9, .help = "share of the last step that goes on, for optimizer momentum"},
    {.path = "train.shuffle", .kind = CNN_CONFIG_BOOLEAN, FIELD(train.shuffle), .fallback = 1,
     .help = "a new order every epoch; false: files in order, every epoch"},
    {.path = "train.seed", .kind = CNN_CONFIG_INTEGER, FIELD(train.seed), .maximum = LARGEST_EXACT,
     .fallback = 1, .help = "start of all random numbers: weights, order, what is held back"},
    {.path = "output", .kind = CNN_CONFIG_PATH, FIELD(output), .may_change = true,
     .help = "the run directory; required unless --out is given"},
    {.path = NULL},
};
