/* Runs a program, and prints the seconds it took and the most memory it held (KiB) on one line.
 *
 *   measure_run COMMAND [ARGUMENT ...]
 *
 * It is a separate program because the system counts a child's memory from before it becomes the
 * command: a child of Python would be charged with Python's. The exit code is that of the command.
 */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*): the C library's, for wait4 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("usage: measure_run COMMAND [ARGUMENT ...]\n", stderr);
        return 2;
    }
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is for the result */
        execv(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) {
        fputs("measure_run: the command did not end by itself\n", stderr);
        return 1;
    }
    printf("%.6f %ld\n", now() - start, usage.ru_maxrss);
    return WEXITSTATUS(status);
}
