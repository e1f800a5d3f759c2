#include "model/c_self_test.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "nn/minibatch.h"
#include "samples/dataset.h"

/* The generator of Numerical Recipes (Press et al. 1992), whose high bits are used. */
#define FACTOR UINT32_C(1664525)
#define TERM UINT32_C(1013904223)

/* Pixels as the network sees them, [channels][height][width]. */
typedef struct test_image {
    cnn_pixel_table table;
    uint8_t *pixels;
} test_image;

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const test_image *image = context;
    const uint8_t *pixels = image->pixels;
    (void)first, (void)labels;
    cnn_block_from_images(&image->table, &pixels, count, block, x);
}

/* The same pixels as the main makes, which has them as [height][width][channels]. */
static void draw(const cnn_shape *shape, uint8_t *pixels) {
    uint32_t state = 1;
    int size = shape->height * shape->width;
    for (int i = 0; i < size * shape->channels; i++) {
        state = state * FACTOR + TERM;
        pixels[i % shape->channels * size + i / shape->channels] = (uint8_t)(state >> 24);
    }
}

static cnn_status predict(const cnn_model *model, float *probability, cnn_error *error) {
    const cnn_shape *shape = &model->network->graph.nodes[0].out;
    test_image image = {.pixels = cnn_alloc(cnn_shape_size(shape), 1)};
    if (!image.pixels) {
        return cnn_fail_memory(error, "the C source");
    }
    cnn_pixel_table_fill(model->info.mean, model->info.deviation, &image.table);
    draw(shape, image.pixels);
    cnn_minibatch *minibatch;
    cnn_status status = cnn_minibatch_create(model->network, 0, 1, &minibatch, error);
    if (status == CNN_OK) {
        const cnn_sample_source source = {.fill = fill, .context = &image};
        float logit;
        cnn_minibatch_forward(minibatch, model->parameters, &source, 0, 1, &logit, NULL);
        *probability = cnn_probability(logit / (float)model->info.temperature);
        cnn_minibatch_free(minibatch);
    }
    cnn_free(image.pixels);
    return status;
}

cnn_status cnn_c_self_test_write(const cnn_model *model, const char *name, cnn_text *source,
                                 cnn_error *error) {
    float probability;
    CNN_TRY(predict(model, &probability, error));
    cnn_text_format(
        source,
        "\n#ifdef %s_SELF_TEST\n"
        "#include <stdio.h>\n"
        "\n"
        "/* Compares the probability of some pixels with that of the program that wrote this. */\n"
        "int main(void) {\n"
        "    static uint8_t pixels[%s_HEIGHT * %s_WIDTH * %s_CHANNELS];\n"
        "    const float expected = %af;\n"
        "    uint32_t state = 1;\n"
        "    float found, difference;\n"
        "    unsigned long i;\n"
        "    for (i = 0; i < sizeof pixels; i++) {\n"
        "        state = state * 1664525u + 1013904223u;\n"
        "        pixels[i] = (uint8_t)(state >> 24);\n"
        "    }\n",
        name, name, name, name, (double)probability);
    cnn_text_format(
        source,
        "    found = %s_predict(pixels);\n"
        "    difference = found < expected ? expected - found : found - expected;\n"
        "    printf(\"expected %%.7f, found %%.7f: %%s\\n\", (double)expected, (double)found,\n"
        "           difference <= 1e-5f ? \"ok\" : \"WRONG\");\n"
        "    return difference <= 1e-5f ? 0 : 1;\n"
        "}\n"
        "#endif\n",
        name);
    return CNN_OK;
}
