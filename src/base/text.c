#include "base/text.h"

#include "base/c_locale.h"
#include "base/memory.h"
#include "base/number_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cnn_text_append(cnn_text *text, const char *bytes, size_t length) {
    if (text->failed) {
        return;
    }
    void *data = text->data;
    if (length > SIZE_MAX / 2 - text->length ||
        !cnn_grow(&data, &text->capacity, text->length + length + 1, 1)) {
        text->failed = true;
        return;
    }
    text->data = data;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

static void format_text(cnn_text *text, const char *format, va_list arguments) {
    char line[512];
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length >= 0 && (size_t)length < sizeof line) {
        cnn_text_append(text, line, (size_t)length);
        va_end(again);
        return;
    }
    char *longer = length < 0 ? NULL : cnn_alloc((size_t)length + 1, 1);
    if (longer) {
        (void)vsnprintf(longer, (size_t)length + 1, format, again);
        cnn_text_append(text, longer, (size_t)length);
        cnn_free(longer);
    } else {
        text->failed = true;
    }
    va_end(again);
}

void cnn_text_format_list(cnn_text *text, const char *format, va_list arguments) {
    locale_t before = cnn_c_locale_enter();
    format_text(text, format, arguments);
    cnn_c_locale_leave(before);
}

void cnn_text_format(cnn_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cnn_text_format_list(text, format, arguments);
    va_end(arguments);
}

/* Characters that end a field without quotes. A table is several times as fast as strcspn. */
static const bool csv_special[256] = {
    ['\0'] = true, [','] = true, ['"'] = true, ['\r'] = true, ['\n'] = true};

void cnn_text_csv_field(cnn_text *text, const char *field) {
    const char *end = field;
    while (!csv_special[(unsigned char)*end]) {
        end++;
    }
    if (!*end) {
        cnn_text_append(text, field, (size_t)(end - field));
        return;
    }
    cnn_text_append(text, "\"", 1);
    for (const char *c = field; *c; c++) {
        cnn_text_append(text, c, 1);
        if (*c == '"') {
            cnn_text_append(text, c, 1);
        }
    }
    cnn_text_append(text, "\"", 1);
}

size_t cnn_utf8_length(const unsigned char *s) {
    if (s[0] < 0x80) {
        return 1;
    }
    size_t length = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] < 0xe0 ? 0 : s[0] < 0xf0 ? 3 : 4;
    if (length == 0 || s[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
        return 0;
    }
    return length;
}

bool cnn_text_is_utf8(const char *string) {
    const unsigned char *s = (const unsigned char *)string;
    while (*s) {
        size_t length = cnn_utf8_length(s);
        if (length == 0) {
            return false;
        }
        s += length;
    }
    return true;
}

bool cnn_text_ends(const char *string, const char *end) {
    const size_t length = strlen(string), end_length = strlen(end);
    return length > end_length && strcmp(string + length - end_length, end) == 0;
}

const char *cnn_bytes_text(uint64_t bytes, char text[24]) {
    static const char units[] = "KMGTPE";
    double number = (double)bytes;
    int unit = -1;
    while (number >= 1023.95) { /* which would be printed as 1024.0 */
        number /= 1024.0;
        unit++;
    }
    if (unit < 0) {
        (void)snprintf(text, 24, "%d bytes", (int)bytes);
    } else {
        (void)snprintf(text, 24, "%.1f %ciB", number, units[unit]);
    }
    return text;
}

void cnn_text_number(cnn_text *text, double number, const char *none) {
    char digits[CNN_NUMBER_SIZE];
    if (isfinite(number)) {
        size_t length = cnn_number_write(number, digits);
        cnn_text_append(text, digits, length);
    } else {
        cnn_text_append(text, none, strlen(none));
    }
}

void cnn_text_float(cnn_text *text, float number) {
    char digits[CNN_NUMBER_SIZE];
    size_t length = cnn_number_write_rounded((double)number, 9, digits);
    cnn_text_append(text, digits, length);
}

char *cnn_text_take(cnn_text *text) {
    char *data = text->data;
    if (text->failed) {
        cnn_free(data);
        data = NULL;
    }
    *text = (cnn_text){0};
    return data;
}

void cnn_text_release(char *text) {
    cnn_free(text);
}

void cnn_text_free(cnn_text *text) {
    cnn_free(text->data);
    *text = (cnn_text){0};
}

#define LONGEST_WORD 63

/* Levenshtein distance of two words of at most LONGEST_WORD characters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[LONGEST_WORD + 1];
    size_t columns = strlen(b);
    for (size_t j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[columns];
}

const char *cnn_text_nearest(const char *word, const char *const *words) {
    const char *nearest = NULL;
    size_t length = strlen(word);
    size_t least = length / 2 < 2 ? length / 2 + 1 : 3;
    if (length > LONGEST_WORD) {
        return NULL;
    }
    for (; *words; words++) {
        if (strlen(*words) <= LONGEST_WORD) {
            size_t distance = edit_distance(word, *words);
            if (distance < least) {
                least = distance;
                nearest = *words;
            }
        }
    }
    return nearest;
}
