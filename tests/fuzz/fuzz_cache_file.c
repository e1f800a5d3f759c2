/* The cache's files of decoded images, for a run that knows their content: opened unchanged, and
 * with corrected checksums. */
#include "fuzz.h"
#include "fuzz_case.h"

#include <stddef.h>
#include <string.h>

/* Positions of the checksums in the header (image/cache_file.c): of the records after it, and of
 * itself. */
enum { RECORDS_CHECKSUM = 56, HEADER_CHECKSUM = 64, HEADER_SIZE = 72 };

static size_t pixels_start(void) {
    return (HEADER_SIZE + fuzz_cache_layout.count * sizeof(cnn_cache_record) + 63) / 64 * 64;
}

static void put(uint64_t checksum, uint8_t *to) {
    memcpy(to, &checksum, sizeof checksum);
}

static void repair(uint8_t *bytes, size_t size) {
    size_t count = fuzz_cache_layout.count;
    size_t image_size = fuzz_cache_layout.image_size;
    if (size < pixels_start() + count * image_size) {
        return;
    }
    uint8_t *records = bytes + HEADER_SIZE;
    for (size_t i = 0; i < count; i++) {
        put(cnn_xxh3_64(bytes + pixels_start() + i * image_size, image_size),
            records + i * sizeof(cnn_cache_record) + offsetof(cnn_cache_record, checksum));
    }
    put(cnn_xxh3_64(records, count * sizeof(cnn_cache_record)), bytes + RECORDS_CHECKSUM);
    put(cnn_xxh3_64(bytes, HEADER_CHECKSUM), bytes + HEADER_CHECKSUM);
}

static void read_cache_file(const uint8_t *bytes, size_t size) {
    (void)fuzz_file(bytes, size);
    cnn_cache_file cached;
    cnn_cache_file_state state =
        cnn_cache_file_open(fuzz_file_descriptor(), &fuzz_cache_layout, 1, &cached);
    if (state == CNN_CACHE_FILE_FAILED) {
        fuzz_fail("a cache file cannot be mapped");
    }
    if (state != CNN_CACHE_FILE_GOOD) {
        if (cached.map) {
            fuzz_fail("a cache file that is not good, but mapped");
        }
        return;
    }
    uint64_t sum = 0; /* every byte that a run may read is there */
    for (size_t i = 0; i < fuzz_cache_layout.count; i++) {
        sum += cached.records[i].content + cached.records[i].readable;
        for (size_t k = 0; k < fuzz_cache_layout.image_size; k++) {
            sum += cached.pixels[i * fuzz_cache_layout.image_size + k];
        }
    }
    volatile uint64_t used = sum;
    (void)used;
    cnn_cache_file_close(&cached);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_both_ways(data, size, repair, read_cache_file);
    return 0;
}
