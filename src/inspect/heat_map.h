/* Which places of an image speak for class 1, and which for class 0, by the gradient of the logit.
 *
 * HiResCAM (Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
 * convolutional neural networks", 2020): with the activations A[c][h][w] of one layer, and the
 * logit z,
 *     map[h][w] = sum over c of A[c][h][w] · dz / dA[c][h][w].
 * If what follows the layer is linear, the map adds up to the logit without its bias. For global
 * average pooling and a dense layer, it is the map of Grad-CAM and CAM without their ReLU.
 *
 * The map of a deep layer knows what matters, but is coarse, and its cells see more than they
 * cover. That of a fine layer is sharp, but noisy. The product of several keeps what all of them
 * say, as that of Grad-CAM and guided backpropagation does (Selvaraju et al., "Grad-CAM: visual
 * explanations from deep networks via gradient-based localization", 2017): with F of the finest
 * layer, smoothed by 1 2 1 along both sides, and D of the others, interpolated at the cells of F,
 *     map[h][w] = F[h][w] · product of |D[h][w]| / max |D|
 * where all have the same sign, else 0. */
#ifndef CNN_INSPECT_HEAT_MAP_H
#define CNN_INSPECT_HEAT_MAP_H

#include "base/parallel.h"
#include "nn/inference.h"

typedef struct cnn_heat_map cnn_heat_map;

/* The deep node of a network for prediction: the last one, on every path from the image to the
 * logit, whose output has at least `side` rows and columns, or as many as the image has. 0, the
 * image, if no layer has so many. */
enum { CNN_HEAT_MAP_SIDE = 7 };
int cnn_heat_map_deep(const cnn_graph *graph, int side);

/* The nodes of a product that ends with such a deep one, in order; returns their number. The first
 * is the fine one: the first layer, on every path, with the smallest output that has at least
 * CNN_HEAT_MAP_FINE_SIDE rows and columns, or as many as the image has; the ReLU after it, which
 * has the same map, if that is not the deep one. Then the first ones with at most half the places
 * of the one before, and the deep one. If no layer has as many rows and columns as the fine one
 * needs, the deep one alone. */
enum { CNN_HEAT_MAP_FINE_SIDE = 28, CNN_HEAT_MAP_NODES = 8 };
int cnn_heat_map_nodes(const cnn_graph *graph, int deep, int nodes[CNN_HEAT_MAP_NODES]);

/* Plans maps of a network for prediction, with these parameters, on the threads of `pool`: the
 * product of nodes[count] (each cnn_cut_is_possible, in rising order); of one node, HiResCAM.
 * Network, parameters and pool must outlive the result. Free with cnn_heat_map_free. */
CNN_MUST_USE cnn_status cnn_heat_map_create(const cnn_network *network, const float *parameters,
                                            const int *nodes, int count, cnn_thread_pool *pool,
                                            cnn_heat_map **map, cnn_error *error);
void cnn_heat_map_free(cnn_heat_map *map); /* NULL is allowed */

/* Rows and columns of a map: those of the first node. */
const cnn_shape *cnn_heat_map_shape(const cnn_heat_map *map);

/* Maps the images first … first + count - 1 of the source. logits: [count], the bytes of a
 * prediction. maps: [count][height][width]. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_heat_map_run(cnn_heat_map *map, const cnn_sample_source *source,
                                         size_t first, size_t count, float *logits, float *maps,
                                         cnn_error *error);

#endif
