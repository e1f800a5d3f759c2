/* conv: filters over a patch of every input channel (eq. 2, 14, 15, 16). */
#include "nn/conv_plan.h"
#include "nn/single_conv.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/reference.h"

extern const cnn_layer_ops cnn_layer_conv;

enum { FILTERS, KERNEL, STRIDE, PADDING, GROUPS = PADDING + 4 }; /* PADDING: four values */
enum { BIAS };                                                   /* flags */

static const cnn_key keys[] = {
    {.name = "filters",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[FILTERS]),
     .required = true,
     .minimum = 1,
     .maximum = 4096,
     .help = "output channels"},
    {.name = "kernel",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[KERNEL]),
     .required = true,
     .minimum = 1,
     .maximum = 31,
     .help = "rows and columns of a filter"},
    {.name = "stride",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[STRIDE]),
     .minimum = 1,
     .maximum = 31,
     .fallback = 1,
     .help = "step between patches"},
    {.name = "padding",
     .kind = &cnn_kind_sides,
     .offset = offsetof(cnn_layer_spec, value[PADDING]),
     .maximum = 31,
     .names = cnn_padding_names,
     .help =
         "zeros around the image: \"valid\" (none), \"same\" (kernel - 1 in all: at stride 1 "
         "the output is as large as the input), \"same_upper\" (as TensorFlow's SAME), a number "
         "for each side, or a list: top, left, bottom, right",
     .prose = "Zeros around the image. " CNN_PADDING_PROSE("`kernel`")},
    {.name = "groups",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[GROUPS]),
     .minimum = 1,
     .maximum = 4096,
     .fallback = 1,
     .omit_default = true,
     .help = "groups of channels and filters; a filter sees the channels of its group",
     .prose =
         "Input channels and filters are divided into this number of groups, in order; a filter "
         "sees the channels of its own group only. It divides both numbers. As many groups as "
         "channels and as filters: a depthwise convolution (Howard et al. 2017)."},
    {.name = "bias",
     .kind = &cnn_kind_boolean,
     .offset = offsetof(cnn_layer_spec, flag[BIAS]),
     .fallback = 1.0,
     .omit_default = true,
     .help = "a number that is added to each output channel",
     .prose = "A learned number is added to each output channel. `batchnorm` after the layer makes "
              "it superfluous."},
    {.name = NULL},
};

static cnn_padding padding_of(const cnn_layer_spec *spec, const cnn_shape *in) {
    return cnn_padding_of(&spec->value[PADDING], spec->value[KERNEL], spec->value[STRIDE], in);
}

static cnn_padding node_padding(const cnn_node *node) {
    return padding_of(&node->spec, &node->in);
}

CNN_PADDING_ATTRIBUTES(node_padding)

cnn_layer_spec cnn_layer_projection(int filters, int stride, bool bias) {
    return (cnn_layer_spec){
        .ops = &cnn_layer_conv,
        .value = {[FILTERS] = filters, [KERNEL] = 1, [STRIDE] = stride, [GROUPS] = 1},
        .flag = {[BIAS] = bias}};
}

static cnn_status check_groups(const cnn_layer_spec *spec, const cnn_shape *in, cnn_error *error) {
    int groups = spec->value[GROUPS], filters = spec->value[FILTERS];
    if (in->channels % groups != 0 || filters % groups != 0) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "groups: expected a divisor of the %d input channels and of the %d filters, "
            "got %d",
            in->channels, filters, groups);
    }
    return CNN_OK;
}

/* The kernel is at most as large as the input with its padding. */
static cnn_status check_kernel(const cnn_layer_spec *spec, const cnn_shape *in,
                               const cnn_padding *sides, cnn_error *error) {
    int rows = sides->top + sides->bottom, columns = sides->left + sides->right;
    bool lower = in->height + rows < in->width + columns;
    int padding = lower ? rows : columns, least = padding + (lower ? in->height : in->width);
    if (spec->value[KERNEL] > least) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "kernel: expected at most %d (its input is %d×%d with %d of padding), got %d", least,
            in->height, in->width, padding, spec->value[KERNEL]);
    }
    return CNN_OK;
}

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected conv before flatten, found it after one");
    }
    const cnn_padding padding = padding_of(spec, in);
    CNN_TRY(check_kernel(spec, in, &padding, error));
    CNN_TRY(check_groups(spec, in, error));
    *out = (cnn_shape){
        .channels = spec->value[FILTERS],
        .height = cnn_padded_rows(&padding, spec->value[KERNEL], spec->value[STRIDE], in),
        .width = cnn_padded_columns(&padding, spec->value[KERNEL], spec->value[STRIDE], in),
    };
    return CNN_OK;
}

static int tensors(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensor) {
    int kernel = spec->value[KERNEL], channels = in->channels / spec->value[GROUPS];
    tensor[0] = (cnn_tensor){.name = "weight",
                             .rank = 4,
                             .dim = {out->channels, channels, kernel, kernel},
                             .fan_in = channels * kernel * kernel,
                             .decays = true};
    tensor[1] = (cnn_tensor){.name = "bias", .rank = 1, .dim = {out->channels}};
    return spec->flag[BIAS] ? 2 : 1;
}

