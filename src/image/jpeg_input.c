#include "image/jpeg_input.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include <jerror.h>

#include <string.h>

/* Each scan takes time in proportion to the size of the image, even if it has only a few bytes. A
 * progressive JPEG by libjpeg has 10 (colour) or 18 (CMYK). */
enum { SCANS_MAX = 64 };

/* --- failures --- */

static cnn_jpeg *owner_of(j_common_ptr info) {
    return info->client_data;
}

static size_t offset_of(const cnn_jpeg *jpeg) {
    return jpeg->ended ? jpeg->size : (size_t)(jpeg->source.next_input_byte - jpeg->bytes);
}

/* Ends the step. The message is there already. */
_Noreturn static void stop(cnn_jpeg *jpeg, cnn_status status) {
    jpeg->status = status;
    longjmp(jpeg->failed, 1);
}

static cnn_status fail_cut(const cnn_jpeg *jpeg) {
    const char *missing = jpeg->info.input_scan_number == 0 ? "the header of an image"
                                                            : "more coded data of its pixels";
    return cnn_fail(jpeg->error, CNN_ERROR_DATA,
                    "the JPEG file is cut short: expected %s, found the end of the file at byte "
                    "%zu",
                    missing, jpeg->size);
}

/* A kind that libjpeg-turbo 2 does not read. Version 3 gives 8-bit lossless files as others. */
static cnn_status fail_unsupported(const cnn_jpeg *jpeg, const char *kind) {
    return cnn_fail(jpeg->error, CNN_ERROR_DATA,
                    "expected a baseline or progressive JPEG of 8 bits, found %s before byte %zu; "
                    "convert it with: djpeg FILE >FILE.ppm (libjpeg-turbo 3)",
                    kind, offset_of(jpeg));
}

static cnn_status fail(cnn_jpeg *jpeg) {
    enum { SOF3 = 0xc3, SOF11 = 0xcb };
    int code = jpeg->errors.msg_code;
    int value = jpeg->errors.msg_parm.i[0];
    char text[JMSG_LENGTH_MAX];
    switch (code) {
    case JERR_OUT_OF_MEMORY:
        return cnn_fail_memory(jpeg->error, "decoding an image");
    case JERR_SOF_UNSUPPORTED:
        return fail_unsupported(jpeg, value == SOF3 || value == SOF11 ? "a lossless one"
                                                                      : "a hierarchical one");
    case JERR_BAD_PRECISION:
        (void)snprintf(text, sizeof text, "%d bits", value);
        return fail_unsupported(jpeg, text);
    case JERR_NO_IMAGE:
    case JERR_SOF_NO_SOS:
        return cnn_fail(jpeg->error, CNN_ERROR_DATA,
                        "damaged JPEG: expected the coded data of its pixels, found the end of the "
                        "image at byte %zu",
                        offset_of(jpeg) - 2);
    default:
        break;
    }
    if (jpeg->ended) {
        return fail_cut(jpeg);
    }
    jpeg->errors.format_message((j_common_ptr)&jpeg->info, text);
    return cnn_fail(jpeg->error, CNN_ERROR_DATA,
                    "expected a JPEG that libjpeg reads, found before byte %zu: %s",
                    offset_of(jpeg), text);
}

static void exit_on_error(j_common_ptr info) {
    cnn_jpeg *jpeg = owner_of(info);
    stop(jpeg, fail(jpeg));
}

/* A unit of coded data is not there: the file ends in it, or a marker comes first. As in Pillow,
 * what a marker cuts off becomes grey, unless it is all data of a component. All other warnings are
 * about data that every viewer shows. */
static void warn(j_common_ptr common, int level) {
    cnn_jpeg *jpeg = owner_of(common);
    const struct jpeg_decompress_struct *info = &jpeg->info;
    if (level >= 0 || jpeg->errors.msg_code != JWRN_HIT_MARKER) {
        return;
    }
    if (jpeg->ended) {
        stop(jpeg, fail_cut(jpeg));
    }
    bool first_unit = jpeg->source.next_input_byte == jpeg->coded;
    if (first_unit && info->Ss == 0 && info->Ah == 0) {
        stop(jpeg, cnn_fail(jpeg->error, CNN_ERROR_DATA,
                            "damaged JPEG: expected the coded data of its pixels at byte %zu, "
                            "found a marker",
                            offset_of(jpeg)));
    }
}

