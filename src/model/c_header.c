#include "model/c_header.h"

#include "cnn/version.h"

#include <string.h>

cnn_c_name cnn_c_node_name(const cnn_node *node) {
    cnn_c_name name = {"layer_"};
    size_t length = strlen(name.text);
    for (const char *c = node->path; *c && length + 1 < sizeof name.text; c++) {
        name.text[length++] = *c == '.' ? '_' : *c;
    }
    return name;
}

/* A C string; whatever could end it, or begin a trigraph, is a number. */
static void add_string(cnn_text *text, const char *string) {
    cnn_text_format(text, "\"");
    for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
        bool plain = *c >= 0x20 && *c < 0x7f && *c != '"' && *c != '\\' && *c != '?';
        cnn_text_format(text, plain ? "%c" : "\\%03o", *c);
    }
    cnn_text_format(text, "\"");
}

void cnn_c_header_write(const cnn_model *model, const char *name, const char *sha256,
                        const char *element, const char *note, const cnn_c_cost *cost,
                        cnn_text *text) {
    const cnn_shape *image = &model->network->graph.nodes[0].out;
    cnn_text_format(text,
                    "/* A network of cnntrain %s, from the model with the SHA-256\n"
                    "   %s.%s */\n"
                    "#ifndef %s_H\n#define %s_H\n\n#include <stdint.h>\n\n",
                    cnn_version(), sha256, note, name, name);
    cnn_text_format(text,
                    "/* The image: bytes [height][width][channels], top row first; 3 channels are "
                    "RGB. It comes "
                    "to this\n   size as %s_RESIZE says. */\n"
                    "#define %s_HEIGHT %d\n#define %s_WIDTH %d\n#define %s_CHANNELS %d\n"
                    "#define %s_RESIZE \"%s\"\n\n",
                    name, name, image->height, name, image->width, name, image->channels, name,
                    cnn_resize_names[model->config->image.resize]);
    cnn_text_format(
        text, "/* Class 1 if the probability is at least the threshold. */\n#define %s_CLASS_0 ",
        name);
    add_string(text, model->info.classes[0]);
    cnn_text_format(text, "\n#define %s_CLASS_1 ", name);
    add_string(text, model->info.classes[1]);
    cnn_text_format(text, "\n#define %s_THRESHOLD %af\n\n", name,
                    (double)(float)model->info.threshold);
    cnn_text_format(
        text,
        "/* What it needs: bytes of memory for values, bytes of constants, multiply-adds for an "
        "image. */\n"
        "#define %s_RAM_BYTES %zu\n#define %s_WEIGHT_BYTES %zu\n#define %s_MULTIPLY_ADDS %.0f\n\n",
        name, cost->buffer_bytes, name, cost->weight_bytes, name, cost->multiply_adds);
    cnn_text_format(
        text,
        "/* The probability of class 1. Has its own buffer, so it must not run twice at the "
        "same time. */\n"
        "float %s_predict(const uint8_t *pixels);\n\n"
        "/* The same in a buffer of the caller: %s[%s_RAM_BYTES / sizeof(%s)]. */\n"
        "float %s_predict_in(const uint8_t *pixels, %s *buffer);\n\n#endif\n",
        name, element, name, element, name, element);
}

void cnn_c_predict_write(const char *name, const char *element, size_t size, cnn_text *source) {
    cnn_text_format(source,
                    "\n"
                    "float %s_predict(const uint8_t *pixels) {\n"
                    "    static %s buffer[%zu];\n"
                    "    return %s_predict_in(pixels, buffer);\n"
                    "}\n",
                    name, element, size, name);
}

double cnn_c_multiply_adds(const cnn_node *node) {
    bool weighs = strcmp(node->ops->name, "conv") == 0 || strcmp(node->ops->name, "dense") == 0;
    return weighs ? cnn_node_flops(node) / 2.0 : 0.0;
}
