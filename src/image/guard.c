#include "image/guard.h"

#include "base/error.h"

/* The most bytes, and the most steps for finding the weights, to resize one image. A photograph
 * needs a hundredth of that. */
#define RESIZE_MAX 0x1p30

/* The cost of one side. The filter covers four pixels of the smaller size. */
typedef struct resized_side {
    double reach;        /* of the filter, in pixels of the input */
    double contributors; /* pixels with weights: each has a range (8 bytes) and 4 weights */
} resized_side;

static resized_side resize_side(int from, int to) {
    double reach = from > to ? 4.0 * from / to + 1.0 : 4.0;
    return (resized_side){.reach = reach, .contributors = from > to ? from + reach : to};
}

cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height, int channels,
                                  cnn_error *error) {
    resized_side across = resize_side(width, to_width);
    resized_side down = resize_side(height, to_height);
    double row_bytes = (double)to_width * channels * (double)sizeof(float);
    double bytes = (across.contributors + down.contributors) * (8 + 4 * sizeof(float)) +
                   (width + across.reach) * channels * (double)sizeof(float) +
                   row_bytes * (down.reach + 2.0);
    /* for each pixel of an output's side, it visits half of the input's side */
    double steps = (double)width * to_width + (double)height * to_height;
    if (bytes > RESIZE_MAX || steps > RESIZE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected an image of a less extreme shape, found %d×%d, which cannot be "
                        "resized to %d×%d",
                        width, height, to_width, to_height);
    }
    return CNN_OK;
}
