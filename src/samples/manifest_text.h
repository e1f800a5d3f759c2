/* Manifests as programs write them: the encoding of the text, and the character between fields. */
#ifndef CNN_SAMPLES_MANIFEST_TEXT_H
#define CNN_SAMPLES_MANIFEST_TEXT_H

#include "cnn/status.h"

#include <stddef.h>

/* Converts *text[*size] of the file `path`, which cnn_alloc allocated, to UTF-8 without a byte
 * order mark. UTF-16 is recognised by its mark or, without one, by the zero byte of its first
 * character; all other text is kept as it is, be it UTF-8 or not. Replaces *text, which the caller
 * frees in any case. CNN_ERROR_DATA, message starting with the path, for invalid UTF-16;
 * CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_manifest_to_utf8(const char *path, char **text, size_t *size,
                                             cnn_error *error);

/* The separator of the fields: comma, semicolon or tab, whichever the first line that is not blank
 * has most of outside quotes; comma if it has none. If the text starts with a line such as "sep=;",
 * as Excel writes and reads it, that character; *skip is then the length of the line without its
 * end, else 0. */
char cnn_manifest_separator(const char *text, size_t size, size_t *skip);

#endif
