/* Draws a map of signed values over a picture, and a scale below it. */
#ifndef CNN_INSPECT_MAP_PICTURE_H
#define CNN_INSPECT_MAP_PICTURE_H

#include "image/resize.h"

#include <stdint.h>

/* A map over what the network sees of an image. */
typedef struct cnn_map_view {
    const float *map; /* [map_height][map_width] */
    int map_height, map_width;
    float range; /* the largest absolute value, which gets the full colours; 0: no colours */
    const cnn_image_settings *settings;
    int image_height, image_width; /* upright, before it was resized */
} cnn_map_view;

/* A position between two cells of a side, whose values are at their centres: cell `first` and the
 * next, and the weight of the latter. Beyond the outer centres, it is that of the cell. */
typedef struct cnn_map_cells {
    int first, next;
    float weight;
} cnn_map_cells;

/* u: 0 … 1 along `cells` cells. */
cnn_map_cells cnn_map_find_cells(double u, int cells);

/* The value of the map, interpolated between its cells (bilinear), at a point of the image: u, v in
 * 0 … 1 from the left and the top edge. False where the network sees nothing. */
bool cnn_map_value(const cnn_map_view *view, double u, double v, float *value);

/* overlay: picture (the image at any size), both [height][width][3], in grey under the colours of
 * the map: blue below 0, orange above, as ColorBrewer's PuOr and RdBu, which colour-blind people
 * can tell apart. The strength of a colour is proportional to the value. What the network
 * does not see is pale. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_map_overlay(const cnn_map_view *view, int height, int width,
                                        const uint8_t *picture, uint8_t *overlay, cnn_error *error);

/* The size of a sheet with an overlay of this size. */
void cnn_map_sheet_size(int height, int width, int *sheet_height, int *sheet_width);

/* sheet[sheet_height][sheet_width][3]: the overlay above a scale from -range (class 0) to +range
 * (class 1), with the names of the classes, or CLASS 0 and CLASS 1 if glyphs.h lacks their
 * characters. */
void cnn_map_sheet(int height, int width, const uint8_t *overlay, float range,
                   const char *const classes[2], uint8_t *sheet);

#endif
