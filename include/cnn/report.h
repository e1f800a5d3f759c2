/* report.html: the results of a finished run as one page for people. */
#ifndef CNN_REPORT_H
#define CNN_REPORT_H

#include "cnn/config.h"
#include "cnn/options.h"
#include "cnn/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All members may be zero. */
typedef struct cnn_report_options {
    cnn_common_options common; /* the cache is not used */
    const char *output;        /* the run directory; NULL: the config's */
    int folds;                 /* of a cross-validation; 0: a run */
    int member;                /* of a cross-validation: this fold alone; 0: all, and their set */
} cnn_report_options;

/* Makes report.html in the run directory of a finished run, if it is missing; of a
 * cross-validation, in the directory of each fold, too. The report is made from the files in the
 * directory, whose lock is held meanwhile, and from the images. The same bytes for any number of
 * threads.
 *
 * CNN_STOPPED: should_stop returned true. CNN_ERROR_CONFIG: another program uses the directory.
 * CNN_ERROR_RUNTIME, CNN_ERROR_MODEL: a file of the run is damaged, or the report cannot be
 * written. The run is not changed in any case. */
CNN_MUST_USE cnn_status cnn_report_make(const cnn_config *config, const cnn_report_options *options,
                                        cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
