#include "image/cache_file.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_VERSION 1
#define BYTE_ORDER_MARK 0x0102030405060708U

/* Bytes that one thread checks at a time. */
#define CHECK_BYTES ((size_t)1 << 18)

/* A file up to this size is mapped with all its pages in one call. Of a larger one, pages are
 * mapped as the checking threads reach them. */
#define POPULATE_BYTES ((size_t)64 << 20)

static const char magic[8] = {'c', 'n', 'n', 'i', 'm', 'a', 'g', 'e'};

typedef struct file_header {
    char magic[8];
    uint64_t byte_order, version;
    cnn_hash128 key;
    uint64_t count, image_size;
    uint64_t records_checksum;
    uint64_t header_checksum; /* of the fields above */
} file_header;
_Static_assert(sizeof(file_header) == 72, "the header has no padding");
_Static_assert(sizeof(cnn_cache_record) == 24, "records have no padding");

static file_header make_header(const cnn_cache_file_layout *layout,
                               const cnn_cache_record *records) {
    file_header header = {.byte_order = BYTE_ORDER_MARK,
                          .version = FORMAT_VERSION,
                          .key = layout->key,
                          .count = layout->count,
                          .image_size = layout->image_size};
    memcpy(header.magic, magic, sizeof magic);
    header.records_checksum = cnn_xxh3_64(records, layout->count * sizeof *records);
    header.header_checksum = cnn_xxh3_64(&header, offsetof(file_header, header_checksum));
    return header;
}

/* Computes where the pixels start and end. False if the file would be too large. */
static bool place_pixels(const cnn_cache_file_layout *layout, size_t *start, size_t *end) {
    size_t records, pixels;
    if (!cnn_multiply_size(layout->count, sizeof(cnn_cache_record), &records) ||
        !cnn_multiply_size(layout->count, layout->image_size, &pixels) ||
        records > SIZE_MAX - sizeof(file_header) - CNN_ALIGNMENT) {
        return false;
    }
    *start = (sizeof(file_header) + records + CNN_ALIGNMENT - 1) / CNN_ALIGNMENT * CNN_ALIGNMENT;
    *end = *start + pixels;
    return pixels <= SIZE_MAX - *start;
}

bool cnn_cache_file_size(const cnn_cache_file_layout *layout, size_t *size) {
    size_t start;
    return place_pixels(layout, &start, size);
}

/* --- writing --- */

cnn_status cnn_cache_file_start(int file, const cnn_cache_file_layout *layout,
                                cnn_cache_file_writer *writer, cnn_error *error) {
    writer->file = file;
    writer->layout = *layout;
    writer->records = NULL;
    atomic_init(&writer->failure, 0);
    size_t end;
    if (!place_pixels(layout, &writer->pixels_start, &end)) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "too many images for a file");
    }
    writer->records = cnn_alloc(layout->count, sizeof *writer->records);
    return writer->records ? CNN_OK : cnn_fail_memory(error, "the cache");
}

void cnn_cache_file_writer_free(cnn_cache_file_writer *writer) {
    cnn_free(writer->records);
    writer->records = NULL;
}

/* Uses pwrite, not a mapping: if the disk is full, pwrite fails, while a store to a mapping would
 * end the program. */
static void write_at(cnn_cache_file_writer *writer, const void *data, size_t size, size_t offset) {
    const char *from = data;
    while (size > 0) {
        ssize_t written = pwrite(writer->file, from, size, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            int none = 0;
            (void)atomic_compare_exchange_strong(&writer->failure, &none,
                                                 written < 0 ? errno : EIO);
            return;
        }
        from += written;
        offset += (size_t)written;
        size -= (size_t)written;
    }
}

void cnn_cache_file_write(cnn_cache_file_writer *writer, size_t i, const uint8_t *pixels,
                          uint64_t content) {
    size_t size = writer->layout.image_size;
    writer->records[i] = (cnn_cache_record){
        .content = content, .checksum = cnn_xxh3_64(pixels, size), .readable = 1};
    write_at(writer, pixels, size, writer->pixels_start + i * size);
}

