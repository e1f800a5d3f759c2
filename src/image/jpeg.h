/* Repairs JPEG images that stb_image refuses although all viewers read them. */
#ifndef CNN_IMAGE_JPEG_H
#define CNN_IMAGE_JPEG_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

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
