/* Reads a list of samples from arrays of images and labels: an .npz of MedMNIST or Keras, or the
 * IDX files of MNIST. */
#ifndef CNN_SAMPLES_ARRAYS_H
#define CNN_SAMPLES_ARRAYS_H

#include "samples/list.h"

/* *is_idx: is the folder one of IDX files, which has train-images-idx3-ubyte, perhaps with .gz? */
CNN_MUST_USE cnn_status cnn_idx_folder_look(const char *folder, bool *is_idx, cnn_error *error);

/* Appends the images of source->path in their order: those of a folder of IDX files; of an IDX file
 * of images, whose labels are in the file of that name with "labels-idx1" in place of
 * "images-idx3"; of all arrays of an .npz (container.h), or of the one that the path names
 * ("digits.npz/x_test"). Labels are whole numbers; their names are the decimal digits. The arrays
 * name splits.
 *
 * classes and errors as in cnn_sample_list_read; without classes, they are the labels of the first
 * array. Images of other labels are left out and counted. */
CNN_MUST_USE cnn_status cnn_sample_list_read_arrays(const cnn_list_source *source, char *classes[2],
                                                    cnn_sample_list *list, cnn_error *error);

#endif
