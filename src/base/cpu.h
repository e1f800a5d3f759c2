/* Which vector instructions this processor has, and which of them may be used. */
#ifndef CNN_BASE_CPU_H
#define CNN_BASE_CPU_H

#include "base/error.h"

/* Instruction sets in rising order; the names are those of the environment variable CNN_ISA.
 * "generic" is the baseline that every processor of an architecture has: SSE2 on x86-64, NEON on
 * 64-bit ARM. */
#define CNN_ISA_LIST(X)                                                                            \
    X(CNN_ISA_GENERIC, "generic")                                                                  \
    X(CNN_ISA_AVX2, "avx2")                                                                        \
    X(CNN_ISA_AVX512, "avx512")

typedef enum cnn_isa {
#define CNN_ISA_ENUM(name, text) name,
    CNN_ISA_LIST(CNN_ISA_ENUM)
#undef CNN_ISA_ENUM
} cnn_isa;

/* Number of entries in the list: 0, plus 1 for each. */
#define CNN_ISA_ONE(name, text) +1
#define CNN_ISA_COUNT (0 CNN_ISA_LIST(CNN_ISA_ONE))

/* "generic", "avx2" or "avx512". */
const char *cnn_isa_name(cnn_isa isa);

/* The best instruction set of this processor (avx2 includes FMA; avx512 means the F, DQ, BW and VL
 * parts). */
cnn_isa cnn_isa_of_cpu(void);

/* The best instruction set allowed: that of the processor, limited by CNN_ISA if it is set.
 * CNN_ERROR_CONFIG if CNN_ISA names no instruction set. */
CNN_MUST_USE cnn_status cnn_isa_choose(cnn_isa *isa, cnn_error *error);

#endif
