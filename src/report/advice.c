#include "report/advice.h"

#include "report/rules.h"

#include <stddef.h>

/* The functions of a rule. */
#define RULE(name) cnn_applies_##name, cnn_describe_##name

#define MORE_TEST_IMAGES                                                                           \
    "Measure on more images (data.test, or --folds, which uses every image once): four times as "  \
    "many make the interval half as wide."

const cnn_advice cnn_advice_table[] = {
    {"unmeasured", "Not measured", RULE(unmeasured),
     "Set data.validation to a share such as 0.2, name test images in data.test, or use --folds."},
    {"one_sided", "One answer for all images", RULE(one_sided),
     "Look at the table of thresholds below: train.threshold can choose another one "
     "(youden, f1). If no threshold helps, try a lower train.learning_rate, and "
     "data.sampling=balanced."},
    {"no_better", "Perhaps no better than guessing", RULE(no_better),
     "Train longer or with another train.learning_rate; check the labels (the section on pictures, "
     "--check-data); with few images, start from a trained network (--init DIR --pretrained FILE). "
     "If one class is rare, judge by ROC AUC and balanced accuracy instead."},
    {"lacks_class", "A class is missing", RULE(lacks_class), "Measure on images of both classes."},
    {"wide", "Measured on few images", RULE(wide), MORE_TEST_IMAGES},
    {"no_test", "No test images", RULE(no_test),
     "Name images that take no part in training in data.test, or use --folds."},
    {"validation_better", "Validation is better than test", RULE(validation_better),
     "Believe the test images. They may be of another kind (another camera, place or time): then "
     "training needs such images, too. Or images in training and validation belong together: give "
     "them a group."},
    {"miscalibrated", "Probabilities are off", RULE(miscalibrated),
     "Set train.calibrate=true, which corrects them by the validation images. Until then, read "
     "them "
     "as an order, not as chances."},
    {"overfitting", "Overfitting", RULE(overfitting),
     "More images, more augmentation (the keys augment), dropout, train.weight_decay or a smaller "
     "network. train.early_stopping.patience ends such a run sooner."},
    {"improving", "Still improving", RULE(improving),
     "Train longer: a larger train.epochs, with --resume if train.schedule is \"constant\"."},
    {"cut_short", "Ended by the time limit", RULE(cut_short),
     "--resume trains the remaining epochs."},
    {"few_images", "Few training images", RULE(few_images),
     "Collect more, or start from a trained network, for which few photographs are enough: "
     "cnntrain --init DIR --pretrained FILE."},
    {"rare_class", "A rare class", RULE(rare_class),
     "Judge by ROC AUC, balanced accuracy, precision and recall. data.sampling=balanced or "
     "train.pos_weight=balanced makes training take both classes equally seriously. Collect more "
     "images of the rare class."},
    {"mixed_groups", "Groups in several splits", RULE(mixed_groups),
     "Put all images of a group into one split, or let cnntrain split them: data.validation as a "
     "share, or --folds, keeps groups together."},
    {"bad_images", "Unreadable images", RULE(bad_images),
     "cnntrain --check-data names them, with reasons."},
    {"copies", "Copies", RULE(copies),
     "Nothing, if it is a small share of the images. cnntrain --check-data names them."},
    {NULL, NULL, NULL, NULL, NULL},
};
