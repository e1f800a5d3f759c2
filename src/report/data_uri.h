/* Pictures inside a page, as data URIs (RFC 2397). */
#ifndef CNN_REPORT_DATA_URI_H
#define CNN_REPORT_DATA_URI_H

#include "report/html.h"

/* Writes an <img>. bytes: [size], the image file. media_type: "image/png" or "image/jpeg". width,
 * height: of the picture, in pixels, so that the page does not move when it is decoded.
 * alternative: the picture in words; "" if the text next to it says everything. */
void cnn_html_picture(cnn_html *html, const char *media_type, const uint8_t *bytes, size_t size,
                      int width, int height, const char *alternative);

#endif
