#include "image/archive_reader.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_AT_ONCE = 1 << 16,
    CLAIMED = 1 << 19,     /* bytes that libarchive may take, at the least */
    WRONG_FORMAT = EILSEQ, /* what archive_errno is where the bytes are not those of a format */
};

struct cnn_archive_reader {
    struct archive *archive;
    struct archive_entry *entry; /* of the last header */
    bool claimed;                /* memory for libarchive */
    int file;
    uint8_t bytes[READ_AT_ONCE]; /* of the file */
    uint64_t file_size, start;   /* bytes */
    uint64_t headers;            /* read so far */
    uint64_t last;               /* tar: where the last of them starts; `start` before the first */
};

/* --- names in UTF-8, whatever the locale --- */

/* libarchive converts the names that an archive declares to be UTF-8 to the locale's encoding, and
 * gives none that the encoding lacks. Names are bytes here, so they must stay UTF-8. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t utf8;

static void make_locale(void) {
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t enter_utf8(void) {
    (void)pthread_once(&once, make_locale);
    return utf8 ? uselocale(utf8) : (locale_t)0;
}

static void leave_utf8(locale_t before) {
    if (before) {
        (void)uselocale(before);
    }
}

/* --- errors --- */

enum {
    BLOCK = 512, /* bytes of a tar's header; the places of its fields: */
    SIZE_AT = 124,
    SIZE_END = 136,
    TYPE_AT = 156,
};

/* The size in the header of a tar's member, in octal digits or, with the first bit set, bytes. */
static uint64_t size_of(const uint8_t block[BLOCK]) {
    const bool bytes = block[SIZE_AT] & 0x80;
    uint64_t size = 0;
    for (int i = SIZE_AT + bytes; i < SIZE_END; i++) {
        if (bytes) {
            size = size << 8 | block[i];
        } else if (block[i] >= '0' && block[i] <= '7') {
            size = size << 3 | (uint64_t)(block[i] - '0');
        }
    }
    return size;
}

/* Does the file end within what precedes the header of the next member: a long name or link of GNU
 * (L, K) or attributes of POSIX (x, g)? libarchive does not say where it has failed, so this goes
 * on from the last member. */
