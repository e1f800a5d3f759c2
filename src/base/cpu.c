#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

static const char *const isa_names[CNN_ISA_COUNT] = {
#define CNN_ISA_NAME(name, text) text,
    CNN_ISA_LIST(CNN_ISA_NAME)
#undef CNN_ISA_NAME
};

const char *cnn_isa_name(cnn_isa isa) {
    return isa_names[isa];
}

cnn_isa cnn_isa_of_cpu(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return CNN_ISA_AVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return CNN_ISA_AVX2;
    }
#endif
    return CNN_ISA_GENERIC;
}

cnn_status cnn_isa_choose(cnn_isa *isa, cnn_error *error) {
    *isa = cnn_isa_of_cpu();
    const char *cap = getenv("CNN_ISA");
    if (!cap || !*cap) {
        return CNN_OK;
    }
    for (int i = 0; i < CNN_ISA_COUNT; i++) {
        if (strcmp(cap, isa_names[i]) == 0) {
            if ((cnn_isa)i < *isa) {
                *isa = (cnn_isa)i;
            }
            return CNN_OK;
        }
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "environment: CNN_ISA: expected generic, avx2 or avx512, got \"%.100s\"", cap);
}
