#include "nn/gradient_exchange.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/run.h"

#include <pthread.h>

/* A segment has at least this share of all parameters, and at least so many. */
enum { SEGMENTS_MAX = 4, SEGMENT_LEAST = 16384 };

/* Parameters added up at a time, so that those of all slots fit into the second-level cache. */
enum { PIECE = 4096 };

/* Additions below which another thread costs more than it saves: some 20 microseconds. */
enum { ADDITIONS_PER_THREAD = 50000 };

/* Parameters first … end - 1: those of all instructions from `instruction` on that are not in an
 * earlier segment. */
typedef struct segment {
    int instruction;
    size_t first, end;
} segment;

struct cnn_gradient_exchange {
    const cnn_network *network;
    const cnn_ranks *ranks;
    cnn_background *background;
    cnn_thread_pool *pool; /* that adds up; NULL: this thread alone */
    cnn_gradient_tree tree;
    segment segments[SEGMENTS_MAX];
    int segment_count;
    float *received[2]; /* [the longest segment] each */
    cnn_message *messages;
    size_t message_room;

    float *gradients; /* of the current batch */
    size_t stride;
    float *sum;
    unsigned long job;

    pthread_mutex_t mutex;
    pthread_cond_t completed;
    size_t complete[SEGMENTS_MAX]; /* slots whose segment is complete */
};

/* --- segments --- */

/* Are all parameters of the instructions from `instruction` on after those of the others? *first:
 * where they begin. */
static bool divides(const cnn_plan *plan, int instruction, size_t all, size_t *first) {
    size_t end_before = 0;
    *first = all;
    for (int i = 0; i < plan->instruction_count; i++) {
        const cnn_node *node = plan->instructions[i].layer.node;
        if (node->parameter_count == 0) {
            continue;
        }
        size_t end = node->parameter_offset + node->parameter_count;
        if (i < instruction) {
            end_before = end > end_before ? end : end_before;
        } else {
            *first = node->parameter_offset < *first ? node->parameter_offset : *first;
        }
    }
    return end_before <= *first;
}

static void find_segments(cnn_gradient_exchange *x) {
    const cnn_plan *plan = &x->network->plan;
    int most = x->ranks->ahead ? SEGMENTS_MAX : 1;
    size_t all = x->network->parameter_count, end = all, first;
    size_t least = all / SEGMENTS_MAX > SEGMENT_LEAST ? all / SEGMENTS_MAX : SEGMENT_LEAST;
    for (int i = plan->instruction_count - 1; i > 0 && x->segment_count < most - 1; i--) {
        if (divides(plan, i, all, &first) && end - first >= least) {
            x->segments[x->segment_count++] =
                (segment){.instruction = i, .first = first, .end = end};
            end = first;
        }
    }
    if (end > 0) {
        x->segments[x->segment_count++] = (segment){.first = 0, .end = end};
    }
}

/* The first parameter of a chunk of a segment, or the end of the last one: multiples of the size of
 * a cache line after the first. */
static size_t chunk_begins(const cnn_gradient_exchange *x, const segment *s, int chunk) {
    if (chunk == x->tree.chunks) {
        return s->end;
    }
    size_t lines = (s->end - s->first) / CNN_LANES;
    return s->first + lines * (size_t)chunk / (size_t)x->tree.chunks * CNN_LANES;
}

/* --- adding up --- */

static float *slot_at(const cnn_gradient_exchange *x, int slot) {
    return slot == CNN_SUM ? x->sum
                           : x->gradients + (size_t)(slot - x->tree.first_slot) * x->stride;
}

