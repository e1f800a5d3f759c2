#include "nn/plan_reuse.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* --- lifetimes --- */

static bool share_a_step(const cnn_lifetime *a, const cnn_lifetime *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* The largest lifetime without a place, the first one of several; -1: there is none. */
static int largest(const cnn_lifetime *lifetimes, const bool *placed, int count) {
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (!placed[i] && (best < 0 || lifetimes[i].size > lifetimes[best].size)) {
            best = i;
        }
    }
    return best;
}

/* The offset for a lifetime. order[placed]: those that have one, by increasing offset. */
static size_t find_gap(const cnn_lifetime *lifetimes, const int *order, int placed,
                       const cnn_lifetime *wanted) {
    size_t end = 0, gap = SIZE_MAX, offset = SIZE_MAX; /* end: of what lies before */
    for (int i = 0; i < placed; i++) {
        const cnn_lifetime *other = &lifetimes[order[i]];
        if (!share_a_step(other, wanted)) {
            continue;
        }
        if (other->offset > end && other->offset - end >= wanted->size &&
            other->offset - end < gap) {
            gap = other->offset - end;
            offset = end;
        }
        end = other->offset + other->size > end ? other->offset + other->size : end;
    }
    return offset < SIZE_MAX ? offset : end;
}

/* Adds lifetime i to the order of offsets. */
static void insert(const cnn_lifetime *lifetimes, int *order, int placed, int i) {
    int at = placed;
    for (; at > 0 && lifetimes[order[at - 1]].offset > lifetimes[i].offset; at--) {
        order[at] = order[at - 1];
    }
    order[at] = i;
}

