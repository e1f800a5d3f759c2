/* Locks between programs of one machine, and of several that share a file system (machines.h). */
#include "machines.h"
#include "test_support.h"

#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SPEED = 30, /* a beat each 0.17 s, a minute of patience in 2 s */
    QUICK =
        150, /* the minute in 0.4 s, where nobody is alive who could seem dead on a slow machine */
};

/* --- taking a lock --- */

typedef struct attempt {
    cnn_file_lock lock;
    bool busy;
    cnn_lock_holder holder;
    cnn_status status;
    cnn_error error;
} attempt;

static void take(attempt *a, cnn_lock_kind kind) {
    *a = (attempt){.status = CNN_OK};
    const cnn_lock_request request = {.path = "lock", .kind = kind};
    a->status = cnn_file_lock_take(&request, &a->lock, &a->busy, &a->holder, &a->error);
}

/* Takes a lock and says whether that was possible. */
static bool take_lock(cnn_lock_kind kind, cnn_file_lock *lock) {
    attempt a;
    take(&a, kind);
    test_ok(a.status, &a.error);
    assert_int_equal(a.lock.claim != NULL, !a.busy);
    *lock = a.lock;
    return !a.busy;
}

/* Files in the folder whose names begin with "lock". */
static int count_files(void) {
    int count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        count += strncmp(entry->d_name, "lock", 4) == 0;
    }
    (void)closedir(folder);
    return count;
}

/* --- one machine --- */

/* A lock keeps a second taker out, in this process and in others, until it is released or its
 * holder dies. */
static void test_one_machine(void **state) {
    (void)state;
    cnn_error error;
    attempt first, second;
    machine = (test_machine){.speed = SPEED};
    test_ok(cnn_file_write("lock", "left over!!", 11, &error), &error);
    take(&first, CNN_LOCK_ALONE);
    test_ok(first.status, &first.error);
    assert_false(first.busy);
    assert_true(first.lock.file >= 0);
    take(&second, CNN_LOCK_ALONE);
    test_ok(second.status, &second.error);
    assert_true(second.busy);
    assert_int_equal(second.holder.process, getpid());
    assert_string_equal(second.holder.host, "machine0");
    assert_int_equal(second.lock.file, -1);
    cnn_file_lock_release(&second.lock); /* is none */
    assert_int_equal(count_files(), 2);
    cnn_file_lock_release(&first.lock);
    assert_int_equal(count_files(), 0);
    const cnn_lock_request missing = {.path = "missing/lock", .kind = CNN_LOCK_ALONE};
    assert_int_equal(
        cnn_file_lock_take(&missing, &first.lock, &first.busy, &first.holder, &first.error),
        CNN_ERROR_RUNTIME);
    assert_non_null(strstr(first.error.message, "missing/lock: No such file"));

    pid_t child = fork();
    if (child == 0) {
        take(&first, CNN_LOCK_ALONE);
        _exit(first.busy ? 1 : 0); /* without releasing it */
    }
    int end;
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_int_equal(end, 0);
    assert_int_equal(count_files(), 2);
    const time_t before = time(NULL);
    assert_true(take_lock(CNN_LOCK_ALONE, &first.lock)); /* at once */
    assert_true(time(NULL) - before <= 1);
    cnn_file_lock_release(&first.lock);
    assert_int_equal(count_files(), 0);
}

/* Any number share a lock, whoever comes and goes; the last one removes the file. */
static void test_shared(void **state) {
    (void)state;
    cnn_file_lock first, second, third, alone;
    machine = (test_machine){.speed = SPEED};
    assert_true(take_lock(CNN_LOCK_SHARED, &first));
    assert_true(take_lock(CNN_LOCK_SHARED, &second));
    assert_false(take_lock(CNN_LOCK_ALONE, &alone));
    cnn_file_lock_release(&first);
    assert_int_equal(access("lock", F_OK), 0);
    assert_false(take_lock(CNN_LOCK_ALONE, &alone));
    assert_true(take_lock(CNN_LOCK_SHARED, &third));
    cnn_file_lock_release(&second);
    assert_false(take_lock(CNN_LOCK_ALONE, &alone));
    cnn_file_lock_release(&third);
    assert_int_equal(count_files(), 0);
    assert_true(take_lock(CNN_LOCK_ALONE, &alone));
    assert_false(take_lock(CNN_LOCK_SHARED, &first));
    cnn_file_lock_release(&alone);
    assert_int_equal(count_files(), 0);
}

