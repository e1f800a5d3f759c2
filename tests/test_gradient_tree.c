/* The gradients of several processes are added up as one process adds up those of all slots. All
 * processes are simulated in this one. */
#include "test_support.h"

#include "base/memory.h"
#include "nn/gradient_tree.h"
#include "nn/slots.h"

#include <string.h>

enum { RANKS_MAX = 16 };

/* Parameters of a simulated sum: one per chunk. */
enum { CHUNKS = 64 };

typedef struct simulation {
    cnn_gradient_tree tree;
    float slots[CNN_SLOTS_MAX][CHUNKS], received[2][CHUNKS], sum[CHUNKS];
    size_t sent; /* messages of the round that peers have taken */
} simulation;

/* The sum by the tree of one process. */
static float fixed_sum(const float (*values)[CHUNKS], int slots, int chunk) {
    float sums[CNN_SLOTS_MAX];
    for (int slot = 0; slot < slots; slot++) {
        sums[slot] = values[slot][chunk];
    }
    for (int apart = 1; apart < slots; apart *= 2) {
        for (int slot = 0; slot + apart < slots; slot += 2 * apart) {
            sums[slot] += sums[slot + apart];
        }
    }
    return sums[0];
}

/* Takes the next message for `to` that `from` sends in this round: the n-th for the n-th. */
static const cnn_tree_message *sent_to(const simulation *from, int to, size_t begin, size_t end,
                                       int n) {
    for (size_t i = begin; i < end; i++) {
        const cnn_tree_message *m = &from->tree.messages[i];
        if (!m->receives && m->peer == to && n-- == 0) {
            return m;
        }
    }
    return NULL;
}

static void receive_all(simulation *all, int rank, size_t round) {
    simulation *self = &all[rank];
    size_t begin = round > 0 ? self->tree.rounds[round - 1].messages : 0;
    int taken[RANKS_MAX] = {0};
    for (size_t i = begin; i < self->tree.rounds[round].messages; i++) {
        const cnn_tree_message *m = &self->tree.messages[i];
        if (!m->receives) {
            continue;
        }
        const simulation *peer = &all[m->peer];
        const cnn_tree_message *sent =
            sent_to(peer, rank, round > 0 ? peer->tree.rounds[round - 1].messages : 0,
                    peer->tree.rounds[round].messages, taken[m->peer]++);
        assert_non_null(sent);
        assert_int_equal(sent->first, m->first);
        assert_int_equal(sent->end, m->end);
        for (int c = m->first; c < m->end; c++) {
            float *to = m->slot == CNN_SUM ? self->sum : self->received[m->side];
            to[c] = sent->slot == CNN_SUM ? peer->sum[c] : peer->slots[sent->slot][c];
        }
    }
}

/* Every message that is sent is received. */
static void count_messages(const simulation *all, int ranks, size_t round) {
    size_t sent = 0, received = 0;
    for (int rank = 0; rank < ranks; rank++) {
        const cnn_gradient_tree *tree = &all[rank].tree;
        for (size_t i = round > 0 ? tree->rounds[round - 1].messages : 0;
             i < tree->rounds[round].messages; i++) {
            sent += !tree->messages[i].receives;
            received += tree->messages[i].receives;
        }
    }
    assert_int_equal(sent, received);
}

static void add_all(simulation *self, size_t round) {
    const cnn_gradient_tree *tree = &self->tree;
    for (size_t i = round > 0 ? tree->rounds[round - 1].additions : 0;
         i < tree->rounds[round].additions; i++) {
        const cnn_tree_addition *a = &tree->additions[i];
        assert_true(a->to >= tree->first_slot && a->to < tree->end_slot);
        for (int c = a->first; c < a->end; c++) {
            self->slots[a->to][c] +=
                a->other < 0 ? self->received[-1 - a->other][c] : self->slots[a->other][c];
        }
    }
}

static void finish(simulation *self) {
    for (size_t i = 0; i < self->tree.finished_count; i++) {
        const cnn_tree_addition *part = &self->tree.finished[i];
        for (int c = part->first; c < part->end; c++) {
            self->sum[c] = self->slots[part->to][c];
        }
    }
}

