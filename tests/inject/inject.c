/* Makes one call of a program fail, to test how it reacts: a library for LD_PRELOAD.
 *
 * From main on, every call of one class is counted, and the N-th one fails. The environment
 * chooses:
 *
 * - INJECT_CLASS:
 *   - write: what changes files: open to write, write, fsync, rename, unlink, close, …
 *   - space: those of them that a full disk refuses
 *   - read: what looks at files: open to read, read, stat, readdir, mmap, …
 *   - interrupt: what a signal can interrupt
 *   - memory: malloc and its kin
 *   - thread: pthread_create
 * - INJECT_AT: N, from 1; 0: none fails, they are only counted
 * - INJECT_ERRNO: the reason that is given, as a number
 * - INJECT_MODE:
 *   - once: only the N-th call fails
 *   - sticky: all from the N-th on
 *   - short: none fails, but every read and write does half of what it is asked for
 *   - kill: the process is killed (SIGKILL) in place of the N-th call; a write has written half
 * - INJECT_REPORT: a file for "CALLS DELIVERED LIVE NAME PATH": calls seen, 1 where one was made to
 *   fail, blocks of memory that main has left allocated, and which call failed
 * - INJECT_PLACES: set, the report has a line "FIRST LAST HASH" for each place from which such a
 * call came: the numbers of its first and its last call, and a number that it has in every run of
 * the program. A place is a stack of return addresses, and of calls that change files also the file
 *
 * A failing call does nothing; only close closes, as Linux does. fsync never reaches the disk, and
 * the monotonic clock advances by two microseconds a look, so that runs are quick and their files
 * the same.
 *
 * stdio writes by ways that cannot be interposed, so stdout becomes a stream over our own write.
 * stderr stays as it is: messages must arrive. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SPACE = 2, READ = 4, INTERRUPT = 8, MEMORY = 16, THREAD = 32 };
enum { FILES = 256, PATH_SIZE = 512, FRAMES = 64, PLACES = 1 << 14 };

static const struct {
    const char *name;
    int bit;
} class_names[] = {{"write", WRITE},         {"space", SPACE},   {"read", READ},
                   {"interrupt", INTERRUPT}, {"memory", MEMORY}, {"thread", THREAD}};

static int wanted_class;
static long fail_at;
static int fail_reason;
static bool sticky, half, dies;
static atomic_bool armed;
static atomic_long live, ticks;

typedef struct call_place {
    uint64_t hash; /* 0: none */
    long first, last;
} call_place;

/* A process that the program forks counts on: the first of both that makes the N-th call fails. */
static struct shared {
    atomic_long calls;
    atomic_bool delivered;
    const char *failed_name;
    char failed_path[PATH_SIZE];
    atomic_flag places_in_use;
} alone = {.failed_name = "-", .failed_path = "-", .places_in_use = ATOMIC_FLAG_INIT},
  *shared = &alone;
static call_place
    *places; /* a hash table of PLACES, which all processes share; NULL: not asked for */

/* The purpose of each open descriptor. */
static char file_path[FILES][PATH_SIZE];
static bool file_written[FILES];

#define REAL(name)                                                                                 \
    static __typeof__(name) *real_##name;                                                          \
    if (!real_##name) {                                                                            \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&real_##name, &found, sizeof found);                                                \
    }

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    }
    return hash;
}

/* Where the program and its libraries are, which differs from run to run. */
enum { MODULES = 128 };
static uintptr_t modules[MODULES];
static int module_count;

static int add_module(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (module_count < MODULES) {
        modules[module_count++] = info->dlpi_addr;
    }
    return 0;
}

/* The address as a distance from the module that it is in. */
static uintptr_t distance(const void *address) {
    uintptr_t base = 0;
    for (int i = 0; i < module_count; i++) {
        base = modules[i] <= (uintptr_t)address && modules[i] > base ? modules[i] : base;
    }
    return (uintptr_t)address - base;
}

