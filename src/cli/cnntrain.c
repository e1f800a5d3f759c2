/* cnntrain: trains a small convolutional network that tells two kinds of image apart. The table of
 * its options; train_actions.c does what they ask for. */
#include "cli/train_actions.h"

#include "cnn/config.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the command line --- */

#define FIELD(field) .offset = offsetof(train_command, field)

static const cnn_option options[] = {
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(config_path),
     .help = "the config: data, network and training (JSON)",
     .prose = "The config, which describes the data, the network and the training: see "
              "{CONFIGURATION}."},
    {.name = "init",
     .argument = "DIR",
     .parse = cnn_option_path,
     FIELD(images),
     .action = cnn_action_init,
     .help = "examine the images in DIR and print a config for them",
     .prose = "Examine all images in <directory> and print a complete config for them. Nothing is "
              "trained or written. See {A CONFIG FROM THE IMAGES}."},
    {.name = "pretrained",
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(pretrained),
     .help = "with --init: a config that starts from a trained network",
     .prose = "With `--init`: print a config that starts from the trained network in <file>, for "
              "which few photographs are enough: what `data/pretrained.sh` writes, or any "
              "*model.bin*. See {A CONFIG FROM THE IMAGES}."},
    {.name = "minutes",
     .argument = "M",
     .parse = cnn_option_number,
     FIELD(minutes),
     .minimum = 1e-3,
     .maximum = 1e6,
     .help = "with --init: a config whose run takes at most M minutes",
     .prose = "With `--init`: print a config whose run takes at most <m> minutes, on any machine "
              "that it is run on: the key `train.minutes`."},
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .parse = cnn_option_path,
     FIELD(run.train.output),
     .help = "the run directory; replaces the config's \"output\"",
     .prose = "The run directory. Takes precedence over the key `output` of the config. It is "
              "created if it is missing. A directory that contains anything but *data_report.csv* "
              "is refused unless `--resume` or `--overwrite` is given."},
    {.name = "resume",
     FIELD(run.train.resume),
     .help = "continue the run in the directory, or start one",
     .prose =
         "Continue from the checkpoint in the run directory, or start a run if there is none. A "
         "directory that contains other files, and no run, is refused. A finished run is left "
         "unchanged, and the exit status is 0. Config and images must be those of the run; if not, "
         "a message names the first difference. The images may be at other paths than before and "
         "have other names: `data.train`, `data.test` and a path in `data.validation` may differ. "
         "The images are compared by their content, label and split (in a cross-validation: their "
         "fold). The rest of the run gives the same bytes as if they had not moved: if the new "
         "names sort differently, the run keeps the order in *split.csv*. The new paths are "
         "written to *split.csv*, *predictions.csv* and *test_predictions.csv*. Images that are "
         "missing, were added, were "
         "changed, or have another label or split are refused, and so is a renamed class. "
         "{CONFIGURATION} says which keys a resumed run may change; `train.epochs` may not be less "
         "than the number of finished epochs. A directory in use by another run is refused."},
    {.name = "overwrite",
     FIELD(run.train.overwrite),
     .help = "start over in a directory that contains a run",
     .prose = "Start over in a directory that contains a run. The files of the earlier run are "
              "removed; other files are left unchanged. *config.json* is replaced in one step; if "
              "it is the file named by `--config` and its text would change, the run is refused."},
    {.name = "tensorboard",
     FIELD(with_tensorboard),
     .help = "also write the file from which TensorBoard shows the run",
     .prose =
         "Also write *events.out.tfevents.cnntrain* to the run directory, from which "
         "TensorBoard shows the run while it trains: loss, accuracy and AUC, learning rate and "
         "seconds of each epoch, and, at the end, pictures of mistakes and the config. A resumed "
         "run continues the file, and adds what it lacks: epochs of *metrics.csv*, and, of a "
         "finished run, the end. "
         "If the file cannot be written, a warning says why, and the run continues without "
         "it. Refused by a program that was built without protobuf-c."},
    {.name = "max-seconds",
     .argument = "N",
     .parse = cnn_option_number,
     FIELD(run.train.max_seconds),
     .minimum = 1e-6,
     .maximum = 1e9,
     .help = "end after N seconds, with all files of a finished run",
     .prose = "End after about <n> seconds, counted from the start of this command, with all files "
              "of a finished run and exit status 0. Training ends after a batch (in a new run, "
              "after the first batch at the earliest), early enough to measure the model in the "
              "remaining time, at the speed so far. Reading the images is not cut short. An epoch "
              "that was cut short gets a row in *metrics.csv* and may become *model.bin*, like any "
              "other. `--resume` continues from the batch at which training ended, and ends with "
              "the bytes of a run that was never cut short: the row and the models of the "
              "shortened epoch are discarded. Each command counts its own time. The learning rates "
              "of a schedule depend on `train.epochs`, not on time."},
    {.name = "folds",
     .argument = "K",
     .parse = cnn_option_integer,
     FIELD(run.folds),
     .minimum = 2,
     .maximum = 1000,
     .help = "cross-validation: K runs, each tested on its part of data.train",
     .prose = "Cross-validation with 2 to 1000 folds: see {CROSS-VALIDATION}. With `-n`: print "
              "what each fold trains on and is tested on."},
    {.name = "sweep",
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(sweep),
     .help = "many runs, with values of keys from FILE (JSON)",
     .prose = "Train a run for each combination of values in <file>, and choose the best one: see "
              "{SWEEPS}. A terminal shows one line for all runs: how many are done, have failed, "
              "and are running, and the time left; elsewhere, each run that ends is a line. "
              "`--verbose` shows the messages of the runs as well. With `-n`: print the runs and "
              "how long each takes."},
    {.name = "jobs",
     .letter = 'j',
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(jobs),
     .minimum = 1,
     .maximum = 1000,
     .help = "with --sweep: N runs at the same time",
     .prose =
         "With `--sweep`: train <n> runs at the same time, each in its own process with an equal "
         "share of threads and memory. Small networks train faster this way; the results are the "
         "same. With `-n`: how long that takes."},
    {.name = "member",
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(run.member),
     .minimum = 1,
     .maximum = 9999,
     .help = "with --folds or --sweep: train only fold or run N",
     .prose =
         "With `--folds` <k>: train only fold <n>, 1 to <k>. With `--sweep`: train only run <n>. "
         "Other processes, also on other "
         "machines with access to the run directory, may train others at the same time: "
         "see {CROSS-VALIDATION}."},
    {.name = "gather",
     FIELD(run.gather),
     .help = "with --folds or --sweep: put the results of all runs together",
     .prose = "With `--folds` <k>: train nothing; put the results of all folds together. With "
              "`--sweep`: the same with all runs that have finished."},
    {.name = "no-report",
     FIELD(no_report),
     .help = "do not make report.html",
     .prose = "Do not make *report.html*: see {THE REPORT}."},
    {.name = "no-cache",
     FIELD(no_cache),
     .help = "do not use the cache of decoded images",
     .prose = "Do not use the cache of decoded images: see {THE CACHE}."},
    {.name = "cache-limit",
     .argument = "SIZE",
     .parse = cnn_option_size,
     FIELD(run.train.common.cache_limit),
     .help = "limit for the size of the cache (default: 10G)",
     .prose = "The limit for the total size of the files in the cache, in the units of "
              "`--max-memory`. Default: 10G."},
    {.name = "dry-run",
     .letter = 'n',
     .action = cnn_action_dry_run,
     .help = "print layers, memory and data counts; train nothing",
     .prose = "Read the data and print the layers with their shapes, parameters and floating-point "
              "operations, the memory that training needs, and the number of images of each class. "
              "Nothing is trained or written."},
    {.name = "check-data",
     .action = cnn_action_check_data,
     .help = "report copies, bad images, shortcuts, …; train nothing",
     .prose = "Examine every image, by itself and compared with all others, and print a report. "
              "Nothing is trained. See {CHECKING THE DATA}."},
    {.name = "check-gradients",
     .action = cnn_action_check_gradients,
     .help = "compare gradients with differences in double",
     .prose = "Compare the gradients of the config's network, on random images and weights, with "
              "central differences in double precision, and the kernels in single precision with "
              "the same equations in double. Prints a table; the exit status is 1 if an error "
              "exceeds its bound. The data is not read."},
    {.name = "trace",
     .action = cnn_action_trace,
     .help = "print the values and gradients of one batch as JSON",
     .prose = "Print, as JSON on standard output, how the first batch passes through the network "
              "with its starting weights, and back: the paths of the images, the values of every "
              "layer, the loss and every gradient. The k-th layer with weights has the parameters "
              "`wk` and `bk` (`batchnorm` also the running averages `running_meank` and "
              "`running_vark`) and the output `Zk`. The layers after it have the outputs `Pk` "
              "(pooling), `F` (flatten) or `Ak` (all others, and the sum of a residual); `X` are "
              "the images. If a name is already used, an underscore and the number of the layer "
              "are appended. A name with the prefix `d` is the gradient of the loss. `dropout` "
              "drops the same values as in the first step of training."},
    {.name = "show-augmented",
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(shown),
     .minimum = 1,
     .maximum = 1000,
     .action = cnn_action_show_augmented,
     .help = "draw N images as augmentation changes them: augmented.png",
     .prose = "Draw <n> training images (1 to 1000), chosen evenly, as the keys `augment` of the "
              "config change them, into the file *augmented.png* in the run directory, or in the "
              "current directory if none is given, and print its path. Nothing is trained. Each "
              "image has a row: first unchanged, then as in epochs 1 to 7, with exactly the pixels "
              "of training. Small images are enlarged by an integer factor. An existing file of "
              "that name is replaced."},
    {.name = "print-config",
     .action = cnn_action_print_config,
     .help = "print the config with overrides and defaults; train nothing",
     .prose =
         "Print the config that training would use, as JSON, with every `KEY=VALUE` of the command "
         "line and every default filled in. The output is a valid config. The data is not read."},
    {.name = "help-config",
     .action = cnn_action_help_config,
     .help = "explain every key of the config",
     .prose = "Explain every key of the config."},
    {.name = "schema",
     .action = cnn_action_schema,
     .help = "print the config's JSON Schema",
     .prose = "Print the config's JSON Schema, for editors."},
    {.name = "verbose",
     .letter = 'v',
     FIELD(verbose),
     .help = "more messages",
     .prose = "More messages."},
    {.name = NULL},
};

