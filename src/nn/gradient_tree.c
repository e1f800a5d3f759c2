#include "nn/gradient_tree.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/slots.h"

#include <stdint.h>
#include <string.h>

/* More chunks would be small messages. */
enum { CHUNKS_MAX = 64 };

/* Where the sum at a place of the tree is, of one chunk: at which process, in the memory of which
 * of its slots. */
typedef struct sum_place {
    int rank, slot;
} sum_place;

/* A sum of two parts from two processes: `holder` has it, `other` has sent its part. */
typedef struct cross_sum {
    int holder, other;
    int first, end; /* chunks */
    int level;
} cross_sum;

struct cnn_tree_state {
    size_t *first_slot; /* [ranks + 1] */
    int *members;       /* [ranks + 1] */
    sum_place *places;  /* [slots][chunks]: of the sum whose first slot this is */
    bool *has;          /* [ranks][chunks]: which sums of all slots a process has */
    cross_sum *sums;
    size_t sum_count, sum_room;
    int group;
    bool failed; /* memory was refused */
};

/* --- lists --- */

/* Room for another element; false, for good, if memory is refused. */
static bool make_room(cnn_gradient_tree *tree, void **items, size_t *room, size_t count,
                      size_t size) {
    tree->state->failed = tree->state->failed || !cnn_grow(items, room, count + 1, size);
    return !tree->state->failed;
}

/* Both sides must come to the same messages. */
static void add_message(cnn_gradient_tree *tree, cnn_tree_message message) {
    cnn_tree_message *last =
        tree->message_count > 0 ? &tree->messages[tree->message_count - 1] : NULL;
    message.group = tree->state->group;
    if (last && last->end == message.first && last->group == message.group &&
        last->peer == message.peer && last->receives == message.receives &&
        last->slot == message.slot && last->peer_slot == message.peer_slot) {
        last->end = message.end;
        return;
    }
    if (make_room(tree, (void **)&tree->messages, &tree->message_room, tree->message_count,
                  sizeof message)) {
        tree->messages[tree->message_count++] = message;
    }
}

static void add_addition(cnn_gradient_tree *tree, cnn_tree_addition addition) {
    size_t begin = tree->round_count > 0 ? tree->rounds[tree->round_count - 1].additions : 0;
    cnn_tree_addition *last =
        tree->addition_count > begin ? &tree->additions[tree->addition_count - 1] : NULL;
    if (last && last->end == addition.first && last->to == addition.to &&
        last->other == addition.other) {
        last->end = addition.end;
        return;
    }
    if (make_room(tree, (void **)&tree->additions, &tree->addition_room, tree->addition_count,
                  sizeof addition)) {
        tree->additions[tree->addition_count++] = addition;
    }
}

static void add_finished(cnn_gradient_tree *tree, cnn_tree_addition chunks) {
    cnn_tree_addition *last =
        tree->finished_count > 0 ? &tree->finished[tree->finished_count - 1] : NULL;
    if (last && last->end == chunks.first && last->to == chunks.to) {
        last->end = chunks.end;
        return;
    }
    if (make_room(tree, (void **)&tree->finished, &tree->finished_room, tree->finished_count,
                  sizeof chunks)) {
        tree->finished[tree->finished_count++] = chunks;
    }
}

static void add_cross_sum(cnn_gradient_tree *tree, cross_sum sum) {
    struct cnn_tree_state *state = tree->state;
    cross_sum *last = state->sum_count > 0 ? &state->sums[state->sum_count - 1] : NULL;
    if (last && last->end == sum.first && last->holder == sum.holder && last->other == sum.other &&
        last->level == sum.level) {
        last->end = sum.end;
        return;
    }
    if (make_room(tree, (void **)&state->sums, &state->sum_room, state->sum_count, sizeof sum)) {
        state->sums[state->sum_count++] = sum;
    }
}

static void end_round(cnn_gradient_tree *tree) {
    if (make_room(tree, (void **)&tree->rounds, &tree->round_room, tree->round_count,
                  sizeof *tree->rounds)) {
        tree->rounds[tree->round_count++] =
            (cnn_tree_round){.messages = tree->message_count, .additions = tree->addition_count};
    }
}

/* --- the way up --- */

static sum_place *place_of(const cnn_gradient_tree *tree, int slot, int chunk) {
    return &tree->state->places[slot * tree->chunks + chunk];
}

static int owner_of(const cnn_gradient_tree *tree, int slot) {
    const size_t *first_slot = tree->state->first_slot;
    int rank = 0; /* has a slot up to this one; those from `end` on have none */
    for (int end = tree->ranks; end - rank > 1;) {
        int middle = rank + (end - rank) / 2;
        if (first_slot[middle] <= (size_t)slot) {
            rank = middle;
        } else {
            end = middle;
        }
    }
    return rank;
}

