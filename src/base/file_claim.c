#include "base/file_claim.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BEAT_MILLISECONDS = 5000, /* a holder changes its claim so often */
    LOOK_MILLISECONDS = 200,  /* a candidate looks at the others, and changes its claim, so often */
    CONTENT_SIZE = 400,       /* no claim is longer */
    DIGITS = 16,              /* of a name: the first half for the kernel, the rest random */
    STACK_SIZE = 256 * 1024,  /* of the thread that changes a claim */
};

/* A claim that has not changed for so many seconds is left over: twelve beats, because a network's
 * server, or a machine short of memory, may be slow. */
#define PATIENCE 60.0

/* The same for an empty one of the own kernel: its program writes it right after it has created it,
 * so it was killed in between. One that was only suspended finds its claim gone, and fails. */
#define PATIENCE_EMPTY 2.0

/* Links are not followed, and opening a pipe does not block. */
#define CLAIM_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

struct cnn_claim {
    char *path;
    const char *name; /* the last part of it */
    char domain[80], host[65];
    int file;    /* open all the time, for its lock */
    bool locked; /* is it? */
    uint64_t count;
    atomic_bool lost;
    bool beating;
    pthread_t thread;
    int wake[2]; /* a pipe that ends the thread */
};

/* --- who are we? --- */

void cnn_host_name(char name[65]) {
    if (gethostname(name, 65) != 0) {
        name[0] = '\0';
    }
    name[64] = '\0';
    for (char *c = name; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || *c == '-' || *c == '.';
        *c = plain ? *c : '_';
    }
}

static bool draw(uint64_t *number) {
    return getentropy(number, sizeof *number) == 0;
}

/* A kernel that has been started anew has another number, and so have two machines of one name. */
void cnn_lock_domain(const char *folder, char name[80]) {
    char kernel[37] = "";
    struct stat about;
    uint64_t number = 0;
    int from = cnn_file_open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0);
    bool known = from >= 0 && pread(from, kernel, 36, 0) == 36;
    if (from >= 0) {
        (void)close(from);
    }
    if (known && stat(folder, &about) == 0) {
        kernel[strcspn(kernel, " \n")] = '\0';
        (void)snprintf(name, 80, "%s:%" PRIx64, kernel, (uint64_t)about.st_dev);
        return;
    }
    (void)draw(&number);
    (void)snprintf(name, 80, "unknown:%016" PRIx64, number);
}

/* --- the file of a claim --- */

