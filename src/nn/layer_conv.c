/* conv: filters over a patch of every input channel (eq. 2, 14, 15, 16). */
#include "nn/conv_plan.h"
#include "nn/planar_conv.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/reference.h"

extern const cnn_layer_ops cnn_layer_conv;

enum { FILTERS, KERNEL, STRIDE, PADDING };
enum { PADDING_SAME = -1 };

static const cnn_named_number padding_names[] = {{"valid", 0}, {"same", PADDING_SAME}, {NULL, 0}};

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
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[PADDING]),
     .maximum = 31,
     .names = padding_names,
     .help = "zeros around the image: \"valid\" (none), \"same\" (kernel - 1 in all: at stride 1 "
             "the output is as large as the input) or a number for each side",
     .prose = "Zeros around the image: \"valid\": none; \"same\": `kernel` - 1 in all (at stride 1 "
              "the output is as large as the input; if their number is odd, the additional one is "
              "below and to the right); a number: for each side."},
    {.name = NULL},
};

/* Zeros before (above, left) and after (below, right). "same" puts the odd one after, as PyTorch
 * does. */
static int padding_before(const cnn_layer_spec *spec) {
    return spec->value[PADDING] == PADDING_SAME ? (spec->value[KERNEL] - 1) / 2
                                                : spec->value[PADDING];
}

static int padding_after(const cnn_layer_spec *spec) {
    return spec->value[PADDING] == PADDING_SAME ? spec->value[KERNEL] / 2 : spec->value[PADDING];
}

cnn_layer_spec cnn_layer_projection(int filters, int stride) {
    return (cnn_layer_spec){.ops = &cnn_layer_conv,
                            .value = {[FILTERS] = filters, [KERNEL] = 1, [STRIDE] = stride}};
}

static double attribute_before(const cnn_node *node) {
    return padding_before(&node->spec);
}

static double attribute_after(const cnn_node *node) {
    return padding_after(&node->spec);
}

static const cnn_layer_attribute attributes[] = {
    {"padding_top", attribute_before},
    {"padding_left", attribute_before},
    {"padding_bottom", attribute_after},
    {"padding_right", attribute_after},
    {NULL, NULL},
};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected conv before flatten, found it after one");
    }
    int padding = padding_before(spec) + padding_after(spec);
    int least = in->height < in->width ? in->height : in->width;
    if (spec->value[KERNEL] > least + padding) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "kernel: expected at most %d (its input is %d×%d with %d of padding), got %d",
            least + padding, in->height, in->width, padding, spec->value[KERNEL]);
    }
    *out = (cnn_shape){
        .channels = spec->value[FILTERS],
        .height = (in->height + padding - spec->value[KERNEL]) / spec->value[STRIDE] + 1,
        .width = (in->width + padding - spec->value[KERNEL]) / spec->value[STRIDE] + 1,
    };
    return CNN_OK;
}

static int tensors(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensor) {
    int kernel = spec->value[KERNEL];
    tensor[0] = (cnn_tensor){.name = "weight",
                             .rank = 4,
                             .dim = {out->channels, in->channels, kernel, kernel},
                             .fan_in = in->channels * kernel * kernel,
                             .decays = true};
    tensor[1] = (cnn_tensor){.name = "bias", .rank = 1, .dim = {out->channels}};
    return 2;
}

static double flops(const cnn_node *node) {
    int kernel = node->spec.value[KERNEL];
    return 2.0 * node->in.channels * kernel * kernel * (double)cnn_shape_size(&node->out);
}

/* --- plan --- */

/* Exactly one is not NULL. */
typedef struct conv_plan {
    cnn_conv_direct *direct;
    cnn_conv_winograd *winograd;
} conv_plan;

static cnn_conv_size size_of(const cnn_node *node) {
    return (cnn_conv_size){.kernel = node->spec.value[KERNEL],
                           .stride = node->spec.value[STRIDE],
                           .before = padding_before(&node->spec),
                           .after = padding_after(&node->spec)};
}

static bool uses_winograd(const cnn_node *node) {
    cnn_conv_size size = size_of(node);
    return !node->direct_only && cnn_conv_winograd_serves(node, &size);
}

