/* Checks JPEG images before they are decoded, and repairs those that stb_image refuses although
 * all viewers read them. */
#ifndef CNN_IMAGE_JPEG_H
#define CNN_IMAGE_JPEG_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is the file bytes[size] a JPEG, as stb_image recognises it? */
bool cnn_jpeg_is(const uint8_t *bytes, size_t size);

/* Refuses:
 * - Huffman tables of more than 256 codes, also if a table continues after its segment (stb_image
 *   2.27 would write past an array);
 * - more scans than any program writes, because each scan takes time for the whole image;
 * - kinds of JPEG that are not read: arithmetic coding, lossless, other than 8 bits;
 * - files that are cut short before the coded data, and files without coded data for all
 *   components.
 *
 * *incomplete: the file must be repaired before it is decoded, because stb_image would not notice
 * that Huffman tables are missing, that the file is cut short, or (2.30) that it has skipped
 * everything after bytes between two segments that belong to none.
 *
 * CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_jpeg_check(const uint8_t *bytes, size_t size, bool *incomplete,
                                       cnn_error *error);

/* Bytes of zero between the coded data and the end marker that a repaired file has if the file
 * ends in the data. A decoder that needs more than the first few needs data that are not there. */
#define CNN_JPEG_PADDING 64

typedef struct cnn_jpeg_copy {
    uint8_t *bytes; /* free with cnn_free */
    size_t size;
    size_t data_end; /* where CNN_JPEG_PADDING begins; 0: there is none */
    size_t file_end; /* the size of the file */
} cnn_jpeg_copy;

/* Makes a copy of a checked JPEG without bytes between segments that belong to none (stray restart
 * markers, junk), with the Huffman tables of the standard if it lacks tables (as frames of Motion
 * JPEG do), and with an end marker. Junk after the coded data of a scan remains. */
CNN_MUST_USE cnn_status cnn_jpeg_repair(const uint8_t *bytes, size_t size, cnn_jpeg_copy *copy,
                                        cnn_error *error);

#endif
