#include "image/cache_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/lock_domain.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DRAFT_SUFFIX ".tmp"

enum { DOMAIN_DIGITS = 16 };

/* A draft of another machine that was not written to for this many seconds is left over: a day. */
#define LEFT_SECONDS 86400.0

/* Links are not followed, and opening a pipe or a device does not block. */
#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

/* How often a draft is opened again because another program renamed or removed it. */
#define ATTEMPTS 16

/* --- drafts --- */

/* Opens and locks the draft's file. Returns -1 with errno set, or with *look_again set. */
static int open_locked(const char *path, const cnn_log_sink *log, bool *look_again) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int file = cnn_file_open(path, O_RDWR | O_CREAT | OPEN_FLAGS, 0600);
        if (file < 0) {
            return -1;
        }
        bool waited = false;
        bool locked = cnn_file_flock(file, LOCK_EX | LOCK_NB) == 0;
        if (!locked && errno == EWOULDBLOCK) {
            cnn_log_message(log, CNN_LOG_INFO,
                            "waiting for another run, which is putting the same images into the "
                            "cache");
            waited = true;
            locked = cnn_file_flock(file, LOCK_EX) == 0;
        }
        if (!locked) { /* the file system has no locks: two programs could write one file */
            int reason = errno;
            (void)unlink(path); /* no other program can hold it */
            (void)close(file);
            errno = reason;
            return -1;
        }
        if (cnn_file_has_name(file, AT_FDCWD, path)) {
            return file; /* new, or left by a killed program */
        }
        (void)close(file); /* renamed or removed between open and lock */
        if (waited) {
            *look_again = true;
            return -1;
        }
    }
    errno = EAGAIN;
    return -1;
}

/* Programs that do not see each other's locks have drafts of different names. */
char *cnn_cache_draft_path(const cnn_cache_folder *folder, const char *path) {
    char domain[80];
    size_t room = strlen(path) + 1 + DOMAIN_DIGITS + sizeof DRAFT_SUFFIX;
    char *draft_path = cnn_alloc(room, 1);
    if (draft_path) {
        cnn_lock_domain(folder->path, domain);
        (void)snprintf(draft_path, room, "%s.%016" PRIx64 DRAFT_SUFFIX, path,
                       cnn_xxh3_64(domain, strlen(domain)));
    }
    return draft_path;
}

static cnn_status open_draft(const cnn_cache_folder *folder, const char *path,
                             const cnn_log_sink *log, cnn_cache_draft *draft, bool *look_again,
                             cnn_error *error) {
    draft->path = cnn_copy_string(path);
    draft->draft_path = cnn_cache_draft_path(folder, path);
    if (!draft->path || !draft->draft_path) {
        return cnn_fail_memory(error, path);
    }
    draft->file = open_locked(draft->draft_path, log, look_again);
    return draft->file < 0 && !*look_again ? cnn_fail_errno(error, draft->draft_path, errno)
                                           : CNN_OK;
}

static void free_draft(cnn_cache_draft *draft) {
    cnn_free(draft->path);
    cnn_free(draft->draft_path);
    *draft = (cnn_cache_draft){.file = -1};
}

cnn_status cnn_cache_draft_open(const cnn_cache_folder *folder, const char *path,
                                const cnn_log_sink *log, cnn_cache_draft *draft, bool *look_again,
                                cnn_error *error) {
    *draft = (cnn_cache_draft){.file = -1};
    *look_again = false;
    CNN_TRY(cnn_folder_make_private(folder->path, error));
    cnn_status status = open_draft(folder, path, log, draft, look_again, error);
    if (status != CNN_OK || *look_again) {
        free_draft(draft);
    }
    return status;
}

static void close_draft(cnn_cache_draft *draft) {
    /* unlocked explicitly: a mapping of the file would keep the lock after close */
    (void)flock(draft->file, LOCK_UN);
    (void)close(draft->file);
    free_draft(draft);
}

cnn_status cnn_cache_draft_publish(cnn_cache_draft *draft, cnn_error *error) {
    cnn_status status = CNN_OK;
    if (rename(draft->draft_path, draft->path) != 0) {
        status = cnn_fail_errno(error, draft->path, errno);
        (void)unlink(draft->draft_path);
    }
    close_draft(draft);
    return status;
}

void cnn_cache_draft_discard(cnn_cache_draft *draft) {
    (void)unlink(draft->draft_path);
    close_draft(draft);
}

int cnn_cache_folder_open_file(const char *path) {
    int file = cnn_file_open(path, O_RDONLY | OPEN_FLAGS, 0);
    if (file >= 0) {
        (void)futimens(file, NULL); /* the time of change serves as the time of last use */
    }
    return file;
}

/* --- making room --- */

typedef struct cached_file {
    char name[256];
    uint64_t size;
    struct timespec used;
} cached_file;

typedef struct cached_files {
    cached_file *files;
    size_t count, capacity;
    uint64_t size;
} cached_files;

static int by_use(const void *a, const void *b) {
    const cached_file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    }
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The part of a draft's name that says who sees its lock: "0123456789abcdef.tmp". NULL: it is no
 * draft. */
static const char *domain_of(const char *name, const char *suffix) {
    size_t length = strlen(name), end = DOMAIN_DIGITS + sizeof DRAFT_SUFFIX - 1;
    size_t before = strlen(suffix) + 1;
    if (length < before + end ||
        strcmp(name + length - (sizeof DRAFT_SUFFIX - 1), DRAFT_SUFFIX) != 0) {
        return NULL;
    }
    const char *domain = name + length - end;
    return strncmp(domain - before, suffix, before - 1) == 0 && domain[-1] == '.' ? domain : NULL;
}

