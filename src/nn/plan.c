#include "nn/plan.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/plan_reuse.h"

/* A plan that is being made. */
typedef struct planner {
    const cnn_graph *original, *graph;
    const cnn_kernels *kernels;
    cnn_network_mode mode;
    cnn_plan *plan;
    int end; /* nodes to plan: all but the last sigmoid, which is the loss's */
    /* The memory of gradients, rising, if it is used several times; else NULL. */
    cnn_lifetime *gradients;
    int gradient_count;
} planner;

static const cnn_place nowhere = {.offset = CNN_NOWHERE};

/* --- places --- */

/* Zeros around a block: rows above and columns to the left; below and to the right. spread: the
 * planes are not a multiple of a power of two apart. A convolution reads the same pixel of all of
 * them; otherwise, these would compete for a few lines of the caches. */
typedef struct border {
    int before, after;
    bool spread;
} border;

static const border no_border = {0, 0, false};

enum { SPREAD_MIN = 64 }; /* pixels of a plane: fewer are no problem */

/* Reserves space for a shape with a border. */
static cnn_place place_block(cnn_plan *plan, const cnn_shape *shape, const border *around) {
    int before = around->before;
    ptrdiff_t rows = shape->height + before + around->after;
    ptrdiff_t columns = shape->width + before + around->after;
    ptrdiff_t pixels = rows * columns; /* a pixel is a line of a cache */
    if (around->spread && pixels >= SPREAD_MIN && pixels % 2 == 0) {
        pixels++;
    }
    cnn_place place = {.block = {.channels = shape->channels,
                                 .height = shape->height,
                                 .width = shape->width,
                                 .row_stride = columns * CNN_LANES,
                                 .plane_stride = pixels * CNN_LANES}};
    place.offset = plan->workspace_size +
                   (size_t)(before * place.block.row_stride + (ptrdiff_t)before * CNN_LANES);
    plan->workspace_size += (size_t)(place.block.plane_stride * shape->channels);
    return place;
}

static bool has_border(const cnn_block *block) {
    return block->row_stride != (ptrdiff_t)block->width * CNN_LANES ||
           block->plane_stride != block->height * block->row_stride;
}

/* The same memory with another shape of as many values, if the node has one. */
static cnn_place alias(const cnn_node *node, const cnn_place *place) {
    cnn_place same = *place;
    if (node->ops->aliases_input) {
        same.block = (cnn_block){.channels = node->stored.channels,
                                 .height = 1,
                                 .width = 1,
                                 .row_stride = CNN_LANES,
                                 .plane_stride = CNN_LANES};
    }
    return same;
}

/* Does a backward pass read what the node stores? (Not that of a pooled ReLU: the places of the
 * maxima say where it is 0.) */
static bool value_is_needed(const planner *p, const cnn_node *node) {
    return node->ops->backward_reads_output ||
           (node->relu && !node->pool && p->original->nodes[node->relu].ops->backward_reads_output);
}

/* Chooses the nodes that store into the memory of their input: only if nothing else needs the
 * input; a node that changes no value may if nothing else reads it. */
static void share_buffers(planner *p, bool *frozen) {
    cnn_node_places *places = p->plan->places;
    for (int n = 0; n < p->end; n++) {
        const cnn_node *node = &p->graph->nodes[n];
        int input = node->input[0], reader;
        bool shares = n > 0 && node->ops->in_place && p->mode != CNN_NETWORK_STEPWISE &&
                      (node->ops->aliases_input ? cnn_graph_readers(p->graph, input, &reader) == 1
                                                : !frozen[input]);
        places[n].buffer = shares ? places[input].buffer : n;
        frozen[n] = cnn_graph_readers(p->graph, n, &reader) > 1 || value_is_needed(p, node) ||
                    (shares && frozen[input]);
    }
}

/* The zeros around a buffer: the largest number that any node reading it from another buffer needs.
 */