static double flops(const cnn_node *node) {
    int kernel = node->spec.value[KERNEL];
    int channels = node->in.channels / node->spec.value[GROUPS];
    return 2.0 * channels * kernel * kernel * (double)cnn_shape_size(&node->out);
}

/* --- plan --- */

/* One is not NULL; a depthwise convolution needs no plan. */
typedef struct conv_plan {
    cnn_conv_direct *direct;
    cnn_conv_winograd *winograd;
} conv_plan;

static cnn_conv_size size_of(const cnn_node *node) {
    return (cnn_conv_size){.kernel = node->spec.value[KERNEL],
                           .stride = node->spec.value[STRIDE],
                           .groups = node->spec.value[GROUPS],
                           .padding = node_padding(node)};
}

static bool uses_winograd(const cnn_node *node) {
    cnn_conv_size size = size_of(node);
    return !node->direct_only && cnn_conv_winograd_serves(node, &size);
}

static bool is_depthwise(const cnn_node *node) {
    cnn_conv_size size = size_of(node);
    return cnn_conv_depthwise_serves(node, &size);
}

static bool unpools(const cnn_node *node) {
    return uses_winograd(node) || cnn_conv_direct_unpools(node);
}

static void input_border(const cnn_node *node, int *before, int *after) {
    cnn_conv_size size = size_of(node);
    if (uses_winograd(node)) {
        cnn_conv_winograd_input_border(node, &size, before, after);
    } else if (is_depthwise(node)) {
        cnn_conv_depthwise_input_border(node, &size, before, after);
    } else {
        cnn_conv_direct_input_border(node, &size, before, after);
    }
}

static void gradient_border(const cnn_node *node, int *before, int *after) {
    cnn_conv_size size = size_of(node);
    *before = *after = 0;
    if (is_depthwise(node)) {
        cnn_conv_depthwise_gradient_border(node, &size, before, after);
    } else if (!uses_winograd(node)) {
        cnn_conv_direct_gradient_border(node, &size, before, after);
    }
}

static size_t work_size(const cnn_node *node) {
    cnn_conv_size size = size_of(node);
    return uses_winograd(node) ? cnn_conv_winograd_work_size(node, &size) : 0;
}

static void free_plan(cnn_layer *layer) {
    conv_plan *plan = layer->plan;
    if (plan) {
        cnn_conv_direct_free(plan->direct);
        cnn_conv_winograd_free(plan->winograd);
        cnn_free(plan);
        layer->plan = NULL;
    }
}

static cnn_status make_plan(cnn_layer *layer, cnn_error *error) {
    cnn_conv_size size = size_of(layer->node);
    if (is_depthwise(layer->node)) {
        return CNN_OK;
    }
    conv_plan *plan = layer->plan = cnn_alloc(1, sizeof *plan);
    if (plan && uses_winograd(layer->node)) {
        plan->winograd = cnn_conv_winograd_create(layer, &size);
    } else if (plan) {
        plan->direct = cnn_conv_direct_create(layer, &size);
    }
    return plan && (plan->winograd || plan->direct)
               ? CNN_OK
               : cnn_fail_memory(error, "a convolution's plan"); /* free_plan cleans up */
}

static void prepare(const cnn_layer *layer, const float *parameters, int part, int parts) {
    const conv_plan *plan = layer->plan;
    if (plan && plan->winograd) {
        cnn_conv_winograd_prepare(layer, plan->winograd, parameters, part, parts);
    } else if (plan) {
        cnn_conv_direct_prepare(layer, plan->direct, parameters, part, parts);
    }
}

/* --- the passes --- */

/* Where the bias, or its gradient, starts in the layer's parameters; -1: it has none. */
static ptrdiff_t bias_offset(const cnn_node *node) {
    return node->tensor_count > 1 ? (ptrdiff_t)node->tensors[0].count : -1;
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    const conv_plan *plan = layer->plan;
    ptrdiff_t offset = bias_offset(layer->node);
    const float *bias = offset < 0 ? NULL : pass->parameters + offset;
    if (!plan) {
        cnn_conv_size size = size_of(layer->node);
        cnn_conv_depthwise_forward(layer, &size, pass->parameters, bias, pass->x[0], pass->y);
    } else if (plan->winograd) {
        cnn_conv_winograd_forward(layer, plan->winograd, bias, pass->x[0], pass->y, pass->kept,
                                  pass->work);
    } else {
        cnn_conv_direct_forward(layer, plan->direct, bias, pass->x[0], pass->y, pass->kept);
    }
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    const conv_plan *plan = layer->plan;
    ptrdiff_t offset = bias_offset(layer->node);
    float *db = offset < 0 || !pass->gradients ? NULL : pass->gradients + offset;
    if (!plan) {
        cnn_conv_size size = size_of(layer->node);
        cnn_conv_depthwise_backward(layer, &size, pass->parameters, pass->x[0], pass->dy,
                                    pass->gradients, db, pass->dx[0]);
    } else if (plan->winograd) {
        cnn_conv_winograd_backward(layer, plan->winograd, pass->x[0], pass->dy, pass->kept,
                                   pass->work, pass->gradients, db, pass->dx[0]);
    } else {
        cnn_conv_direct_backward(layer, plan->direct, pass->x[0], pass->dy, pass->kept,
                                 pass->gradients, db, pass->dx[0]);
    }
}

