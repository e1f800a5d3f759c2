#include "model/onnx_any_size.h"

/* Sizes are pairs [height, width], as integers. "Swapped" is [width, height]. */

/* A node that reads one or two values. */
static void add(cnn_onnx_builder *builder, const char *type, const char *name, const char *left,
                const char *right) {
    cnn_onnx_node *node = cnn_onnx_add(builder, type, name);
    cnn_onnx_read(builder, node, left);
    if (right) {
        cnn_onnx_read(builder, node, right);
    }
}

static void add_pair(cnn_onnx_builder *builder, const char *name, int64_t first, int64_t second) {
    const int64_t pair[] = {first, second};
    cnn_onnx_integers(builder, name, pair, 2);
}

static void add_integer(cnn_onnx_builder *builder, const char *name, int64_t value) {
    cnn_onnx_integers(builder, name, &value, 1);
}

/* The size of the input, and the same swapped. */
static void add_input_size(cnn_onnx_builder *builder) {
    add_pair(builder, "resize.height_width", 1, 2);
    add_pair(builder, "resize.width_height", 2, 1);
    add(builder, "Shape", "resize.shape", "image", NULL);
    add(builder, "Gather", "resize.from", "resize.shape", "resize.height_width");
    add(builder, "Gather", "resize.from_swapped", "resize.shape", "resize.width_height");
    add_integer(builder, "resize.one", 1);
    add_integer(builder, "resize.two", 2);
}

/* The largest rectangle of shape `shape` (swapped: `swapped`) in the middle of `outer`, whose size
 * is "resize.part" and whose first row and column are "resize.start": middle_of_shape of
 * image/resize.c. Of the two sides, min(outer, …) leaves the one that fits as it is, so that no
 * branch is needed:
 *     part = min(outer, max(1, (swapped_outer * shape + swapped / 2) / swapped)) */
static void add_middle(cnn_onnx_builder *builder, const char *outer, const char *swapped_outer,
                       const char *shape, const char *swapped) {
    add(builder, "Mul", "resize.product", swapped_outer, shape);
    add(builder, "Div", "resize.half", swapped, "resize.two");
    add(builder, "Add", "resize.rounded", "resize.product", "resize.half");
    add(builder, "Div", "resize.side", "resize.rounded", swapped);
    add(builder, "Max", "resize.least", "resize.side", "resize.one");
    add(builder, "Min", "resize.part", "resize.least", outer);
    add(builder, "Sub", "resize.margin", outer, "resize.part");
    add(builder, "Div", "resize.start", "resize.margin", "resize.two");
}

/* exclude_outside: at the edge of the image, the triangle is cut off, as Pillow does it. */
static void add_resize_node(cnn_onnx_builder *builder, const char *name, const char *image,
                            const char *size) {
    const int64_t axes[] = {1, 2};
    cnn_onnx_node *node = cnn_onnx_add(builder, "Resize", name);
    cnn_onnx_read(builder, node, image);
    cnn_onnx_read(builder, node, ""); /* no roi */
    cnn_onnx_read(builder, node, ""); /* no scales */
    cnn_onnx_read(builder, node, size);
    cnn_onnx_string(builder, node, "mode", "linear");
    cnn_onnx_int(builder, node, "antialias", 1);
    cnn_onnx_int(builder, node, "exclude_outside", 1);
    cnn_onnx_ints(builder, node, "axes", axes, 2);
}

static void add_crop(cnn_onnx_builder *builder) {
    add_input_size(builder);
    add_middle(builder, "resize.from", "resize.from_swapped", "resize.to", "resize.to_swapped");
    add(builder, "Add", "resize.end", "resize.start", "resize.part");
    cnn_onnx_node *node = cnn_onnx_add(builder, "Slice", "image.cropped");
    cnn_onnx_read(builder, node, "image");
    cnn_onnx_read(builder, node, "resize.start");
    cnn_onnx_read(builder, node, "resize.end");
    cnn_onnx_read(builder, node, "resize.height_width");
    add_resize_node(builder, CNN_ONNX_RESIZED, "image.cropped", "resize.to");
}

/* Black around the image; then the size, which only this function knows, is stated again for those
 * who need it before the model runs. */
static void add_letterbox(cnn_onnx_builder *builder, const cnn_shape *shape) {
    const int64_t size[] = {0, shape->height, shape->width, shape->channels}; /* 0: N */
    add_input_size(builder);
    add_middle(builder, "resize.to", "resize.to_swapped", "resize.from", "resize.from_swapped");
    add_resize_node(builder, "image.part", "image", "resize.part");
    add(builder, "Sub", "resize.end", "resize.margin", "resize.start");
    add_integer(builder, "resize.zero", 0);
    cnn_onnx_node *pads = cnn_onnx_add(builder, "Concat", "resize.pads");
    static const char *const sides[] = {"resize.zero", "resize.start", "resize.zero",
                                        "resize.zero", "resize.end",   "resize.zero"};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        cnn_onnx_read(builder, pads, sides[i]);
    }
    cnn_onnx_int(builder, pads, "axis", 0);
    add(builder, "Pad", "image.boxed", "image.part", "resize.pads");
    cnn_onnx_integers(builder, "resize.size", size, 4);
    add(builder, "Reshape", CNN_ONNX_RESIZED, "image.boxed", "resize.size");
}

void cnn_onnx_add_resize(cnn_onnx_builder *builder, const cnn_shape *shape, cnn_resize resize) {
    add_pair(builder, "resize.to", shape->height, shape->width);
    if (resize == CNN_RESIZE_STRETCH) {
        add_resize_node(builder, CNN_ONNX_RESIZED, "image", "resize.to");
        return;
    }
    add_pair(builder, "resize.to_swapped", shape->width, shape->height);
    if (resize == CNN_RESIZE_CROP) {
        add_crop(builder);
    } else {
        add_letterbox(builder, shape);
    }
}