static bool unpools(const cnn_node *node) {
    return uses_winograd(node) || cnn_conv_direct_unpools(node);
}

static void input_border(const cnn_node *node, int *before, int *after) {
    cnn_conv_size size = size_of(node);
    if (uses_winograd(node)) {
        cnn_conv_winograd_input_border(node, &size, before, after);
    } else {
        cnn_conv_direct_input_border(node, &size, before, after);
    }
}

static void gradient_border(const cnn_node *node, int *before, int *after) {
    *before = *after = 0;
    if (!uses_winograd(node)) {
        cnn_conv_size size = size_of(node);
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
    if (plan->winograd) {
        cnn_conv_winograd_prepare(layer, plan->winograd, parameters, part, parts);
    } else {
        cnn_conv_direct_prepare(layer, plan->direct, parameters, part, parts);
    }
}

/* --- the passes --- */

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    const conv_plan *plan = layer->plan;
    const float *bias = pass->parameters + layer->node->tensors[0].count;
    if (plan->winograd) {
        cnn_conv_winograd_forward(layer, plan->winograd, bias, pass->x[0], pass->y, pass->kept,
                                  pass->work);
    } else {
        cnn_conv_direct_forward(layer, plan->direct, bias, pass->x[0], pass->y, pass->kept);
    }
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    const conv_plan *plan = layer->plan;
    float *db = pass->gradients + layer->node->tensors[0].count;
    if (plan->winograd) {
        cnn_conv_winograd_backward(layer, plan->winograd, pass->x[0], pass->dy, pass->kept,
                                   pass->work, pass->gradients, db, pass->dx[0]);
    } else {
        cnn_conv_direct_backward(layer, plan->direct, pass->x[0], pass->dy, pass->kept,
                                 pass->gradients, db, pass->dx[0]);
    }
}

/* --- one image at a time --- */

static cnn_planar_conv planar_size(const cnn_node *node) {
    return (cnn_planar_conv){.kernel = node->spec.value[KERNEL],
                             .stride = node->spec.value[STRIDE],
                             .top = padding_before(&node->spec),
                             .left = padding_before(&node->spec)};
}

static bool planar_serves(const cnn_node *node) {
    return !uses_winograd(node);
}

static size_t planar_packed_size(const cnn_node *node, const cnn_kernels *kernels) {
    cnn_planar_conv conv = planar_size(node);
    return cnn_planar_conv_packed_size(node, kernels, &conv);
}

static void planar_pack(const cnn_planar_layer *layer, const float *parameters, float *packed) {
    cnn_planar_conv conv = planar_size(layer->node);
    cnn_planar_conv_pack(layer, &conv, parameters, packed);
}

static size_t planar_work_size(const cnn_planar_layer *layer) {
    cnn_planar_conv conv = planar_size(layer->node);
    return cnn_planar_conv_work_size(layer, &conv);
}

static void planar_forward(const cnn_planar_layer *layer, const cnn_planar_pass *pass) {
    cnn_planar_conv conv = planar_size(layer->node);
    cnn_planar_conv_forward(layer, &conv, pass);
}

static const cnn_planar_ops planar = {.serves = planar_serves,
                                      .packed_size = planar_packed_size,
                                      .pack = planar_pack,
                                      .work_size = planar_work_size,
                                      .forward = planar_forward};

/* --- in double --- */

static cnn_reference_conv reference_size(const cnn_node *node, int N) {
    return (cnn_reference_conv){
        .N = N,
        .C = node->in.channels,
        .H = node->in.height,
        .W = node->in.width,
        .K = node->out.channels,
        .R = node->spec.value[KERNEL],
        .stride = node->spec.value[STRIDE],
        .before = padding_before(&node->spec),
        .OH = node->out.height,
        .OW = node->out.width,
    };
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_conv size = reference_size(node, pass->N);
    cnn_reference_conv_forward(&size, pass->x[0], pass->parameters,
                               pass->parameters + node->tensors[0].count, pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_conv size = reference_size(node, pass->N);
    cnn_reference_conv_backward(&size, pass->x[0], pass->parameters, pass->dy, pass->dx[0],
                                pass->gradients, pass->gradients + node->tensors[0].count);
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
    .planar = &planar,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
