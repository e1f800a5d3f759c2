/* Blocks of the same values with other strides: copied, and added. */
#include "nn/layer.h"

#include <string.h>

/* Row h of channel c; of a flat block, whose values have no rows, in the order of `shape`. */
static ptrdiff_t row_of(const cnn_block *block, const cnn_block *shape, int c, int h) {
    return block->channels == shape->channels
               ? cnn_block_row(block, c, h)
               : ((ptrdiff_t)c * shape->height + h) * shape->width * CNN_LANES;
}

void cnn_block_copy(const cnn_block *from_block, const float *from, const cnn_block *to_block,
                    float *to) {
    const cnn_block *shape = from_block->channels < to_block->channels ? from_block : to_block;
    size_t row = (size_t)shape->width * CNN_LANES;
    for (int c = 0; c < shape->channels; c++) {
        for (int h = 0; h < shape->height; h++) {
            memcpy(to + row_of(to_block, shape, c, h), from + row_of(from_block, shape, c, h),
                   row * sizeof *to);
        }
    }
}

void cnn_block_add(const cnn_block *from_block, const float *from, const cnn_block *to_block,
                   float *to) {
    size_t row = (size_t)to_block->width * CNN_LANES;
    for (int c = 0; c < to_block->channels; c++) {
        for (int h = 0; h < to_block->height; h++) {
            const float *terms = from + row_of(from_block, to_block, c, h);
            float *sums = to + row_of(to_block, to_block, c, h);
            for (size_t i = 0; i < row; i++) {
                sums[i] += terms[i];
            }
        }
    }
}
