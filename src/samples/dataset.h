/* The images of a run, read, resized and split. dataset.c loads them as bytes; dataset_fill.c turns
 * bytes into the floats of a block. */
#ifndef CNN_SAMPLES_DATASET_H
#define CNN_SAMPLES_DATASET_H

#include "base/log.h"
#include "base/ranks.h"
#include "image/cache.h"
#include "nn/minibatch.h"
#include "samples/augment.h"
#include "samples/data_settings.h"
#include "samples/duplicates.h"
#include "samples/list.h"

/* Images as features: what a fixed network has computed of them (run/frozen_base.h). Of each image,
 * there are `variants` arrays of `count` floats: of the image, then of the image as it is augmented
 * in the epochs 1, 2, …, variants - 1; the latter are 0 for images that are listed as validation or
 * test images, which are never augmented. */
typedef struct cnn_dataset_features {
    size_t count;
    int variants;
} cnn_dataset_features;

typedef struct cnn_dataset {
    char *classes[2];
    cnn_sample *samples; /* [count], without unreadable and left out ones, in the order of files */
    size_t count, capacity;
    size_t image_size;              /* bytes: channels × height × width, or of its features */
    cnn_dataset_features features;  /* count 0: the images are pixels */
    cnn_image_settings seen;        /* how the pixels were made; with the ends of its range */
    cnn_image_set images;           /* the pixels of all listed images (cnn_dataset_pixels) */
    size_t *split[CNN_SPLIT_COUNT]; /* indices of the samples of each split, in order */
    size_t split_count[CNN_SPLIT_COUNT];
    size_t class_count[CNN_SPLIT_COUNT][2];
    cnn_ranks *ranks;  /* the processes that hold the images (samples/share.h); NULL: this one */
    size_t bad_images; /* unreadable images that were skipped */
    cnn_left_out left_out; /* copies */
} cnn_dataset;

/* How to read images. */
typedef struct cnn_reading {
    const cnn_image_transform *transform; /* NULL: images are pixels */
    cnn_dataset_features features;        /* what the transform makes */
    cnn_range ends;                       /* of image.range "stretch"; both 0: to be found */
    cnn_image_cache cache;
    cnn_ranks *ranks; /* processes that read the images together, each its share; NULL: this one */
    int threads;      /* at most */
    const cnn_log_sink *log;
    bool (*should_stop)(void *user); /* called before every image, by any thread; may be NULL */
    void (*progress)(void *user, size_t done, size_t count); /* of cnn_image_request */
    void *user;
    /* Called before any image is read, with the samples that are listed, in the splits that the
     * list gives them; none is held back yet. A failure ends the loading. NULL: nothing to check.
     */
    cnn_status (*check)(const void *context, const cnn_dataset *listed, cnn_error *error);
    const void *check_context;
} cnn_reading;

/* Lists the images that `data` names, decodes them or takes them from the cache, leaves out copies,
 * holds images back, and counts; `seed` decides which images are held back. Errors that the list
 * alone shows are reported before any image is read. If image->range is CNN_RANGE_STRETCH, and the
 * reading gives no ends, they are found (stretch.h) after that, and the pixels loaded with them.
 * Every unreadable image goes to the log with its reason. CNN_ERROR_DATA where the data cannot be
 * trained on; CNN_ERROR_RUNTIME and CNN_STOPPED as cnn_image_set_load gives them. Free with
 * cnn_dataset_free. */
CNN_MUST_USE cnn_status cnn_dataset_load(const cnn_data_settings *data,
                                         const cnn_image_settings *image, uint64_t seed,
                                         const cnn_reading *reading, cnn_dataset **dataset,
                                         cnn_error *error);
void cnn_dataset_free(cnn_dataset *dataset);

/* Splits the images anew, for cross-validation. Images with fold[i] == tested become test images.
 * Of the others, the share data->validation.fraction is held back for validation, and the rest
 * become training images. fold: [count]. */
CNN_MUST_USE cnn_status cnn_dataset_choose_fold(cnn_dataset *dataset, const cnn_data_settings *data,
                                                uint64_t seed, const int *fold, int tested,
                                                cnn_error *error);