/* Notes the place that call `number` comes from. path: of a call that changes files, else "". The
 * suffix of a temporary file, which differs from run to run, is not part of it. */
static void note_place(long number, const char *path) {
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    const char *suffix = strstr(path, ".tmp.");
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < count; i++) {
        uintptr_t offset = distance(frames[i]);
        hash = add_bytes(hash, &offset, sizeof offset);
    }
    hash = add_bytes(hash, path, suffix ? (size_t)(suffix - path) : strlen(path)) | 1;
    while (atomic_flag_test_and_set(&shared->places_in_use)) {
    }
    size_t i = hash % PLACES;
    for (size_t seen = 0; places[i].hash != 0 && places[i].hash != hash; seen++) {
        if (seen == PLACES) {
            abort(); /* make the table larger */
        }
        i = (i + 1) % PLACES;
    }
    if (places[i].hash == 0) {
        places[i] = (call_place){.hash = hash, .first = number};
    }
    places[i].last = number;
    atomic_flag_clear(&shared->places_in_use);
}

/* Counts a call; returns true, with errno set, if it is the one to fail. */
static bool fails(int classes, const char *name, const char *path) {
    if (!atomic_load(&armed) || !(classes & wanted_class)) {
        return false;
    }
    long number = atomic_fetch_add(&shared->calls, 1) + 1;
    if (places) {
        note_place(number, classes & (WRITE | SPACE) ? path : "");
    }
    if (half || fail_at == 0 || (sticky ? number < fail_at : number != fail_at)) {
        return false;
    }
    if (!atomic_exchange(&shared->delivered, true)) {
        shared->failed_name = name;
        size_t length = strnlen(path, PATH_SIZE - 1);
        memcpy(shared->failed_path, path, length);
        shared->failed_path[length] = '\0';
    }
    if (dies && strcmp(name, "write") != 0) {
        (void)raise(SIGKILL);
    }
    errno = fail_reason;
    return true;
}

static const char *path_of(int file) {
    return file >= 0 && file < FILES && file_path[file][0] ? file_path[file] : "-";
}

static bool is_written(int file) {
    return file >= 0 && file < FILES && file_written[file];
}

static void remember(int file, const char *path, bool written) {
    if (file >= 0 && file < FILES) {
        (void)snprintf(file_path[file], PATH_SIZE, "%s", *path ? path : ".");
        file_written[file] = written;
    }
}

static size_t shortened(size_t size) {
    return half && atomic_load(&armed) && size > 1 ? size / 2 : size;
}

/* --- opening and closing --- */

static int classes_of_open(int flags) {
    if (flags & O_CREAT) {
        return WRITE | SPACE | INTERRUPT;
    }
    return ((flags & O_ACCMODE) == O_RDONLY ? READ : WRITE) | INTERRUPT;
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    REAL(open)
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (fails(classes_of_open(flags), "open", path)) {
        return -1;
    }
    int file = real_open(path, flags, mode);
    remember(file, path, (flags & O_ACCMODE) != O_RDONLY);
    return file;
}

int openat(int folder, const char *path, int flags, ...) {
    REAL(openat)
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (fails(classes_of_open(flags), "openat", path)) {
        return -1;
    }
    int file = real_openat(folder, path, flags, mode);
    remember(file, path, (flags & O_ACCMODE) != O_RDONLY);
    return file;
}

int close(int file) {
    REAL(close)
    bool failing = fails((is_written(file) ? WRITE : 0) | INTERRUPT, "close", path_of(file));
    int reason = errno;
    remember(file, "-", false);
    int result = real_close(file);
    if (failing) {
        errno = reason;
        return -1;
    }
    return result;
}

FILE *fopen(const char *path, const char *mode) {
    REAL(fopen)
    return fails(READ, "fopen", path) ? NULL : real_fopen(path, mode);
}

char *fgets(char *line, int size, FILE *stream) {
    REAL(fgets)
    return fails(READ, "fgets", "-") ? NULL : real_fgets(line, size, stream);
}

