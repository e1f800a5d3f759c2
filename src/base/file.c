#include "base/text.h"
#include "base/file.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- calls that a signal may interrupt --- */

int cnn_file_open(const char *path, int flags, mode_t mode) {
    int file;
    do {
        file = open(path, flags, mode);
    } while (file < 0 && errno == EINTR);
    return file;
}

int cnn_file_flock(int file, int operation) {
    int result;
    do {
        result = flock(file, operation);
    } while (result != 0 && errno == EINTR);
    return result;
}

static int sync_file(int file) {
    int result;
    do {
        result = fsync(file);
    } while (result != 0 && errno == EINTR);
    return result;
}

static int cut_file(int file, off_t size) {
    int result;
    do {
        result = ftruncate(file, size);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* Closes a file that was written. An interrupted close has closed the file and must not be
 * repeated. */
static int close_written(int file) {
    return close(file) == 0 || errno == EINTR ? 0 : -1;
}

/* --- reading --- */

cnn_status cnn_file_blame(int reason, cnn_status failure) {
    bool exhausted = reason == ENOMEM || reason == EMFILE || reason == ENFILE;
    return exhausted ? CNN_ERROR_RUNTIME : failure;
}

static cnn_status fail_reading(cnn_status failure, int reason, cnn_error *error) {
    return cnn_fail(error, cnn_file_blame(reason, failure), "%s", strerror(reason));
}

/* Reads an open file into *bytes, which has room for at least one byte more than *used. */
static cnn_status read_open(int file, size_t limit, cnn_status failure, void **bytes, size_t *used,
                            cnn_error *error) {
    size_t capacity = 0;
    struct stat about;
    if (fstat(file, &about) != 0) {
        return fail_reading(failure, errno, error);
    }
    if (S_ISDIR(about.st_mode)) {
        return cnn_fail(error, failure, "expected a file, found a folder");
    }
    /* one byte more than the file's size, so that its end is found without another allocation */
    size_t wanted = S_ISREG(about.st_mode) && about.st_size > 0 ? (size_t)about.st_size + 2 : 65536;
    for (;;) {
        if (*used > limit || (S_ISREG(about.st_mode) && (size_t)about.st_size > limit)) {
            return cnn_fail(error, failure,
                            "expected a file of at most %zu MiB, found a larger one", limit >> 20);
        }
        if (!cnn_grow(bytes, &capacity, *used + 2 > wanted ? *used + 65536 : wanted, 1)) {
            return cnn_fail_memory(error, "reading a file");
        }
        ssize_t got = read(file, (char *)*bytes + *used, capacity - *used - 1);
        if (got < 0 && errno != EINTR) {
            return fail_reading(failure, errno, error);
        }
        if (got == 0) {
            return CNN_OK;
        }
        *used += got > 0 ? (size_t)got : 0;
    }
}

cnn_status cnn_file_read(const char *path, size_t limit, cnn_status failure, char **data,
                         size_t *size, cnn_error *error) {
    void *bytes = NULL;
    size_t used = 0;
    *data = NULL;
    *size = 0;
    int file = cnn_file_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) {
        return fail_reading(failure, errno, error);
    }
    cnn_status status = read_open(file, limit, failure, &bytes, &used, error);
    (void)close(file); /* it was only read, so nothing can be lost */
    if (status != CNN_OK) {
        cnn_free(bytes);
        return status;
    }
    ((char *)bytes)[used] = '\0';
    *data = bytes;
    *size = used;
    return CNN_OK;
}

/* --- writing --- */

/* Writes everything. Returns -1 with errno set on failure. */
static int write_all(int file, const void *data, size_t size) {
    const char *from = data;
    while (size > 0) {
        ssize_t written = write(file, from, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -1;
        }
        from += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Waits until the names in a folder are on disk. This is impossible, and not an error, in a folder
 * that may be written but not read, and in some file systems, which answer EINVAL. Returns -1 with
 * errno set on failure. */
static int sync_folder(const char *path) {
    int file = cnn_file_open(*path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (file < 0) {
        return errno == EACCES ? 0 : -1;
    }
    int result = sync_file(file) == 0 || errno == EINVAL ? 0 : -1;
    int reason = errno;
    (void)close(file);
    errno = reason;
    return result;
}

/* Makes a rename durable. */
static int sync_folder_of(const char *path) {
    char *folder = cnn_path_folder(path);
    if (!folder) {
        errno = ENOMEM;
        return -1;
    }
    int result = sync_folder(folder);
    int reason = errno;
    cnn_free(folder);
    errno = reason;
    return result;
}

/* Writes and closes a new file. Returns 0 or errno. */
static int fill(int file, const void *data, size_t size, bool sync) {
    int reason = write_all(file, data, size) == 0 && (!sync || sync_file(file) == 0) ? 0 : errno;
    return close_written(file) != 0 && reason == 0 ? errno : reason;
}

/* Returns 0 or errno. */
static int replace_by(const char *temporary, const char *path, const void *data, size_t size,
                      bool sync) {
    int file = cnn_file_open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        return errno;
    }
    int reason = fill(file, data, size, sync);
    if (reason == 0 && (rename(temporary, path) != 0 || (sync && sync_folder_of(path) != 0))) {
        reason = errno;
    }
    if (reason != 0) {
        (void)unlink(temporary);
    }
    return reason;
}

static cnn_status replace(const char *path, const void *data, size_t size, bool sync,
                          cnn_error *error) {
    size_t room = strlen(path) + 32;
    char *temporary = cnn_alloc(room, 1);
    if (!temporary) {
        return cnn_fail_memory(error, path);
    }
    (void)snprintf(temporary, room, "%s.tmp.%ld", path, (long)getpid());
    int reason = replace_by(temporary, path, data, size, sync);
    cnn_free(temporary);
    return reason == 0 ? CNN_OK : cnn_fail_errno(error, path, reason);
}

cnn_status cnn_file_write(const char *path, const void *data, size_t size, cnn_error *error) {
    return replace(path, data, size, true, error);
}

cnn_status cnn_file_write_unsynced(const char *path, const void *data, size_t size,
                                   cnn_error *error) {
    return replace(path, data, size, false, error);
}

cnn_status cnn_file_sync(const char *path, cnn_error *error) {
    int file = cnn_file_open(path, O_RDONLY | O_CLOEXEC, 0);
    bool synced = file >= 0 && sync_file(file) == 0 && sync_folder_of(path) == 0;
    int reason = errno;
    if (file >= 0) {
        (void)close(file);
    }
    return synced ? CNN_OK : cnn_fail_errno(error, path, reason);
}

cnn_status cnn_file_append(const char *path, const void *data, size_t size, cnn_error *error) {
    int file = cnn_file_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) {
        return cnn_fail_errno(error, path, errno);
    }
    cnn_status status = CNN_OK;
    off_t before = lseek(file, 0, SEEK_END);
    if (before < 0 || write_all(file, data, size) != 0 || sync_file(file) != 0) {
        status = cnn_fail_errno(error, path, errno);
        if (before >= 0 && cut_file(file, before) != 0) {
            status = cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s (its last line may be torn)", path,
                              strerror(errno));
        }
    }
    if (close_written(file) != 0 && status == CNN_OK) {
        status = cnn_fail_errno(error, path, errno);
    }
    return status;
}

/* --- folders --- */

/* path: changed meanwhile. */
static cnn_status make_each(char *path, mode_t mode, cnn_error *error) {
    for (char *end = *path ? path + 1 : path;; end++) {
        char kept = *end;
        if (kept != '/' && kept != '\0') {
            continue;
        }
        *end = '\0';
        if (mkdir(path, mode) != 0 && !(errno == EEXIST && cnn_folder_exists(path))) {
            return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: cannot make the folder: %s", path,
                            strerror(errno));
        }
        *end = kept;
        if (kept == '\0') {
            return CNN_OK;
        }
    }
}

