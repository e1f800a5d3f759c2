/* Tests cli/processor_shares.h: what each of several processes gets of the processors. */
#include "test_support.h"

#include "cli/processor_shares.h"

#include <stdio.h>
#include <unistd.h>

/* A process on a machine that may run on the processors from first to last. quota: its default
 * number of threads, if that is less; 0: no quota. */
static cnn_site site(const char *machine, int first, int last, int quota) {
    cnn_site made = {.threads = quota > 0 ? quota : last - first + 1};
    (void)snprintf(made.machine, sizeof made.machine, "%s", machine);
    for (int i = first; i <= last; i++) {
        CPU_SET((size_t)i, &made.allowed);
    }
    return made;
}

static void expect(const cnn_site *sites, int count, const cnn_share *wanted) {
    cnn_share shares[8];
    cnn_processors_divide(sites, count, shares);
    for (int i = 0; i < count; i++) {
        assert_int_equal(shares[i].here, wanted[i].here);
        assert_int_equal(shares[i].threads, wanted[i].threads);
    }
}

static void test_not_bound(void **state) {
    (void)state;
    const cnn_site four[] = {site("a", 0, 7, 0), site("a", 0, 7, 0), site("a", 0, 7, 0),
                             site("a", 0, 7, 0)};
    expect(four, 1, (cnn_share[]){{1, 8}});
    expect(four, 3, (cnn_share[]){{3, 2}, {3, 2}, {3, 2}});
    expect(four, 4, (cnn_share[]){{4, 2}, {4, 2}, {4, 2}, {4, 2}});
    const cnn_site six[] = {site("a", 4, 9, 0), site("a", 4, 9, 0), site("a", 4, 9, 0)};
    expect(six, 3, (cnn_share[]){{3, 2}, {3, 2}, {3, 2}});
}

static void test_bound(void **state) {
    (void)state;
    const cnn_site apart[] = {site("a", 0, 3, 0), site("a", 4, 7, 0), site("a", 8, 8, 0)};
    expect(apart, 3, (cnn_share[]){{3, 4}, {3, 4}, {3, 1}});
    /* two on each socket */
    const cnn_site pairs[] = {site("a", 0, 7, 0), site("a", 8, 15, 0), site("a", 0, 7, 0),
                              site("a", 8, 15, 0)};
    expect(pairs, 4, (cnn_share[]){{4, 4}, {4, 4}, {4, 4}, {4, 4}});
    const cnn_site overlap[] = {site("a", 0, 3, 0), site("a", 2, 5, 0)};
    expect(overlap, 2, (cnn_share[]){{2, 3}, {2, 3}});
    /* more processes than processors */
    const cnn_site full[] = {site("a", 0, 1, 0), site("a", 0, 1, 0), site("a", 0, 1, 0)};
    expect(full, 3, (cnn_share[]){{3, 1}, {3, 1}, {3, 1}});
}

static void test_machines(void **state) {
    (void)state;
    const cnn_site two[] = {site("a", 0, 7, 0), site("b", 0, 3, 0), site("a", 0, 7, 0)};
    expect(two, 3, (cnn_share[]){{2, 4}, {1, 4}, {2, 4}});
}

static void test_quota(void **state) {
    (void)state;
    const cnn_site two[] = {site("a", 0, 63, 4), site("a", 0, 63, 4)};
    expect(two, 2, (cnn_share[]){{2, 2}, {2, 2}});
    /* binding gives less than the quota */
    const cnn_site bound[] = {site("a", 0, 7, 6), site("a", 0, 7, 6), site("a", 8, 9, 0)};
    expect(bound, 3, (cnn_share[]){{3, 2}, {3, 2}, {3, 2}});
}

static void test_unknown(void **state) {
    (void)state;
    cnn_site two[] = {site("a", 0, 7, 0), site("a", 0, 7, 0)};
    CPU_ZERO(&two[0].allowed);
    CPU_ZERO(&two[1].allowed);
    expect(two, 2, (cnn_share[]){{2, 4}, {2, 4}});
}

static void test_this_machine(void **state) {
    (void)state;
    cnn_site own;
    cnn_site_find(&own);
    assert_true(own.threads >= 1);
    assert_true(own.machine[0] != '\0');
    const cnn_site two[] = {own, own};
    cnn_share shares[2];
    cnn_processors_divide(two, 2, shares);
    assert_int_equal(shares[1].here, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_bound), cmocka_unit_test(test_bound),
        cmocka_unit_test(test_machines),  cmocka_unit_test(test_quota),
        cmocka_unit_test(test_unknown),   cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
