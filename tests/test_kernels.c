/* Every kernel × every instruction set × odd shapes, against the slow twins of reference.h; and
 * every instruction set against the others, byte by byte.
 *
 * Outputs are poisoned with NaN first, so that a value which is not written fails. What surrounds
 * them (borders, other arrays) is compared with a copy made before the call. Sums in float are
 * allowed an error of ERROR_BOUND times the sum of their terms' sizes: some 16 units in the last
 * place. */
#include "conv_case.h"

#include "kernels/kernels.h"
#include "base/memory.h"
#include "kernels/reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ERROR_BOUND 1e-6

/* got[i] is within ERROR_BOUND * sizes[i] of want[i]. */
static void expect_all(const char *what, size_t count, const double *got, const double *want,
                       const double *sizes) {
    for (size_t i = 0; i < count; i++) {
        test_near(what, i, got[i], want[i], ERROR_BOUND * sizes[i]);
    }
}

/* --- convolution: the sums of products of conv.inc --- */

static const int channel_counts[] = {1, 2, 3, 5, 16};
static const int filter_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16};

/* All register tiles: filters 4 + 2 + 1, pixels and taps 6 + 4 + 2 + 1. */
static void test_conv_channels_and_filters(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(channel_counts); i++) {
        for (size_t j = 0; j < TEST_COUNT(filter_counts); j++) {
            int odd = (int)(i + j) % 3;
            conv_case_test((conv_case){.size = {.C = channel_counts[i],
                                                .H = 4 + odd,
                                                .W = 6 - odd,
                                                .K = filter_counts[j],
                                                .R = 3,
                                                .stride = 1},
                                       .direct = true,
                                       .relu = j % 2 == 0});
        }
    }
}

/* All kernels × strides × paddings; the other sizes change along with them. */
static void test_conv_geometry(void **state) {
    (void)state;
    const int kernels[] = {1, 2, 3, 4, 5, 7};
    const int strides[] = {1, 2, 3};
    const int paddings[] = {0, CONV_SAME, 1, 2, 4};
    const int heights[] = {5, 8, 1, 7, 3};
    const int widths[] = {7, 5, 4, 2, 9, 6, 3};
    size_t round = 0;
    for (size_t k = 0; k < TEST_COUNT(kernels); k++) {
        for (size_t s = 0; s < TEST_COUNT(strides); s++) {
            for (size_t p = 0; p < TEST_COUNT(paddings); p++) {
                for (int times = 0; times < 10; times++, round++) {
                    conv_case_test(
                        (conv_case){.size = {.C = channel_counts[round % 4],
                                             .H = heights[round * 2 % TEST_COUNT(heights)],
                                             .W = widths[round % TEST_COUNT(widths)],
                                             .K = filter_counts[round * 7 % 9],
                                             .R = kernels[k],
                                             .stride = strides[s]},
                                    .padding = paddings[p],
                                    .direct = true,
                                    .relu = round % 3 == 0});
                }
            }
        }
    }
}

/* With a max-pooling of 2×2 that the convolution applies, and with its gradients: as a first layer,
 * whose weight gradient is computed from the gradients after the pooling, and as a later layer. Odd
 * sizes lose their last row or column. Every other case is of values that tie. */
static void test_conv_pool(void **state) {
    (void)state;
    const int kernels[] = {1, 3, 5, 2};
    const int filters[] = {1, 2, 3, 4, 5, 8, 17};
    const int channels[] = {1, 3, 2, 16};
    const int paddings[] = {CONV_SAME, 0, 1, 3};
    const int sides[] = {6, 7, 5, 9, 8, 11};
    size_t round = 0;
    for (size_t k = 0; k < TEST_COUNT(kernels); k++) {
        for (size_t f = 0; f < TEST_COUNT(filters); f++) {
            for (int i = 0; i < 16; i++, round++) {
                bool again = round % 5 == 0; /* y and x with borders that another layer needs */
                conv_case_test((conv_case){.size = {.C = channels[(round + round / 4) % 4],
                                                    .H = sides[round % TEST_COUNT(sides)],
                                                    .W = sides[round / 2 % TEST_COUNT(sides)],
                                                    .K = filters[f],
                                                    .R = kernels[k],
                                                    .stride = 1 + i / 8},
                                           .padding = paddings[round / 3 % 4],
                                           .direct = true,
                                           .first = i % 2 == 0,
                                           .relu = i / 2 % 2 == 0,
                                           .pool = true,
                                           .after = again ? "conv 2 3 1 same, " : NULL,
                                           .exact = i / 4 % 2 == 0,
                                           .seed = round});
            }
        }
    }
}

/* Groups of every size, those of one channel and one filter among them, which have kernels of their
 * own; with a different padding on each side, a ReLU with a ceiling, and without biases. */
