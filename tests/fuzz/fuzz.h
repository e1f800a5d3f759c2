/* What the harnesses share. A harness is one file with LLVMFuzzerTestOneInput, which gives bytes to
 * a reader as if they came from a file: any answer is right, but no crash, no hang, no leak, and no
 * failure without a message. libFuzzer calls it with bytes that it makes up (CNN_FUZZ), replay.c
 * with files that are kept. */
#ifndef CNN_FUZZ_H
#define CNN_FUZZ_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

/* What a harness defines; the result is 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the bytes to a file in memory, the same at every call, and returns its path, which names
 * them until the next call. Ends the program where that fails. */
const char *fuzz_file(const void *bytes, size_t size);

/* The descriptor of that file, at its start. */
int fuzz_file_descriptor(void);

/* Ends the program, which is what a fuzzer sees, where a reader breaks its word: a failure needs a
 * message in one line, and one of the statuses in `allowed` (ended by CNN_OK). CNN_OK passes. */
void fuzz_check(cnn_status status, const cnn_error *error, const cnn_status *allowed);

/* Ends the program with a message. */
_Noreturn void fuzz_fail(const char *what);

/* Has the bytes read as they are, and, where `repair` changes a copy of them, that copy: checksums
 * would keep what is made up from ever being looked into. */
void fuzz_both_ways(const uint8_t *bytes, size_t size, void (*repair)(uint8_t *bytes, size_t size),
                    void (*read)(const uint8_t *bytes, size_t size));

/* Puts the length of the header of a safetensors file right, by the end of the last tensor, and its
 * checksum: the SHA-256 in place of the last 64 digits behind `"cnntrain.sha256":"`. Where there is
 * no such tensor or no such place, nothing changes. */
void fuzz_repair_safetensors(uint8_t *bytes, size_t size);

#endif