cnn_status cnn_cache_file_finish(cnn_cache_file_writer *writer, cnn_error *error) {
    file_header header = make_header(&writer->layout, writer->records);
    write_at(writer, writer->records, writer->layout.count * sizeof *writer->records,
             sizeof header);
    write_at(writer, &header, sizeof header, 0);
    int failure = atomic_load(&writer->failure);
    return failure == 0 ? CNN_OK : cnn_fail(error, CNN_ERROR_RUNTIME, "%s", strerror(failure));
}

/* --- reading --- */

typedef struct check {
    const cnn_cache_file_layout *layout;
    const cnn_cache_file *cached;
    size_t images; /* per turn */
    atomic_bool damaged;
} check;

static void check_images(void *context, size_t turn, int thread) {
    (void)thread;
    check *c = context;
    size_t size = c->layout->image_size;
    size_t first = turn * c->images;
    size_t left = c->layout->count - first;
    for (size_t i = first; i < first + (left < c->images ? left : c->images); i++) {
        const cnn_cache_record *record = &c->cached->records[i];
        bool good = record->readable == 1
                        ? record->checksum == cnn_xxh3_64(c->cached->pixels + i * size, size)
                        : record->readable == 0;
        if (!good) {
            atomic_store(&c->damaged, true);
            return;
        }
    }
}

static cnn_cache_file_state check_map(const cnn_cache_file_layout *layout, int threads,
                                      const cnn_cache_file *cached) {
    file_header header;
    memcpy(&header, cached->map, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) == 0 &&
        (header.byte_order != BYTE_ORDER_MARK || header.version != FORMAT_VERSION)) {
        return CNN_CACHE_FILE_OTHER;
    }
    if (memcmp(header.magic, magic, sizeof magic) != 0 ||
        header.header_checksum != cnn_xxh3_64(&header, offsetof(file_header, header_checksum))) {
        return CNN_CACHE_FILE_DAMAGED;
    }
    size_t start, end;
    if (header.key.low != layout->key.low || header.key.high != layout->key.high ||
        header.count != layout->count || header.image_size != layout->image_size ||
        !place_pixels(layout, &start, &end)) {
        return CNN_CACHE_FILE_OTHER;
    }
    if (cached->size != end ||
        header.records_checksum !=
            cnn_xxh3_64(cached->records, layout->count * sizeof *cached->records)) {
        return CNN_CACHE_FILE_DAMAGED;
    }
    check c = {.layout = layout, .cached = cached, .images = CHECK_BYTES / layout->image_size + 1};
    atomic_init(&c.damaged, false);
    cnn_parallel_for((layout->count + c.images - 1) / c.images, threads, check_images, &c);
    return atomic_load(&c.damaged) ? CNN_CACHE_FILE_DAMAGED : CNN_CACHE_FILE_GOOD;
}

cnn_cache_file_state cnn_cache_file_open(int file, const cnn_cache_file_layout *layout, int threads,
                                         cnn_cache_file *out) {
    *out = (cnn_cache_file){0};
    struct stat about;
    if (fstat(file, &about) != 0) {
        return CNN_CACHE_FILE_FAILED;
    }
    if (!S_ISREG(about.st_mode) || about.st_size < (off_t)sizeof(file_header) ||
        (uintmax_t)about.st_size > SIZE_MAX) {
        return CNN_CACHE_FILE_DAMAGED;
    }
    cnn_cache_file cached = {.size = (size_t)about.st_size};
    int flags = MAP_SHARED;
#ifdef MAP_POPULATE
    flags |= cached.size <= POPULATE_BYTES ? MAP_POPULATE : 0;
#endif
    cached.map = mmap(NULL, cached.size, PROT_READ, flags, file, 0);
    if (cached.map == MAP_FAILED) {
        return CNN_CACHE_FILE_FAILED;
    }
    size_t start, end;
    if (place_pixels(layout, &start, &end)) {
        cached.records = (const void *)((const char *)cached.map + sizeof(file_header));
        cached.pixels = (const uint8_t *)cached.map + start;
    }
    cnn_cache_file_state state = check_map(layout, threads, &cached);
    if (state == CNN_CACHE_FILE_GOOD) {
        *out = cached;
    } else {
        cnn_cache_file_close(&cached);
    }
    return state;
}

void cnn_cache_file_close(cnn_cache_file *cached) {
    if (cached->map) {
        (void)munmap(cached->map, cached->size);
    }
    *cached = (cnn_cache_file){0};
}
