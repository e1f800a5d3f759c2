/* Without protobuf-c, there are no event files. */
#include "cnn/tensorboard.h"

#include "base/error.h"

cnn_status cnn_tensorboard_create(cnn_tensorboard **tensorboard, cnn_error *error) {
    *tensorboard = NULL;
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "--tensorboard: this program was built without protobuf-c (packages "
                    "libprotobuf-c-dev and protobuf-c-compiler)");
}

void cnn_tensorboard_free(cnn_tensorboard *tensorboard) {
    (void)tensorboard;
}

cnn_status cnn_tensorboard_epoch(cnn_tensorboard *tensorboard, const cnn_train_epoch *epoch,
                                 cnn_error *error) {
    (void)tensorboard;
    (void)epoch;
    (void)error;
    return CNN_OK;
}

cnn_status cnn_tensorboard_finish(cnn_tensorboard *tensorboard, const cnn_tensorboard_runs *runs,
                                  cnn_error *error) {
    (void)tensorboard;
    (void)runs;
    (void)error;
    return CNN_OK;
}
