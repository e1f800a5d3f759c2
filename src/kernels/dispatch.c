/* Chooses a table of kernels at run time. Compiled for the baseline instruction set. */
#include "kernels/kernels.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

extern const cnn_kernels cnn_kernels_generic;
#ifdef CNN_HAVE_X86_KERNELS
extern const cnn_kernels cnn_kernels_avx2;
extern const cnn_kernels cnn_kernels_avx512;
#endif

const cnn_kernels *cnn_kernels_for(cnn_isa isa) {
    if (isa > cnn_isa_of_cpu()) {
        return NULL;
    }
    switch (isa) {
    case CNN_ISA_GENERIC:
        return &cnn_kernels_generic;
#ifdef CNN_HAVE_X86_KERNELS
    case CNN_ISA_AVX2:
        return &cnn_kernels_avx2;
    case CNN_ISA_AVX512:
        return &cnn_kernels_avx512;
#else
    case CNN_ISA_AVX2:
    case CNN_ISA_AVX512:
        break;
#endif
    }
    return NULL;
}

cnn_status cnn_kernels_choose(const cnn_kernels **kernels, cnn_error *error) {
    cnn_isa isa;
    cnn_status status = cnn_isa_choose(&isa, error);
    if (status != CNN_OK) {
        return status;
    }
    *kernels = cnn_kernels_for(isa);
    if (!*kernels) { /* this build lacks the tables for this processor */
        *kernels = &cnn_kernels_generic;
    }
    return CNN_OK;
}

cnn_status cnn_conv_choose(bool *direct_only, cnn_error *error) {
    const char *choice = getenv("CNN_CONV");
    *direct_only = choice && strcmp(choice, "direct") == 0;
    if (!choice || !*choice || *direct_only || strcmp(choice, "auto") == 0) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "environment: CNN_CONV: expected auto or direct, got \"%.100s\"", choice);
}

size_t cnn_conv_packed_size(const cnn_kernels *kernels, int filters, int taps) {
    size_t width = (size_t)kernels->filter_tile;
    return ((size_t)filters + width - 1) / width * width * (size_t)taps;
}

void cnn_conv_pack(const cnn_kernels *kernels, const float *w, int first, int last,
                   ptrdiff_t filter_stride, int taps, const int32_t *weight_offset, float *packed) {
    packed += (size_t)first * (size_t)taps;
    for (int tile = first; tile < last; tile += kernels->filter_tile) {
        for (int t = 0; t < taps; t++) {
            for (int i = 0; i < kernels->filter_tile; i++) {
                int f = tile + i;
                *packed++ = f < last ? w[f * filter_stride + weight_offset[t]] : 0.0f;
            }
        }
    }
}
