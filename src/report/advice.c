#include "report/advice.h"

#include "report/rules.h"

#include <stddef.h>

/* The functions of a rule. */
#define RULE(name) cnn_applies_##name, cnn_describe_##name

#define HALF_AS_WIDE "four times as many make the interval half as wide."

const cnn_advice cnn_advice_table[] = {
    {"unmeasured", "Not measured", RULE(unmeasured),
     "Set data.validation to a share such as 0.2, name test images in data.test, or use --folds.",
     NULL, NULL},
    {"one_sided", "One answer for all images", RULE(one_sided),
     "Look at the table of thresholds below: train.threshold can choose another one "
     "(youden, f1). If no threshold helps, try a lower train.learning_rate, and "
     "data.sampling=balanced.",
     "Look at the table of thresholds below: --threshold can choose another one. If none helps, "
     "the "
     "model cannot tell these images apart, or was trained on images of another kind.",
     NULL},
    {"no_better", "Perhaps no better than guessing", RULE(no_better),
     "Train longer or with another train.learning_rate; check the labels (the section on pictures, "
     "--check-data); with few images, start from a trained network (--init DIR --pretrained FILE). "
     "If one class is rare, judge by ROC AUC and balanced accuracy instead.",
     "Check the labels of these images (the section on pictures), and that they are of the kind "
     "that the model was trained on. If one class is rare, judge by ROC AUC and balanced accuracy "
     "instead.",
     NULL},
    {"lacks_class", "A class is missing", RULE(lacks_class), "Measure on images of both classes.",
     NULL, NULL},
    {"wide", "Measured on few images", RULE(wide),
     "Measure on more images (data.test, or --folds, which uses every image once): " HALF_AS_WIDE,
     "Evaluate more images: " HALF_AS_WIDE, "Collect more images: " HALF_AS_WIDE},
    {"no_test", "No test images", RULE(no_test),
     "Name images that take no part in training in data.test, or use --folds.", NULL, NULL},
    {"validation_better", "Validation is better than test", RULE(validation_better),
     "Trust the test images. They may be of another kind (another camera, place or time): then "
     "training needs such images, too. Or images in training and validation belong together: give "
     "them a group.",
     NULL, NULL},
    {"miscalibrated", "Probabilities are off", RULE(miscalibrated),
     "Set train.calibrate=true, which corrects them by the validation images. Until then, read "
     "them "
     "as an order, not as chances.",
     "Read them as an order, not as chances: images of another kind, or with another share of each "
     "class, than those that the model was trained on make them wrong. To decide, choose "
     "--threshold by the table of thresholds below.",
     NULL},
    {"overfitting", "Overfitting", RULE(overfitting),
     "More images, more augmentation (the keys augment), dropout, train.weight_decay or a smaller "
     "network. train.early_stopping.patience ends such a run sooner.",
     NULL, NULL},
    {"improving", "Still improving", RULE(improving),
     "Train longer: a larger train.epochs, with --resume if train.schedule is \"constant\".", NULL,
     NULL},
    {"cut_short", "Ended by the time limit", RULE(cut_short),
     "--resume trains the remaining epochs.", NULL, NULL},
    {"few_images", "Few training images", RULE(few_images),
     "Collect more, or start from a trained network, for which few photographs are enough: "
     "cnntrain --init DIR --pretrained FILE.",
     NULL, NULL},
    {"rare_class", "A rare class", RULE(rare_class),
     "Judge by ROC AUC, balanced accuracy, precision and recall. data.sampling=balanced or "
     "train.pos_weight=balanced makes training take both classes equally seriously. Collect more "
     "images of the rare class.",
     NULL, NULL},
    {"mixed_groups", "Groups in several splits", RULE(mixed_groups),
     "Put all images of a group into one split, or let cnntrain split them: data.validation as a "
     "share, or --folds, keeps groups together.",
     NULL, NULL},
    {"bad_images", "Unreadable images", RULE(bad_images),
     "cnntrain --check-data names them, with reasons.", NULL, NULL},
    {"copies", "Copies", RULE(copies),
     "Nothing, if it is a small share of the images. cnntrain --check-data names them.", NULL,
     NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

const char *cnn_advice_remedy(const cnn_advice *rule, const cnn_report *report) {
    const char *own = report->set ? rule->of_set : !report->run ? rule->of_evaluation : NULL;
    return own ? own : rule->remedy;
}
