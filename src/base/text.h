/* A string that grows, and small string functions. */
#ifndef CNN_BASE_TEXT_H
#define CNN_BASE_TEXT_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}; `data` is NULL or ends in '\0'. If memory is refused, `failed` becomes true and
 * stays true, and further calls do nothing: check it once at the end. */
typedef struct cnn_text {
    char *data;
    size_t length, capacity;
    bool failed;
} cnn_text;

void cnn_text_append(cnn_text *text, const char *bytes, size_t length);
void cnn_text_format(cnn_text *text, const char *format, ...) CNN_PRINTF(2, 3);
/* One field of a CSV row (RFC 4180): quoted if it contains a comma, a quote or a line end. */
void cnn_text_csv_field(cnn_text *text, const char *field);
/* A JSON string with its quotes; bytes that are not valid UTF-8 become U+FFFD. */
void cnn_text_json_string(cnn_text *text, const char *string);
/* The shortest digits that read back to the same double; `none` if the number is not finite. */
void cnn_text_number(cnn_text *text, double number, const char *none);
void cnn_text_free(cnn_text *text);

/* A number of bytes for people: "812 bytes", "23.4 KiB", "1.5 GiB". Writes it into text and returns
 * that. */
const char *cnn_bytes_text(uint64_t bytes, char text[24]);

/* Is the string valid UTF-8 (RFC 3629)? */
bool cnn_text_is_utf8(const char *string);

/* The word of `words` (NULL-terminated) that is most similar to `word`, for "did you mean …?"; NULL
 * if none is similar: at a Levenshtein distance of at most 2 and less than half the length of the
 * word. */
const char *cnn_text_nearest(const char *word, const char *const *words);

#endif
