#include "conv_case.h"

#include "nn/conv_plan.h"
#include "base/memory.h"
#include "nn/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sums in float are allowed an error of this times the sum of their terms' sizes: some 16 units in
 * the last place. */
#define DIRECT_BOUND 1e-6
/* Winograd adds and subtracts neighbours' terms, so that an error is not bounded by the terms of
 * one sum alone: this times the root of the number of terms, which are in ±1 (twice what is found).
 */
#define WINOGRAD_BOUND 2.5e-6

/* --- data --- */

static int outputs_along(int input, int kernel, int stride, int padding_in_all) {
    return (input + padding_in_all - kernel) / stride + 1;
}

static size_t filter_size(const conv_case *c) {
    return (size_t)(c->size.C / c->size.groups) * (size_t)c->size.R * (size_t)c->size.R;
}

static size_t weight_count(const conv_case *c) {
    return (size_t)c->size.K * filter_size(c);
}

/* Random values in ±1; for exact cases multiples of a quarter. */
static double *data(const conv_case *c, size_t count, uint64_t seed) {
    double *values = test_random_values(count, seed + 16 * c->seed);
    for (size_t i = 0; c->exact && i < count; i++) {
        values[i] = floor(values[i] * 4.0) / 4.0;
    }
    return values;
}

/* Keeps one value of each 2×2; those of a last odd row or column are cleared, too. */
static void make_sparse(const conv_case *c, double *dy) {
    uint64_t state = 17 + c->seed;
    int H = c->size.OH, W = c->size.OW;
    for (int plane = 0; plane < c->size.N * c->size.K; plane++, dy += H * W) {
        for (int h = 0; h < H; h += 2) {
            for (int w = 0; w < W; w += 2) {
                int kept = (int)test_random(&state, 0.0, 4.0);
                for (int k = 0; k < 4; k++) {
                    bool inside = h + k / 2 < H && w + k % 2 < W;
                    bool whole = h + 1 < H && w + 1 < W;
                    if (inside && (!whole || k != kept)) {
                        dy[(h + k / 2) * W + w + k % 2] = 0.0;
                    }
                }
            }
        }
    }
}

static double bound_of(const conv_case *c, double terms) {
    return c->exact ? 0.0 : WINOGRAD_BOUND * sqrt(terms);
}

/* The bound for errors of z: the same everywhere for Winograd. */
static double *make_z_bounds(const conv_case *c) {
    double *bounds = cnn_alloc(c->z_count, sizeof *bounds);
    assert_non_null(bounds);
    if (c->direct) {
        double *x = test_absolute_values(c->x, c->x_count);
        double *w = test_absolute_values(c->w, weight_count(c) + (size_t)c->size.K);
        cnn_reference_conv_forward(&c->size, x, w, w + weight_count(c), bounds);
        cnn_free(x);
        cnn_free(w);
    }
    for (size_t i = 0; i < c->z_count; i++) {
        bounds[i] = !c->direct ? bound_of(c, (double)filter_size(c))
                    : c->exact ? 0.0
                               : bounds[i] * DIRECT_BOUND;
    }
    return bounds;
}

/* Does the layer use the algorithm of the case? */
static bool serves(const conv_case *c) {
    const cnn_reference_conv *s = &c->size;
    cnn_node node = {.in = {.channels = s->C, .height = s->H, .width = s->W},
                     .out = {.channels = s->K, .height = s->OH, .width = s->OW}};
    cnn_conv_size size = {.kernel = s->R,
                          .stride = s->stride,
                          .groups = s->groups,
                          .padding = {.top = s->top, .left = s->left}};
    return c->direct || cnn_conv_winograd_serves(&node, &size);
}

/* The sides that the padding of the case means; size.top and size.left from them. */
static void find_sides(conv_case *c, int sides[4]) {
    cnn_reference_conv *s = &c->size;
    for (int i = 0; i < 4; i++) {
        int in = i % 2 == 0 ? s->H : s->W, odd = i / 2;
        int out = (in + s->stride - 1) / s->stride;
        int all = c->padding == CONV_SAME ? s->R - 1 : (out - 1) * s->stride + s->R - in;
        all = all > 0 ? all : 0;
        sides[i] = c->padding >= 0            ? c->padding
                   : c->padding == CONV_SIDES ? c->sides[i]
                                              : (all + odd) / 2;
    }
    s->top = sides[0];
    s->left = sides[1];
}

