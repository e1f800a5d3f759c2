#include "image/jpeg_encode.h"

#include "base/error.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs FILE */
#include <string.h>

#include <jpeglib.h>

enum { QUALITY = 85, HEADER = 4096 };

/* What libjpeg takes by itself while it compresses: its tables and some rows, and the coefficients
 * of all pixels. */
static size_t compressing(size_t plane) {
    return ((size_t)1 << 20) + 4 * plane;
}

typedef struct encoder {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf failed;
} encoder;

/* libjpeg has no memory, or the file has no room; the caller treats both alike. */
static void exit_on_error(j_common_ptr info) {
    encoder *e = info->client_data;
    longjmp(e->failed, 1);
}

static void print_nothing(j_common_ptr info) {
    (void)info;
}

static void start_or_end(j_compress_ptr info) {
    (void)info;
}

/* The file does not fit into its room. */
static boolean refuse_more(j_compress_ptr info) {
    exit_on_error((j_common_ptr)info);
    return FALSE;
}

static void compress(encoder *e, int height, int width, const uint8_t *pixels) {
    struct jpeg_compress_struct *info = &e->info;
    jpeg_create_compress(info);
    info->dest = &e->destination;
    info->image_width = (JDIMENSION)width;
    info->image_height = (JDIMENSION)height;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, QUALITY, TRUE);
    info->dct_method = JDCT_ISLOW; /* the same bytes with and without vector instructions */
    info->optimize_coding = TRUE;
    jpeg_start_compress(info, TRUE);
    const JDIMENSION row_bytes = 3 * info->image_width;
    JSAMPARRAY row = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, row_bytes, 1);
    while (info->next_scanline < info->image_height) { /* libjpeg's input is not const */
        memcpy(row[0], pixels + (size_t)row_bytes * info->next_scanline, row_bytes);
        (void)jpeg_write_scanlines(info, row, 1);
    }
    jpeg_finish_compress(info);
}

/* False if libjpeg gave up. */
static bool run(encoder *e, int height, int width, const uint8_t *pixels) {
    e->info.err = jpeg_std_error(&e->errors);
    e->errors.error_exit = exit_on_error;
    e->errors.output_message = print_nothing;
    e->info.client_data = e;
    e->destination.init_destination = start_or_end;
    e->destination.empty_output_buffer = refuse_more;
    e->destination.term_destination = start_or_end;
    bool done = false;
    if (setjmp(e->failed) == 0) {
        compress(e, height, width, pixels);
        done = true;
    }
    jpeg_destroy_compress(&e->info);
    return done;
}

cnn_status cnn_jpeg_encode(int height, int width, const uint8_t *pixels, uint8_t **bytes,
                           size_t *size, cnn_error *error) {
    const size_t plane = (size_t)height * (size_t)width;
    const size_t room = HEADER + 3 * plane; /* more than a picture of noise takes */
    *bytes = cnn_alloc(room, 1);
    *size = 0;
    encoder e = {.destination = {.next_output_byte = *bytes, .free_in_buffer = room}};
    bool done = false;
    if (*bytes && cnn_memory_claim(compressing(plane))) {
        done = run(&e, height, width, pixels);
        cnn_memory_return(compressing(plane));
    }
    if (!done) {
        cnn_free(*bytes);
        *bytes = NULL;
        return cnn_fail_memory(error, "a picture");
    }
    *size = room - e.destination.free_in_buffer;
    return CNN_OK;
}
