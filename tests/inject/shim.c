/* Loaded in front of the C library (LD_PRELOAD): counts the calls of one class that a program
 * makes, and makes one of them fail. Each function here stands for one of the C library's, in its
 * place. fsync is never passed on, because nothing here depends on the disk, and thousands of runs
 * wait for it.
 *
 * tests/cli/inject.sh compares what the programs import with what is here, so that no call is
 * forgotten. */
#include "shim.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static inject_page nothing; /* before the page is there, and where there is none */
static inject_page *page = &nothing;

static void *next(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* `real`: the C library's function of that name. */
#define REAL(name)                                                                                 \
    static __typeof__(&(name)) real;                                                               \
    if (!real) {                                                                                   \
        *(void **)&real = next(#name);                                                             \
    }

__attribute__((constructor)) static void map_page(void) {
    const char *path = getenv(INJECT_PAGE);
    int (*real_open)(const char *, int, ...);
    *(void **)&real_open = next("open");
    int file = path ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED
                         : mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) {
        page = map;
    }
}

/* Is this call to fail? roomy: it needs room on the disk, or memory. */
static bool fails(inject_class class, const char *name, bool roomy) {
    if (page->class != (int)class) {
        return false;
    }
    long call = atomic_fetch_add(&page->calls, 1) + 1;
    bool later = page->mode == INJECT_FROM_THERE && page->at > 0 && call > page->at && roomy;
    if (call != page->at && !later) {
        return false;
    }
    if (atomic_fetch_add(&page->delivered, 1) == 0) {
        (void)strncpy(page->name, name, sizeof page->name - 1);
    }
    errno = page->error;
    return true;
}

/* A write that is to be cut short is no failure. */
static bool writes_fail(const char *name, size_t *size) {
    if (!fails(INJECT_WRITING, name, true)) {
        return false;
    }
    if (page->mode == INJECT_SHORT_WRITE) {
        *size = *size > 1 ? *size / 2 : *size;
        return false;
    }
    return true;
}

/* Calls that cannot be cut short. */
static bool change_fails(const char *name, bool roomy) {
    return fails(INJECT_WRITING, name, roomy) && page->mode != INJECT_SHORT_WRITE;
}

/* --- memory --- */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the C library's own names
 */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void *count_block(void *memory) {
    atomic_fetch_add(&page->live, memory != NULL);
    return memory;
}

void *malloc(size_t size) {
    return fails(INJECT_MEMORY, "malloc", true) ? NULL : count_block(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return fails(INJECT_MEMORY, "calloc", true) ? NULL : count_block(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size) {
    if (fails(INJECT_MEMORY, "realloc", true)) {
        return NULL;
    }
    void *moved = __libc_realloc(memory, size);
    return memory ? moved : count_block(moved);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails(INJECT_MEMORY, "aligned_alloc", true)
               ? NULL
               : count_block(__libc_memalign(alignment, size));
}

char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void free(void *memory) {
    atomic_fetch_sub(&page->live, memory != NULL);
    __libc_free(memory);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
    REAL(pthread_create)
    return fails(INJECT_MEMORY, "pthread_create", true) ? EAGAIN
                                                        : real(thread, attributes, run, argument);
}

/* --- opening --- */

static bool open_fails(const char *name, int flags) {
    return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0
               ? change_fails(name, (flags & O_CREAT) != 0)
               : fails(INJECT_READING, name, false);
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    REAL(open)
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_fails("open", flags) ? -1 : real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    REAL(openat)
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_fails("openat", flags) ? -1 : real(folder, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode) {
    REAL(fopen)
    return fails(INJECT_READING, "fopen", false) ? NULL : real(path, mode);
}

/* --- writing --- */

ssize_t write(int file, const void *data, size_t size) {
    REAL(write)
    return writes_fail("write", &size) ? -1 : real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t place) {
    REAL(pwrite)
    return writes_fail("pwrite", &size) ? -1 : real(file, data, size, place);
}

int fsync(int file) {
    (void)file;
    return change_fails("fsync", true) ? -1 : 0;
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate)
    return change_fails("ftruncate", false) ? -1 : real(file, size);
}

int posix_fallocate(int file, off_t place, off_t size) {
    REAL(posix_fallocate)
    return change_fails("posix_fallocate", true) ? page->error : real(file, place, size);
}

/* The file is closed, whatever close says of what was written to it. */
int close(int file) {
    REAL(close)
    int result = real(file);
    return change_fails("close", false) ? -1 : result;
}

int rename(const char *from, const char *to) {
    REAL(rename)
    return change_fails("rename", true) ? -1 : real(from, to);
}

int unlink(const char *path) {
    REAL(unlink)
    return change_fails("unlink", false) ? -1 : real(path);
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat)
    return change_fails("unlinkat", false) ? -1 : real(folder, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir)
    return change_fails("mkdir", true) ? -1 : real(path, mode);
}

int flock(int file, int operation) {
    REAL(flock)
    return change_fails("flock", false) ? -1 : real(file, operation);
}

int futimens(int file, const struct timespec times[2]) {
    REAL(futimens)
    return change_fails("futimens", false) ? -1 : real(file, times);
}

/* --- standard output; what is written to standard error is nobody's result --- */

/* A stream that failed says so again when it is asked, as a real one does. */
static bool output_failed;

static bool output_fails(const char *name, const FILE *stream) {
    bool now = stream == stdout && change_fails(name, true);
    output_failed = output_failed || now;
    return now;
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    REAL(fwrite)
    return output_fails("fwrite", stream) ? 0 : real(data, size, count, stream);
}

int fputs(const char *text, FILE *stream) {
    REAL(fputs)
    return output_fails("fputs", stream) ? EOF : real(text, stream);
}

int puts(const char *text) {
    REAL(puts)
    return output_fails("puts", stdout) ? EOF : real(text);
}

int printf(const char *format, ...) {
    if (output_fails("printf", stdout)) {
        return -1;
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vprintf(format, arguments);
    va_end(arguments);
    return length;
}

int fflush(FILE *stream) {
    REAL(fflush)
    return output_fails("fflush", stream) ? EOF : real(stream);
}

int ferror(FILE *stream) {
    REAL(ferror)
    return stream == stdout && output_failed ? 1 : real(stream);
}

/* --- reading --- */

ssize_t read(int file, void *data, size_t size) {
    REAL(read)
    return fails(INJECT_READING, "read", false) ? -1 : real(file, data, size);
}

ssize_t pread(int file, void *data, size_t size, off_t place) {
    REAL(pread)
    return fails(INJECT_READING, "pread", false) ? -1 : real(file, data, size, place);
}

off_t lseek(int file, off_t offset, int from) {
    REAL(lseek)
    return fails(INJECT_READING, "lseek", false) ? -1 : real(file, offset, from);
}

int stat(const char *restrict path, struct stat *restrict about) {
    REAL(stat)
    return fails(INJECT_READING, "stat", false) ? -1 : real(path, about);
}

int fstat(int file, struct stat *about) {
    REAL(fstat)
    return fails(INJECT_READING, "fstat", false) ? -1 : real(file, about);
}

int fstatat(int folder, const char *restrict path, struct stat *restrict about, int flags) {
    REAL(fstatat)
    return fails(INJECT_READING, "fstatat", false) ? -1 : real(folder, path, about, flags);
}

int fstatvfs(int file, struct statvfs *about) {
    REAL(fstatvfs)
    return fails(INJECT_READING, "fstatvfs", false) ? -1 : real(file, about);
}

int access(const char *path, int mode) {
    REAL(access)
    return fails(INJECT_READING, "access", false) ? -1 : real(path, mode);
}

char *getcwd(char *path, size_t size) {
    REAL(getcwd)
    return fails(INJECT_READING, "getcwd", false) ? NULL : real(path, size);
}

DIR *opendir(const char *path) {
    REAL(opendir)
    return fails(INJECT_READING, "opendir", false) ? NULL : real(path);
}

struct dirent *readdir(DIR *folder) {
    REAL(readdir)
    return fails(INJECT_READING, "readdir", false) ? NULL : real(folder);
}

void *mmap(void *place, size_t size, int protection, int flags, int file, off_t offset) {
    REAL(mmap)
    return file >= 0 && fails(INJECT_READING, "mmap", false)
               ? MAP_FAILED
               : real(place, size, protection, flags, file, offset);
}