bool conv_case_create(conv_case *c) {
    cnn_reference_conv *s = &c->size;
    int sides[4];
    find_sides(c, sides);
    s->groups = s->groups > 0 ? s->groups : 1;
    if (s->H + sides[0] + sides[2] < s->R || s->W + sides[1] + sides[3] < s->R) {
        return false;
    }
    s->N = CNN_LANES;
    s->OH = outputs_along(s->H, s->R, s->stride, sides[0] + sides[2]);
    s->OW = outputs_along(s->W, s->R, s->stride, sides[1] + sides[3]);
    c->pooled_height = c->pool ? s->OH / 2 : s->OH;
    c->pooled_width = c->pool ? s->OW / 2 : s->OW;
    if (c->pooled_height < 1 || c->pooled_width < 1 || !serves(c)) {
        return false;
    }
    size_t planes = (size_t)s->N * (size_t)s->K;
    c->x_count = (size_t)s->N * (size_t)s->C * (size_t)s->H * (size_t)s->W;
    c->bias_count = c->no_bias ? 0 : (size_t)s->K;
    c->w_count = weight_count(c) + c->bias_count;
    c->z_count = planes * (size_t)s->OH * (size_t)s->OW;
    c->y_count = planes * (size_t)c->pooled_height * (size_t)c->pooled_width;
    c->x = data(c, c->x_count, 1);
    c->w = data(c, weight_count(c) + (size_t)s->K, 2);
    memset(c->w + c->w_count, 0, ((size_t)s->K - c->bias_count) * sizeof *c->w);
    c->dy = data(c, c->y_count, 3);
    if (c->sparse) {
        make_sparse(c, c->dy);
    }
    c->z = cnn_alloc(c->z_count, sizeof *c->z);
    assert_non_null(c->z);
    cnn_reference_conv_forward(s, c->x, c->w, c->w + weight_count(c), c->z);
    c->z_bounds = make_z_bounds(c);
    c->start[CONV_PLACES] = c->y_count;
    c->start[CONV_DX] = c->start[CONV_PLACES] + (c->pool ? c->y_count : 0);
    c->start[CONV_DW] = c->start[CONV_DX] + (c->first ? 0 : c->x_count);
    c->start[CONV_DB] = c->start[CONV_DW] + weight_count(c);
    c->start[CONV_PARTS] = c->start[CONV_DB] + c->bias_count;
    return true;
}

void conv_case_free(conv_case *c) {
    cnn_free(c->x);
    cnn_free(c->w);
    cnn_free(c->dy);
    cnn_free(c->z);
    cnn_free(c->z_bounds);
}

/* --- running the layer --- */

/* The node's number, in the graph as it runs: there is a layer with weights before it, so that dx
 * is wanted, or not. */
static int node_index(const conv_case *c) {
    return c->first ? 1 : 2;
}

static cnn_network *make_network(const conv_case *c, const cnn_kernels *kernels) {
    const cnn_reference_conv *s = &c->size;
    char text[256], front[48], padding[48], relu[48] = "";
    if (c->padding == CONV_SIDES) {
        (void)snprintf(padding, sizeof padding, "%d:%d:%d:%d", c->sides[0], c->sides[1],
                       c->sides[2], c->sides[3]);
    } else if (c->padding >= 0) {
        (void)snprintf(padding, sizeof padding, "%d", c->padding);
    } else {
        (void)snprintf(padding, sizeof padding, "%s",
                       c->padding == CONV_SAME ? "same" : "same_upper");
    }
    if (c->first) {
        (void)snprintf(front, sizeof front, "%dx%dx%d:", s->C, s->H, s->W);
    } else {
        (void)snprintf(front, sizeof front, "1x%dx%d: conv %d 1,", s->H, s->W, s->C);
    }
    if (c->relu) {
        (void)snprintf(relu, sizeof relu, "relu %g, ", c->relu_max);
    }
    (void)snprintf(text, sizeof text, "%s conv %d %d %d %s %d %s, %s%s%sflatten, dense 1, sigmoid",
                   front, s->K, s->R, s->stride, padding, s->groups, c->no_bias ? "false" : "true",
                   relu, c->pool ? "maxpool 2, " : "", c->after ? c->after : "");
    assert_int_equal(setenv("CNN_CONV", c->direct ? "direct" : "auto", 1), 0);
    cnn_network *network = test_network_create(text, kernels, CNN_NETWORK_FAST);
    assert_int_equal(unsetenv("CNN_CONV"), 0);
    const cnn_node *node = &network->fused.nodes[node_index(c)];
    assert_int_equal(node->out.height, c->size.OH);
    assert_int_equal(node->out.width, c->size.OW);
    assert_int_equal(node->parameter_count, c->w_count);
    assert_true((node->relu > 0) == c->relu);
    assert_true((node->pool > 0) == c->pool);
    assert_true(node->needs_dx == !c->first);
    assert_true((node->ops->work_size(node) == 0) == c->direct);
    return network;
}

