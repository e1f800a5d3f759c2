/* Bytes as text. */
#ifndef CNN_BASE_BASE64_H
#define CNN_BASE_BASE64_H

#include "base/text.h"

/* Appends `size` bytes in base64 (RFC 4648, section 4, with padding). */
void cnn_text_base64(cnn_text *text, const uint8_t *bytes, size_t size);

/* Decodes a text that must stand for exactly `size` bytes; else, or if it is not base64, false. */
bool cnn_base64_read(const char *text, uint8_t *bytes, size_t size);

#endif