/* --- writing --- */

/* stdio does not continue after an interrupted write to stdout; no test causes one. */
ssize_t write(int file, const void *data, size_t size) {
    REAL(write)
    if (!fails(WRITE | SPACE | (file == STDOUT_FILENO ? 0 : INTERRUPT), "write", path_of(file))) {
        return real_write(file, data, shortened(size));
    }
    if (dies && real_write(file, data, size / 2) >= 0) {
        (void)raise(SIGKILL);
    }
    return -1;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
    REAL(pwrite)
    return fails(WRITE | SPACE | INTERRUPT, "pwrite", path_of(file))
               ? -1
               : real_pwrite(file, data, shortened(size), offset);
}

int fsync(int file) {
    return fails(WRITE | SPACE | INTERRUPT, "fsync", path_of(file)) ? -1 : 0;
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate)
    return fails(WRITE | INTERRUPT, "ftruncate", path_of(file)) ? -1 : real_ftruncate(file, size);
}

int posix_fallocate(int file, off_t offset, off_t size) {
    REAL(posix_fallocate)
    return fails(WRITE | SPACE | INTERRUPT, "posix_fallocate", path_of(file))
               ? fail_reason
               : real_posix_fallocate(file, offset, size);
}

int rename(const char *from, const char *to) {
    REAL(rename)
    return fails(WRITE, "rename", to) ? -1 : real_rename(from, to);
}

int unlink(const char *path) {
    REAL(unlink)
    return fails(WRITE, "unlink", path) ? -1 : real_unlink(path);
}

int rmdir(const char *path) {
    REAL(rmdir)
    return fails(WRITE, "rmdir", path) ? -1 : real_rmdir(path);
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat)
    return fails(WRITE, "unlinkat", path) ? -1 : real_unlinkat(folder, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir)
    return fails(WRITE | SPACE, "mkdir", path) ? -1 : real_mkdir(path, mode);
}

int flock(int file, int operation) {
    REAL(flock)
    return fails(WRITE | INTERRUPT, "flock", path_of(file)) ? -1 : real_flock(file, operation);
}

/* Random numbers are those of the names of claims. */
int getentropy(void *bytes, size_t size) {
    REAL(getentropy)
    return fails(READ, "getentropy", "-") ? -1 : real_getentropy(bytes, size);
}

int futimens(int file, const struct timespec times[2]) {
    REAL(futimens)
    return fails(WRITE, "futimens", path_of(file)) ? -1 : real_futimens(file, times);
}

/* --- reading --- */

ssize_t read(int file, void *data, size_t size) {
    REAL(read)
    return fails(READ | INTERRUPT, "read", path_of(file)) ? -1
                                                          : real_read(file, data, shortened(size));
}

ssize_t pread(int file, void *data, size_t size, off_t offset) {
    REAL(pread)
    return fails(READ | INTERRUPT, "pread", path_of(file))
               ? -1
               : real_pread(file, data, shortened(size), offset);
}

off_t lseek(int file, off_t offset, int whence) {
    REAL(lseek)
    return fails(READ, "lseek", path_of(file)) ? -1 : real_lseek(file, offset, whence);
}

int fstat(int file, struct stat *about) {
    REAL(fstat)
    return fails(READ, "fstat", path_of(file)) ? -1 : real_fstat(file, about);
}

int stat(const char *path, struct stat *about) {
    REAL(stat)
    return fails(READ, "stat", path) ? -1 : real_stat(path, about);
}

int fstatat(int folder, const char *path, struct stat *about, int flags) {
    REAL(fstatat)
    return fails(READ, "fstatat", path) ? -1 : real_fstatat(folder, path, about, flags);
}

int fstatvfs(int file, struct statvfs *about) {
    REAL(fstatvfs)
    return fails(READ, "fstatvfs", path_of(file)) ? -1 : real_fstatvfs(file, about);
}

int access(const char *path, int mode) {
    REAL(access)
    return fails(READ, "access", path) ? -1 : real_access(path, mode);
}

