/* Prints the map of an image: explain_map MODEL IMAGE. The logit, rows and columns, then the values
 * row by row, each on a line; for tests/compare/explain_torch.py. */
#include "cnn/explain.h"

#include <stdio.h>

static cnn_status explain(const cnn_predictor *predictor, const char *path,
                          cnn_explanation *explanation, cnn_error *error) {
    const cnn_explain_options options = {.threads = 1};
    cnn_explainer *explainer;
    cnn_status status = cnn_explainer_create(predictor, &options, &explainer, error);
    if (status == CNN_OK) {
        status = cnn_explain_files(explainer, &path, 1, explanation, error);
        cnn_explainer_free(explainer);
    }
    return status;
}

int main(int argc, char **argv) {
    cnn_error error;
    cnn_predictor *predictor;
    cnn_explanation explanation = {0};
    if (argc != 3) {
        fputs("usage: explain_map MODEL IMAGE\n", stderr);
        return 2;
    }
    cnn_status status = cnn_predictor_load(argv[1], &predictor, &error);
    if (status == CNN_OK) {
        status = explain(predictor, argv[2], &explanation, &error);
        cnn_predictor_free(predictor);
    }
    if (status != CNN_OK || explanation.prediction.status != CNN_OK) {
        fprintf(stderr, "explain_map: %s: %s\n", argv[2],
                status != CNN_OK ? error.message : explanation.prediction.reason);
        return 1;
    }
    printf("%.9g\n%d\n%d\n", (double)explanation.prediction.logit, explanation.map_height,
           explanation.map_width);
    for (int i = 0; i < explanation.map_height * explanation.map_width; i++) {
        printf("%.9g\n", (double)explanation.map[i]);
    }
    cnn_explanation_release(&explanation);
    return 0;
}
