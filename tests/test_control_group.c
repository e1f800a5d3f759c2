/* Tests base/control_group.h with artificial trees of groups: versions 1 and 2, nested groups,
 * files that are missing or damaged. */
#include "test_support.h"

#include "base/control_group.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NONE SIZE_MAX

/* Writes the file `path` of the tree "root", and creates its folders. */
static void put(const char *path, const char *text) {
    char name[512];
    (void)snprintf(name, sizeof name, "root/%s", path);
    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(name, 0777);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    bool closed = fclose(file) == 0;
    assert_true(closed);
}

static void expect(size_t processors, size_t memory) {
    assert_int_equal(cnn_control_group_processors("root"), processors);
    assert_int_equal(cnn_control_group_memory("root"), memory);
}

static void test_no_groups(void **state) {
    (void)state;
    expect(NONE, NONE);
    put("proc/self/cgroup", "");
    expect(NONE, NONE);
}

static void test_version2(void **state) {
    (void)state;
    put("proc/self/cgroup", "0::/user.slice/job\n");
    put("sys/fs/cgroup/user.slice/job/cpu.max", "50000 100000\n");
    put("sys/fs/cgroup/user.slice/job/memory.max", "1048576\n");
    expect(1, 1048576);
    put("sys/fs/cgroup/user.slice/job/cpu.max", "100000 100000\n");
    expect(1, 1048576);
    put("sys/fs/cgroup/user.slice/job/cpu.max", "100001 100000\n");
    expect(2, 1048576);
    put("sys/fs/cgroup/user.slice/job/cpu.max", "350000 50000\n");
    expect(7, 1048576);
    put("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
    expect(NONE, NONE);
}

/* The limits of the groups around a group apply to it, too. */
static void test_version2_nested(void **state) {
    (void)state;
    put("proc/self/cgroup", "0::/a/b/c\n");
    put("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    put("sys/fs/cgroup/a/b/c/memory.max", "3000\n");
    put("sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
    put("sys/fs/cgroup/a/b/memory.max", "max\n");
    put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/a/memory.max", "2000\n");
    expect(3, 2000);
    /* neither a neighbour nor a group within ours */
    put("sys/fs/cgroup/a/d/cpu.max", "1000 100000\n");
    put("sys/fs/cgroup/a/b/c/e/cpu.max", "1000 100000\n");
    expect(3, 2000);
    put("sys/fs/cgroup/cpu.max", "150000 100000\n");
    expect(2, 2000);
}

/* A container's own group is mounted as the root, but its path may be the one outside the
 * container. */
static void test_version2_container(void **state) {
    (void)state;
    put("sys/fs/cgroup/cpu.max", "50000 100000\n");
    put("sys/fs/cgroup/memory.max", "4096\n");
    put("proc/self/cgroup", "0::/\n");
    expect(1, 4096);
    put("proc/self/cgroup", "0::/system.slice/docker-1234.scope\n");
    expect(1, 4096);
}

static void test_version1(void **state) {
    (void)state;
    put("proc/self/cgroup",
        "5:memory:/job\n4:cpuset:/other\n3:cpu,cpuacct:/job\n1:name=systemd:/x\n");
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
    put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "8192\n");
    expect(1, 8192);
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "410000\n");
    expect(5, 8192);
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    expect(NONE, 9223372036854771712U);
    /* no quota without its period */
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
    assert_int_equal(remove("root/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us"), 0);
    expect(NONE, 9223372036854771712U);
}

static void test_version1_nested(void **state) {
    (void)state;
    put("proc/self/cgroup", "2:cpuacct:/a/b\n1:cpu:/a/b\n0::/\n");
    put("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n");
    put("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "120000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    expect(3, NONE);
    /* files of another controller are ignored */
    put("sys/fs/cgroup/cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpuacct/a/b/cpu.cfs_quota_us", "1000\n");
    expect(3, NONE);
    /* the container's own group */
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    expect(1, NONE);
}

/* A file that cannot be understood sets no limit. */
static void test_damaged(void **state) {
    (void)state;
    put("proc/self/cgroup", "\n0\n0:\n:\n1:cpu\n2:cpux,xcpu:/a\n0::/a\n");
    put("sys/fs/cgroup/cpux,xcpu/a/cpu.cfs_quota_us", "1000\n");
    put("sys/fs/cgroup/cpux,xcpu/a/cpu.cfs_period_us", "100000\n");
    static const char *const lines[] = {"",          "\n",         "max\n",        "-5 100000\n",
                                        "100000\n",  "100000 0\n", "100000 max\n", "0 100000\n",
                                        "x 100000\n"};
    for (size_t i = 0; i < TEST_COUNT(lines); i++) {
        put("sys/fs/cgroup/a/cpu.max", lines[i]);
        expect(NONE, NONE);
    }
    put("sys/fs/cgroup/a/memory.max", "99999999999999999999999\n");
    put("sys/fs/cgroup/a/cpu.max", "99999999999999999999999 1\n");
    expect(NONE, NONE);
}

#define IN_FOLDER(function)                                                                        \
    cmocka_unit_test_setup_teardown(function, test_folder_enter, test_folder_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_no_groups),       IN_FOLDER(test_version2),
        IN_FOLDER(test_version2_nested), IN_FOLDER(test_version2_container),
        IN_FOLDER(test_version1),        IN_FOLDER(test_version1_nested),
        IN_FOLDER(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