static void print_nothing(j_common_ptr info) {
    (void)info;
}

/* --- input --- */

static void start_or_end(j_decompress_ptr info) {
    (void)info;
}

/* At the end of the file, libjpeg gets an end marker: it may have all data that it needs. A decoder
 * of arithmetic coding would not notice that data are missing. */
static boolean get_more(j_decompress_ptr info) {
    static const JOCTET end[] = {0xff, JPEG_EOI};
    cnn_jpeg *jpeg = owner_of((j_common_ptr)info);
    jpeg->ended = true;
    if (info->input_scan_number == 0 || info->arith_code) {
        stop(jpeg, fail_cut(jpeg));
    }
    jpeg->source.next_input_byte = end;
    jpeg->source.bytes_in_buffer = sizeof end;
    return TRUE;
}

static void skip_bytes(j_decompress_ptr info, long count) {
    cnn_jpeg *jpeg = owner_of((j_common_ptr)info);
    size_t left = jpeg->source.bytes_in_buffer;
    if (count > 0 && (size_t)count > left) {
        (void)get_more(info);
    } else if (count > 0) {
        jpeg->source.next_input_byte += count;
        jpeg->source.bytes_in_buffer -= (size_t)count;
    }
}

/* Notes the content of an APP1 segment. EXIF data may continue in further segments; of XMP packets,
 * the last one counts (Pillow). */
static void note_app1(cnn_jpeg *jpeg, const uint8_t *content, size_t size) {
    static const char exif[6] = {'E', 'x', 'i', 'f', 0, 0};
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/"; /* and a zero */
    if (size > sizeof exif && memcmp(content, exif, sizeof exif) == 0) {
        size -= sizeof exif;
        if (!cnn_grow(&jpeg->exif, &jpeg->exif_capacity, jpeg->exif_size + size, 1)) {
            stop(jpeg, cnn_fail_memory(jpeg->error, "the EXIF data of an image"));
        }
        memcpy((uint8_t *)jpeg->exif + jpeg->exif_size, content + sizeof exif, size);
        jpeg->exif_size += size;
    } else if (size >= sizeof xmp && memcmp(content, xmp, sizeof xmp) == 0) {
        jpeg->xmp = content;
        jpeg->xmp_size = size;
    }
}

/* Reads an APP1 segment: its length (2), its content. */
static boolean read_app1(j_decompress_ptr info) {
    cnn_jpeg *jpeg = owner_of((j_common_ptr)info);
    const uint8_t *at = jpeg->source.next_input_byte;
    size_t left = jpeg->source.bytes_in_buffer;
    size_t length = left >= 2 ? (size_t)at[0] << 8 | at[1] : 2;
    if (length < 2) {
        ERREXIT(info, JERR_BAD_LENGTH);
    }
    if (length <= left && info->input_scan_number == 0) {
        note_app1(jpeg, at + 2, length - 2);
    }
    skip_bytes(info, (long)length);
    return TRUE;
}

/* Called while the scans of a file with several are read. */
static void watch(j_common_ptr common) {
    cnn_jpeg *jpeg = owner_of(common);
    const struct jpeg_decompress_struct *info = &jpeg->info;
    if (info->input_scan_number == jpeg->scan) {
        return;
    }
    jpeg->scan = info->input_scan_number;
    jpeg->coded = jpeg->source.next_input_byte;
    if (jpeg->scan > SCANS_MAX) {
        stop(jpeg, cnn_fail(jpeg->error, CNN_ERROR_DATA,
                            "expected a JPEG of at most %d scans, found more", SCANS_MAX));
    }
    for (int i = 0; i < info->comps_in_scan; i++) {
        jpeg->covered |= 1U << info->cur_comp_info[i]->component_index;
    }
}

/* --- steps --- */

