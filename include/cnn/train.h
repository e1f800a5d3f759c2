/* Training, and what goes with it: a run's plan, the check of its data, the gradient check, the
 * trace of one batch. */
#ifndef CNN_TRAIN_H
#define CNN_TRAIN_H

#include "cnn/config.h"
#include "cnn/log.h"
#include "cnn/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a run stands; loss is the mean of the epoch so far, of the loss that training minimises. */
typedef struct cnn_train_progress {
    int64_t epoch, epochs; /* counted from 1 */
    int64_t batch, batches;
    int fold, folds; /* counted from 1; 0 outside of a cross-validation */
    double loss;
    double images_per_second;
    double seconds_left; /* of the whole training, estimated */
} cnn_train_progress;

/* Bytes that the files in the cache directory may take together, where nobody says: 10 GiB. */
#define CNN_CACHE_LIMIT_DEFAULT ((uint64_t)10 << 30)

/* All of it may be zero. */
typedef struct cnn_train_options {
    const char *output; /* the run directory; NULL: the config's */
    int threads;        /* 0: as many as there are processors */
    bool resume;    /* go on from the run directory's checkpoint, or start where there is none */
    bool overwrite; /* start over in a run directory that is in use */
    double max_seconds; /* end in about so much time, with all that a finished run leaves; 0: no
                         * limit. Counted from the call, so anew where a run is resumed */
    int folds;   /* 2 to 1000: of cnn_cross_validate, and of cnn_dry_run, where 0 is a plain run */
    int member;  /* of cnn_cross_validate: train this fold alone, 1 to folds, while other processes
                  * may train others in the same directory; 0: all, and gather. resume and overwrite
                  * are about its run directory */
    bool gather; /* of cnn_cross_validate: train nothing, put the results of finished folds together
                  */
    const char *cache_directory; /* keep decoded images here between runs, of which any number may
                                  * use it at once; NULL: nowhere. Changes no result; where it
                                  * cannot be used, the log says so and the run goes on without */
    uint64_t cache_limit;        /* bytes of all its files; 0: CNN_CACHE_LIMIT_DEFAULT */
    cnn_log_sink log;
    void (*progress)(void *user, const cnn_train_progress *progress); /* after every batch */
    /* asked after every batch, and, by any thread, before every image that is read; NULL: never
     * stop */
    bool (*should_stop)(void *user);
    void *user;
} cnn_train_options;

/* Trains and writes the run directory. The config stays as it is; in the run directory's copy,
 * classes that it does not name are filled in from the data.
 *
 * CNN_STOPPED: should_stop said so; a checkpoint is written, if training had begun.
 * CNN_ERROR_DIVERGED: the loss became NaN or infinite; models of earlier epochs are kept.
 * CNN_ERROR_CONFIG: the run directory is in use, or was started with another config or other data.
 * CNN_ERROR_DATA, CNN_ERROR_RUNTIME: see cnn/status.h. */
CNN_MUST_USE cnn_status cnn_train(const cnn_config *config, const cnn_train_options *options,
                                  cnn_error *error);

/* k-fold cross-validation: divides the images of data.train into options->folds parts, which are as
 * alike in classes as copies and groups, which stay together, allow; trains once for each part, in
 * OUTPUT/fold-1, …, on the others (but for data.validation's share of these, which chooses the
 * epoch), and tests on it. Writes split.csv, folds.csv, predictions.csv and summary.json into the
 * output directory. Statuses as cnn_train's; CNN_ERROR_CONFIG, too, where the config names
 * validation or test images of its own. */
CNN_MUST_USE cnn_status cnn_cross_validate(const cnn_config *config,
                                           const cnn_train_options *options, cnn_error *error);

/* A config for images that nobody knows anything of, as JSON text, found by looking at all of them:
 * `path` is a folder with two class folders, or one with folders train and perhaps validation (or
 * val) and test, which have them, or a .csv manifest. Tells options->log what was seen and how long
 * training will take. options->output (NULL: "runs/" and the folder's name) becomes the config's
 * output. Writes nothing. CNN_ERROR_DATA where there are no readable images of two classes. Free
 * *json with cnn_text_release. */
CNN_MUST_USE cnn_status cnn_init(const char *path, const cnn_train_options *options, char **json,
                                 cnn_error *error);

/* The layer table, memory and data counts of a run as text. Reads the data, trains nothing. Free
 * *text with cnn_text_release. */
CNN_MUST_USE cnn_status cnn_dry_run(const cnn_config *config, const cnn_train_options *options,
                                    char **text, cnn_error *error);

/* Looks at every image of a run, in its file and against all others: unreadable ones, copies,
 * near-copies, what tells the classes apart without looking, …; reads all, trains nothing. *text is
 * a report for people; a table with a row an image, data_report.csv, goes into the run directory
 * where one is given. CNN_ERROR_DATA where training would refuse the data (then *text is there,
 * too, unless the images could not even be listed); CNN_STOPPED where should_stop said so. Free
 * *text with cnn_text_release. */
CNN_MUST_USE cnn_status cnn_check_data(const cnn_config *config, const cnn_train_options *options,
                                       char **text, cnn_error *error);

/* Compares analytic gradients of the config's network with central differences in double, on random
 * images and weights; *text is a table with the worst relative error of each tensor.
 * CNN_ERROR_RUNTIME where an error is above its bound (then *text is there, too). */
CNN_MUST_USE cnn_status cnn_check_gradients(const cnn_config *config,
                                            const cnn_train_options *options, char **text,
                                            cnn_error *error);

/* One forward and backward pass of the first batch with the starting weights, as JSON:
 * X, Z1, A1, P1, F, Z2, A2, L and every gradient by name. */
CNN_MUST_USE cnn_status cnn_trace(const cnn_config *config, const cnn_train_options *options,
                                  char **json, cnn_error *error);

/* What augmentation makes of some training images, as one picture: a row an image, which comes
 * first as the network sees it, then as epochs 1 to 7 would show it to the network. */
typedef struct cnn_augmented_sheet {
    int channels, height, width;
    int rows;
    uint8_t *pixels; /* [height][width][channels] */
    char *path; /* augmented.png in the run directory, or in the current one where none is given:
                 * the place for the picture */
} cnn_augmented_sheet;

/* Draws the sheet of `images` training images, evenly chosen, or of all where there are fewer;
 * reads the data, trains nothing, makes the run directory. Free with cnn_augmented_sheet_free. */
CNN_MUST_USE cnn_status cnn_show_augmented(const cnn_config *config,
                                           const cnn_train_options *options, int images,
                                           cnn_augmented_sheet *sheet, cnn_error *error);
void cnn_augmented_sheet_free(cnn_augmented_sheet *sheet);

#ifdef __cplusplus
}
#endif
#endif