DIR *opendir(const char *path) {
    REAL(opendir)
    DIR *stream = fails(READ, "opendir", path) ? NULL : real_opendir(path);
    if (stream) {
        remember(dirfd(stream), path, false);
    }
    return stream;
}

struct dirent *readdir(DIR *stream) {
    REAL(readdir)
    return fails(READ, "readdir", path_of(dirfd(stream))) ? NULL : real_readdir(stream);
}

int closedir(DIR *stream) {
    REAL(closedir)
    bool failing = fails(READ, "closedir", path_of(dirfd(stream)));
    int result = real_closedir(stream);
    if (failing) {
        errno = fail_reason;
    }
    return failing ? -1 : result;
}

char *getcwd(char *path, size_t size) {
    REAL(getcwd)
    return fails(READ, "getcwd", "-") ? NULL : real_getcwd(path, size);
}

void *mmap(void *place, size_t size, int protection, int flags, int file, off_t offset) {
    REAL(mmap)
    return fails(READ, "mmap", path_of(file))
               ? MAP_FAILED
               : real_mmap(place, size, protection, flags, file, offset);
}

int munmap(void *place, size_t size) {
    REAL(munmap)
    return fails(READ, "munmap", "-") ? -1 : real_munmap(place, size);
}

int madvise(void *place, size_t size, int advice) {
    REAL(madvise)
    return fails(READ, "madvise", "-") ? -1 : real_madvise(place, size, advice);
}

int poll(struct pollfd *files, nfds_t count, int milliseconds) {
    REAL(poll)
    return fails(READ | INTERRUPT, "poll", "-") ? -1 : real_poll(files, count, milliseconds);
}

int nanosleep(const struct timespec *wanted, struct timespec *left) {
    REAL(nanosleep)
    return fails(INTERRUPT, "nanosleep", "-") ? -1 : real_nanosleep(wanted, left);
}

/* glibc declares the resource as an enum */
int getrlimit(__rlimit_resource_t resource, struct rlimit *limits) {
    REAL(getrlimit)
    return fails(READ, "getrlimit", "-") ? -1 : real_getrlimit(resource, limits);
}

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set) {
    REAL(sched_getaffinity)
    return fails(READ, "sched_getaffinity", "-") ? -1 : real_sched_getaffinity(process, size, set);
}

/* --- memory and threads --- */

/* glibc's own, under the names that are meant for those who replace malloc */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void *count_block(void *memory) {
    if (memory && atomic_load(&armed)) {
        atomic_fetch_add(&live, 1);
    }
    return memory;
}

/* Is this the address of code of libwebp or libtiff? Those of Debian 12 (1.2.4, 4.5.0) crash or
 * leak where some of their own requests are refused, so these are not. */
static bool is_fragile(const void *caller) {
    Dl_info about;
    return atomic_load(&armed) && (wanted_class & MEMORY) && dladdr(caller, &about) != 0 &&
           about.dli_fname &&
           (strstr(about.dli_fname, "/libwebp.") || strstr(about.dli_fname, "/libtiff."));
}

static bool refuses_memory(const char *name, const void *caller) {
    return !is_fragile(caller) && fails(MEMORY, name, "-");
}

