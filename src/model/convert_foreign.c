#include "model/convert_foreign.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/golden.h"
#include "model/onnx_import.h"
#include "model/safetensors_layers.h"

#include <string.h>

/* --- ONNX --- */

static cnn_onnx_import_options import_options(const cnn_foreign_options *from) {
    cnn_onnx_import_options options = {.until = from->until,
                                       .width = from->width,
                                       .height = from->height,
                                       .classes = {from->classes[0], from->classes[1]},
                                       .blue_first = from->blue_first};
    memcpy(options.mean, from->mean, sizeof options.mean);
    memcpy(options.deviation, from->deviation, sizeof options.deviation);
    return options;
}

/* What the file has become, for the user. */
static void describe(const cnn_imported *imported, cnn_text *about) {
    const cnn_image_settings *image = &imported->config->image;
    const cnn_model_info *info = &imported->info;
    cnn_text_format(about, "image: %lld×%lld×%lld", (long long)image->width,
                    (long long)image->height, (long long)image->channels);
    for (int c = 0; c < image->channels; c++) {
        cnn_text_format(about, "%s(x / 255 - %.6g) / %.6g", c == 0 ? ", " : "; ",
                        info->mean[c] + 0.0, /* not -0 */
                        info->deviation[c]);
    }
    cnn_text_format(about, "\nlayers: %d, %zu parameters\n", imported->config->network.layer_count,
                    imported->graph.parameter_count);
    if (info->classes[0]) {
        cnn_text_format(about, "classes: %s, %s\n", info->classes[0], info->classes[1]);
    } else {
        cnn_text_format(about, "no classifier: a file for pretrained.file\n");
    }
}

/* Writes the model and completes the texts, which it frees. */
static cnn_status finish(const char *out, const cnn_imported *imported, cnn_text *source,
                         cnn_text *about, const cnn_convert_options *options, cnn_error *error) {
    describe(imported, about);
    if (source->failed || about->failed) {
        return cnn_fail_memory(error, out);
    }
    CNN_TRY(cnn_imported_write(out, imported, source->data, error));
    if (options->about) {
        *options->about = cnn_text_take(about);
    }
    return CNN_OK;
}

cnn_status cnn_convert_onnx(const char *in, const char *out, const cnn_convert_options *options,
                            cnn_error *error) {
    const cnn_onnx_import_options wanted = import_options(&options->foreign);
    cnn_imported imported;
    cnn_onnx_notes notes;
    if (options->foreign.layers) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--layers: expected a .safetensors file, got %s, which contains its layers",
                        in);
    }
    cnn_status status = cnn_onnx_import(in, &wanted, &imported, &notes, error);
    if (status == CNN_OK) {
        status = finish(out, &imported, &notes.source, &notes.about, options, error);
    }
    cnn_imported_free(&imported);
    cnn_onnx_notes_free(&notes);
    return status;
}

/* --- safetensors --- */

/* Facts that the file of the weights lacks. */
static cnn_status complete(cnn_imported *imported, const cnn_foreign_options *from, cnn_text *about,
                           cnn_error *error) {
    static const double none[3] = {0.0, 0.0, 0.0}, one[3] = {1.0, 1.0, 1.0};
    bool given = from->deviation[0] > 0.0;
    if (!given && imported->config->normalize == CNN_NORMALIZE_STANDARDIZE) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "image.normalize: \"standardize\" needs --mean and --deviation");
    }
    if (!given) {
        cnn_text_format(about,
                        "input: assumed pixels from 0 to 1 (--mean, --deviation, --imagenet)\n");
    }
    cnn_imported_normalize(imported, given ? from->mean : none, given ? from->deviation : one);
    if (!imported->config->network.features) {
        return cnn_imported_name_classes(imported, from->classes[0] ? from->classes[0] : "0",
                                         from->classes[0] ? from->classes[1] : "1", error);
    }
    return CNN_OK;
}

cnn_status cnn_convert_safetensors(const char *in, const char *out,
                                   const cnn_convert_options *options, cnn_error *error) {
    const cnn_foreign_options *from = &options->foreign;
    cnn_imported imported;
    cnn_text source = {0}, about = {0};
    if (!from->layers || from->until || from->width > 0 || from->blue_first) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "%s: expected --layers FILE with a safetensors file, and none of --until, --size and "
            "--bgr",
            in);
    }
    cnn_status status = cnn_safetensors_import(in, from->layers, &imported, error);
    if (status == CNN_OK) {
        status = complete(&imported, from, &about, error);
    }
    if (status == CNN_OK) {
        cnn_text_format(&source, "safetensors");
        status = finish(out, &imported, &source, &about, options, error);
    }
    cnn_imported_free(&imported);
    cnn_text_free(&source);
    cnn_text_free(&about);
    return status;
}

/* --- --check --- */

/* Asks the network about an image. */
static cnn_status ask(const cnn_imported *imported, const uint8_t *pixels, cnn_golden_answer *found,
                      cnn_error *error) {
    const cnn_kernels *kernels;
    cnn_model model = {.info = imported->info, .config = imported->config};
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    cnn_status status = cnn_model_replace_network(&model, &imported->config->network, kernels,
                                                  imported->parameters, error);
    if (status == CNN_OK) {
        status = cnn_golden_ask(&model, pixels, found, error);
    }
    cnn_network_free(model.network);
    cnn_free(model.parameters);
    return status;
}

/* Compares the answer about the image in the metadata with the one in it. */
static cnn_status check(const cnn_imported *imported, const cnn_onnx_notes *notes,
                        cnn_error *error) {
    const cnn_shape *shape = &imported->config->network.input;
    const cnn_text *golden = notes->golden;
    cnn_golden_answer expected, found;
    if (!imported->info.classes[0]) {
        return cnn_fail(error, CNN_ERROR_MODEL, "expected a network that ends in a sigmoid");
    }
    uint8_t *pixels = cnn_alloc(cnn_shape_size(shape), 1);
    if (!pixels || golden[0].failed || golden[1].failed || golden[2].failed) {
        cnn_free(pixels);
        return cnn_fail_memory(error, "the image");
    }
    cnn_status status = cnn_golden_read(shape, golden[0].data, golden[1].data, golden[2].data,
                                        pixels, &expected, error);
    if (status == CNN_OK) {
        status = ask(imported, pixels, &found, error);
    }
    if (status == CNN_OK) {
        status = cnn_golden_compare(&expected, &found, error);
    }
    cnn_free(pixels);
    return status;
}

cnn_status cnn_convert_check(const char *path, cnn_error *error) {
    const cnn_onnx_import_options options = {.width = 0};
    cnn_imported imported;
    cnn_onnx_notes notes;
    cnn_status status = cnn_onnx_import(path, &options, &imported, &notes, error);
    if (status == CNN_OK) {
        status = check(&imported, &notes, error);
        status = status == CNN_OK ? status : cnn_model_refuse(path, status, error);
    }
    cnn_imported_free(&imported);
    cnn_onnx_notes_free(&notes);
    return status;
}
