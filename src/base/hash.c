#include "base/hash.h"

#include <nettle/sha2.h>

/* compiles xxHash from its header: no library to link or to load when a program starts */
#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
    return hash ^ (hash >> 29);
}

uint64_t cnn_hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *from = bytes;
    size_t rest = size;
    for (; rest >= 8; rest -= 8, from += 8) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; i++) { /* little-endian on every machine */
            word |= (uint64_t)from[i] << (8 * i);
        }
        hash = mix(hash, word);
    }
    uint64_t tail = 0;
    for (unsigned i = 0; i < rest; i++) {
        tail |= (uint64_t)from[i] << (8 * i);
    }
    hash = mix(mix(hash, tail), (uint64_t)size);
    hash = mix(hash, hash >> 32);
    return hash ^ (hash >> 32);
}

cnn_hash128 cnn_xxh3_128(const void *bytes, size_t size) {
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    return (cnn_hash128){.low = hash.low64, .high = hash.high64};
}

uint64_t cnn_xxh3_64(const void *bytes, size_t size) {
    return XXH3_64bits(bytes, size);
}

void cnn_sha256(const void *bytes, size_t size, uint8_t digest[32]) {
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
}

void cnn_sha256_hex(const void *bytes, size_t size, char digits[65]) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    cnn_sha256(bytes, size, digest);
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof digest; i++) {
        digits[2 * i] = hex[digest[i] >> 4];
        digits[2 * i + 1] = hex[digest[i] & 15];
    }
    digits[64] = '\0';
}