static void test_conv_groups(void **state) {
    (void)state;
    const int groups[][3] = {{2, 2, 2}, {3, 3, 3}, {16, 16, 16}, {2, 4, 6},   {4, 8, 4},
                             {3, 3, 6}, {5, 5, 5}, {2, 32, 34},  {17, 17, 17}}; /* groups, C, K */
    const int kernels[] = {3, 5, 1, 2, 3, 4, 7};
    const int paddings[] = {CONV_SAME, CONV_SIDES, 0, CONV_SAME_UPPER, 1, CONV_SIDES};
    const int cases = test_is_soak() ? 42 : 22; /* 22: each group begins elsewhere in the lists */
    size_t round = 0;
    for (size_t g = 0; g < TEST_COUNT(groups); g++) {
        for (int times = 0; times < cases; times++, round++) {
            int kernel = kernels[round % TEST_COUNT(kernels)], side = (int)(round % 3);
            conv_case_test((conv_case){.size = {.C = groups[g][1],
                                                .H = 4 + (int)(round * 5 % 7),
                                                .W = 3 + (int)(round * 3 % 29),
                                                .K = groups[g][2],
                                                .R = kernel,
                                                .stride = 1 + times / 2 % 3,
                                                .groups = groups[g][0]},
                                       .padding = paddings[round % TEST_COUNT(paddings)],
                                       .sides = {side, 2 - side, side / 2 * 2, 1},
                                       .no_bias = times % 4 == 1,
                                       .direct = true,
                                       .first = times % 5 == 2,
                                       .relu = times % 3 > 0,
                                       .relu_max = times % 3 == 1 ? 0.75 : 0.0,
                                       .pool = times % 7 == 3,
                                       .exact = times % 7 == 3,
                                       .seed = round});
        }
    }
}

/* The same for convolutions without groups: sides that differ, ceilings, no biases. */
static void test_conv_sides(void **state) {
    (void)state;
    const int paddings[] = {CONV_SIDES, CONV_SAME_UPPER, 1};
    for (int round = 0; round < 96; round++) {
        conv_case_test(
            (conv_case){.size = {.C = channel_counts[round % 4],
                                 .H = 5 + round % 4,
                                 .W = 4 + round % 5,
                                 .K = filter_counts[round % 7],
                                 .R = 1 + round / 2 % 5,
                                 .stride = 1 + round / 4 % 3},
                        .padding = paddings[round % 3],
                        .sides = {round % 4, round / 3 % 4, round / 2 % 3, round / 5 % 3},
                        .no_bias = round % 4 == 2,
                        .direct = true,
                        .first = round % 2 == 0,
                        .relu = round % 8 < 6,
                        .relu_max = round % 8 < 4 ? 0.5 : 0.0,
                        .pool = round % 16 < 8,
                        .exact = round % 16 < 8,
                        .seed = (uint64_t)round});
    }
}

/* So many pixels, filters and taps that the weight gradient is summed up in runs and groups. */
static void test_conv_runs(void **state) {
    (void)state;
    const int shapes[][3] = {
        {53, 18, 1}, {3, 5, 5}, {7, 33, 1}, {50, 17, 1}, {6, 19, 3}}; /* C, K, R */
    for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
        conv_case_test((conv_case){.size = {.C = shapes[i][0],
                                            .H = 33,
                                            .W = 35 + (int)i,
                                            .K = shapes[i][1],
                                            .R = shapes[i][2],
                                            .stride = 1},
                                   .padding = CONV_SAME,
                                   .direct = true,
                                   .relu = i % 2 == 0,
                                   .seed = i});
    }
}

/* The content of borders in these tests: the kernels may neither read nor change them. (A network's
 * are 0, which a ReLU or a sum would leave as it is.) */
#define BORDER_VALUE (-7.0f)

/* --- a block with a separate border --- */

typedef struct padded {
    cnn_block block;
    size_t size;
    float *memory, *values; /* [size], and value (0, 0, 0) in it */
} padded;

static padded padded_create(int channels, int height, int width, int border) {
    ptrdiff_t rows = height + 2 * border;
    ptrdiff_t columns = width + 2 * border;
    padded p = {.block = {.channels = channels,
                          .height = height,
                          .width = width,
                          .row_stride = columns * CNN_LANES,
                          .plane_stride = rows * columns * CNN_LANES},
                .size = (size_t)(channels * rows * columns * CNN_LANES)};
    p.memory = cnn_alloc(p.size, sizeof *p.memory);
    assert_non_null(p.memory);
    for (size_t i = 0; i < p.size; i++) {
        p.memory[i] = BORDER_VALUE;
    }
    p.values = p.memory + border * (p.block.row_stride + CNN_LANES);
    return p;
}

/* Reads the inside, checks that the border is unchanged, and frees the block. */
static void padded_take(padded *p, double *dense) {
    size_t inside = test_block_count(&p->block);
    size_t border = 0;
    test_block_read(&p->block, p->values, dense);
    test_block_poison(&p->block, p->values);
    for (size_t i = 0; i < p->size; i++) {
        border += p->memory[i] == BORDER_VALUE;
    }
    assert_int_equal(border, p->size - inside);
    cnn_free(p->memory);
}

/* --- max-pooling --- */

typedef struct pool_case {
    cnn_reference_pool size;
    int x_border, y_border;
    const double *x, *dy; /* [LANES][C][H][W], [LANES][C][OH][OW] */
} pool_case;

static size_t pool_x_count(const cnn_reference_pool *s) {
    return (size_t)s->N * (size_t)s->C * (size_t)s->H * (size_t)s->W;
}

