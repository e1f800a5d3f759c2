/* Reads the orientation of a photo from its EXIF or XMP data, as Pillow does. */
#ifndef CNN_IMAGE_EXIF_H
#define CNN_IMAGE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Returns an orientation, 1 … 8 as EXIF numbers them:
 *
 *     1 upright          2 mirrored      3 turned by 180°   4 upside down
 *     5 transposed       6 to be turned by 90° clockwise
 *     7 transversed      8 to be turned by 90° counter-clockwise
 *
 * tiff: [size], EXIF data, which have the structure of a TIFF file. The mark "Exif\0\0" may stand
 * before them. 1 if they are damaged, or if there is no orientation in them. The value may be of
 * any type of number but BYTE (Pillow 11.3, ImageOps.exif_transpose). */
int cnn_exif_orientation(const uint8_t *tiff, size_t size);

/* The same. If there is no orientation in the EXIF data, it is looked for in xmp[xmp_size], an XMP
 * packet (tiff:Orientation). Either size may be 0. */
int cnn_exif_or_xmp_orientation(const uint8_t *tiff, size_t size, const uint8_t *xmp,
                                size_t xmp_size);

#endif
