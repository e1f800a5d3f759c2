/* What an evaluation found, for people and for programs. */
#ifndef CNN_REPORT_EVALUATION_H
#define CNN_REPORT_EVALUATION_H

#include "base/text.h"
#include "run/evaluate_model.h"

/* A table of counts and metrics, a column a model; of two models also the tests. */
void cnn_evaluation_table(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                          cnn_text *text);

/* The same and more as one line of JSON; what does not exist is null. */
void cnn_evaluation_json(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                         cnn_text *text);

#endif