static size_t pool_y_count(const cnn_reference_pool *s) {
    return (size_t)s->N * (size_t)s->C * (size_t)s->OH * (size_t)s->OW;
}

/* The places of the maxima, [LANES][C][OH][OW], each as the kernels count: within its window. */
static void pool_places(const pool_case *c, double *places) {
    const cnn_reference_pool *s = &c->size;
    const double *plane = c->x;
    for (int i = 0; i < s->N * s->C; i++, plane += s->H * s->W) {
        for (int oh = 0; oh < s->OH; oh++) {
            for (int ow = 0; ow < s->OW; ow++) {
                int place = cnn_reference_maxpool_place(s, plane, oh, ow);
                int row = place / s->W - oh * s->stride + s->top;
                int column = place % s->W - ow * s->stride + s->left;
                *places++ = row * s->size + column;
            }
        }
    }
}

static void pool_check(const pool_case *c, const double *y, const double *places,
                       const double *dx) {
    const cnn_reference_pool *s = &c->size;
    size_t y_count = pool_y_count(s);
    size_t x_count = pool_x_count(s);
    double *want = cnn_alloc(y_count + x_count, sizeof *want);
    double *sizes = cnn_alloc(x_count, sizeof *sizes);
    double *dy_sizes = test_absolute_values(c->dy, y_count);
    assert_non_null(want);
    assert_non_null(sizes);
    cnn_reference_maxpool_forward(s, c->x, want);
    assert_memory_equal(y, want, y_count * sizeof *want); /* a maximum is not rounded */
    pool_places(c, want);
    assert_memory_equal(places, want, y_count * sizeof *want);
    cnn_reference_maxpool_backward(s, c->x, c->dy, want);
    cnn_reference_maxpool_backward(s, c->x, dy_sizes, sizes);
    expect_all("dx of maxpool", x_count, dx, want, sizes);
    cnn_free(want);
    cnn_free(sizes);
    cnn_free(dy_sizes);
}

/* got: y, places and dx, one after the other. */
static void pool_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    const pool_case *c = test_case;
    const cnn_reference_pool *s = &c->size;
    cnn_pool_window window = {.size = s->size, .stride = s->stride, .top = s->top, .left = s->left};
    padded x = padded_create(s->C, s->H, s->W, c->x_border);
    padded dx = padded_create(s->C, s->H, s->W, c->y_border);
    padded y = padded_create(s->C, s->OH, s->OW, c->y_border);
    padded dy = padded_create(s->C, s->OH, s->OW, c->x_border);
    padded arg = padded_create(s->C, s->OH, s->OW, 0);
    test_block_write(&x.block, c->x, x.values);
    test_block_write(&dy.block, c->dy, dy.values);
    test_block_poison(&y.block, y.values);
    test_block_poison(&arg.block, arg.values);
    test_block_poison(&dx.block, dx.values);
    kernels->maxpool_forward(&window, &x.block, x.values, &y.block, y.values, arg.values);
    kernels->maxpool_backward(&window, &dy.block, dy.values, arg.values, &dx.block, dx.values);
    size_t count = pool_y_count(s);
    padded_take(&y, got);
    padded_take(&arg, got + count);
    padded_take(&dx, got + 2 * count);
    pool_check(c, got, got + count, got + 2 * count);
    cnn_free(x.memory);
    cnn_free(dy.memory);
}

/* Random values; with `levels` > 0, only this many different ones, so that there are ties. below,
 * right: padding, as size.top and size.left. */
static void pool_test(pool_case c, int below, int right, int levels) {
    cnn_reference_pool *s = &c.size;
    s->N = CNN_LANES;
    s->OH = (s->H + s->top + below - s->size) / s->stride + 1;
    s->OW = (s->W + s->left + right - s->size) / s->stride + 1;
    double *x = test_random_values(pool_x_count(s), 4);
    double *dy = test_random_values(pool_y_count(s), 5);
    for (size_t i = 0; levels > 0 && i < pool_x_count(s); i++) {
        x[i] = floor((x[i] + 1.0) / 2.0 * levels) - 4.0; /* below 0, which borders must not be */
    }
    c.x = x;
    c.dy = dy;
    test_all_instruction_sets(&c, pool_run, 2 * pool_y_count(s) + pool_x_count(s));
    cnn_free(x);
    cnn_free(dy);
}

static void test_maxpool(void **state) {
    (void)state;
    const int sides[][2] = {{4, 4}, {4, 5}, {7, 6}, {8, 4}, {5, 11}};
    for (int size = 1; size <= 4; size++) {
        for (int stride = 1; stride <= 4;
             stride++) { /* overlapping; leaving values out; rows and columns left over */
            for (size_t i = 0; i < TEST_COUNT(sides); i++) {
                for (int levels = 0; levels <= 2; levels++) { /* 1: all the same */
                    pool_case c = {.size = {.C = 1 + (int)i % 3,
                                            .H = sides[i][0],
                                            .W = sides[i][1],
                                            .size = size,
                                            .stride = stride},
                                   .x_border = (int)i % 3,
                                   .y_border = (int)(i + 1) % 3};
                    pool_test(c, 0, 0, levels);
                }
            }
        }
    }
}

