#include "damaged_models.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, DIGITS = 64 };

static uint64_t get_length(const uint8_t *bytes) {
    uint64_t length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) {
        length |= (uint64_t)bytes[i] << (8 * i);
    }
    return length;
}

static void put_length(uint64_t length, uint8_t *bytes) {
    for (int i = 0; i < LENGTH_BYTES; i++) {
        bytes[i] = (uint8_t)(length >> (8 * i));
    }
}

/* The first occurrence of a text at or after `from`; NULL: none. */
static uint8_t *find(damaged_model *model, size_t from, const char *text) {
    return from < model->size ? memmem(model->bytes + from, model->size - from, text, strlen(text))
                              : NULL;
}

/* Corrects the checksum, if its place still exists. */
static void repair(damaged_model *model) {
    static const char key[] = "\"cnntrain.sha256\":\"";
    uint8_t *place = find(model, 0, key);
    if (place && (size_t)(model->bytes + model->size - place) >= sizeof key - 1 + DIGITS) {
        char digits[DIGITS + 1];
        place += sizeof key - 1;
        memset(place, '0', DIGITS);
        cnn_sha256_hex(model->bytes, model->size, digits);
        memcpy(place, digits, DIGITS);
    }
}

/* --- the kinds of damage: each uses its range of numbers, and does nothing with others --- */

/* How many damaged copies there are of one kind, and how to make number i of them. */
typedef struct damage {
    size_t (*count)(const damaged_model *good);
    void (*make)(damaged_model *model, size_t i);
} damage;

/* Cut at every 64 bytes, with and without a correct checksum. */
static size_t count_cuts(const damaged_model *good) {
    return 2 * ((good->size + 63) / 64);
}

static void cut(damaged_model *model, size_t i) {
    model->size = i / 2 * 64;
    (void)snprintf(model->what, sizeof model->what, "cut to %zu bytes", model->size);
    if (i % 2) {
        repair(model);
    }
}

/* Other lengths of the header: other parts of the file would be read as text or as numbers. */
enum { LENGTHS = 16 };

static size_t count_lengths(const damaged_model *good) {
    (void)good;
    return 2 * LENGTHS;
}

static void change_length(damaged_model *model, size_t i) {
    uint64_t right = get_length(model->bytes);
    const uint64_t lengths[LENGTHS] = {0,
                                       1,
                                       2,
                                       right - 64,
                                       right - 1,
                                       right + 1,
                                       right + 4,
                                       right + 64,
                                       model->size - LENGTH_BYTES,
                                       model->size - LENGTH_BYTES + 1,
                                       model->size,
                                       right | 0x80000000U,
                                       right | 0x100000000U,
                                       right | 0x8000000000000000U,
                                       UINT64_MAX - LENGTH_BYTES,
                                       UINT64_MAX};
    put_length(lengths[i / 2], model->bytes);
    (void)snprintf(model->what, sizeof model->what, "header length %llx",
                   (unsigned long long)lengths[i / 2]);
    if (i % 2) {
        repair(model);
    }
}

/* Every byte from the first tensor's name to the end of the header, and of the names in front. */
static const char replacements[] = "x\"";
enum { REPLACEMENTS = sizeof replacements - 1 };

static size_t tensors_start(const damaged_model *good) {
    static const char end_of_texts[] = "\"},\"";
    const uint8_t *place = memmem(good->bytes, good->size, end_of_texts, sizeof end_of_texts - 1);
    return place ? (size_t)(place - good->bytes) : good->size;
}

static size_t count_replaced(const damaged_model *good) {
    return REPLACEMENTS * (LENGTH_BYTES + (size_t)get_length(good->bytes) - tensors_start(good));
}

static void replace_byte(damaged_model *model, size_t i) {
    size_t at = tensors_start(model) + i / REPLACEMENTS;
    uint8_t byte = (uint8_t)replacements[i % REPLACEMENTS];
    /* a byte that is the replacement already becomes a zero */
    model->bytes[at] = model->bytes[at] == byte ? 0 : byte;
    (void)snprintf(model->what, sizeof model->what, "byte %zu replaced by %02x", at,
                   model->bytes[at]);
    repair(model);
}

/* Every eighth byte of the file, which only the checksum may detect. */
enum { FLIP_STEP = 8 };

static size_t count_flips(const damaged_model *good) {
    return (good->size + FLIP_STEP - 1) / FLIP_STEP;
}

static void flip(damaged_model *model, size_t i) {
    model->bytes[i * FLIP_STEP] ^= (uint8_t)(1 << i % 8);
    (void)snprintf(model->what, sizeof model->what, "a bit of byte %zu flipped", i * FLIP_STEP);
}

