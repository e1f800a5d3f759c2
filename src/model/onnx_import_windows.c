/* Operators of ONNX whose outputs are windows of a value: which layers they become. */
#include "model/onnx_import_operators.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

cnn_status cnn_onnx_check_key(const cnn_onnx_importer *importer, int node, const char *layer,
                              const char *name, double number, cnn_error *error) {
    const cnn_key *key = cnn_key_find(cnn_layer_find(layer)->keys, name);
    return cnn_key_allows(key, number) ? CNN_OK
                                       : cnn_onnx_refuse(&importer->graph, node, error,
                                                         "expected %s from %.9g to %.9g, got %.9g",
                                                         name, key->minimum, key->maximum, number);
}

cnn_status cnn_onnx_need_rows(const cnn_onnx_importer *importer, int node, cnn_error *error) {
    return importer->shape.flat
               ? cnn_onnx_refuse(&importer->graph, node, error,
                                 "expected a value with rows and columns, found a flat one")
               : CNN_OK;
}

/* --- windows --- */

/* A list of two equal integers from 1 on; `fallback` if it is not given. */
static cnn_status read_pair(const cnn_onnx_importer *importer, int node, const char *name,
                            int fallback, int *number, cnn_error *error) {
    const Onnx__AttributeProto *list = cnn_onnx_attribute(&importer->graph, node, name);
    if (!list && fallback > 0) {
        *number = fallback;
        return CNN_OK;
    }
    if (!list || list->n_ints != 2 || list->ints[0] != list->ints[1] || list->ints[0] < 1 ||
        list->ints[0] > 4096) {
        return cnn_onnx_refuse(&importer->graph, node, error,
                               "expected %s of two equal numbers from 1 to 4096", name);
    }
    *number = (int)list->ints[0];
    return CNN_OK;
}

/* The padding before and after a dimension that gives in / stride, rounded up, outputs. */
static void pad_same(int in, const cnn_onnx_window *window, bool lower, int *before, int *after) {
    int out = (in + window->stride - 1) / window->stride;
    int all = (out - 1) * window->stride + window->size - in;
    all = all > 0 ? all : 0;
    *before = lower ? all - all / 2 : all / 2;
    *after = all - *before;
}

static cnn_status read_pads(const cnn_onnx_importer *importer, int node, const char *layer,
                            cnn_onnx_window *window, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    const Onnx__AttributeProto *mode = cnn_onnx_attribute(graph, node, "auto_pad");
    const Onnx__AttributeProto *pads = cnn_onnx_attribute(graph, node, "pads");
    size_t length = mode ? mode->s.len : 0;
    const char *text = length > 0 ? (const char *)mode->s.data : "";
    bool upper = length == 10 && memcmp(text, "SAME_UPPER", 10) == 0;
    bool lower = length == 10 && memcmp(text, "SAME_LOWER", 10) == 0;
    bool plain = length == 0 || (length == 6 && memcmp(text, "NOTSET", 6) == 0);
    if (upper || lower) {
        pad_same(importer->shape.height, window, lower, &window->pads[0], &window->pads[2]);
        pad_same(importer->shape.width, window, lower, &window->pads[1], &window->pads[3]);
    } else if (!plain && !(length == 5 && memcmp(text, "VALID", 5) == 0)) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER");
    } else if (plain && pads) {
        if (pads->n_ints != 4) {
            return cnn_onnx_refuse(graph, node, error, "expected pads of four numbers, got %zu",
                                   pads->n_ints);
        }
        for (int i = 0; i < 4; i++) {
            CNN_TRY(
                cnn_onnx_check_key(importer, node, layer, "padding", (double)pads->ints[i], error));
            window->pads[i] = (int)pads->ints[i];
        }
    }
    return CNN_OK;
}

/* The number of windows in `in` values with padding; with ceil_mode, *after grows so that the last
 * window, which starts inside the values or the padding before them, is complete. */
static int count_windows(int in, const cnn_onnx_window *window, int before, int *after, bool ceil) {
    int room = in + before + *after - window->size;
    if (room < 0) {
        return 0;
    }
    int count = room / window->stride + 1;
    if (ceil && room % window->stride != 0 && count * window->stride < in + before) {
        *after += window->stride - room % window->stride;
        count++;
    }
    return count;
}

cnn_status cnn_onnx_read_window(const cnn_onnx_importer *importer, int node, int size,
                                const char *layer, const char *size_key, cnn_onnx_window *window,
                                cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    int dilation = 1;
    *window = (cnn_onnx_window){0};
    CNN_TRY(cnn_onnx_need_rows(importer, node, error));
    CNN_TRY(read_pair(importer, node, "kernel_shape", size, &window->size, error));
    if (size > 0 && window->size != size) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected kernel_shape %d, as the weights, got %d", size,
                               window->size);
    }
    CNN_TRY(read_pair(importer, node, "strides", 1, &window->stride, error));
    CNN_TRY(read_pair(importer, node, "dilations", 1, &dilation, error));
    if (dilation != 1) {
        return cnn_onnx_refuse(graph, node, error, "expected no dilation, got %d", dilation);
    }
    CNN_TRY(read_pads(importer, node, layer, window, error));
    for (int i = 0; i < 4; i++) {
        window->pads[i] += importer->pads[i];
        CNN_TRY(cnn_onnx_check_key(importer, node, layer, "padding", window->pads[i], error));
    }
    bool ceil = cnn_onnx_int_of(graph, node, "ceil_mode", 0) != 0;
    window->rows =
        count_windows(importer->shape.height, window, window->pads[0], &window->pads[2], ceil);
    window->columns =
        count_windows(importer->shape.width, window, window->pads[1], &window->pads[3], ceil);
    if (window->rows < 1 || window->columns < 1) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected a window that fits into %d×%d values, got %d",
                               importer->shape.height, importer->shape.width, window->size);
    }
    CNN_TRY(cnn_onnx_check_key(importer, node, layer, "stride", window->stride, error));
    return cnn_onnx_check_key(importer, node, layer, size_key, window->size, error);
}