/* Every padding that leaves a value in each window; values below 0, which padding of 0 would hide.
 */
static void test_maxpool_padding(void **state) {
    (void)state;
    int round = 0;
    for (int size = 2; size <= 4; size++) {
        for (int stride = 1; stride <= 4; stride++) {
            for (int sides = 0; sides < size * size * size * size; sides += 1 + size, round++) {
                pool_case c = {.size = {.C = 1 + round % 2,
                                        .H = size + round % 4,
                                        .W = size + round / 2 % 3,
                                        .size = size,
                                        .stride = stride,
                                        .top = sides % size,
                                        .left = sides / size % size},
                               .x_border = round % 3,
                               .y_border = (round + 1) % 3};
                pool_test(c, sides / (size * size) % size, sides / (size * size * size), 2);
            }
        }
    }
}

/* --- average pooling --- */

typedef struct average_case {
    cnn_reference_average size;
    int x_border, y_border;
    const double *x, *dy; /* [LANES][C][H][W], [LANES][C][OH][OW] */
} average_case;

static size_t average_x_count(const cnn_reference_average *s) {
    return (size_t)s->N * (size_t)s->C * (size_t)s->H * (size_t)s->W;
}

static size_t average_y_count(const cnn_reference_average *s) {
    return (size_t)s->N * (size_t)s->C * (size_t)s->OH * (size_t)s->OW;
}

static void average_check(const average_case *c, const double *y, const double *dx) {
    size_t y_count = average_y_count(&c->size);
    size_t x_count = average_x_count(&c->size);
    double *want = cnn_alloc(y_count + x_count, sizeof *want);
    double *sizes = cnn_alloc(y_count + x_count, sizeof *sizes);
    double *x_sizes = test_absolute_values(c->x, x_count);
    double *dy_sizes = test_absolute_values(c->dy, y_count);
    assert_non_null(want);
    assert_non_null(sizes);
    cnn_reference_avgpool_forward(&c->size, c->x, want);
    cnn_reference_avgpool_forward(&c->size, x_sizes, sizes);
    expect_all("y of avgpool", y_count, y, want, sizes);
    cnn_reference_avgpool_backward(&c->size, c->dy, want);
    cnn_reference_avgpool_backward(&c->size, dy_sizes, sizes);
    expect_all("dx of avgpool", x_count, dx, want, sizes);
    cnn_free(want);
    cnn_free(sizes);
    cnn_free(x_sizes);
    cnn_free(dy_sizes);
}

/* got: y and dx, one after the other. */
static void average_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    const average_case *c = test_case;
    const cnn_reference_average *s = &c->size;
    cnn_average_window window = {.height = s->height,
                                 .width = s->width,
                                 .stride = s->stride,
                                 .top = s->top,
                                 .left = s->left};
    padded x = padded_create(s->C, s->H, s->W, c->x_border);
    padded dx = padded_create(s->C, s->H, s->W, c->y_border);
    padded y = padded_create(s->C, s->OH, s->OW, c->y_border);
    padded dy = padded_create(s->C, s->OH, s->OW, c->x_border);
    test_block_write(&x.block, c->x, x.values);
    test_block_write(&dy.block, c->dy, dy.values);
    test_block_poison(&y.block, y.values);
    test_block_poison(&dx.block, dx.values);
    kernels->avgpool_forward(&window, &x.block, x.values, &y.block, y.values);
    kernels->avgpool_backward(&window, &dy.block, dy.values, &dx.block, dx.values);
    size_t count = average_y_count(s);
    padded_take(&y, got);
    padded_take(&dx, got + count);
    average_check(c, got, got + count);
    cnn_free(x.memory);
    cnn_free(dy.memory);
}

/* Windows that touch, overlap, leave values out, that are as large as the image, and with padding:
 * the last four numbers, top, left, bottom, right. */
static void test_avgpool(void **state) {
    (void)state;
    const int shapes[][9] = {{4, 4, 2, 2, 2},
                             {7, 5, 3, 3, 2},
                             {8, 9, 2, 2, 3},
                             {5, 11, 1, 1, 1},
                             {6, 4, 6, 4, 1},
                             {3, 7, 3, 7, 1},
                             {9, 9, 4, 4, 1},
                             {7, 7, 3, 3, 2, 1, 1, 1, 1},
                             {4, 6, 3, 3, 1, 2, 0, 1, 2},
                             {3, 5, 4, 4, 3, 0, 3, 3, 1}};
    for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
        cnn_reference_average size = {.N = CNN_LANES,
                                      .C = 1 + (int)i % 3,
                                      .H = shapes[i][0],
                                      .W = shapes[i][1],
                                      .height = shapes[i][2],
                                      .width = shapes[i][3],
                                      .stride = shapes[i][4],
                                      .top = shapes[i][5],
                                      .left = shapes[i][6]};
        size.OH = (size.H + size.top + shapes[i][7] - size.height) / size.stride + 1;
        size.OW = (size.W + size.left + shapes[i][8] - size.width) / size.stride + 1;
        double *x = test_random_values(average_x_count(&size), 6);
        double *dy = test_random_values(average_y_count(&size), 7);
        average_case c = {
            .size = size, .x_border = (int)i % 3, .y_border = (int)(i + 1) % 3, .x = x, .dy = dy};
        test_all_instruction_sets(&c, average_run, average_y_count(&size) + average_x_count(&size));
        cnn_free(x);
        cnn_free(dy);
    }
}

