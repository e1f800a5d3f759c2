/* What a run used its validation images for, besides measuring the model: a result on images that
 * took part in a choice looks a little better than it is. */
#ifndef CNN_REPORT_VALIDATION_USE_H
#define CNN_REPORT_VALIDATION_USE_H

#include "report/report.h"

/* What they chose: bits. */
enum {
    CNN_CHOSE_EPOCH = 1,       /* train.early_stopping.restore, of several epochs */
    CNN_CHOSE_END = 2,         /* train.early_stopping.patience */
    CNN_CHOSE_TEMPERATURE = 4, /* train.calibrate */
    CNN_CHOSE_THRESHOLD = 8,   /* train.threshold, a rule */
    CNN_CHOSE_RUN = 16,        /* the run, of those of a sweep */
};

/* The bits of a run; 0: nothing, or there are no validation images. */
unsigned cnn_validation_use(const cnn_report_run *run);

/* Writes what the bits say: "the epoch, the temperature and the threshold". */
void cnn_validation_use_write(cnn_html *html, unsigned chosen);

#endif