/* Does the process with the left part keep this chunk? The first division is into halves of
 * neighbouring chunks, so that they are one message, the next one into quarters, … */
static bool left_keeps(const cnn_gradient_tree *tree, int level, int chunk) {
    int halvings = 0;
    while (1 << (halvings + 1) <= tree->chunks) {
        halvings++;
    }
    return halvings == 0 || (chunk >> (halvings - 1 - level % halvings)) % 2 == 0;
}

/* One chunk of a sum whose parts are at two processes. */
static void add_crossing(cnn_gradient_tree *tree, int level, int left, int right, int chunk) {
    sum_place *to = place_of(tree, left, chunk);
    sum_place one = *to, other = *place_of(tree, right, chunk);
    bool keeps = left_keeps(tree, level, chunk);
    sum_place holder = keeps ? one : other, giver = keeps ? other : one;
    *to = holder;
    add_cross_sum(tree, (cross_sum){.holder = holder.rank,
                                    .other = giver.rank,
                                    .first = chunk,
                                    .end = chunk + 1,
                                    .level = level});
    cnn_tree_message message = {.first = chunk, .end = chunk + 1, .side = keeps};
    if (tree->rank == giver.rank) {
        message.peer = holder.rank;
        message.slot = giver.slot;
        message.peer_slot = holder.slot;
        add_message(tree, message);
    } else if (tree->rank == holder.rank) {
        message.peer = giver.rank;
        message.receives = true;
        message.slot = holder.slot;
        message.peer_slot = giver.slot;
        add_message(tree, message);
        add_addition(tree, (cnn_tree_addition){.to = holder.slot,
                                               .other = -1 - message.side,
                                               .first = chunk,
                                               .end = chunk + 1});
    }
}

/* The sum of the parts that begin with these slots. */
static void add_sum(cnn_gradient_tree *tree, int level, int left, int right) {
    tree->state->group++;
    for (int chunk = 0; chunk < tree->chunks; chunk++) {
        const sum_place *one = place_of(tree, left, chunk), *other = place_of(tree, right, chunk);
        if (one->rank != other->rank) {
            add_crossing(tree, level, left, right, chunk);
        } else if (tree->rank == one->rank) {
            add_addition(
                tree, (cnn_tree_addition){
                          .to = one->slot, .other = other->slot, .first = chunk, .end = chunk + 1});
        }
    }
}

/* Sums below `unit` are each of one process, and one round. */
static void go_up(cnn_gradient_tree *tree) {
    int unit = (int)cnn_slot_unit((size_t)tree->slots, tree->ranks);
    int level = 0;
    for (int apart = 1; apart < tree->slots; apart *= 2) {
        if (apart >= unit) {
            end_round(tree);
        }
        for (int slot = 0; slot + apart < tree->slots; slot += 2 * apart) {
            add_sum(tree, level, slot, slot + apart);
        }
        level += apart >= unit;
    }
    end_round(tree);
    tree->up_count = tree->round_count;
    for (int chunk = 0; chunk < tree->chunks; chunk++) {
        const sum_place *sum = place_of(tree, 0, chunk);
        tree->state->has[sum->rank * tree->chunks + chunk] = true;
        if (tree->rank == sum->rank) {
            add_finished(tree,
                         (cnn_tree_addition){.to = sum->slot, .first = chunk, .end = chunk + 1});
        }
    }
}

/* --- the way down --- */

static void give(cnn_gradient_tree *tree, int from, int to, int chunk) {
    bool *has = &tree->state->has[to * tree->chunks + chunk];
    if (*has) {
        return;
    }
    *has = true;
    if (tree->rank == from || tree->rank == to) {
        add_message(tree, (cnn_tree_message){.peer = tree->rank == from ? to : from,
                                             .receives = tree->rank == to,
                                             .slot = CNN_SUM,
                                             .peer_slot = CNN_SUM,
                                             .first = chunk,
                                             .end = chunk + 1});
    }
}

/* The process with slots from which one without gets the sums. */
static int source_of(const cnn_gradient_tree *tree, int rank) {
    return owner_of(tree, (int)((int64_t)tree->slots * rank / tree->ranks));
}

/* Fills state->members with the source of process `first`, and the processes without slots from
 * there on that have the same source. Returns their number; *next: the first process that has
 * another one. */
