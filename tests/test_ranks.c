/* Several processes that train one network together: what they say to each other, how a batch is
 * divided among them, and that its gradients are those of one process, byte for byte. */
#include "forked_ranks.h"
#include "test_support.h"

#include "base/background.h"
#include "base/memory.h"
#include "nn/minibatch.h"
#include "nn/slots.h"
#include "samples/fetch.h"
#include "samples/share.h"

#include <stdio.h>
#include <string.h>

static const int rank_counts[] = {1, 2, 3, 4, 5, 7, 8, 9};

/* --- division --- */

static void test_slots_are_those_of_before(void **state) {
    (void)state;
    for (size_t blocks = 0; blocks <= 64; blocks++) { /* batches that existing runs can have */
        assert_int_equal(cnn_slot_count(blocks), blocks < 32 ? blocks : 32);
    }
    assert_int_equal(cnn_slot_count(65), 32);
    assert_int_equal(cnn_slot_count(66), 33);
    assert_int_equal(cnn_slot_count(512), 256);
    assert_int_equal(cnn_slot_count(100000), 256);
    assert_int_equal(cnn_block_count(0), 0);
    assert_int_equal(cnn_block_count(16), 1);
    assert_int_equal(cnn_block_count(17), 2);
}

/* Runs of all ranks are all slots, begin at multiples of the unit, and none is much too long. */
static void test_slots_are_divided(void **state) {
    (void)state;
    for (size_t slots = 1; slots <= CNN_SLOTS_MAX; slots += slots < 40 ? 1 : 9) {
        for (int ranks = 1; ranks <= 33; ranks += ranks < 9 ? 1 : 4) {
            size_t unit = cnn_slot_unit(slots, ranks),
                   fair = (slots + (size_t)ranks - 1) / (size_t)ranks;
            size_t most = 0;
            assert_true((unit & (unit - 1)) == 0 && unit >= 1);
            assert_int_equal(cnn_slot_of_rank(slots, 0, ranks), 0);
            assert_int_equal(cnn_slot_of_rank(slots, ranks, ranks), slots);
            for (int rank = 0; rank < ranks; rank++) {
                size_t first = cnn_slot_of_rank(slots, rank, ranks);
                size_t end = cnn_slot_of_rank(slots, rank + 1, ranks);
                assert_true(first <= end);
                assert_true(first % unit == 0 || first == slots);
                most = end - first > most ? end - first : most;
            }
            assert_true(8 * most <= 9 * fair + 8);
        }
    }
    assert_int_equal(cnn_slot_unit(32, 8), 4);
    assert_int_equal(cnn_slot_unit(32, 3), 4);
    assert_int_equal(cnn_slot_of_rank(32, 1, 3), 12);
}

/* Images of all ranks are all images, in blocks; most is never exceeded. */
static void test_images_are_divided(void **state) {
    (void)state;
    enum { IMAGES = 1200 };
    for (int ranks = 1; ranks <= 9; ranks += 2) {
        for (int rank = 0; rank < ranks; rank++) {
            size_t slots, blocks;
            cnn_slots_most(IMAGES, rank, ranks, &slots, &blocks);
            for (size_t images = 0; images <= IMAGES; images += images < 40 ? 1 : 37) {
                size_t first = cnn_image_of_rank(images, rank, ranks);
                size_t end = cnn_image_of_rank(images, rank + 1, ranks);
                assert_true(first <= end && end <= images);
                assert_true(first % CNN_LANES == 0 || first == images);
                assert_true(cnn_block_count(end - first) <= blocks);
                assert_true(rank > 0 || first == 0);
                assert_true(rank + 1 < ranks || end == images);
            }
        }
    }
}

/* --- what they say to each other --- */

