/* The keys `train`. */
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
/* The largest decay; 1 would never learn. */
#define LARGEST_DECAY 0.999999
/* The largest integer up to which a JSON number (a double) holds every one exactly. */
#define LARGEST_EXACT 9007199254740991.0

const cnn_key cnn_config_train_keys[] = {
    {.name = "train.epochs",
     .kind = &cnn_kind_integer,
     FIELD(epochs),
     .maximum = 1e6,
     .fallback = 10,
     .also = "num_epochs n_epochs max_epochs",
     .help = "passes over the training images; 0 writes the initial weights"},
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
         "\"adamw\" (Loshchilov and Hutter 2019, with weight decay apart from the gradient) divide "
         "a moving mean of the gradient by the root of a moving mean of its square; a rate of "
         "0.001 is usual. All are as PyTorch's SGD, Adam and AdamW define them."},
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
     .help = "share of the last step that is kept, for optimizer momentum",
     .prose = "The share of the last step that is kept, for optimizer \"momentum\"."},
    {.name = "train.nesterov",
     .kind = &cnn_kind_boolean,
     FIELD(optimizer.nesterov),
     .help = "optimizer momentum looks ahead (Nesterov's form)",
     .prose = "Optimizer \"momentum\" in Nesterov's form: w - r (g + momentum × v)."},
    {.name = "train.beta1",
     .kind = &cnn_kind_number,
     FIELD(optimizer.beta1),
     .maximum = LARGEST_DECAY,
     .fallback = 0.9,
     .help = "decay of the mean gradient, for optimizers adam and adamw",
     .prose = "What stays of the mean gradient at each step, for \"adam\" and \"adamw\"."},
    {.name = "train.beta2",
     .kind = &cnn_kind_number,
     FIELD(optimizer.beta2),
     .maximum = LARGEST_DECAY,
     .fallback = 0.999,
     .help = "decay of the mean squared gradient, for optimizers adam and adamw",
     .prose = "What stays of the mean squared gradient at each step, for \"adam\" and \"adamw\"."},
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
             "added to its gradient; with adamw, taken off the weight at each step, times the "
             "learning rate",
     .prose = "Pulls the weights of conv and dense layers, not biases and not batchnorm, towards "
              "0: with \"adamw\" each step takes learning rate × this × weight off the weight, "
              "with the other optimizers this × weight is added to the gradient."},
    {.name = "train.schedule",
     .kind = &cnn_kind_choice,
     FIELD(schedule.kind),
     .choices = schedules,
     .also = "scheduler lr_schedule lr_scheduler",
     .help = "the learning rate of each step: constant; step: times step_factor every step_epochs; "
             "cosine: down to 0 along half a cosine; one_cycle: up from 1/25 for 0.3 of the run, "
             "then down to 1/250000",
     .prose = "The learning rate of each step (batch). \"step\" multiplies it with "
              "`train.step_factor` every `train.step_epochs`. \"cosine\" brings it down to 0 along "
              "half a cosine, over the whole run (Loshchilov and Hutter 2017). \"one_cycle\" is "
              "PyTorch's OneCycleLR with its defaults (Smith 2018): along half a cosine from a "
              "25th of the learning rate up to all of it in the first 0.3 of the run, then along "
              "another down to a 250000th; the momentum stays as it is."},
    {.name = "train.warmup_epochs",
     .kind = &cnn_kind_number,
     FIELD(schedule.warmup_epochs),
     .maximum = 1e6,
     .also = "warmup",
     .help =
         "the learning rate rises from 0 along a line for this many epochs, before the schedule "
         "takes over; not for one_cycle",
     .prose = "For this many epochs, the learning rate first rises from 0 to its full size along a "
              "line, step by step. \"step\" counts its epochs from the start of the run, "
              "\"cosine\" begins after the warm-up, and \"one_cycle\" takes none."},
    {.name = "train.step_epochs",
     .kind = &cnn_kind_integer,
     FIELD(schedule.step_epochs),
     .minimum = 1,
     .maximum = 1e6,
     .fallback = 10,
     .help = "epochs between two falls of the learning rate, for schedule step",
     .prose = "Epochs between two falls of the learning rate, for schedule \"step\"."},
    {.name = "train.step_factor",
     .kind = &cnn_kind_number,
     FIELD(schedule.step_factor),
     .above_minimum = true,
     .maximum = 1,
     .fallback = 0.1,
     .help = "what the learning rate is multiplied with then",
     .prose = "What the learning rate is multiplied with then, for schedule \"step\"."},
    {.name = "train.clip_norm",
     .kind = &cnn_kind_number,
     FIELD(clip_norm),
     .maximum = 1e6,
     .also = "clip grad_clip max_grad_norm",
     .help = "gradients whose norm over all parameters is larger are shortened to it; 0: never",
     .prose =
         "A mean gradient of the batch whose norm (the root of the sum of squares over all "
         "parameters) is larger is shortened to it, as PyTorch's clip_grad_norm_ does; 0: never."},
    {.name = "train.label_smoothing",
     .kind = &cnn_kind_number,
     FIELD(objective.smoothing),
     .maximum = 0.9,
     .help = "s: training aims at s/2 and 1 - s/2 instead of 0 and 1",
     .prose =
         "With s for this, training aims at the probabilities s/2 and 1 - s/2 instead of 0 and 1."},
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
     .prose =
         "The loss of an image of class 1 is multiplied by this in training, the sum still divided "
         "by the number of images (PyTorch's BCEWithLogitsLoss). \"balanced\": the number of "
         "training images of class 0 divided by that of class 1; a message states the value."},
    {.name = "train.ema_decay",
     .kind = &cnn_kind_number,
     FIELD(ema_decay),
     .maximum = LARGEST_DECAY,
     .also = "ema",
     .help = "evaluate and keep the moving average of the weights, of which this share stays at "
             "each step (less at first); 0: the weights themselves",
     .prose = "Above 0: an exponential moving average of the weights is kept, of which this share "
              "stays at each step (less at first: (1 + t) / (10 + t) at step t), and it is the "
              "average, of batchnorm's running averages, too, that is evaluated and written to "
              "*model.bin* and *last.bin*."},
    {.name = "train.shuffle",
     .kind = &cnn_kind_boolean,
     FIELD(shuffle),
     .fallback = 1,
     .help = "a new order every epoch; false: files in order, every epoch"},
    {.name = "train.seed",
     .kind = &cnn_kind_integer,
     FIELD(seed),
     .maximum = LARGEST_EXACT,
     .fallback = 1,
     .also = "random_seed random_state",
     .help = "start of all random numbers: weights, order, what is held back"},
    {.name = "train.checkpoint_seconds",
     .kind = &cnn_kind_number,
     FIELD(checkpoint_seconds),
     .above_minimum = true,
     .maximum = 1e6,
     .fallback = 60,
     .help = "a checkpoint at least this often, beside the one at the end of each epoch",
     .prose = "Write a checkpoint at least this often, in addition to the one at the end of each "
              "epoch: a killed run loses at most this much work."},
    {.name = "train.early_stopping.metric",
     .kind = &cnn_kind_choice,
     FIELD(early_stopping.metric),
     .choices = stopping_metrics,
     .help = "what the best epoch is best in, on the validation images; it becomes model.bin",
     .prose = "What the best epoch is best in, on the validation images; it becomes *model.bin*. "
              "See {METRICS}. Of equal epochs it is the first."},
    {.name = "train.early_stopping.patience",
     .kind = &cnn_kind_integer,
     FIELD(early_stopping.patience),
     .maximum = 1e6,
     .help = "ends the run after this many epochs without an improvement; 0: never",
     .prose = "Ends the run after this many epochs without an improvement; 0: never. A run that "
              "has stopped early is a finished one, and *summary.json* says so; with more "
              "patience, `--resume` continues it."},
    {.name = "train.early_stopping.smoothing",
     .kind = &cnn_kind_number,
     FIELD(early_stopping.smoothing),
     .maximum = 0.999,
     .help = "share of the earlier epochs in what is compared: s = smoothing s + (1 - smoothing) "
             "metric; 0: each epoch by itself",
     .prose = "What is compared is s = smoothing s + (1 - smoothing) metric, which starts as the "
              "first epoch's metric: with 0 each epoch by itself, with 0.9 about the last ten."},
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
     .help = "class 1 from this probability on; a rule chooses it on the validation images, once "
             "training is over, for model.bin",
     .prose =
         "An image is of class 1 where its probability is at least this. A rule chooses the "
         "threshold of *model.bin* on the validation images, when training is over, and leaves "
         "*last.bin* and what is measured after each epoch at 0.5: `f1` (the greatest F1), "
         "`youden` (the greatest sum of recall and specificity), `recall>=0.99` (the highest "
         "threshold that finds this share of class 1), `precision>=0.95` (of the thresholds with "
         "this share of class 1 among what they call class 1, the one that finds most of it) or "
         "\"cost fp=1 fn=20\" (the least cost of all errors, a false alarm costing 1, a miss 20). "
         "Of equally good thresholds, the one nearest to 0.5 is chosen. If no threshold has the "
         "precision, the one that comes nearest is chosen, and a warning says so."},
    {.name = "train.calibrate",
     .kind = &cnn_kind_boolean,
     FIELD(calibrate),
     .help = "divide the logits of model.bin by the temperature that makes the loss of the "
             "validation images least, before a threshold is chosen",
     .prose =
         "Temperature scaling (Guo et al. 2017): when training is over, the logits of *model.bin* "
         "are divided by the temperature that makes the loss of the validation images least, so "
         "that 80 of 100 images of probability 0.8 are of class 1. The order of the images, and "
         "the AUC with it, stays as it is. The temperature is kept in the model; a threshold is "
         "chosen after it. If there is no such temperature between 0.01 and 100, as when all "
         "images are classified correctly, it stays 1, and a warning says so."},
    {.name = NULL},
};
