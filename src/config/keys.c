#include "config/keys.h"

#include <stddef.h>

static const char *const bad_images[] = {"fail", "skip", NULL};
static const char *const duplicates[] = {"drop", "error", "allow", NULL};
static const char *const samplings[] = {"all", "balanced", NULL};
static const char *const normalizations[] = {"unit", "standardize", NULL};

/* cnn_kind_choice stores an int, so the enums of its fields must have the size of int. */
_Static_assert(sizeof(cnn_resize) == sizeof(int) && sizeof(cnn_range_kind) == sizeof(int) &&
                   sizeof(cnn_alpha) == sizeof(int),
               "expected enums of the size of int");

#define FIELD(field) .offset = offsetof(cnn_config, field)

static const cnn_key data_keys[] = {
    {.name = "data.train",
     .kind = &cnn_kind_path,
     FIELD(data.train),
     .required = true,
     .also = "data dataset data_dir train_data train_dir",
     .help =
         "a folder with one sub-folder per class, or with folders train, validation and test that "
         "contain these; a .tar or .zip of one; a .csv manifest with a header: "
         "path,label[,split][,group]; or arrays: .npz, IDX",
     .prose = "The training images: see {DATA LAYOUTS}."},
    {.name = "data.validation",
     .kind = &cnn_kind_validation,
     FIELD(data.validation),
     .maximum = 1,
     .below_maximum = true,
     .fallback = 0.1,
     .also = "val valid val_split validation_split val_data val_dir",
     .help = "a second folder or manifest, or the share of data.train to hold back",
     .prose = "A second folder or manifest, or the share of `data.train` to hold back. Which "
              "images are held back depends on their content, their group and the seed, not on "
              "their names or order. Copies of an image, and images of a group, are held back "
              "together or not at all. If `data.train` has validation images of its own "
              "(rows of a manifest, or a folder), nothing else is held back."},
    {.name = "data.test",
     .kind = &cnn_kind_path,
     FIELD(data.test),
     .also = "test_data test_dir",
     .help = "a folder or manifest that is evaluated once, after training",
     .prose = "A folder or manifest that is evaluated once, after training. Default: the test "
              "images that `data.train` has, if any."},
    {.name = "data.classes",
     .kind = &cnn_kind_classes,
     FIELD(data.classes),
     .also = "class_names",
     .help = "[negative, positive]: the second is class 1; default: the two names, sorted",
     .prose = "The names of the two classes. The second is class 1, whose probability the model "
              "predicts. Default: the two names in the data, sorted by their bytes. Required if "
              "the data has more than two classes; images of other classes are left out."},
    {.name = "data.bad_images",
     .kind = &cnn_kind_choice,
     FIELD(data.bad_images),
     .choices = bad_images,
     .help = "what to do with unreadable images; each is reported in any case",
     .prose = "What to do with unreadable images. Each is reported with the reason in any case."},
    {.name = "data.duplicates",
     .kind = &cnn_kind_choice,
     FIELD(data.duplicates),
     .choices = duplicates,
     .help = "what to do with copies of an image that have different labels, or are in more than "
             "one of train, validation and test",
     .prose = "What to do with exact copies of an image that have different labels, or are in more "
              "than one of training, validation and test images. \"drop\" leaves images out: of "
              "copies in two splits, those in the later one (training comes first, then "
              "validation, then test); of copies with two labels, all. Each is named (of more than "
              "ten, the others with `--verbose`), and their number is reported and in "
              "*summary.json*. Nothing is left out silently: if no validation or test image "
              "remains, the run ends. \"error\" reports the first copies and ends the run. "
              "\"allow\" reports their number and trains on all. Copies are images with the same "
              "size, colours (in 16 bits, if the file has them) and transparency after decoding "
              "and turning upright; names and formats do not matter. Copies with the same label in "
              "the same split are kept; their number is "
              "reported."},
    {.name = "data.sampling",
     .kind = &cnn_kind_choice,
     FIELD(data.sampling),
     .choices = samplings,
     .help = "the training images of an epoch: all: each once; balanced: the same number in total, "
             "half of each class, with images of the smaller class repeated evenly",
     .prose = "The training images that an epoch uses. \"all\": each image once. \"balanced\": the "
              "same number in total, but half of each class; images of the smaller class are "
              "repeated, with counts that differ by at most one, and those of the larger class are "
              "drawn anew in every epoch. A message states the numbers."},
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
     .also = "size image_size img_size input_size image_width",
     .help = "width of the images that the network sees, in pixels"},
    {.name = "image.height",
     .kind = &cnn_kind_integer,
     FIELD(image.height),
     .required = true,
     .minimum = 1,
     .maximum = 4096,
     .in_model = true,
     .also = "image_height",
     .help = "height of the images that the network sees, in pixels"},
    {.name = "image.channels",
     .kind = &cnn_kind_integer,
     FIELD(image.channels),
     .required = true,
     .minimum = 1,
     .maximum = 3,
     .ends_only = true,
     .in_model = true,
     .also = "in_channels",
     .help = "1: grey, 3: red, green, blue",
     .prose = "1: grey, 3: red, green, blue. Colour is converted to grey as Pillow's "
              "convert(\"L\") does: (19595 R + 38470 G + 7471 B + 32768) / 65536."},
    {.name = "image.resize",
     .kind = &cnn_kind_choice,
     FIELD(image.resize),
     .choices = cnn_resize_names,
     .in_model = true,
     .help = "stretch: scale to the size; crop: cut the middle to the right shape first; "
             "letterbox: fit the image inside, with black around it",
     .prose = "How an image is brought to that size. \"stretch\": it is scaled to the size. "
              "\"crop\": its middle is cut to the right shape first. \"letterbox\": it is fitted "
              "inside, with black around it. The bytes are those that resize(size, "
              "Image.BILINEAR) of Pillow 9.4 to 12 gives."},
    {.name = "image.range",
     .kind = &cnn_kind_choice,
     FIELD(image.range),
     .choices = cnn_range_names,
     .in_model = true,
     .help = "full: of 16-bit images, the network sees the high byte; stretch: the 0.1 to 99.9 "
             "percentile of the training images becomes 0 to 255",
     .prose =
         "Which values of the files become 0 and 255. \"full\": the whole range; of 16-bit "
         "images, the network sees the high byte. \"stretch\": the 0.1 and the 99.9 percentile "
         "of the training images, for 16-bit images whose values fill only a small part of "
         "the range, as those of thermal cameras and X-ray devices do. Both are stored in the "
         "model, and used for every image: a value v becomes (v - low) * 255 / (high - low), "
         "rounded, limited to 0 to 255, before colours are converted and the image is "
         "resized. Percentiles are by nearest rank, over red, green and blue of every pixel "
         "(grey is colour with three equal parts). An 8-bit value v counts as 257 v. To find "
         "them, all training images are read once more."},
    {.name = "image.alpha",
     .kind = &cnn_kind_choice,
     FIELD(image.alpha),
     .choices = cnn_alpha_names,
     .in_model = true,
     .help = "drop: transparency is ignored; white, black: images are composed over that colour",
     .prose = "What happens to transparency. \"drop\": the alpha channel is ignored; the network "
              "sees the colours that the file stores, even where they are transparent. \"white\", "
              "\"black\": the image is composed over that colour, after `image.range` is applied."},
    {.name = "image.normalize",
     .kind = &cnn_kind_choice,
     FIELD(normalize),
     .choices = normalizations,
     .in_model = true,
     .also = "normalization",
     .help = "unit: x/255; standardize: to mean 0 and deviation 1 per channel of the training set",
     .prose = "\"unit\": a byte x becomes x / 255. \"standardize\": it becomes (x / 255 - mean) / "
              "deviation, with the mean and the standard deviation of its channel over the "
              "training images; both are stored in the model."},
    {.name = "image.max_megapixels",
     .kind = &cnn_kind_number,
     FIELD(image.max_megapixels),
     .minimum = 0,
     .above_minimum = true,
     .maximum = 2048,
     .fallback = 64,
     .in_model = true,
     .help = "limit for the size of an image, in millions of pixels; larger ones are refused "
             "before they are decoded"},
    {.name = NULL},
};