/* --- one image at a time --- */

static cnn_single_conv single_size(const cnn_node *node) {
    const cnn_padding padding = node_padding(node);
    return (cnn_single_conv){.kernel = node->spec.value[KERNEL],
                             .stride = node->spec.value[STRIDE],
                             .top = padding.top,
                             .left = padding.left,
                             .depthwise = is_depthwise(node)};
}

static bool single_serves(const cnn_node *node) {
    return !uses_winograd(node) && (node->spec.value[GROUPS] == 1 || is_depthwise(node));
}

static bool single_reads_planes(const cnn_node *node) {
    return !is_depthwise(node);
}

static int single_makes_channels(const cnn_node *node, const cnn_kernels *kernels) {
    cnn_single_conv conv = single_size(node);
    return cnn_single_conv_makes_channels(node, kernels, &conv);
}

static bool single_maps_channels(const cnn_node *node, cnn_pool_window *window) {
    cnn_single_conv conv = single_size(node);
    *window = (cnn_pool_window){
        .size = conv.kernel, .stride = conv.stride, .top = conv.top, .left = conv.left};
    return conv.depthwise && !node->pool;
}

static size_t single_packed_size(const cnn_node *node, const cnn_kernels *kernels) {
    cnn_single_conv conv = single_size(node);
    return cnn_single_conv_packed_size(node, kernels, &conv);
}

static void single_pack(const cnn_layer *layer, const float *parameters, float *packed) {
    cnn_single_conv conv = single_size(layer->node);
    cnn_single_conv_pack(layer, &conv, parameters, packed);
}

static size_t single_offset_count(const cnn_node *node) {
    return node->tensors[0].count / (size_t)node->out.channels;
}

static void single_find_offsets(const cnn_layer *layer, int32_t *offsets) {
    cnn_single_conv conv = single_size(layer->node);
    cnn_single_conv_find_offsets(layer, &conv, offsets);
}

static void single_forward(const cnn_layer *layer, const cnn_single_pass *pass) {
    cnn_single_conv conv = single_size(layer->node);
    cnn_single_conv_forward(layer, &conv, pass);
}

static const cnn_single_ops single = {.serves = single_serves,
                                      .reads_planes = single_reads_planes,
                                      .makes_channels = single_makes_channels,
                                      .maps_channels = single_maps_channels,
                                      .packed_size = single_packed_size,
                                      .pack = single_pack,
                                      .offset_count = single_offset_count,
                                      .find_offsets = single_find_offsets,
                                      .work_size = cnn_single_conv_work_size,
                                      .forward = single_forward};

/* --- in double --- */

static cnn_reference_conv reference_size(const cnn_node *node, int N) {
    const cnn_padding padding = node_padding(node);
    return (cnn_reference_conv){
        .N = N,
        .C = node->in.channels,
        .H = node->in.height,
        .W = node->in.width,
        .K = node->out.channels,
        .R = node->spec.value[KERNEL],
        .stride = node->spec.value[STRIDE],
        .top = padding.top,
        .left = padding.left,
        .OH = node->out.height,
        .OW = node->out.width,
        .groups = node->spec.value[GROUPS],
    };
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_conv size = reference_size(node, pass->N);
    ptrdiff_t offset = bias_offset(node);
    cnn_reference_conv_forward(&size, pass->x[0], pass->parameters,
                               offset < 0 ? NULL : pass->parameters + offset, pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_conv size = reference_size(node, pass->N);
    ptrdiff_t offset = bias_offset(node);
    cnn_reference_conv_backward(&size, pass->x[0], pass->parameters, pass->dy, pass->dx[0],
                                pass->gradients, offset < 0 ? NULL : pass->gradients + offset);
}

const cnn_layer_ops cnn_layer_conv = {
    .name = "conv",
    .help = "convolution (cross-correlation, as in PyTorch)",
    .keys = keys,
    .attributes = attributes,
    .epilogues = CNN_EPILOGUE_RELU | CNN_EPILOGUE_POOL,
    .weighs_channels = true,
    .unpools = unpools,
    .infer_shape = infer_shape,
    .tensors = tensors,
    .flops = flops,
    .input_border = input_border,
    .gradient_border = gradient_border,
    .work_size = work_size,
    .plan = make_plan,
    .free_plan = free_plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .single = &single,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