/* In lane 5 one value is NaN: it is the maximum of the windows that contain it, and of no others.
 */
static void nan_pool_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    (void)test_case;
    enum { SIDE = 4, OUT = 3, LANE = 5, WINDOW = 2, NAN_ROW = 1, NAN_COLUMN = 2 };
    padded x = padded_create(1, SIDE, SIDE, 0);
    padded y = padded_create(1, OUT, OUT, 0);
    padded arg = padded_create(1, OUT, OUT, 0);
    for (size_t i = 0; i < x.size; i++) {
        x.memory[i] = (float)(i / CNN_LANES); /* rises along rows */
    }
    x.memory[(NAN_ROW * SIDE + NAN_COLUMN) * CNN_LANES + LANE] = NAN;
    cnn_pool_window window = {.size = WINDOW, .stride = 1};
    kernels->maxpool_forward(&window, &x.block, x.values, &y.block, y.values, arg.values);
    for (size_t i = 0; i < y.size; i++) {
        size_t row = i / CNN_LANES / OUT;
        size_t column = i / CNN_LANES % OUT;
        bool holds =
            i % CNN_LANES == LANE && NAN_ROW - row < WINDOW && NAN_COLUMN - column < WINDOW;
        size_t last = (row + 1) * SIDE + column + 1; /* the largest of the others */
        size_t place = holds ? (NAN_ROW - row) * WINDOW + (NAN_COLUMN - column) : 3;
        assert_true(holds ? isnan(y.memory[i]) : y.memory[i] == (float)last);
        assert_true(arg.memory[i] == (float)place);
        got[i] = (double)arg.memory[i];
    }
    cnn_free(x.memory);
    cnn_free(y.memory);
    cnn_free(arg.memory);
}

static void test_maxpool_nan(void **state) {
    (void)state;
    test_all_instruction_sets(NULL, nan_pool_run, (size_t)3 * 3 * CNN_LANES);
}

/* --- dense --- */

typedef struct dense_case {
    int inputs, outputs;
    bool relu;
    size_t x_count, y_count, w_count, result_count; /* results: y, dx, dw and db */
    double *x, *w, *dy;                             /* [LANES][…]; w: weights, then biases */
    double *want, *sizes;
} dense_case;

static void dense_reference(const dense_case *c, const double *x, const double *w, const double *dy,
                            double *results) {
    size_t weights = (size_t)c->inputs * (size_t)c->outputs;
    double *dx = results + c->y_count;
    double *dw = dx + c->x_count;
    cnn_reference_dense_forward(CNN_LANES, c->inputs, c->outputs, x, w, w + weights, results);
    if (c->relu) {
        cnn_reference_relu_forward(c->y_count, HUGE_VAL, results, results);
    }
    cnn_reference_dense_backward(CNN_LANES, c->inputs, c->outputs, x, w, dy, dx, dw, dw + weights);
}

/* Guard after an array that kernels write: larger than any vector; must stay unchanged. */
enum { GUARD = 64 };
#define GUARD_VALUE 7.0f

/* `count` floats, each `start`, followed by the guard. */
static float *guarded_create(size_t count, float start) {
    float *values = cnn_alloc(count + GUARD, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count + GUARD; i++) {
        values[i] = i < count ? start : GUARD_VALUE;
    }
    return values;
}

static void guarded_free(float *values, size_t count) {
    for (size_t i = count; i < count + GUARD; i++) {
        assert_true(values[i] == GUARD_VALUE);
    }
    cnn_free(values);
}

static cnn_block flat_block(int values) {
    return (cnn_block){.channels = values,
                       .height = 1,
                       .width = 1,
                       .row_stride = CNN_LANES,
                       .plane_stride = CNN_LANES};
}

static void dense_run_forward(const dense_case *c, const cnn_kernels *kernels, const float *w,
                              const float *b, double *y_got, double *dx_got) {
    cnn_block in = flat_block(c->inputs);
    cnn_block out = flat_block(c->outputs);
    float *x = guarded_create(c->x_count, 0.0f);
    float *dy = guarded_create(c->y_count, 0.0f);
    float *y = guarded_create(c->y_count, NAN);
    float *dx = guarded_create(c->x_count, NAN);
    test_block_write(&in, c->x, x);
    test_block_write(&out, c->dy, dy);
    kernels->dense_forward(c->inputs, c->outputs, w, b, x, c->relu ? INFINITY : 0.0f, y);
    kernels->dense_backward_data(c->inputs, c->outputs, w, dy, dx);
    test_block_read(&out, y, y_got);
    test_block_read(&in, dx, dx_got);
    guarded_free(x, c->x_count);
    guarded_free(dy, c->y_count);
    guarded_free(y, c->y_count);
    guarded_free(dx, c->x_count);
}

