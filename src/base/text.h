/* A string that grows, and helpers for strings: CSV, JSON, UTF-8, numbers, spelling. */
#ifndef CNN_BASE_TEXT_H
#define CNN_BASE_TEXT_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}. `data` is NULL or ends in '\0'. If memory is refused, `failed` becomes true and
 * further calls do nothing, so it need be checked only once, at the end. */
typedef struct cnn_text {
    char *data;
    size_t length, capacity;
    bool failed;
} cnn_text;

void cnn_text_append(cnn_text *text, const char *bytes, size_t length);
/* printf, with a decimal point in every locale. */
void cnn_text_format(cnn_text *text, const char *format, ...) CNN_PRINTF(2, 3);
/* Appends a field of a CSV row (RFC 4180), in quotes if it contains a comma, a quote or a newline.
 */
void cnn_text_csv_field(cnn_text *text, const char *field);
/* Appends the shortest digits that read back to the same double (number_text.h), or `none` if it is
 * not finite. */
void cnn_text_number(cnn_text *text, double number, const char *none);
/* Nine digits, which read back to the same float. */
void cnn_text_float(cnn_text *text, float number);
/* Returns the text as a string, to be freed with cnn_free, and resets the text. NULL if it has
 * failed. */
char *cnn_text_take(cnn_text *text);
void cnn_text_free(cnn_text *text);

/* Formats a number of bytes: "812 bytes", "23.4 KiB", "1.5 GiB". Returns text. */
const char *cnn_bytes_text(uint64_t bytes, char text[24]);

/* Length in bytes of the valid UTF-8 character that starts at s, 0 where there is none (RFC 3629:
 * no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t cnn_utf8_length(const unsigned char *s);

/* Is the string valid UTF-8 (RFC 3629)? */
bool cnn_text_is_utf8(const char *string);

/* The word of `words` (which ends in NULL) that is nearest to `word`, for "did you mean …?". NULL
 * if none has a Levenshtein distance of at most 2 and below half the word's length. */
const char *cnn_text_nearest(const char *word, const char *const *words);

#endif
