#include "config/keys.h"

#include <stddef.h>

static const char *const bad_images[] = {"fail", "skip", NULL};
static const char *const duplicates[] = {"error", "allow", NULL};
static const char *const samplings[] = {"all", "balanced", NULL};
static const char *const resizes[] = {"stretch", "crop", "letterbox", NULL};
static const char *const normalizations[] = {"unit", "standardize", NULL};

/* cnn_kind_choice stores an int, which the enums of the fields must be as large as. */
_Static_assert(sizeof(cnn_resize) == sizeof(int), "expected enums of the size of int");

#define FIELD(field) .offset = offsetof(cnn_config, field)

static const cnn_key data_keys[] = {
    {.name = "data.train",
     .kind = &cnn_kind_path,
     FIELD(data.train),
     .required = true,
     .help =
         "a folder with one sub-folder per class, or with folders train, validation and test that "
         "contain these; or a .csv manifest with a header: path,label[,split][,group]",
     .prose = "The training images: see {DATA LAYOUTS}."},
    {.name = "data.validation",
     .kind = &cnn_kind_validation,
     FIELD(data.validation),
     .maximum = 1,
     .below_maximum = true,
     .fallback = 0.1,
     .help = "a second folder or manifest, or the share of data.train to hold back",
     .prose =
         "A second folder or manifest, or the share of `data.train` to hold back. Which images are "
         "held back depends on their content, their group and the seed, not on their names or "
         "order. Copies of one image, and images of one group, never fall on both sides. Where "
         "`data.train` has validation images of its own (rows of a manifest, or a folder), nothing "
         "else is held back."},
    {.name = "data.test",
     .kind = &cnn_kind_path,
     FIELD(data.test),
     .help = "a folder or manifest that is evaluated once, after training",
     .prose = "A folder or manifest that is evaluated once, after training. Default: none, or the "
              "test images that `data.train` contains."},
    {.name = "data.classes",
     .kind = &cnn_kind_classes,
     FIELD(data.classes),
     .help = "[negative, positive]: the second is class 1; default: the two names, sorted",
     .prose =
         "The second class is class 1, the one whose probability the model gives. Default: the "
         "two names that the data has, sorted by their bytes. Needed where the data has more "
         "than two; images of others are left out."},
    {.name = "data.bad_images",
     .kind = &cnn_kind_choice,
     FIELD(data.bad_images),
     .choices = bad_images,
     .help = "what to do about unreadable images; each is named in any case",
     .prose = "What to do about unreadable images. Each is named with its reason in any case."},
    {.name = "data.duplicates",
     .kind = &cnn_kind_choice,
     FIELD(data.duplicates),
     .choices = duplicates,
     .help = "what to do about copies of an image with two labels, or in two of train, validation "
             "and test",
     .prose =
         "What to do about exact copies of an image that have two labels, and about those that are "
         "in two of training, validation and test images: \"error\" names the first of them and "
         "ends the run; \"allow\" says how many there are and trains. Copies are images with the "
         "same size and colours, once decoded and upright, whatever their names and formats. "
         "Copies of one label in one split are not an error; their number is reported."},
    {.name = "data.sampling",
     .kind = &cnn_kind_choice,
     FIELD(data.sampling),
     .choices = samplings,
     .help =
         "the training images of an epoch: all, once each; or balanced: as many in all, half of "
         "each class, those of the smaller one repeated evenly",
     .prose =
         "Which training images an epoch uses. \"all\": every one once. \"balanced\": as many in "
         "all, but half of each class; images of the smaller class are repeated, none of them more "
         "than once more often than another, and those of the larger class are drawn anew every "
         "epoch. A message states the numbers."},
    {.name = NULL},
};

