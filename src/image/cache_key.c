#include "image/cache_key.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files per turn: enough that opening their folder once pays. */
#define CHUNK ((size_t)128)

/* What is hashed of one file. Without padding, since every byte is hashed. */
typedef struct file_state {
    uint64_t folder; /* hash of its absolute path */
    int64_t found;   /* 0: the file does not exist */
    int64_t size;
    int64_t changed[2], status_changed[2]; /* seconds, nanoseconds */
    char name[NAME_MAX + 1];               /* only its characters are hashed */
} file_state;

typedef struct key_context {
    const char *const *paths;
    size_t count;
    const char *working_directory;
    cnn_hash128 *hashes;     /* [count] */
    struct timespec *newest; /* [chunks] */
    atomic_int failure;      /* errno of a look-up that failed for another reason; 0: none */
} key_context;

/* Does errno describe the state of the file (missing, not permitted)? Any other reason, such as a
 * lack of memory, does not. */
static bool is_state(int reason) {
    return reason == ENOENT || reason == ENOTDIR || reason == EACCES || reason == ELOOP ||
           reason == ENAMETOOLONG;
}

/* The folder of the files of a chunk: opened once, so that each file takes one short look-up. */
typedef struct open_folder {
    const char *path; /* of an image; its first `length` bytes are the folder, with its slash */
    size_t length;
    int file; /* -1: it cannot be opened */
    uint64_t hash;
    bool in_container;     /* it is one, or is in one; … */
    struct stat container; /* … whose state is that of its images */
} open_folder;

/* Looks up the container that `path`, a folder that cannot be opened, is or runs through. */
static void enter_container(key_context *k, char *path, open_folder *folder) {
    size_t length;
    if (cnn_container_of(path, &length) == CNN_CONTAINER_NONE) {
        return;
    }
    path[length] = '\0';
    folder->in_container = stat(path, &folder->container) == 0;
    if (!folder->in_container && !is_state(errno)) {
        atomic_store(&k->failure, errno);
    }
}

/* Opens the folder of `path`, unless it is open already. */
static void enter(key_context *k, const char *path, size_t length, open_folder *folder) {
    if (folder->path && folder->length == length && memcmp(folder->path, path, length) == 0) {
        return;
    }
    if (folder->file >= 0) {
        (void)close(folder->file);
    }
    char text[2 * PATH_MAX];
    *folder = (open_folder){.path = path, .length = length, .file = AT_FDCWD};
    size_t root = *path == '/' ? 0 : strlen(k->working_directory);
    if (root + length + 2 > sizeof text) {
        folder->file = -1; /* longer than any path that can be opened */
        return;
    }
    memcpy(text, path, length);
    text[length] = '\0';
    if (length > 0) {
        folder->file = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder->file < 0 && !is_state(errno)) {
            atomic_store(&k->failure, errno);
        }
        if (folder->file < 0 && errno == ENOTDIR) {
            enter_container(k, text, folder);
        }
    }
    memcpy(text, k->working_directory, root);
    text[root] = '/';
    memcpy(text + root + (root > 0), path, length);
    folder->hash = cnn_xxh3_64(text, root + (root > 0) + length);
}

static bool later(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Hashes the state of one file; `folder` is that of the previous one. */
static cnn_hash128 hash_file(key_context *k, const char *path, open_folder *folder,
                             struct timespec *newest) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    enter(k, path, length, folder);
    const char *name = path + length;
    size_t name_length = strnlen(name, NAME_MAX);
    file_state state;
    struct stat about = folder->container;
    memset(&state, 0, offsetof(file_state, name));
    memcpy(state.name, name, name_length);
    state.folder = folder->hash;
    if (folder->in_container ||
        (folder->file != -1 && fstatat(folder->file, name, &about, 0) == 0)) {
        state.found = 1;
        state.size = about.st_size;
        state.changed[0] = about.st_mtim.tv_sec;
        state.changed[1] = about.st_mtim.tv_nsec;
        state.status_changed[0] = about.st_ctim.tv_sec;
        state.status_changed[1] = about.st_ctim.tv_nsec;
        *newest = later(&about.st_ctim, newest) ? about.st_ctim : *newest;
    } else if (folder->file != -1 && !is_state(errno)) {
        atomic_store(&k->failure, errno);
    }
    return cnn_xxh3_128(&state, offsetof(file_state, name) + name_length);
}

