/* Pictures of images on a page, each with its heat map, label, probability and path. */
#ifndef CNN_REPORT_GALLERY_H
#define CNN_REPORT_GALLERY_H

#include "report/report.h"

/* The most pictures of a gallery. */
enum { CNN_GALLERY_MAX = 64 };

/* Which map belongs to a picture, if the report has maps: a paragraph, once per page. */
void cnn_gallery_explain(cnn_html *html, const cnn_report *report);

/* Writes a list of images[count], numbers of `from`. If a file cannot be shown, the reason takes
 * its place. Fails only if memory is refused. */
CNN_MUST_USE cnn_status cnn_gallery_write(cnn_html *html, const cnn_report *report,
                                          const cnn_report_images *from, const size_t *images,
                                          size_t count, bool with_maps, cnn_error *error);

/* An image's path, as a page shows it: without the folder that all images have in common, that of
 * the data. The page of an evaluation does not reveal that folder. The end of `path`. */
const char *cnn_shown_path(const cnn_report *report, const char *path);

/* "threshold of the model that predicts it" as a number: images->threshold, or that of the image's
 * fold. */
double cnn_threshold_of(const cnn_report *report, const cnn_report_images *images, size_t i);

#endif
