/* Finds the EXIF and XMP data of a PNG. */
#ifndef CNN_IMAGE_PNG_ORIENTATION_H
#define CNN_IMAGE_PNG_ORIENTATION_H

#include <stddef.h>
#include <stdint.h>

/* Returns the orientation of a PNG, 1 … 8 as in exif.h; 0 if memory is refused. bytes: [size], a
 * whole file, whose chunks are complete up to IEND. As in Pillow 11.3, it is taken from the last
 * chunk eXIf, else from the text "Raw profile type exif", which ImageMagick writes, else from the
 * text "XML:com.adobe.xmp". Texts that are compressed to less than a thousandth are ignored. */
int cnn_png_orientation(const uint8_t *bytes, size_t size);

#endif