static void talk(const cnn_transport *transport, void *context, void *result, size_t size) {
    (void)context, (void)result, (void)size;
    cnn_ranks ranks = {.transport = transport};
    int all = transport->count, rank = transport->rank;
    enum { COUNTS = 1300 };
    uint64_t counts[COUNTS];
    uint8_t bytes[1000];
    size_t first[FORKED_MAX + 1] = {0};
    cnn_error error = {0};
    for (int r = 0; r < all; r++) { /* parts of many sizes, some empty */
        first[r + 1] = first[r] + (size_t)(r * 7 % 5) * 11;
    }
    memset(bytes, 0, sizeof bytes);
    memset(bytes + first[rank], 1 + rank, first[rank + 1] - first[rank]);
    cnn_ranks_gather(&ranks, bytes, first);
    for (int r = 0; r < all; r++) {
        for (size_t i = first[r]; i < first[r + 1]; i++) {
            expect_in_rank(bytes[i] == 1 + r);
        }
    }
    int numbers[FORKED_MAX] = {0};
    numbers[rank] = 100 + rank;
    cnn_ranks_gather_equal(&ranks, numbers, sizeof *numbers);
    for (int r = 0; r < all; r++) {
        expect_in_rank(numbers[r] == 100 + r);
        int said = rank == r ? 7 * r : -1;
        cnn_ranks_broadcast(&ranks, r, &said, sizeof said);
        expect_in_rank(said == 7 * r);
    }
    for (int i = 0; i < COUNTS; i++) {
        counts[i] = (uint64_t)rank * (uint64_t)i + ((uint64_t)1 << 40);
    }
    cnn_ranks_add(&ranks, counts, COUNTS);
    for (int i = 0; i < COUNTS; i++) {
        expect_in_rank(counts[i] == (uint64_t)(all * (all - 1) / 2 * i) + ((uint64_t)all << 40));
    }
    expect_in_rank(cnn_ranks_or(&ranks, 0) == 0);
    for (int r = 0; r < all; r++) {
        expect_in_rank(cnn_ranks_or(&ranks, rank == r   ? 6
                                            : rank == 0 ? 16
                                                        : 0) == (r == 0 ? 6 : 22));
    }
    expect_in_rank(cnn_ranks_agree(&ranks, CNN_OK, &error) == CNN_OK && !ranks.failed_together);
    cnn_status status = CNN_OK; /* the first of two failures counts */
    if (rank >= all - 2) {
        status =
            cnn_fail(&error, rank == all - 1 ? CNN_ERROR_DATA : CNN_ERROR_MODEL, "rank %d", rank);
    }
    char want[20];
    (void)snprintf(want, sizeof want, "rank %d", all > 1 ? all - 2 : 0);
    status = cnn_ranks_agree(&ranks, status, &error);
    expect_in_rank(status == (all > 1 ? CNN_ERROR_MODEL : CNN_ERROR_DATA));
    expect_in_rank(strcmp(error.message, want) == 0);
    expect_in_rank(ranks.failed_together == (all > 1));
}

static void test_ranks_talk(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rank_counts); i++) {
        uint8_t results[FORKED_MAX];
        forked_ranks_run(rank_counts[i], talk, NULL, results, 1);
    }
    const cnn_error error = {0};
    cnn_ranks alone = {0};
    assert_int_equal(cnn_rank_count(NULL), 1);
    assert_true(cnn_rank_writes(NULL) && cnn_rank_writes(&alone));
    cnn_ranks_end_alone(NULL, &error);
    cnn_ranks_end_alone(&alone, &error);
}

/* Is `ahead` chosen for these batches? spare: the number of processes with a processor left. */
static bool chooses_ahead(const cnn_transport *transport, int spare, size_t batch_size,
                          int threads) {
    cnn_transport own = *transport;
    own.spare_processor = own.rank < spare;
    cnn_ranks ranks = {.transport = &own};
    cnn_minibatch_choose_ahead(&ranks, batch_size, threads);
    return ranks.ahead;
}

static void choose(const cnn_transport *transport, void *context, void *result, size_t size) {
    (void)context, (void)result, (void)size;
    int all = transport->count;
    size_t two_blocks = 2 * CNN_LANES * (size_t)all; /* for each */
    expect_in_rank(chooses_ahead(transport, all, two_blocks, 2) == (all > 1));
    expect_in_rank(!chooses_ahead(transport, all - 1, two_blocks, 2));
    expect_in_rank(chooses_ahead(transport, 0, two_blocks, 3) == (all > 1));
    expect_in_rank(!chooses_ahead(transport, 0, 1, 1)); /* one has a block, the others none */
}

/* Messages get a thread only if every process has a processor for it. */
static void test_ahead_is_chosen_together(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rank_counts); i++) {
        uint8_t results[FORKED_MAX];
        forked_ranks_run(rank_counts[i], choose, NULL, results, 1);
    }
}

/* --- gradients --- */

