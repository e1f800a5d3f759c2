#include "cnn/version.h"

const char *cnn_version(void) {
    return CNN_VERSION;
}
