/* One convolution layer, with the ReLU and the max-pooling that it may apply while it stores,
 * against the slow twins of reference.h and on every instruction set. The tables that its kernels
 * need are made by the layer, so the layer drives them. For test_kernels.c and test_winograd.c. */
#ifndef CNN_CONV_CASE_H
#define CNN_CONV_CASE_H

#include "kernels/reference.h"
#include "test_support.h"

enum { CONV_SAME = -1, CONV_SAME_UPPER = -2, CONV_SIDES = -3 };

/* Parts of the results of a case, one after the other, at conv_case.start. */
enum { CONV_Y, CONV_PLACES, CONV_DX, CONV_DW, CONV_DB, CONV_PARTS };

typedef struct conv_case {
    /* C, H, W, K, R, stride and groups (0: 1) are given; the others follow */
    cnn_reference_conv size;
    int padding;  /* zeros on each side, or CONV_SAME, CONV_SAME_UPPER, CONV_SIDES: … */
    int sides[4]; /* … top, left, bottom, right */
    bool no_bias;
    double relu_max;   /* of the ReLU; 0: it has no ceiling */
    bool direct;       /* with CNN_CONV=direct; otherwise it must use Winograd */
    bool first;        /* the first layer of the network: dx is not needed */
    bool relu, pool;   /* after it: a ReLU, a max-pooling by 2×2 */
    const char *after; /* other layers after these, such as "conv 2 3, "; NULL: none */
    bool exact;        /* values of few bits, so that float makes no error, and maxima often tie */
    bool sparse;       /* one of each 2×2 gradients is not 0, as after a max-pooling */
    uint64_t seed;

    /* --- from here on: conv_case_create's --- */
    int pooled_height, pooled_width; /* y's */
    double *x, *w, *dy;   /* [LANES][C][H][W]; weights, then [K] biases, perhaps 0; as y */
    double *z, *z_bounds; /* before ReLU and pooling: in double, and the error bound for float */
    size_t x_count, w_count, z_count, y_count, bias_count; /* w_count includes the biases */
    size_t start[CONV_PARTS + 1];
} conv_case;

/* Fills in the derived sizes and the random data of the case. False if the kernel does not fit the
 * image, or if the case requires Winograd but the layer does not use it. Free with conv_case_free.
 */
bool conv_case_create(conv_case *c);
void conv_case_free(conv_case *c);

/* Forward and backward with these kernels, twice, in memory that is poisoned with NaN where results
 * are expected, and checked in places that must not change. results: [start[CONV_PARTS]]; places
 * are those of maxpool_forward. */
void conv_case_run(const conv_case *c, const cnn_kernels *kernels, double *results);

/* The results in double, of a case without pooling (which has no places). */
void conv_case_reference(const conv_case *c, double *results);

/* Everything: on every instruction set, with the same bytes, and close to the numbers in double.
 * False if conv_case_create returns false. */
bool conv_case_test(conv_case c);

#endif