static double seconds(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int write_text(int file, const char *text, int length) {
    for (int done = 0; done < length;) {
        ssize_t written = pwrite(file, text + done, (size_t)(length - done), done);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        done += written > 0 ? (int)written : 0;
    }
    return 0;
}

/* Writes the claim with the next count; returns 0, or errno. The file is opened and closed each
 * time, because that is when NFS asks the server whether it still exists, and when it sends what
 * was written. */
static int write_claim(cnn_claim *claim, bool holder) {
    char text[CONTENT_SIZE];
    int length = snprintf(text, sizeof text, "%s %020" PRIu64 "\n%ld %s\n%s %s\n",
                          holder ? "holder   " : "candidate", ++claim->count, (long)getpid(),
                          claim->host, claim->locked ? "locked" : "unlocked", claim->domain);
    int file = cnn_file_open(claim->path, CLAIM_FLAGS | O_WRONLY, 0);
    if (file < 0) {
        return errno;
    }
    int reason = write_text(file, text, length);
    return close(file) == 0 || reason != 0 || errno == EINTR ? reason : errno;
}

/* What a claim says. */
typedef struct content {
    char text[CONTENT_SIZE];
    bool holder, locked;
    cnn_lock_holder program;
    char domain[80];
} content;

static bool is_gone(int reason) {
    return reason == ENOENT || reason == ESTALE;
}

/* Fills in c->text. Returns 0, or errno. */
static int read_text(const char *path, content *c) {
    int file = cnn_file_open(path, CLAIM_FLAGS | O_RDONLY, 0);
    if (file < 0) {
        return errno;
    }
    size_t done = 0;
    ssize_t size;
    while ((size = pread(file, c->text + done, sizeof c->text - 1 - done, (off_t)done)) > 0 ||
           (size < 0 && errno == EINTR)) {
        done += size > 0 ? (size_t)size : 0;
    }
    int reason = size < 0 ? errno : 0;
    (void)close(file);
    return reason;
}

/* Returns 0, or errno. A claim that is empty, or has other text, says nothing: it is watched like
 * any other. */
static int read_claim(const char *path, content *c) {
    char state[16] = "", process[21] = "", locked[16] = "";
    *c = (content){0};
    int reason = read_text(path, c);
    (void)sscanf(c->text, "%15s %*20[0-9] %20[0-9] %64[-A-Za-z0-9._] %15s %79s", state, process,
                 c->program.host, locked, c->domain);
    c->program.process = strtol(process, NULL, 10);
    c->holder = strcmp(state, "holder") == 0;
    c->locked = strcmp(locked, "locked") == 0;
    return reason;
}

bool cnn_claim_is_lost(const cnn_claim *claim) {
    if (!claim || atomic_load(&claim->lost)) {
        return claim != NULL;
    }
    int file = cnn_file_open(claim->path, CLAIM_FLAGS | O_RDONLY, 0);
    if (file < 0) {
        return is_gone(errno); /* whatever else happens to a network does not remove a claim */
    }
    (void)close(file);
    return false;
}

const char *cnn_claim_path(const cnn_claim *claim) {
    return claim->path;
}

/* --- the beat --- */

static void *beat(void *context) {
    cnn_claim *claim = context;
    struct pollfd wake = {.fd = claim->wake[0], .events = POLLIN};
    int ready;
    while ((ready = poll(&wake, 1, BEAT_MILLISECONDS)) == 0 || (ready < 0 && errno == EINTR)) {
        if (is_gone(write_claim(claim, true))) {
            atomic_store(&claim->lost, true);
        }
    }
    return NULL;
}

/* The signals of the program are not for its thread. */
static int start_thread(cnn_claim *claim) {
    pthread_attr_t attributes;
    sigset_t all, before;
    (void)sigfillset(&all);
    int reason = pthread_attr_init(&attributes);
    if (reason != 0) {
        return reason;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    reason = pthread_create(&claim->thread, &attributes, beat, claim);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return reason;
}

static cnn_status start_beat(cnn_claim *claim, cnn_error *error) {
    if (pipe2(claim->wake, O_CLOEXEC) != 0) {
        return cnn_fail_errno(error, claim->path, errno);
    }
    int reason = start_thread(claim);
    claim->beating = reason == 0;
    if (reason != 0) {
        (void)close(claim->wake[0]);
        (void)close(claim->wake[1]);
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "%s: cannot start a thread, out of memory or of threads: %s", claim->path,
                        strerror(reason));
    }
    return CNN_OK;
}

static void stop_beat(cnn_claim *claim) {
    if (claim->beating) {
        (void)close(claim->wake[1]); /* ends the poll */
        (void)pthread_join(claim->thread, NULL);
        (void)close(claim->wake[0]);
        claim->beating = false;
    }
}

/* Closed first: NFS gives a file that is removed while it is open another name. */
void cnn_claim_release(cnn_claim *claim) {
    if (claim) {
        stop_beat(claim);
        if (claim->file >= 0) {
            (void)close(claim->file);
            (void)unlink(claim->path);
        }
        cnn_free(claim->path);
        cnn_free(claim);
    }
}

/* --- the claims of others --- */

/* A claim in the way. */
typedef struct rival {
    char name[80];
    char text[CONTENT_SIZE]; /* as it was when it was seen last */
    double since;            /* when it was first seen so */
    bool changed;            /* while this program looked */
} rival;

typedef struct contest {
    const cnn_claim_request *request;
    cnn_claim *own;
    const char *folder, *prefix; /* where claims on this place are, and how their names begin */
    rival *rivals;               /* all that were seen */
    size_t count, capacity;
    size_t waiting; /* for so many, after the last look */
    bool told;
} contest;

/* Is this the name of a claim that keeps this one out? */
static bool is_in_the_way(const contest *c, const char *name) {
    size_t length = strlen(c->prefix);
    const char *rest = name + length;
    return strncmp(name, c->prefix, length) == 0 &&
           (strncmp(rest, ".a.", 3) == 0 ||
            (strncmp(rest, ".s.", 3) == 0 && !c->request->shared)) &&
           strlen(rest) == 3 + DIGITS && strcmp(name, c->own->name) != 0;
}

static void note_text(rival *r, const content *now) {
    memcpy(r->text, now->text, sizeof r->text);
    r->since = seconds();
}

/* What is known of a rival, now that its claim was read again; NULL if memory is refused. */
static rival *find_rival(contest *c, const char *name, const content *now) {
    for (size_t i = 0; i < c->count; i++) {
        rival *r = &c->rivals[i];
        if (strcmp(r->name, name) == 0) {
            if (strcmp(r->text, now->text) != 0) {
                note_text(r, now);
                r->changed = true;
            }
            return r;
        }
    }
    void *rivals = c->rivals;
    if (!cnn_grow(&rivals, &c->capacity, c->count + 1, sizeof *c->rivals)) {
        return NULL;
    }
    c->rivals = rivals;
    rival *r = &c->rivals[c->count++];
    *r = (rival){0};
    (void)snprintf(r->name, sizeof r->name, "%.79s", name);
    note_text(r, now);
    return r;
}

static void tell(contest *c, const char *path, const content *now) {
    if (!c->told && c->request->log) {
        cnn_log_message(c->request->log, CNN_LOG_INFO,
                        "%s: the claim of process %ld on %s; looking whether it is still at work "
                        "(if not, it is removed after %.0f s)",
                        path, now->program.process,
                        now->program.host[0] ? now->program.host : "an unknown machine", PATIENCE);
    }
    c->told = true;
}

/* What the kernel knows of the program of a claim. */
typedef enum verdict { UNKNOWN, ALIVE, DEAD } verdict;

/* Does the name say that the program of a claim runs, or ran, under the own kernel? */
static bool is_ours(const contest *c, const char *name) {
    return strncmp(name + strlen(name) - DIGITS, c->own->name + strlen(c->own->name) - DIGITS,
                   DIGITS / 2) == 0;
}

/* All who ask share a lock, so that nobody takes another one who asks for the program. The lock of
 * another machine says nothing: if the machine is gone, its server may still keep it. */
static verdict ask_kernel(const contest *c, const char *path, const content *now) {
    bool same = now->locked && strcmp(now->domain, c->own->domain) == 0;
    int file = same ? cnn_file_open(path, CLAIM_FLAGS | O_RDONLY, 0) : -1;
    if (file < 0) {
        return UNKNOWN;
    }
    int reason = cnn_file_flock(file, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
    (void)close(file);
    return reason == EWOULDBLOCK ? ALIVE : reason == 0 ? DEAD : UNKNOWN;
}

/* Looks at a claim in the way. *out: it keeps this one out. */
static cnn_status look_at(contest *c, const char *name, const char *path, bool *out,
                          cnn_lock_holder *holder, cnn_error *error) {
    content now;
    int reason = read_claim(path, &now);
    if (reason != 0) {
        return is_gone(reason) ? CNN_OK : cnn_fail_errno(error, path, reason);
    }
    const verdict known = ask_kernel(c, path, &now);
    rival *r = find_rival(c, name, &now);
    if (!r) {
        return cnn_fail_memory(error, path);
    }
    r->changed = r->changed || known == ALIVE;
    double patience = now.text[0] == '\0' && is_ours(c, name) ? PATIENCE_EMPTY : PATIENCE;
    if (known == DEAD || (known != ALIVE && seconds() - r->since >= patience)) {
        return unlink(path) == 0 || is_gone(errno) ? CNN_OK : cnn_fail_errno(error, path, errno);
    }
    if (r->changed && (now.holder || strcmp(name, c->own->name) < 0)) {
        *out = true;
        *holder = now.program;
        return CNN_OK;
    }
    c->waiting++; /* until it is known to be alive, or left over, or has withdrawn */
    if (!r->changed) {
        tell(c, path, &now);
    }
    return CNN_OK;
}

static cnn_status look_in(contest *c, DIR *folder, bool *out, cnn_lock_holder *holder,
                          cnn_error *error) {
    const struct dirent *entry;
    while (!*out && (errno = 0, entry = readdir(folder)) != NULL) {
        if (is_in_the_way(c, entry->d_name)) {
            char *path = cnn_path_join(c->folder, entry->d_name);
            cnn_status status = path ? look_at(c, entry->d_name, path, out, holder, error)
                                     : cnn_fail_memory(error, c->own->path);
            cnn_free(path);
            CNN_TRY(status);
        }
    }
    return *out || errno == 0 ? CNN_OK : cnn_fail_errno(error, c->folder, errno);
}

/* Looks at all others once. The folder is opened anew, so that no list of its files is kept. */
static cnn_status look_around(contest *c, bool *out, cnn_lock_holder *holder, cnn_error *error) {
    DIR *folder = opendir(c->folder);
    if (!folder) {
        return cnn_fail_errno(error, c->folder, errno);
    }
    c->waiting = 0;
    cnn_status status = look_in(c, folder, out, holder, error);
    (void)closedir(folder);
    return status;
}

/* Waits until no other claim is in the way, or one that is alive is. */
static cnn_status compete(contest *c, bool *out, cnn_lock_holder *holder, cnn_error *error) {
    for (;;) {
        CNN_TRY(look_around(c, out, holder, error));
        if (*out || c->waiting == 0) {
            return CNN_OK;
        }
        if (c->request->should_stop && c->request->should_stop(c->request->user)) {
            return cnn_fail(error, CNN_STOPPED, "stopped before the run began");
        }
        (void)poll(NULL, 0, LOOK_MILLISECONDS);
        int reason = write_claim(c->own, false);
        if (reason != 0) {
            return cnn_fail_errno(error, c->own->path, reason);
        }
    }
}

/* --- taking a claim --- */

/* The claim's names, for its domain. */
static cnn_status name_claim(const cnn_claim_request *request, cnn_claim *claim, cnn_error *error) {
    uint64_t number;
    size_t room = strlen(request->path) + DIGITS + 4;
    claim->path = cnn_alloc(room, 1);
    if (!claim->path) {
        return cnn_fail_memory(error, request->path);
    }
    if (!draw(&number)) {
        return cnn_fail_errno(error, request->path, errno);
    }
    uint32_t kernel = (uint32_t)cnn_xxh3_64(claim->domain, strlen(claim->domain));
    (void)snprintf(claim->path, room, "%s.%c.%08" PRIx32 "%08" PRIx32, request->path,
                   request->shared ? 's' : 'a', kernel, (uint32_t)number);
    const char *slash = strrchr(claim->path, '/');
    claim->name = slash ? slash + 1 : claim->path;
    return CNN_OK;
}

/* The claim is empty until it is locked. */
static cnn_status create_claim(cnn_claim *claim, cnn_error *error) {
    claim->file = cnn_file_open(claim->path, CLAIM_FLAGS | O_RDWR | O_CREAT | O_EXCL, 0666);
    if (claim->file < 0) {
        return cnn_fail_errno(error, claim->path, errno);
    }
    claim->locked = cnn_file_flock(claim->file, LOCK_EX | LOCK_NB) == 0;
    int reason = write_claim(claim, false);
    return reason == 0 ? CNN_OK : cnn_fail_errno(error, claim->path, reason);
}

/* The winner becomes the holder. */
static cnn_status win(contest *c, bool *out, cnn_lock_holder *holder, cnn_error *error) {
    CNN_TRY(create_claim(c->own, error));
    CNN_TRY(compete(c, out, holder, error));
    if (*out) {
        return CNN_OK;
    }
    int reason = write_claim(c->own, true); /* fails if it was removed meanwhile */
    return reason == 0 ? start_beat(c->own, error) : cnn_fail_errno(error, c->own->path, reason);
}

static cnn_status take(const cnn_claim_request *request, cnn_claim *claim, bool *out,
                       cnn_lock_holder *holder, cnn_error *error) {
    char *folder = cnn_path_folder(request->path);
    const char *slash = strrchr(request->path, '/');
    contest c = {.request = request,
                 .own = claim,
                 .folder = folder && folder[0] ? folder : ".",
                 .prefix = slash ? slash + 1 : request->path};
    cnn_status status = folder ? CNN_OK : cnn_fail_memory(error, request->path);
    if (status == CNN_OK) {
        cnn_lock_domain(c.folder, claim->domain);
        status = name_claim(request, claim, error);
    }
    if (status == CNN_OK) {
        status = win(&c, out, holder, error);
    }
    cnn_free(c.rivals);
    cnn_free(folder);
    return status;
}

cnn_status cnn_claim_take(const cnn_claim_request *request, cnn_claim **claim,
                          cnn_lock_holder *holder, cnn_error *error) {
    bool out = false;
    cnn_claim *own = cnn_alloc(1, sizeof *own);
    *claim = NULL;
    *holder = (cnn_lock_holder){0};
    if (!own) {
        return cnn_fail_memory(error, request->path);
    }
    *own = (cnn_claim){.file = -1};
    cnn_host_name(own->host);
    cnn_status status = take(request, own, &out, holder, error);
    if (status == CNN_OK && !out) {
        *claim = own;
        return CNN_OK;
    }
    cnn_claim_release(own);
    return status;
}
