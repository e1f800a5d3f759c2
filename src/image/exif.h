/* Reads the orientation of a photo from its EXIF data. The only user of libexif. */
#ifndef CNN_IMAGE_EXIF_H
#define CNN_IMAGE_EXIF_H

#include <stddef.h>

/* Returns the orientation of an image file, 1 … 8 as EXIF numbers them:
 *
 *     1 upright          2 mirrored      3 turned by 180°   4 upside down
 *     5 transposed       6 to be turned by 90° clockwise
 *     7 transversed      8 to be turned by 90° counter-clockwise
 *
 * bytes: [size], a whole file. EXIF data are read from JPEG (the first APP1 segment that holds
 * them) and from PNG (eXIf). 1 if there are none or if they are damaged. 0 if memory is refused. */
int cnn_exif_orientation(const void *bytes, size_t size);

#endif
