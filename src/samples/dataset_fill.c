/* From the bytes of images to the floats of a block. */
#include "samples/dataset.h"

#include <math.h>
#include <string.h>

static void add_plane(const uint8_t *pixel, size_t count, uint64_t sums[2]) {
    uint64_t sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += pixel[i];
        squares += (uint64_t)pixel[i] * pixel[i];
    }
    sums[0] += sum;
    sums[1] += squares;
}

void cnn_dataset_statistics(const cnn_dataset *dataset, int channels, double mean[3],
                            double deviation[3]) {
    size_t plane = dataset->image_size / (size_t)channels;
    size_t images = dataset->split_count[CNN_SPLIT_TRAIN];
    for (int c = 0; c < channels; c++) {
        uint64_t sums[2] = {0, 0}; /* of values, and of squares; integers: exact in any order */
        for (size_t i = 0; i < images; i++) {
            size_t sample = dataset->split[CNN_SPLIT_TRAIN][i];
            if (cnn_dataset_holds(dataset, sample)) {
                add_plane(cnn_dataset_pixels(dataset, sample) + (size_t)c * plane, plane, sums);
            }
        }
        cnn_ranks_add(dataset->ranks, sums, 2);
        double count = (double)images * (double)plane;
        double average = (double)sums[0] / count;
        double variance = (double)sums[1] / count - average * average;
        mean[c] = average / 255.0;
        deviation[c] = variance > 1e-6 ? sqrt(variance) / 255.0 : 1.0;
    }
}

void cnn_pixel_table_fill(const double mean[3], const double deviation[3], cnn_pixel_table *table) {
    for (int c = 0; c < 3; c++) {
        for (int byte = 0; byte < 256; byte++) {
            table->value[c][byte] = (float)(((double)byte / 255.0 - mean[c]) / deviation[c]);
        }
    }
}

void cnn_block_from_images(const cnn_pixel_table *table, const uint8_t *const *images, int count,
                           const cnn_block *block, float *x) {
    size_t i = 0;
    int lanes = cnn_block_lanes(block);
    for (int c = 0; c < block->channels; c++) {
        const float *value = table->value[c];
        for (int h = 0; h < block->height; h++) {
            float *to = x + c * block->plane_stride + h * block->row_stride;
            for (int w = 0; w < block->width; w++, i++, to += lanes) {
                for (int lane = 0; lane < count; lane++) {
                    to[lane] = value[images[lane][i]];
                }
                for (int lane = count; lane < lanes; lane++) {
                    to[lane] = 0.0f;
                }
            }
        }
    }
}

/* Writes a run of pixels of one row, of all images, into their lanes. */
static void write_run(const cnn_pixel_table *table, cnn_augment_run *runs, int images, int count,
                      const cnn_block *block, float *x) {
    int lanes = cnn_block_lanes(block);
    for (int c = 0; c < block->channels; c++) {
        const float *value = table->value[c];
        float *to = x + c * block->plane_stride;
        for (int w = 0; w < count; w++, to += lanes) {
            for (int lane = 0; lane < images; lane++) {
                to[lane] = value[runs[lane][c][w]];
            }
            for (int lane = images; lane < lanes; lane++) {
                to[lane] = 0.0f;
            }
        }
    }
}

void cnn_block_from_augmented(const cnn_pixel_table *table, const cnn_augment_settings *augment,
                              uint64_t seed, uint64_t epoch, const size_t *samples,
                              const uint8_t *const *images, int count, const cnn_block *block,
                              float *x) {
    const cnn_augment_shape shape = {
        .channels = block->channels, .height = block->height, .width = block->width};
    cnn_augmentation what[CNN_LANES];
    cnn_augment_run runs[CNN_LANES];
    for (int lane = 0; lane < count; lane++) {
        cnn_augment_draw(augment, seed, epoch, samples[lane], &shape, images[lane], &what[lane]);
    }
    for (int h = 0; h < block->height; h++) {
        for (int w = 0; w < block->width; w += CNN_AUGMENT_RUN) {
            int left = block->width - w;
            int run = left < CNN_AUGMENT_RUN ? left : CNN_AUGMENT_RUN;
            for (int lane = 0; lane < count; lane++) {
                cnn_augment_pixels(&what[lane], images[lane], h, w, run, runs[lane]);
            }
            write_run(table, runs, count, run, block,
                      x + h * block->row_stride + w * cnn_block_lanes(block));
        }
    }
}

/* In an epoch of training, one of those with augmentation; outside of one, that without. */
size_t cnn_dataset_variant(const cnn_dataset_source *source) {
    int augmented = source->dataset->features.variants - 1;
    bool wanted = augmented > 0 && source->augment && cnn_augment_is_on(source->augment);
    return wanted ? 1 + (size_t)((source->epoch - 1) % (uint64_t)augmented) : 0;
}

/* Writes features into lanes. */
static void fill_features(const cnn_dataset_source *source, const uint8_t *const *images, int count,
                          const cnn_block *block, float *x) {
    size_t i = source->fetched ? 0 : cnn_dataset_variant(source) * source->dataset->features.count;
    int lanes = cnn_block_lanes(block);
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            float *to = x + c * block->plane_stride + h * block->row_stride;
            for (int w = 0; w < block->width; w++, i++, to += lanes) {
                for (int lane = 0; lane < count; lane++) {
                    memcpy(&to[lane], images[lane] + i * sizeof *to, sizeof *to);
                }
                for (int lane = count; lane < lanes; lane++) {
                    to[lane] = 0.0f;
                }
            }
        }
    }
}

static const uint8_t *image_at(const cnn_dataset_source *source, size_t position) {
    const cnn_dataset *dataset = source->dataset;
    size_t piece =
        dataset->features.count > 0 ? dataset->features.count * sizeof(float) : dataset->image_size;
    return source->fetched ? source->fetched + (position - source->fetched_first) * piece
                           : cnn_dataset_pixels(dataset, source->order[position]);
}

void cnn_dataset_fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                      uint8_t *labels) {
    const cnn_dataset_source *source = context;
    const cnn_dataset *dataset = source->dataset;
    const uint8_t *images[CNN_LANES];
    const size_t *samples = source->order + first;
    for (int lane = 0; lane < count; lane++) {
        images[lane] = image_at(source, first + (size_t)lane);
        if (labels) {
            labels[lane] = (uint8_t)dataset->samples[samples[lane]].label;
        }
    }
    if (dataset->features.count > 0) {
        fill_features(source, images, count, block, x);
    } else if (source->augment && cnn_augment_is_on(source->augment)) {
        cnn_block_from_augmented(source->table, source->augment, source->seed, source->epoch,
                                 samples, images, count, block, x);
    } else {
        cnn_block_from_images(source->table, images, count, block, x);
    }
}
