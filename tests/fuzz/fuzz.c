#include "fuzz.h"

#include "hash.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sanitizers ask this function for their settings: memory that is refused is for the readers to
 * deal with. */
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
    while (*allowed != CNN_OK && *allowed != status) {
        allowed++;
    }
    if (*allowed == CNN_OK) {
        fuzz_fail(error->message);
    }
}

void fuzz_repair_safetensors(uint8_t *bytes, size_t size) {
    enum { LENGTH_BYTES = 8, DIGITS = 64 };
    static const char needle[] = "\"cnntrain.sha256\":\"";
    const size_t needle_length = sizeof needle - 1;
    uint64_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES && i < size; i++) {
        length |= (uint64_t)bytes[i] << (8 * i);
    }
    if (size < LENGTH_BYTES || length > size - LENGTH_BYTES) {
        return;
    }
    for (size_t at = LENGTH_BYTES + (size_t)length; at-- > LENGTH_BYTES;) {
        size_t left = LENGTH_BYTES + (size_t)length - at;
        if (left >= needle_length && memcmp(bytes + at, needle, needle_length) == 0) {
            if (left >= needle_length + DIGITS) {
                char digits[DIGITS + 1];
                memset(bytes + at + needle_length, '0', DIGITS);
                cnn_sha256_hex(bytes, size, digits);
                memcpy(bytes + at + needle_length, digits, DIGITS);
            }
            return;
        }
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
