#include "base/claim_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/lock_domain.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* --- what it says --- */

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

/* The file is opened and closed each time, because that is when NFS asks the server whether it
 * still exists, and when it sends what was written. */
int cnn_claim_file_write(cnn_claim_file *claim, bool holder) {
    char text[CNN_CLAIM_TEXT];
    int length = snprintf(text, sizeof text, "%s %020" PRIu64 "\n%ld %s\n%s %s\n",
                          holder ? "holder   " : "candidate", ++claim->count, (long)getpid(),
                          claim->host, claim->locked ? "locked" : "unlocked", claim->domain);
    int file = cnn_file_open(claim->path, CNN_CLAIM_FLAGS | O_WRONLY, 0);
    if (file < 0) {
        return errno;
    }
    int reason = write_text(file, text, length);
    return close(file) == 0 || reason != 0 || errno == EINTR ? reason : errno;
}

bool cnn_claim_file_is_gone(int reason) {
    return reason == ENOENT || reason == ESTALE;
}

/* Fills in content->text. Returns 0, or errno. */
static int read_text(const char *path, cnn_claim_content *content) {
    int file = cnn_file_open(path, CNN_CLAIM_FLAGS | O_RDONLY, 0);
    if (file < 0) {
        return errno;
    }
    size_t done = 0;
    ssize_t size;
    while ((size = pread(file, content->text + done, sizeof content->text - 1 - done,
                         (off_t)done)) > 0 ||
           (size < 0 && errno == EINTR)) {
        done += size > 0 ? (size_t)size : 0;
    }
    int reason = size < 0 ? errno : 0;
    (void)close(file);
    return reason;
}

int cnn_claim_file_read(const char *path, cnn_claim_content *content) {
    char state[16] = "", process[21] = "", locked[16] = "";
    *content = (cnn_claim_content){0};
    int reason = read_text(path, content);
    (void)sscanf(content->text, "%15s %*20[0-9] %20[0-9] %64[-A-Za-z0-9._] %15s %79s", state,
                 process, content->program.host, locked, content->domain);
    content->program.process = strtol(process, NULL, 10);
    content->holder = strcmp(state, "holder") == 0;
    content->locked = strcmp(locked, "locked") == 0;
    return reason;
}

/* --- the file --- */

/* Draws the claim's name. */
static cnn_status name_claim(const cnn_claim_request *request, cnn_claim_file *claim,
                             cnn_error *error) {
    uint64_t number;
    size_t room = strlen(request->path) + CNN_CLAIM_DIGITS + 4;
    claim->path = cnn_alloc(room, 1);
    if (!claim->path) {
        return cnn_fail_memory(error, request->path);
    }
    if (getentropy(&number, sizeof number) != 0) {
        return cnn_fail_errno(error, request->path, errno);
    }
    uint32_t domain = (uint32_t)cnn_xxh3_64(claim->domain, strlen(claim->domain));
    (void)snprintf(claim->path, room, "%s.%c.%08" PRIx32 "%08" PRIx32, request->path,
                   request->shared ? 's' : 'a', domain, (uint32_t)number);
    const char *slash = strrchr(claim->path, '/');
    claim->name = slash ? slash + 1 : claim->path;
    return CNN_OK;
}

/* Locks the file before anything is written into it. */
static cnn_status create_file(cnn_claim_file *claim, cnn_error *error) {
    claim->file = cnn_file_open(claim->path, CNN_CLAIM_FLAGS | O_RDWR | O_CREAT | O_EXCL, 0666);
    if (claim->file < 0) {
        return cnn_fail_errno(error, claim->path, errno);
    }
    claim->locked = cnn_file_flock(claim->file, LOCK_EX | LOCK_NB) == 0;
    int reason = cnn_claim_file_write(claim, false);
    return reason == 0 ? CNN_OK : cnn_fail_errno(error, claim->path, reason);
}

cnn_status cnn_claim_file_create(const cnn_claim_request *request, const char *folder,
                                 cnn_claim_file *claim, cnn_error *error) {
    *claim = (cnn_claim_file){.file = -1};
    cnn_host_name(claim->host);
    cnn_lock_domain(folder, claim->domain);
    CNN_TRY(name_claim(request, claim, error));
    return create_file(claim, error);
}

bool cnn_claim_file_is_removed(const cnn_claim_file *claim) {
    int file = cnn_file_open(claim->path, CNN_CLAIM_FLAGS | O_RDONLY, 0);
    if (file < 0) {
        /* other failures, such as those of a network, do not mean that the claim was removed */
        return cnn_claim_file_is_gone(errno);
    }
    (void)close(file);
    return false;
}

/* Closes the file first: NFS renames a file that is removed while it is open. */
void cnn_claim_file_remove(cnn_claim_file *claim) {
    if (claim->file >= 0) {
        (void)close(claim->file);
        (void)unlink(claim->path);
    }
    cnn_free(claim->path);
}
