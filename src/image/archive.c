#include "image/archive.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "image/archive_reader.h"

#include <string.h>

static const char what[] = "the list of an archive";

/* --- names --- */

/* Appends the name of a member without empty and "." parts. */
static cnn_status add_name(const char *name, cnn_text *names, cnn_error *error) {
    const size_t before = names->length;
    if (*name == '/') {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected members with relative names, found \"%.80s\"", name);
    }
    for (const char *part = name; *part;) {
        const size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "expected members inside the archive, found \"%.80s\"", name);
        }
        if (length > 0 && !(length == 1 && *part == '.')) {
            cnn_text_append(names, "/", names->length > before ? 1 : 0);
            cnn_text_append(names, part, length);
        }
        part += length + (part[length] == '/');
    }
    cnn_text_append(names, "", 1);
    return names->failed ? cnn_fail_memory(error, what) : CNN_OK;
}

const char *cnn_archive_name(const cnn_archive *archive, size_t member) {
    return archive->names.data + archive->members[member].name;
}

static uint64_t hash_of(const char *name) {
    return cnn_xxh3_64(name, strlen(name));
}

/* The first place in by_name with a hash of at least `hash`. */
static size_t first_place(const cnn_archive *archive, uint64_t hash) {
    size_t first = 0;
    for (size_t end = archive->count; first < end;) {
        const size_t middle = first + (end - first) / 2;
        if (archive->by_name[middle].key < hash) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

size_t cnn_archive_find(const cnn_archive *archive, const char *name) {
    const uint64_t hash = hash_of(name);
    for (size_t i = first_place(archive, hash);
         i < archive->count && archive->by_name[i].key == hash; i++) {
        if (strcmp(cnn_archive_name(archive, archive->by_name[i].value), name) == 0) {
            return archive->by_name[i].value;
        }
    }
    return SIZE_MAX;
}

/* Members of the same name: which one is meant depends on the program. */
static cnn_status index_names(cnn_archive *archive, cnn_error *error) {
    archive->by_name = cnn_alloc(archive->count, sizeof *archive->by_name);
    if (!archive->by_name) {
        return cnn_fail_memory(error, what);
    }
    for (size_t i = 0; i < archive->count; i++) {
        archive->by_name[i] = (cnn_keyed){.key = hash_of(cnn_archive_name(archive, i)), .value = i};
    }
    if (!cnn_sort_by_key(archive->by_name, archive->count)) {
        return cnn_fail_memory(error, what);
    }
    for (size_t i = 0; i < archive->count; i++) { /* equal hashes keep the order of members */
        const char *name = cnn_archive_name(archive, i);
        if (cnn_archive_find(archive, name) != i) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "expected one member of each name, found several called \"%.80s\"",
                            name);
        }
    }
    return CNN_OK;
}

/* --- members --- */

static bool ends_with(const char *name, const char *ending) {
    const size_t length = strlen(name), wanted = strlen(ending);
    return length > wanted && strcmp(name + length - wanted, ending) == 0;
}

static cnn_status read_label(cnn_archive_reader *reader, cnn_archive *archive,
                             cnn_archive_member *member, const char *name, cnn_error *error) {
    bool dead;
    char text[CNN_LABEL_BYTES_MAX + 1] = "";
    if (member->size > CNN_LABEL_BYTES_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%.80s: expected a label of at most %zu bytes, found %llu bytes", name,
                        CNN_LABEL_BYTES_MAX, (unsigned long long)member->size);
    }
    cnn_status status =
        cnn_archive_reader_read(reader, (size_t)member->size, (uint8_t *)text, &dead, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%.80s: ", name);
    }
    member->label = archive->labels.length;
    cnn_text_append(&archive->labels, text, strlen(text) + 1);
    return archive->labels.failed ? cnn_fail_memory(error, what) : CNN_OK;
}

static cnn_status skip_link(cnn_archive *archive, const char *name, cnn_error *error) {
    if (archive->skipped++ == 0) {
        archive->first_skipped = cnn_copy_string(name);
        return archive->first_skipped ? CNN_OK : cnn_fail_memory(error, what);
    }
    return CNN_OK;
}

/* Adds the member that the reader has come to. *total: of the bytes of all members so far. */
static cnn_status add_member(cnn_archive_reader *reader, const cnn_archive_header *header,
                             const char *label_ending, cnn_archive *archive, uint64_t *total,
                             cnn_error *error) {
    void *members = archive->members;
    if (header->kind == CNN_MEMBER_LINK) {
        return skip_link(archive, header->name, error);
    }
    if (archive->count == CNN_MEMBERS_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected at most %zu members, found more",
                        CNN_MEMBERS_MAX);
    }
    *total += header->size;
    if (!cnn_grow(&members, &archive->capacity, archive->count + 1, sizeof *archive->members)) {
        return cnn_fail_memory(error, what);
    }
    archive->members = members;
    cnn_archive_member *member = &archive->members[archive->count++];
    *member = (cnn_archive_member){.name = archive->names.length,
                                   .label = SIZE_MAX,
                                   .position = header->position,
                                   .size = header->size};
    CNN_TRY(add_name(header->name, &archive->names, error));
    return label_ending && ends_with(header->name, label_ending)
               ? read_label(reader, archive, member, header->name, error)
               : CNN_OK;
}

