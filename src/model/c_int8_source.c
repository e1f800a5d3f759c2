#include "model/c_int8_source.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/golden.h"

#include <string.h>

/* A source that is being written. */
typedef struct writing {
    const cnn_int8_network *network;
    const char *name;
    cnn_text *source;
    size_t weight_bytes;
} writing;

/* --- functions --- */

/* c_int8_functions.inc, line by line. CMake writes it. */
static const char *const functions[] = {
#include "c_int8_functions_text.inc"
};

#define STEPS(kind) (1u << (kind))
#define WEIGHING (STEPS(CNN_INT8_CONVOLVE) | STEPS(CNN_INT8_DEPTHWISE))
#define NARROWING (WEIGHING | STEPS(CNN_INT8_AVERAGE) | STEPS(CNN_INT8_ADD))
#define SLIDING (WEIGHING | STEPS(CNN_INT8_AVERAGE) | STEPS(CNN_INT8_MAXIMUM))

/* A section of the functions, and the steps that need it. */
typedef struct section {
    const char *name;
    unsigned steps;
} section;

static const section sections[] = {
    {"limits", NARROWING | STEPS(CNN_INT8_MAXIMUM)},
    {"window", SLIDING},
    {"narrow", NARROWING},
    {"patch", STEPS(CNN_INT8_CONVOLVE)},
    {"convolve", STEPS(CNN_INT8_CONVOLVE)},
    {"depthwise", STEPS(CNN_INT8_DEPTHWISE)},
    {"maximum", STEPS(CNN_INT8_MAXIMUM)},
    {"average", STEPS(CNN_INT8_AVERAGE)},
    {"add", STEPS(CNN_INT8_ADD)},
    {"look_up", STEPS(CNN_INT8_LOOK_UP)},
    {"transpose", STEPS(CNN_INT8_TRANSPOSE)},
};

static size_t offset_of(const writing *w, int n) {
    return w->network->places.offset[n];
}

/* Flattened values that a later step needs as they were are copied. */
static bool is_copied(const writing *w, int n) {
    const cnn_int8_step *step = &w->network->steps[n];
    return step->kind == CNN_INT8_SAME && offset_of(w, n) != offset_of(w, step->node->input[0]);
}

/* The kinds of steps that the network has. */
static unsigned steps_of(const writing *w) {
    unsigned steps = 0;
    for (int n = 0; n < w->network->count; n++) {
        steps |= STEPS(is_copied(w, n) ? CNN_INT8_TRANSPOSE : w->network->steps[n].kind);
    }
    return steps;
}

/* Is the section of this name written? Those that are not in the table always are. */
static bool is_needed(const char *name, size_t length, unsigned steps) {
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (strlen(sections[i].name) == length && strncmp(sections[i].name, name, length) == 0) {
            return (sections[i].steps & steps) != 0;
        }
    }
    return true;
}

/* The lines before the first section are a comment for readers of that file. */
static void add_functions(const writing *w) {
    static const char mark[] = "/*: ";
    bool needed = false;
    unsigned steps = steps_of(w);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const char *line = functions[i];
        if (strncmp(line, mark, sizeof mark - 1) == 0) {
            const char *name = line + sizeof mark - 1;
            needed = is_needed(name, strcspn(name, " "), steps);
            line = "";
        }
        if (needed) {
            cnn_text_format(w->source, "%s\n", line);
        }
    }
}

/* --- constants --- */

/* An array of a layer as text: "static const int8_t layer_0_weight[9] = {…". */
static void begin_array(writing *w, const cnn_int8_step *step, const char *type, const char *part,
                        size_t count, size_t bytes) {
    cnn_text_format(w->source, "static const %s %s_%s[%zu] = {", type,
                    cnn_c_node_name(step->node).text, part, count);
    w->weight_bytes += count * bytes;
}

enum { PER_LINE = 16 };

static const char *separator(size_t i) {
    return i % PER_LINE == 0 ? "\n    " : " ";
}

static void add_bytes(writing *w, const cnn_int8_step *step) {
    begin_array(w, step, "int8_t", "weight", step->weight_count, sizeof(int8_t));
    for (size_t i = 0; i < step->weight_count; i++) {
        cnn_text_format(w->source, "%s%d,", separator(i), step->weight[i]);
    }
    cnn_text_format(w->source, "\n};\n");
}

