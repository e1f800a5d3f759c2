#include "samples/share.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

int cnn_share_holder(const cnn_ranks *ranks, size_t i) {
    return (int)(i % (size_t)cnn_rank_count(ranks));
}

size_t cnn_share_place(const cnn_ranks *ranks, size_t i) {
    return i / (size_t)cnn_rank_count(ranks);
}

/* How many of `count` images a process holds. */
static size_t share_of(size_t count, int rank, int ranks) {
    return (count + (size_t)(ranks - 1 - rank)) / (size_t)ranks;
}

/* --- the share of a request --- */

typedef struct share {
    cnn_image_request request;
    const char **paths;
    uint64_t *contents;
    bool *plain; /* NULL: as in the whole request */
    cnn_text source;
} share;

static void free_share(share *part) {
    cnn_free(part->paths);
    cnn_free(part->contents);
    cnn_free(part->plain);
    cnn_text_free(&part->source);
}

/* Each share has its own cache file. */
static cnn_status make_share(const cnn_ranks *ranks, const cnn_image_request *whole, share *part,
                             cnn_error *error) {
    int rank = cnn_rank(ranks), all = cnn_rank_count(ranks);
    size_t count = share_of(whole->count, rank, all);
    part->paths = cnn_alloc(count, sizeof *part->paths);
    part->contents = cnn_alloc(count, sizeof *part->contents);
    part->plain = whole->plain ? cnn_alloc(count, sizeof *part->plain) : NULL;
    cnn_text_format(&part->source, "%s\nshare %d of %d", whole->source ? whole->source : "",
                    rank + 1, all);
    if (!part->paths || !part->contents || (whole->plain && !part->plain) || part->source.failed) {
        return cnn_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < count; i++) {
        size_t number = i * (size_t)all + (size_t)rank;
        part->paths[i] = whole->paths[number];
        if (whole->plain) {
            part->plain[i] = whole->plain[number];
        }
    }
    part->request = *whole;
    part->request.paths = part->paths;
    part->request.contents = part->contents;
    part->request.plain = part->plain;
    part->request.count = count;
    part->request.source = part->source.data;
    part->request.first_number = (size_t)rank;
    part->request.number_step = (size_t)all;
    return CNN_OK;
}

/* --- what all processes must know --- */

/* contents: [count], those of all images, from `own`, those of the share. */
static cnn_status gather_contents(cnn_ranks *ranks, const uint64_t *own, size_t count,
                                  uint64_t *contents, cnn_error *error) {
    int all = cnn_rank_count(ranks), self = cnn_rank(ranks);
    size_t *first = cnn_alloc((size_t)all + 1, sizeof *first);
    uint64_t *gathered = cnn_alloc(count, sizeof *gathered);
    bool ready = first && gathered;
    cnn_status status = ready ? CNN_OK : cnn_fail_memory(error, "the list of images");
    status = cnn_ranks_agree(ranks, status, error);
    for (int rank = 0; status == CNN_OK && rank < all; rank++) {
        first[rank + 1] = first[rank] + share_of(count, rank, all) * sizeof *gathered;
    }
    if (status == CNN_OK) {
        memcpy(gathered + first[self] / sizeof *gathered, own,
               share_of(count, self, all) * sizeof *own);
        cnn_ranks_gather(ranks, gathered, first);
    }
    for (size_t i = 0; status == CNN_OK && i < count; i++) {
        size_t begin = first[cnn_share_holder(ranks, i)] / sizeof *gathered;
        contents[i] = gathered[begin + cnn_share_place(ranks, i)];
    }
    cnn_free(first);
    cnn_free(gathered);
    return status;
}

/* "NUMBER REASON", with a NUL after it, for each unreadable image of the share. */
static void write_reasons(const share *part, char *const *reasons, cnn_text *text) {
    const cnn_image_request *request = &part->request;
    for (size_t i = 0; i < request->count; i++) {
        if (reasons[i]) {
            cnn_text_format(text, "%zu ", request->first_number + i * request->number_step);
            cnn_text_append(text, reasons[i], strlen(reasons[i]) + 1);
        }
    }
}

static cnn_status read_reasons(const char *text, size_t length, char **reasons, cnn_error *error) {
    for (const char *at = text; at < text + length; at += strlen(at) + 1) {
        char *after;
        size_t number = strtoul(at, &after, 10);
        reasons[number] = cnn_copy_string(after + 1);
        if (!reasons[number]) {
            return cnn_fail_memory(error, "the list of images");
        }
    }
    return CNN_OK;
}

/* Every process gets the reasons of one: text, unless it is empty. */
static cnn_status spread_reasons(cnn_ranks *ranks, int from, const cnn_text *text, char **reasons,
                                 cnn_error *error) {
    bool own = from == cnn_rank(ranks);
    uint64_t length = own ? text->length : 0;
    cnn_ranks_broadcast(ranks, from, &length, sizeof length);
    if (length == 0) {
        return CNN_OK;
    }
    char *copy = cnn_alloc((size_t)length, 1);
    cnn_status status = copy ? CNN_OK : cnn_fail_memory(error, "the list of images");
    status = cnn_ranks_agree(ranks, status, error);
    if (status == CNN_OK) {
        if (own) {
            memcpy(copy, text->data, text->length);
        }
        cnn_ranks_broadcast(ranks, from, copy, (size_t)length);
        status = cnn_ranks_agree(ranks, read_reasons(copy, (size_t)length, reasons, error), error);
    }
    cnn_free(copy);
    return status;
}

/* reasons: [all images], to be filled in. text: room for those of the share. */
static cnn_status gather_reasons(cnn_ranks *ranks, const share *part, char *const *own,
                                 cnn_text *text, char **reasons, cnn_error *error) {
    write_reasons(part, own, text);
    cnn_status status = text->failed ? cnn_fail_memory(error, "the list of images") : CNN_OK;
    CNN_TRY(cnn_ranks_agree(ranks, status, error));
    for (int rank = 0; rank < cnn_rank_count(ranks); rank++) {
        CNN_TRY(spread_reasons(ranks, rank, text, reasons, error));
    }
    return CNN_OK;
}

/* --- */

/* Loads the share; *reasons: those of all images, owned by the caller, also after a failure. */
static cnn_status load(cnn_ranks *ranks, const cnn_image_request *whole, share *part,
                       cnn_image_set *images, char **reasons, cnn_error *error) {
    cnn_text text = {0};
    cnn_status status = reasons ? make_share(ranks, whole, part, error)
                                : cnn_fail_memory(error, "the list of images");
    if (status == CNN_OK) {
        status = cnn_image_set_load(&part->request, images, error);
    }
    CNN_TRY(cnn_ranks_agree(ranks, status, error));
    CNN_TRY(gather_contents(ranks, part->contents, whole->count, whole->contents, error));
    status = gather_reasons(ranks, part, images->reasons, &text, reasons, error);
    cnn_text_free(&text);
    return status;
}

cnn_status cnn_share_load(cnn_ranks *ranks, const cnn_image_request *request, cnn_image_set *images,
                          cnn_error *error) {
    share part = {0};
    char **reasons = cnn_alloc(request->count, sizeof *reasons);
    *images = (cnn_image_set){0};
    cnn_status status = load(ranks, request, &part, images, reasons, error);
    if (reasons) {
        cnn_image_set_adopt_reasons(images, reasons, request->count);
    }
    free_share(&part);
    return status;
}