static const cnn_key image_keys[] = {
    {.name = "image.width",
     .kind = &cnn_kind_integer,
     FIELD(image.width),
     .required = true,
     .minimum = 1,
     .maximum = 4096,
     .in_model = true,
     .help = "columns that the network sees"},
    {.name = "image.height",
     .kind = &cnn_kind_integer,
     FIELD(image.height),
     .required = true,
     .minimum = 1,
     .maximum = 4096,
     .in_model = true,
     .help = "rows that the network sees"},
    {.name = "image.channels",
     .kind = &cnn_kind_integer,
     FIELD(image.channels),
     .required = true,
     .minimum = 1,
     .maximum = 3,
     .ends_only = true,
     .in_model = true,
     .help = "1: grey, 3: red, green, blue",
     .prose = "1: grey, 3: red, green, blue. Colour becomes grey as (77 R + 150 G + 29 B) / 256; "
              "alpha is dropped."},
    {.name = "image.resize",
     .kind = &cnn_kind_choice,
     FIELD(image.resize),
     .choices = resizes,
     .in_model = true,
     .help = "stretch to the size, crop the middle to its shape first, or letterbox: fit inside, "
             "black around",
     .prose = "How an image is brought to that size: stretched to it, its middle cropped to the "
              "right shape first, or fitted inside with black around."},
    {.name = "image.normalize",
     .kind = &cnn_kind_choice,
     FIELD(normalize),
     .choices = normalizations,
     .in_model = true,
     .help = "unit: x/255; standardize: to mean 0 and deviation 1 per channel of the training set",
     .prose = "\"unit\": bytes x become x / 255. \"standardize\": these become (x / 255 - mean) / "
              "deviation, both of the training images, per channel, kept in the model."},
    {.name = "image.max_megapixels",
     .kind = &cnn_kind_number,
     FIELD(image.max_megapixels),
     .minimum = 0,
     .above_minimum = true,
     .maximum = 2048,
     .fallback = 64,
     .in_model = true,
     .help = "images that claim more are refused before they are decoded"},
    {.name = NULL},
};

static const cnn_key layers_keys[] = {
    {.name = "layers",
     .kind = &cnn_kind_layers,
     FIELD(network),
     .required = true,
     .in_model = true,
     .help = "the network, from the image to the probability",
     .prose =
         "The network, from the image to the probability. Each layer is an object with the key "
         "`type` and keys of its own, for example `layers.0.filters`. The last two are `dense` "
         "with 1 unit and `sigmoid`. Weights start uniform in ±sqrt(6 / fan-in), biases at 0."},
    {.name = NULL},
};

