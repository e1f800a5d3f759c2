/* The cache's files of decoded images, for a run that knows what is to be in them: opened as they
 * are, and with the checksums put right. */
#include "fuzz.h"
#include "fuzz_case.h"

#include <stddef.h>
#include <string.h>

/* Where the header's checksums stand (image/cache_file.c): of the records behind it, and of itself.
 */
enum { RECORDS_CHECKSUM = 56, HEADER_CHECKSUM = 64, HEADER_SIZE = 72 };

static size_t pixels_start(void) {
    return (HEADER_SIZE + fuzz_pack_layout.count * sizeof(cnn_image_record) + 63) / 64 * 64;
}

static void put(uint64_t checksum, uint8_t *to) {
    memcpy(to, &checksum, sizeof checksum);
}

static void repair(uint8_t *bytes, size_t size) {
    size_t count = fuzz_pack_layout.count;
    size_t image_size = fuzz_pack_layout.image_size;
    if (size < pixels_start() + count * image_size) {
        return;
    }
    uint8_t *records = bytes + HEADER_SIZE;
    for (size_t i = 0; i < count; i++) {
        put(cnn_xxh3_64(bytes + pixels_start() + i * image_size, image_size),
            records + i * sizeof(cnn_image_record) + offsetof(cnn_image_record, checksum));
    }
    put(cnn_xxh3_64(records, count * sizeof(cnn_image_record)), bytes + RECORDS_CHECKSUM);
    put(cnn_xxh3_64(bytes, HEADER_CHECKSUM), bytes + HEADER_CHECKSUM);
}

static void read_pack(const uint8_t *bytes, size_t size) {
    (void)fuzz_file(bytes, size);
    cnn_image_pack pack;
    cnn_image_pack_state state =
        cnn_image_pack_open(fuzz_file_descriptor(), &fuzz_pack_layout, 1, &pack);
    if (state == CNN_PACK_FAILED) {
        fuzz_fail("a pack cannot be mapped");
    }
    if (state != CNN_PACK_GOOD) {
        if (pack.map) {
            fuzz_fail("a pack that is not good, but mapped");
        }
        return;
    }
    uint64_t sum = 0; /* every byte that a run may look at is there */
    for (size_t i = 0; i < fuzz_pack_layout.count; i++) {
        sum += pack.records[i].content + pack.records[i].readable;
        for (size_t k = 0; k < fuzz_pack_layout.image_size; k++) {
            sum += pack.pixels[i * fuzz_pack_layout.image_size + k];
        }
    }
    volatile uint64_t used = sum;
    (void)used;
    cnn_image_pack_close(&pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_both_ways(data, size, repair, read_pack);
    return 0;
}
