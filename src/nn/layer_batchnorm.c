/* batchnorm: each channel brought to mean 0 and variance 1 over the mini-batch, then scaled and
 * shifted by parameters (Ioffe and Szegedy, "Batch normalization", 2015). As PyTorch's BatchNorm2d
 * (after flatten: BatchNorm1d): the variance that divides is that of the batch, biased; prediction
 * uses running averages of the mean and of the unbiased variance instead. */
#include "nn/single.h"

#include "kernels/reference.h"

#include <math.h>
#include <string.h>

enum { EPS, MOMENTUM };

static const cnn_key keys[] = {
    {.name = "eps",
     .kind = &cnn_kind_number,
     .offset = offsetof(cnn_layer_spec, number[EPS]),
     .minimum = 1e-10,
     .maximum = 1.0,
     .fallback = 1e-5,
     .help = "added to the variance"},
    {.name = "momentum",
     .kind = &cnn_kind_number,
     .offset = offsetof(cnn_layer_spec, number[MOMENTUM]),
     .minimum = 0.0,
     .maximum = 1.0,
     .fallback = 0.1,
     .help = "share of the newest batch in the running averages"},
    {.name = NULL},
};

extern const cnn_layer_ops cnn_layer_batchnorm;

cnn_layer_spec cnn_layer_default_batchnorm(void) {
    cnn_layer_spec spec = {.ops = &cnn_layer_batchnorm};
    for (const cnn_key *key = keys; key->name; key++) {
        cnn_key_reset(keys, key, &spec);
    }
    return spec;
}

/* The layer's parameters, each [channels], in the order of its tensors. */
enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, TENSORS };

static int tensors(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensor) {
    (void)spec, (void)out;
    static const char *const names[TENSORS] = {"weight", "bias", "running_mean", "running_var"};
    for (int i = 0; i < TENSORS; i++) {
        tensor[i] = (cnn_tensor){.name = names[i],
                                 .rank = 1,
                                 .dim = {in->channels},
                                 .start = i == WEIGHT || i == RUNNING_VAR ? 1.0f : 0.0f,
                                 .average = i == RUNNING_MEAN || i == RUNNING_VAR};
    }
    return TENSORS;
}

static double flops(const cnn_node *node) {
    return 2.0 * (double)cnn_shape_size(&node->out);
}

/* Two sums per channel and lane, or scale and shift of each channel. */
static size_t work_size(const cnn_node *node) {
    return 2 * CNN_LANES * (size_t)node->in.channels;
}

/* --- training --- */

/* The sums of a block: the number of values per channel, then for each channel the mean and the sum
 * of squares around it; or for each channel the sum of gradients, and of gradients times values. */
static size_t sums_size(const cnn_node *node) {
    return 1 + 2 * (size_t)node->in.channels;
}

/* The data shared by all blocks, each [channels]. VARIANCE: unbiased; CONSTANT, SLOPE: of the
 * input's gradient. */
enum { MEAN, VARIANCE, INVERSE_DEVIATION, SCALE, SHIFT, CONSTANT, SLOPE, SHARED };

static size_t shared_size(const cnn_node *node) {
    return (size_t)SHARED * (size_t)node->in.channels;
}

/* The sum of the first lanes that hold images, rising. */
static double add_lanes(const float *lanes, int count) {
    double sum = 0.0;
    for (int lane = 0; lane < count; lane++) {
        sum += (double)lanes[lane];
    }
    return sum;
}

/* One channel after the other, so that its values are still in a cache when they are read again. */
static void gather(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_shape *in = &layer->node->in;
    int count = pass->count;
    double values = (double)count * in->height * in->width;
    double *sums = pass->sums;
    cnn_block channel = layer->x_block[0];
    channel.channels = 1;
    sums[0] = values;
    for (int c = 0; c < in->channels; c++) {
        const float *x = pass->x[0] + c * channel.plane_stride;
        const float zero = 0.0f;
        layer->kernels->channel_sums(&channel, x, &zero, false, pass->work);
        float mean = (float)(add_lanes(pass->work, count) / values);
        /* around the mean of the block, which is close enough to that of the batch to avoid
         * cancellation */
        layer->kernels->channel_sums(&channel, x, &mean, true, pass->work);
        sums[1 + 2 * c] = (double)mean;
        sums[2 + 2 * c] = add_lanes(pass->work, count);
    }
}