static void add_integers(writing *w, const cnn_int8_step *step, const char *part,
                         const int32_t *values) {
    begin_array(w, step, "int32_t", part, step->channels, sizeof(int32_t));
    for (size_t i = 0; i < step->channels; i++) {
        cnn_text_format(w->source, "%s%ld,", separator(i), (long)values[i]);
    }
    cnn_text_format(w->source, "\n};\n");
}

static void add_shifts(writing *w, const cnn_int8_step *step) {
    begin_array(w, step, "uint8_t", "shift", step->channels, sizeof(uint8_t));
    for (size_t i = 0; i < step->channels; i++) {
        cnn_text_format(w->source, "%s%u,", separator(i), step->shift[i]);
    }
    cnn_text_format(w->source, "\n};\n");
}

static bool is_weighing(const cnn_int8_step *step) {
    return (STEPS(step->kind) & WEIGHING) != 0;
}

static void add_constants(writing *w) {
    for (int n = 0; n < w->network->count; n++) {
        const cnn_int8_step *step = &w->network->steps[n];
        if (step->weight_count > 0) {
            add_bytes(w, step);
        }
        if (is_weighing(step)) {
            add_integers(w, step, "bias", step->bias);
            add_integers(w, step, "multiplier", step->multiplier);
            add_shifts(w, step);
        }
    }
}

/* --- calls --- */

static void add_limits(const writing *w, const cnn_int8_step *step) {
    cnn_text_format(w->source, "        static const struct limits l = {%d, %d, %d};\n", step->zero,
                    step->low, step->high);
}

static void add_window(const writing *w, const cnn_int8_step *step) {
    const cnn_int8_window *s = &step->window;
    cnn_text_format(
        w->source,
        "        static const struct window s = {%d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, "
        "%d, %d};\n",
        s->height, s->width, s->channels, s->zero, s->kernel_height, s->kernel_width, s->stride,
        s->top, s->left, s->out_height, s->out_width, s->filters, s->groups, s->pool);
}

/* "x + 4, x + 8": where a step reads and writes. */
static void add_places(const writing *w, int n) {
    cnn_text_format(w->source, "x + %zu, x + %zu",
                    offset_of(w, w->network->steps[n].node->input[0]), offset_of(w, n));
}

static const char *function_of(const cnn_int8_step *step) {
    return step->kind == CNN_INT8_CONVOLVE    ? "convolve"
           : step->kind == CNN_INT8_DEPTHWISE ? "depthwise"
           : step->kind == CNN_INT8_AVERAGE   ? "average"
                                              : "maximum";
}

static void call_sliding(const writing *w, int n) {
    const cnn_int8_step *step = &w->network->steps[n];
    const char *name = cnn_c_node_name(step->node).text;
    add_limits(w, step);
    add_window(w, step);
    cnn_text_format(w->source, "        %s(&s, &l, ", function_of(step));
    add_places(w, n);
    if (step->kind == CNN_INT8_AVERAGE) {
        cnn_text_format(w->source, ", %ld, %d", (long)step->multiplier[0], step->shift[0]);
    } else if (is_weighing(step)) {
        cnn_text_format(w->source, ", %s_weight, %s_bias, %s_multiplier, %s_shift", name, name,
                        name, name);
    }
    cnn_text_format(w->source, ");\n");
}

static void call_add(const writing *w, int n) {
    const cnn_int8_step *step = &w->network->steps[n];
    add_limits(w, step);
    cnn_text_format(w->source, "        add(&l");
    for (int k = 0; k < 2; k++) {
        cnn_text_format(w->source, ", x + %zu, %d, %ld", offset_of(w, step->node->input[k]),
                        cnn_int8_input(w->network, n, k)->zero, (long)step->multiplier[k]);
    }
    cnn_text_format(w->source, ", %d, x + %zu, %zu);\n", step->shift[0], offset_of(w, n),
                    step->size);
}

static void call_look_up(const writing *w, int n) {
    const cnn_int8_step *step = &w->network->steps[n];
    cnn_text_format(w->source, "        look_up(");
    add_places(w, n);
    cnn_text_format(w->source, ", %s_weight, %zu);\n", cnn_c_node_name(step->node).text,
                    step->size);
}