static const cnn_named_number trained_parts[] = {
    {"none", CNN_PRETRAINED_NONE}, {"all", CNN_PRETRAINED_ALL}, {NULL, 0}};

static const cnn_key pretrained_keys[] = {
    {.name = "pretrained.file",
     .kind = &cnn_kind_path,
     FIELD(pretrained.file),
     .also = "weights backbone base_model pretrained_model",
     .help = "a trained network to start from: a model.bin, or what data/pretrained.sh writes",
     .prose =
         "A trained network to start from: any model.bin, or what `data/pretrained.sh` writes. "
         "Its layers are used up to, not including, its classifier: the last `dense`, the "
         "`sigmoid`, and `dropout` before them. `layers` follow them. Width, height, channels, "
         "range and alpha of `image` must be those of the file; its mean and deviation are "
         "used in place of `image.normalize`, and the ends of its range \"stretch\". The model "
         "that "
         "is written contains all layers: prediction needs no other file."},
    {.name = "pretrained.train",
     .kind = &cnn_kind_int,
     FIELD(pretrained.train),
     .minimum = 1,
     .maximum = CNN_LAYERS_MAX,
     .names = trained_parts,
     .omit_default = true,
     .help = "which layers of the file are trained, too: none, all, or a number: the last N",
     .prose =
         "Which layers of the file are trained, too. \"none\": they stay as they are, and batch "
         "normalization uses its running averages; their output, the features of an image, is "
         "computed once per image and kept in the cache in place of its pixels. \"all\": all of "
         "them, from pixels. A number: that many of its last layers, a residual counting as one; "
         "the features are the output of the layers before them, and may be larger than the "
         "pixels. With frozen layers, `model.bin` and `last.bin` are written every ten "
         "seconds, not after every epoch, and when training ends."},
    {.name = "pretrained.learning_rate_factor",
     .kind = &cnn_kind_number,
     FIELD(pretrained.learning_rate_factor),
     .maximum = 1,
     .fallback = 0.1,
     .omit_default = true,
     .help = "the learning rate of the file's layers, as a share of train.learning_rate",
     .prose = "The learning rate of the file's layers that are trained, as a share of "
              "`train.learning_rate`."},
    {.name = "pretrained.variants",
     .kind = &cnn_kind_integer,
     FIELD(pretrained.variants),
     .minimum = 1,
     .maximum = 64,
     .fallback = 4,
     .omit_default = true,
     .help = "with augmentation and frozen layers: changed variants of each image whose features "
             "are computed",
     .prose =
         "With augmentation, unless `pretrained.train` is \"all\": the features of this number "
         "of changed variants of each image are computed, besides its own; the epochs use one "
         "after the other. Computing them takes as many times longer, except for images that "
         "`data` names for validation or testing: these are not changed."},
    {.name = NULL},
};