static border find_border(const planner *p, int buffer) {
    const cnn_node_places *places = p->plan->places;
    border around = {0, 0, false};
    for (int r = buffer + 1; r < p->end; r++) {
        const cnn_node *node = &p->graph->nodes[r];
        for (int k = 0; k < node->input_count && node->ops->input_border; k++) {
            int above, below;
            if (places[node->input[k]].buffer == buffer && places[r].buffer == r) {
                node->ops->input_border(node, &above, &below);
                around.before = above > around.before ? above : around.before;
                around.after = below > around.after ? below : around.after;
                around.spread = true;
            }
        }
    }
    return around;
}

static void place_values(planner *p) {
    cnn_node_places *places = p->plan->places;
    for (int n = 0; n < p->end; n++) {
        const cnn_node *node = &p->graph->nodes[n];
        if (places[n].buffer != n) {
            places[n].value = alias(node, &places[node->input[0]].value);
            continue;
        }
        const border around = find_border(p, n);
        places[n].start = p->plan->workspace_size;
        places[n].value = place_block(p->plan, &node->stored, &around);
        places[n].size = p->plan->workspace_size - places[n].start;
    }
}

static size_t kept_size(const cnn_node *node) {
    return node->ops->kept_size ? node->ops->kept_size(node) : 0;
}

/* Memory kept from forward to backward, and the scratch memory, which all layers use in turn.
 * Prediction needs both, so they come before the gradients. */
static void place_layer_memory(planner *p) {
    cnn_plan *plan = p->plan;
    for (int n = 0; n < p->end; n++) {
        const cnn_node *node = &p->graph->nodes[n];
        size_t work = node->ops->work_size ? node->ops->work_size(node) : 0;
        plan->work_size = work > plan->work_size ? work : plan->work_size;
        plan->places[n].kept = plan->workspace_size;
        plan->places[n].kept_size =
            kept_size(node) + (node->pool ? kept_size(&p->original->nodes[node->pool]) : 0);
        plan->workspace_size += plan->places[n].kept_size;
    }
    plan->work_offset = plan->workspace_size;
    plan->workspace_size += plan->work_size;
    plan->forward_size = plan->separate_size = plan->workspace_size;
}

/* The border of the gradient of a node's output. */
static border gradient_border(const cnn_node *node) {
    border around = no_border;
    if (node->ops->gradient_border && node->needs_dx) {
        node->ops->gradient_border(node, &around.before, &around.after);
        around.spread = true;
    }
    return around;
}

static cnn_place place_gradient(planner *p, const cnn_shape *shape, const border *around) {
    size_t start = p->plan->workspace_size;
    cnn_place place = place_block(p->plan, shape, around);
    if (p->gradients) {
        p->gradients[p->gradient_count++] =
            (cnn_lifetime){.size = p->plan->workspace_size - start, .offset = start};
    }
    return place;
}

/* The gradient of the output of a node is the sum of the parts of its readers. The part of the
 * first reader is where the sum will be; each other part has its own place, which is that of the
 * reader's own gradient if the reader passes it on unchanged. */
static void place_gradients_of(planner *p, int n) {
    const cnn_node *node = &p->graph->nodes[n];
    cnn_node_places *places = p->plan->places, *mine = &places[n];
    for (int k = 0; k < node->input_count; k++) {
        const cnn_node *input = &p->graph->nodes[node->input[k]];
        if (input->has_gradient && cnn_graph_reads_first(p->graph, n, k)) {
            mine->dx[k] = places[node->input[k]].gradient;
        } else if (input->has_gradient && !node->ops->passes_gradient) {
            mine->dx[k] = place_gradient(p, &input->stored, &no_border);
        }
    }
    if (node->ops->in_place && mine->dx[0].offset != CNN_NOWHERE &&
        p->mode != CNN_NETWORK_STEPWISE &&
        !(node->ops->aliases_input && has_border(&mine->dx[0].block))) {
        mine->gradient = alias(node, &mine->dx[0]);
    } else {
        const border around = node->pool ? no_border : gradient_border(node);
        mine->gradient = place_gradient(p, &node->stored, &around);
    }
    mine->own_gradient = mine->gradient;
    if (node->pool && !node->unpools) {
        const border around = gradient_border(node);
        mine->own_gradient = place_gradient(p, &node->out, &around);
    }
    for (int k = 0; k < node->input_count; k++) {
        if (p->graph->nodes[node->input[k]].has_gradient && mine->dx[k].offset == CNN_NOWHERE) {
            mine->dx[k] = mine->gradient;
        }
    }
}