static void simulate(simulation *all, int ranks, int slots, const float (*values)[CHUNKS]) {
    for (int rank = 0; rank < ranks; rank++) {
        simulation *self = &all[rank];
        cnn_gradient_tree_set(&self->tree, slots);
        memset(self->slots, 255, sizeof self->slots); /* NaN */
        memset(self->received, 255, sizeof self->received);
        memset(self->sum, 255, sizeof self->sum);
        for (int slot = self->tree.first_slot; slot < self->tree.end_slot; slot++) {
            memcpy(self->slots[slot], values[slot], sizeof *values);
        }
        assert_int_equal(self->tree.round_count, all[0].tree.round_count);
    }
    for (size_t round = 0; round < all[0].tree.round_count; round++) {
        for (int rank = 0; rank < ranks && round == all[0].tree.up_count; rank++) {
            finish(&all[rank]);
        }
        for (int rank = 0; rank < ranks; rank++) {
            receive_all(all, rank, round);
        }
        count_messages(all, ranks, round);
        for (int rank = 0; rank < ranks; rank++) {
            add_all(&all[rank], round);
        }
    }
    for (int rank = 0; rank < ranks; rank++) {
        for (int c = 0; c < all[rank].tree.chunks; c++) {
            float want = fixed_sum(values, slots, c);
            assert_memory_equal(&all[rank].sum[c], &want, sizeof want);
        }
    }
}

static void test_trees_add_as_one_process(void **state) {
    (void)state;
    static const int slot_counts[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,   11,  13,  15, 16,
                                      17, 24, 31, 32, 33, 40, 63, 64, 100, 200, 255, 256};
    static float values[CNN_SLOTS_MAX][CHUNKS];
    uint64_t random = 5;
    for (int slot = 0; slot < CNN_SLOTS_MAX; slot++) {
        for (int c = 0; c < CHUNKS; c++) {
            values[slot][c] = (float)test_random(&random, -1.0, 1.0);
        }
    }
    for (int ranks = 1; ranks <= RANKS_MAX; ranks += ranks < 9 ? 1 : 7) {
        simulation *all = cnn_alloc((size_t)ranks, sizeof *all);
        cnn_error error;
        assert_non_null(all);
        for (int rank = 0; rank < ranks; rank++) {
            test_ok(cnn_gradient_tree_create(CNN_SLOTS_MAX, rank, ranks, &all[rank].tree, &error),
                    &error);
        }
        for (size_t i = 0; i < TEST_COUNT(slot_counts); i++) {
            simulate(all, ranks, slot_counts[i], (const float(*)[CHUNKS])values);
        }
        for (int rank = 0; rank < ranks; rank++) {
            cnn_gradient_tree_free(&all[rank].tree);
        }
        cnn_free(all);
    }
}

/* With powers of two, no process sends more than twice what it has, in messages few enough. */
static void test_trees_spread_the_work(void **state) {
    (void)state;
    for (int ranks = 2, rounds = 1; ranks <= RANKS_MAX; ranks *= 2, rounds++) {
        for (int rank = 0; rank < ranks; rank++) {
            cnn_gradient_tree tree;
            cnn_error error;
            int sent = 0;
            size_t messages = 0;
            test_ok(cnn_gradient_tree_create(32, rank, ranks, &tree, &error), &error);
            for (size_t i = 0; i < tree.message_count; i++) {
                bool sends = !tree.messages[i].receives;
                sent += sends ? tree.messages[i].end - tree.messages[i].first : 0;
                messages += sends;
            }
            assert_int_equal(tree.chunks, ranks);
            assert_int_equal(sent, 2 * (ranks - 1)); /* of `ranks` chunks */
            assert_int_equal(messages, 2 * rounds);
            cnn_gradient_tree_free(&tree);
        }
    }
}

/* One block for 16 processes: 15 get the sums from it, none of which sends more than 4 times. */
static void test_trees_reach_idle_processes(void **state) {
    (void)state;
    int received = 0, most = 0;
    for (int rank = 0; rank < RANKS_MAX; rank++) {
        cnn_gradient_tree tree;
        cnn_error error;
        int sent = 0;
        test_ok(cnn_gradient_tree_create(1, rank, RANKS_MAX, &tree, &error), &error);
        for (size_t i = 0; i < tree.message_count; i++) {
            received += tree.messages[i].receives;
            sent += !tree.messages[i].receives;
        }
        most = sent > most ? sent : most;
        cnn_gradient_tree_free(&tree);
    }
    assert_int_equal(received, RANKS_MAX - 1);
    assert_int_equal(most, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees_add_as_one_process),
        cmocka_unit_test(test_trees_spread_the_work),
        cmocka_unit_test(test_trees_reach_idle_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