void *malloc(size_t size) {
    return refuses_memory("malloc", __builtin_return_address(0)) ? NULL
                                                                 : count_block(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return refuses_memory("calloc", __builtin_return_address(0))
               ? NULL
               : count_block(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size) {
    if (refuses_memory("realloc", __builtin_return_address(0))) {
        return NULL;
    }
    void *moved = __libc_realloc(memory, size);
    return memory ? moved : count_block(moved);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails(MEMORY, "aligned_alloc", "-") ? NULL
                                               : count_block(__libc_memalign(alignment, size));
}

void free(void *memory) {
    if (memory && atomic_load(&armed)) {
        atomic_fetch_sub(&live, 1);
    }
    __libc_free(memory);
}

int pthread_create(pthread_t *handle, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument) {
    REAL(pthread_create)
    return fails(THREAD, "pthread_create", "-")
               ? fail_reason
               : real_pthread_create(handle, attributes, start, argument);
}

/* --- time --- */

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(clock_gettime)
    if (clock != CLOCK_MONOTONIC) {
        return real_clock_gettime(clock, time);
    }
    long nanoseconds = 2000 * atomic_fetch_add(&ticks, 1);
    *time =
        (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return 0;
}

/* --- the program --- */

static int (*program)(int, char **, char **);

static ssize_t write_stdout(void *cookie, const char *data, size_t size) {
    (void)cookie;
    size_t done = 0;
    while (done < size) { /* stdio continues after a short write, but not for a cookie */
        ssize_t written = write(STDOUT_FILENO, data + done, size - done);
        if (written < 0) {
            return 0; /* how a cookie reports a failure; errno stays */
        }
        done += (size_t)written;
    }
    return (ssize_t)done;
}

static long number_of(const char *variable) {
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : 0;
}

static void report(void) {
    const char *path = getenv("INJECT_REPORT");
    char text[PATH_SIZE + 128];
    if (!path) {
        return;
    }
    int length = snprintf(text, sizeof text, "%ld %d %ld %s %s\n", atomic_load(&shared->calls),
                          atomic_load(&shared->delivered), atomic_load(&live), shared->failed_name,
                          shared->failed_path);
    long file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || syscall(SYS_write, file, text, (size_t)length) != length) {
        _exit(99);
    }
    for (size_t i = 0; places && i < PLACES; i++) {
        if (places[i].hash != 0) {
            length = snprintf(text, sizeof text, "%ld %ld %llu\n", places[i].first, places[i].last,
                              (unsigned long long)places[i].hash);
            if (syscall(SYS_write, file, text, (size_t)length) != length) {
                _exit(99);
            }
        }
    }
    (void)syscall(SYS_close, file);
}

/* Memory, all 0, that a process shares with those it forks; NULL: there is none. */
static void *map_shared(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static int run_program(int argc, char **argv, char **environment) {
    const char *wanted = getenv("INJECT_CLASS");
    const char *mode = getenv("INJECT_MODE");
    for (size_t i = 0; wanted && i < sizeof class_names / sizeof *class_names; i++) {
        wanted_class = strcmp(wanted, class_names[i].name) == 0 ? class_names[i].bit : wanted_class;
    }
    fail_at = number_of("INJECT_AT");
    fail_reason = (int)number_of("INJECT_ERRNO");
    sticky = mode && strcmp(mode, "sticky") == 0;
    half = mode && strcmp(mode, "short") == 0;
    dies = mode && strcmp(mode, "kill") == 0;
    (void)snprintf(file_path[STDIN_FILENO], PATH_SIZE, "stdin");
    (void)snprintf(file_path[STDOUT_FILENO], PATH_SIZE, "stdout");
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_stdout});
    if (stream) {
        stdout = stream;
    }
    struct shared *memory = map_shared(sizeof *memory);
    if (memory) {
        *memory = alone;
        shared = memory;
    }
    if (getenv("INJECT_PLACES")) {
        void *frame;
        (void)backtrace(&frame, 1); /* the first one takes memory */
        (void)dl_iterate_phdr(add_module, NULL);
        places = map_shared(PLACES * sizeof *places);
    }
    atomic_store(&armed, true);
    int code = program(argc, argv, environment);
    atomic_store(&armed, false);
    report();
    return code;
}

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the C library's */
int __libc_start_main(int (*main_function)(int, char **, char **), int argc, char **argv,
                      int (*init)(int, char **, char **), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*main_function)(int, char **, char **), int argc, char **argv,
                      int (*init)(int, char **, char **), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    REAL(__libc_start_main)
    program = main_function;
    return real___libc_start_main(run_program, argc, argv, init, fini, rtld_fini, stack_end);
}