static cnn_status add_override(void *context, const char *value, cnn_error *error) {
    train_command *command = context;
    (void)error;
    command->overrides[command->override_count++] = value;
    return CNN_OK;
}

static const cnn_program program = {
    .name = "cnntrain",
    .usage = "usage: cnntrain --config FILE [KEY=VALUE ...] [OPTION ...]\n"
             "\n"
             "Trains a small convolutional network that tells two kinds of image apart, and\n"
             "writes its weights and everything about the run to a directory.\n"
             "\n"
             "  KEY=VALUE                 overrides a key of the config: train.epochs=3",
    .notes =
        "Exit codes: 0 done, 1 I/O or memory, 2 flags or config, 3 data, 4 model file,\n"
        "5 training diverged, 75 stopped by a signal after a checkpoint (use --resume).\n"
        "\n"
        "Decoded images are kept in $XDG_CACHE_HOME/cnntrain or ~/.cache/cnntrain, so that "
        "the\nnext run starts at once. It may be removed at any time.\n"
        "\n"
        "Several processes train one network together: mpirun -n 4 cnntrain --config cfg.json\n"
        "\n"
        "  cnntrain --init photos > cfg.json && cnntrain --config cfg.json\n"
        "  cnntrain --config configs/fashion.json\n"
        "  cnntrain --config configs/fashion.json train.learning_rate=0.05 --out runs/b",
    .options = options,
    .shared = cnn_shared_rows,
    .argument = add_override,
    .work = cnn_action_train,
    .prepare = cnn_action_prepare,
    .conclude = cnn_action_conclude,
    .key_words = cnn_config_words,
    .key_reference = cnn_config_reference,
    .key_meant = cnn_config_key_meant,
};

/* Returns the exit code. */
static int start_processes(train_command *command, char **argv) {
    cnn_error error;
    const cnn_status status = cnn_processes_start(&command->processes, argv, &error);
    if (status != CNN_OK && error.message[0]) {
        fprintf(stderr, "cnntrain: %s\n", error.message);
    }
    return (int)status;
}

int main(int argc, char **argv) {
    train_command command = {0};
    command.overrides = calloc((size_t)argc + 1, sizeof *command.overrides);
    if (!command.overrides) {
        fputs("cnntrain: out of memory\n", stderr);
        return CNN_ERROR_RUNTIME;
    }
    int code = start_processes(&command, argv);
    if (code == CNN_OK) {
        code = cnn_program_main(&program, argc, argv, &command);
    }
    cnn_action_end(&command);
    free(command.overrides);
    return code;
}