/* Where the layer's numbers are in a workspace. */
typedef struct places {
    int own, last;              /* its instructions: the own one, and one after it … */
    const cnn_node_places *out; /* … that takes the gradient through the pooling */
    const cnn_block *x_block, *dx_block;
    float *x, *y, *dx, *dy, *dz, *kept, *work; /* dz: what the layer's backward gets */
    cnn_block kept_block;
    size_t work_size;
} places;

static places find_places(const conv_case *c, const cnn_network *network, float *workspace) {
    const cnn_plan *plan = &network->plan;
    const cnn_node *node = &network->fused.nodes[node_index(c)];
    places p = {.out = &plan->places[node_index(c)]};
    while (plan->instructions[p.own].layer.node != node) {
        p.own++;
    }
    bool unpools = c->pool && (c->first || !c->direct);
    bool has_epilogue = c->pool ? !unpools : c->relu;
    const cnn_instruction *own = &plan->instructions[p.own];
    assert_true(own->own && node->unpools == unpools);
    p.last = p.own + (has_epilogue && c->pool);
    assert_true(!has_epilogue || (!own[1].forward && own[1].backward && !own[1].own));
    assert_true(!c->pool || !has_epilogue || own[1].kept == own->kept);
    p.x_block = &own->layer.x_block[0];
    p.dx_block = &own->layer.dx_block[0];
    p.x = workspace + own->x[0];
    p.y = workspace + own->y;
    p.dx = c->first ? NULL : workspace + own->dx[0];
    p.dy = workspace + p.out->gradient.offset;
    p.dz = workspace + own->dy;
    assert_true((p.dz != p.dy) == (p.last > p.own));
    p.kept = workspace + own->kept;
    p.kept_block =
        (cnn_block){.channels = c->size.K,
                    .height = c->pooled_height,
                    .width = c->pooled_width,
                    .row_stride = (ptrdiff_t)c->pooled_width * CNN_LANES,
                    .plane_stride = (ptrdiff_t)c->pooled_height * c->pooled_width * CNN_LANES};
    p.work = workspace + plan->work_offset;
    p.work_size = node->ops->work_size(node);
    return p;
}

static void fill_with_nan(float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = NAN;
    }
}

/* All memory that may change: before the layer runs, and after its results have been read. */
static void poison(const conv_case *c, const places *p) {
    test_block_poison(&p->out->value.block, p->y);
    if (p->dx) {
        test_block_poison(p->dx_block, p->dx);
    }
    if (c->pool) {
        test_block_poison(&p->kept_block, p->kept);
    }
    if (p->dz != p->dy) {
        test_block_poison(&p->out->own_gradient.block, p->dz);
    }
    fill_with_nan(p->work, p->work_size);
}