static const cnn_key layers_keys[] = {
    {.name = "layers",
     .kind = &cnn_kind_layers,
     FIELD(network),
     .required = true,
     .in_model = true,
     .help = "the network, from the image to the probability",
     .prose = "The network, from the image to the probability. Each layer is an object with the "
              "key `type` and keys of its own, for example `layers.0.filters`. The last two are "
              "`dense` with 1 unit and `sigmoid`. Initial weights are uniform in ±sqrt(6 / "
              "fan-in), initial biases 0."},
    {.name = NULL},
};

static const cnn_key augment_keys[] = {
    {.name = "augment.flip_horizontal",
     .kind = &cnn_kind_boolean,
     FIELD(augment.flip_horizontal),
     .also = "flip hflip horizontal_flip",
     .help = "mirror training images, left to right, with probability 1/2",
     .prose = "Mirror an image, left to right, with probability 1/2."},
    {.name = "augment.flip_vertical",
     .kind = &cnn_kind_boolean,
     FIELD(augment.flip_vertical),
     .also = "vflip vertical_flip",
     .help = "the same, top to bottom"},
    {.name = "augment.shift",
     .kind = &cnn_kind_number,
     FIELD(augment.shift),
     .maximum = 0.5,
     .also = "translate",
     .help = "move training images by up to this share of their width and height, in whole pixels",
     .prose = "Move an image by up to this share of its width and of its height, in either "
              "direction, in whole pixels: 0.1 of 28 pixels is up to 3 pixels."},
    {.name = "augment.rotate",
     .kind = &cnn_kind_number,
     FIELD(augment.rotate),
     .maximum = 180,
     .also = "rotation degrees",
     .help = "rotate them by up to this many degrees, in either direction",
     .prose = "Rotate an image about its centre by up to this many degrees, in either direction."},
    {.name = "augment.zoom",
     .kind = &cnn_kind_number,
     FIELD(augment.zoom),
     .maximum = 0.5,
     .help = "scale them by a factor between 1 - zoom and 1 + zoom",
     .prose = "Scale an image by a factor between 1 - zoom and 1 + zoom."},
    {.name = "augment.shear",
     .kind = &cnn_kind_number,
     FIELD(augment.shear),
     .maximum = 45,
     .help = "shear them by up to this many degrees, in either direction",
     .prose = "Shear an image along its rows by up to this many degrees, in either direction."},
    {.name = "augment.brightness",
     .kind = &cnn_kind_number,
     FIELD(augment.brightness),
     .maximum = 1,
     .help = "brighten or darken them by up to this share of the full range",
     .prose = "Add or subtract up to this share of the full range."},
    {.name = "augment.contrast",
     .kind = &cnn_kind_number,
     FIELD(augment.contrast),
     .maximum = 1,
     .help = "scale the distance of values from their mean by a factor between 1 - contrast and 1 "
             "+ contrast",
     .prose = "Scale the distance of an image's values from their mean by a factor between 1 - "
              "contrast and 1 + contrast."},
    {.name = "augment.saturation",
     .kind = &cnn_kind_number,
     FIELD(augment.saturation),
     .maximum = 1,
     .help = "the same for the distance of colours from grey, if image.channels is 3",
     .prose = "The same for the distance of an image's colours from grey. An error if "
              "`image.channels` is 1."},
    {.name = "augment.cutout",
     .kind = &cnn_kind_number,
     FIELD(augment.cutout),
     .maximum = 0.5,
     .help = "cover a random square, whose side is this share of the image's shorter side, with "
             "the mean colour",
     .prose = "Cover a random square with the image's mean colour. Its side is this share of the "
              "image's shorter side. Its centre is any pixel, so part of it may be outside."},
    {.name = "augment.noise",
     .kind = &cnn_kind_number,
     FIELD(augment.noise),
     .maximum = 0.5,
     .help = "add normal noise with this standard deviation, as a share of the full range",
     .prose = "Add noise to every value, independent and approximately normal, with this standard "
              "deviation as a share of the full range."},
    {.name = NULL},
};