static void set_up(cnn_jpeg *jpeg) {
    struct jpeg_decompress_struct *info = &jpeg->info;
    info->err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = exit_on_error;
    jpeg->errors.emit_message = warn;
    jpeg->errors.output_message = print_nothing;
    info->client_data = jpeg;
    jpeg_create_decompress(info);
    jpeg->source = (struct jpeg_source_mgr){.next_input_byte = jpeg->bytes,
                                            .bytes_in_buffer = jpeg->size,
                                            .init_source = start_or_end,
                                            .fill_input_buffer = get_more,
                                            .skip_input_data = skip_bytes,
                                            .resync_to_restart = jpeg_resync_to_restart,
                                            .term_source = start_or_end};
    jpeg->progress.progress_monitor = watch;
    info->src = &jpeg->source;
    info->progress = &jpeg->progress;
    jpeg_set_marker_processor(info, JPEG_APP0 + 1, read_app1);
}

cnn_status cnn_jpeg_run(cnn_jpeg *jpeg, cnn_status (*step)(cnn_jpeg *, void *), void *context) {
    if (setjmp(jpeg->failed) != 0) {
        return jpeg->status;
    }
    set_up(jpeg);
    return step(jpeg, context);
}

uint64_t cnn_jpeg_version(void) {
    struct jpeg_error_mgr errors;
    const char *const *messages = jpeg_std_error(&errors)->jpeg_message_table;
    char text[2 * JMSG_LENGTH_MAX];
    int length = snprintf(text, sizeof text, "%d, %s, %s", LIBJPEG_TURBO_VERSION_NUMBER,
                          messages[JMSG_VERSION], messages[JMSG_COPYRIGHT]);
    return cnn_xxh3_64(text, (size_t)length);
}

void cnn_jpeg_release(cnn_jpeg *jpeg) {
    jpeg_destroy_decompress(&jpeg->info);
    cnn_memory_return(jpeg->reserved);
    cnn_free(jpeg->exif);
}

void cnn_jpeg_read_header(cnn_jpeg *jpeg) {
    (void)jpeg_read_header(&jpeg->info, TRUE);
    jpeg->coded = jpeg->source.next_input_byte;
}

static size_t round_up(size_t number, int multiple) {
    return (number + (size_t)multiple - 1) / (size_t)multiple * (size_t)multiple;
}

/* Rows of pixels in several stages, and, if there are several scans, all coefficients. */
static cnn_status reserve_memory(cnn_jpeg *jpeg) {
    enum { ROWS = 64, OTHER = 1 << 17 };
    struct jpeg_decompress_struct *info = &jpeg->info;
    size_t bytes = (size_t)info->image_width * (size_t)info->num_components * ROWS + OTHER;
    for (int i = 0; jpeg_has_multiple_scans(info) && i < info->num_components; i++) {
        const jpeg_component_info *part = info->comp_info + i;
        bytes += round_up(part->width_in_blocks, part->h_samp_factor) *
                 round_up(part->height_in_blocks, part->v_samp_factor) * sizeof(JBLOCK);
    }
    if (!cnn_memory_claim(bytes)) {
        return cnn_fail_memory(jpeg->error, "decoding an image");
    }
    jpeg->reserved = bytes;
    return CNN_OK;
}

/* Are all bits of all coefficients there? */
static bool is_complete(const struct jpeg_decompress_struct *info) {
    for (int i = 0; i < info->num_components; i++) {
        for (int k = 0; k < DCTSIZE2; k++) {
            if (info->coef_bits[i][k] != 0) {
                return false;
            }
        }
    }
    return true;
}

/* Are there coded data for all components? For files with several scans, all of which were read. */
static cnn_status check_scans(const cnn_jpeg *jpeg) {
    const struct jpeg_decompress_struct *info = &jpeg->info;
    bool covered = jpeg->covered == (1U << info->num_components) - 1U;
    if (jpeg->ended && (!covered || (info->progressive_mode && !is_complete(info)))) {
        return fail_cut(jpeg);
    }
    if (!covered) {
        return cnn_fail(jpeg->error, CNN_ERROR_DATA,
                        "damaged JPEG: expected coded data for each of its %d components, found "
                        "none for some before byte %zu",
                        info->num_components, offset_of(jpeg));
    }
    return CNN_OK;
}

cnn_status cnn_jpeg_start(cnn_jpeg *jpeg) {
    CNN_TRY(reserve_memory(jpeg));
    (void)jpeg_start_decompress(&jpeg->info);
    return jpeg_has_multiple_scans(&jpeg->info) ? check_scans(jpeg) : CNN_OK;
}
