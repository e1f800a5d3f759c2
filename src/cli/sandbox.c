#include "cli/sandbox.h"

#include "cnn/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Landlock, which restricts access by path, is not used: nothing may be written anyway, and the
 * files to read are not known in advance, because paths come from standard input at any time and
 * folders contain links to other folders. */

/* libseccomp's API level of a kernel that can end the whole process, not just a thread: Linux 4.14.
 */
enum { API_KILL_PROCESS = 3 };

/* Calls that are allowed with any arguments. A call that an architecture lacks (poll on ARM) has a
 * number there that no call has. */
static const int allowed[] = {
    /* open files and folders, and information about others */
    SCMP_SYS(read),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(getdents64),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    /* threads */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(wait4), /* for the process that writes pictures */
    /* signals to itself */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    /* needed by the C library: the size of memory (qsort), random numbers (malloc) */
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    /* exit */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Calls that only injected code would make: to run programs, to reach other processes, the network,
 * or the internals of the kernel. The first such call ends the process. */
static const int hostile[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(capset),
    SCMP_SYS(chroot),
    SCMP_SYS(pivot_root),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(memfd_create),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(reboot),
};

/* A call that is allowed where (argument & mask) == value. */
typedef struct condition {
    int call;
    unsigned argument;
    uint64_t mask, value;
} condition;

#define ANY_BIT UINT64_MAX

/* Flags of clone for new namespaces, and for a thread that is traced. */
#define CLONE_MORE                                                                                 \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET | CLONE_PTRACE)

static const condition conditions[] = {
    /* O_TMPFILE also needs write access; O_TRUNC and O_CREAT do not */
    {SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    {SCMP_SYS(write), 0, ANY_BIT, STDOUT_FILENO},
    {SCMP_SYS(write), 0, ANY_BIT, STDERR_FILENO},
    {SCMP_SYS(writev), 0, ANY_BIT, STDERR_FILENO}, /* the C library's messages before abort() */
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_MORE, CLONE_THREAD},
    {SCMP_SYS(ioctl), 1, ANY_BIT, TCGETS}, /* stdio tests whether it is a terminal */
};

/* Adds all rules to an empty filter. Returns 0 or a negative errno. */
static int add_rules(scmp_filter_ctx filter, int pipe) {
    int result = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && result == 0; i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile && result == 0; i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, hostile[i], 0);
    }
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions && result == 0; i++) {
        const condition *c = &conditions[i];
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, c->call, 1,
                                  SCMP_CMP(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value));
    }
    if (result == 0 && pipe >= 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, ANY_BIT, (scmp_datum_t)pipe));
    }
    if (result == 0) { /* abort() */
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, ANY_BIT, (scmp_datum_t)getpid()));
    }
    return result;
}

/* What the process that writes pictures may do as well: write, and replace, files that its folder's
 * permissions allow. */
static const int writing[] = {
    SCMP_SYS(write),  SCMP_SYS(openat),   SCMP_SYS(open),      SCMP_SYS(fsync),    SCMP_SYS(rename),
    SCMP_SYS(unlink), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlinkat),
};

/* As add_rules, for that process. The first rule of a call that has no conditions allows it. */
static int add_writer_rules(scmp_filter_ctx filter) {
    int result = 0;
    for (size_t i = 0; i < sizeof writing / sizeof *writing && result == 0; i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, writing[i], 0);
    }
    return result;
}

/* Who gives up rights. */
typedef enum role { READS, WRITES } role;

/* Makes the filter and loads it into the kernel. Returns 0 or a negative errno. */
static int load_filter(role who, int pipe) {
    /* ENOSYS, not EPERM: if the C library tries a call that is newer than this list, it then uses
     * the older one, as on an older kernel. The same applies to clone3, whose flags a filter cannot
     * see. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter) {
        return -ENOMEM;
    }
    /* calls of another ABI (32 bits) have other numbers */
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0) {
        result = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    }
    if (result == 0) {
        result = add_rules(filter, pipe);
    }
    if (result == 0 && who == WRITES) {
        result = add_writer_rules(filter);
    }
    if (result == 0) {
        result = seccomp_load(filter); /* sets no_new_privs first */
    }
    seccomp_release(filter);
    return result;
}

static cnn_status enter(role who, int pipe, cnn_error *error) {
#ifdef CNN_SANITIZED
    (void)who, (void)pipe, (void)error,
        (void)load_filter; /* sanitizers find leaks by ptrace, and write files */
    return CNN_OK;
#else
    if (seccomp_api_get() < API_KILL_PROCESS) {
        return CNN_OK;
    }
    int result = load_filter(who, pipe);
    return result == 0 ? CNN_OK
                       : cnn_fail(error, CNN_ERROR_RUNTIME,
                                  "the sandbox cannot be entered: %s (--no-sandbox turns it off)",
                                  strerror(-result));
#endif
}

cnn_status cnn_sandbox_enter(int pipe, cnn_error *error) {
    return enter(READS, pipe, error);
}

cnn_status cnn_sandbox_enter_writer(cnn_error *error) {
    return enter(WRITES, -1, error);
}