static void place_all(planner *p, bool *frozen) {
    for (int n = 0; n < p->graph->node_count; n++) {
        p->plan->places[n] = (cnn_node_places){.value = nowhere,
                                               .gradient = nowhere,
                                               .own_gradient = nowhere,
                                               .dx = {nowhere, nowhere}};
    }
    share_buffers(p, frozen);
    place_values(p);
    place_layer_memory(p);
    for (int n = 0; n < p->end; n++) {
        if (p->graph->nodes[n].has_gradient) {
            place_gradients_of(p, n);
        }
    }
}

/* --- instructions --- */

static void copy_forward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_block_copy(&layer->x_block[0], pass->x[0], &layer->y_block, pass->y);
}

static void copy_backward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_block_copy(&layer->dy_block, pass->dy, &layer->dx_block[0], pass->dx[0]);
}

static void add_backward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_block_add(&layer->dy_block, pass->dy, &layer->dx_block[0], pass->dx[0]);
}

/* An instruction of one input, without operations. */
static cnn_instruction *emit(planner *p, const cnn_node *node, const cnn_place *x,
                             const cnn_place *y, const cnn_place *dy, const cnn_place *dx) {
    cnn_instruction *instruction = &p->plan->instructions[p->plan->instruction_count++];
    *instruction = (cnn_instruction){.layer = {.node = node,
                                               .kernels = p->kernels,
                                               .x_block = {x->block},
                                               .y_block = y->block,
                                               .dy_block = dy->block,
                                               .dx_block = {dx->block}},
                                     .x = {x->offset, CNN_NOWHERE},
                                     .y = y->offset,
                                     .dy = dy->offset,
                                     .dx = {dx->offset, CNN_NOWHERE}};
    return instruction;
}

/* The operation of node n itself. */
static cnn_instruction *emit_own(planner *p, int n) {
    const cnn_node *node = &p->graph->nodes[n];
    const cnn_node_places *places = p->plan->places, *mine = &places[n];
    const cnn_place *x = node->ops->in_place ? &mine->value : &places[node->input[0]].value;
    const cnn_place *dy = node->ops->in_place ? &mine->dx[0] : &mine->own_gradient;
    cnn_instruction *instruction = emit(p, node, x, &mine->value, dy, &mine->dx[0]);
    for (int k = 1; k < node->input_count; k++) {
        instruction->layer.x_block[k] = places[node->input[k]].value.block;
        instruction->layer.dx_block[k] = mine->dx[k].block;
        instruction->x[k] = places[node->input[k]].value.offset;
        instruction->dx[k] = mine->dx[k].offset;
    }
    instruction->own = true;
    instruction->kept = mine->kept;
    instruction->shared = p->plan->shared_size;
    bool wants_dx = instruction->dx[0] != CNN_NOWHERE || instruction->dx[1] != CNN_NOWHERE;
    instruction->forward = node->ops->forward;
    instruction->backward =
        node->has_gradient && (wants_dx || node->parameter_count > 0) ? node->ops->backward : NULL;
    return instruction;
}

static void end_stage(planner *p, const cnn_layer *batch) {
    cnn_plan *plan = p->plan;
    int first = plan->stage_count > 0 ? plan->stages[plan->stage_count - 1].last : 0;
    plan->stages[plan->stage_count++] = (cnn_stage){.first = first,
                                                    .last = plan->instruction_count,
                                                    .batch = batch,
                                                    .shared = plan->shared_size};
}

/* A layer that sees the whole batch is two instructions, with the end of a stage between them:
 * forward, the first gathers and the second applies the result; backward, in reverse. */
