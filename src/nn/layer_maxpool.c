/* maxpool: the maximum of each window (eq. 4, 12). */
#include "nn/padding.h"
#include "nn/single.h"

#include "base/hash.h"
#include "kernels/reference.h"

extern const cnn_layer_ops cnn_layer_maxpool;

enum { SIZE, STRIDE, PADDING }; /* PADDING: four values */

static const cnn_key keys[] = {
    {.name = "size",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[SIZE]),
     .required = true,
     .minimum = 1,
     .maximum = 31,
     .help = "rows and columns of a window"},
    {.name = "stride",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[STRIDE]),
     .minimum = 1,
     .maximum = 31,
     .fallback_key = "size",
     .help = "step between windows"},
    {.name = "padding",
     .kind = &cnn_kind_sides,
     .offset = offsetof(cnn_layer_spec, value[PADDING]),
     .maximum = 30,
     .omit_default = true,
     .names = cnn_padding_names,
     .help = "rows and columns around the image, less than size on each side, as for conv",
     .prose = "Rows and columns around the image, which are not part of a window. "
              "Less than `size` on each side. " CNN_PADDING_PROSE("`size`")},
    {.name = NULL},
};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    return cnn_pooled_shape(spec, spec->value[SIZE], spec->value[STRIDE], &spec->value[PADDING], in,
                            out, error);
}

static cnn_padding padding_of(const cnn_node *node) {
    return cnn_padding_of(&node->spec.value[PADDING], node->spec.value[SIZE],
                          node->spec.value[STRIDE], &node->in);
}

CNN_PADDING_ATTRIBUTES(padding_of)

static cnn_epilogue epilogue(const cnn_layer_spec *spec) {
    bool padded = false;
    for (int side = 0; side < 4; side++) {
        padded = padded || spec->value[PADDING + side] != 0;
    }
    return spec->value[SIZE] == 2 && spec->value[STRIDE] == 2 && !padded ? CNN_EPILOGUE_POOL
                                                                         : CNN_EPILOGUE_NONE;
}

static double flops(const cnn_node *node) {
    int size = node->spec.value[SIZE];
    return (double)(size * size - 1) * (double)cnn_shape_size(&node->out);
}

/* The place of every maximum, from forward to backward. */
static size_t kept_size(const cnn_node *node) {
    return cnn_shape_size(&node->out) * CNN_LANES;
}

static cnn_pool_window window_of(const cnn_node *node) {
    const cnn_padding padding = padding_of(node);
    return (cnn_pool_window){.size = node->spec.value[SIZE],
                             .stride = node->spec.value[STRIDE],
                             .top = padding.top,
                             .left = padding.left};
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_pool_window window = window_of(layer->node);
    layer->kernels->maxpool_forward(&window, &layer->x_block[0], pass->x[0], &layer->y_block,
                                    pass->y, pass->kept);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_pool_window window = window_of(layer->node);
    layer->kernels->maxpool_backward(&window, &layer->dy_block, pass->dy, pass->kept,
                                     &layer->dx_block[0], pass->dx[0]);
}

/* --- one image at a time --- */

/* The places of the maxima, which are not needed. */
static size_t single_work_size(const cnn_layer *layer) {
    const cnn_block *y = &layer->y_block;
    return (size_t)y->channels * (size_t)y->height * (size_t)y->width * CNN_LANES;
}

static void single_forward(const cnn_layer *layer, const cnn_single_pass *pass) {
    const cnn_pass lanes = {.x = {pass->x[0]}, .y = pass->y, .kept = pass->work};
    forward(layer, &lanes);
}

static const cnn_single_ops single = {.work_size = single_work_size, .forward = single_forward};

/* --- in double --- */

static cnn_reference_pool reference_size(const cnn_node *node, int N) {
    const cnn_padding padding = padding_of(node);
    return (cnn_reference_pool){
        .N = N,
        .C = node->in.channels,
        .H = node->in.height,
        .W = node->in.width,
        .size = node->spec.value[SIZE],
        .stride = node->spec.value[STRIDE],
        .top = padding.top,
        .left = padding.left,
        .OH = node->out.height,
        .OW = node->out.width,
    };
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_pool size = reference_size(node, pass->N);
    cnn_reference_maxpool_forward(&size, pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_pool size = reference_size(node, pass->N);
    cnn_reference_maxpool_backward(&size, pass->x[0], pass->dy, pass->dx[0]);
}

static uint64_t reference_pattern(const cnn_node *node, int N, const double *x, uint64_t hash) {
    cnn_reference_pool size = reference_size(node, N);
    for (int plane = 0; plane < size.N * size.C; plane++, x += size.H * size.W) {
        for (int oh = 0; oh < size.OH; oh++) {
            for (int ow = 0; ow < size.OW; ow++) {
                int place = cnn_reference_maxpool_place(&size, x, oh, ow);
                hash = cnn_hash_bytes(hash, &place, sizeof place);
            }
        }
    }
    return hash;
}

const cnn_layer_ops cnn_layer_maxpool = {
    .name = "maxpool",
    .help = "the maximum of each window",
    .prose = "The maximum of each window.",
    .keys = keys,
    .attributes = attributes,
    .symbol = "P",
    .epilogue = epilogue,
    .infer_shape = infer_shape,
    .flops = flops,
    .kept_size = kept_size,
    .forward = forward,
    .backward = backward,
    .single = &single,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .reference_pattern = reference_pattern,
};
