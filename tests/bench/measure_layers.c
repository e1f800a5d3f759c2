#include "measure.h"

#include "base/error.h"
#include "nn/loss.h"
#include "base/memory.h"
#include "nn/run.h"

#include <stdio.h>
#include <string.h>

enum { REPETITIONS_MAX = 1000 };

/* Measurements apart from the layers, in this order; then, for each instruction, its directions.
 * BACKWARD is all of an instruction's backward pass, WEIGHT the part that gives the gradients of
 * its weights. */
enum { WHOLE_STEP, PREPARE, FILL, LOSS, OPTIMIZER, LAYER_CELLS };
enum { FORWARD, BACKWARD, WEIGHT, DIRECTIONS };

typedef struct layer_clock {
    bench_workload *workload;
    float *workspace, *gradients;
    double *samples; /* [cells][REPETITIONS_MAX], seconds */
    int repetition;
    double clock_cost; /* seconds that reading the clock takes */
    double last;       /* the end of what was timed before */
} layer_clock;

static int layer_cell(int instruction, int direction) {
    return LAYER_CELLS + instruction * DIRECTIONS + direction;
}

static void record(layer_clock *c, int cell, double seconds) {
    seconds -= c->clock_cost;
    c->samples[(size_t)cell * REPETITIONS_MAX + (size_t)c->repetition] =
        seconds > 0.0 ? seconds : 0.0;
}

/* The median of a cell; sorts it. */
static double cell_median(layer_clock *c, int cell) {
    return bench_median(c->samples + (size_t)cell * REPETITIONS_MAX, (size_t)c->repetition);
}

/* Times what ran since the last call. */
static void lap(layer_clock *c, int cell) {
    double now = bench_now();
    record(c, cell, now - c->last);
    c->last = bench_now();
}

/* --- the passes, an instruction at a time --- */

static cnn_run run_of(const layer_clock *c) {
    const cnn_step *step = &c->workload->step;
    return (cnn_run){.plan = &step->network->plan,
                     .parameters = step->parameters,
                     .workspace = c->workspace,
                     .gradients = c->gradients};
}

/* Does backward give both gradients, so that one has to be timed alone? */
static bool has_both(const cnn_instruction *instruction) {
    return instruction->own && instruction->layer.node->parameter_count > 0 &&
           instruction->dx[0] != CNN_NOWHERE;
}

/* Forward, up to the gradient of the logits. timed: record it. */
static void forward(layer_clock *c, bool timed, float logit_gradients[CNN_LANES]) {
    bench_workload *w = c->workload;
    const cnn_network *network = w->step.network;
    const cnn_run run = run_of(c);
    int count = w->batch_size < CNN_LANES ? (int)w->batch_size : CNN_LANES;
    uint8_t labels[CNN_LANES] = {0};
    const cnn_block *block;
    float *x = cnn_network_input(network, c->workspace, &block);
    c->last = bench_now();
    w->source.fill(w->source.context, w->next, count, block, x, labels);
    if (timed) {
        lap(c, FILL);
    }
    for (int i = 0; i < network->plan.instruction_count; i++) {
        cnn_run_forward(&run, i, i + 1);
        if (timed) {
            lap(c, layer_cell(i, FORWARD));
        }
    }
    const float *logits = cnn_network_result(network, c->workspace);
    volatile double loss = 0.0; /* unused results would not be computed */
    for (int i = 0; i < CNN_LANES; i++) {
        logit_gradients[i] =
            i < count ? cnn_loss_gradient(logits[i], labels[i], (int)w->batch_size) : 0.0f;
        loss = loss + cnn_loss(logits[i], labels[i]) + (double)cnn_probability(logits[i]);
    }
    if (timed) {
        lap(c, LOSS);
    }
}

static void backward(layer_clock *c, const float logit_gradients[CNN_LANES]) {
    const cnn_network *network = c->workload->step.network;
    const cnn_run run = run_of(c);
    cnn_network_set_logit_gradients(network, c->workspace, logit_gradients);
    c->last = bench_now();
    for (int i = network->plan.instruction_count - 1; i >= 0; i--) {
        cnn_run_backward(&run, i, i + 1);
        lap(c, layer_cell(i, BACKWARD));
    }
}

