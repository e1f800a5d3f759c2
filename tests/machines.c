#include "machines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

test_machine machine = {.speed = 1};

/* The names that the linker requires are reserved in C. */
int system_flock(int file, int operation) __asm__("__real_flock");
int our_flock(int file, int operation) __asm__("__wrap_flock");
int system_stat(const char *path, struct stat *about) __asm__("__real_stat");
int our_stat(const char *path, struct stat *about) __asm__("__wrap_stat");
int our_gethostname(char *name, size_t size) __asm__("__wrap_gethostname");
int system_clock_gettime(clockid_t clock, struct timespec *time) __asm__("__real_clock_gettime");
int our_clock_gettime(clockid_t clock, struct timespec *time) __asm__("__wrap_clock_gettime");
int system_poll(struct pollfd *files, nfds_t count, int wait) __asm__("__real_poll");
int our_poll(struct pollfd *files, nfds_t count, int wait) __asm__("__wrap_poll");
int system_futimens(int file, const struct timespec times[2]) __asm__("__real_futimens");
int our_futimens(int file, const struct timespec times[2]) __asm__("__wrap_futimens");

/* A lock that only this machine sees: of the kernel's locks on parts of files, which end with the
 * open file, too, that on the byte with the number of the machine. */
int our_flock(int file, int operation) {
    if (machine.locks == LOCKS_WORK) {
        return system_flock(file, operation);
    }
    if (machine.locks == LOCKS_NONE) {
        errno = ENOLCK;
        return -1;
    }
    struct flock lock = {.l_type = operation & LOCK_UN   ? F_UNLCK
                                   : operation & LOCK_EX ? F_WRLCK
                                                         : F_RDLCK,
                         .l_whence = SEEK_SET,
                         .l_start = machine.number,
                         .l_len = 1};
    int result = fcntl(file, operation & LOCK_NB ? F_OFD_SETLK : F_OFD_SETLKW, &lock);
    errno = result != 0 && errno == EACCES ? EWOULDBLOCK : errno;
    return result;
}

/* All kernels of a test are the same one, but no two machines have mounted the same file system. */
int our_stat(const char *path, struct stat *about) {
    int result = system_stat(path, about);
    about->st_dev += (dev_t)machine.number;
    return result;
}

int our_gethostname(char *name, size_t size) {
    (void)snprintf(name, size, "machine%d", machine.number);
    return 0;
}

int our_clock_gettime(clockid_t clock, struct timespec *time) {
    int result = system_clock_gettime(clock, time);
    if (clock == CLOCK_REALTIME) {
        time->tv_sec += machine.fast;
        machine.time_looks++;
    } else if (clock == CLOCK_MONOTONIC && machine.speed > 1) {
        double seconds =
            ((double)time->tv_sec + 1e-9 * (double)time->tv_nsec) * (double)machine.speed;
        time->tv_sec = (time_t)seconds;
        time->tv_nsec = (long)(1e9 * (seconds - (double)time->tv_sec));
    }
    return result;
}

int our_poll(struct pollfd *files, nfds_t count, int wait) {
    return system_poll(files, count, wait > 0 ? (wait + machine.speed - 1) / machine.speed : wait);
}

/* "Now" is the time of the machine, as on file systems whose server does not decide. */
int our_futimens(int file, const struct timespec times[2]) {
    struct timespec now[2];
    (void)system_clock_gettime(CLOCK_REALTIME, &now[0]);
    now[0].tv_sec += machine.fast;
    now[1] = now[0];
    return system_futimens(file, times ? times : now);
}
