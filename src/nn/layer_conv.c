/* conv: filters that look at a patch of every input channel (eq. 2, 14, 15, 16). */
#include "nn/conv_plan.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/reference.h"

extern const cnn_layer_ops cnn_layer_conv;

enum { FILTERS, KERNEL, STRIDE, PADDING };
enum { PADDING_SAME = -1 };

static const cnn_layer_name padding_names[] = {{"valid", 0}, {"same", PADDING_SAME}, {NULL, 0}};

static const cnn_layer_key keys[] = {
    {.name = "filters", .required = true, .minimum = 1, .maximum = 4096, .help = "output channels"},
    {.name = "kernel",
     .required = true,
     .minimum = 1,
     .maximum = 31,
     .help = "rows and columns of a filter"},
    {.name = "stride", .minimum = 1, .maximum = 31, .fallback = 1, .help = "step between patches"},
    {.name = "padding",
     .maximum = 31,
     .names = padding_names,
     .help = "zeros around the image: \"valid\" (none), \"same\" (kernel - 1 in all: at stride 1 "
             "the output is as large as the input) or a number for each side"},
    {0},
};

/* Zeros before (above, left) and after (below, right). "same" puts the odd one behind, as PyTorch
 * does. */
static int padding_before(const cnn_layer_spec *spec) {
    return spec->value[PADDING] == PADDING_SAME ? (spec->value[KERNEL] - 1) / 2
                                                : spec->value[PADDING];
}

static int padding_after(const cnn_layer_spec *spec) {
    return spec->value[PADDING] == PADDING_SAME ? spec->value[KERNEL] / 2 : spec->value[PADDING];
}

void cnn_layer_make_projection(int filters, int stride, cnn_layer_spec *spec) {
    *spec = (cnn_layer_spec){.ops = &cnn_layer_conv, .projects = true};
    spec->value[FILTERS] = filters;
    spec->value[KERNEL] = 1;
    spec->value[STRIDE] = stride;
}

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected conv before flatten, found it behind one");
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

static double flops(const cnn_layer *layer) {
    int kernel = layer->spec.value[KERNEL];
    return 2.0 * layer->in.channels * kernel * kernel * (double)cnn_shape_size(&layer->out);
}

/* --- plan --- */

/* Exactly one is there. */
typedef struct conv_plan {
    cnn_conv_direct *direct;
    cnn_conv_winograd *winograd;
} conv_plan;

static cnn_conv_size size_of(const cnn_layer *layer) {
    return (cnn_conv_size){.kernel = layer->spec.value[KERNEL],
                           .stride = layer->spec.value[STRIDE],
                           .before = padding_before(&layer->spec),
                           .after = padding_after(&layer->spec)};
}

static bool uses_winograd(const cnn_layer *layer) {
    cnn_conv_size size = size_of(layer);
    return !layer->direct_only && cnn_conv_winograd_serves(layer, &size);
}

static bool unpools(const cnn_layer *layer) {
    return uses_winograd(layer) || cnn_conv_direct_unpools(layer);
}

static void input_border(const cnn_layer *layer, int *before, int *after) {
    cnn_conv_size size = size_of(layer);
    if (uses_winograd(layer)) {
        cnn_conv_winograd_input_border(layer, &size, before, after);
    } else {
        cnn_conv_direct_input_border(layer, &size, before, after);
    }
}

static void gradient_border(const cnn_layer *layer, int *before, int *after) {
    *before = *after = 0;
    if (!uses_winograd(layer)) {
        cnn_conv_size size = size_of(layer);
        cnn_conv_direct_gradient_border(layer, &size, before, after);
    }
}

static size_t work_size(const cnn_layer *layer) {
    cnn_conv_size size = size_of(layer);
    return uses_winograd(layer) ? cnn_conv_winograd_work_size(layer, &size) : 0;
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
    cnn_conv_size size = size_of(layer);
    conv_plan *plan = layer->plan = cnn_alloc(1, sizeof *plan);
    if (plan && uses_winograd(layer)) {
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

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work) {
    const conv_plan *plan = layer->plan;
    const float *bias = parameters + layer->tensors[0].count;
    if (plan->winograd) {
        cnn_conv_winograd_forward(layer, plan->winograd, bias, x, y, kept, work);
    } else {
        cnn_conv_direct_forward(layer, plan->direct, bias, x, y, kept);
    }
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx) {
    (void)parameters, (void)y;
    const conv_plan *plan = layer->plan;
    float *db = gradients + layer->tensors[0].count;
    if (plan->winograd) {
        cnn_conv_winograd_backward(layer, plan->winograd, x, dy, kept, work, gradients, db, dx);
    } else {
        cnn_conv_direct_backward(layer, plan->direct, x, dy, kept, gradients, db, dx);
    }
}

static cnn_reference_conv reference_size(const cnn_layer *layer, int N) {
    return (cnn_reference_conv){
        .N = N,
        .C = layer->in.channels,
        .H = layer->in.height,
        .W = layer->in.width,
        .K = layer->out.channels,
        .R = layer->spec.value[KERNEL],
        .stride = layer->spec.value[STRIDE],
        .before = padding_before(&layer->spec),
        .OH = layer->out.height,
        .OW = layer->out.width,
    };
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    cnn_reference_conv size = reference_size(layer, N);
    cnn_reference_conv_forward(&size, x, parameters, parameters + layer->tensors[0].count, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)y;
    cnn_reference_conv size = reference_size(layer, N);
    cnn_reference_conv_backward(&size, x, parameters, dy, dx, gradients,
                                gradients + layer->tensors[0].count);
}

const cnn_layer_ops cnn_layer_conv = {
    .name = "conv",
    .help = "convolution (cross-correlation, as in PyTorch)",
    .keys = keys,
    .applies_relu = true,
    .applies_pool = true,
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
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