static void place(cnn_lifetime *lifetimes, bool *placed, int *order, int count, size_t *size) {
    *size = 0;
    for (int n = 0; n < count; n++) {
        int i = largest(lifetimes, placed, count);
        cnn_lifetime *mine = &lifetimes[i];
        mine->size = (mine->size + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
        mine->offset = mine->size > 0 ? find_gap(lifetimes, order, n, mine) : 0;
        *size = mine->offset + mine->size > *size ? mine->offset + mine->size : *size;
        insert(lifetimes, order, n, i);
        placed[i] = true;
    }
}

cnn_status cnn_lifetimes_place(cnn_lifetime *lifetimes, int count, size_t *size, cnn_error *error) {
    bool *placed = cnn_alloc((size_t)count, sizeof *placed);
    int *order = cnn_alloc((size_t)count, sizeof *order);
    bool complete = placed && order;
    if (complete) {
        place(lifetimes, placed, order, count, size);
    }
    cnn_free(placed);
    cnn_free(order);
    return complete ? CNN_OK : cnn_fail_memory(error, "the network's plan");
}

/* --- values --- */

/* values[n]: of the buffer that starts with node n; kept[n]: of what node n keeps. Sizes of other
 * values stay 0. */
static void find_lifetimes(const cnn_graph *graph, int end, const cnn_plan *plan,
                           cnn_lifetime *values, cnn_lifetime *kept) {
    for (int n = 0; n < end; n++) {
        const cnn_node_places *mine = &plan->places[n];
        kept[n] = (cnn_lifetime){.size = mine->kept_size, .first = n, .last = n};
        if (mine->buffer == n) {
            values[n] = (cnn_lifetime){.size = mine->size, .first = n, .last = n};
        }
        values[mine->buffer].last = n;
        for (int k = 0; k < graph->nodes[n].input_count; k++) {
            values[plan->places[graph->nodes[n].input[k]].buffer].last = n;
        }
    }
}

static void move(int end, const cnn_lifetime *values, const cnn_lifetime *kept, cnn_plan *plan) {
    for (int n = 0; n < end; n++) {
        cnn_node_places *mine = &plan->places[n];
        const cnn_node_places *first = &plan->places[mine->buffer];
        if (mine->buffer == n) {
            mine->value.offset = values[n].offset + (mine->value.offset - mine->start);
            mine->start = values[n].offset;
        } else {
            mine->value.offset = first->value.offset;
        }
        mine->kept = kept[n].offset;
    }
}

cnn_status cnn_plan_reuse(const cnn_graph *graph, int end, cnn_plan *plan, cnn_error *error) {
    size_t size = 0, count = (size_t)end;
    cnn_lifetime *lifetimes = cnn_alloc(2 * count, sizeof *lifetimes);
    if (!lifetimes) {
        return cnn_fail_memory(error, "the network's plan");
    }
    find_lifetimes(graph, end, plan, lifetimes, lifetimes + count);
    cnn_status status = cnn_lifetimes_place(lifetimes, 2 * end, &size, error);
    if (status == CNN_OK) {
        move(end, lifetimes, lifetimes + count, plan);
        plan->work_offset = size;
        plan->forward_size = plan->workspace_size = size + plan->work_size;
    }
    cnn_free(lifetimes);
    return status;
}

/* --- gradients --- */

/* The buffers of a plan, before and after. */
typedef struct gradient_buffers {
    const cnn_lifetime *old;
    cnn_lifetime *new;
    int count;
    size_t base; /* in the workspace: where the new offsets count from */
} gradient_buffers;

/* The number of the buffer that contains the value at this offset; -1: none. */
static int buffer_of(const gradient_buffers *buffers, size_t offset) {
    int low = -1, high = buffers->count;
    while (offset != CNN_NOWHERE && high - low > 1) {
        int middle = low + (high - low) / 2;
        if (buffers->old[middle].offset <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void use(const gradient_buffers *buffers, size_t offset, int step) {
    int i = buffer_of(buffers, offset);
    if (i >= 0) {
        cnn_lifetime *lifetime = &buffers->new[i];
        lifetime->first = step < lifetime->first ? step : lifetime->first;
        lifetime->last = step > lifetime->last ? step : lifetime->last;
    }
}

static void relocate(const gradient_buffers *buffers, size_t *offset) {
    int i = buffer_of(buffers, *offset);
    if (i >= 0) {
        *offset = buffers->base + buffers->new[i].offset + (*offset - buffers->old[i].offset);
    }
}

enum { INSTRUCTION_OFFSETS = 2 * CNN_NODE_INPUTS_MAX + 2 };

/* Where an instruction has its buffers. An instruction that writes a border has it as x and y. */
static void offsets_of(cnn_instruction *instruction, size_t *offsets[INSTRUCTION_OFFSETS]) {
    int count = 0;
    offsets[count++] = &instruction->y;
    offsets[count++] = &instruction->dy;
    for (int k = 0; k < CNN_NODE_INPUTS_MAX; k++) {
        offsets[count++] = &instruction->x[k];
        offsets[count++] = &instruction->dx[k];
    }
}

/* Steps are the instructions, backward, after the one that gives the result its gradient. */
static void find_gradient_lifetimes(const gradient_buffers *buffers, size_t result,
                                    cnn_plan *plan) {
    int steps = plan->instruction_count;
    for (int i = 0; i < buffers->count; i++) {
        buffers->new[i] = buffers->old[i];
        buffers->new[i].first = steps;
        buffers->new[i].last = 0;
    }
    use(buffers, result, 0);
    for (int step = 1; step <= steps; step++) {
        cnn_instruction *instruction = &plan->instructions[steps - step];
        size_t *offsets[INSTRUCTION_OFFSETS];
        offsets_of(instruction, offsets);
        for (int k = 0; k < INSTRUCTION_OFFSETS && instruction->backward; k++) {
            use(buffers, *offsets[k], step);
        }
    }
}

static void relocate_all(const gradient_buffers *buffers, int node_count, cnn_plan *plan) {
    for (int i = 0; i < plan->instruction_count; i++) {
        size_t *offsets[INSTRUCTION_OFFSETS];
        offsets_of(&plan->instructions[i], offsets);
        for (int k = 0; k < INSTRUCTION_OFFSETS; k++) {
            relocate(buffers, offsets[k]);
        }
    }
    for (int n = 0; n < node_count; n++) {
        relocate(buffers, &plan->places[n].gradient.offset);
        relocate(buffers, &plan->places[n].own_gradient.offset);
        for (int k = 0; k < CNN_NODE_INPUTS_MAX; k++) {
            relocate(buffers, &plan->places[n].dx[k].offset);
        }
    }
}

cnn_status cnn_plan_reuse_gradients(const cnn_lifetime *old, int count, int result, int node_count,
                                    cnn_plan *plan, cnn_error *error) {
    size_t size = 0;
    cnn_lifetime *lifetimes = cnn_alloc((size_t)count, sizeof *lifetimes);
    if (!lifetimes) {
        return cnn_fail_memory(error, "the network's plan");
    }
    const gradient_buffers buffers = {
        .old = old, .new = lifetimes, .count = count, .base = plan->forward_size};
    find_gradient_lifetimes(&buffers, plan->places[result].gradient.offset, plan);
    cnn_status status = cnn_lifetimes_place(lifetimes, count, &size, error);
    if (status == CNN_OK) {
        relocate_all(&buffers, node_count, plan);
        plan->workspace_size = plan->forward_size + size;
    }
    cnn_free(lifetimes);
    return status;
}

/* --- borders --- */

static void clear(float *from, const float *to) {
    memset(from, 0, (size_t)(to - from) * sizeof *from);
}

void cnn_plan_clear_border(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_block *block = &layer->x_block[0];
    for (int c = 0; c < block->channels; c++) {
        float *border = pass->y + c * block->plane_stride; /* what follows the last row */
        for (int h = 0; h < block->height; h++) {
            const float *row = pass->x[0] + cnn_block_row(block, c, h);
            clear(border, row);
            border = pass->y + (row - pass->y) + (ptrdiff_t)block->width * CNN_LANES;
        }
        clear(border, pass->y + (c + 1) * block->plane_stride);
    }
}