static void hash_chunk(void *context, size_t chunk, int thread) {
    (void)thread;
    key_context *k = context;
    open_folder folder = {.file = AT_FDCWD};
    size_t end = k->count - chunk * CHUNK < CHUNK ? k->count : (chunk + 1) * CHUNK;
    for (size_t i = chunk * CHUNK; i < end; i++) {
        k->hashes[i] = hash_file(k, k->paths[i], &folder, &k->newest[chunk]);
    }
    if (folder.file >= 0) {
        (void)close(folder.file);
    }
}

/* What determines the decoded bytes besides the files. No padding. */
typedef struct decoder_state {
    int64_t width, height, channels, resize, range, low, high, alpha;
    double max_megapixels;
    uint64_t count;
    cnn_hash128 files;
    uint64_t libraries; /* their versions */
    char decoder[128];  /* a hash of the decoder's source files, from CMake */
} decoder_state;
_Static_assert(sizeof CNN_DECODER <= 128, "the decoder's name is cut off");

static cnn_hash128 hash_all(const key_context *k, const cnn_image_settings *settings) {
    decoder_state state;
    memset(&state, 0, sizeof state);
    state.width = settings->width;
    state.height = settings->height;
    state.channels = settings->channels;
    state.resize = settings->resize;
    state.range = settings->range;
    state.low = settings->ends.low;
    state.high = settings->ends.high;
    state.alpha = settings->alpha;
    state.max_megapixels = settings->max_megapixels;
    state.count = k->count;
    state.files = cnn_xxh3_128(k->hashes, k->count * sizeof *k->hashes);
    state.libraries = cnn_image_library_versions();
    memcpy(state.decoder, CNN_DECODER, sizeof CNN_DECODER);
    return cnn_xxh3_128(&state, sizeof state);
}

static cnn_status find_key(key_context *k, const cnn_image_settings *settings, int threads,
                           cnn_hash128 *key, struct timespec *newest, cnn_error *error) {
    size_t chunks = (k->count + CHUNK - 1) / CHUNK;
    if (!k->hashes || !k->newest) {
        return cnn_fail_memory(error, "the list of images");
    }
    cnn_parallel_for(chunks, threads, hash_chunk, k);
    *key = hash_all(k, settings);
    *newest = (struct timespec){0};
    for (size_t i = 0; i < chunks; i++) {
        *newest = later(&k->newest[i], newest) ? k->newest[i] : *newest;
    }
    int failure = atomic_load(&k->failure);
    if (failure != 0) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "an image cannot be looked up: %s",
                        strerror(failure));
    }
    return CNN_OK;
}

cnn_status cnn_cache_key(const char *const *paths, size_t count, const cnn_image_settings *settings,
                         int threads, cnn_hash128 *key, struct timespec *newest, cnn_error *error) {
    char working_directory[PATH_MAX];
    if (!getcwd(working_directory, sizeof working_directory)) {
        working_directory[0] = '\0'; /* it was removed, so no relative path can be opened */
    }
    key_context k = {.paths = paths,
                     .count = count,
                     .working_directory = working_directory,
                     .hashes = cnn_alloc(count, sizeof *k.hashes),
                     .newest = cnn_alloc((count + CHUNK - 1) / CHUNK, sizeof *k.newest)};
    atomic_init(&k.failure, 0);
    cnn_status status = find_key(&k, settings, threads, key, newest, error);
    cnn_free(k.hashes);
    cnn_free(k.newest);
    return status;
}
