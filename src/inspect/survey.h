/* Properties of a set of images, found by decoding all of them: the input of the recipe (recipe.h).
 */
#ifndef CNN_INSPECT_SURVEY_H
#define CNN_INSPECT_SURVEY_H

#include "cnn/options.h"
#include "config/config.h"
#include "image/hidden.h"
#include "samples/list.h"

/* Where the images are. The struct owns its strings. */
typedef struct cnn_layout {
    char *train;      /* a folder with two class folders, or a manifest */
    char *validation; /* the same; NULL: none */
    char *test;       /* the same; NULL: none */
} cnn_layout;

typedef struct cnn_survey {
    cnn_layout layout;
    char *classes[2];                  /* sorted */
    size_t images[CNN_SPLIT_COUNT][2]; /* of each class: readable, and not left out */
    size_t readable, unreadable;
    size_t colour;                   /* readable images in colour: see survey.c */
    int width, height;               /* medians */
    int smallest_side, largest_side; /* over all images */
    size_t two_labels, two_splits;   /* images that training leaves out (duplicates.h) */
    size_t other_labels;             /* images of neither class, which are not in the list */
    cnn_hidden hidden;               /* what is in the files besides high bytes and colours */
} cnn_survey;

/* Examines `path`: a folder with two class folders; or one with a folder train, and optionally
 * validation and test, in any usual spelling (split_folders.h), each with the same two class
 * folders; or a manifest, an archive or arrays. Of `chosen`, classes, the path of the validation
 * images and that of the test images are used, if they are given. Logs every unreadable image. Of
 * the options, threads, log and should_stop are used. CNN_ERROR_DATA if there are not two classes
 * or no readable images; CNN_STOPPED; CNN_ERROR_RUNTIME. Free with cnn_survey_free, also after a
 * failure. */
CNN_MUST_USE cnn_status cnn_survey_make(const char *path, const cnn_data_settings *chosen,
                                        const cnn_common_options *options, cnn_survey *survey,
                                        cnn_error *error);
void cnn_survey_free(cnn_survey *survey);

#endif