/* One text of the header instead of another of the same length. */
static const struct {
    const char *from, *to;
} texts[] = {
    {"__metadata__", "__metadato__"},
    {"cnntrain.version", "cnntrain.vorsion"},
    {"cnntrain.sha256", "cnntrain.sha512"},
    {"cnntrain.config", "cnntrain.confog"},
    {"\"cnntrain.version\":\"0", "\"cnntrain.version\":\"9"},
    {"\\\"classes\\\":", "\\\"klasses\\\":"},
    {"\\\"layers\\\":[", "\\\"layers\\\":{"},
    {"\\\"layers\\\":[{", "\\\"layers\\\":[["},
    {"\\\"filters\\\":", "\\\"filterz\\\":"},
    {"\\\"filters\\\":", "\\\"filters\\\":9"},
    {"\\\"kernel\\\":", "\\\"kernel\\\":-"},
    {"\\\"width\\\":", "\\\"width\\\":9"},
    {"\\\"channels\\\":", "\\\"channels\\\":2"},
    {"\"shape\":[", "\"shape\":[9"},
    {"\"shape\":[", "\"shape\":[-"},
    {"\"data_offsets\":[0", "\"data_offsets\":[4"},
    {"\"data_offsets\":[", "\"data_offsets\":{"},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static size_t count_texts(const damaged_model *good) {
    (void)good;
    return TEXTS;
}

/* A longer text overwrites what follows it. */
static void change_text(damaged_model *model, size_t i) {
    uint8_t *place = find(model, 0, texts[i].from);
    if (place) {
        memcpy(place, texts[i].to, strlen(texts[i].to));
    } else {
        model->size = 0; /* not in this file: damaged nevertheless */
    }
    (void)snprintf(model->what, sizeof model->what, "%s for %s", texts[i].to, texts[i].from);
    repair(model);
}

/* The first two tensors in the other order, one with another layer's name, and invalid numbers. */
enum { EXCHANGED, RENAMED, FIRST_NAN, LAST_INFINITE, OTHERS };

static size_t count_others(const damaged_model *good) {
    (void)good;
    return OTHERS;
}

/* "a":{…},"b":{…} becomes "b":{…},"a":{…}. */
static void exchange_tensors(damaged_model *model) {
    uint8_t *first = model->bytes + tensors_start(model) + 3;
    uint8_t *first_end = find(model, (size_t)(first - model->bytes), "}") + 1;
    uint8_t *second = first_end + 1;
    uint8_t *second_end = find(model, (size_t)(second - model->bytes), "}") + 1;
    size_t first_size = (size_t)(first_end - first);
    size_t second_size = (size_t)(second_end - second);
    uint8_t kept[256];
    if (first_size <= sizeof kept) {
        memcpy(kept, first, first_size);
        memmove(first, second, second_size);
        first[second_size] = ',';
        memcpy(first + second_size + 1, kept, first_size);
    }
}

static void change_other(damaged_model *model, size_t i) {
    static const uint8_t nan_bytes[4] = {0, 0, 0xc0, 0x7f};
    static const uint8_t infinity_bytes[4] = {0, 0, 0x80, 0xff};
    static const char *const names[OTHERS] = {"first tensors exchanged", "a tensor renamed",
                                              "first weight NaN", "last bias infinite"};
    switch (i) {
    case EXCHANGED:
        exchange_tensors(model);
        break;
    case RENAMED:
        model->bytes[tensors_start(model) + 4]++; /* the layer's number */
        break;
    case FIRST_NAN:
        memcpy(model->bytes + LENGTH_BYTES + get_length(model->bytes), nan_bytes, 4);
        break;
    default:
        memcpy(model->bytes + model->size - 4, infinity_bytes, 4);
    }
    (void)snprintf(model->what, sizeof model->what, "%s", names[i]);
    repair(model);
}

static const damage damages[] = {
    {count_cuts, cut},   {count_lengths, change_length}, {count_replaced, replace_byte},
    {count_flips, flip}, {count_texts, change_text},     {count_others, change_other},
};

bool damaged_model_make(const uint8_t *good, size_t size, size_t number, damaged_model *out) {
    *out = (damaged_model){.bytes = malloc(size), .size = size};
    if (!out->bytes) {
        return false;
    }
    memcpy(out->bytes, good, size);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        size_t count = damages[i].count(out);
        if (number < count) {
            damages[i].make(out, number);
            return true;
        }
        number -= count;
    }
    free(out->bytes);
    out->bytes = NULL;
    return false;
}
