#include "model/onnx_metadata.h"

#include "base/error.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "image/load.h"
#include "model/golden.h"

/* Adds the text to the metadata, and frees it. */
static void add_text(cnn_onnx_builder *builder, const char *key, cnn_text *text) {
    if (text->failed) {
        cnn_onnx_fail(builder);
    } else {
        cnn_onnx_metadata(builder, key, text->data);
    }
    cnn_text_free(text);
}

/* As an array of JSON. */
static void add_numbers(cnn_onnx_builder *builder, const char *key, const double *numbers,
                        int count) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_begin_array(&json);
    for (int i = 0; i < count; i++) {
        cnn_json_number(&json, numbers[i]);
    }
    cnn_json_end(&json);
    add_text(builder, key, &text);
}

static void add_answer(cnn_onnx_builder *builder, const cnn_model_info *info) {
    cnn_text classes = {0}, threshold = {0};
    cnn_json_writer json = cnn_json_writer_start(&classes, CNN_JSON_COMPACT);
    cnn_json_begin_array(&json);
    cnn_json_string(&json, info->classes[0]);
    cnn_json_string(&json, info->classes[1]);
    cnn_json_end(&json);
    cnn_text_number(&threshold, info->threshold, "");
    add_text(builder, "classes", &classes);
    add_text(builder, "threshold", &threshold);
}

/* What was done to an image before the network saw it. */
static void add_image(cnn_onnx_builder *builder, const cnn_model *model, const cnn_shape *shape) {
    const cnn_image_settings *image = &model->config->image;
    const double size[] = {shape->height, shape->width, shape->channels};
    const double ends[] = {(double)image->ends.low, (double)image->ends.high};
    add_numbers(builder, "size", size, 3);
    add_numbers(builder, "mean", model->info.mean, shape->channels);
    add_numbers(builder, "deviation", model->info.deviation, shape->channels);
    cnn_onnx_metadata(builder, "resize", cnn_resize_names[image->resize]);
    cnn_onnx_metadata(builder, "range", cnn_range_names[image->range]);
    if (image->range == CNN_RANGE_STRETCH) {
        add_numbers(builder, "range_ends", ends, 2);
    }
    cnn_onnx_metadata(builder, "alpha", cnn_alpha_names[image->alpha]);
    cnn_onnx_metadata(builder, "pixels", CNN_IMAGE_PIXELS);
}

static void add_golden_texts(cnn_onnx_builder *builder, const cnn_shape *shape,
                             const uint8_t *pixels, const cnn_golden_answer *answer) {
    cnn_text image = {0}, logit = {0}, probability = {0};
    cnn_golden_write_image(shape, pixels, &image);
    cnn_text_float(&logit, answer->logit);
    cnn_text_float(&probability, answer->probability);
    add_text(builder, CNN_GOLDEN_IMAGE, &image);
    add_text(builder, CNN_GOLDEN_LOGIT, &logit);
    add_text(builder, CNN_GOLDEN_PROBABILITY, &probability);
}

/* An image and the model's answer, so that anybody can check the file. */
static cnn_status add_golden(cnn_onnx_builder *builder, const cnn_model *model,
                             const cnn_shape *shape, cnn_error *error) {
    cnn_golden_answer answer;
    uint8_t *pixels = cnn_alloc(cnn_shape_size(shape), 1);
    if (!pixels) {
        return cnn_fail_memory(error, "the export");
    }
    cnn_status status = cnn_golden_ask_drawn(model, pixels, &answer, error);
    if (status == CNN_OK) {
        add_golden_texts(builder, shape, pixels, &answer);
    }
    cnn_free(pixels);
    return status;
}

cnn_status cnn_onnx_add_metadata(cnn_onnx_builder *builder, const cnn_model *model,
                                 const char *sha256, cnn_error *error) {
    const cnn_shape *shape = &model->network->graph.nodes[0].out;
    add_answer(builder, &model->info);
    add_image(builder, model, shape);
    cnn_onnx_metadata(builder, "model_sha256", sha256);
    return add_golden(builder, model, shape, error);
}