static const char *const networks[] = {
    /* one segment, several of them, and layers that see the whole batch */
    "2x3x3: flatten, dense 1, sigmoid",
    "1x12x12: conv 8 3, relu, maxpool 2, conv 16 3, relu, flatten, dense 400, relu, dense 60, "
    "relu, "
    "dropout 0.3, dense 1, sigmoid",
    "1x8x7: batchnorm, conv 4 3 1 same, batchnorm, leaky_relu, conv 3 2, batchnorm, flatten, dense "
    "5, batchnorm, relu, dropout, dense 1, sigmoid",
    "1x7x7: conv 3 3 2 1 1 false, batchnorm, relu, maxpool 3 2 1, residual, conv 3 3 1 1 1 false, "
    "batchnorm, relu, conv 3 3 1 1 1 false, batchnorm, end, relu, flatten, dense 150, relu, dense "
    "150, dense 1, sigmoid",
};

static const size_t batches[] = {1, 16, 17, 40, 100, 130};
enum { LARGEST = 130 };

typedef struct gradient_case {
    const char *network;
    int threads;
    bool ahead;
} gradient_case;

/* Bytes of gradients and logits of all batches. */
static size_t result_size(const cnn_network *network) {
    return TEST_COUNT(batches) * (network->parameter_count + LARGEST) * sizeof(float);
}

static void find_gradients(const cnn_transport *transport, void *context, void *result,
                           size_t size) {
    const gradient_case *c = context;
    const cnn_ranks ranks = {.transport = transport, .ahead = c->ahead};
    cnn_network *network = test_network_create(c->network, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, LARGEST, 3);
    float *parameters = test_parameters(network, 4);
    cnn_sample_source source = test_samples_source(&samples);
    cnn_minibatch *minibatch;
    cnn_background *background = NULL;
    cnn_error error;
    uint8_t labels[LARGEST];
    expect_in_rank(size == result_size(network));
    expect_in_rank(cnn_background_create(c->ahead, &background, &error) == CNN_OK);
    expect_in_rank(cnn_minibatch_create_shared(network, LARGEST, c->threads, &ranks, background,
                                               &minibatch, &error) == CNN_OK);
    cnn_minibatch_prepare(minibatch, parameters);
    float *to = result;
    for (size_t i = 0; i < TEST_COUNT(batches); i++) {
        const float *gradients;
        cnn_minibatch_set_draw(minibatch, (cnn_draw){.seed = 3, .step = i});
        cnn_minibatch_gradients(minibatch, parameters, &source, 0, batches[i], &gradients, to,
                                labels);
        expect_in_rank(memcmp(labels, samples.labels, batches[i]) == 0);
        cnn_minibatch_update_averages(minibatch, parameters);
        to += LARGEST;
        memcpy(to, gradients, network->parameter_count * sizeof *to);
        to += network->parameter_count;
    }
    cnn_minibatch_free(minibatch);
    cnn_background_free(background);
    test_samples_free(&samples);
    cnn_free(parameters);
    cnn_network_free(network);
}

static void test_gradients_are_those_of_one_process(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(networks); n++) {
        gradient_case c = {.network = networks[n], .threads = 2};
        cnn_network *network = test_network_create(c.network, test_kernels(), CNN_NETWORK_FAST);
        size_t size = result_size(network);
        uint8_t *want = cnn_alloc(1, size), *got = cnn_alloc(FORKED_MAX, size);
        const cnn_transport alone = {.count = 1};
        cnn_network_free(network);
        assert_non_null(want);
        assert_non_null(got);
        find_gradients(&alone, &c, want, size);
        for (size_t i = 1; i < TEST_COUNT(rank_counts); i++) {
            c.threads = 1 + (int)i % 2;
            c.ahead = (n + i) % 4 < 2;
            forked_ranks_run(rank_counts[i], find_gradients, &c, got, size);
            for (int rank = 0; rank < rank_counts[i]; rank++) {
                assert_memory_equal(got + (size_t)rank * size, want, size);
            }
        }
        cnn_free(want);
        cnn_free(got);
    }
}

/* --- images --- */

enum { HELD = 70, IMAGE_BYTES = 5, FETCHED_BATCH = 40 };

/* What the image at a position of the order must be. */
static void expect_images(const cnn_dataset_source *source, size_t first, size_t end) {
    for (size_t p = first; p < end; p++) {
        for (size_t i = 0; i < IMAGE_BYTES; i++) {
            uint8_t byte = source->fetched[(p - source->fetched_first) * IMAGE_BYTES + i];
            expect_in_rank(byte == (uint8_t)(source->order[p] * 3 + i));
        }
    }
}