static void dense_run_weights(const dense_case *c, const cnn_kernels *kernels, double *got) {
    cnn_block in = flat_block(c->inputs);
    cnn_block out = flat_block(c->outputs);
    size_t weights = c->w_count - (size_t)c->outputs;
    size_t scratch_count = ((size_t)c->inputs + 15) / 16 * 16 * CNN_LANES;
    float *x = guarded_create(c->x_count, 0.0f);
    float *dy = guarded_create(c->y_count, 0.0f);
    float *dw = guarded_create(weights, 0.0f);
    float *db = guarded_create((size_t)c->outputs, 0.0f);
    test_block_write(&in, c->x, x);
    test_block_write(&out, c->dy, dy);
    for (int times = 1; times <= 2; times++) { /* the second call adds the same once more */
        float *scratch = guarded_create(scratch_count, NAN);
        kernels->dense_backward_weight(c->inputs, c->outputs, x, dy, scratch, dw, db);
        guarded_free(scratch, scratch_count);
        for (size_t i = 0; i < c->w_count; i++) {
            double value = (double)(i < weights ? dw[i] : db[i - weights]) / times;
            assert_true(times == 1 || value == got[i]);
            got[i] = value;
        }
    }
    guarded_free(x, c->x_count);
    guarded_free(dy, c->y_count);
    guarded_free(dw, weights);
    guarded_free(db, (size_t)c->outputs);
}

static void dense_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    const dense_case *c = test_case;
    size_t weights = c->w_count - (size_t)c->outputs;
    float *w = guarded_create(c->w_count, 0.0f);
    for (size_t i = 0; i < c->w_count; i++) {
        w[i] = (float)c->w[i];
    }
    dense_run_forward(c, kernels, w, w + weights, got, got + c->y_count);
    dense_run_weights(c, kernels, got + c->y_count + c->x_count);
    expect_all("y, dx, dw or db of dense", c->result_count, got, c->want, c->sizes);
    guarded_free(w, c->w_count);
}

static void dense_test(int inputs, int outputs, bool relu) {
    dense_case c = {.inputs = inputs, .outputs = outputs, .relu = relu};
    c.x_count = (size_t)inputs * CNN_LANES;
    c.y_count = (size_t)outputs * CNN_LANES;
    c.w_count = (size_t)inputs * (size_t)outputs + (size_t)outputs;
    c.result_count = c.y_count + c.x_count + c.w_count;
    c.x = test_random_values(c.x_count, 6);
    c.w = test_random_values(c.w_count, 7);
    c.dy = test_random_values(c.y_count, 8);
    double *x = test_absolute_values(c.x, c.x_count);
    double *w = test_absolute_values(c.w, c.w_count);
    double *dy = test_absolute_values(c.dy, c.y_count);
    c.want = cnn_alloc(c.result_count, sizeof *c.want);
    c.sizes = cnn_alloc(c.result_count, sizeof *c.sizes);
    assert_non_null(c.want);
    assert_non_null(c.sizes);
    dense_reference(&c, c.x, c.w, c.dy, c.want);
    dense_reference(&c, x, w, dy, c.sizes);
    test_all_instruction_sets(&c, dense_run, c.result_count);
    double *const owned[] = {c.x, c.w, c.dy, x, w, dy, c.want, c.sizes};
    for (size_t i = 0; i < TEST_COUNT(owned); i++) {
        cnn_free(owned[i]);
    }
}

static void test_dense(void **state) {
    (void)state;
    const int few[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 64, 70};
    for (int many = 1; many <= 70; many++) {
        for (size_t i = 0; i < TEST_COUNT(few); i++) {
            dense_test(many, few[i], many % 2 == 0);
            if (i < 3) {
                dense_test(few[i], many, many % 2 == 1);
            }
        }
    }
    dense_test(131, 13, false);
    /* the data gradient's chunks of inputs, and outputs around a tile of 8 */
    const int inputs[] = {1, 255, 256, 257, 600};
    const int outputs[] = {1, 7, 8, 9, 17};
    for (size_t i = 0; i < TEST_COUNT(inputs); i++) {
        for (size_t j = 0; j < TEST_COUNT(outputs); j++) {
            dense_test(inputs[i], outputs[j], (i + j) % 2 == 0);
        }
    }
}

/* --- relu --- */

static const double relu_values[] = {0.0, -0.0, 1.0,      -1.0,     1e-45,    -1e-45,
                                     2.5, -2.5, 3.4e38,   -3.4e38,  HUGE_VAL, -HUGE_VAL,
                                     0.1, -0.1, 0x1p-126, -0x1p-126};

/* Three channels of 2×5 with values of all kinds, in a block with a border; slopes in another.
 * test_case: the ceiling. */
