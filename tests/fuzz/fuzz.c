#include "fuzz.h"

#include "base/hash.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sanitizers ask this function for their settings: readers must handle refused memory. */
const char *__asan_default_options(void); /* NOLINT: the sanitizers' name */
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

_Noreturn void fuzz_fail(const char *what) {
    (void)fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static int memory_file = -1;

const char *fuzz_file(const void *bytes, size_t size) {
    static char path[64];
    if (memory_file < 0) {
        memory_file = memfd_create("input", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory_file);
    }
    if (memory_file < 0 || ftruncate(memory_file, 0) != 0) {
        fuzz_fail("no file in memory");
    }
    size_t written = 0;
    while (written < size) {
        ssize_t part =
            pwrite(memory_file, (const char *)bytes + written, size - written, (off_t)written);
        if (part <= 0) {
            fuzz_fail("the file in memory cannot be written");
        }
        written += (size_t)part;
    }
    return path;
}

int fuzz_file_descriptor(void) {
    return memory_file;
}

void fuzz_check(cnn_status status, const cnn_error *error, const cnn_status *allowed) {
    if (status == CNN_OK) {
        return;
    }
    size_t length = strnlen(error->message, sizeof error->message);
    if (error->status != status || length == 0 || length == sizeof error->message) {
        fuzz_fail("a failure without its status or message");
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)error->message[i] < ' ') {
            fuzz_fail("a message of more than one line");
        }
    }
    while (*allowed != CNN_OK && *allowed != status) {
        allowed++;
    }
    if (*allowed == CNN_OK) {
        fuzz_fail(error->message);
    }
}

enum { LENGTH_BYTES = 8, DIGITS = 64 };

/* The position after the last occurrence of a text in the file, or NULL. */
static uint8_t *find_after(const char *text, uint8_t *bytes, size_t size) {
    size_t length = strlen(text);
    for (size_t at = size; at-- > 0;) {
        if (size - at >= length && memcmp(bytes + at, text, length) == 0) {
            return bytes + at + length;
        }
    }
    return NULL;
}

/* The length of the header follows from the size of the file and the end of the last tensor. */
static void repair_length(uint8_t *bytes, size_t size) {
    const uint8_t *from = find_after("\"data_offsets\":[", bytes, size);
    uint64_t numbers[2] = {0, 0};
    for (int i = 0; i < 2 && from; i++, from++) {
        for (; from < bytes + size && isdigit(*from) && numbers[i] < size; from++) {
            numbers[i] = numbers[i] * 10 + (uint64_t)(*from - '0');
        }
    }
    if (from && size >= LENGTH_BYTES && numbers[1] <= size - LENGTH_BYTES) {
        uint64_t length = size - LENGTH_BYTES - numbers[1];
        for (int i = 0; i < LENGTH_BYTES; i++) {
            bytes[i] = (uint8_t)(length >> (8 * i));
        }
    }
}

void fuzz_repair_safetensors(uint8_t *bytes, size_t size) {
    repair_length(bytes, size);
    uint64_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES && i < size; i++) {
        length |= (uint64_t)bytes[i] << (8 * i);
    }
    if (size < LENGTH_BYTES || length > size - LENGTH_BYTES) {
        return;
    }
    uint8_t *place = find_after("\"cnntrain.sha256\":\"", bytes + LENGTH_BYTES, (size_t)length);
    if (place && (size_t)(bytes + LENGTH_BYTES + length - place) >= DIGITS) {
        char digits[DIGITS + 1];
        memset(place, '0', DIGITS);
        cnn_sha256_hex(bytes, size, digits);
        memcpy(place, digits, DIGITS);
    }
}

void fuzz_both_ways(const uint8_t *bytes, size_t size, void (*repair)(uint8_t *bytes, size_t size),
                    void (*read)(const uint8_t *bytes, size_t size)) {
    read(bytes, size);
    uint8_t *repaired = cnn_alloc(size, 1);
    if (!repaired) {
        fuzz_fail("no memory for a copy");
    }
    if (size > 0) {
        memcpy(repaired, bytes, size);
        repair(repaired, size);
        if (memcmp(repaired, bytes, size) != 0) {
            read(repaired, size);
        }
    }
    cnn_free(repaired);
}
