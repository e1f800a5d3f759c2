/* Operators of ONNX after which a value has other dimensions: which layers they become. */
#include "model/onnx_import_operators.h"

#include "base/error.h"

static void add_global(cnn_onnx_importer *importer) {
    (void)cnn_imported_add(&importer->layers, "global_avgpool");
    importer->shape.height = importer->shape.width = 1;
}

cnn_status cnn_onnx_import_global(cnn_onnx_importer *importer, int node, cnn_error *error) {
    CNN_TRY(cnn_onnx_need_rows(importer, node, error));
    add_global(importer);
    return CNN_OK;
}

static void add_flatten(cnn_onnx_importer *importer) {
    (void)cnn_imported_add(&importer->layers, "flatten");
    size_t count = cnn_shape_size(&importer->shape); /* too many are refused by nn/graph.c */
    importer->shape = (cnn_shape){.channels = count < INT32_MAX ? (int)count : INT32_MAX,
                                  .height = 1,
                                  .width = 1,
                                  .flat = true};
}

/* Reads the axes of a node, an attribute or input 1; *count is 0 if there are none. */
static cnn_status read_axes(const cnn_onnx_importer *importer, int node, int64_t axes[4],
                            int *count, cnn_error *error) {
    const Onnx__AttributeProto *list = cnn_onnx_attribute(&importer->graph, node, "axes");
    *count = 0;
    if (cnn_onnx_input_of(&importer->graph, node, 1) >= 0) {
        return cnn_onnx_read_integers(&importer->graph, node, 1, 4, axes, count, error);
    }
    for (size_t i = 0; list && i < list->n_ints && i < 4; i++) {
        axes[(*count)++] = list->ints[i];
    }
    return CNN_OK;
}

/* Are the axes rows and columns? */
static bool are_rows_and_columns(const int64_t *axes, int count) {
    bool found[2] = {false, false};
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
        if (axis != 2 && axis != 3) {
            return false;
        }
        found[axis - 2] = true;
    }
    return found[0] && found[1];
}

cnn_status cnn_onnx_import_mean(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t axes[4];
    int count;
    CNN_TRY(cnn_onnx_need_rows(importer, node, error));
    CNN_TRY(read_axes(importer, node, axes, &count, error));
    if (!are_rows_and_columns(axes, count)) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected the mean of rows and columns, axes 2 and 3");
    }
    add_global(importer);
    if (cnn_onnx_int_of(&importer->graph, node, "keepdims", 1) == 0) {
        add_flatten(importer);
    }
    return CNN_OK;
}

cnn_status cnn_onnx_import_flatten(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t axis = cnn_onnx_int_of(&importer->graph, node, "axis", 1);
    if (axis != 1 && axis != (importer->shape.flat ? -1 : -3)) {
        return cnn_onnx_refuse(&importer->graph, node, error, "expected axis 1, got %lld",
                               (long long)axis);
    }
    if (!importer->shape.flat) {
        add_flatten(importer);
    }
    return CNN_OK;
}

/* The values of one image in a shape: -1 stands for what the shape leaves open, 0 for a dimension
 * that stays. -1: not determined, or too many. */
static int64_t values_in(const cnn_onnx_importer *importer, const int64_t *dim, int count) {
    const cnn_shape *shape = &importer->shape;
    const int64_t kept[] = {0, shape->channels, shape->height, shape->width};
    int64_t all = (int64_t)cnn_shape_size(shape), product = 1;
    bool open = false;
    for (int d = 1; d < count; d++) {
        int64_t size = dim[d] == 0 && d < (shape->flat ? 2 : 4) ? kept[d] : dim[d];
        if (size == -1 && !open && dim[0] != -1) {
            open = true;
        } else if (size < 1 || size > all || (product *= size) > all) {
            return -1;
        }
    }
    return open && all % product == 0 ? all : product;
}

/* [images, values]; where there is one row and one column, these may be anywhere. A single value
 * may have no dimension of its own. */
static bool means_flatten(const cnn_onnx_importer *importer, const int64_t *dim, int count) {
    const cnn_shape *shape = &importer->shape;
    int64_t values = (int64_t)cnn_shape_size(shape);
    bool images = count > 0 && (dim[0] == 0 || dim[0] == -1 ||
                                dim[0] == (importer->batch > 0 ? importer->batch : 1));
    bool rows = shape->height > 1 || shape->width > 1;
    return images && (count == 2 || (!rows && count > 1) || values == 1) &&
           values_in(importer, dim, count) == values;
}

cnn_status cnn_onnx_import_reshape(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t dim[8] = {0};
    int count;
    CNN_TRY(cnn_onnx_read_integers(&importer->graph, node, 1, 8, dim, &count, error));
    if (!means_flatten(importer, dim, count)) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected a shape that means Flatten: [0, -1], or [0, %zu]",
                               cnn_shape_size(&importer->shape));
    }
    if (!importer->shape.flat) {
        add_flatten(importer);
    }
    return CNN_OK;
}

cnn_status cnn_onnx_import_squeeze(cnn_onnx_importer *importer, int node, cnn_error *error) {
    int64_t axes[4];
    int count;
    const cnn_shape *shape = &importer->shape;
    CNN_TRY(read_axes(importer, node, axes, &count, error));
    bool fits = shape->flat
                    ? shape->channels == 1 && count == 1 && (axes[0] == 1 || axes[0] == -1)
                    : shape->height == 1 && shape->width == 1 && are_rows_and_columns(axes, count);
    if (!fits) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected to remove rows and columns of which there is one");
    }
    if (!shape->flat) {
        add_flatten(importer);
    }
    return CNN_OK;
}
