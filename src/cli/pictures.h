/* The pictures of cnnpredict --explain: explains inputs, names the pictures, has them written. */
#ifndef CNN_CLI_PICTURES_H
#define CNN_CLI_PICTURES_H

#include "cnn/explain.h"

typedef struct cnn_pictures cnn_pictures;

/* Before the sandbox, while there is one thread: makes the folder, and starts the process that
 * writes into it (picture_writer.h, also for confine). `folder` must outlive the pictures. Free
 * with cnn_pictures_free. */
CNN_MUST_USE cnn_status cnn_pictures_start(const char *folder,
                                           cnn_status (*confine)(cnn_error *error),
                                           cnn_pictures **pictures, cnn_error *error);
void cnn_pictures_free(cnn_pictures *pictures); /* NULL is allowed */

/* The descriptor that must remain writable in the sandbox. */
int cnn_pictures_pipe(const cnn_pictures *pictures);

/* Then: plans the explanations. The predictor must outlive the pictures. */
CNN_MUST_USE cnn_status cnn_pictures_prepare(cnn_pictures *pictures, const cnn_predictor *predictor,
                                             cnn_explain_method method, int threads,
                                             cnn_error *error);

/* Predicts as cnn_predict_files does, and writes a picture for each file that has a prediction.
 * names: [count], the paths by which pictures are named (picture_names.h). files: [count], the path
 * of each picture, to be freed with free(); NULL: there is none. CNN_ERROR_RUNTIME if memory is
 * refused, or a picture cannot be written. */
CNN_MUST_USE cnn_status cnn_pictures_predict(cnn_pictures *pictures, const char *const *paths,
                                             const char *const *names, size_t count,
                                             cnn_prediction *predictions, char **files,
                                             cnn_error *error);

#endif