/* --- several machines --- */

/* What a child does; its result is its exit code. */
typedef int work(void *context);

static pid_t on_machine(int number, machine_locks locks, work *task, void *context) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none */
        machine.number = number;
        machine.locks = locks;
        machine.fast = 3600L * (number - 1) * 5; /* its clock is wrong by hours */
        _exit(task(context));
    }
    return child;
}

static int exit_code_of(pid_t child) {
    int end;
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFEXITED(end));
    return WEXITSTATUS(end);
}

enum { WON = 1, LOST, BROKEN };

/* Waits for the end of `start`, takes the lock, and holds it until the end of `done`. */
typedef struct race {
    int start, done;
} race;

static int run_race(void *context) {
    const race *r = context;
    char byte;
    attempt a;
    (void)!read(r->start, &byte, 1);
    take(&a, CNN_LOCK_ALONE);
    if (a.status != CNN_OK || machine.time_looks > 0) {
        (void)fprintf(stderr, "%s\n", a.error.message);
        return BROKEN;
    }
    if (a.busy) {
        return LOST;
    }
    int file = open("inside", O_CREAT | O_EXCL, 0666);
    if (file < 0) {
        return BROKEN; /* another one is inside */
    }
    (void)close(file);
    (void)!read(r->done, &byte, 1);
    int result = cnn_file_lock_is_lost(&a.lock) || unlink("inside") != 0 ? BROKEN : WON;
    cnn_file_lock_release(&a.lock);
    return result;
}

enum { RACERS = 4 };

/* Of programs that begin at the same instant, two of them on one machine, exactly one gets the lock
 * while it holds it. */
static void run_one_race(machine_locks locks) {
    int start[2], done[2], codes[RACERS + 1] = {0};
    assert_int_equal(pipe(start), 0);
    assert_int_equal(pipe(done), 0);
    race r = {.start = start[0], .done = done[0]};
    for (int i = 0; i < RACERS; i++) {
        static const int machines[RACERS] = {1, 1, 2, 3};
        (void)on_machine(machines[i], locks, run_race, &r);
    }
    (void)!write(start[1], "start", RACERS);
    for (int lost = 0; lost < RACERS - 1; lost++) { /* the winner does not end yet */
        int end;
        assert_true(wait(&end) > 0);
        assert_true(WIFEXITED(end));
        codes[WEXITSTATUS(end) <= BROKEN ? WEXITSTATUS(end) : BROKEN]++;
    }
    assert_int_equal(codes[LOST], RACERS - 1);
    (void)!write(done[1], "", 1);
    int end;
    assert_true(wait(&end) > 0);
    assert_true(WIFEXITED(end) && WEXITSTATUS(end) == WON);
    for (int i = 0; i < 2; i++) {
        (void)close(start[i]);
        (void)close(done[i]);
    }
    assert_int_equal(count_files(), 0);
    assert_int_equal(access("inside", F_OK), -1);
}

static void test_races(void **state) {
    (void)state;
    enum { RACES = 9 };
    for (int i = 0; i < RACES; i++) {
        machine = (test_machine){.speed = SPEED};
        run_one_race(i % 3 == 0 ? LOCKS_NONE : LOCKS_LOCAL);
    }
}

