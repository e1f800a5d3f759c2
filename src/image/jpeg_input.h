/* libjpeg on a file in memory: what it reads from, what becomes of its errors and warnings, and
 * which files are cut short. Only this file and jpeg.c use its types. */
#ifndef CNN_IMAGE_JPEG_INPUT_H
#define CNN_IMAGE_JPEG_INPUT_H

#include "cnn/status.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h> /* jpeglib.h needs FILE */

#include <jpeglib.h>

typedef struct cnn_jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    const uint8_t *bytes; /* [size], the file */
    size_t size;
    bool ended;           /* libjpeg has asked for more bytes than there are */
    int scan;             /* of a file with several scans: the last one that began */
    const uint8_t *coded; /* where its coded data begin */
    unsigned covered;     /* the set of components that are in a scan */
    void *exif;           /* [exif_size], of all segments. Free with cnn_free */
    size_t exif_size, exif_capacity;
    const uint8_t *xmp; /* [xmp_size], part of the file */
    size_t xmp_size;
    size_t reserved; /* bytes that are counted for libjpeg's memory */
    jmp_buf failed;
    cnn_status status; /* of the failure */
    cnn_error *error;
} cnn_jpeg;

/* Lets `step` use jpeg->info, with libjpeg's functions, and returns its status. An error in
 * libjpeg, and data that are not there, end the step: CNN_ERROR_DATA, or CNN_ERROR_RUNTIME if
 * memory is refused. *jpeg: bytes, size and error are set, all else is zero. Afterwards, whatever
 * the status, cnn_jpeg_release. */
CNN_MUST_USE cnn_status cnn_jpeg_run(cnn_jpeg *jpeg, cnn_status (*step)(cnn_jpeg *, void *),
                                     void *context);
void cnn_jpeg_release(cnn_jpeg *jpeg);

/* A number for the versions of libjpeg: the one of the header, and what the loaded one says. */
uint64_t cnn_jpeg_version(void);

/* jpeg_read_header, in a step. */
void cnn_jpeg_read_header(cnn_jpeg *jpeg);

/* jpeg_start_decompress, in a step. Counts the memory that libjpeg will take: CNN_ERROR_RUNTIME if
 * that is refused. Reads all scans if there are several, and refuses files in which components have
 * no coded data. A single scan is checked while its rows are read. */
CNN_MUST_USE cnn_status cnn_jpeg_start(cnn_jpeg *jpeg);

#endif
