/* A string that grows (cnn/text.h), and helpers for strings: CSV, UTF-8, numbers. */
#ifndef CNN_BASE_TEXT_H
#define CNN_BASE_TEXT_H

#include "cnn/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cnn_text_format with a list of arguments, as vprintf. */
void cnn_text_format_list(cnn_text *text, const char *format, va_list arguments) CNN_PRINTF(2, 0);

/* Appends a field of a CSV row (RFC 4180), in quotes if it contains a comma, a quote or a newline.
 */
void cnn_text_csv_field(cnn_text *text, const char *field);
/* Appends the shortest digits that read back to the same double (number_text.h), or `none` if it is
 * not finite. */
void cnn_text_number(cnn_text *text, double number, const char *none);
/* Nine digits, which read back to the same float. */
void cnn_text_float(cnn_text *text, float number);

/* Formats a number of bytes: "812 bytes", "23.4 KiB", "1.5 GiB". Returns text. */
const char *cnn_bytes_text(uint64_t bytes, char text[24]);

/* Length in bytes of the valid UTF-8 character that starts at s, 0 if there is none (RFC 3629: no
 * overlong forms, no surrogates, nothing above U+10FFFF). */
size_t cnn_utf8_length(const unsigned char *s);

/* Is the string valid UTF-8 (RFC 3629)? */
bool cnn_text_is_utf8(const char *string);

/* Does the string end with `end`, and is longer, as "a.png" is than ".png"? */
bool cnn_text_ends(const char *string, const char *end);

#endif
