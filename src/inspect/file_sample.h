/* What the files of a finished run contain, from a sample of them: for its report, which must not
 * take long. */
#ifndef CNN_INSPECT_FILE_SAMPLE_H
#define CNN_INSPECT_FILE_SAMPLE_H

#include "inspect/data_report.h"

#include "cnn/options.h"

/* The images of a run. */
typedef struct cnn_file_source {
    const cnn_config *config;
    const cnn_image_settings *seen; /* with the ends of its range; 0: found in the sample */
    const char *const *classes;     /* [2] */
    const cnn_sample *samples;      /* [count]: path, label, split, content; row: its number */
    size_t count;
} cnn_file_source;

/* Evenly spaced images, in the order of the source. `copies` are unknown in both reports. */
typedef struct cnn_file_sample {
    bool in_arrays;          /* all images are; then `headers` is empty */
    cnn_data_report headers; /* from the headers of their files */
    cnn_data_report pixels;  /* some of those whose headers could be read, decoded and compared */
    size_t changed;          /* of the latter: their content has changed since the run; … */
    size_t first_changed;    /* … the first of them */
} cnn_file_sample;

/* Reads the headers of at most 1000 files, of 256 MiB together, and decodes at most 200 images, of
 * 32 megapixels together; more only if a single file has more. The choice depends on the list and
 * the sizes of the files alone. Files that are missing or cannot be read have a reason. The same
 * result for any number of threads. CNN_ERROR_RUNTIME if memory is refused; CNN_STOPPED. Free with
 * cnn_file_sample_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_file_sample_read(const cnn_file_source *source,
                                             const cnn_common_options *options,
                                             cnn_file_sample *sample, cnn_error *error);
void cnn_file_sample_free(cnn_file_sample *sample);

#endif