static int find_members(const cnn_gradient_tree *tree, int first, int *next) {
    const struct cnn_tree_state *state = tree->state;
    int count = 0, rank = first;
    state->members[count++] = source_of(tree, first);
    for (; rank < tree->ranks && source_of(tree, rank) == state->members[0]; rank++) {
        if (state->first_slot[rank] == state->first_slot[rank + 1]) {
            state->members[count++] = rank;
        }
    }
    *next = rank;
    return count;
}

/* Processes without slots get the sums along binomial trees, from their sources: before a round,
 * the first `have` members of each tree have them. */
static void give_to_idle(cnn_gradient_tree *tree) {
    const int *members = tree->state->members;
    int most = 1;
    for (int have = 1; have == 1 || have < most; have *= 2) {
        for (int first = 0, next; first < tree->ranks; first = next) {
            int count = find_members(tree, first, &next);
            most = count > most ? count : most;
            for (int i = have; i < count && i < 2 * have; i++) {
                tree->state->group++;
                for (int chunk = 0; chunk < tree->chunks; chunk++) {
                    give(tree, members[i - have], members[i], chunk);
                }
            }
        }
        end_round(tree);
    }
}

/* The holder of a sum gives that of all slots to the process which has sent it a part. */
static void go_down(cnn_gradient_tree *tree) {
    const struct cnn_tree_state *state = tree->state;
    for (size_t end = state->sum_count, begin; end > 0; end = begin) {
        for (begin = end;
             begin > 0 && state->sums[begin - 1].level == state->sums[end - 1].level;) {
            begin--;
        }
        for (size_t i = begin; i < end; i++) {
            tree->state->group++;
            for (int chunk = state->sums[i].first; chunk < state->sums[i].end; chunk++) {
                give(tree, state->sums[i].holder, state->sums[i].other, chunk);
            }
        }
        end_round(tree);
    }
    give_to_idle(tree);
}

/* --- */

static int chunks_for(int slots, int ranks) {
    int adding = slots < ranks ? slots : ranks, chunks = 1;
    while (chunks < adding && chunks < CHUNKS_MAX) {
        chunks *= 2;
    }
    return chunks;
}

void cnn_gradient_tree_set(cnn_gradient_tree *tree, int slots) {
    if (tree->slots == slots) {
        return;
    }
    tree->slots = slots;
    tree->chunks = chunks_for(slots, tree->ranks);
    cnn_slots_divide((size_t)slots, tree->ranks, tree->state->first_slot);
    tree->first_slot = (int)tree->state->first_slot[tree->rank];
    tree->end_slot = (int)tree->state->first_slot[tree->rank + 1];
    tree->round_count = tree->message_count = tree->addition_count = tree->finished_count = 0;
    tree->state->sum_count = 0;
    tree->state->group = 0;
    for (int slot = 0; slot < slots; slot++) {
        int owner = owner_of(tree, slot);
        for (int chunk = 0; chunk < tree->chunks; chunk++) {
            *place_of(tree, slot, chunk) = (sum_place){.rank = owner, .slot = slot};
        }
    }
    memset(tree->state->has, 0, (size_t)tree->ranks * (size_t)tree->chunks);
    go_up(tree);
    go_down(tree);
}

cnn_status cnn_gradient_tree_create(int slots, int rank, int ranks, cnn_gradient_tree *tree,
                                    cnn_error *error) {
    *tree = (cnn_gradient_tree){.rank = rank, .ranks = ranks};
    struct cnn_tree_state *state = tree->state = cnn_alloc(1, sizeof *tree->state);
    if (!state) {
        return cnn_fail_memory(error, "gradients");
    }
    state->places = cnn_alloc((size_t)slots * CHUNKS_MAX, sizeof *state->places);
    state->has = cnn_alloc((size_t)ranks * CHUNKS_MAX, sizeof *state->has);
    state->first_slot = cnn_alloc((size_t)ranks + 1, sizeof *state->first_slot);
    state->members = cnn_alloc((size_t)ranks + 1, sizeof *state->members);
    state->failed = !state->places || !state->has || !state->first_slot || !state->members;
    for (int of = 1; of <= slots && !state->failed; of++) { /* for the longest lists */
        cnn_gradient_tree_set(tree, of);
    }
    return state->failed ? cnn_fail_memory(error, "gradients") : CNN_OK;
}

void cnn_gradient_tree_free(cnn_gradient_tree *tree) {
    if (tree->state) {
        cnn_free(tree->state->places);
        cnn_free(tree->state->has);
        cnn_free(tree->state->first_slot);
        cnn_free(tree->state->members);
        cnn_free(tree->state->sums);
        cnn_free(tree->state);
    }
    cnn_free(tree->rounds);
    cnn_free(tree->messages);
    cnn_free(tree->additions);
    cnn_free(tree->finished);
    *tree = (cnn_gradient_tree){0};
}
