/* What an evaluation found, for people and for programs. */
#ifndef CNN_RUN_EVALUATION_REPORT_H
#define CNN_RUN_EVALUATION_REPORT_H

#include "evaluate_model.h"
#include "text.h"

/* A table of counts and metrics, a column a model; of two models also the tests. */
void cnn_evaluation_table(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                          cnn_text *text);

/* The same and more as one line of JSON; what does not exist is null. */
void cnn_evaluation_json(const cnn_evaluation_request *request, const cnn_evaluation *evaluation,
                         cnn_text *text);

#endif