void cnn_onnx_set_window(cnn_imported_layer *layer, const cnn_onnx_window *window) {
    const int *pads = window->pads;
    const double sides[] = {pads[0], pads[1], pads[2], pads[3]};
    bool equal = pads[0] == pads[1] && pads[0] == pads[2] && pads[0] == pads[3];
    cnn_imported_number(layer, "stride", window->stride);
    cnn_imported_numbers(layer, "padding", sides, equal ? 1 : 4);
}

void cnn_onnx_reach(cnn_onnx_importer *importer, int channels, const cnn_onnx_window *window) {
    importer->padded = false;
    memset(importer->pads, 0, sizeof importer->pads);
    importer->shape =
        (cnn_shape){.channels = channels, .height = window->rows, .width = window->columns};
}

cnn_status cnn_onnx_read_bound(cnn_onnx_importer *importer, int node, int k, const char *name,
                               double fallback, double *bound, cnn_error *error) {
    *bound = cnn_onnx_float_of(&importer->graph, node, name, fallback);
    if (cnn_onnx_input_of(&importer->graph, node, k) < 0) {
        return CNN_OK;
    }
    cnn_onnx_constant constant;
    CNN_TRY(cnn_onnx_take_floats(importer, node, k, &constant, error));
    *bound = constant.count == 1 ? (double)constant.data[0] : (double)NAN;
    cnn_free(constant.data);
    return CNN_OK;
}

/* Zeros around rows and columns, which become padding of the next layer. */
cnn_status cnn_onnx_import_pad(cnn_onnx_importer *importer, int node, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    const Onnx__AttributeProto *mode = cnn_onnx_attribute(graph, node, "mode");
    const Onnx__AttributeProto *list = cnn_onnx_attribute(graph, node, "pads");
    int64_t pads[8] = {0};
    int count = 0;
    double value;
    CNN_TRY(cnn_onnx_need_rows(importer, node, error));
    CNN_TRY(cnn_onnx_read_bound(importer, node, 2, "value", 0.0, &value, error));
    if (cnn_onnx_input_of(graph, node, 1) >= 0) {
        CNN_TRY(cnn_onnx_read_integers(graph, node, 1, 8, pads, &count, error));
    }
    for (size_t i = 0; list && i < list->n_ints && i < 8; i++) {
        pads[count++] = list->ints[i];
    }
    if (count != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0 ||
        cnn_onnx_input_of(graph, node, 3) >= 0 || !(value >= 0.0 && value <= 0.0) ||
        (mode && (mode->s.len != 8 || memcmp(mode->s.data, "constant", 8) != 0))) {
        return cnn_onnx_refuse(graph, node, error, "expected zeros around rows and columns");
    }
    const int64_t sides[] = {pads[2], pads[3], pads[6], pads[7]};
    for (int i = 0; i < 4; i++) {
        CNN_TRY(cnn_onnx_check_key(importer, node, "conv", "padding", (double)sides[i], error));
        importer->pads[i] = (int)sides[i];
    }
    importer->padded = true;
    return CNN_OK;
}

/* --- pooling --- */

/* A window contains a value. */
static cnn_status read_pool(const cnn_onnx_importer *importer, int node, const char *layer,
                            cnn_onnx_window *window, cnn_error *error) {
    CNN_TRY(cnn_onnx_read_window(importer, node, 0, layer, "size", window, error));
    for (int i = 0; i < 4; i++) {
        if (window->pads[i] >= window->size) {
            return cnn_onnx_refuse(&importer->graph, node, error,
                                   "expected pads below the size of a window, %d, got %d",
                                   window->size, window->pads[i]);
        }
    }
    return CNN_OK;
}

cnn_status cnn_onnx_import_maxpool(cnn_onnx_importer *importer, int node, cnn_error *error) {
    cnn_onnx_window window;
    CNN_TRY(read_pool(importer, node, "maxpool", &window, error));
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "maxpool");
    cnn_imported_number(layer, "size", window.size);
    cnn_onnx_set_window(layer, &window);
    cnn_onnx_reach(importer, importer->shape.channels, &window);
    return CNN_OK;
}

cnn_status cnn_onnx_import_avgpool(cnn_onnx_importer *importer, int node, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    cnn_onnx_window window;
    CNN_TRY(read_pool(importer, node, "avgpool", &window, error));
    const int *pads = window.pads;
    bool padded = false; /* apart from the zeros of a Pad, which always count */
    for (int i = 0; i < 4; i++) {
        padded = padded || pads[i] > importer->pads[i];
    }
    if (padded && (cnn_onnx_int_of(graph, node, "count_include_pad", 0) == 0 ||
                   cnn_onnx_int_of(graph, node, "ceil_mode", 0) != 0)) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected no padding, or one that counts (count_include_pad)");
    }
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "avgpool");
    cnn_imported_number(layer, "size", window.size);
    cnn_onnx_set_window(layer, &window);
    cnn_onnx_reach(importer, importer->shape.channels, &window);
    return CNN_OK;
}
