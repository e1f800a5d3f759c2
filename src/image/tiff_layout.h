/* What the first image of a TIFF is, and where its samples are. */
#ifndef CNN_IMAGE_TIFF_LAYOUT_H
#define CNN_IMAGE_TIFF_LAYOUT_H

#include "image/tiff_file.h"
#include "image/tiff_pixels.h"

/* How the samples are stored. An image is divided into blocks, strips or tiles. */
typedef struct cnn_tiff_layout {
    size_t width, height;
    uint16_t compression, photometric, samples; /* … of a pixel */
    bool planar;                                /* a block has one sample of each pixel */
    bool tiled;
    bool by_libtiff; /* YCbCr whose samples libtiff converts */
    size_t block_width, block_height;
    size_t row_bytes; /* of a block */
    cnn_tiff_kind kind;
} cnn_tiff_layout;

/* Reads all but the size of the blocks. The size of the image is not checked. */
CNN_MUST_USE cnn_status cnn_tiff_read_layout(TIFF *tiff, const cnn_tiff_source *s,
                                             cnn_tiff_layout *l, cnn_error *error);

/* Reads the size of the blocks, which must fit the image: rows of them must be as long as its
 * samples need, and a block may not be much larger than the image. */
CNN_MUST_USE cnn_status cnn_tiff_read_blocks(TIFF *tiff, const cnn_tiff_source *s,
                                             cnn_tiff_layout *l, cnn_error *error);

/* Checks where the blocks are, before memory is taken for them. Blocks may share data, as equal
 * tiles sometimes do, but not so much that a small file takes long. *largest: bytes of the largest
 * one in the file. */
CNN_MUST_USE cnn_status cnn_tiff_check_blocks(TIFF *tiff, const cnn_tiff_source *s,
                                              const cnn_tiff_layout *l, size_t *largest,
                                              cnn_error *error);

size_t cnn_tiff_blocks_across(const cnn_tiff_layout *l);
size_t cnn_tiff_blocks_down(const cnn_tiff_layout *l);

#endif
