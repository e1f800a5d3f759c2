/* HiResCAM: which places of an image speak for class 1, and which for class 0 (Draelos and Carin,
 * "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks",
 * 2020). With the activations A[c][h][w] of one layer, and the logit z,
 *     map[h][w] = sum over c of A[c][h][w] · dz / dA[c][h][w].
 * If what follows the layer is linear, the map adds up to the logit without its bias. For global
 * average pooling and a dense layer, it is the map of Grad-CAM and CAM without their ReLU. */
#ifndef CNN_INSPECT_HEAT_MAP_H
#define CNN_INSPECT_HEAT_MAP_H

#include "base/parallel.h"
#include "nn/inference.h"

typedef struct cnn_heat_map cnn_heat_map;

/* The node of a network for prediction whose activations are mapped: the last one, on every path
 * from the image to the logit, whose map has at least CNN_HEAT_MAP_SIDE rows and columns, or as
 * many as the image has. The later the layer, the more it knows of what it sees, but the coarser
 * the map. 0, the image, if no layer has so many. */
enum { CNN_HEAT_MAP_SIDE = 7 };
int cnn_heat_map_node(const cnn_graph *graph, int side);

/* Plans maps of the activations of `node` (cnn_cut_is_possible) of a network for prediction, with
 * these parameters, on the threads of `pool`. All three must outlive the result. Free with
 * cnn_heat_map_free. */
CNN_MUST_USE cnn_status cnn_heat_map_create(const cnn_network *network, const float *parameters,
                                            int node, cnn_thread_pool *pool, cnn_heat_map **map,
                                            cnn_error *error);
void cnn_heat_map_free(cnn_heat_map *map); /* NULL is allowed */

/* Rows and columns of a map: those of the layer. */
const cnn_shape *cnn_heat_map_shape(const cnn_heat_map *map);

/* Maps the images first … first + count - 1 of the source. logits: [count], the bytes of a
 * prediction. maps: [count][height][width]. */
CNN_MUST_USE cnn_status cnn_heat_map_run(cnn_heat_map *map, const cnn_sample_source *source,
                                         size_t first, size_t count, float *logits, float *maps,
                                         cnn_error *error);

#endif