/* Image i has the bytes 3 i, 3 i + 1, …; some are drawn twice. The images of a batch must stay
 * while those of the next one arrive. */
static void fetch_images(const cnn_transport *transport, void *context, void *result, size_t size) {
    (void)result, (void)size;
    const bool *has_thread = context;
    cnn_ranks ranks = {.transport = transport};
    int rank = transport->rank, all = transport->count;
    cnn_sample samples[HELD] = {{.row = 0}};
    uint8_t pixels[HELD * IMAGE_BYTES];
    size_t order[2 * FETCHED_BATCH];
    for (size_t i = 0; i < HELD; i++) {
        samples[i].row = HELD - 1 - i;
        for (size_t b = 0; cnn_share_holder(&ranks, samples[i].row) == rank && b < IMAGE_BYTES;
             b++) {
            pixels[cnn_share_place(&ranks, samples[i].row) * IMAGE_BYTES + b] =
                (uint8_t)(3 * i + b);
        }
    }
    for (size_t p = 0; p < 2 * FETCHED_BATCH; p++) {
        order[p] = p * 17 % HELD;
    }
    cnn_dataset dataset = {.samples = samples,
                           .count = HELD,
                           .image_size = IMAGE_BYTES,
                           .images = {.pixels = pixels},
                           .ranks = &ranks};
    cnn_dataset_source source = {.dataset = &dataset, .order = order};
    cnn_background *background;
    cnn_fetch *fetch;
    cnn_error error;
    expect_in_rank(cnn_background_create(*has_thread, &background, &error) == CNN_OK);
    expect_in_rank(cnn_fetch_create(&dataset, background, FETCHED_BATCH, &fetch, &error) == CNN_OK);
    for (size_t count = 1; count <= FETCHED_BATCH; count += 13) {
        size_t begin = cnn_image_of_rank(count, rank, all);
        size_t end = cnn_image_of_rank(count, rank + 1, all);
        cnn_fetch_start(fetch, &source, 0, count);
        cnn_fetch_take(fetch, &source);
        expect_images(&source, begin, end);
        cnn_fetch_start(fetch, &source, count, count);
        cnn_dataset_source next = source;
        cnn_fetch_take(fetch, &next);
        expect_images(&source, begin, end);
        expect_images(&next, count + begin, count + end);
    }
    cnn_background_free(background);
    cnn_fetch_free(fetch);
}

static void test_images_arrive(void **state) {
    (void)state;
    for (size_t i = 1; i < TEST_COUNT(rank_counts); i++) {
        uint8_t results[FORKED_MAX];
        bool has_thread = i % 2 == 1;
        forked_ranks_run(rank_counts[i], fetch_images, &has_thread, results, 1);
    }
}

/* --- jobs --- */

typedef struct job_list {
    int done[40], count;
} job_list;

static void do_job(void *context) {
    job_list *list = context;
    list->done[list->count] = list->count;
    list->count++;
}

static void do_all_in_order(bool has_thread) {
    cnn_background *background;
    cnn_error error;
    job_list list = {.count = 0};
    unsigned long last = 0;
    test_ok(cnn_background_create(has_thread, &background, &error), &error);
    for (int i = 0; i < 40; i++) { /* more than may be waiting */
        last = cnn_background_start(background, do_job, &list);
    }
    assert_int_equal(last, 39);
    cnn_background_wait(background, last);
    assert_int_equal(list.count, 40);
    job_list more = {.count = 0};
    (void)cnn_background_start(background, do_job, &more);
    cnn_background_free(background);
    assert_int_equal(more.count, has_thread);
}

static void test_background_does_all_in_order(void **state) {
    (void)state;
    do_all_in_order(true);
    do_all_in_order(false);
    cnn_background_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_are_those_of_before),
        cmocka_unit_test(test_slots_are_divided),
        cmocka_unit_test(test_images_are_divided),
        cmocka_unit_test(test_ranks_talk),
        cmocka_unit_test(test_ahead_is_chosen_together),
        cmocka_unit_test(test_gradients_are_those_of_one_process),
        cmocka_unit_test(test_images_arrive),
        cmocka_unit_test(test_background_does_all_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