static void call_transpose(const writing *w, int n) {
    const cnn_int8_step *step = &w->network->steps[n];
    bool same = step->kind == CNN_INT8_SAME;
    int size = step->window.height * step->window.width;
    if (same && !is_copied(w, n)) {
        return;
    }
    cnn_text_format(w->source, "        transpose(");
    add_places(w, n);
    cnn_text_format(w->source, ", %zu, %d);\n", same ? step->size : (size_t)size,
                    same ? 1 : step->window.channels);
}

static void add_call(const writing *w, int n) {
    switch (w->network->steps[n].kind) {
    case CNN_INT8_CONVOLVE:
    case CNN_INT8_DEPTHWISE:
    case CNN_INT8_MAXIMUM:
    case CNN_INT8_AVERAGE:
        call_sliding(w, n);
        break;
    case CNN_INT8_ADD:
        call_add(w, n);
        break;
    case CNN_INT8_LOOK_UP:
        call_look_up(w, n);
        break;
    case CNN_INT8_SAME:
    case CNN_INT8_TRANSPOSE:
        call_transpose(w, n);
        break;
    case CNN_INT8_IMAGE:
    case CNN_INT8_LOGIT:
        break;
    }
}

/* The sum of the last layer, limited if it has a ReLU. */
static void add_logit(const writing *w) {
    const cnn_int8_step *last = &w->network->steps[w->network->count - 1];
    cnn_text_format(w->source, "    logit = dot(x + %zu, %s_weight, %zu, %d) + %ld;\n",
                    offset_of(w, last->node->input[0]), cnn_c_node_name(last->node).text,
                    last->weight_count, last->window.zero, (long)last->bias[0]);
    if (last->node->relu) {
        cnn_text_format(w->source, "    logit = logit < 0 ? 0 : logit > %d ? %d : logit;\n",
                        last->high, last->high);
    }
}

static void add_calls(const writing *w) {
    const cnn_int8_network *network = w->network;
    const cnn_int8_step *image = &network->steps[0];
    cnn_text_format(w->source,
                    "\n"
                    "/* The logit as an integer. */\n"
                    "static int32_t %s_logit(const uint8_t *pixels, int8_t *x) {\n"
                    "    int32_t logit;\n"
                    "    quantize(pixels, x + %zu, %s_weight, %d, %d);\n",
                    w->name, offset_of(w, 0), cnn_c_node_name(image->node).text,
                    image->window.height * image->window.width, image->window.channels);
    for (int n = 1; n + 1 < network->count; n++) {
        const cnn_node *node = network->steps[n].node;
        cnn_text_format(w->source, "    { /* %s: %s, %d x %d x %d */\n", node->path,
                        node->ops->name, node->stored.channels, node->stored.height,
                        node->stored.width);
        add_call(w, n);
        cnn_text_format(w->source, "    }\n");
    }
    add_logit(w);
    cnn_text_format(w->source,
                    "    return logit;\n"
                    "}\n"
                    "\n"
                    "float %s_predict_in(const uint8_t *pixels, int8_t *buffer) {\n"
                    "    return probability(%s_logit(pixels, buffer), %ld, %d);\n"
                    "}\n",
                    w->name, w->name, (long)network->logit_multiplier, network->logit_shift);
    cnn_c_predict_write(w->name, "int8_t", network->places.size, w->source);
}

/* --- self test --- */

/* The golden image, and the same with fewer and fewer bits: darker. */
enum { TEST_IMAGES = 4 };

typedef struct answer {
    int32_t logit;
    float probability;
} answer;

static void ask(const writing *w, uint8_t *pixels, int8_t *buffer, answer answers[TEST_IMAGES]) {
    const cnn_shape *shape = &w->network->steps[0].node->out;
    cnn_golden_draw(shape, pixels);
    for (int k = 0; k < TEST_IMAGES; k++) {
        answers[k].probability = cnn_int8_run(w->network, pixels, buffer, &answers[k].logit);
        for (size_t i = 0; i < cnn_shape_size(shape); i++) {
            pixels[i] = pixels[i] >> 1;
        }
    }
}

