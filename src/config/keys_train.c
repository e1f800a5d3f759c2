/* The keys of the object `train`. */
#include "config/keys.h"

#include "config/metric_names.h"
#include "config/threshold_rule.h"

#include <stddef.h>
#include <string.h>

static const char *const optimizers[] = {"sgd", "momentum", "adam", "adamw", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", "one_cycle", NULL};
static const char *const stopping_metrics[] = {
#define VALIDATION_METRIC(field, text, more_is_better, needs_threshold) "val_" #field,
    CNN_METRIC_LIST(VALIDATION_METRIC)
#undef VALIDATION_METRIC
        NULL};

static bool is_balanced(const char *text) {
    return strcmp(text, "balanced") == 0;
}

static const char *const balanced_words[] = {"balanced", NULL};
static const cnn_text_rule balanced = {.matches = is_balanced,
                                       .described = "\"balanced\"",
                                       .pattern = "^balanced$",
                                       .words = balanced_words};

static const char *const threshold_words[] = {"f1", "youden", NULL};
static const cnn_text_rule threshold_rules = {.matches = cnn_threshold_rule_is,
                                              .described = CNN_THRESHOLD_RULE_TEXTS,
                                              .pattern = CNN_THRESHOLD_RULE_PATTERN,
                                              .words = threshold_words};

#define FIELD(field) .offset = offsetof(cnn_config, train.field)
/* The largest decay; with 1, an average would never change. */
#define LARGEST_DECAY 0.999999
/* Integers up to this one are exact as JSON numbers (doubles). */
#define LARGEST_EXACT 9007199254740991.0

const cnn_key cnn_config_train_keys[] = {
    {.name = "train.epochs",
     .kind = &cnn_kind_integer,
     FIELD(epochs),
     .maximum = 1e6,
     .fallback = 10,
     .also = "num_epochs n_epochs max_epochs",
     .help = "passes over the training images; 0 writes the initial weights"},
    {.name = "train.minutes",
     .kind = &cnn_kind_optional_number,
     FIELD(minutes),
     .maximum = 1e6,
     .also = "budget time_budget max_minutes max_time",
     .help = "the time that the whole run may take: it measures its speed first, and chooses the "
             "number of epochs, at most train.epochs; 0: no limit",
     .prose =
         "The time that the whole run may take, from its start to its last file; 0: no limit. A "
         "run that is new measures on this machine, once its images are read, how long a step of "
         "training, predictions and files take, and trains as many epochs as fit into the time, "
         "a tenth of it kept free; `train.epochs` is the most that it trains. The number is "
         "`train.epochs` in *config.json* of the run directory: a schedule spans it, and with that "
         "number and without `train.minutes`, another run gives the same bytes. If the machine "
         "then becomes slower, or not even one epoch fits, training ends early, as with "
         "`--max-seconds`, and all files are complete; reading the images and measuring the model "
         "at the end are not cut short. "
         "`--resume` keeps the number of epochs, and counts the time of the epochs that were "
         "trained before, not that of reading the images again. A run that this key has ended is "
         "finished, unless it gets more minutes. With `--folds`, the time is that of all folds, "
         "which train equally many epochs."},
    {.name = "train.batch_size",
     .kind = &cnn_kind_integer,
     FIELD(batch_size),
     .minimum = 1,
     .maximum = 65536,
     .fallback = 32,
     .also = "batch bs minibatch",
     .help = "images per step: m"},
    {.name = "train.optimizer",
     .kind = &cnn_kind_choice,
     FIELD(optimizer.kind),
     .choices = optimizers,
     .also = "optim",
     .help = "how gradients change weights",
     .prose =
         "How gradients change weights. With learning rate r and gradient g, \"sgd\" is w - r g, "
         "and \"momentum\" w - r v, where v is momentum × v + g. \"adam\" (Kingma and Ba 2015) and "
         "\"adamw\" (Loshchilov and Hutter 2019, with weight decay separate from the gradient) "
         "divide a moving mean of the gradient by the root of a moving mean of its square; a rate "
         "of 0.001 is usual. All are defined as PyTorch's SGD, Adam and AdamW."},
    {.name = "train.learning_rate",
     .kind = &cnn_kind_number,
     FIELD(schedule.rate),
     .above_minimum = true,
     .maximum = 1e6,
     .fallback = 0.01,
     .also = "lr rate eta",
     .help = "step size; with a schedule, the largest one"},
    {.name = "train.momentum",
     .kind = &cnn_kind_number,
     FIELD(optimizer.momentum),
     .maximum = 1,
     .fallback = 0.9,
     .help = "share of the previous step that is kept, for optimizer momentum",
     .prose = "The share of the previous step that is kept, for optimizer \"momentum\"."},
    {.name = "train.nesterov",
     .kind = &cnn_kind_boolean,
     FIELD(optimizer.nesterov),
     .help = "use Nesterov's form of optimizer momentum",
     .prose = "Use Nesterov's form of optimizer \"momentum\": w - r (g + momentum × v)."},
    {.name = "train.beta1",
     .kind = &cnn_kind_number,
     FIELD(optimizer.beta1),
     .maximum = LARGEST_DECAY,
     .fallback = 0.9,
     .help = "decay of the mean gradient, for optimizers adam and adamw",
     .prose = "The decay of the moving mean of the gradient, for \"adam\" and \"adamw\"."},
    {.name = "train.beta2",
     .kind = &cnn_kind_number,
     FIELD(optimizer.beta2),
     .maximum = LARGEST_DECAY,
     .fallback = 0.999,
     .help = "decay of the mean squared gradient, for optimizers adam and adamw",
     .prose = "The decay of the moving mean of the squared gradient, for \"adam\" and \"adamw\"."},
    {.name = "train.epsilon",
     .kind = &cnn_kind_number,
     FIELD(optimizer.epsilon),
     .minimum = 1e-16,
     .maximum = 1,
     .fallback = 1e-8,
     .help = "added to the divisor, for optimizers adam and adamw",
     .prose = "Added to the divisor, for \"adam\" and \"adamw\"."},
    {.name = "train.weight_decay",
     .kind = &cnn_kind_number,
     FIELD(optimizer.weight_decay),
     .maximum = 1,
     .also = "wd l2",
     .help = "pulls the weights of conv and dense, not biases, towards 0: this times the weight is "
             "added to its gradient; with adamw, learning rate times this times the weight is "
             "subtracted from the weight at each step",
     .prose = "Pulls the weights of conv and dense layers, not biases and not batchnorm, towards "
              "0: with \"adamw\", each step subtracts learning rate × this × weight from the "
              "weight; with the other optimizers, this × weight is added to the gradient."},
    {.name = "train.schedule",
     .kind = &cnn_kind_choice,
     FIELD(schedule.kind),
     .choices = schedules,
     .also = "scheduler lr_schedule lr_scheduler",
     .help = "the learning rate of each step: constant; step: multiplied by step_factor every "
             "step_epochs; cosine: falls to 0 along half a cosine; one_cycle: rises from 1/25 for "
             "0.3 of the run, then falls to 1/250000",
     .prose = "The learning rate of each step (batch). \"step\" multiplies it by "
              "`train.step_factor` every `train.step_epochs` epochs. \"cosine\" lowers it to 0 "
              "along half a cosine over the whole run (Loshchilov and Hutter 2017). \"one_cycle\" "
              "is PyTorch's OneCycleLR with its defaults (Smith 2018): the rate rises along half a "
              "cosine from 1/25 of the learning rate to all of it in the first 0.3 of the run, "
              "then falls along another to 1/250000; the momentum does not change."},
    {.name = "train.warmup_epochs",
     .kind = &cnn_kind_number,
     FIELD(schedule.warmup_epochs),
     .maximum = 1e6,
     .also = "warmup",
     .help = "the learning rate rises linearly from 0 for this many epochs before the schedule "
             "begins; not for one_cycle",
     .prose = "For this many epochs, the learning rate first rises linearly from 0 to its full "
              "value, step by step. \"step\" counts its epochs from the start of the run, "
              "\"cosine\" begins after the warm-up, and \"one_cycle\" allows none."},
    {.name = "train.step_epochs",
     .kind = &cnn_kind_integer,
     FIELD(schedule.step_epochs),
     .minimum = 1,
     .maximum = 1e6,
     .fallback = 10,
     .help = "epochs between two reductions of the learning rate, for schedule step",
     .prose = "The number of epochs between two reductions of the learning rate, for schedule "
              "\"step\"."},
    {.name = "train.step_factor",
     .kind = &cnn_kind_number,
     FIELD(schedule.step_factor),
     .above_minimum = true,
     .maximum = 1,
     .fallback = 0.1,
     .help = "factor of the learning rate at each reduction, for schedule step",
     .prose = "The factor of the learning rate at each reduction, for schedule \"step\"."},
    {.name = "train.clip_norm",
     .kind = &cnn_kind_number,
     FIELD(clip_norm),
     .maximum = 1e6,
     .also = "clip grad_clip max_grad_norm",
     .help = "gradients with a larger norm over all parameters are scaled down to it; 0: never",
     .prose = "If the mean gradient of a batch has a larger norm (the root of the sum of squares "
              "over all parameters), it is scaled down to this norm, as by PyTorch's "
              "clip_grad_norm_; 0: never."},
    {.name = "train.label_smoothing",
     .kind = &cnn_kind_number,
     FIELD(objective.smoothing),
     .maximum = 0.9,
     .help = "s: the targets of training are s/2 and 1 - s/2 instead of 0 and 1",
     .prose = "With this value s, the targets of training are the probabilities s/2 and 1 - s/2 "
              "instead of 0 and 1."},
    {.name = "train.pos_weight",
     .kind = &cnn_kind_number_or_text,
     FIELD(pos_weight),
     .above_minimum = true,
     .maximum = 1e6,
     .fallback = 1,
     .texts = &balanced,
     .also = "class_weight",
     .help = "the weight of an image of class 1 in the loss of training; balanced: the number of "
             "training images of class 0 divided by that of class 1",
     .prose = "In training, the loss of an image of class 1 is multiplied by this; the sum is "
              "still divided by the number of images (as in PyTorch's BCEWithLogitsLoss). "
              "\"balanced\": the number of training images of class 0 divided by that of class 1; "
              "a message states the value."},
    {.name = "train.ema_decay",
     .kind = &cnn_kind_number,
     FIELD(ema_decay),
     .maximum = LARGEST_DECAY,
     .also = "ema",
     .help = "evaluate and keep a moving average of the weights, with this decay (less at first); "
             "0: the weights themselves",
     .prose =
         "Above 0: the decay of an exponential moving average of the weights (less at first: (1 + "
         "t) / (10 + t) at step t). The average, which includes batchnorm's running averages, is "
         "evaluated and written to *model.bin* and *last.bin* instead of the weights themselves."},
    {.name = "train.shuffle",
     .kind = &cnn_kind_boolean,
     FIELD(shuffle),
     .fallback = 1,
     .help = "a new order of the images in every epoch; false: the order of the files"},
    {.name = "train.seed",
     .kind = &cnn_kind_integer,
     FIELD(seed),
     .maximum = LARGEST_EXACT,
     .fallback = 1,
     .also = "random_seed random_state",
     .help = "seed of all random numbers: weights, order, images that are held back"},
    {.name = "train.checkpoint_seconds",
     .kind = &cnn_kind_number,
     FIELD(checkpoint_seconds),
     .above_minimum = true,
     .maximum = 1e6,
     .fallback = 60,
     .help =
         "write a checkpoint at least this often, in addition to the one at the end of each epoch",
     .prose = "Write a checkpoint at least this often, in addition to the one at the end of each "
              "epoch: a killed run loses at most this much work."},
    {.name = "train.early_stopping.metric",
     .kind = &cnn_kind_choice,
     FIELD(early_stopping.metric),
     .choices = stopping_metrics,
     .help = "the metric, on the validation images, that decides which epoch is the best and "
             "becomes model.bin",
     .prose = "The metric, on the validation images, that decides which epoch is the best and "
              "becomes *model.bin*. See {METRICS}. Of equal epochs, the first is the best."},
    {.name = "train.early_stopping.patience",
     .kind = &cnn_kind_integer,
     FIELD(early_stopping.patience),
     .maximum = 1e6,
     .help = "end the run after this many epochs without an improvement; 0: never",
     .prose = "End the run after this many epochs without an improvement; 0: never. A run that "
              "stopped early is finished, and *summary.json* says so; with a larger patience, "
              "`--resume` continues it."},
    {.name = "train.early_stopping.smoothing",
     .kind = &cnn_kind_number,
     FIELD(early_stopping.smoothing),
     .maximum = 0.999,
     .help = "weight of the earlier epochs in the value that is compared: s = smoothing s + (1 - "
             "smoothing) metric; 0: each epoch by itself",
     .prose = "The value that is compared is s = smoothing s + (1 - smoothing) metric, which "
              "starts as the metric of the first epoch: with 0, each epoch by itself; with 0.9, "
              "about the last ten."},
    {.name = "train.early_stopping.restore",
     .kind = &cnn_kind_boolean,
     FIELD(early_stopping.restore),
     .fallback = 1,
     .help = "model.bin is the best epoch; false: the last one",
     .prose = "*model.bin* is the best epoch; false: the last one."},
    {.name = "train.threshold",
     .kind = &cnn_kind_number_or_text,
     FIELD(threshold),
     .maximum = 1,
     .fallback = 0.5,
     .texts = &threshold_rules,
     .help = "an image with at least this probability is class 1; a rule chooses the threshold of "
             "model.bin on the validation images, after training",
     .prose = "An image is classified as class 1 if its probability is at least this. A rule "
              "chooses the threshold of *model.bin* on the validation images, after training; "
              "*last.bin* and the metrics of each epoch use 0.5. The rules are `f1` (the greatest "
              "F1), `youden` (the greatest sum of recall and specificity), `recall>=0.99` (the "
              "highest threshold that finds this share of class 1), `precision>=0.95` (of the "
              "thresholds with at least this precision, the one that finds most of class 1) and "
              "\"cost fp=1 fn=20\" (the least total cost of errors, if a false alarm costs 1 and a "
              "miss 20). Of equally good thresholds, the one nearest to 0.5 is chosen. If no "
              "threshold has the precision, the one that comes nearest is chosen, with a warning."},
    {.name = "train.calibrate",
     .kind = &cnn_kind_boolean,
     FIELD(calibrate),
     .help = "divide the logits of model.bin by the temperature that minimises the loss of the "
             "validation images, before a threshold is chosen",
     .prose =
         "Temperature scaling (Guo et al. 2017): after training, the logits of *model.bin* are "
         "divided by the temperature that minimises the loss of the validation images, so that 80 "
         "of 100 images with probability 0.8 are of class 1. The order of the images by "
         "probability does not change, nor does the AUC. The temperature is stored in the model; a "
         "threshold is chosen after it. If there is no such temperature between 0.01 and 100, for "
         "example because all images are classified correctly, it stays 1, with a warning."},
    {.name = NULL},
};