/* Loads the pixels of the samples anew, with other settings of range, ends or alpha.
 * CNN_ERROR_DATA if an image has changed since the dataset was loaded; CNN_ERROR_RUNTIME and
 * CNN_STOPPED as cnn_image_set_load gives them. */
CNN_MUST_USE cnn_status cnn_dataset_load_again(cnn_dataset *dataset, const cnn_data_settings *data,
                                               const cnn_image_settings *image,
                                               const cnn_reading *reading, cnn_error *error);

/* Puts the samples into another order: sample i becomes the one that was at order[i], a permutation
 * of 0 … count - 1. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_dataset_reorder(cnn_dataset *dataset, const size_t *order,
                                            cnn_error *error);

/* --- two steps of loading, for code that examines data that may be unusable for training --- */

/* Lists the images that `data` names, on up to `threads` threads, and names in the log what
 * is not used. classes: set to those of `data`, or to those that are found; the caller frees them,
 * also after a failure. CNN_ERROR_DATA. */
CNN_MUST_USE cnn_status cnn_dataset_list(const cnn_data_settings *data, int threads,
                                         const cnn_log_sink *log, char *classes[2],
                                         cnn_sample_list *list, cnn_error *error);

/* Holds back the share that `data` asks for, from readable samples[count] with known content. */
CNN_MUST_USE cnn_status cnn_dataset_hold_back(const cnn_data_settings *data, uint64_t seed,
                                              cnn_sample *samples, size_t count,
                                              const cnn_log_sink *log, cnn_error *error);

/* --- reading from a dataset --- */

/* Does this process hold the bytes of sample i? */
bool cnn_dataset_holds(const cnn_dataset *dataset, size_t i);

/* The bytes of sample i, which this process must hold: [channels][height][width]. */
const uint8_t *cnn_dataset_pixels(const cnn_dataset *dataset, size_t i);

/* A hash of contents, labels and splits. Two runs with the same hash train on the same data. */
uint64_t cnn_dataset_fingerprint(const cnn_dataset *dataset);

/* Mean and standard deviation of x / 255 over the training images, per channel. A deviation of 0 is
 * replaced by 1. */
void cnn_dataset_statistics(const cnn_dataset *dataset, int channels, double mean[3],
                            double deviation[3]);

/* --- from bytes to blocks --- */

/* The float for each byte value, per channel: (x / 255 - mean) / deviation. */
typedef struct cnn_pixel_table {
    float value[3][256];
} cnn_pixel_table;

void cnn_pixel_table_fill(const double mean[3], const double deviation[3], cnn_pixel_table *table);

/* Writes `count` images into the first lanes of a block, zeros into the others. images[lane]: bytes
 * [channels][height][width]. */
void cnn_block_from_images(const cnn_pixel_table *table, const uint8_t *const *images, int count,
                           const cnn_block *block, float *x);

/* The same with augmentation. samples[lane]: the number of each image. */
void cnn_block_from_augmented(const cnn_pixel_table *table, const cnn_augment_settings *augment,
                              uint64_t seed, uint64_t epoch, const size_t *samples,
                              const uint8_t *const *images, int count, const cnn_block *block,
                              float *x);

/* The context of a cnn_sample_source: position i is sample order[i] of the dataset, augmented for
 * the epoch. */
typedef struct cnn_dataset_source {
    const cnn_dataset *dataset;
    const cnn_pixel_table *table;
    const size_t *order;
    const cnn_augment_settings *augment; /* NULL: none */
    uint64_t seed, epoch;                /* of augmentation; epochs count from 1 */
    /* The bytes, of features only the variant, of the images from position fetched_first on
     * (samples/fetch.h). NULL: they are in the dataset */
    const uint8_t *fetched;
    size_t fetched_first;
} cnn_dataset_source;

/* The variant of an image's features that a source gives. */
size_t cnn_dataset_variant(const cnn_dataset_source *source);

/* The `fill` function of a cnn_sample_source whose context is a cnn_dataset_source. */
void cnn_dataset_fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                      uint8_t *labels);

#endif
