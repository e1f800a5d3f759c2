#include "image/resize.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

const char *const cnn_resize_names[] = {"stretch", "crop", "letterbox", NULL};

/* The most bytes of rows that are kept for one image. A photograph needs 1 to 10 MB; only an image
 * some 100 000 pixels high, and a network that sees a wide line, need more than this. */
#define BUFFER_MAX ((size_t)256 << 20)

size_t cnn_image_size(const cnn_image_settings *settings) {
    return (size_t)settings->channels * (size_t)settings->height * (size_t)settings->width;
}

/* --- which part goes where --- */

/* The largest rectangle of shape width : height in the middle of an outer one, in whole pixels. */
static cnn_rectangle middle_of_shape(int outer_width, int outer_height, int64_t width,
                                     int64_t height) {
    cnn_rectangle part = {.width = outer_width, .height = outer_height};
    if ((int64_t)outer_width * height > (int64_t)outer_height * width) {
        part.width = (int)(((int64_t)outer_height * width + height / 2) / height);
    } else {
        part.height = (int)(((int64_t)outer_width * height + width / 2) / width);
    }
    part.width = part.width < 1 ? 1 : part.width > outer_width ? outer_width : part.width;
    part.height = part.height < 1 ? 1 : part.height > outer_height ? outer_height : part.height;
    part.x = (outer_width - part.width) / 2;
    part.y = (outer_height - part.height) / 2;
    return part;
}

void cnn_image_fit(const cnn_image_settings *settings, int width, int height, cnn_rectangle *source,
                   cnn_rectangle *target) {
    const int to_width = (int)settings->width, to_height = (int)settings->height;
    *source = (cnn_rectangle){.width = width, .height = height};
    *target = (cnn_rectangle){.width = to_width, .height = to_height};
    if (settings->resize == CNN_RESIZE_CROP) {
        *source = middle_of_shape(width, height, to_width, to_height);
    } else if (settings->resize == CNN_RESIZE_LETTERBOX) {
        *target = middle_of_shape(to_width, to_height, width, height);
    }
}

/* --- memory --- */

cnn_status cnn_image_buffers_create(int threads, cnn_image_buffers **buffers, cnn_error *error) {
    const cnn_kernels *kernels;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    *buffers = cnn_alloc((size_t)threads, sizeof **buffers);
    if (!*buffers) {
        return cnn_fail_memory(error, "reading images");
    }
    cnn_containers *containers = cnn_containers_create();
    if (!containers) {
        cnn_free(*buffers);
        *buffers = NULL;
        return cnn_fail_memory(error, "reading images");
    }
    for (int i = 0; i < threads; i++) {
        (*buffers)[i].kernels = kernels;
        (*buffers)[i].containers = containers;
    }
    return CNN_OK;
}

void cnn_image_buffers_borrow(cnn_image_buffers *buffers, int threads, cnn_containers *containers) {
    cnn_containers_free(buffers[0].borrowed ? NULL : buffers[0].containers);
    for (int i = 0; i < threads; i++) {
        buffers[i].containers = containers;
        buffers[i].borrowed = true;
    }
}

void cnn_image_buffers_free(cnn_image_buffers *buffers, int threads) {
    if (buffers && !buffers[0].borrowed) {
        cnn_containers_free(buffers[0].containers);
    }
    for (int i = 0; buffers && i < threads; i++) {
        cnn_free(buffers[i].across.first);
        cnn_free(buffers[i].down.first);
        cnn_free(buffers[i].bytes);
    }
    cnn_free(buffers);
}

/* Memory of at least `size` bytes in *memory, which has *held. Its content is lost. */
static bool hold(void **memory, size_t *held, size_t size) {
    if (size > *held) {
        cnn_free(*memory);
        *memory = cnn_alloc(size, 1);
        *held = *memory ? size : 0;
    }
    return *memory != NULL;
}

/* Finds the weights of a side, unless they are those of the last image. */
static cnn_status prepare_side(cnn_resample_side *side, size_t *held, int from, int to,
                               cnn_error *error) {
    if (side->first && side->from == from && side->to == to) {
        return CNN_OK;
    }
    int taps = cnn_resample_taps(from, to);
    size_t count = (size_t)to;
    void *memory = side->first;
    bool fits = hold(&memory, held,
                     count * (2 * sizeof *side->first + (size_t)taps * sizeof *side->weights));
    *side = (cnn_resample_side){.from = from, .to = to, .taps = taps, .first = memory};
    if (!fits) {
        return cnn_fail_memory(error, "resizing an image");
    }
    side->count = side->first + count;
    side->weights = (int32_t *)(side->count + count);
    cnn_resample_weigh(side);
    return CNN_OK;
}

/* --- resizing --- */

/* One image on its way. Rows are resampled 16 at a time into a ring of `ring_rows` (a multiple of
 * 16), which has at least those rows that an output row needs. */
