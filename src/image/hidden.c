#include "image/hidden.h"

#include "base/error.h"
#include "base/memory.h"

cnn_status cnn_hidden_start(cnn_hidden *hidden, cnn_error *error) {
    atomic_init(&hidden->deep, 0);
    atomic_init(&hidden->shapes, 0);
    atomic_init(&hidden->light, 0);
    hidden->values = cnn_histogram_create();
    return hidden->values ? CNN_OK : cnn_fail_memory(error, "the values of images");
}

void cnn_hidden_free(cnn_hidden *hidden) {
    cnn_free(hidden->values);
    hidden->values = NULL;
}

cnn_status cnn_hidden_look(cnn_hidden *hidden, const cnn_image *image, cnn_error *error) {
    bool light;
    if (cnn_alpha_has_shape(image, &light)) {
        atomic_fetch_add(&hidden->shapes, 1);
        atomic_fetch_add(&hidden->light, light ? 1 : 0);
    }
    if (image->samples) {
        atomic_fetch_add(&hidden->deep, 1);
        return cnn_histogram_add(hidden->values, image, CNN_ALPHA_DROP, error);
    }
    return CNN_OK;
}

bool cnn_hidden_is_narrow(const cnn_hidden *hidden, cnn_range *range) {
    *range = (cnn_range){.low = 0, .high = 65535};
    if (atomic_load(&hidden->deep) > 0) {
        *range = cnn_histogram_range(hidden->values);
    }
    return cnn_range_is_narrow(range);
}

const char *cnn_hidden_background(const cnn_hidden *hidden) {
    return 2 * atomic_load(&hidden->light) > atomic_load(&hidden->shapes) ? "black" : "white";
}
