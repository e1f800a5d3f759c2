/* Which images of a report are shown? */
#ifndef CNN_REPORT_PICTURE_CHOICE_H
#define CNN_REPORT_PICTURE_CHOICE_H

#include "report/report.h"

typedef enum cnn_picture_group {
    CNN_PICTURES_MISTAKES_0, /* label 0, predicted as 1: the highest probabilities of class 1 */
    CNN_PICTURES_MISTAKES_1, /* label 1, predicted as 0: the lowest */
    CNN_PICTURES_UNCERTAIN,  /* nearest to the threshold */
    CNN_PICTURES_TYPICAL_0,  /* label 0, predicted so: nearest to the median of their probabilities
                              */
    CNN_PICTURES_TYPICAL_1,  /* label 1, predicted so: the same */
    CNN_PICTURES_GROUPS,
} cnn_picture_group;

/* The most pictures of a group. */
enum { CNN_PICTURES_MAX = 6 };

typedef struct cnn_picture_choice {
    size_t count[CNN_PICTURES_GROUPS]; /* chosen, at most CNN_PICTURES_MAX; typical: half of it */
    size_t found[CNN_PICTURES_GROUPS]; /* the number of images from which they were chosen */
    size_t image[CNN_PICTURES_GROUPS][CNN_PICTURES_MAX]; /* the most extreme one first */
} cnn_picture_choice;

/* Chooses; of equal images, the first ones. No image is in two groups: mistakes come first, then
 * typical images. thresholds: [count], of each image. Fails only if memory is refused. */
CNN_MUST_USE cnn_status cnn_picture_choice_make(const cnn_report_images *images,
                                                const double *thresholds,
                                                cnn_picture_choice *choice, cnn_error *error);

/* Chooses from the first images of a report, which has some, with their thresholds. */
CNN_MUST_USE cnn_status cnn_picture_choice_of_report(const cnn_report *report,
                                                     cnn_picture_choice *choice, cnn_error *error);

#endif