static void relu_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    const float max = *(const float *)test_case;
    padded y = padded_create(3, 2, 5, 1);
    padded d = padded_create(3, 2, 5, 2);
    size_t count = test_block_count(&y.block);
    double *x = test_random_values(count, 9);
    double *dy = test_random_values(count, 10);
    for (size_t i = 0; i < count; i++) {
        /* every third value is a special one */
        x[i] = i % 3 == 0 ? (double)(float)relu_values[i / 3 % TEST_COUNT(relu_values)] : x[i];
        x[i] = i % 5 == 4 && max < INFINITY ? (double)max : x[i];
    }
    test_block_write(&y.block, x, y.values);
    test_block_write(&d.block, dy, d.values);
    kernels->relu_forward(&y.block, max, y.values);
    kernels->relu_backward(&y.block, y.values, max, &d.block, d.values);
    padded_take(&y, got);
    padded_take(&d, got + count);
    double *want = cnn_alloc(2 * count, sizeof *want);
    assert_non_null(want);
    cnn_reference_relu_forward(count, (double)max, x, want);
    cnn_reference_relu_backward(count, (double)max, x, dy, want + count);
    for (size_t i = 0; i < count; i++) {
        bool inside = x[i] > 0.0 && (x[i] < (double)max || max == INFINITY);
        assert_true(want[i] == got[i]);
        assert_true(got[i] == (x[i] > 0.0 ? fmin(x[i], (double)max) : 0.0));
        assert_true(signbit(got[i]) == (x[i] == 0.0 && signbit(x[i]))); /* -0 stays -0 */
        assert_true(got[count + i] == (inside ? dy[i] : 0.0)); /* at 0 and the ceiling: 0 */
        assert_true(want[count + i] == got[count + i] || isinf(x[i]));
    }
    cnn_free(x);
    cnn_free(dy);
    cnn_free(want);
}

static void test_relu(void **state) {
    (void)state;
    const float ceilings[] = {INFINITY, 6.0f, 0.125f};
    for (size_t i = 0; i < TEST_COUNT(ceilings); i++) {
        test_all_instruction_sets(&ceilings[i], relu_run, (size_t)2 * 3 * 2 * 5 * CNN_LANES);
    }
}

static void relu_nan_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    padded y = padded_create(1, 1, 3, 0);
    for (size_t i = 0; i < y.size; i++) {
        y.memory[i] = i % 7 == 0 ? NAN : i % 2 == 0 ? -1.0f : 1.0f;
    }
    kernels->relu_forward(&y.block, *(const float *)test_case, y.values);
    for (size_t i = 0; i < y.size; i++) {
        assert_true(i % 7 == 0 ? isnan(y.memory[i]) : y.memory[i] == (i % 2 == 0 ? 0.0f : 1.0f));
        got[i] = isnan(y.memory[i]) ? 1.0 : 0.0;
    }
    cnn_free(y.memory);
}

static void test_relu_nan(void **state) {
    (void)state;
    const float ceilings[] = {INFINITY, 6.0f};
    for (size_t i = 0; i < TEST_COUNT(ceilings); i++) {
        test_all_instruction_sets(&ceilings[i], relu_nan_run, (size_t)3 * CNN_LANES);
    }
}

/* NaN survives the ReLU that convolution and dense apply while they write, too. */
static void fused_nan_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    (void)test_case;
    _Alignas(CNN_ALIGNMENT) float x[CNN_LANES], y[CNN_LANES], packed[4] = {1.0f};
    const int32_t zero = 0;
    const float one = 1.0f, bias = -0.5f;
    for (int lane = 0; lane < CNN_LANES; lane++) {
        x[lane] = lane == 3 ? NAN : lane < 8 ? 0.25f : 0.75f;
    }
    cnn_conv_taps taps = {.filters = 1,
                          .pixels = 1,
                          .taps = 1,
                          .y_plane_stride = CNN_LANES,
                          .x_offset = &zero,
                          .y_offset = &zero,
                          .tap_offset = &zero};
    for (int i = 0; i < 2; i++) {
        memset(y, 0, sizeof y);
        if (i == 0) {
            kernels->conv_forward(&taps, x, packed, &bias, 6.0f, y);
        } else {
            kernels->dense_forward(1, 1, &one, &bias, x, INFINITY, y);
        }
        for (int lane = 0; lane < CNN_LANES; lane++) {
            assert_true(lane == 3 ? isnan(y[lane]) : y[lane] == (lane < 8 ? 0.0f : 0.25f));
            got[i * CNN_LANES + lane] = isnan(y[lane]) ? 1.0 : 0.0;
        }
    }
}

static void test_fused_relu_nan(void **state) {
    (void)state;
    test_all_instruction_sets(NULL, fused_nan_run, (size_t)2 * CNN_LANES);
}

/* Windows with a NaN at each of the four pixels, with ones that only tie and ones without a value
 * above 0: as separate ReLU and max-pooling layers would give them. */
