/* Hashes: a fast one for contents, XXH3 (from xxHash) for caches, and SHA-256 (from Nettle, which
 * uses the processor's instructions for it). */
#ifndef CNN_BASE_HASH_H
#define CNN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Start value of cnn_hash_bytes. */
#define CNN_HASH_START 0x243f6a8885a308d3U

/* 64-bit hash of `size` bytes, continuing from `hash`, so that calls can be chained. Not
 * cryptographic. The same on every machine. */
uint64_t cnn_hash_bytes(uint64_t hash, const void *bytes, size_t size);

/* XXH3 of `size` bytes, in 128 and in 64 bits. Faster than memory, not cryptographic, the same on
 * every machine. For keys and checksums of files that can be made again. */
typedef struct cnn_hash128 {
    uint64_t low, high;
} cnn_hash128;
cnn_hash128 cnn_xxh3_128(const void *bytes, size_t size);
uint64_t cnn_xxh3_64(const void *bytes, size_t size);

/* SHA-256 (FIPS 180-4) of `size` bytes. */
void cnn_sha256(const void *bytes, size_t size, uint8_t digest[32]);
/* The same as 64 lower-case hex digits and a '\0'. */
void cnn_sha256_hex(const void *bytes, size_t size, char digits[65]);

#endif