static void emit_batch(planner *p, int n) {
    const cnn_batch_ops *batch = p->graph->nodes[n].ops->batch;
    cnn_instruction *before = emit_own(p, n);
    before->forward = batch->gather;
    before->backward = before->dx[0] != CNN_NOWHERE ? batch->backward : NULL;
    end_stage(p, &before->layer);
    cnn_instruction *after = emit_own(p, n);
    after->forward = batch->forward;
    after->backward = batch->gather_gradient;
    after->own = false; /* it counts once */
    p->plan->shared_size += batch->shared_size(before->layer.node);
    size_t sums = batch->sums_size(before->layer.node);
    p->plan->sums_size = sums > p->plan->sums_size ? sums : p->plan->sums_size;
}

/* Does the backward pass of the node's own operation undo the epilogues that forward applied? */
static bool undoes_epilogues(const planner *p, const cnn_node *node) {
    bool in_batches = node->ops->batch && p->mode != CNN_NETWORK_PREDICT;
    return node->pool ? node->unpools : in_batches && node->ops->batch->undoes_relu;
}

/* The part of backward that remains for the epilogues that forward applied. */
static void emit_epilogues(planner *p, int n) {
    const cnn_node *node = &p->graph->nodes[n];
    const cnn_node_places *mine = &p->plan->places[n];
    int fused = node->pool ? node->pool : node->relu;
    if (fused > 0 && node->has_gradient && !undoes_epilogues(p, node)) {
        const cnn_node *epilogue = &p->original->nodes[fused];
        cnn_instruction *instruction =
            emit(p, epilogue, &nowhere, &mine->value, &mine->gradient, &mine->own_gradient);
        instruction->kept = mine->kept;
        instruction->backward = epilogue->ops->backward;
    }
}

/* Adds the parts of a gradient from readers other than the first; in backward, which runs in
 * reverse, in the order of the readers. */
static void emit_sum_of_gradients(planner *p, int n) {
    for (int r = p->end - 1; r > n && p->graph->nodes[n].has_gradient; r--) {
        const cnn_node *reader = &p->graph->nodes[r];
        for (int k = reader->input_count - 1; k >= 0; k--) {
            if (reader->input[k] == n && !cnn_graph_reads_first(p->graph, r, k)) {
                emit(p, &p->graph->nodes[n], &nowhere, &nowhere, &p->plan->places[r].dx[k],
                     &p->plan->places[n].gradient)
                    ->backward = add_backward;
            }
        }
    }
}

/* Zeros around what node n will store, where other values may have been. */
static void emit_clearing(planner *p, int n) {
    const cnn_node_places *mine = &p->plan->places[n];
    const cnn_place whole = {.block = mine->value.block, .offset = mine->start};
    if (p->mode == CNN_NETWORK_PREDICT && mine->buffer == n && has_border(&mine->value.block)) {
        emit(p, &p->graph->nodes[n], &mine->value, &whole, &nowhere, &nowhere)->forward =
            cnn_plan_clear_border;
    }
}

/* Zeros around the gradient that a node's own operation reads, where other gradients may have been.
 */
static void emit_gradient_clearing(planner *p, int n) {
    const cnn_place *own = &p->plan->places[n].own_gradient;
    const border around = gradient_border(&p->graph->nodes[n]);
    if (p->gradients && own->offset != CNN_NOWHERE && around.before + around.after > 0) {
        ptrdiff_t before = around.before * (own->block.row_stride + CNN_LANES);
        const cnn_place whole = {.block = own->block, .offset = own->offset - (size_t)before};
        emit(p, &p->graph->nodes[n], own, &whole, &nowhere, &nowhere)->backward =
            cnn_plan_clear_border;
    }
}

static void emit_node(planner *p, int n) {
    const cnn_node *node = &p->graph->nodes[n];
    const cnn_node_places *mine = &p->plan->places[n];
    emit_clearing(p, n);
    if (node->ops->in_place && mine->buffer == n) {
        const cnn_place *x = &p->plan->places[node->input[0]].value;
        emit(p, node, x, &mine->value, &nowhere, &nowhere)->forward = copy_forward;
    }
    if (node->ops->batch && p->mode != CNN_NETWORK_PREDICT) {
        emit_batch(p, n);
    } else if (node->ops->forward) {
        (void)emit_own(p, n);
    }
    emit_gradient_clearing(p, n);
    if (node->ops->in_place && mine->dx[0].offset != CNN_NOWHERE &&
        mine->gradient.offset != mine->dx[0].offset) {
        emit(p, node, &nowhere, &nowhere, &mine->gradient, &mine->dx[0])->backward = copy_backward;
    }
    emit_epilogues(p, n);
    emit_sum_of_gradients(p, n);
}