/* Adds up by Chan, Golub and LeVeque's rule ("Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979). */
static void combine(const cnn_node *node, const cnn_batch_sums *batch) {
    int channels = node->in.channels;
    const float *parameters = batch->parameters;
    float *shared = batch->shared;
    for (int c = 0; c < channels; c++) {
        double count = 0.0, mean = 0.0, squares = 0.0;
        for (size_t b = 0; b < batch->blocks; b++) {
            const double *block = batch->sums + b * batch->stride;
            double apart = block[1 + 2 * c] - mean;
            double all = count + block[0];
            mean += apart * block[0] / all;
            squares += block[2 + 2 * c] + apart * apart * count * block[0] / all;
            count = all;
        }
        double inverse = 1.0 / sqrt(squares / count + node->spec.number[EPS]);
        double scale = (double)parameters[WEIGHT * channels + c] * inverse;
        shared[MEAN * channels + c] = (float)mean;
        shared[VARIANCE * channels + c] = (float)(squares / (count > 1.0 ? count - 1.0 : 1.0));
        shared[INVERSE_DEVIATION * channels + c] = (float)inverse;
        shared[SCALE * channels + c] = (float)scale;
        shared[SHIFT * channels + c] =
            (float)((double)parameters[BIAS * channels + c] - mean * scale);
    }
}

static void batch_forward(const cnn_layer *layer, const cnn_pass *pass) {
    ptrdiff_t channels = layer->node->in.channels;
    layer->kernels->channel_scale(&layer->x_block[0], pass->x[0], pass->shared + SCALE * channels,
                                  pass->shared + SHIFT * channels, layer->node->relu_max,
                                  &layer->y_block, pass->y);
}

static cnn_batchnorm norm_of(const cnn_layer *layer, const float *shared) {
    ptrdiff_t channels = layer->node->in.channels;
    return (cnn_batchnorm){.mean = shared + MEAN * channels,
                           .scale = shared + SCALE * channels,
                           .shift = shared + SHIFT * channels,
                           .constant = shared + CONSTANT * channels,
                           .slope = shared + SLOPE * channels,
                           .relu_max = layer->node->relu_max};
}

static void gather_gradient(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_shape *in = &layer->node->in;
    ptrdiff_t channels = in->channels;
    int count = pass->count;
    const float *shared = pass->shared;
    float *work = pass->work, *products = pass->work + channels * CNN_LANES;
    float *gradients = pass->gradients;
    double *sums = pass->sums;
    const cnn_batchnorm norm = norm_of(layer, shared);
    layer->kernels->batchnorm_gradient_sums(&norm, &layer->x_block[0], pass->x[0], &layer->dy_block,
                                            pass->dy, work, products);
    sums[0] = (double)count * in->height * in->width;
    for (ptrdiff_t c = 0; c < channels; c++) {
        double sum = add_lanes(work + c * CNN_LANES, count);
        double product = add_lanes(products + c * CNN_LANES, count);
        sums[1 + 2 * c] = sum;
        sums[2 + 2 * c] = product;
        gradients[BIAS * channels + c] += (float)sum;
        gradients[WEIGHT * channels + c] +=
            (float)(product * (double)shared[INVERSE_DEVIATION * channels + c]);
    }
}

/* With x' = (x - mean) / deviation and n values a channel: dx = weight / deviation · (dy - Σ dy / n
 * - x' Σ dy x' / n). */
static void combine_gradient(const cnn_node *node, const cnn_batch_sums *batch) {
    ptrdiff_t channels = node->in.channels;
    float *shared = batch->shared;
    for (ptrdiff_t c = 0; c < channels; c++) {
        double count = 0.0, sum = 0.0, product = 0.0;
        for (size_t b = 0; b < batch->blocks; b++) {
            const double *block = batch->sums + b * batch->stride;
            count += block[0];
            sum += block[1 + 2 * c];
            product += block[2 + 2 * c];
        }
        double inverse = (double)shared[INVERSE_DEVIATION * channels + c];
        shared[CONSTANT * channels + c] = (float)(sum / count);
        shared[SLOPE * channels + c] = (float)(product * inverse * inverse / count);
    }
}

/* Lanes from `count` on, of the whole block. */
static void clear_lanes(const cnn_block *block, int count, float *values) {
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            float *row = values + cnn_block_row(block, c, h);
            for (int w = 0; w < block->width; w++, row += CNN_LANES) {
                memset(row + count, 0, (size_t)(CNN_LANES - count) * sizeof *row);
            }
        }
    }
}

static void batch_backward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_batchnorm norm = norm_of(layer, pass->shared);
    layer->kernels->batchnorm_backward(&norm, &layer->x_block[0], pass->x[0], &layer->dy_block,
                                       pass->dy, &layer->dx_block[0], pass->dx[0]);
    if (pass->count < CNN_LANES) { /* they got the part of the mean, too */
        clear_lanes(&layer->dx_block[0], pass->count, pass->dx[0]);
    }
}

static void update(const cnn_node *node, const float *shared, float *parameters) {
    ptrdiff_t channels = node->in.channels;
    double momentum = node->spec.number[MOMENTUM];
    const float *newest[] = {shared + MEAN * channels, shared + VARIANCE * channels};
    float *running[] = {parameters + RUNNING_MEAN * channels, parameters + RUNNING_VAR * channels};
    for (int i = 0; i < 2; i++) {
        for (ptrdiff_t c = 0; c < channels; c++) {
            running[i][c] =
                (float)((1.0 - momentum) * (double)running[i][c] + momentum * (double)newest[i][c]);
        }
    }
}

