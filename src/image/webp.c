/* Reads WebP images, with libwebp. Of an animation, its first frame. */
#include "base/error.h"
#include "base/memory.h"
#include "image/exif.h"
#include "image/reader.h"

#include <webp/decode.h>

#include <errno.h>
#include <string.h>

/* A WebP file is a RIFF file: "RIFF", the size of what follows (4 bytes, little-endian), "WEBP",
 * and chunks: a name (4), the size of the content (4), the content, a byte if the size is odd. */
enum { SIGNATURE = 12, CHUNK = 8 };

/* Bits of the first byte of the chunk VP8X, which files with more than one image chunk begin with.
 */
enum { IS_ANIMATED = 0x02, HAS_ALPHA = 0x10 };

/* A part of the file; size 0: not found. */
typedef struct part {
    const uint8_t *bytes;
    size_t size;
} part;

/* What is in a file. */
typedef struct webp_file {
    bool extended, animated, alpha;
    int width, height;    /* of the canvas, if extended */
    part frame;           /* the chunks of the first frame, from ALPH, VP8 or VP8L */
    int x, y;             /* where it is on the canvas */
    int frame_w, frame_h; /* as an animation states it */
    part exif, xmp;
} webp_file;

static bool recognises(const uint8_t *bytes, size_t size) {
    return size >= SIGNATURE && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static size_t read_24(const uint8_t *bytes) {
    return (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16;
}

static size_t read_32(const uint8_t *bytes) {
    return read_24(bytes) | (size_t)bytes[3] << 24;
}

static bool is_called(const uint8_t *chunk, const char *name) {
    return memcmp(chunk, name, 4) == 0;
}

/* --- chunks --- */

/* Sets *content to the size of the content of the chunk at `at`, which must end before `end`. */
static cnn_status check_chunk(const uint8_t *bytes, size_t at, size_t end, size_t *content,
                              cnn_error *error) {
    if (end - at < CHUNK) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged WebP: expected a chunk at byte %zu, found %zu bytes", at,
                        end - at);
    }
    *content = read_32(bytes + at + 4);
    if (*content > end - at - CHUNK) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged WebP: expected %zu bytes in the chunk at byte %zu, found %zu",
                        *content, at, end - at - CHUNK);
    }
    return CNN_OK;
}

/* The offset of the chunk after the one at `at`. */
static size_t after(size_t at, size_t content, size_t end) {
    size_t next = at + CHUNK + content;
    return content % 2 == 1 && next < end ? next + 1 : next;
}

/* Finds the coded image, with the alpha before it, in the chunks from `at` to `end`. */
static cnn_status find_frame(const uint8_t *bytes, size_t at, size_t end, part *frame,
                             cnn_error *error) {
    const uint8_t *alpha = NULL;
    while (at < end) {
        size_t content = 0;
        CNN_TRY(check_chunk(bytes, at, end, &content, error));
        const uint8_t *chunk = bytes + at;
        alpha = !alpha && is_called(chunk, "ALPH") ? chunk : alpha;
        if (is_called(chunk, "VP8 ") || is_called(chunk, "VP8L")) {
            frame->bytes = alpha && is_called(chunk, "VP8 ") ? alpha : chunk;
            frame->size = (size_t)(chunk + CHUNK + content - frame->bytes);
            return CNN_OK;
        }
        at = after(at, content, end);
    }
    return cnn_fail(error, CNN_ERROR_DATA,
                    "damaged WebP: expected a coded image (VP8 or VP8L) before byte %zu, found "
                    "none",
                    end);
}

/* Reads the chunk ANMF, a frame of an animation: x and y in steps of two pixels, width and height
 * less 1, time (3 bytes each), flags (1), chunks. */
static cnn_status read_animation_frame(const uint8_t *bytes, size_t at, size_t content,
                                       webp_file *file, cnn_error *error) {
    enum { HEAD = 16 };
    const uint8_t *head = bytes + at + CHUNK;
    if (content < HEAD) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged WebP: expected %d bytes or more in the frame at byte %zu, found "
                        "%zu",
                        HEAD, at, content);
    }
    file->x = (int)(2 * read_24(head));
    file->y = (int)(2 * read_24(head + 3));
    file->frame_w = (int)read_24(head + 6) + 1;
    file->frame_h = (int)read_24(head + 9) + 1;
    return find_frame(bytes, at + CHUNK + HEAD, at + CHUNK + content, &file->frame, error);
}

/* Reads the chunks of a file that begins with VP8X: flags (4 bytes), width and height less 1 (3
 * each). */
static cnn_status read_extended(const uint8_t *bytes, size_t end, webp_file *file,
                                cnn_error *error) {
    size_t content;
    CNN_TRY(check_chunk(bytes, SIGNATURE, end, &content, error));
    const uint8_t *head = bytes + SIGNATURE + CHUNK;
    if (content < 10) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged WebP: expected 10 bytes in the chunk VP8X, found %zu", content);
    }
    file->extended = true;
    file->animated = head[0] & IS_ANIMATED;
    file->alpha = head[0] & HAS_ALPHA;
    file->width = (int)read_24(head + 4) + 1;
    file->height = (int)read_24(head + 7) + 1;
    size_t first = after(SIGNATURE, content, end);
    for (size_t at = first; at < end; at = after(at, content, end)) {
        CNN_TRY(check_chunk(bytes, at, end, &content, error));
        if (is_called(bytes + at, "EXIF") && file->exif.size == 0) {
            file->exif = (part){bytes + at + CHUNK, content};
        } else if (is_called(bytes + at, "XMP ") && file->xmp.size == 0) {
            file->xmp = (part){bytes + at + CHUNK, content};
        } else if (file->animated && is_called(bytes + at, "ANMF") && file->frame.size == 0) {
            CNN_TRY(read_animation_frame(bytes, at, content, file, error));
        }
    }
    if (file->animated && file->frame.size == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "damaged WebP: expected a frame, found none");
    }
    return file->animated ? CNN_OK : find_frame(bytes, first, end, &file->frame, error);
}