static bool ends_before_member(const cnn_archive_reader *reader) {
    uint64_t at = reader->last;
    bool passed = reader->headers == 0; /* the last member */
    for (;;) {
        uint8_t block[BLOCK];
        if (pread(reader->file, block, sizeof block, (off_t)at) != (ssize_t)sizeof block) {
            return true;
        }
        const bool precedes = block[TYPE_AT] != '\0' && strchr("LKxg", block[TYPE_AT]);
        if (passed && !precedes) {
            return false;
        }
        const uint64_t size = size_of(block), left = reader->file_size - at - BLOCK;
        if (size > left) {
            return true;
        }
        passed = passed || !precedes;
        at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
}

static cnn_status fail(const cnn_archive_reader *reader, cnn_error *error) {
    struct archive *archive = reader->archive;
    const int reason = archive_errno(archive);
    const char *text = archive_error_string(archive);
    /* it says nothing where some allocations of its tar reader fail, where a tar is cut short, and
     * where the list of a zip archive is damaged, or is read on after a failure */
    const int format = archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK;
    const bool silent = reason == 0 && !text;
    const bool cut_short = silent && format != ARCHIVE_FORMAT_ZIP && ends_before_member(reader);
    if (reason == ENOMEM || (silent && format != ARCHIVE_FORMAT_ZIP && !cut_short)) {
        return cnn_fail_memory(error, "an archive");
    }
    /* of libarchive's own, or of a call that failed */
    const bool own = reason <= 0 || reason == EINVAL || reason == WRONG_FORMAT;
    return cnn_fail(error, cnn_file_blame(reason, CNN_ERROR_DATA), "%s",
                    !own            ? strerror(reason)
                    : text && *text ? text
                    : cut_short ? "the archive ends within the name or the attributes of a member"
                                : "the archive is damaged");
}

/* --- the file, for libarchive; its own archive_read_open_fd crashes where memory is refused --- */

static la_ssize_t read_file(struct archive *archive, void *context, const void **bytes) {
    cnn_archive_reader *reader = context;
    ssize_t got;
    do {
        got = read(reader->file, reader->bytes, sizeof reader->bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        archive_set_error(archive, errno, "%s", strerror(errno));
    }
    *bytes = reader->bytes;
    return got;
}

static la_int64_t seek_file(struct archive *archive, void *context, la_int64_t offset, int from) {
    const cnn_archive_reader *reader = context;
    const off_t place = lseek(reader->file, (off_t)offset, from);
    if (place < 0) {
        archive_set_error(archive, errno, "%s", strerror(errno));
        return ARCHIVE_FATAL;
    }
    return place;
}

/* Skips at most to the end of the file, where reading then finds that bytes are missing. */
static la_int64_t skip_file(struct archive *archive, void *context, la_int64_t count) {
    const cnn_archive_reader *reader = context;
    const la_int64_t from = seek_file(archive, context, 0, SEEK_CUR);
    const la_int64_t left = from < 0 ? 0 : (la_int64_t)reader->file_size - from;
    const la_int64_t skipped = count < left ? count : left;
    if (skipped <= 0) {
        return 0;
    }
    return seek_file(archive, context, skipped, SEEK_CUR) < 0 ? ARCHIVE_FATAL : skipped;
}

/* --- opening --- */

/* The program that decompresses the file; NULL: it is not known to be compressed. */
static const char *decompressor(int file) {
    static const struct {
        const char *start, *program;
    } known[] = {{"\x1f\x8b", "gunzip"},
                 {"\x28\xb5\x2f\xfd", "unzstd"},
                 {"BZh", "bunzip2"},
                 {"\xfd"
                  "7zXZ",
                  "unxz"}};
    char bytes[8] = "";
    if (pread(file, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (memcmp(bytes, known[i].start, strlen(known[i].start)) == 0) {
                return known[i].program;
            }
        }
    }
    return NULL;
}

static cnn_status fail_format(const cnn_archive_reader *reader, cnn_error *error) {
    const char *program = decompressor(reader->file);
    return program ? cnn_fail(error, CNN_ERROR_DATA,
                              "expected a tar that is not compressed, because its images are read "
                              "at their places in it; decompress it (%s), but do not unpack it",
                              program)
                   : cnn_fail(error, CNN_ERROR_DATA,
                              "expected an uncompressed tar archive or a zip archive, found "
                              "something else or a damaged one");
}

static cnn_status open_archive(cnn_archive_reader *reader, uint64_t offset, cnn_error *error) {
    struct archive *archive = reader->archive;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_support_format_zip_seekable(archive) != ARCHIVE_OK ||
        archive_read_set_read_callback(archive, read_file) != ARCHIVE_OK ||
        archive_read_set_skip_callback(archive, skip_file) != ARCHIVE_OK ||
        archive_read_set_seek_callback(archive, seek_file) != ARCHIVE_OK ||
        archive_read_set_callback_data(archive, reader) != ARCHIVE_OK) {
        return fail(reader, error);
    }
    if (lseek(reader->file, (off_t)offset, SEEK_SET) < 0) {
        return cnn_fail(error, cnn_file_blame(errno, CNN_ERROR_DATA), "%s", strerror(errno));
    }
    const locale_t before = enter_utf8();
    const int result = archive_read_open1(archive);
    leave_utf8(before);
    if (result == ARCHIVE_OK) {
        return CNN_OK;
    }
    if (archive_errno(archive) == WRONG_FORMAT) {
        return fail_format(reader, error);
    }
    return fail(reader, error);
}

static cnn_status open_file(const char *path, cnn_archive_reader *reader, cnn_error *error) {
    struct stat about;
    reader->file = cnn_file_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (reader->file < 0 || fstat(reader->file, &about) != 0) {
        return cnn_fail(error, cnn_file_blame(errno, CNN_ERROR_DATA), "%s", strerror(errno));
    }
    if (!S_ISREG(about.st_mode)) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a file, found a pipe or a device");
    }
    reader->file_size = (uint64_t)about.st_size;
    /* libarchive ends the program if it has no memory for a name: make that improbable */
    reader->claimed = cnn_memory_claim(CLAIMED);
    if (!reader->claimed) {
        return cnn_fail_memory(error, "an archive");
    }
    reader->archive = archive_read_new();
    reader->entry = reader->archive ? archive_entry_new2(reader->archive) : NULL;
    return reader->entry ? CNN_OK : cnn_fail_memory(error, "an archive");
}