static const cnn_batch_ops batch_ops = {
    .sums_size = sums_size,
    .shared_size = shared_size,
    .gather = gather,
    .combine = combine,
    .forward = batch_forward,
    .gather_gradient = gather_gradient,
    .combine_gradient = combine_gradient,
    .backward = batch_backward,
    .update = update,
    .undoes_relu = true,
};

/* --- prediction --- */

void cnn_batchnorm_scale(const cnn_node *node, const float *parameters, int channel, double *scale,
                         double *shift) {
    ptrdiff_t channels = node->in.channels;
    double variance = (double)parameters[RUNNING_VAR * channels + channel];
    *scale =
        (double)parameters[WEIGHT * channels + channel] / sqrt(variance + node->spec.number[EPS]);
    *shift = (double)parameters[BIAS * channels + channel] -
             (double)parameters[RUNNING_MEAN * channels + channel] * *scale;
}

/* The scale and shift of each channel. */
static void find_scales(const cnn_node *node, const float *parameters, float *scales,
                        float *shifts) {
    for (int c = 0; c < node->in.channels; c++) {
        double scale, shift;
        cnn_batchnorm_scale(node, parameters, c, &scale, &shift);
        scales[c] = (float)scale;
        shifts[c] = (float)shift;
    }
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    float *scales = pass->work, *shifts = pass->work + layer->node->in.channels;
    find_scales(layer->node, pass->parameters, scales, shifts);
    layer->kernels->channel_scale(&layer->x_block[0], pass->x[0], scales, shifts,
                                  layer->node->relu_max, &layer->y_block, pass->y);
}

/* dx = dy times the scale. A ReLU that forward applied is undone before, by its own operation. */
static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    float *scales = pass->work, *shifts = pass->work + layer->node->in.channels;
    for (int c = 0; c < layer->node->in.channels; c++) {
        double scale, shift;
        cnn_batchnorm_scale(layer->node, pass->parameters, c, &scale, &shift);
        scales[c] = (float)scale;
        shifts[c] = 0.0f;
    }
    layer->kernels->channel_scale(&layer->dy_block, pass->dy, scales, shifts, 0.0f,
                                  &layer->dx_block[0], pass->dx[0]);
}

/* --- one image at a time: packed are the scales and the shifts, each in whole blocks --- */

static size_t lanes_of(const cnn_node *node) {
    return (size_t)cnn_single_blocks(node->in.channels) * CNN_LANES;
}

static size_t single_packed_size(const cnn_node *node, const cnn_kernels *kernels) {
    (void)kernels;
    return 2 * lanes_of(node);
}

static void single_pack(const cnn_layer *layer, const float *parameters, float *packed) {
    find_scales(layer->node, parameters, packed, packed + lanes_of(layer->node));
}

static void single_forward(const cnn_layer *layer, const cnn_single_pass *pass) {
    layer->kernels->single_scale(&layer->x_block[0], pass->x[0], pass->packed,
                                 pass->packed + lanes_of(layer->node), layer->node->relu_max,
                                 &layer->y_block, pass->y);
}

static const cnn_single_ops single = {
    .packed_size = single_packed_size, .pack = single_pack, .forward = single_forward};

/* --- in double --- */

static cnn_reference_batchnorm reference_size(const cnn_node *node, int N) {
    return (cnn_reference_batchnorm){.N = N,
                                     .C = node->in.channels,
                                     .plane = node->in.height * node->in.width,
                                     .eps = node->spec.number[EPS]};
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_batchnorm size = reference_size(node, pass->N);
    cnn_reference_batchnorm_forward(&size, pass->x[0],
                                    pass->parameters + WEIGHT * node->in.channels,
                                    pass->parameters + BIAS * node->in.channels, pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_batchnorm size = reference_size(node, pass->N);
    cnn_reference_batchnorm_backward(
        &size, pass->x[0], pass->parameters + WEIGHT * node->in.channels, pass->dy, pass->dx[0],
        pass->gradients + WEIGHT * node->in.channels, pass->gradients + BIAS * node->in.channels);
}

const cnn_layer_ops cnn_layer_batchnorm = {
    .name = "batchnorm",
    .help = "normalizes each channel to mean 0 and variance 1, then scales and shifts it",
    .prose = "Normalizes each channel (after `flatten`, each value) to mean 0 and variance 1 over "
             "the images of a batch, then multiplies it by a learned scale and adds a learned "
             "shift (Ioffe and Szegedy 2015). Predictions use running averages of mean and "
             "unbiased variance, as PyTorch's BatchNorm2d and BatchNorm1d do; a channel with one "
             "value in the whole batch has variance 0.",
    .keys = keys,
    .epilogues = CNN_EPILOGUE_RELU,
    .infer_shape = cnn_layer_same_shape,
    .tensors = tensors,
    .flops = flops,
    .work_size = work_size,
    .forward = forward,
    .backward = backward,
    .single = &single,
    .batch = &batch_ops,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
