/* The layers of a pretrained file with a classifier, all of which are trained. */
#ifndef CNN_BENCH_WHOLE_NETWORK_H
#define CNN_BENCH_WHOLE_NETWORK_H

#include "model/pretrained.h"
#include "nn/network.h"

/* side: width and height of the images, for which the file may have been made or not. Free with
 * cnn_network_free. */
CNN_MUST_USE cnn_status bench_whole_network(const cnn_pretrained *file, int side,
                                            const cnn_kernels *kernels, cnn_network **network,
                                            cnn_error *error);

/* Starting weights: those of the file, random ones of the classifier. */
void bench_whole_parameters(const cnn_pretrained *file, const cnn_network *network,
                            float *parameters);

#endif
