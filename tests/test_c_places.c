/* Where C sources keep their values (model/c_places.h): random programs, run on a buffer whose
 * every element says which step wrote it, and plans of known size. */
#include "test_support.h"

#include "model/c_places.h"

#include "base/memory.h"

enum { STEPS_MAX = 24, SIZE_MAX_OF_STEP = 12, PROGRAMS = 3000, POISON = -1 };

/* A program: most steps read their neighbour, as layers do. */
typedef struct program {
    cnn_c_step steps[STEPS_MAX];
    int count;
} program;

static int draw(uint64_t *state, int low, int high) {
    return (int)test_random(state, low, high + 1);
}

static program random_program(uint64_t *state) {
    program p = {.count = draw(state, 1, STEPS_MAX)};
    for (int n = 0; n < p.count; n++) {
        cnn_c_step *step = &p.steps[n];
        step->input_count = n == 0 ? 0 : draw(state, 0, 4) == 0 ? 2 : 1;
        for (int k = 0; k < step->input_count; k++) {
            step->input[k] = draw(state, 0, 2) == 0 ? draw(state, 0, n - 1) : n - 1;
        }
        step->elementwise = draw(state, 0, 1) == 0;
        step->size = (size_t)draw(state, 1, SIZE_MAX_OF_STEP);
        if (step->input_count > 0 && draw(state, 0, 2) > 0) {
            step->size = p.steps[step->input[0]].size;
        }
    }
    return p;
}

/* All elements of the value of `step` are what it wrote. */
static void expect_intact(const program *p, const cnn_c_places *places, const int *buffer,
                          int step) {
    for (size_t i = 0; i < p->steps[step].size; i++) {
        assert_int_equal(buffer[places->offset[step] + i], step);
    }
}

/* Writes the value of step n. One that is not elementwise reads all inputs after each element that
 * it writes; an elementwise one reads element i before it writes element i. */
static void run_step(const program *p, const cnn_c_places *places, int *buffer, int n) {
    const cnn_c_step *step = &p->steps[n];
    for (int k = 0; k < step->input_count; k++) {
        expect_intact(p, places, buffer, step->input[k]);
    }
    for (size_t i = 0; i < step->size; i++) {
        for (int k = 0; k < step->input_count && step->elementwise; k++) {
            if (i < p->steps[step->input[k]].size) {
                assert_int_equal(buffer[places->offset[step->input[k]] + i], step->input[k]);
            }
        }
        buffer[places->offset[n] + i] = n;
        for (int k = 0; k < step->input_count && !step->elementwise; k++) {
            expect_intact(p, places, buffer, step->input[k]);
        }
    }
}

/* What a plan that shares nothing needs. */
static size_t sum_of_sizes(const program *p) {
    size_t sum = 0;
    for (int n = 0; n < p->count; n++) {
        sum += p->steps[n].size;
    }
    return sum;
}

static void check(const program *p) {
    cnn_c_places places;
    cnn_error error;
    test_ok(cnn_c_places_create(p->steps, p->count, &places, &error), &error);
    assert_in_range(places.size, 1, sum_of_sizes(p));
    int *buffer = cnn_alloc(places.size, sizeof *buffer);
    assert_non_null(buffer);
    for (size_t i = 0; i < places.size; i++) {
        buffer[i] = POISON;
    }
    for (int n = 0; n < p->count; n++) {
        assert_in_range(places.offset[n] + p->steps[n].size, 1, places.size);
        run_step(p, &places, buffer, n);
    }
    expect_intact(p, &places, buffer, p->count - 1);
    cnn_free(buffer);
    cnn_c_places_free(&places);
}

static void test_random_programs(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < PROGRAMS; i++) {
        const program p = random_program(&random);
        check(&p);
    }
}

static void expect_size(const program *p, size_t expected) {
    cnn_c_places places;
    cnn_error error;
    test_ok(cnn_c_places_create(p->steps, p->count, &places, &error), &error);
    assert_int_equal(places.size, expected);
    cnn_c_places_free(&places);
    check(p);
}

static void test_known_sizes(void **state) {
    (void)state;
    /* a chain needs its largest pair of neighbours */
    expect_size(&(program){.steps = {{.size = 4},
                                     {.size = 9, .input = {0}, .input_count = 1},
                                     {.size = 2, .input = {1}, .input_count = 1},
                                     {.size = 1, .input = {2}, .input_count = 1}},
                           .count = 4},
                13);
    /* what is elementwise writes over its input … */
    expect_size(
        &(program){.steps = {{.size = 4},
                             {.size = 4, .input = {0}, .input_count = 1, .elementwise = true}},
                   .count = 2},
        4);
    /* … unless a later step needs it: of a residual, x, f(x) and x + f(x), the sum writes over one
     */
    expect_size(
        &(program){.steps = {{.size = 4},
                             {.size = 4, .input = {0}, .input_count = 1, .elementwise = true},
                             {.size = 4, .input = {1, 0}, .input_count = 2, .elementwise = true}},
                   .count = 3},
        8);
    /* the order of time leaves a hole that the large value does not fit into */
    expect_size(&(program){.steps = {{.size = 1},
                                     {.size = 2, .input = {0}, .input_count = 1},
                                     {.size = 8, .input = {1}, .input_count = 1}},
                           .count = 3},
                10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_known_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