/* Forward and backward; results: those in the workspace. gradients: [parameter_count], added to. */
static void pass(const conv_case *c, const cnn_network *network, const float *parameters,
                 float *gradients, double *results) {
    float *workspace = cnn_network_workspace(network, true);
    float *untouched = cnn_network_workspace(network, true);
    assert_non_null(workspace);
    assert_non_null(untouched);
    places p = find_places(c, network, workspace);
    const cnn_run run = {.plan = &network->plan,
                         .parameters = parameters,
                         .workspace = workspace,
                         .gradients = gradients};
    test_block_write(p.x_block, c->x, p.x);
    test_block_write(&p.out->gradient.block, c->dy, p.dy);
    poison(c, &p);
    memcpy(untouched, workspace, network->plan.workspace_size * sizeof *workspace);

    cnn_run_forward(&run, p.own, p.last + 1);
    fill_with_nan(p.work, p.work_size);
    cnn_run_backward(&run, p.own, p.last + 1);

    test_block_read(&p.out->value.block, p.y, results + c->start[CONV_Y]);
    if (c->pool) {
        test_block_read(&p.kept_block, p.kept, results + c->start[CONV_PLACES]);
    }
    if (p.dx) {
        test_block_read(p.dx_block, p.dx, results + c->start[CONV_DX]);
    }
    poison(c, &p);
    /* everything else is unchanged: borders are zero, inputs the same */
    assert_memory_equal(workspace, untouched, network->plan.workspace_size * sizeof *workspace);
    cnn_free(workspace);
    cnn_free(untouched);
}

/* The gradients of the layer are in the middle of the array; it must not change its neighbours. */
static void take_gradients(const conv_case *c, const cnn_network *network, const float *gradients,
                           double times, double *results) {
    const cnn_node *node = &network->fused.nodes[node_index(c)];
    for (size_t i = 0; i < network->parameter_count; i++) {
        size_t own = i - node->parameter_offset; /* huge before the layer */
        if (own < c->w_count) {
            results[c->start[CONV_DW] + own] = (double)gradients[i] / times;
        } else {
            assert_true(gradients[i] == 0.0f);
        }
    }
}

void conv_case_run(const conv_case *c, const cnn_kernels *kernels, double *results) {
    size_t count = c->start[CONV_PARTS];
    cnn_network *network = make_network(c, kernels);
    float *parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
    float *gradients = cnn_alloc(network->parameter_count, sizeof *gradients);
    double *again = cnn_alloc(count, sizeof *again);
    assert_non_null(parameters);
    assert_non_null(gradients);
    assert_non_null(again);
    for (size_t i = 0; i < c->w_count; i++) {
        parameters[network->fused.nodes[node_index(c)].parameter_offset + i] = (float)c->w[i];
    }
    cnn_network_prepare(network, parameters);
    pass(c, network, parameters, gradients, results);
    take_gradients(c, network, gradients, 1.0, results);
    /* again: everything is overwritten except dw and db, which are added to, so that they are
     * doubled */
    pass(c, network, parameters, gradients, again);
    take_gradients(c, network, gradients, 2.0, again);
    assert_memory_equal(again, results, count * sizeof *results);
    cnn_free(parameters);
    cnn_free(gradients);
    cnn_free(again);
    cnn_network_free(network);
}

/* --- the same in double --- */

static double ceiling(const conv_case *c) {
    return c->relu_max > 0.0 ? c->relu_max : HUGE_VAL;
}

/* dx (NULL: none), dw and db, one after the other, from the gradient of z. */
static void reference_backward(const conv_case *c, const double *x, const double *w,
                               const double *dz, double *results) {
    size_t dw = c->start[CONV_DW] - c->start[CONV_DX];
    size_t db = c->start[CONV_DB] - c->start[CONV_DX];
    cnn_reference_conv_backward(&c->size, x, w, dz, c->first ? NULL : results, results + dw,
                                c->no_bias ? NULL : results + db);
}

void conv_case_reference(const conv_case *c, double *results) {
    assert_false(c->pool);
    memset(results, 0, c->start[CONV_PARTS] * sizeof *results);
    memcpy(results, c->z, c->z_count * sizeof *results);
    if (c->relu) {
        cnn_reference_relu_forward(c->z_count, ceiling(c), results, results);
    }
    reference_backward(c, c->x, c->w, c->dy, results + c->start[CONV_DX]);
}

/* z after the ReLU, if there is one. */
static double rectified(const conv_case *c, double z) {
    return c->relu ? fmin(fmax(z, 0.0), ceiling(c)) : z;
}

/* One window's result and place; returns the place that its gradient belongs to, or -1. If values
 * are closer than the precision of float, any of them may be the maximum. */