static void conv_pool_nan_run(const void *test_case, const cnn_kernels *kernels, double *got) {
    (void)test_case;
    enum { WINDOWS = 7 };
    static const float values[WINDOWS][4] = {
        {NAN, 1, 2, 3}, {1, NAN, 2, 3},   {-1, -2, NAN, -3},    {1, 2, 3, NAN},
        {2, 5, 5, 1},   {-3, -1, -1, -2}, {-1, 0.0f, -2, -0.5f}};
    static const float places[2][WINDOWS] = {{0, 1, 2, 3, 1, 1, 1},
                                             {CNN_POOL_NONE, CNN_POOL_NONE, CNN_POOL_NONE,
                                              CNN_POOL_NONE, 1, CNN_POOL_NONE, CNN_POOL_NONE}};
    _Alignas(CNN_ALIGNMENT) float x[WINDOWS * 4 * CNN_LANES], y[WINDOWS * CNN_LANES];
    _Alignas(CNN_ALIGNMENT) float arg[WINDOWS * CNN_LANES], dy[WINDOWS * CNN_LANES];
    _Alignas(CNN_ALIGNMENT) float packed[4] = {1.0f};
    int32_t x_offset[WINDOWS * 4], y_offset[WINDOWS];
    const int32_t zero = 0;
    const float bias = 0.0f;
    for (int i = 0; i < WINDOWS * 4 * CNN_LANES; i++) {
        int lane = i % CNN_LANES, window = i / CNN_LANES / 4;
        x[i] = values[(window + lane) % WINDOWS][i / CNN_LANES % 4]; /* a different one in every
                                                                      * lane */
        x_offset[i / CNN_LANES] = i / CNN_LANES * CNN_LANES;
        y_offset[window] = window * CNN_LANES;
    }
    cnn_conv_taps taps = {.filters = 1,
                          .pixels = WINDOWS * 4,
                          .taps = 1,
                          .y_plane_stride = (ptrdiff_t)WINDOWS * CNN_LANES,
                          .x_offset = x_offset,
                          .y_offset = y_offset,
                          .tap_offset = &zero};
    for (int relu = 0; relu < 2; relu++) {
        kernels->conv_pool_forward(&taps, x, packed, &bias, relu == 1 ? INFINITY : 0.0f, y, arg);
        float db = 0.5f, want = 0.5f;
        for (int i = 0; i < WINDOWS * CNN_LANES; i++) {
            int window = (i / CNN_LANES + i % CNN_LANES) % WINDOWS;
            const float *value = values[window];
            float place = places[0][window];
            float y_want = value[(int)place];
            assert_true(isnan(y_want) ? (bool)isnan(y[i])
                                      : y[i] == (relu == 1 && y_want < 0.0f ? 0.0f : y_want));
            assert_true(arg[i] == places[relu][window]);
            dy[i] = (float)(i % 8); /* a sum that is exact in float */
            want += places[relu][window] < 0.0f ? 0.0f : dy[i];
            *got++ = isnan(y[i]) ? 100.0 : (double)y[i];
        }
        kernels->conv_pool_backward_bias(&taps, dy, arg, &db);
        assert_true(db == want);
    }
}

static void test_conv_pool_nan(void **state) {
    (void)state;
    test_all_instruction_sets(NULL, conv_pool_nan_run, (size_t)2 * 7 * CNN_LANES);
}

/* --- dispatch and packing --- */

static void test_dispatch(void **state) {
    (void)state;
    assert_non_null(cnn_kernels_for(CNN_ISA_GENERIC));
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        if ((cnn_isa)isa > cnn_isa_of_cpu()) {
            assert_null(cnn_kernels_for((cnn_isa)isa));
        }
    }
    cnn_isa isa;
    cnn_error error;
    test_ok(cnn_isa_choose(&isa, &error), &error);
    assert_ptr_equal(test_kernels(), cnn_kernels_for(isa));
}

/* 5 filters of 2 taps, read in reverse: in tiles side by side, the last filled up with zeros. */
static void test_conv_pack(void **state) {
    (void)state;
    enum { FILTERS = 5, TAPS = 2, STRIDE = 3 };
    const int32_t weight_offset[TAPS] = {1, 0};
    float w[FILTERS * STRIDE];
    for (int i = 0; i < FILTERS * STRIDE; i++) {
        w[i] = (float)(i + 1);
    }
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        const cnn_kernels *kernels = cnn_kernels_for((cnn_isa)isa);
        if (!kernels) {
            continue;
        }
        int tile = kernels->filter_tile;
        int tiles = (FILTERS + tile - 1) / tile;
        size_t count = (size_t)(tiles * tile * TAPS);
        assert_int_equal(cnn_conv_packed_size(kernels, FILTERS, TAPS), count);
        float *packed = guarded_create(count, NAN);
        cnn_conv_pack(kernels, w, tile, FILTERS, STRIDE, TAPS, weight_offset, packed);
        cnn_conv_pack(kernels, w, 0, tile, STRIDE, TAPS, weight_offset, packed);
        for (int f = 0; f < tiles * tile; f++) {
            for (int t = 0; t < TAPS; t++) {
                float want = f < FILTERS ? w[f * STRIDE + weight_offset[t]] : 0.0f;
                assert_true(packed[(f / tile * TAPS + t) * tile + f % tile] == want);
            }
        }
        guarded_free(packed, count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatch),
        cmocka_unit_test(test_conv_pack),
        cmocka_unit_test(test_conv_channels_and_filters),
        cmocka_unit_test(test_conv_geometry),
        cmocka_unit_test(test_conv_pool),
        cmocka_unit_test(test_conv_groups),
        cmocka_unit_test(test_conv_sides),
        cmocka_unit_test(test_conv_runs),
        cmocka_unit_test(test_conv_pool_nan),
        cmocka_unit_test(test_avgpool),
        cmocka_unit_test(test_maxpool),
        cmocka_unit_test(test_maxpool_padding),
        cmocka_unit_test(test_maxpool_nan),
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_relu),
        cmocka_unit_test(test_relu_nan),
        cmocka_unit_test(test_fused_relu_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
