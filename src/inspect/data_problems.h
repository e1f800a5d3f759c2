/* What may be wrong with an image: the findings of --check-data, one by one. */
#ifndef CNN_INSPECT_DATA_PROBLEMS_H
#define CNN_INSPECT_DATA_PROBLEMS_H

#include "inspect/data_report.h"

typedef enum cnn_data_problem {
    CNN_DATA_UNREADABLE,
    CNN_DATA_COPY_OTHER_LABEL,
    CNN_DATA_COPY_OTHER_SPLIT,
    CNN_DATA_GROUP_OTHER_SPLIT,
    CNN_DATA_COPY,
    CNN_DATA_LEFT_OUT,
    CNN_DATA_NEAR_COPY_OTHER_LABEL,
    CNN_DATA_NEAR_COPY_OTHER_SPLIT,
    CNN_DATA_NEAR_COPY,
    CNN_DATA_CONSTANT,
    CNN_DATA_SHAPE_IN_ALPHA,
    CNN_DATA_FLAW, /* and those after it, in the order of cnn_flaw_table */
    CNN_DATA_LAST_FLAW = CNN_DATA_FLAW + CNN_FLAWS - 1,
    CNN_DATA_SMALL,
    CNN_DATA_WRONG_EXTENSION,
    CNN_DATA_PROBLEMS,
} cnn_data_problem;

/* "nearly_black", as in the column `problems` of data_report.csv. */
const char *cnn_data_problem_name(cnn_data_problem what);

/* After a number of images: "are nearly black"; NULL: another finding names them. */
const char *cnn_data_problem_text(cnn_data_problem what);

/* Does it need the pixels of an image, and not only the header of its file? */
bool cnn_data_problem_needs_pixels(cnn_data_problem what);

bool cnn_data_problem_is_flaw(cnn_data_problem what);

/* Has image i of the report the problem? */
bool cnn_data_problem_has(const cnn_data_report *report, size_t i, cnn_data_problem what);
size_t cnn_data_problem_count(const cnn_data_report *report, cnn_data_problem what);

#endif