/* Adds one to the number in the file "count", many times, each time with the lock. */
static int count_up(void *context) {
    const int rounds = *(const int *)context;
    for (int i = 0; i < rounds; i++) {
        char text[16] = {0};
        attempt a;
        take(&a, CNN_LOCK_WAIT);
        if (a.status != CNN_OK || a.busy) {
            (void)fprintf(stderr, "%s\n", a.error.message);
            return 1;
        }
        int file = open("count", O_RDWR);
        ssize_t got = pread(file, text, sizeof text - 1, 0);
        int length = snprintf(text, sizeof text, "%ld", strtol(text, NULL, 10) + 1);
        ssize_t put = pwrite(file, text, (size_t)length, 0);
        (void)close(file);
        cnn_file_lock_release(&a.lock);
        if (got <= 0 || put != length) {
            return 1;
        }
    }
    return 0;
}

static void expect_counted(machine_locks locks, int machines, int rounds) {
    enum { PROCESSES = 6 };
    pid_t children[PROCESSES];
    cnn_error error;
    machine = (test_machine){.speed = SPEED};
    test_ok(cnn_file_write("count", "0", 1, &error), &error);
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = on_machine(1 + p % machines, locks, count_up, &rounds);
    }
    for (int p = 0; p < PROCESSES; p++) {
        assert_int_equal(exit_code_of(children[p]), 0);
    }
    char *text;
    size_t size;
    test_ok(cnn_file_read("count", 100, CNN_ERROR_RUNTIME, &text, &size, &error), &error);
    assert_int_equal(strtol(text, NULL, 10), PROCESSES * rounds);
    cnn_free(text);
    assert_int_equal(count_files(), 0);
}

/* Programs that wait for a lock get it, one after the other, although each removes the file. */
static void test_waiting(void **state) {
    (void)state;
    expect_counted(LOCKS_WORK, 1, 100);
    expect_counted(LOCKS_LOCAL, 3, 8);
    expect_counted(LOCKS_NONE, 2, 3);
}

/* Takes the lock, says so through the pipe, and waits to be killed. */
typedef struct holding {
    int ready;
    cnn_lock_kind kind;
} holding;

static int hold(void *context) {
    const holding *h = context;
    attempt a;
    take(&a, h->kind);
    if (a.status == CNN_OK && !a.busy && write(h->ready, "", 1) == 1) {
        for (;;) {
            (void)pause();
        }
    }
    return 1;
}

/* A program on another machine that holds the lock. */
static pid_t start_holder(int number, machine_locks locks, cnn_lock_kind kind) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    holding h = {.ready = ready[1], .kind = kind};
    pid_t child = on_machine(number, locks, hold, &h);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