static cnn_status list_members(cnn_archive_reader *reader, const char *label_ending,
                               cnn_archive *archive, cnn_error *error) {
    const uint64_t packed = cnn_archive_reader_file_size(reader);
    uint64_t total = 0;
    for (;;) {
        cnn_archive_header header;
        CNN_TRY(cnn_archive_reader_next(reader, &header, error));
        if (header.kind == CNN_MEMBER_END) {
            return CNN_OK;
        }
        if (header.kind != CNN_MEMBER_FOLDER) {
            CNN_TRY(add_member(reader, &header, label_ending, archive, &total, error));
        }
        if (total > CNN_UNPACKED_FREE && total / CNN_UNPACKED_RATIO > packed) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "expected members of at most %llu times the archive's size, found %llu "
                            "MiB in %llu bytes",
                            (unsigned long long)CNN_UNPACKED_RATIO,
                            (unsigned long long)(total >> 20), (unsigned long long)packed);
        }
    }
}

cnn_status cnn_archive_open(const char *path, const char *label_ending, cnn_archive *archive,
                            cnn_error *error) {
    *archive = (cnn_archive){.path = cnn_copy_string(path)};
    if (!archive->path) {
        return cnn_fail_memory(error, what);
    }
    cnn_archive_reader *reader;
    CNN_TRY(cnn_archive_reader_open(path, 0, &reader, error));
    cnn_status status = list_members(reader, label_ending, archive, error);
    archive->is_tar = cnn_archive_reader_is_tar(reader);
    cnn_archive_reader_free(reader);
    CNN_TRY(status);
    return index_names(archive, error);
}

void cnn_archive_free(cnn_archive *archive) {
    cnn_free(archive->path);
    cnn_text_free(&archive->names);
    cnn_text_free(&archive->labels);
    cnn_free(archive->members);
    cnn_free(archive->by_name);
    cnn_free(archive->first_skipped);
    *archive = (cnn_archive){0};
}

/* --- bytes --- */

struct cnn_archive_stream {
    const cnn_archive *archive;
    cnn_archive_reader *reader; /* NULL: not open */
    size_t next;                /* the member that the reader comes to next, at the earliest */
    uint64_t left;              /* bytes of the entered member that are not read */
    cnn_text name;              /* of the entered member */
};

cnn_archive_stream *cnn_archive_stream_create(const cnn_archive *archive) {
    cnn_archive_stream *stream = cnn_alloc(1, sizeof *stream);
    if (stream) {
        stream->archive = archive;
    }
    return stream;
}

static void leave(cnn_archive_stream *stream) {
    cnn_archive_reader_free(stream->reader);
    stream->reader = NULL;
    stream->next = 0;
    stream->left = 0;
}

void cnn_archive_stream_free(cnn_archive_stream *stream) {
    if (stream) {
        leave(stream);
        cnn_text_free(&stream->name);
        cnn_free(stream);
    }
}

size_t cnn_archive_stream_next(const cnn_archive_stream *stream) {
    return stream->next;
}

/* Bytes of a tar that are read rather than jumped over. */
#define NEAR ((uint64_t)1 << 18)

/* Opens the archive where the member can be reached. */
static cnn_status reach(cnn_archive_stream *stream, size_t member, cnn_error *error) {
    const cnn_archive *archive = stream->archive;
    const uint64_t wanted = archive->members[member].position;
    bool behind = stream->next > member;
    if (stream->reader && !behind && archive->is_tar) {
        behind = wanted - archive->members[stream->next].position > NEAR;
    }
    if (stream->reader && !behind) {
        return CNN_OK;
    }
    leave(stream);
    stream->next = archive->is_tar ? member : 0;
    return cnn_archive_reader_open(archive->path, archive->is_tar ? wanted : 0, &stream->reader,
                                   error);
}

/* Moves to the header of the member. */
static cnn_status go_on(cnn_archive_stream *stream, size_t member, cnn_error *error) {
    const cnn_archive_member *wanted = &stream->archive->members[member];
    cnn_archive_header header = {.kind = CNN_MEMBER_END};
    do {
        CNN_TRY(cnn_archive_reader_next(stream->reader, &header, error));
    } while (header.kind != CNN_MEMBER_END &&
             (header.kind != CNN_MEMBER_FILE || header.position < wanted->position));
    stream->name.length = 0;
    if (header.kind == CNN_MEMBER_FILE) {
        CNN_TRY(add_name(header.name, &stream->name, error));
    }
    if (header.kind != CNN_MEMBER_FILE || header.position != wanted->position ||
        header.size != wanted->size ||
        strcmp(stream->name.data, cnn_archive_name(stream->archive, member)) != 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "the archive has changed while it was read");
    }
    stream->left = header.size;
    stream->next = member + 1;
    return CNN_OK;
}

cnn_status cnn_archive_stream_enter(cnn_archive_stream *stream, size_t member, cnn_error *error) {
    cnn_status status = reach(stream, member, error);
    if (status == CNN_OK) {
        status = go_on(stream, member, error);
    }
    if (status != CNN_OK) {
        leave(stream);
    }
    return status;
}

cnn_status cnn_archive_stream_read(cnn_archive_stream *stream, size_t size, uint8_t *to,
                                   cnn_error *error) {
    if (!stream->reader || size > stream->left) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected %zu more bytes, found an end", size);
    }
    bool dead;
    cnn_status status = cnn_archive_reader_read(stream->reader, size, to, &dead, error);
    stream->left = status == CNN_OK ? stream->left - size : 0;
    if (status != CNN_OK && dead) {
        leave(stream);
    }
    return status;
}
