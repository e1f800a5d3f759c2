/* The kernels of one instruction set. CMake compiles this file once for each, with its compiler
 * flags and with CNN_COMPILE_AVX512, CNN_COMPILE_AVX2 or nothing (generic: the baseline) defined.
 * Everything except the table is static, so that code for a newer processor cannot be linked into a
 * path for an older one. */
#include "kernels/kernels.h"

#include "kernels/simd.h"

#include <string.h>

/* clang-format off */
#include "kernels/pool.inc"
#include "kernels/conv.inc"
#include "kernels/conv_weight.inc"
#include "kernels/dense.inc"
#include "kernels/depthwise.inc"
#include "kernels/elementwise.inc"
#include "kernels/batchnorm.inc"
#include "kernels/winograd.inc"
#include "kernels/winograd_weights.inc"
#include "kernels/single.inc"
#include "kernels/resample.inc"
/* clang-format on */

#if defined(CNN_COMPILE_AVX512)
#define CNN_TABLE cnn_kernels_avx512
#define CNN_TABLE_ISA CNN_ISA_AVX512
#elif defined(CNN_COMPILE_AVX2)
#define CNN_TABLE cnn_kernels_avx2
#define CNN_TABLE_ISA CNN_ISA_AVX2
#else
#define CNN_TABLE cnn_kernels_generic
#define CNN_TABLE_ISA CNN_ISA_GENERIC
#endif

extern const cnn_kernels CNN_TABLE;
const cnn_kernels CNN_TABLE = {
    .isa = CNN_TABLE_ISA,
    .filter_tile = TILE_FILTERS,
    .conv_forward = conv_forward,
    .conv_pool_forward = conv_pool_forward,
    .conv_backward_weight = conv_backward_weight,
    .conv_backward_bias = conv_backward_bias,
    .conv_pool_backward_weight = conv_pool_backward_weight,
    .conv_pool_backward_bias = conv_pool_backward_bias,
    .depthwise_forward = depthwise_forward,
    .depthwise_backward_weight = depthwise_backward_weight,
    .dense_forward = dense_forward,
    .dense_backward_data = dense_backward_data,
    .dense_backward_weight = dense_backward_weight,
    .add_forward = add_forward,
    .relu_forward = relu_forward,
    .relu_backward = relu_backward,
    .leaky_relu_forward = leaky_relu_forward,
    .leaky_relu_backward = leaky_relu_backward,
    .avgpool_forward = avgpool_forward,
    .avgpool_backward = avgpool_backward,
    .maxpool_forward = maxpool_forward,
    .maxpool_backward = maxpool_backward,
    .channel_sums = channel_sums,
    .channel_scale = channel_scale,
    .batchnorm_gradient_sums = batchnorm_gradient_sums,
    .batchnorm_backward = batchnorm_backward,
    .winograd_pack = winograd_pack,
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_pool_output = winograd_pool_output,
    .winograd_output_gradient = winograd_output_gradient,
    .winograd_pool_output_gradient = winograd_pool_output_gradient,
    .winograd_input_gradient = winograd_input_gradient,
    .winograd_transpose = winograd_transpose,
    .winograd_input_transposed = winograd_input_transposed,
    .winograd_outer = winograd_outer,
    .winograd_weight_gradient = winograd_weight_gradient,
    .add_lane_sums = add_lane_sums,
    .single_filters = SINGLE_FILTERS,
    .single_convolve = single_convolve,
    .single_filter = single_filter,
    .single_scale = single_scale,
    .single_dense = single_dense,
    .resample_across = resample_across,
    .resample_down = resample_down,
};
