/* Small pictures of image files for a page, with heat maps. */
#ifndef CNN_REPORT_THUMBNAILS_H
#define CNN_REPORT_THUMBNAILS_H

#include "report/report.h"

/* The longest side of a picture, in pixels. Smaller images than half of it are shown larger. */
enum { CNN_THUMBNAIL_SIDE = 160 };

/* A picture file: PNG, or, if that takes too many bytes, JPEG, so that a page stays small. */
typedef struct cnn_thumbnail_file {
    const char *media_type;
    uint8_t *bytes; /* [size]; NULL: there is none */
    size_t size;
} cnn_thumbnail_file;

typedef struct cnn_thumbnail {
    char reason[256]; /* why there is no picture; empty: there is one */
    int width, height;
    cnn_thumbnail_file picture; /* upright, at its own aspect ratio */
    cnn_thumbnail_file map;     /* the same under a map of the evidence for each class */
} cnn_thumbnail;

/* Makes thumbnails[count] of images[count], numbers of `from`. with_maps: where there is a model.
 * A file that cannot be read, or that has changed since its image was predicted, gets a reason.
 * Fails only if memory is refused, or with CNN_STOPPED; *thumbnails: release each in any case. The
 * same bytes for any number of threads. */
CNN_MUST_USE cnn_status cnn_thumbnails_make(const cnn_report *report, const cnn_report_images *from,
                                            const size_t *images, size_t count, bool with_maps,
                                            cnn_thumbnail *thumbnails, cnn_error *error);
void cnn_thumbnail_release(cnn_thumbnail *thumbnail);

#endif
