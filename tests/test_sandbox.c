/* The sandbox: children enter it and try what it must forbid, and what it must allow. */
#include "test_support.h"

#include "base/parallel.h"
#include "cli/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How a child ends that has tried something. */
enum { DONE = 0, REFUSED = 40, FAILED = 41, NOT_ENTERED = 42 };

static void skip_without_filters(void) {
#ifdef CNN_SANITIZED
    print_message("no sandbox under sanitizers\n");
    skip();
#endif
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) {
        print_message("no seccomp filters here: %s\n", strerror(errno));
        skip();
    }
}

/* Runs `body` in a child, with or without the sandbox; returns the status from waitpid. */
static int in_child(bool sandbox, int (*body)(void)) {
    (void)fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0}; /* no core files of killed children */
        if (setrlimit(RLIMIT_CORE, &none) != 0 ||
            (sandbox && cnn_sandbox_enter(-1, NULL) != CNN_OK)) {
            _exit(NOT_ENTERED);
        }
        _exit(body());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* --- what it must forbid: each returns the result of the system call --- */

static int file;  /* "file", open for reading */
static int spare; /* "spare", open for writing, as if it had been inherited */
static pid_t parent;

static long open_for_writing(void) {
    return open("file", O_WRONLY);
}
static long open_for_both(void) {
    return open("file", O_RDWR);
}
static long open_truncated(void) {
    return open("file", O_RDONLY | O_TRUNC);
}
static long create(void) {
    return open("new", O_RDONLY | O_CREAT, 0600);
}
static long create_unnamed(void) {
    return open(".", O_TMPFILE | O_RDWR, 0600);
}
static long open_by_structure(void) {
    uint64_t how[3] = {O_RDWR, 0, 0};
    return syscall(SYS_openat2, AT_FDCWD, "file", how, sizeof how);
}
static long write_elsewhere(void) {
    return write(spare, "x", 1);
}
static long cut(void) {
    return ftruncate(spare, 0);
}
static long copy_over_output(void) {
    return dup2(spare, STDOUT_FILENO);
}
static long remove_file(void) {
    return unlinkat(AT_FDCWD, "file", 0);
}
static long rename_file(void) {
    return renameat(AT_FDCWD, "file", AT_FDCWD, "renamed");
}
static long link_file(void) {
    return linkat(AT_FDCWD, "file", AT_FDCWD, "link", 0);
}
static long link_symbolically(void) {
    return symlinkat("file", AT_FDCWD, "symlink");
}
static long make_folder(void) {
    return mkdirat(AT_FDCWD, "folder", 0700);
}
static long change_mode(void) {
    return fchmodat(AT_FDCWD, "file", 0777, 0);
}
static long change_times(void) {
    return utimensat(AT_FDCWD, "file", NULL, 0);
}
static long map_executable(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : 0;
}
static long make_executable(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}
static long make_all_executable(void) {
    return personality(READ_IMPLIES_EXEC);
}
static long start_process(void) {
    pid_t child = fork(); /* glibc: clone without CLONE_THREAD */
    if (child == 0) {
        _exit(0);
    }
    return child;
}
static long start_by_structure(void) {
    uint64_t arguments[8] = {[4] = SIGCHLD};
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (child == 0) {
        _exit(0);
    }
    return child;
}
static long signal_parents_thread(void) {
    return syscall(SYS_tgkill, parent, parent, 0);
}
static long control_terminal(void) {
    return ioctl(STDERR_FILENO, FIONREAD, &(int){0});
}
static long control_process(void) {
    return prctl(PR_SET_NAME, "other");
}
static long raise_limit(void) {
    return setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static long run_program(void) {
    char *const arguments[] = {"true", NULL};
    return execve("/bin/true", arguments, arguments + 1);
}
static long run_open_program(void) {
    char *const arguments[] = {"true", NULL};
    return syscall(SYS_execveat, file, "", arguments, arguments + 1, AT_EMPTY_PATH);
}
#ifdef SYS_fork
static long start_by_fork(void) {
    long child = syscall(SYS_fork);
    if (child == 0) {
        _exit(0);
    }
    return child;
}
static long start_by_vfork(void) {
    pid_t child = vfork();
    if (child == 0) {
        _exit(0);
    }
    return child;
}
#endif
static long make_socket(void) {
    return socket(AF_INET, SOCK_STREAM, 0);
}
static long make_local_socket(void) {
    return socket(AF_UNIX, SOCK_DGRAM, 0);
}
static long connect_socket(void) {
    return connect(file, NULL, 0);
}
static long send_bytes(void) {
    return send(file, "x", 1, 0);
}
static long signal_parent(void) {
    return kill(parent, 0);
}
static long trace(void) {
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static long read_memory(void) {
    return syscall(SYS_process_vm_readv, parent, NULL, 0L, NULL, 0L, 0L);
}
static long write_memory(void) {
    return syscall(SYS_process_vm_writev, parent, NULL, 0L, NULL, 0L, 0L);
}
static long change_user(void) {
    return setuid(getuid());
}
static long change_root(void) {
    return chroot("missing");
}
static long mount_something(void) {
    return mount("missing", "missing", "missing", 0, NULL);
}
static long make_namespace(void) {
    return unshare(0);
}
static long open_by_handle(void) {
    return syscall(SYS_open_by_handle_at, -1, NULL, 0);
}
static long make_memory_file(void) {
    return syscall(SYS_memfd_create, "memory", 0);
}
static long handle_page_faults(void) {
    return syscall(SYS_userfaultfd, 0);
}
static long load_bpf(void) {
    return syscall(SYS_bpf, -1, NULL, 0);
}
static long set_up_io_uring(void) {
    return syscall(SYS_io_uring_setup, 0, NULL);
}
static long count_events(void) {
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0L);
}

typedef struct attempt {
    const char *name;
    long (*make)(void);
    bool killed; /* else the call is refused */
} attempt;

static const attempt attempts[] = {
    {"opening for writing", open_for_writing, false},
    {"opening for reading and writing", open_for_both, false},
    {"truncating with a file open for reading", open_truncated, false},
    {"creating with a file open for reading", create, false},
    {"O_TMPFILE", create_unnamed, false},
    {"openat2", open_by_structure, false},
    {"writing to an inherited descriptor", write_elsewhere, false},
    {"ftruncate", cut, false},
    {"dup2", copy_over_output, false},
    {"unlink", remove_file, false},
    {"rename", rename_file, false},
    {"link", link_file, false},
    {"symlink", link_symbolically, false},
    {"mkdir", make_folder, false},
    {"chmod", change_mode, false},
    {"utimensat", change_times, false},
    {"mmap with PROT_EXEC", map_executable, false},
    {"mprotect with PROT_EXEC", make_executable, false},
    {"personality", make_all_executable, false},
    {"a process by clone", start_process, false},
    {"a process by clone3", start_by_structure, false},
    {"tgkill of the parent", signal_parents_thread, false},
    {"ioctl", control_terminal, false},
    {"prctl", control_process, false},
    {"setrlimit", raise_limit, false},
    {"execve", run_program, true},
    {"execveat", run_open_program, true},
#ifdef SYS_fork
    {"fork", start_by_fork, true},
    {"vfork", start_by_vfork, true},
#endif
    {"socket", make_socket, true},
    {"local socket", make_local_socket, true},
    {"connect", connect_socket, true},
    {"send", send_bytes, true},
    {"kill", signal_parent, true},
    {"ptrace", trace, true},
    {"process_vm_readv", read_memory, true},
    {"process_vm_writev", write_memory, true},
    {"setuid", change_user, true},
    {"chroot", change_root, true},
    {"mount", mount_something, true},
    {"unshare", make_namespace, true},
    {"open_by_handle_at", open_by_handle, true},
    {"memfd_create", make_memory_file, true},
    {"userfaultfd", handle_page_faults, true},
    {"bpf", load_bpf, true},
    {"io_uring_setup", set_up_io_uring, true},
    {"perf_event_open", count_events, true},
};

static const attempt *current; /* what the next child tries */

static int try_current(void) {
    errno = 0;
    if (current->make() >= 0) {
        return DONE;
    }
    return errno == ENOSYS ? REFUSED : FAILED;
}

static void make_files(void) {
    file = open("file", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    spare = open("spare", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0 && spare >= 0);
}

static void test_what_is_forbidden(void **state) {
    (void)state;
    skip_without_filters();
    parent = getpid();
    make_files();
    for (size_t i = 0; i < TEST_COUNT(attempts); i++) {
        current = &attempts[i];
        int status = in_child(true, try_current);
        if (current->killed ? !(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
                            : !(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED)) {
            fail_msg("%s: expected it to be %s, got status %#x", current->name,
                     current->killed ? "killed by SIGSYS" : "refused", (unsigned)status);
        }
    }
    struct stat about; /* and the files are unchanged */
    assert_int_equal(stat("file", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(about.st_nlink, 1);
    for (const char *const *name = (const char *const[]){"new", "link", "symlink", "folder", NULL};
         *name; name++) {
        assert_int_not_equal(lstat(*name, &about), 0);
    }
    (void)close(file);
    (void)close(spare);
}

/* Without the sandbox, these calls work: it is the sandbox that refuses them. */
static void test_what_it_is_that_forbids(void **state) {
    (void)state;
    skip_without_filters();
    parent = getpid();
    for (size_t i = 0; i < TEST_COUNT(attempts); i++) {
        current = &attempts[i];
        make_files();
        int status = in_child(false, try_current);
        if (!WIFEXITED(status) || (!current->killed && WEXITSTATUS(status) == REFUSED)) {
            fail_msg("%s: expected the system to let it be tried, got status %#x", current->name,
                     (unsigned)status);
        }
        (void)close(file);
        (void)close(spare);
    }
}

/* --- what it must allow --- */

static void count_turn(void *context, size_t index, int thread) {
    (void)thread;
    ((unsigned char *)context)[index] = 1;
}

/* Reads, lists, runs threads, allocates and prints; exit code 0, or the number of what failed. */
static int use_what_is_allowed(void) {
    char line[8] = "";
    FILE *stream = fopen("text", "r");
    if (!stream || !fgets(line, sizeof line, stream) || strcmp(line, "words") != 0) {
        return 1;
    }
    (void)fclose(stream);
    DIR *folder = opendir(".");
    int entries = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        entries += strcmp(entry->d_name, "text") == 0;
    }
    struct stat about;
    if (entries != 1 || closedir(folder) != 0 || stat("text", &about) != 0 || about.st_size != 5) {
        return 2;
    }
    for (int threads = 1; threads <= 16; threads *= 2) {
        unsigned char turns[1000] = {0};
        cnn_thread_pool *pool = cnn_thread_pool_create(threads);
        if (!pool || cnn_thread_pool_threads(pool) != threads) {
            return 3;
        }
        cnn_thread_pool_for(pool, sizeof turns, threads, count_turn, turns);
        cnn_thread_pool_free(pool);
        if (memchr(turns, 0, sizeof turns)) {
            return 4;
        }
    }
    size_t size = (size_t)100 << 20;
    char *memory = malloc(size);
    if (!memory) {
        return 5;
    }
    memset(memory, 1, size);
    char *larger = realloc(memory, 2 * size);
    if (!larger || larger[size - 1] != 1) {
        return 6;
    }
    free(larger);
    struct timespec now;
    if (cnn_default_threads() < 1 || clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return 7;
    }
    if (printf("printed, terminal: %d\n", isatty(STDOUT_FILENO)) < 0 || fflush(stdout) != 0) {
        return 8;
    }
    return 0;
}

static void test_what_is_allowed(void **state) {
    (void)state;
    skip_without_filters();
    FILE *text = fopen("text", "w");
    assert_non_null(text);
    assert_true(fputs("words", text) >= 0);
    assert_int_equal(fclose(text), 0);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    int output = dup(STDOUT_FILENO);
    assert_true(output >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0);
    int status = in_child(true, use_what_is_allowed);
    assert_true(dup2(output, STDOUT_FILENO) >= 0);
    (void)close(output);
    (void)close(ends[1]);
    char printed[64] = "";
    assert_true(read(ends[0], printed, sizeof printed - 1) >= 0);
    (void)close(ends[0]);
    assert_int_equal(status, 0);
    assert_string_equal(printed, "printed, terminal: 0\n");
}

static int abort_in_place(void) {
    abort();
}

/* A bug detected by the C library is still reported as one. */
static void test_abort(void **state) {
    (void)state;
    skip_without_filters();
    int status = in_child(true, abort_in_place);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* The one pipe that it is given may be written to, but no other descriptor. */
static void test_pipe(void **state) {
    (void)state;
    skip_without_filters();
    int pipe_to[2], other[2], status;
    assert_int_equal(pipe(pipe_to), 0);
    assert_int_equal(pipe(other), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (cnn_sandbox_enter(pipe_to[1], NULL) != CNN_OK) {
            _exit(NOT_ENTERED);
        }
        const bool allowed = write(pipe_to[1], "x", 1) == 1;
        const bool refused = write(other[1], "x", 1) < 0 && errno == ENOSYS;
        _exit(allowed && refused ? DONE : FAILED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), DONE);
    for (int i = 0; i < 2; i++) {
        (void)close(pipe_to[i]);
        (void)close(other[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_forbidden, test_folder_enter,
                                        test_folder_leave),
        cmocka_unit_test_setup_teardown(test_what_it_is_that_forbids, test_folder_enter,
                                        test_folder_leave),
        cmocka_unit_test_setup_teardown(test_what_is_allowed, test_folder_enter, test_folder_leave),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
