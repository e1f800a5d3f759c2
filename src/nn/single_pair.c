#include "nn/single_pair.h"

#include <string.h>

/* What is between the layers takes about this much: a part of a second-level cache. */
#define BETWEEN_BYTES ((ptrdiff_t)1 << 18)

/* Rows of the input of that many rows of windows. */
static int rows_read(const cnn_single_pair *pair, int rows) {
    return (rows - 1) * pair->window.stride + pair->window.size;
}

static int rows_kept(const cnn_single_pair *pair, int rows) {
    return pair->before - pair->window.top + rows_read(pair, rows);
}

void cnn_single_pair_plan(const cnn_node *first, const cnn_node *second, const cnn_kernels *kernels,
                          int before, int after, cnn_single_pair *pair, cnn_block *between) {
    const cnn_single_ops *makes = first->ops->single, *maps = second->ops->single;
    *pair = (cnn_single_pair){.before = before, .after = after};
    if (makes->makes_channels && maps->maps_channels &&
        maps->maps_channels(second, &pair->window)) {
        pair->channels = makes->makes_channels(first, kernels);
    }
    if (pair->channels == 0) {
        return;
    }
    int all = cnn_single_blocks(first->out.channels);
    int channels = pair->channels < all ? pair->channels : all;
    ptrdiff_t row = (ptrdiff_t)(first->out.width + before + after) * CNN_LANES;
    pair->rows = second->out.height;
    while (pair->rows > 1 &&
           rows_kept(pair, pair->rows) * row * channels * (ptrdiff_t)sizeof(float) >
               BETWEEN_BYTES) {
        pair->rows--;
    }
    pair->kept = rows_kept(pair, pair->rows);
    *between = (cnn_block){.channels = channels,
                           .height = pair->kept - before,
                           .width = first->out.width,
                           .row_stride = row,
                           .plane_stride = (pair->kept * row) | CNN_LANES};
}

/* --- running: `memory` is where the kept rows start, with their borders --- */

/* Zeros before and after every row. */
static void clear_sides(const cnn_single_pair *pair, const cnn_block *between, float *memory) {
    for (int c = 0; c < between->channels; c++) {
        for (int h = 0; h < pair->kept; h++) {
            float *row = memory + cnn_block_row(between, c, h);
            float *end = row + (ptrdiff_t)(pair->before + between->width) * CNN_LANES;
            memset(row, 0, (size_t)pair->before * CNN_LANES * sizeof *row);
            memset(end, 0, (size_t)pair->after * CNN_LANES * sizeof *end);
        }
    }
}

static void clear_rows(const cnn_block *between, int first, int count, float *memory) {
    for (int c = 0; c < between->channels && count > 0; c++) {
        memset(memory + cnn_block_row(between, c, first), 0,
               (size_t)count * (size_t)between->row_stride * sizeof *memory);
    }
}

/* The rows that the next windows read, too, become the first ones. */
static void move_up(const cnn_single_pair *pair, const cnn_block *between, float *memory) {
    int by = pair->rows * pair->window.stride;
    for (int c = 0; c < between->channels && by < pair->kept; c++) {
        memmove(memory + cnn_block_row(between, c, 0), memory + cnn_block_row(between, c, by),
                (size_t)(pair->kept - by) * (size_t)between->row_stride * sizeof *memory);
    }
}

/* Some channels, all rows. */
static void run_channels(const cnn_single_pair *pair, const cnn_layer *first_layer,
                         cnn_single_pass *first, const cnn_layer *second_layer,
                         cnn_single_pass *second, float *memory) {
    const cnn_block *between = &first_layer->y_block;
    float *inside = first->y, *result = second->y;
    int done = 0, all = first_layer->node->out.height, rows = second_layer->node->out.height;
    clear_rows(between, 0, pair->before, memory);
    for (int row = 0; row < rows; row += pair->rows) {
        if (row > 0) {
            move_up(pair, between, memory);
        }
        second->row = row;
        second->rows = rows - row < pair->rows ? rows - row : pair->rows;
        int origin = row * pair->window.stride; /* the row of the first layer that is at `inside` */
        int begin = origin - pair->window.top > done ? origin - pair->window.top : done;
        int end = origin - pair->window.top + rows_read(pair, second->rows);
        int beyond = end > all ? end - all : 0;
        clear_rows(between, pair->before + end - beyond - origin, beyond, memory);
        first->row = begin;
        first->rows = end - beyond - begin;
        first->y = inside + (begin - origin) * between->row_stride;
        if (first->rows > 0) {
            first_layer->node->ops->single->forward(first_layer, first);
        }
        done = end - beyond;
        second->y = result + row * second_layer->y_block.row_stride;
        second_layer->node->ops->single->forward(second_layer, second);
    }
    first->y = inside;
    second->y = result;
}

void cnn_single_pair_run(const cnn_single_pair *pair, const cnn_layer *first_layer,
                         const cnn_single_pass *first, const cnn_layer *second_layer,
                         const cnn_single_pass *second) {
    const cnn_block *between = &first_layer->y_block;
    cnn_single_pass makes = *first, maps = *second;
    float *memory = first->y - pair->before * (between->row_stride + CNN_LANES);
    clear_sides(pair, between, memory);
    for (int c = 0; c < first->count; c += pair->channels) {
        makes.first = maps.first = c;
        makes.count = maps.count =
            first->count - c < pair->channels ? first->count - c : pair->channels;
        run_channels(pair, first_layer, &makes, second_layer, &maps, memory);
        maps.y += maps.count * second_layer->y_block.plane_stride;
    }
}
