/* Limits the memory that stb_image takes, since a few bytes of compressed data can claim any
 * amount. */
#ifndef CNN_IMAGE_STB_H
#define CNN_IMAGE_STB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on, stb_image gets no single array of more than `bytes` bytes on this thread. */
void cnn_stb_limit(size_t bytes);

/* Has an array been refused on this thread since the last cnn_stb_limit, because it exceeded the
 * limit? */
bool cnn_stb_was_limited(void);

/* The same, because the system or --max-memory had no memory for it? */
bool cnn_stb_was_refused(void);

/* Decodes the coded data of a JPEG, bytes[*size], and removes what follows those of a scan before
 * the next marker: stb_image would refuse the file, viewers skip it. It may be anything: FF 00,
 * restart markers, other bytes. Returns false if the file cannot be decoded; the reason is
 * stbi_failure_reason, and the bytes are changed nevertheless.
 *
 * data_end: 0, or the offset after the last byte that the file has, if zeros and an end marker were
 * appended to it. *cut: a scan needs data beyond that offset. */
bool cnn_stb_trim_jpeg(uint8_t *bytes, size_t *size, size_t data_end, bool *cut);

#endif