/* One addition, for the parameters first … end - 1 of those that it is about. */
static void add(const cnn_gradient_exchange *x, const segment *s, const cnn_tree_addition *a,
                size_t first, size_t end) {
    size_t begin = chunk_begins(x, s, a->first), stop = chunk_begins(x, s, a->end);
    begin = begin > first ? begin : first;
    stop = stop < end ? stop : end;
    if (begin >= stop) {
        return;
    }
    float *to = slot_at(x, a->to) + begin;
    const float *other = a->other < 0 ? x->received[-1 - a->other] + (begin - s->first)
                                      : slot_at(x, a->other) + begin;
    for (size_t i = 0; i < stop - begin; i++) {
        to[i] += other[i];
    }
}

static void exchange_round(cnn_gradient_exchange *x, const segment *s, const cnn_tree_round *round,
                           size_t begin) {
    size_t used = 0;
    for (size_t i = begin; i < round->messages; i++) {
        const cnn_tree_message *m = &x->tree.messages[i];
        size_t first = chunk_begins(x, s, m->first), end = chunk_begins(x, s, m->end);
        float *at = m->receives && m->slot != CNN_SUM ? x->received[m->side] + (first - s->first)
                                                      : slot_at(x, m->slot) + first;
        if (end > first) {
            x->messages[used++] = (cnn_message){.peer = m->peer,
                                                .receives = m->receives,
                                                .bytes = at,
                                                .size = (end - first) * sizeof *at};
        }
    }
    cnn_ranks_exchange(x->ranks, CNN_CHANNEL_AHEAD, x->messages, used);
}

/* The additions of a round, for the parameters of a segment. */
typedef struct round_sum {
    const cnn_gradient_exchange *exchange;
    const segment *segment;
    size_t first, end; /* of the tree's additions */
} round_sum;

static void add_piece(void *context, size_t piece, int thread) {
    (void)thread;
    const round_sum *sum = context;
    const segment *s = sum->segment;
    size_t first = s->first + piece * PIECE;
    size_t end = s->end - first < PIECE ? s->end : first + PIECE;
    for (size_t i = sum->first; i < sum->end; i++) {
        add(sum->exchange, s, &sum->exchange->tree.additions[i], first, end);
    }
}

static void run_round(cnn_gradient_exchange *x, const segment *s, size_t number) {
    const cnn_gradient_tree *tree = &x->tree;
    const cnn_tree_round none = {0};
    const cnn_tree_round *before = number > 0 ? &tree->rounds[number - 1] : &none;
    const cnn_tree_round *round = &tree->rounds[number];
    exchange_round(x, s, round, before->messages);
    round_sum sum = {
        .exchange = x, .segment = s, .first = before->additions, .end = round->additions};
    size_t length = s->end - s->first;
    size_t threads = length * (sum.end - sum.first) / ADDITIONS_PER_THREAD + 1;
    int most = cnn_thread_pool_threads(x->pool);
    cnn_thread_pool_for(x->pool, (length + PIECE - 1) / PIECE,
                        threads < (size_t)most ? (int)threads : most, add_piece, &sum);
}

static void sum_segment(cnn_gradient_exchange *x, const segment *s) {
    for (size_t i = 0; i < x->tree.up_count; i++) {
        run_round(x, s, i);
    }
    for (size_t i = 0; i < x->tree.finished_count; i++) {
        const cnn_tree_addition *part = &x->tree.finished[i];
        const float *from = slot_at(x, part->to);
        for (size_t p = chunk_begins(x, s, part->first); p < chunk_begins(x, s, part->end); p++) {
            x->sum[p] = from[p];
        }
    }
    for (size_t i = x->tree.up_count; i < x->tree.round_count; i++) {
        run_round(x, s, i);
    }
}

static void wait_for_segment(cnn_gradient_exchange *x, int number) {
    size_t own = (size_t)(x->tree.end_slot - x->tree.first_slot);
    pthread_mutex_lock(&x->mutex);
    while (x->complete[number] < own) {
        pthread_cond_wait(&x->completed, &x->mutex);
    }
    pthread_mutex_unlock(&x->mutex);
}

static void sum_up(void *context) {
    cnn_gradient_exchange *x = context;
    for (int i = 0; i < x->segment_count; i++) {
        wait_for_segment(x, i);
        sum_segment(x, &x->segments[i]);
    }
}

