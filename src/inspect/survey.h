/* What a stranger's images are like, found by decoding every one of them: what a recipe (recipe.h)
 * goes by. */
#ifndef CNN_INSPECT_SURVEY_H
#define CNN_INSPECT_SURVEY_H

#include "samples/list.h"

#include "cnn/train.h"

/* Where the images are. Strings are the struct's own. */
typedef struct cnn_layout {
    char *train;      /* a folder with two class folders, or a manifest */
    char *validation; /* the same; NULL: there is none */
    char *test;       /* the same; NULL: there is none */
} cnn_layout;

typedef struct cnn_survey {
    cnn_layout layout;
    char *classes[2];                  /* sorted */
    size_t images[CNN_SPLIT_COUNT][2]; /* readable ones, of each class */
    size_t readable, unreadable;
    size_t colour;                   /* readable images in colour: see survey.c */
    int width, height;               /* medians */
    int smallest_side, largest_side; /* of any image */
    size_t two_labels, two_splits;   /* images that are copies in such a way */
} cnn_survey;

/* Looks at `path`: a folder with two class folders; or one with a folder train, and perhaps
 * validation (or val) and test, each with the same two class folders; or a .csv manifest. Tells the
 * log of every unreadable image. The options' threads, log and should_stop count. CNN_ERROR_DATA
 * where there are no two classes or no readable images; CNN_STOPPED; CNN_ERROR_RUNTIME. Free with
 * cnn_survey_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_survey_make(const char *path, const cnn_train_options *options,
                                        cnn_survey *survey, cnn_error *error);
void cnn_survey_free(cnn_survey *survey);

#endif
