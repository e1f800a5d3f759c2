#include "report/advice.h"

#include "report/rules.h"

#include <stddef.h>

/* The functions of a rule. */
#define RULE(name) cnn_applies_##name, cnn_describe_##name

/* The numbers of rules.h as text. */
#define DIGITS(number) #number
#define TEXT(number) DIGITS(number)
#define WIDE_POINTS TEXT(CNN_WIDE_POINTS)
#define OFF_ERROR TEXT(CNN_OFF_ERROR)
#define OFF_Z TEXT(CNN_OFF_Z)
#define OVERFITTING_EPOCHS TEXT(CNN_OVERFITTING_EPOCHS)
#define OVERFITTING_PERCENT TEXT(CNN_OVERFITTING_PERCENT)
#define FALLING_PERCENT TEXT(CNN_FALLING_PERCENT)
#define FALLING_BY TEXT(CNN_FALLING_BY)
#define FEW_IMAGES TEXT(CNN_FEW_IMAGES)
#define RARE_PERCENT TEXT(CNN_RARE_PERCENT)

enum {
    EACH = CNN_PAGE_RUN | CNN_PAGE_SET | CNN_PAGE_EVALUATION,
    RUNS = CNN_PAGE_RUN | CNN_PAGE_SET
};

#define HALF_AS_WIDE "four times as many make the interval half as wide."