/* --- */

void cnn_gradient_exchange_start(cnn_gradient_exchange *x, size_t slots, float *gradients,
                                 size_t stride, float *sum) {
    cnn_gradient_tree_set(&x->tree, (int)slots);
    x->gradients = gradients;
    x->stride = stride;
    x->sum = sum;
    for (int i = 0; i < x->segment_count; i++) {
        x->complete[i] = 0;
    }
    x->job = cnn_background_start(x->background, sum_up, x);
}

static void say_complete(cnn_gradient_exchange *x, int number) {
    pthread_mutex_lock(&x->mutex);
    x->complete[number]++;
    pthread_cond_signal(&x->completed);
    pthread_mutex_unlock(&x->mutex);
}

void cnn_gradient_exchange_backward(cnn_gradient_exchange *x, const cnn_run *run, int first,
                                    int last, bool last_block) {
    for (int i = 0; i < x->segment_count && last_block; i++) {
        int end = x->segments[i].instruction;
        if (end >= first && end < last) {
            cnn_run_backward(run, end, last);
            say_complete(x, i);
            last = end;
        }
    }
    cnn_run_backward(run, first, last);
}

void cnn_gradient_exchange_wait(cnn_gradient_exchange *x) {
    cnn_background_wait(x->background, x->job);
}

static size_t longest_segment(const cnn_gradient_exchange *x) {
    size_t longest = 0;
    for (int i = 0; i < x->segment_count; i++) {
        size_t length = x->segments[i].end - x->segments[i].first;
        longest = length > longest ? length : longest;
    }
    return longest;
}

size_t cnn_gradient_exchange_memory(const cnn_network *network, const cnn_ranks *ranks) {
    cnn_gradient_exchange x = {.network = network, .ranks = ranks};
    find_segments(&x);
    return 2 * longest_segment(&x) * sizeof(float);
}

static cnn_status allocate(cnn_gradient_exchange *x, size_t slots, cnn_error *error) {
    CNN_TRY(cnn_gradient_tree_create((int)slots, cnn_rank(x->ranks), cnn_rank_count(x->ranks),
                                     &x->tree, error));
    find_segments(x);
    for (int side = 0; side < 2; side++) {
        x->received[side] = cnn_alloc(longest_segment(x), sizeof(float));
    }
    x->messages = cnn_alloc(x->tree.message_room, sizeof *x->messages);
    return x->received[0] && x->received[1] && x->messages ? CNN_OK
                                                           : cnn_fail_memory(error, "gradients");
}

cnn_status cnn_gradient_exchange_create(const cnn_network *network, size_t slots,
                                        const cnn_ranks *ranks, cnn_background *background,
                                        cnn_thread_pool *pool, cnn_gradient_exchange **exchange,
                                        cnn_error *error) {
    cnn_gradient_exchange *x = *exchange = cnn_alloc(1, sizeof *x);
    if (!x) {
        return cnn_fail_memory(error, "gradients");
    }
    *x = (cnn_gradient_exchange){.network = network,
                                 .ranks = ranks,
                                 .background = background,
                                 .pool = ranks->ahead ? NULL : pool};
    pthread_mutex_init(&x->mutex, NULL);
    pthread_cond_init(&x->completed, NULL);
    cnn_status status = allocate(x, slots, error);
    if (status != CNN_OK) {
        cnn_gradient_exchange_free(x);
        *exchange = NULL;
    }
    return status;
}

void cnn_gradient_exchange_free(cnn_gradient_exchange *x) {
    if (!x) {
        return;
    }
    cnn_gradient_tree_free(&x->tree);
    cnn_free(x->received[0]);
    cnn_free(x->received[1]);
    cnn_free(x->messages);
    pthread_mutex_destroy(&x->mutex);
    pthread_cond_destroy(&x->completed);
    cnn_free(x);
}