typedef struct job {
    const cnn_kernels *kernels;
    const cnn_resample_side *across, *down;
    cnn_pixels from; /* the rectangle that is resized */
    bool grey;
    int planes; /* 1 or 3 that are computed */
    int ring_rows;
    size_t row_size;
    const uint8_t **needed; /* [down->taps]: rows of the ring */
    uint8_t *scratch;
    uint8_t *ring; /* [ring_rows][row_size] */
    uint8_t *row;  /* [row_size] */
} job;

static cnn_status plan(job *j, cnn_image_buffers *buffers, cnn_error *error) {
    const size_t taps = (size_t)j->down->taps;
    j->ring_rows = (j->down->taps + 2 * CNN_LANES - 1) / CNN_LANES * CNN_LANES;
    j->row_size = cnn_resample_row_size(j->across, j->planes);
    size_t scratch = cnn_resample_scratch_size(j->across, j->from.channels, j->planes);
    size_t pointers = (taps * sizeof *j->needed + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
    size_t size = pointers + scratch + ((size_t)j->ring_rows + 1) * j->row_size;
    if (size > BUFFER_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected an image of a less extreme shape, found %d×%d, which cannot be "
                        "resized to %d×%d",
                        j->from.width, j->from.height, j->across->to, j->down->to);
    }
    void *memory = buffers->bytes;
    bool fits = hold(&memory, &buffers->byte_count, size);
    buffers->bytes = memory;
    if (!fits) {
        return cnn_fail_memory(error, "resizing an image");
    }
    j->needed = memory;
    j->scratch = buffers->bytes + pointers;
    j->ring = j->scratch + scratch;
    j->row = j->ring + (size_t)j->ring_rows * j->row_size;
    return CNN_OK;
}

/* Resamples 16 rows into the ring. Rows after the last one are the last one. */
static void resample_rows(const job *j, int first) {
    const uint8_t *rows[CNN_LANES];
    for (int lane = 0; lane < CNN_LANES; lane++) {
        int row = first + lane < j->from.height ? first + lane : j->from.height - 1;
        rows[lane] = j->from.bytes + (size_t)row * j->from.stride;
    }
    j->kernels->resample_across(j->across, rows, j->from.channels, j->grey, j->scratch,
                                j->ring + (size_t)(first % j->ring_rows) * j->row_size);
}

/* Resamples all rows and columns into place[planes], whose rows are `stride` bytes apart and whose
 * planes `plane` bytes. */
static void resample(const job *j, uint8_t *place, size_t stride, size_t plane) {
    const cnn_resample_side *down = j->down;
    size_t width = (size_t)j->across->to;
    int resampled = 0;
    for (int y = 0; y < down->to; y++) {
        for (; resampled < down->first[y] + down->count[y]; resampled += CNN_LANES) {
            resample_rows(j, resampled);
        }
        for (int i = 0; i < down->count[y]; i++) {
            j->needed[i] = j->ring + (size_t)((down->first[y] + i) % j->ring_rows) * j->row_size;
        }
        j->kernels->resample_down(j->needed, down->weights + (size_t)y * (size_t)down->taps,
                                  down->count[y], width * (size_t)j->planes, j->row);
        for (int p = 0; p < j->planes; p++) {
            memcpy(place + (size_t)p * plane + (size_t)y * stride, j->row + (size_t)p * width,
                   width);
        }
    }
}

static cnn_status check_sides(int width, int height, cnn_error *error) {
    if (width > CNN_RESAMPLE_SIDE_MAX || height > CNN_RESAMPLE_SIDE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected at most %d pixels in a row or a column, found %d×%d",
                        CNN_RESAMPLE_SIDE_MAX, width, height);
    }
    return CNN_OK;
}

cnn_status cnn_image_resize(const cnn_pixels *from, const cnn_image_settings *settings,
                            cnn_image_buffers *buffers, uint8_t *to, cnn_error *error) {
    size_t to_width = (size_t)settings->width;
    size_t plane = to_width * (size_t)settings->height;
    cnn_rectangle source, target;
    CNN_TRY(check_sides(from->width, from->height, error));
    cnn_image_fit(settings, from->width, from->height, &source, &target);
    if (settings->resize == CNN_RESIZE_LETTERBOX) {
        memset(to, 0, cnn_image_size(settings));
    }
    job j = {.kernels = buffers->kernels,
             .across = &buffers->across,
             .down = &buffers->down,
             .from = {.bytes = from->bytes + (size_t)source.y * from->stride +
                               (size_t)source.x * (size_t)from->channels,
                      .width = source.width,
                      .height = source.height,
                      .channels = from->channels,
                      .stride = from->stride},
             .grey = settings->channels == 1};
    j.planes = cnn_resample_planes(from->channels, j.grey);
    CNN_TRY(prepare_side(&buffers->across, &buffers->weights_size[0], source.width, target.width,
                         error));
    CNN_TRY(prepare_side(&buffers->down, &buffers->weights_size[1], source.height, target.height,
                         error));
    CNN_TRY(plan(&j, buffers, error));
    resample(&j, to + (size_t)target.y * to_width + (size_t)target.x, to_width, plane);
    for (int64_t p = j.planes; p < settings->channels; p++) { /* grey as colours */
        memcpy(to + (size_t)p * plane, to, plane);
    }
    return CNN_OK;
}
