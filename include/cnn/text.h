/* Text: a string that grows, and the texts that the library returns. */
#ifndef CNN_TEXT_H
#define CNN_TEXT_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

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
/* Returns the text as a string, to be freed with cnn_text_release, and resets the text. NULL if it
 * has failed. */
char *cnn_text_take(cnn_text *text);
void cnn_text_free(cnn_text *text);

/* Frees a text that the library returned; NULL is allowed. */
void cnn_text_release(char *text);

/* The word of `words` (which ends in NULL) that is nearest to `word`, for "did you mean …?". NULL
 * if none has a Levenshtein distance of at most 2 and below half the word's length. */
const char *cnn_text_nearest(const char *word, const char *const *words);

#ifdef __cplusplus
}
#endif
#endif