/* Removes a draft of another machine that was not written to for long, by the clock that gave both
 * files their times: that of the file system's server, not that of a machine. */
static bool remove_if_old(int folder, const char *name, const struct stat *about,
                          const struct timespec *now) {
    double age = (double)(now->tv_sec - about->st_mtim.tv_sec);
    return age > LEFT_SECONDS && unlinkat(folder, name, 0) == 0;
}

/* Removes a draft that no program has locked: its program was killed. */
static bool remove_if_left(int folder, const char *name) {
    int file = openat(folder, name, O_RDWR | OPEN_FLAGS);
    bool left = file >= 0 && cnn_file_flock(file, LOCK_EX | LOCK_NB) == 0 &&
                cnn_file_has_name(file, folder, name);
    if (left) {
        (void)unlinkat(folder, name, 0);
    }
    if (file >= 0) {
        (void)close(file);
    }
    return left;
}

/* Removes a draft that is left over. own: a draft of this program, which has just been touched. */
static bool remove_draft(int folder, const char *name, const char *domain, const struct stat *about,
                         const cnn_cache_draft *own) {
    struct stat now;
    const char *own_name = name_of(own->draft_path);
    if (strcmp(domain, own_name + strlen(own_name) - strlen(domain)) == 0) {
        return remove_if_left(folder, name);
    }
    return fstat(own->file, &now) == 0 && remove_if_old(folder, name, about, &now.st_mtim);
}

/* Lists the folder's files, except that of the draft and the draft itself. Drafts of running
 * programs add to the size, but are not in the list. False if memory is refused. */
static bool list_files(DIR *stream, const char *suffix, const cnn_cache_draft *own,
                       cached_files *list) {
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        struct stat about;
        const char *name = entry->d_name, *domain = domain_of(name, suffix);
        bool is_own =
            strcmp(name, name_of(own->path)) == 0 || strcmp(name, name_of(own->draft_path)) == 0;
        if (is_own || !(domain || cnn_text_ends(name, suffix)) ||
            fstatat(dirfd(stream), name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(about.st_mode) ||
            (domain && remove_draft(dirfd(stream), name, domain, &about, own))) {
            continue;
        }
        list->size += (uint64_t)about.st_size;
        void *files = list->files;
        if (domain) {
            continue;
        }
        if (!cnn_grow(&files, &list->capacity, list->count + 1, sizeof *list->files)) {
            return false;
        }
        list->files = files;
        cached_file *file = &list->files[list->count++];
        (void)snprintf(file->name, sizeof file->name, "%s", name);
        file->size = (uint64_t)about.st_size;
        file->used = about.st_mtim;
    }
    return true;
}

/* Removes the least recently used files until all files take at most `limit` bytes. */
static cnn_status shrink(DIR *stream, const cnn_cache_folder *folder, const cnn_cache_draft *own,
                         uint64_t limit, cached_files *list, cnn_error *error) {
    if (!list_files(stream, folder->suffix, own, list)) {
        return cnn_fail_memory(error, folder->path);
    }
    if (list->count > 0) {
        qsort(list->files, list->count, sizeof *list->files, by_use);
    }
    for (size_t i = 0; i < list->count && list->size > limit; i++) {
        /* a program that has it mapped keeps it until it ends */
        if (unlinkat(dirfd(stream), list->files[i].name, 0) == 0 || errno == ENOENT) {
            list->size -= list->files[i].size;
        }
    }
    if (list->size > limit) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: other runs are filling it up to its limit",
                        folder->path);
    }
    return CNN_OK;
}

static cnn_status make_room(const cnn_cache_folder *folder, const cnn_cache_draft *own,
                            uint64_t size, cnn_error *error) {
    DIR *stream = opendir(folder->path);
    if (!stream) {
        return cnn_fail_errno(error, folder->path, errno);
    }
    cached_files list = {0};
    cnn_status status = shrink(stream, folder, own, folder->limit - size, &list, error);
    cnn_free(list.files);
    (void)closedir(stream);
    return status;
}

cnn_status cnn_cache_draft_reserve(const cnn_cache_folder *folder, const cnn_cache_draft *draft,
                                   uint64_t size, cnn_error *error) {
    char needed[24], other[24];
    cnn_bytes_text(size, needed);
    if (size > folder->limit || size > (uint64_t)INT64_MAX) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "they take %s, more than the cache's limit of %s",
                        needed, cnn_bytes_text(folder->limit, other));
    }
    (void)futimens(draft->file, NULL); /* its time is now, by the clock of all files' times */
    CNN_TRY(make_room(folder, draft, size, error));
    if (ftruncate(draft->file, 0) != 0) { /* a killed program may have left content */
        return cnn_fail_errno(error, draft->draft_path, errno);
    }
    struct statvfs disk;
    if (fstatvfs(draft->file, &disk) == 0 &&
        (double)size > (double)disk.f_bavail * (double)disk.f_frsize / 2.0) {
        return cnn_fail(
            error, CNN_ERROR_RUNTIME, "they take %s, more than half of the %s that are free in %s",
            needed, cnn_bytes_text((uint64_t)disk.f_bavail * disk.f_frsize, other), folder->path);
    }
    int reason;
    do {
        reason = posix_fallocate(draft->file, 0, (off_t)size);
    } while (reason == EINTR);
    return reason == 0 ? CNN_OK : cnn_fail_errno(error, draft->draft_path, reason);
}