static void emit_all(planner *p) {
    emit_clearing(p, 0);
    emit_sum_of_gradients(p, 0); /* of the input, which has one in the head of a network */
    for (int n = 1; n < p->end; n++) {
        emit_node(p, n);
    }
    end_stage(p, NULL);
}

static cnn_status plan_layers(cnn_plan *plan, cnn_error *error) {
    for (int i = 0; i < plan->instruction_count; i++) {
        cnn_layer *layer = &plan->instructions[i].layer;
        if (plan->instructions[i].own && layer->node->ops->plan) {
            CNN_TRY(layer->node->ops->plan(layer, error));
        }
    }
    return CNN_OK;
}

/* Places, instructions and layers. */
static cnn_status fill(planner *p, bool *frozen, cnn_error *error) {
    place_all(p, frozen);
    /* the head of a network runs backward, too, which reads the values */
    if (p->mode == CNN_NETWORK_PREDICT && !p->graph->nodes[0].has_gradient) {
        CNN_TRY(cnn_plan_reuse(p->graph, p->end, p->plan, error));
    }
    emit_all(p);
    if (p->gradients) {
        CNN_TRY(cnn_plan_reuse_gradients(p->gradients, p->gradient_count,
                                         cnn_graph_result(p->graph), p->end, p->plan, error));
    }
    return plan_layers(p->plan, error);
}

/* Do all blocks of a batch keep their memory during a step, because a layer sees the whole batch?
 * Then it is worth while to use the memory of gradients several times. */
static bool keeps_blocks(const cnn_graph *graph) {
    for (int n = 0; n < graph->node_count; n++) {
        if (graph->nodes[n].ops->batch) {
            return true;
        }
    }
    return false;
}

cnn_status cnn_plan_create(const cnn_graph *original, const cnn_graph *graph,
                           const cnn_kernels *kernels, cnn_network_mode mode, cnn_plan *plan,
                           cnn_error *error) {
    /* zeros 2, copies 2, halves 2, an epilogue, sums of 2 inputs */
    enum { INSTRUCTIONS_PER_NODE = 9, GRADIENTS_PER_NODE = 2 + CNN_NODE_INPUTS_MAX };
    planner p = {.original = original,
                 .graph = graph,
                 .kernels = kernels,
                 .mode = mode,
                 .plan = plan,
                 .end = graph->node_count - 1};
    size_t count = (size_t)graph->node_count;
    bool *frozen = cnn_alloc(count, sizeof *frozen), reserved = true;
    *plan = (cnn_plan){
        .places = cnn_alloc(count, sizeof *plan->places),
        .instructions = cnn_alloc(INSTRUCTIONS_PER_NODE * count, sizeof *plan->instructions),
        .stages = cnn_alloc(count, sizeof *plan->stages),
    };
    if (keeps_blocks(graph) && mode == CNN_NETWORK_FAST) {
        p.gradients = cnn_alloc(GRADIENTS_PER_NODE * count, sizeof *p.gradients);
        reserved = p.gradients != NULL;
    }
    cnn_status status = reserved && frozen && plan->places && plan->instructions && plan->stages
                            ? fill(&p, frozen, error)
                            : cnn_fail_memory(error, "the network's plan");
    cnn_free(p.gradients);
    cnn_free(frozen);
    if (status != CNN_OK) {
        cnn_plan_free(plan);
    }
    return status;
}

void cnn_plan_free(cnn_plan *plan) {
    for (int i = 0; i < plan->instruction_count; i++) {
        cnn_layer *layer = &plan->instructions[i].layer;
        if (layer->plan) {
            layer->node->ops->free_plan(layer);
        }
    }
    cnn_free(plan->places);
    cnn_free(plan->instructions);
    cnn_free(plan->stages);
    *plan = (cnn_plan){0};
}