static void add_self_test(const writing *w, const answer answers[TEST_IMAGES]) {
    const char *name = w->name;
    cnn_text_format(w->source,
                    "\n#ifdef %s_SELF_TEST\n"
                    "#include <stdio.h>\n"
                    "\n"
                    "/* Compares the results for some pixels with those of the program that wrote "
                    "this: integers, so they are the same. */\n"
                    "int main(void) {\n"
                    "    static uint8_t pixels[%s_HEIGHT * %s_WIDTH * %s_CHANNELS];\n"
                    "    static int8_t buffer[%s_RAM_BYTES];\n"
                    "    static const int32_t logits[%d] = {",
                    name, name, name, name, name, TEST_IMAGES);
    for (int k = 0; k < TEST_IMAGES; k++) {
        cnn_text_format(w->source, "%s%ld", k > 0 ? ", " : "", (long)answers[k].logit);
    }
    cnn_text_format(w->source, "};\n    static const float probabilities[%d] = {", TEST_IMAGES);
    for (int k = 0; k < TEST_IMAGES; k++) {
        cnn_text_format(w->source, "%s%af", k > 0 ? ", " : "", (double)answers[k].probability);
    }
    cnn_text_format(
        w->source,
        "};\n"
        "    uint32_t state = 1;\n"
        "    unsigned long i;\n"
        "    int k, wrong = 0;\n"
        "    for (i = 0; i < sizeof pixels; i++) {\n"
        "        state = state * 1664525u + 1013904223u;\n"
        "        pixels[i] = (uint8_t)(state >> 24);\n"
        "    }\n"
        "    for (k = 0; k < %d; k++) {\n"
        "        const long logit = (long)%s_logit(pixels, buffer);\n"
        "        const float found = %s_predict(pixels), difference = found - probabilities[k];\n"
        "        const int same = logit == (long)logits[k] && !(difference < 0.0f) && "
        "!(difference > 0.0f);\n"
        "        printf(\"expected %%ld and %%.7f, found %%ld and %%.7f: %%s\\n\", "
        "(long)logits[k],\n"
        "               (double)probabilities[k], logit, (double)found, same ? \"ok\" : "
        "\"WRONG\");\n"
        "        wrong += !same;\n"
        "        for (i = 0; i < sizeof pixels; i++) {\n"
        "            pixels[i] = (uint8_t)(pixels[i] >> 1);\n"
        "        }\n"
        "    }\n"
        "    return wrong > 0;\n"
        "}\n"
        "#endif\n",
        TEST_IMAGES, name, name);
}

static cnn_status write_self_test(const writing *w, cnn_error *error) {
    answer answers[TEST_IMAGES];
    uint8_t *pixels = cnn_alloc(cnn_shape_size(&w->network->steps[0].node->out), 1);
    int8_t *buffer = cnn_alloc(w->network->places.size, 1);
    bool complete = pixels && buffer;
    if (complete) {
        ask(w, pixels, buffer, answers);
        add_self_test(w, answers);
    }
    cnn_free(pixels);
    cnn_free(buffer);
    return complete ? CNN_OK : cnn_fail_memory(error, "the C source");
}

/* --- the files --- */

cnn_status cnn_int8_source_write(const cnn_int8_network *network, const char *name,
                                 const char *sha256, const char *note, cnn_text *header,
                                 cnn_text *source, cnn_c_cost *cost, cnn_error *error) {
    writing w = {.network = network, .name = name, .source = source};
    cnn_text_format(source, "/* See %s.h. C99, no library, integers of 8 bits. */\n", name);
    cnn_text_format(source, "#include \"%s.h\"\n\n", name);
    add_constants(&w);
    add_functions(&w);
    add_calls(&w);
    *cost = (cnn_c_cost){.buffer_bytes = network->places.size, .weight_bytes = w.weight_bytes};
    for (int n = 0; n < network->count; n++) {
        cost->multiply_adds += cnn_c_multiply_adds(network->steps[n].node);
    }
    CNN_TRY(write_self_test(&w, error));
    cnn_c_header_write(network->model, name, sha256, "int8_t", note, cost, header);
    return header->failed || source->failed ? cnn_fail_memory(error, "the C source") : CNN_OK;
}
