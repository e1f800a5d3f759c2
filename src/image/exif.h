/* The orientation of a photograph, from its EXIF data. Only this file uses libexif. */
#ifndef CNN_IMAGE_EXIF_H
#define CNN_IMAGE_EXIF_H

#include <stddef.h>

/* The orientation stated in an image file, 1 … 8 as in EXIF:
 *
 *     1 as it is         2 mirrored      3 turned by 180°   4 upside down
 *     5 transposed       6 to be turned by 90° clockwise
 *     7 transversed      8 to be turned by 90° counter-clockwise
 *
 * bytes: [size], a complete file. EXIF is read from JPEG (the first APP1 segment that contains it)
 * and from PNG (eXIf). 1 if there is none, if it is damaged, or if memory is refused. */
int cnn_exif_orientation(const void *bytes, size_t size);

#endif
