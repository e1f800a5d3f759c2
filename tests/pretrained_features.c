/* Reads a pretrained network, and prints its features of an image: pretrained_features FILE
 * [IMAGE]. The first line names what was read: channels, rows and columns of the image, layers,
 * tensors. Then comes one feature per line. Without IMAGE it is a made-up picture: the byte of
 * channel c, row y, column x is (7 x + 13 y + 101 c + x y / 16) mod 256, divided as integers. */
#include "base/error.h"
#include "base/memory.h"
#include "model/pretrained.h"

#include <stdio.h>
#include <string.h>

/* The bytes of the made-up picture, [C][H][W]. */
static void make_picture(const cnn_shape *shape, uint8_t *bytes) {
    for (int c = 0; c < shape->channels; c++) {
        for (int i = 0; i < shape->height; i++) {
            for (int j = 0; j < shape->width; j++) {
                *bytes++ = (uint8_t)((7 * j + 13 * i + 101 * c + i * j / 16) % 256);
            }
        }
    }
}

/* Lane 0 of the block becomes the normalized bytes. */
static void fill_block(const cnn_pretrained *pretrained, const uint8_t *bytes,
                       const cnn_block *block, float *x) {
    for (int c = 0; c < block->channels; c++) {
        for (int i = 0; i < block->height; i++) {
            for (int j = 0; j < block->width; j++) {
                double value = (*bytes++ / 255.0 - pretrained->mean[c]) / pretrained->deviation[c];
                x[c * block->plane_stride + i * block->row_stride + (ptrdiff_t)j * CNN_LANES] =
                    (float)value;
            }
        }
    }
}

/* Copies the file's tensors; the classifier, which the file does not have, stays 0. */
static void fill_parameters(const cnn_pretrained *pretrained, const cnn_graph *graph,
                            float *parameters) {
    for (int i = 0; i < graph->node_count; i++) {
        const cnn_node *node = &graph->nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, &node->tensors[t], name);
            const cnn_saved_tensor *saved = cnn_saved_tensor_find(&pretrained->file, name);
            if (saved) {
                memcpy(parameters + node->tensors[t].offset, saved->data,
                       saved->count * sizeof *parameters);
            }
        }
    }
}

/* The values that the last dense layer reads, of the image in lane 0. Nothing overwrites them, as
 * that layer is the last one that runs. */
static void print_features(const cnn_network *network, const cnn_pretrained *pretrained,
                           const uint8_t *bytes, const float *parameters, float *workspace) {
    const cnn_block *block;
    float *x = cnn_network_input(network, workspace, &block);
    fill_block(pretrained, bytes, block, x);
    cnn_network_prepare(network, parameters);
    (void)cnn_network_forward(network, parameters, workspace);
    int last = network->fused.nodes[cnn_graph_result(&network->fused)].input[0];
    const float *values = workspace + network->plan.places[last].value.offset;
    for (size_t i = 0; i < cnn_shape_size(&network->fused.nodes[last].out); i++) {
        (void)printf("%.9g\n", (double)values[i * CNN_LANES]);
    }
}

/* The network for prediction, in which batch normalization is part of the weights. */
static cnn_status predict(const cnn_network *trained, const cnn_pretrained *pretrained,
                          const uint8_t *bytes, cnn_error *error) {
    cnn_network *network;
    CNN_TRY(cnn_network_create_prediction(trained, &network, error));
    float *saved = cnn_alloc(trained->parameter_count, sizeof *saved);
    float *merged = cnn_alloc(network->parameter_count, sizeof *merged);
    float *workspace = cnn_network_workspace(network, false);
    cnn_status status = CNN_OK;
    if (saved && merged && workspace) {
        fill_parameters(pretrained, &trained->graph, saved);
        cnn_network_merge_parameters(network, trained, saved, merged);
        print_features(network, pretrained, bytes, merged, workspace);
    } else {
        status = cnn_fail_memory(error, "the network");
    }
    cnn_free(workspace);
    cnn_free(merged);
    cnn_free(saved);
    cnn_network_free(network);
    return status;
}

static cnn_status run(const cnn_pretrained *pretrained, const uint8_t *bytes, cnn_error *error) {
    const cnn_kernels *kernels;
    cnn_network *network;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_network_create(&pretrained->config->network, kernels, CNN_NETWORK_FAST, &network,
                               error));
    cnn_status status = predict(network, pretrained, bytes, error);
    cnn_network_free(network);
    return status;
}

/* path: NULL for the made-up picture. */
static cnn_status show(const cnn_pretrained *pretrained, const char *path, cnn_error *error) {
    const cnn_shape *shape = &pretrained->layers.input;
    uint64_t content;
    (void)printf("%dx%dx%d %d %zu\n", shape->channels, shape->height, shape->width,
                 pretrained->layers.layer_count, pretrained->file.tensor_count);
    uint8_t *bytes = cnn_alloc(cnn_shape_size(shape), 1);
    if (!bytes) {
        return cnn_fail_memory(error, "the image");
    }
    cnn_status status = CNN_OK;
    if (path) {
        status = cnn_image_load(path, &pretrained->config->image, NULL, bytes, &content, error);
    } else {
        make_picture(shape, bytes);
    }
    status = status == CNN_OK ? run(pretrained, bytes, error) : status;
    cnn_free(bytes);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        (void)fputs("usage: pretrained_features FILE [IMAGE]\n", stderr);
        return 2;
    }
    cnn_error error;
    cnn_pretrained *pretrained;
    cnn_status status = cnn_pretrained_read(argv[1], &pretrained, &error);
    if (status == CNN_OK) {
        status = show(pretrained, argc > 2 ? argv[2] : NULL, &error);
    }
    cnn_pretrained_free(pretrained);
    if (status != CNN_OK) {
        (void)fprintf(stderr, "pretrained_features: %s\n", error.message);
    }
    return (int)status;
}
