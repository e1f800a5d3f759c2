#include "base/claim_contest.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* A candidate looks at the others, and changes its claim, this often. */
enum { LOOK_MILLISECONDS = 200 };

/* A claim that has not changed for this many seconds is left over: twelve beats, because a network
 * server, or a machine short of memory, may be slow. */
#define PATIENCE 60.0

/* The same for an empty claim of this lock domain: its program writes it right after creating it,
 * so the program was killed in between. If it was only suspended, it finds its claim gone, and
 * fails. */
#define PATIENCE_EMPTY 8.0

static double seconds(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A claim in the way. */
typedef struct rival {
    char name[80];
    char text[CNN_CLAIM_TEXT]; /* at the last look */
    double since;              /* when it was first seen with this text */
    bool changed;              /* while this program looked */
} rival;

typedef struct contest {
    const cnn_claim_request *request;
    cnn_claim_file *own;
    const char *folder, *prefix; /* where claims on this place are, and how their names begin */
    rival *rivals;               /* all that were seen */
    size_t count, capacity;
    size_t waiting; /* rivals that were undecided at the last look */
    bool told;
} contest;

/* Is this the name of a claim that keeps this one out? */
static bool is_in_the_way(const contest *c, const char *name) {
    size_t length = strlen(c->prefix);
    const char *rest = name + length;
    return strncmp(name, c->prefix, length) == 0 &&
           (strncmp(rest, ".a.", 3) == 0 ||
            (strncmp(rest, ".s.", 3) == 0 && !c->request->shared)) &&
           strlen(rest) == 3 + CNN_CLAIM_DIGITS && strcmp(name, c->own->name) != 0;
}

static void note_text(rival *r, const cnn_claim_content *now) {
    memcpy(r->text, now->text, sizeof r->text);
    r->since = seconds();
}

/* Updates what is known of a rival whose claim was read again; NULL if memory is refused. */
static rival *find_rival(contest *c, const char *name, const cnn_claim_content *now) {
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

static void tell(contest *c, const char *path, const cnn_claim_content *now) {
    if (!c->told && c->request->log) {
        cnn_log_message(c->request->log, CNN_LOG_INFO,
                        "%s: the claim of process %ld on %s; checking whether it is still running "
                        "(if not, it is removed after %.0f s)",
                        path, now->program.process,
                        now->program.host[0] ? now->program.host : "an unknown machine", PATIENCE);
    }
    c->told = true;
}

/* What the kernel knows about the program of a claim. */
typedef enum verdict { UNKNOWN, ALIVE, DEAD } verdict;

/* Does the name say that the program of a claim runs, or ran, in this lock domain? */
static bool is_ours(const contest *c, const char *name) {
    return strncmp(name + strlen(name) - CNN_CLAIM_DIGITS,
                   c->own->name + strlen(c->own->name) - CNN_CLAIM_DIGITS,
                   CNN_CLAIM_DIGITS / 2) == 0;
}

/* Programs that ask take a shared lock, so that none of them takes another for the holder. The lock
 * of another machine proves nothing: if the machine is gone, its server may still keep it. */
static verdict ask_kernel(const contest *c, const char *path, const cnn_claim_content *now) {
    bool same = now->locked && strcmp(now->domain, c->own->domain) == 0;
    int file = same ? cnn_file_open(path, CNN_CLAIM_FLAGS | O_RDONLY, 0) : -1;
    if (file < 0) {
        return UNKNOWN;
    }
    int reason = cnn_file_flock(file, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
    (void)close(file);
    return reason == EWOULDBLOCK ? ALIVE : reason == 0 ? DEAD : UNKNOWN;
}

/* Looks at a claim in the way. *out: it keeps this program out. */
static cnn_status look_at(contest *c, const char *name, const char *path, bool *out,
                          cnn_lock_holder *holder, cnn_error *error) {
    cnn_claim_content now;
    int reason = cnn_claim_file_read(path, &now);
    if (reason != 0) {
        return cnn_claim_file_is_gone(reason) ? CNN_OK : cnn_fail_errno(error, path, reason);
    }
    const verdict known = ask_kernel(c, path, &now);
    rival *r = find_rival(c, name, &now);
    if (!r) {
        return cnn_fail_memory(error, path);
    }
    r->changed = r->changed || known == ALIVE;
    double patience = now.text[0] == '\0' && is_ours(c, name) ? PATIENCE_EMPTY : PATIENCE;
    if (known == DEAD || (known != ALIVE && seconds() - r->since >= patience)) {
        return unlink(path) == 0 || cnn_claim_file_is_gone(errno)
                   ? CNN_OK
                   : cnn_fail_errno(error, path, errno);
    }
    if (r->changed && (now.holder || strcmp(name, c->own->name) < 0)) {
        *out = true;
        *holder = now.program;
        return CNN_OK;
    }
    c->waiting++; /* until it proves alive or left over, or withdraws */
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

/* Looks at all other claims once. The folder is opened anew, so that its files are listed anew. */
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
        int reason = cnn_claim_file_write(c->own, false);
        if (reason != 0) {
            return cnn_fail_errno(error, c->own->path, reason);
        }
    }
}

cnn_status cnn_claim_compete(const cnn_claim_request *request, const char *folder,
                             cnn_claim_file *own, bool *out, cnn_lock_holder *holder,
                             cnn_error *error) {
    const char *slash = strrchr(request->path, '/');
    contest c = {.request = request,
                 .own = own,
                 .folder = folder,
                 .prefix = slash ? slash + 1 : request->path};
    cnn_status status = compete(&c, out, holder, error);
    cnn_free(c.rivals);
    return status;
}
