/* The header of a .npy file (cnn_npy_header): a Python dictionary with three keys, as NumPy writes
 * it. It is read strictly: nothing is evaluated. */
#include "image/array_file.h"

#include "base/error.h"

#include <string.h>

enum { MAGIC = 6, TEXT_AT_V1 = 10, TEXT_AT_V2 = 12 };

typedef struct scanner {
    const char *at, *end;
} scanner;

static void skip_spaces(scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n')) {
        s->at++;
    }
}

static bool take(scanner *s, const char *word) {
    skip_spaces(s);
    const size_t length = strlen(word);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) {
        return false;
    }
    s->at += length;
    return true;
}

/* A string in single quotes, without escapes. */
static bool take_string(scanner *s, const char **text, size_t *length) {
    if (!take(s, "'")) {
        return false;
    }
    *text = s->at;
    while (s->at < s->end && *s->at != '\'' && *s->at != '\\') {
        s->at++;
    }
    *length = (size_t)(s->at - *text);
    return take(s, "'");
}

/* A whole number below 2^62. */
static bool take_number(scanner *s, uint64_t *number) {
    skip_spaces(s);
    const char *first = s->at;
    for (*number = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        if (*number >= (uint64_t)1 << 58) {
            return false;
        }
        *number = 10 * *number + (uint64_t)(*s->at - '0');
    }
    return s->at > first;
}

/* "|u1", "<i8", … */
static cnn_status read_type(scanner *s, cnn_array *array, cnn_error *error) {
    const char *text;
    size_t length;
    if (!take_string(s, &text, &length)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected an array of simple numbers, found another");
    }
    const bool known =
        length == 3 && strchr("<>|=", text[0]) && strchr("iu", text[1]) && strchr("1248", text[2]);
    if (!known) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an array of integers, found \"%.*s\"%s",
                        length < 20 ? (int)length : 20, text,
                        memchr(text, 'O', length) ? " (Python objects, which are not read)" : "");
    }
    array->big_endian = text[0] == '>';
    array->is_signed = text[1] == 'i';
    array->item = (size_t)(text[2] - '0');
    return CNN_OK;
}

/* "(10, 28, 28)", "(10,)" */
static bool read_shape(scanner *s, cnn_array *array) {
    if (!take(s, "(")) {
        return false;
    }
    array->dimensions = 0;
    while (!take(s, ")")) {
        if (array->dimensions == CNN_ARRAY_DIMENSIONS ||
            !take_number(s, &array->shape[array->dimensions++])) {
            return false;
        }
        skip_spaces(s);
        if (!take(s, ",") && (s->at == s->end || *s->at != ')')) {
            return false;
        }
    }
    return true;
}

static cnn_status fail_header(cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA,
                    "expected the header of an array of up to %d dimensions, found another",
                    CNN_ARRAY_DIMENSIONS);
}

static cnn_status read_dictionary(scanner *s, cnn_array *array, cnn_error *error) {
    enum { TYPE = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    int found = 0;
    if (!take(s, "{")) {
        return fail_header(error);
    }
    while (!take(s, "}")) {
        const char *key;
        size_t length;
        if (!take_string(s, &key, &length) || !take(s, ":")) {
            return fail_header(error);
        }
        int this = 0;
        if (length == 5 && memcmp(key, "descr", 5) == 0) {
            this = TYPE;
            CNN_TRY(read_type(s, array, error));
        } else if (length == 13 && memcmp(key, "fortran_order", 13) == 0 && take(s, "True")) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "expected an array in C order, found one in Fortran order");
        } else if (length == 13 && memcmp(key, "fortran_order", 13) == 0 && take(s, "False")) {
            this = ORDER;
        } else if (length == 5 && memcmp(key, "shape", 5) == 0 && read_shape(s, array)) {
            this = SHAPE;
        }
        if (this == 0 || (found & this) != 0 ||
            (!take(s, ",") && (s->at == s->end || *s->at != '}'))) {
            return fail_header(error);
        }
        found |= this;
    }
    skip_spaces(s);
    return found == ALL && s->at == s->end ? CNN_OK : fail_header(error);
}

cnn_status cnn_npy_header(const uint8_t *bytes, size_t size, cnn_array *array, cnn_error *error) {
    if (size < TEXT_AT_V2 || memcmp(bytes, "\x93NUMPY", MAGIC) != 0 || bytes[MAGIC] < 1 ||
        bytes[MAGIC] > 3) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an array of NumPy, found something else");
    }
    const bool one = bytes[MAGIC] == 1;
    const size_t start = one ? TEXT_AT_V1 : TEXT_AT_V2;
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    length |= one ? 0 : (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > size - start) {
        return fail_header(error);
    }
    scanner s = {.at = (const char *)bytes + start, .end = (const char *)bytes + start + length};
    array->start = start + length;
    return read_dictionary(&s, array, error);
}