static const cnn_key output_keys[] = {
    {.name = "output",
     .kind = &cnn_kind_path,
     FIELD(output),
     .also = "out output_dir out_dir",
     .help = "the run directory; required unless --out is given"},
    {.name = NULL},
};

const cnn_config_section cnn_config_sections[] = {
    {.title = "Data", .keys = data_keys},
    {.title = "Image", .keys = image_keys},
    {.title = "Pretrained network", .keys = pretrained_keys},
    {.title = "Layers", .keys = layers_keys, .has_layers = true},
    {.title = "Augmentation",
     .prose =
         "Training images can be changed at random, differently in every epoch: a network that "
         "never sees the same image twice cannot memorize where things are. All changes are off by "
         "default; each key turns one on. The changes to an image depend only on the seed, the "
         "epoch and the image. They do not depend on threads, the order of images or other "
         "changes, and are the same after `--resume`. `--show-augmented` shows them.\n\nValidation "
         "and test images are never changed, nor are images given to cnnpredict(1). `train_loss` "
         "and `train_accuracy` are measured on the changed images, which are harder, so they may "
         "be worse than those of the validation images.\n\nFlips, zoom, shear and rotation about "
         "the image's centre, and then the shift, are combined into one mapping of the plane, so "
         "that the image is interpolated only once, bilinearly. Beyond its edges, the image "
         "continues as its mirror image, which resembles it; repeated border pixels would form "
         "streaks, and a constant colour would be a shape to learn from. Flips and shifts alone "
         "copy pixels without blurring. Colours are changed next, then noise is added, then cutout "
         "is applied.",
     .keys = augment_keys},
    {.title = "Training",
     .prose =
         "The loss is the mean binary cross-entropy, with the natural logarithm. "
         "`train.label_smoothing` and `train.pos_weight` change the loss that training minimises "
         "and reports; the loss of validation and test images is always the plain one.",
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