/* The same, with an extra computation of the gradients of weights only: this is timed. */
static void backward_weights(layer_clock *c, const float logit_gradients[CNN_LANES]) {
    const cnn_network *network = c->workload->step.network;
    const cnn_run run = run_of(c);
    cnn_network_set_logit_gradients(network, c->workspace, logit_gradients);
    for (int i = network->plan.instruction_count - 1; i >= 0; i--) {
        const cnn_instruction *instruction = &network->plan.instructions[i];
        if (has_both(instruction)) {
            cnn_pass pass = cnn_run_pass(&run, instruction);
            pass.dx[0] = NULL;
            c->last = bench_now();
            instruction->backward(&instruction->layer, &pass);
            lap(c, layer_cell(i, WEIGHT));
        }
        cnn_run_backward(&run, i, i + 1);
    }
}

/* A step as it is, and the same piece by piece. */
static void repeat(layer_clock *c) {
    bench_workload *w = c->workload;
    cnn_step *step = &w->step;
    _Alignas(CNN_ALIGNMENT) float logit_gradients[CNN_LANES];
    bench_workload_restart(w);
    w->next = (size_t)c->repetition * w->batch_size % w->image_count;
    c->last = bench_now();
    (void)bench_workload_step(w);
    lap(c, WHOLE_STEP);
    cnn_network_prepare(step->network, step->parameters);
    lap(c, PREPARE);
    forward(c, true, logit_gradients);
    backward(c, logit_gradients);
    forward(c, false, logit_gradients); /* backward may have used its scratch */
    backward_weights(c, logit_gradients);
    c->last = bench_now();
    cnn_update update = {.rate = step->learning_rate, .number = step->number, .scale = 1.0};
    cnn_optimizer_step(step->optimizer, NULL, &update, step->network->parameter_count, c->gradients,
                       step->optimizer_state, step->parameters);
    lap(c, OPTIMIZER);
}

static double clock_cost(void) {
    double cost = 1.0;
    for (int i = 0; i < 1000; i++) {
        double begin = bench_now();
        double took = bench_now() - begin;
        cost = took < cost ? took : cost;
    }
    return cost;
}

static void repeat_for(layer_clock *c, double seconds) {
    double begin = bench_now();
    repeat(c); /* warm-up: counts only if there is no time for another */
    if (bench_now() - begin >= seconds) {
        c->repetition = 1;
        return;
    }
    while (c->repetition == 0 ||
           (c->repetition < REPETITIONS_MAX && bench_now() - begin < seconds)) {
        repeat(c);
        c->repetition++;
    }
}

/* --- rows --- */

typedef struct row_list {
    bench_layer_row *rows;
    int count;
    double step; /* seconds of a step, for a block */
} row_list;

static bench_layer_row *add_row(row_list *list, const char *name, const char *direction,
                                double seconds) {
    bench_layer_row *row = &list->rows[list->count++];
    (void)snprintf(row->layer, sizeof row->layer, "%s", name);
    row->direction = direction;
    row->seconds = seconds;
    row->share = seconds / list->step;
    return row;
}

/* "0 conv+relu+maxpool" */
static void name_row(const cnn_network *network, const cnn_node *node, char *name, size_t size) {
    const int fused[] = {node->relu, node->pool};
    int length = snprintf(name, size, "%d %s", node->serial, node->ops->name);
    for (size_t i = 0; i < sizeof fused / sizeof *fused; i++) {
        if (fused[i] > 0 && length < (int)size) {
            length += snprintf(name + length, size - (size_t)length, "+%s",
                               network->graph.nodes[fused[i]].ops->name);
        }
    }
}

/* Rows of the node whose own instruction is `first`, and of what follows up to the next node's;
 * returns how many instructions these are. *sum grows by their time. */