static void end_holder(pid_t child) {
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static double seconds(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* the fast one */
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The claim of a killed program keeps others out for a minute by their own clock, whatever the
 * times of its file; on its own machine, where locks work, not at all. */
static void test_left_over(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        const machine_locks locks = i == 0 ? LOCKS_NONE : LOCKS_LOCAL;
        cnn_file_lock lock;
        machine = (test_machine){.number = 1, .speed = QUICK, .locks = locks};
        end_holder(start_holder(i == 2 ? 1 : 2, locks, CNN_LOCK_ALONE));
        double begin = seconds();
        assert_true(take_lock(CNN_LOCK_ALONE, &lock));
        assert_true(i == 2 || seconds() - begin >= 60.0);
        cnn_file_lock_release(&lock);
        assert_int_equal(count_files(), 0);
    }
}

/* The server of a file system may keep the lock of a machine that is gone: here, one that is
 * suspended. Its claim, which does not change, decides. The lock of a machine that is at work keeps
 * others out, and they learn its name. */
static void test_lock_of_a_machine_that_is_gone(void **state) {
    (void)state;
    attempt a;
    cnn_file_lock lock;
    machine = (test_machine){.number = 1, .speed = SPEED};
    pid_t other = start_holder(2, LOCKS_WORK, CNN_LOCK_ALONE);
    take(&a, CNN_LOCK_ALONE);
    test_ok(a.status, &a.error);
    assert_true(a.busy);
    assert_int_equal(a.holder.process, other);
    assert_string_equal(a.holder.host, "machine2");
    machine.speed = QUICK;
    assert_int_equal(kill(other, SIGSTOP), 0);
    for (cnn_lock_kind kind = CNN_LOCK_ALONE; kind <= CNN_LOCK_WAIT; kind++) {
        double begin = seconds();
        assert_true(take_lock(kind, &lock));
        assert_true(kind != CNN_LOCK_ALONE || seconds() - begin >= 60.0);
        assert_false(take_lock(CNN_LOCK_ALONE, &a.lock)); /* two programs of this machine */
        cnn_file_lock_release(&lock);
    }
    end_holder(other);
    assert_int_equal(count_files(), 0);
}

/* Who shares keeps out who wants it alone, and the other way round; both find out in seconds. */
static void test_shared_by_machines(void **state) {
    (void)state;
    cnn_file_lock lock;
    machine = (test_machine){.number = 1, .speed = SPEED, .locks = LOCKS_LOCAL};
    pid_t second = start_holder(2, LOCKS_LOCAL, CNN_LOCK_SHARED);
    assert_true(take_lock(CNN_LOCK_SHARED, &lock));
    cnn_file_lock_release(&lock);
    assert_false(take_lock(CNN_LOCK_ALONE, &lock));
    end_holder(second);
    machine.speed = QUICK;
    assert_true(take_lock(CNN_LOCK_ALONE, &lock));
    cnn_file_lock_release(&lock);
    machine.speed = SPEED;
    pid_t third = start_holder(3, LOCKS_LOCAL, CNN_LOCK_ALONE);
    assert_false(take_lock(CNN_LOCK_SHARED, &lock));
    end_holder(third);
    machine.speed = QUICK;
    assert_true(take_lock(CNN_LOCK_SHARED, &lock));
    cnn_file_lock_release(&lock);
    assert_int_equal(count_files(), 0);
}

/* Holds the lock, and checks whether it still does when it is told to continue. */
static int hold_and_ask(void *context) {
    const race *r = context;
    char byte;
    attempt a;
    take(&a, CNN_LOCK_ALONE);
    bool fresh = a.status == CNN_OK && !a.busy && !cnn_file_lock_is_lost(&a.lock);
    if (!fresh || write(r->done, "", 1) != 1 || read(r->start, &byte, 1) != 1) {
        return 1;
    }
    bool lost = cnn_file_lock_is_lost(&a.lock);
    cnn_file_lock_release(&a.lock); /* leaves the files of the other one alone */
    return lost ? 0 : 1;
}

/* A program that was suspended for longer than a minute learns that another one has its place. */
static void test_suspended(void **state) {
    (void)state;
    int start[2], done[2];
    char byte;
    cnn_file_lock lock;
    machine = (test_machine){.number = 1, .speed = QUICK, .locks = LOCKS_NONE};
    assert_int_equal(pipe(start), 0);
    assert_int_equal(pipe(done), 0);
    race r = {.start = start[0], .done = done[1]};
    pid_t other = on_machine(2, LOCKS_NONE, hold_and_ask, &r);
    assert_int_equal(read(done[0], &byte, 1), 1);
    assert_int_equal(kill(other, SIGSTOP), 0);
    assert_true(take_lock(CNN_LOCK_ALONE, &lock));
    assert_int_equal(kill(other, SIGCONT), 0);
    assert_int_equal(write(start[1], "", 1), 1);
    assert_int_equal(exit_code_of(other), 0);
    assert_false(cnn_file_lock_is_lost(&lock));
    assert_int_equal(count_files(), 1);
    cnn_file_lock_release(&lock);
    assert_int_equal(count_files(), 0);
}

/* --- files that are no claims, or say nothing --- */

static void count_lines(void *user, cnn_log_level level, const char *line) {
    *(int *)user += level == CNN_LOG_INFO && strstr(line, "still running") != NULL;
}

static bool stop_at_third(void *user) {
    return ++*(int *)user >= 3;
}

/* After ten seconds of looking five times a second. */
static bool stop_after_looks(void *user) {
    return ++*(int *)user >= 50;
}

/* A claim that is empty, or full of rubbish, is watched, and finally left over. A claim that cannot
 * be read is an error with its name; files with other names are ignored. A user can stop the wait.
 */
static void test_rubbish(void **state) {
    (void)state;
    static const char claim[] = "lock.a.0123456789abcdef";
    static char rubbish[100000];
    cnn_error error;
    attempt a;
    int lines = 0, looks = 0;
    memset(rubbish, '%', sizeof rubbish);
    machine = (test_machine){.speed = QUICK, .locks = LOCKS_LOCAL};
    for (int size = 0; size < 100000; size = size * 300 + 1) {
        test_ok(cnn_file_write(claim, rubbish, (size_t)size, &error), &error);
    }
    test_ok(cnn_file_write("lock.a.0123456789abcde", "", 0, &error), &error);
    test_ok(cnn_file_write("lock.a.0123456789abcdef.mine", "", 0, &error), &error);
    cnn_lock_request request = {.path = "lock",
                                .kind = CNN_LOCK_ALONE,
                                .log = &(cnn_log_sink){.write = count_lines, .user = &lines},
                                .should_stop = stop_at_third,
                                .user = &looks};
    assert_int_equal(cnn_file_lock_take(&request, &a.lock, &a.busy, &a.holder, &a.error),
                     CNN_STOPPED);
    assert_int_equal(lines, 1);
    assert_int_equal(count_files(), 3); /* what was there */
    request.should_stop = NULL;
    test_ok(cnn_file_lock_take(&request, &a.lock, &a.busy, &a.holder, &a.error), &a.error);
    assert_false(a.busy);
    assert_int_equal(access(claim, F_OK), -1);
    cnn_file_lock_release(&a.lock);
    assert_int_equal(count_files(), 2);
    assert_int_equal(mkfifo(claim, 0600), 0);
    take(&a, CNN_LOCK_ALONE);
    assert_int_equal(a.status, CNN_ERROR_RUNTIME);
    assert_non_null(strstr(a.error.message, claim));
    assert_int_equal(count_files(), 3);
}

/* A program that was killed between creating and writing its claim keeps others out for seconds,
 * if it ran under the same kernel. The clock is that of the machine: a minute would be noticed. */
static void test_killed_while_claiming(void **state) {
    (void)state;
    cnn_error error;
    attempt a;
    char path[64];
    machine = (test_machine){.speed = 1};
    take(&a, CNN_LOCK_ALONE);
    test_ok(a.status, &a.error);
    (void)snprintf(path, sizeof path, "%.60s", cnn_claim_path(a.lock.claim));
    cnn_file_lock_release(&a.lock);
    memset(path + strlen(path) - 8, '0', 8); /* the half that is random */
    test_ok(cnn_file_write(path, "", 0, &error), &error);
    int looks = 0;
    const cnn_lock_request request = {
        .path = "lock", .kind = CNN_LOCK_ALONE, .should_stop = stop_after_looks, .user = &looks};
    test_ok(cnn_file_lock_take(&request, &a.lock, &a.busy, &a.holder, &a.error), &a.error);
    assert_false(a.busy);
    assert_true(looks > 1);
    assert_int_equal(access(path, F_OK), -1);
    cnn_file_lock_release(&a.lock);
}

int main(void) {
#define LOCK_TEST(test) cmocka_unit_test_setup_teardown(test, test_folder_enter, test_folder_leave)
    const struct CMUnitTest tests[] = {
        LOCK_TEST(test_one_machine),
        LOCK_TEST(test_shared),
        LOCK_TEST(test_races),
        LOCK_TEST(test_waiting),
        LOCK_TEST(test_left_over),
        LOCK_TEST(test_lock_of_a_machine_that_is_gone),
        LOCK_TEST(test_shared_by_machines),
        LOCK_TEST(test_suspended),
        LOCK_TEST(test_rubbish),
        LOCK_TEST(test_killed_while_claiming),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