/* Finds the parts of a file. Refuses one that is cut short. */
static cnn_status read_file(const uint8_t *bytes, size_t size, webp_file *file, cnn_error *error) {
    size_t end = CHUNK + read_32(bytes + 4); /* bytes after it are not part of the image */
    if (end > size) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the WebP file is cut short: expected %zu bytes, found %zu", end, size);
    }
    if (end < SIGNATURE + CHUNK) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged WebP: expected a chunk, found %zu bytes after the signature",
                        end > SIGNATURE ? end - SIGNATURE : 0);
    }
    *file = (webp_file){.exif.bytes = bytes, .xmp.bytes = bytes}; /* empty */
    return is_called(bytes + SIGNATURE, "VP8X")
               ? read_extended(bytes, end, file, error)
               : find_frame(bytes, SIGNATURE, end, &file->frame, error);
}

/* --- decoding --- */

static cnn_status fail_decoding(VP8StatusCode status, cnn_error *error) {
    bool ended = status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED;
    return cnn_fail(error, CNN_ERROR_DATA, "damaged WebP: its coded image %s",
                    ended ? "ends too early" : "is invalid");
}

/* Sets the size of the canvas, and checks it and the place of the frame on it. */
static cnn_status check_sizes(webp_file *file, const cnn_pixel_limit *limit,
                              WebPBitstreamFeatures *features, cnn_error *error) {
    VP8StatusCode status = WebPGetFeatures(file->frame.bytes, file->frame.size, features);
    if (status != VP8_STATUS_OK) {
        return fail_decoding(status, error);
    }
    if (!file->extended) {
        file->alpha = features->has_alpha;
        file->width = features->width;
        file->height = features->height;
    }
    if (!file->animated) {
        file->frame_w = file->width;
        file->frame_h = file->height;
    }
    if (features->width != file->frame_w || features->height != file->frame_h ||
        file->x > file->width - file->frame_w || file->y > file->height - file->frame_h) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged WebP: expected an image of %d×%d pixels at %d, %d of %d×%d, found "
                        "%d×%d",
                        file->frame_w, file->frame_h, file->x, file->y, file->width, file->height,
                        features->width, features->height);
    }
    return cnn_image_check_size(file->width, file->height, limit, error);
}

/* Decodes the frame to its place in pixels[height][width][channels], in this thread. */
static VP8StatusCode decode(const webp_file *file, size_t channels, uint8_t *pixels) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return VP8_STATUS_INVALID_PARAM;
    }
    size_t stride = (size_t)file->width * channels;
    size_t begin = (size_t)file->y * stride + (size_t)file->x * channels;
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels + begin;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = (size_t)file->height * stride - begin;
    VP8StatusCode status = WebPDecode(file->frame.bytes, file->frame.size, &config);
    WebPFreeDecBuffer(&config.output);
    return status;
}

/* libwebp takes memory by itself: at most about 4 bytes a pixel for a lossless image, and 1 for
 * alpha; for the rest, the size of the coded image and 1 MiB. */
static size_t decoder_memory(const webp_file *file) {
    return 5 * (size_t)file->frame_w * (size_t)file->frame_h + file->frame.size + ((size_t)1 << 20);
}

static cnn_status decode_frame(const webp_file *file, cnn_image *image, cnn_error *error) {
    size_t memory = decoder_memory(file);
    if (!cnn_memory_claim(memory)) {
        return cnn_fail_memory(error, "decoding an image");
    }
    errno = 0;
    VP8StatusCode status = decode(file, (size_t)image->channels, image->pixels);
    cnn_memory_return(memory);
    if (status == VP8_STATUS_OK) {
        return CNN_OK;
    }
    /* libwebp's own status may say damaged alpha where memory was refused, and out of memory where
     * the image is damaged (1.5) */
    return errno == ENOMEM ? cnn_fail_memory(error, "decoding an image")
                           : fail_decoding(status, error);
}

/* As Pillow composes the first frame: on a canvas of zeros. */
static cnn_status read_webp(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                            cnn_image *image, cnn_error *error) {
    webp_file file;
    WebPBitstreamFeatures features;
    CNN_TRY(read_file(bytes, size, &file, error));
    CNN_TRY(check_sizes(&file, limit, &features, error));
    image->orientation =
        cnn_exif_or_xmp_orientation(file.exif.bytes, file.exif.size, file.xmp.bytes, file.xmp.size);
    image->width = file.width;
    image->height = file.height;
    image->channels = file.alpha ? 4 : 3;
    if (image->header_only) {
        return CNN_OK;
    }
    image->pixels = cnn_alloc((size_t)file.width * (size_t)file.height, (size_t)image->channels);
    return image->pixels ? decode_frame(&file, image, error)
                         : cnn_fail_memory(error, "decoding an image");
}

static uint64_t version(void) {
    return (uint64_t)WebPGetDecoderVersion();
}

const cnn_image_reader cnn_webp_reader = {.name = "WebP",
                                          .extensions = "webp ",
                                          .recognises = recognises,
                                          .read = read_webp,
                                          .version = version};
