/* From the key `padding` to rows and columns. */
#include "nn/padding.h"

#include "base/error.h"

enum { PADDING_SAME = -1, PADDING_SAME_UPPER = -2 };

const cnn_named_number cnn_padding_names[] = {
    {"valid", 0}, {"same", PADDING_SAME}, {"same_upper", PADDING_SAME_UPPER}, {NULL, 0}};

/* What an output of `in` / stride, rounded up, needs before and after the input. */
static int needed(int in, int size, int stride) {
    int out = (in + stride - 1) / stride;
    int all = (out - 1) * stride + size - in;
    return all > 0 ? all : 0;
}

cnn_padding cnn_padding_of(const int sides[4], int size, int stride, const cnn_shape *in) {
    int rows = size - 1, columns = size - 1;
    if (sides[0] == PADDING_SAME_UPPER) {
        rows = needed(in->height, size, stride);
        columns = needed(in->width, size, stride);
    } else if (sides[0] != PADDING_SAME) {
        return (cnn_padding){
            .top = sides[0], .left = sides[1], .bottom = sides[2], .right = sides[3]};
    }
    return (cnn_padding){.top = rows / 2,
                         .left = columns / 2,
                         .bottom = rows - rows / 2,
                         .right = columns - columns / 2};
}

static int windows(int in, int padding, int size, int stride) {
    return (in + padding - size) / stride + 1;
}

int cnn_padded_rows(const cnn_padding *padding, int size, int stride, const cnn_shape *in) {
    return windows(in->height, padding->top + padding->bottom, size, stride);
}

int cnn_padded_columns(const cnn_padding *padding, int size, int stride, const cnn_shape *in) {
    return windows(in->width, padding->left + padding->right, size, stride);
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

cnn_status cnn_pooled_shape(const cnn_layer_spec *spec, int size, int stride, const int sides[4],
                            const cnn_shape *in, cnn_shape *out, cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected %s before flatten, found it after one", spec->ops->name);
    }
    const cnn_padding padding = cnn_padding_of(sides, size, stride, in);
    int most = larger(larger(padding.top, padding.bottom), larger(padding.left, padding.right));
    if (most >= size && most > 0) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "padding: expected less than the size of a window, %d, on each side, got %d", size,
            most);
    }
    int rows = in->height + padding.top + padding.bottom;
    int columns = in->width + padding.left + padding.right;
    int least = rows < columns ? rows : columns;
    if (size > least) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "size: expected at most %d (its input is %d×%d%s), got %d", least,
                        in->height, in->width, most > 0 ? ", and padding" : "", size);
    }
    *out = (cnn_shape){.channels = in->channels,
                       .height = cnn_padded_rows(&padding, size, stride, in),
                       .width = cnn_padded_columns(&padding, size, stride, in)};
    return CNN_OK;
}
