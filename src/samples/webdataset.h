/* Reads a list of samples from an archive that has a label next to each image, as WebDataset writes
 * it: 000123.jpg and 000123.cls. */
#ifndef CNN_SAMPLES_WEBDATASET_H
#define CNN_SAMPLES_WEBDATASET_H

#include "samples/list.h"
#include "samples/tree.h"

/* Does the folder `path` of the archive contain labels, members called *.cls? */
bool cnn_webdataset_is(const cnn_tree *tree, const char *path);

/* Appends the labels below the folder `path`, each once. Errors as below. */
CNN_MUST_USE cnn_status cnn_webdataset_labels(const cnn_tree *tree, const char *path,
                                              cnn_file_list *labels, cnn_error *error);

/* Appends the images below source->path, sorted by name, as samples of source->split. The members
 * of a sample share the path up to the first dot in the last part: one image (KEY.EXTENSION, of a
 * known format) and KEY.cls, the text of its label; blanks around it do not count. Other members,
 * such as KEY.json and KEY.mask.png, are named in the log and not used. classes and errors as in
 * cnn_sample_list_read. CNN_ERROR_DATA also if a sample lacks its image or label, or has two. */
CNN_MUST_USE cnn_status cnn_sample_list_read_webdataset(const cnn_list_source *source,
                                                        char *classes[2], cnn_sample_list *list,
                                                        cnn_error *error);

#endif
