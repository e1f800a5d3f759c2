/* Which way up a photo is, by its EXIF data. The only user of libexif. */
#ifndef CNN_IMAGE_EXIF_H
#define CNN_IMAGE_EXIF_H

#include <stddef.h>

/* The orientation that an image file says it is in, 1 … 8 as EXIF counts them:
 *
 *     1 as it is         2 mirrored      3 turned by 180°   4 upside down
 *     5 transposed       6 to be turned by 90° clockwise
 *     7 transversed      8 to be turned by 90° counter-clockwise
 *
 * bytes: [size], a whole file. EXIF is looked for in JPEG (the first APP1 segment that holds some)
 * and in PNG (eXIf). 1 where there is none, or where it is damaged; 0 where memory is refused. */
int cnn_exif_orientation(const void *bytes, size_t size);

#endif
