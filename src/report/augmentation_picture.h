/* The picture of augmented images on a page. */
#ifndef CNN_REPORT_AUGMENTATION_PICTURE_H
#define CNN_REPORT_AUGMENTATION_PICTURE_H

#include "report/report.h"

/* Writes some training images of a run, each with changes of augmentation, with a heading. Writes
 * nothing if the config turns none on, and a sentence if an image cannot be read any more. Fails
 * with CNN_ERROR_RUNTIME if memory or descriptors run out. */
CNN_MUST_USE cnn_status cnn_augmentation_picture(cnn_html *html, const cnn_report *report,
                                                 cnn_error *error);

#endif