static int add_layer(layer_clock *c, row_list *list, int first, double *sum) {
    const cnn_network *network = c->workload->step.network;
    const cnn_instruction *instructions = network->plan.instructions;
    const cnn_node *node = instructions[first].layer.node;
    char name[sizeof list->rows->layer];
    double forward_time = 0.0, backward_time = 0.0;
    int next = first;
    do {
        forward_time += cell_median(c, layer_cell(next, FORWARD));
        backward_time += cell_median(c, layer_cell(next, BACKWARD));
        next++;
    } while (next < network->plan.instruction_count && !instructions[next].own);
    name_row(network, node, name, sizeof name);
    bool weights = node->parameter_count > 0;
    double flops = weights ? cnn_node_flops(node) * CNN_LANES : 0.0;
    bench_layer_row *row = add_row(list, name, "forward", forward_time);
    row->flops = flops;
    row->out = node->stored;
    double weight_time = !weights ? 0.0
                         : has_both(&instructions[first])
                             ? cell_median(c, layer_cell(first, WEIGHT))
                             : cell_median(c, layer_cell(first, BACKWARD));
    if (weights) {
        row = add_row(list, name, "weight", weight_time);
        row->flops = flops;
        row->out = node->stored;
    }
    if (node->needs_dx || next > first + 1) { /* through joined layers, if nothing else */
        row = add_row(list, name, "data", backward_time - weight_time);
        row->flops = node->needs_dx ? flops : 0.0;
        row->out = node->stored;
    }
    *sum += forward_time + backward_time;
    return next - first;
}

static void add_rows(layer_clock *c, row_list *list) {
    const bench_workload *w = c->workload;
    double blocks = (double)((w->batch_size + CNN_LANES - 1) / CNN_LANES);
    list->step = cell_median(c, WHOLE_STEP) / blocks;
    double sum = 0.0;
    const struct {
        const char *name;
        double seconds;
    } others[] = {{"prepare", cell_median(c, PREPARE) / blocks},
                  {"fill", cell_median(c, FILL)},
                  {"loss", cell_median(c, LOSS)},
                  {"optimizer", cell_median(c, OPTIMIZER) / blocks}};
    for (int i = 0; i < w->step.network->plan.instruction_count;) {
        i += add_layer(c, list, i, &sum);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        (void)add_row(list, others[i].name, "step", others[i].seconds);
        sum += others[i].seconds;
    }
    /* clearing gradients and adding them up, distributing blocks */
    (void)add_row(list, "rest", "step", list->step - sum);
    add_row(list, "whole step", "step", list->step)->flops =
        bench_step_flops(w->step.network) * (double)w->batch_size / blocks;
}

cnn_status bench_layers(bench_workload *workload, double seconds, bench_layer_row **rows,
                        int *count, cnn_error *error) {
    const cnn_network *network = workload->step.network;
    if (network->plan.stage_count > 1) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected a network whose layers look at each image alone, to be timed "
                        "layer by layer; --no-layers times whole steps of others");
    }
    size_t layers = (size_t)network->plan.instruction_count;
    size_t cells = LAYER_CELLS + layers * DIRECTIONS;
    row_list list = {.rows = cnn_alloc(layers * DIRECTIONS + LAYER_CELLS + 1, sizeof *list.rows)};
    layer_clock c = {
        .workload = workload,
        .workspace = cnn_network_workspace(network, true),
        .gradients = cnn_alloc(network->parameter_count, sizeof *c.gradients),
        .samples = cnn_alloc(cells * REPETITIONS_MAX, sizeof *c.samples),
        .clock_cost = clock_cost(),
    };
    cnn_status status = CNN_OK;
    if (!list.rows || !c.workspace || !c.gradients || !c.samples) {
        status = cnn_fail_memory(error, "measurements");
        cnn_free(list.rows);
    } else {
        repeat_for(&c, seconds);
        add_rows(&c, &list);
        *rows = list.rows;
        *count = list.count;
    }
    cnn_free(c.workspace);
    cnn_free(c.gradients);
    cnn_free(c.samples);
    return status;
}
