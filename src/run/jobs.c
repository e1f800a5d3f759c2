#include "run/jobs.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

/* How often should_stop is asked, in milliseconds. */
enum { LOOK_EVERY = 200 };

/* A member that is being trained. */
typedef struct job {
    int member; /* 0: none */
    pid_t process;
    int result; /* the pipe from which its cnn_job_result can be read */
} job;

typedef struct running {
    const cnn_jobs *jobs;
    job *list;           /* [at_once] */
    struct pollfd *wait; /* [at_once] */
    int next;            /* member */
    cnn_status status;   /* of the set so far */
} running;

/* --- the process of a member --- */

/* Ends when its parent does, even if that is killed. */
static void follow(pid_t parent) {
#if defined(__linux__)
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != parent) { /* it has ended already */
        (void)raise(SIGTERM);
    }
}

/* A result is shorter than what a pipe takes at once. */
static _Noreturn void run_work(const cnn_jobs *jobs, int member, int result_pipe, pid_t parent) {
    cnn_job_result result = {0};
    const cnn_memory_state memory = cnn_memory_look();
    follow(parent);
    if (memory.limit != SIZE_MAX) {
        cnn_memory_limit(memory.limit / (size_t)jobs->at_once);
    }
    jobs->work(jobs->context, member, &result);
    ssize_t written = write(result_pipe, &result, sizeof result);
    _exit(written == (ssize_t)sizeof result ? 0 : 1);
}

/* --- this process --- */

static cnn_status start(running *r, job *place, cnn_error *error) {
    int ends[2];
    const pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return cnn_fail_errno(error, "a pipe", errno);
    }
    pid_t process = fork();
    if (process == 0) {
        (void)close(ends[0]);
        run_work(r->jobs, r->next, ends[1], parent);
    }
    const int reason = errno;
    (void)close(ends[1]);
    if (process < 0) {
        (void)close(ends[0]);
        return cnn_fail_errno(error, "a process", reason);
    }
    *place = (job){.member = r->next, .process = process, .result = ends[0]};
    r->next++;
    return CNN_OK;
}

/* Waits for the end of a process whose pipe is closed, or holds its result. */
static cnn_status end(const running *r, job *place, cnn_error *error) {
    cnn_job_result result = {0};
    ssize_t done;
    int state = 0;
    while ((done = read(place->result, &result, sizeof result)) < 0 && errno == EINTR) {
    }
    while (waitpid(place->process, &state, 0) < 0 && errno == EINTR) {
    }
    (void)close(place->result);
    int killed = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    const int member = place->member;
    *place = (job){0};
    if (killed == 0 && done != (ssize_t)sizeof result) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "a process ended without a result");
    }
    return r->jobs->ended(r->jobs->context, member, killed, &result, error);
}

static int count_running(const running *r) {
    int count = 0;
    for (int i = 0; i < r->jobs->at_once; i++) {
        count += r->list[i].member > 0;
    }
    return count;
}

/* Keeps the first failure, and stops what runs. */
static void give_up(running *r, cnn_status status) {
    if (status == CNN_OK || r->status != CNN_OK) {
        return;
    }
    r->status = status;
    for (int i = 0; i < r->jobs->at_once; i++) {
        if (r->list[i].member > 0) {
            (void)kill(r->list[i].process, SIGTERM);
        }
    }
}

/* Passes over members that are not to be worked on. */
static void skip(running *r, cnn_error *error) {
    bool wanted = false;
    while (r->status == CNN_OK && r->next <= r->jobs->count && !wanted) {
        give_up(r, r->jobs->wanted(r->jobs->context, r->next, &wanted, error));
        r->next += !wanted;
    }
}

/* Starts members where there is room. */
static void fill(running *r, cnn_error *error) {
    for (int i = 0; i < r->jobs->at_once; i++) {
        if (r->list[i].member == 0) {
            skip(r, error);
        }
        if (r->list[i].member == 0 && r->next <= r->jobs->count && r->status == CNN_OK) {
            give_up(r, start(r, &r->list[i], error));
        }
    }
}

/* Waits for a moment, or until a member has ended. */
static void wait_for_some(running *r, cnn_error *error) {
    const cnn_common_options *options = r->jobs->options;
    for (int i = 0; i < r->jobs->at_once; i++) {
        bool runs = r->list[i].member > 0;
        r->wait[i] = (struct pollfd){.fd = runs ? r->list[i].result : -1, .events = POLLIN};
    }
    int ready = poll(r->wait, (nfds_t)r->jobs->at_once, LOOK_EVERY);
    for (int i = 0; i < r->jobs->at_once && ready > 0; i++) {
        cnn_error failure;
        if (r->list[i].member > 0 && r->wait[i].revents != 0) {
            cnn_status status = end(r, &r->list[i], &failure);
            if (status != CNN_OK && r->status == CNN_OK && error) {
                *error = failure;
            }
            give_up(r, status);
        }
    }
    if (r->status == CNN_OK && options->should_stop && options->should_stop(options->user)) {
        give_up(r, cnn_fail(error, CNN_STOPPED, "stopped; continue with --resume"));
    }
}

int cnn_jobs_threads(int threads, int jobs) {
    const int each = jobs > 1 ? threads / jobs : threads;
    return each > 1 ? each : 1;
}

cnn_status cnn_jobs_run(const cnn_jobs *jobs, cnn_error *error) {
    running r = {.jobs = jobs,
                 .list = cnn_alloc((size_t)jobs->at_once, sizeof *r.list),
                 .wait = cnn_alloc((size_t)jobs->at_once, sizeof *r.wait),
                 .next = 1};
    if (r.list && r.wait) {
        fill(&r, error);
        while (count_running(&r) > 0) {
            wait_for_some(&r, error);
            fill(&r, error);
            jobs->look(jobs->context, count_running(&r));
        }
    } else {
        r.status = cnn_fail_memory(error, "processes");
    }
    cnn_free(r.list);
    cnn_free(r.wait);
    return r.status;
}