static cnn_status make_folders(const char *path, mode_t mode, cnn_error *error) {
    char *copy = cnn_copy_string(path);
    if (!copy) {
        return cnn_fail_memory(error, path);
    }
    cnn_status status = make_each(copy, mode, error);
    cnn_free(copy);
    return status;
}

cnn_status cnn_folder_make(const char *path, cnn_error *error) {
    return make_folders(path, 0777, error);
}

cnn_status cnn_folder_make_private(const char *path, cnn_error *error) {
    return make_folders(path, 0700, error);
}

/* Syncs the folder `path` and those above it. path: cut meanwhile. */
static bool sync_up(char *path) {
    bool absolute = *path == '/';
    for (;;) {
        if (sync_folder(path) != 0) {
            return false;
        }
        char *slash = strrchr(path, '/');
        if (!slash || slash == path) {
            return sync_folder(absolute ? "/" : ".") == 0;
        }
        *slash = '\0';
    }
}

cnn_status cnn_folder_sync(const char *path, cnn_error *error) {
    char *copy = cnn_copy_string(path);
    if (!copy) {
        return cnn_fail_memory(error, path);
    }
    bool synced = sync_up(copy);
    int reason = errno;
    cnn_free(copy);
    return synced ? CNN_OK : cnn_fail_errno(error, path, reason);
}

bool cnn_file_has_name(int file, int folder, const char *name) {
    struct stat opened, named;
    return fstat(file, &opened) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool cnn_file_is_endless(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

cnn_status cnn_folder_look(const char *path, cnn_status failure, bool *is_folder,
                           cnn_error *error) {
    struct stat about;
    *is_folder = false;
    if (stat(path, &about) == 0) {
        *is_folder = S_ISDIR(about.st_mode);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        return cnn_fail(error, cnn_file_blame(errno, failure), "%s: %s", path, strerror(errno));
    }
    return CNN_OK;
}

bool cnn_folder_exists(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

char *cnn_path_join(const char *folder, const char *name) {
    if (*name == '/' || *folder == '\0') {
        return cnn_copy_string(name);
    }
    size_t length = strlen(folder), rest = strlen(name) + 1;
    size_t slash = folder[length - 1] == '/' ? 0 : 1;
    char *path = cnn_plain_alloc(length + slash + rest);
    if (path) {
        memcpy(path, folder, length);
        memset(path + length, '/', slash);
        memcpy(path + length + slash, name, rest);
    }
    return path;
}

char *cnn_path_folder(const char *path) {
    char *folder = cnn_copy_string(path);
    if (folder) {
        char *slash = strrchr(folder, '/');
        if (slash == folder) {
            slash[1] = '\0'; /* the root keeps its slash */
        } else if (slash) {
            *slash = '\0';
        } else {
            *folder = '\0';
        }
    }
    return folder;
}

const char *cnn_path_tilde(const char *path, char text[CNN_TILDE_TEXT_SIZE]) {
    if (path[0] != '~' || (path[1] != '\0' && path[1] != '/')) {
        return NULL;
    }
    const char *home = getenv("HOME");
    (void)snprintf(text, CNN_TILDE_TEXT_SIZE,
                   "expected a path, got \"%.80s\"; ~ is not expanded here: write %.80s%.80s, or "
                   "./%.80s for a folder named ~",
                   path, home && *home ? home : "the home directory's path", path + 1, path);
    return text;
}

char *cnn_path_last(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    cnn_text text = {0};
    cnn_text_append(&text, path + start, end - start);
    return cnn_text_take(&text);
}
