/* Does an image show anything? Its grey levels, brightness and sharpness. */
#ifndef CNN_IMAGE_QUALITY_H
#define CNN_IMAGE_QUALITY_H

#include "image/resize.h"

typedef struct cnn_image_quality {
    /* All but a hundredth of the pixels are at least `darkest`, all but a hundredth at most
     * `lightest`: grey, 0 … 255. */
    uint8_t darkest, lightest;
    uint16_t levels;  /* grey values that occur, 1 … 256, … */
    uint32_t counted; /* … in this number of pixels */
    float brightness; /* mean grey */
    /* The variance of the Laplacian (4 times a pixel minus its neighbours above, below, left and
     * right), over the variance of the grey values. The numerator is a measure of focus
     * (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000); the
     * denominator makes it independent of contrast. It depends on the size of the image. 0 if all
     * pixels are equal, or if the image has fewer than 3 rows or columns. */
    float sharpness;
} cnn_image_quality;

/* Measures an image as the network sees it: pixels[channels][height][width] of `settings`. The rows
 * and columns that letterbox adds, all black, do not count. The same bytes give the same result
 * everywhere. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_quality_measure(const uint8_t *pixels,
                                                  const cnn_image_settings *settings,
                                                  cnn_image_quality *quality, cnn_error *error);

#endif
