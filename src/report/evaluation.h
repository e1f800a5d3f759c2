/* The results of an evaluation as text: a table for people, JSON for programs. */
#ifndef CNN_REPORT_EVALUATION_H
#define CNN_REPORT_EVALUATION_H

#include "base/text.h"
#include "run/evaluate_model.h"

/* A table of counts and metrics with one column per model, and the tests if there are two. */
void cnn_evaluation_table(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                          cnn_text *text);

/* The same and more as one line of JSON. A number that does not exist is null. */
void cnn_evaluation_json(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                         cnn_text *text);

#endif