static int check_window(const conv_case *c, size_t index, const size_t at[4], double y,
                        double place) {
    int best = 0;
    double bound = 0.0;
    for (int k = 0; k < 4; k++) {
        best = c->z[at[k]] > c->z[at[best]] ? k : best;
        bound = fmax(bound, c->z_bounds[at[k]]);
    }
    double largest = c->z[at[best]];
    test_near("pooled y", index, y, rectified(c, largest), bound);
    if (c->relu && !(y > 0.0 && y < ceiling(c))) {
        test_near("place of no maximum", index, place, (double)CNN_POOL_NONE, 0.0);
        return -1;
    }
    if (!(place == 0.0 || place == 1.0 || place == 2.0 || place == 3.0)) {
        fail_msg("place[%zu]: expected 0 to 3, got %g", index, place);
    }
    if (c->exact) {
        test_near("place", index, place, best, 0.0);
    }
    test_near("z at the place", index, c->z[at[(int)place]], largest, 2.0 * bound);
    return (int)place;
}

/* Checks y, and gives the gradient of z. */
static void check_forward(const conv_case *c, const double *got, double *dz) {
    const cnn_reference_conv *s = &c->size;
    if (!c->pool) {
        for (size_t i = 0; i < c->z_count; i++) {
            test_near("y", i, got[i], rectified(c, c->z[i]), c->z_bounds[i]);
        }
        memcpy(dz, c->dy, c->z_count * sizeof *dz);
        return;
    }
    size_t index = 0, width = (size_t)s->OW;
    for (size_t plane = 0; plane < (size_t)s->N * (size_t)s->K; plane++) {
        for (size_t h = 0; h < (size_t)c->pooled_height; h++) {
            for (size_t w = 0; w < (size_t)c->pooled_width; w++, index++) {
                size_t first = (plane * (size_t)s->OH + 2 * h) * width + 2 * w;
                const size_t at[4] = {first, first + 1, first + width, first + width + 1};
                int place =
                    check_window(c, index, at, got[index], got[c->start[CONV_PLACES] + index]);
                if (place >= 0) {
                    dz[at[place]] = c->dy[index];
                }
            }
        }
    }
}

static void check(const conv_case *c, const double *got) {
    static const char *const names[] = {"y", "places", "dx", "dw", "db"};
    size_t gradients = c->start[CONV_DX];
    size_t count = c->start[CONV_PARTS] - gradients;
    double *dz = cnn_alloc(c->z_count, sizeof *dz);
    double *want = cnn_alloc(count, sizeof *want);
    double *sizes = cnn_alloc(count, sizeof *sizes);
    assert_non_null(dz);
    assert_non_null(want);
    assert_non_null(sizes);
    check_forward(c, got, dz);
    reference_backward(c, c->x, c->w, dz, want);
    if (c->direct) {
        double *x = test_absolute_values(c->x, c->x_count);
        double *w = test_absolute_values(c->w, weight_count(c));
        double *slopes = test_absolute_values(dz, c->z_count);
        reference_backward(c, x, w, slopes, sizes);
        cnn_free(x);
        cnn_free(w);
        cnn_free(slopes);
    }
    double pixels = (double)(c->z_count / (size_t)c->size.K);
    const double terms[CONV_PARTS] = {
        [CONV_DX] = 9.0 * c->size.K, [CONV_DW] = pixels, [CONV_DB] = pixels};
    for (int part = CONV_DX; part < CONV_PARTS; part++) {
        for (size_t i = c->start[part]; i < c->start[part + 1]; i++) {
            double bound = !c->direct ? bound_of(c, terms[part])
                           : c->exact ? 0.0
                                      : DIRECT_BOUND * sizes[i - gradients];
            test_near(names[part], i - c->start[part], got[i], want[i - gradients], bound);
        }
    }
    cnn_free(dz);
    cnn_free(want);
    cnn_free(sizes);
}

/* One instruction set is compared with double, and the others with it. */
static void run(const void *test_case, const cnn_kernels *kernels, double *got) {
    conv_case_run(test_case, kernels, got);
    if (kernels->isa == CNN_ISA_GENERIC) {
        check(test_case, got);
    }
}

bool conv_case_test(conv_case c) {
    if (!conv_case_create(&c)) {
        return false;
    }
    test_all_instruction_sets(&c, run, c.start[CONV_PARTS]);
    conv_case_free(&c);
    return true;
}
