#include <cnn/predict.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s model.bin image\n", argv[0]);
        return 2;
    }
    cnn_error error;
    cnn_predictor *predictor;
    float probability;
    cnn_status status = cnn_predictor_load(argv[1], &predictor, &error);
    if (status == CNN_OK) {
        status = cnn_predict_file(predictor, argv[2], &probability, &error);
        if (status == CNN_OK) {
            int label = probability >= cnn_predictor_threshold(predictor);
            printf("%s, probability of %s: %.3f\n", cnn_predictor_class(predictor, label),
                   cnn_predictor_class(predictor, 1), probability);
        }
        cnn_predictor_free(predictor);
    }
    if (status != CNN_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    return status;
}
