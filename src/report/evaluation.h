/* The results of an evaluation, as a table and as JSON. */
#ifndef CNN_REPORT_EVALUATION_H
#define CNN_REPORT_EVALUATION_H

#include "base/text.h"
#include "run/evaluate_model.h"

/* A table of counts and metrics, one column per model; for two models also the tests. */
void cnn_evaluation_table(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                          cnn_text *text);

/* The same and more as one line of JSON; values that do not exist are null. */
void cnn_evaluation_json(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                         cnn_text *text);

#endif
