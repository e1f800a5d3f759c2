/* A string that grows, and small questions about strings. */
#ifndef CNN_BASE_TEXT_H
#define CNN_BASE_TEXT_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}; `data` is NULL or ends in '\0'. When memory is refused, `failed` becomes true and
 * stays, and further calls do nothing: check it once at the end. */
typedef struct cnn_text {
    char *data;
    size_t length, capacity;
    bool failed;
} cnn_text;

void cnn_text_append(cnn_text *text, const char *bytes, size_t length);
/* printf, with a decimal point in every locale. */
void cnn_text_format(cnn_text *text, const char *format, ...) CNN_PRINTF(2, 3);
/* One field of a CSV row (RFC 4180): in quotes where it holds a comma, a quote or a line's end. */
void cnn_text_csv_field(cnn_text *text, const char *field);
/* The shortest digits that read back to the same double (number_text.h); `none` where the number is
 * not finite. */
void cnn_text_number(cnn_text *text, double number, const char *none);
/* Nine digits, which read back to the same float. */
void cnn_text_float(cnn_text *text, float number);
/* The text as a string of its own, to be freed with cnn_free; NULL, and nothing left, where it has
 * failed. */
char *cnn_text_take(cnn_text *text);
void cnn_text_free(cnn_text *text);

/* A number of bytes for people: "812 bytes", "23.4 KiB", "1.5 GiB". Writes it into text and returns
 * that. */
const char *cnn_bytes_text(uint64_t bytes, char text[24]);

/* Length in bytes of the valid UTF-8 character that starts at s, 0 where there is none (RFC 3629:
 * no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t cnn_utf8_length(const unsigned char *s);

/* Is the string valid UTF-8 (RFC 3629)? */
bool cnn_text_is_utf8(const char *string);

/* The word of `words` (NULL at its end) that is most like `word`, for "did you mean …?"; NULL where
 * none is near. Near: a Levenshtein distance of at most 2 and below half the word's length. */
const char *cnn_text_nearest(const char *word, const char *const *words);

#endif
