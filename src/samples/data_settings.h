/* Which images a run uses: the `data` keys of a config. */
#ifndef CNN_SAMPLES_DATA_SETTINGS_H
#define CNN_SAMPLES_DATA_SETTINGS_H

#include <stdint.h>

typedef enum cnn_bad_images {
    CNN_BAD_IMAGES_FAIL,
    CNN_BAD_IMAGES_SKIP,
} cnn_bad_images;

typedef enum cnn_duplicates {
    CNN_DUPLICATES_DROP,  /* train without them: cnn_duplicates_drop */
    CNN_DUPLICATES_ERROR, /* refuse the data */
    CNN_DUPLICATES_ALLOW, /* train on all of them */
} cnn_duplicates;

typedef enum cnn_sampling {
    CNN_SAMPLING_ALL,      /* every training image once per epoch */
    CNN_SAMPLING_BALANCED, /* equally many of each class */
} cnn_sampling;

typedef struct cnn_validation_source {
    char *path;      /* NULL: hold back `fraction` of the training data */
    double fraction; /* 0 <= fraction < 1 */
} cnn_validation_source;

typedef struct cnn_data_settings {
    char *train;
    cnn_validation_source validation;
    char *test;       /* NULL: none */
    char *classes[2]; /* NULL, NULL: the two names found, sorted */
    cnn_bad_images bad_images;
    cnn_duplicates duplicates;
    cnn_sampling sampling;
} cnn_data_settings;

#endif