cnn_status cnn_archive_reader_open(const char *path, uint64_t offset, cnn_archive_reader **reader,
                                   cnn_error *error) {
    *reader = cnn_alloc(1, sizeof **reader);
    if (!*reader) {
        return cnn_fail_memory(error, "an archive");
    }
    (*reader)->file = -1;
    (*reader)->start = offset;
    (*reader)->last = offset;
    cnn_status status = open_file(path, *reader, error);
    if (status == CNN_OK) {
        status = open_archive(*reader, offset, error);
    }
    if (status != CNN_OK) {
        cnn_archive_reader_free(*reader);
        *reader = NULL;
    }
    return status;
}

void cnn_archive_reader_free(cnn_archive_reader *reader) {
    if (!reader) {
        return;
    }
    if (reader->entry) {
        archive_entry_free(reader->entry);
    }
    if (reader->archive) {
        (void)archive_read_free(reader->archive);
    }
    if (reader->claimed) {
        cnn_memory_return(CLAIMED);
    }
    if (reader->file >= 0) {
        (void)close(reader->file);
    }
    cnn_free(reader);
}

uint64_t cnn_archive_reader_file_size(const cnn_archive_reader *reader) {
    return reader->file_size;
}

bool cnn_archive_reader_is_tar(const cnn_archive_reader *reader) {
    return (archive_format(reader->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

/* --- members --- */

static cnn_member_kind kind_of(struct archive_entry *entry) {
    if (archive_entry_hardlink(entry)) {
        return CNN_MEMBER_LINK;
    }
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return CNN_MEMBER_FILE;
    case AE_IFDIR:
        return CNN_MEMBER_FOLDER;
    default:
        return CNN_MEMBER_LINK;
    }
}

static cnn_status describe(const cnn_archive_reader *reader, struct archive_entry *entry,
                           cnn_archive_header *header, cnn_error *error) {
    header->kind = kind_of(entry);
    header->name = archive_entry_pathname(entry);
    header->position = cnn_archive_reader_is_tar(reader)
                           ? reader->start + (uint64_t)archive_read_header_position(reader->archive)
                           : reader->headers;
    if (!header->name || !*header->name) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected members with names, found one without");
    }
    if (header->kind != CNN_MEMBER_FILE) {
        return CNN_OK;
    }
    if (archive_entry_is_encrypted(entry)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%.80s: expected a member that can be read, found an encrypted one",
                        header->name);
    }
    if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%.80s: expected a member with a size, found none",
                        header->name);
    }
    header->size = (uint64_t)archive_entry_size(entry);
    return CNN_OK;
}

cnn_status cnn_archive_reader_next(cnn_archive_reader *reader, cnn_archive_header *header,
                                   cnn_error *error) {
    *header = (cnn_archive_header){.kind = CNN_MEMBER_END};
    const locale_t before = enter_utf8();
    const int result = archive_read_next_header2(reader->archive, reader->entry);
    cnn_status status = CNN_OK;
    if (result == ARCHIVE_OK || result == ARCHIVE_WARN) {
        status = describe(reader, reader->entry, header, error);
        reader->headers++;
        reader->last = header->position;
    } else if (result != ARCHIVE_EOF) {
        status = fail(reader, error);
    }
    leave_utf8(before);
    return status;
}

cnn_status cnn_archive_reader_read(cnn_archive_reader *reader, size_t size, uint8_t *to, bool *dead,
                                   cnn_error *error) {
    uint8_t skipped[READ_AT_ONCE];
    *dead = false;
    while (size > 0) {
        const size_t wanted = to || size < sizeof skipped ? size : sizeof skipped;
        const la_ssize_t got = archive_read_data(reader->archive, to ? to : skipped, wanted);
        if (got < 0) {
            *dead = got == ARCHIVE_FATAL;
            return fail(reader, error);
        }
        if (got == 0) {
            return cnn_fail(error, CNN_ERROR_DATA, "expected %zu more bytes, found an end", size);
        }
        size -= (size_t)got;
        to = to ? to + got : NULL;
    }
    return CNN_OK;
}
