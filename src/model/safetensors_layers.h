/* A safetensors file of any program, and a list of the layers that its tensors belong to. */
#ifndef CNN_MODEL_SAFETENSORS_LAYERS_H
#define CNN_MODEL_SAFETENSORS_LAYERS_H

#include "model/imported.h"

/* Makes the network of the layers in `layers_path`, a JSON file with the keys `image` and `layers`
 * of a config, with the tensors of the safetensors file `path`, which have the names of a PyTorch
 * nn.Sequential of the same layers, and the types F32, F16 or BF16. Layers that do not end in a
 * sigmoid are a network without a classifier. A tensor "….num_batches_tracked" is ignored; any
 * other that no layer has is refused. CNN_ERROR_CONFIG: the list of layers; CNN_ERROR_MODEL: the
 * tensors, with a message that starts with the path. Free *imported with cnn_imported_free, also
 * after a failure. */
CNN_MUST_USE cnn_status cnn_safetensors_import(const char *path, const char *layers_path,
                                               cnn_imported *imported, cnn_error *error);

#endif