const cnn_advice cnn_advice_table[] = {
    {"unmeasured", "Not measured", CNN_PAGE_RUN, "No validation or test image was measured.",
     RULE(unmeasured),
     "Set `data.validation` to a share such as 0.2, name test images in `data.test`, or use "
     "`--folds`.",
     NULL, NULL},
    {"one_sided", "One answer for all images", EACH,
     "All measured images are classified as the same class, although they are of both.",
     RULE(one_sided),
     "Look at the table of thresholds below: `train.threshold` can choose another one (`youden`, "
     "`f1`). If no threshold helps, try a lower `train.learning_rate`, and "
     "`data.sampling=balanced`.",
     "Look at the table of thresholds below: `--threshold` can choose another one. If none helps, "
     "the model cannot tell these images apart, or was trained on images of another kind.",
     NULL},
    {"no_better", "Perhaps no better than guessing", EACH,
     "The 95 % interval of the accuracy reaches down to the share of the larger class, and images "
     "of both classes were measured.",
     RULE(no_better),
     "Train longer or with another `train.learning_rate`; check the labels (the section on "
     "pictures, `--check-data`); with few images, start from a trained network (`--init DIR "
     "--pretrained FILE`). If one class is rare, judge by ROC AUC and balanced accuracy instead.",
     "Check the labels of these images (the section on pictures), and that they are of the kind "
     "that the model was trained on. If one class is rare, judge by ROC AUC and balanced accuracy "
     "instead.",
     NULL},
    {"lacks_class", "A class is missing", EACH, "All measured images are of the same class.",
     RULE(lacks_class), "Measure on images of both classes.", NULL, NULL},
    {"wide", "Measured on few images", EACH,
     "The 95 % interval of the accuracy is wider than " WIDE_POINTS " percentage points.",
     RULE(wide),
     "Measure on more images (`data.test`, or `--folds`, which uses every image "
     "once): " HALF_AS_WIDE,
     "Evaluate more images: " HALF_AS_WIDE, "Collect more images: " HALF_AS_WIDE},
    {"no_test", "No test images", CNN_PAGE_RUN,
     "The validation images chose something (the epoch, the end of training, the temperature, the "
     "threshold), and there are no test images.",
     RULE(no_test), "Name images that take no part in training in `data.test`, or use `--folds`.",
     NULL, NULL},
    {"validation_better", "Validation is better than test", CNN_PAGE_RUN,
     "The accuracy or the ROC AUC of the validation images is higher than that of the test images: "
     "the 95 % interval of the difference (Newcombe 1998, Zou and Donner 2008) is above 0.",
     RULE(validation_better),
     "Believe the test images. They may be of another kind (another camera, place or time): then "
     "training needs such images, too. Or images in training and validation belong together: give "
     "them a group.",
     NULL, NULL},
    {"miscalibrated", "Probabilities are off", EACH,
     "The calibration error is above " OFF_ERROR ", and more than chance: |z| > " OFF_Z
     " (p < 0.01) in the test of Spiegelhalter (1986).",
     RULE(miscalibrated),
     "Set `train.calibrate=true`, which corrects them on the validation images. Until then, use "
     "them to rank images, not as chances.",
     "Use them to rank images, not as chances: images of another kind, or with another share of "
     "each class, than those that the model was trained on make them wrong. To decide, choose "
     "`--threshold` by the table of thresholds below.",
     NULL},
    {"overfitting", "Overfitting", CNN_PAGE_RUN,
     "From the epoch with the lowest validation loss to the mean of the last " OVERFITTING_EPOCHS
     " epochs, which are later, the validation loss rises by " OVERFITTING_PERCENT
     " % or more, and the training loss falls by as much.",
     RULE(overfitting),
     "More images, more augmentation (the keys `augment`), `dropout`, `train.weight_decay` or a "
     "smaller network. `train.early_stopping.patience` ends such a run sooner.",
     NULL, NULL},
    {"improving", "Still improving", CNN_PAGE_RUN,
     "In the last tenth of the epochs, the lowest validation loss (training loss, without "
     "validation images) is lower than before by more than " FALLING_PERCENT
     " % and by more than " FALLING_BY ".",
     RULE(improving),
     "Train longer: a larger `train.epochs` (or `train.minutes`), with `--resume` if "
     "`train.schedule` is `constant`.",
     NULL, NULL},
    {"cut_short", "Ended by the time limit", CNN_PAGE_RUN,
     "`--max-seconds` ended training before the end of the last epoch.", RULE(cut_short),
     "`--resume` trains the remaining epochs.", NULL, NULL},
    {"time_is_up", "Ended by its time budget", CNN_PAGE_RUN,
     "The time of `train.minutes` was up before the end of the last epoch.", RULE(time_is_up),
     "Give it more time: `--resume` with a larger `train.minutes` trains the remaining epochs.",
     NULL, NULL},
    {"few_images", "Few training images", RUNS,
     "A class has fewer than " FEW_IMAGES
     " training images, and the network did not start from a trained one.",
     RULE(few_images),
     "Collect more, or start from a trained network, for which few photographs are enough: "
     "`cnntrain --init DIR --pretrained FILE`.",
     NULL, NULL},
    {"rare_class", "A rare class", RUNS,
     "Less than " RARE_PERCENT " % of the training images are of one class.", RULE(rare_class),
     "Judge by ROC AUC, balanced accuracy, precision and recall. `data.sampling=balanced` or "
     "`train.pos_weight=balanced` gives both classes the same weight in training. Collect more "
     "images of the rare class.",
     NULL, NULL},
    {"mixed_groups", "Groups in several splits", RUNS,
     "Images of a group are in more than one of training, validation and test.", RULE(mixed_groups),
     "Put all images of a group into one split, or let cnntrain split them: `data.validation` as a "
     "share, or `--folds`, keeps groups together.",
     NULL, NULL},
    {"bad_images", "Unreadable images", RUNS, "At least one image could not be read.",
     RULE(bad_images), "`cnntrain --check-data` names them, with reasons.", NULL, NULL},
    {"copies", "Copies", RUNS, "At least one image was left out because it is a copy.",
     RULE(copies),
     "Nothing to do, if it is a small share of the images. `cnntrain --check-data` names them.",
     NULL, NULL},
    {NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL},
};

bool cnn_advice_fits(const cnn_advice *rule, const cnn_report *report) {
    const unsigned page = report->set   ? CNN_PAGE_SET
                          : report->run ? CNN_PAGE_RUN
                                        : CNN_PAGE_EVALUATION;
    return (rule->pages & page) != 0;
}

const char *cnn_advice_remedy(const cnn_advice *rule, const cnn_report *report) {
    const char *own = report->set ? rule->of_set : !report->run ? rule->of_evaluation : NULL;
    return own ? own : rule->remedy;
}
