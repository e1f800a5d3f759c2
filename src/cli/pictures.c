#include "cli/pictures.h"

#include "cli/picture_names.h"
#include "cli/picture_writer.h"

#include "cnn/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pictures that are in memory together. */
enum { TOGETHER = 64 };

struct cnn_pictures {
    const char *folder;
    cnn_picture_writer writer;
    cnn_picture_names *names;
    cnn_explainer *explainer;
    cnn_explanation explanations[TOGETHER];
};

cnn_status cnn_pictures_start(const char *folder, cnn_status (*confine)(cnn_error *error),
                              cnn_pictures **out, cnn_error *error) {
    *out = NULL;
    cnn_pictures *pictures = calloc(1, sizeof *pictures);
    cnn_picture_names *names = cnn_picture_names_create();
    if (!pictures || !names) {
        free(pictures);
        cnn_picture_names_free(names);
        return cnn_fail_memory(error, "pictures");
    }
    pictures->folder = folder;
    pictures->names = names;
    cnn_status status = cnn_picture_writer_start(folder, confine, &pictures->writer, error);
    if (status != CNN_OK) {
        cnn_picture_names_free(names);
        free(pictures);
        return status;
    }
    *out = pictures;
    return CNN_OK;
}

void cnn_pictures_free(cnn_pictures *pictures) {
    if (pictures) {
        cnn_explainer_free(pictures->explainer);
        cnn_picture_writer_end(&pictures->writer);
        cnn_picture_names_free(pictures->names);
        free(pictures);
    }
}

int cnn_pictures_pipe(const cnn_pictures *pictures) {
    return pictures->writer.requests;
}

cnn_status cnn_pictures_prepare(cnn_pictures *pictures, const cnn_predictor *predictor,
                                cnn_explain_method method, int threads, cnn_error *error) {
    const cnn_explain_options options = {.method = method, .threads = threads, .sheet = true};
    return cnn_explainer_create(predictor, &options, &pictures->explainer, error);
}

/* Writes the picture of an input. */
static cnn_status put(cnn_pictures *pictures, const cnn_explanation *explanation, const char *input,
                      char **file, cnn_error *error) {
    const char *name = cnn_picture_names_next(pictures->names, input);
    if (!name) {
        return cnn_fail_memory(error, "pictures");
    }
    CNN_TRY(cnn_picture_writer_put(&pictures->writer, name, explanation->sheet,
                                   explanation->sheet_size, error));
    const size_t room = strlen(pictures->folder) + strlen(name) + 2;
    *file = malloc(room);
    if (!*file) {
        return cnn_fail_memory(error, "pictures");
    }
    (void)snprintf(*file, room, "%s/%s", pictures->folder, name);
    return CNN_OK;
}

/* At most TOGETHER files. */
static cnn_status predict_some(cnn_pictures *pictures, const char *const *paths,
                               const char *const *names, size_t count, cnn_prediction *predictions,
                               char **files, cnn_error *error) {
    const cnn_explanation *explanations = pictures->explanations;
    CNN_TRY(cnn_explain_files(pictures->explainer, paths, count, pictures->explanations, error));
    for (size_t i = 0; i < count; i++) {
        predictions[i] = explanations[i].prediction;
        if (predictions[i].status == CNN_OK) {
            CNN_TRY(put(pictures, &explanations[i], names[i], &files[i], error));
        }
    }
    return CNN_OK;
}

cnn_status cnn_pictures_predict(cnn_pictures *pictures, const char *const *paths,
                                const char *const *names, size_t count, cnn_prediction *predictions,
                                char **files, cnn_error *error) {
    cnn_status status = CNN_OK;
    for (size_t first = 0; first < count && status == CNN_OK; first += TOGETHER) {
        const size_t some = count - first < TOGETHER ? count - first : TOGETHER;
        status = predict_some(pictures, paths + first, names + first, some, predictions + first,
                              files + first, error);
        for (size_t i = 0; i < some; i++) {
            cnn_explanation_release(&pictures->explanations[i]);
        }
    }
    return status;
}