static const cnn_key augment_keys[] = {
    {.name = "augment.flip_horizontal",
     .kind = &cnn_kind_boolean,
     FIELD(augment.flip_horizontal),
     .help = "mirror every other training image, left to right",
     .prose = "Mirror an image, left to right, with probability 1/2."},
    {.name = "augment.flip_vertical",
     .kind = &cnn_kind_boolean,
     FIELD(augment.flip_vertical),
     .help = "the same, top to bottom"},
    {.name = "augment.shift",
     .kind = &cnn_kind_number,
     FIELD(augment.shift),
     .maximum = 0.5,
     .help = "move training images by up to this share of their width and height, in whole pixels",
     .prose = "Move an image by up to this share of its width and of its height, either way, in "
              "whole pixels: 0.1 of 28 pixels is up to 3 pixels."},
    {.name = "augment.rotate",
     .kind = &cnn_kind_number,
     FIELD(augment.rotate),
     .maximum = 180,
     .help = "turn them by up to this many degrees, either way",
     .prose = "Turn it about its middle by up to this many degrees, either way."},
    {.name = "augment.zoom",
     .kind = &cnn_kind_number,
     FIELD(augment.zoom),
     .maximum = 0.5,
     .help = "scale them by a factor between 1 - zoom and 1 + zoom",
     .prose = "Scale it by a factor between 1 - zoom and 1 + zoom."},
    {.name = "augment.shear",
     .kind = &cnn_kind_number,
     FIELD(augment.shear),
     .maximum = 45,
     .help = "slant them by up to this many degrees, either way",
     .prose = "Slant it along its rows by up to this many degrees, either way."},
    {.name = "augment.brightness",
     .kind = &cnn_kind_number,
     FIELD(augment.brightness),
     .maximum = 1,
     .help = "brighten or darken them by up to this share of the full range",
     .prose = "Add up to this share of the full range, or take it away."},
    {.name = "augment.contrast",
     .kind = &cnn_kind_number,
     FIELD(augment.contrast),
     .maximum = 1,
     .help =
         "stretch grey levels about their mean by a factor between 1 - contrast and 1 + contrast",
     .prose = "Stretch the distance of its values from their mean by a factor between 1 - contrast "
              "and 1 + contrast."},
    {.name = "augment.saturation",
     .kind = &cnn_kind_number,
     FIELD(augment.saturation),
     .maximum = 1,
     .help = "the same for colours about grey, where image.channels is 3",
     .prose = "The same for the distance of its colours from grey. An error where `image.channels` "
              "is 1."},
    {.name = "augment.cutout",
     .kind = &cnn_kind_number,
     FIELD(augment.cutout),
     .maximum = 0.5,
     .help = "cover a square anywhere, its side this share of the shorter side, with the mean",
     .prose = "Cover a square whose side is this share of the shorter side with the image's mean "
              "colour. Its middle is any pixel, so that part of it may be outside."},
    {.name = "augment.noise",
     .kind = &cnn_kind_number,
     FIELD(augment.noise),
     .maximum = 0.5,
     .help = "add normal noise of this deviation, as a share of the full range",
     .prose = "Add noise, independent for every value and close to normally distributed, with this "
              "standard deviation as a share of the full range."},
    {.name = NULL},
};

static const cnn_key output_keys[] = {
    {.name = "output",
     .kind = &cnn_kind_path,
     FIELD(output),
     .help = "the run directory; required unless --out is given"},
    {.name = NULL},
};

const cnn_config_section cnn_config_sections[] = {
    {.title = "Data", .keys = data_keys},
    {.title = "Image", .keys = image_keys},
    {.title = "Layers", .keys = layers_keys, .has_layers = true},
    {.title = "Augmentation",
     .prose =
         "Training images can be changed at random, differently in every epoch: a network that "
         "never sees the same image twice cannot learn by heart where things happen to lie. "
         "Everything is off by default; each key turns one change on. What is done to an image "
         "depends on the seed, the epoch and the image alone, never on threads, on the order of "
         "images or on what else is turned on, and is the same after `--resume`. "
         "`--show-augmented` "
         "shows it.\n\n"
         "Validation and test images, and all that cnnpredict(1) sees, stay as they are. "
         "`train_loss` and `train_accuracy` are those of the changed images, which are harder, so "
         "that they may well be worse than those of the validation.\n\n"
         "Flips, zoom, shear and rotation about the image's middle and then the shift are one "
         "mapping of the plane, so that the image is interpolated once, bilinearly. Outside "
         "its edges, the image continues as its mirror image, which looks like the rest of it; "
         "stretched border pixels would be streaks and a constant a shape to learn from. Flips and "
         "shifts alone copy pixels and blur nothing. Colours come next, then noise, then cutout.",
     .keys = augment_keys},
    {.title = "Training",
     .prose = "The loss is the mean binary cross-entropy, with the natural logarithm. "
              "`train.label_smoothing` and `train.pos_weight` change what training minimises, and "
              "so the training loss that is shown; losses of validation and test images are always "
              "the plain one.",
     .keys = cnn_config_train_keys},
    {.title = "Output", .keys = output_keys},
    {.title = NULL},
};

const cnn_key *cnn_config_key(int i) {
    for (const cnn_config_section *section = cnn_config_sections; section->title; section++) {
        for (const cnn_key *key = section->keys; key->name; key++) {
            if (i-- == 0) {
                return key;
            }
        }
    }
    return NULL;
}
