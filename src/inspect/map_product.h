/* The product of the maps of several layers, as heat_map.h defines it.
 *
 * Maps are float maps[height][width][CNN_LANES]: those of a block of images, so that one operation
 * serves all of them. `work` is scratch memory of the caller. */
#ifndef CNN_INSPECT_MAP_PRODUCT_H
#define CNN_INSPECT_MAP_PRODUCT_H

/* Smooths maps[height][width] by 1 2 1 along both sides; a value at an edge also stands for the one
 * beyond it. work: as maps. */
void cnn_map_smooth(float *maps, int height, int width, float *work);

/* Divides coarse[rows][columns] by the largest absolute value of each image, and multiplies
 * maps[height][width] with it, interpolated; 0 where the signs differ. work:
 * [1 + rows][width][CNN_LANES]. */
void cnn_map_multiply(float *maps, int height, int width, float *coarse, int rows, int columns,
                      float *work);

#endif
