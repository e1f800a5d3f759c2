/* cnnconvert: writes a model in another format. */
#include "cnn/convert.h"

#include "cli/program.h"

#include "cnn/error.h"

#include <stdio.h>

typedef struct convert_command {
    cnn_shared_options shared;
    const char *paths[2]; /* in, out */
    size_t path_count;
    int input; /* an index of input_names */
    bool any_size;
} convert_command;

static const char *const input_names[] = {"bytes", "float", NULL};
enum { INPUT_FLOAT = 1 };

#define FIELD(field) .offset = offsetof(convert_command, field)

static const cnn_option options[] = {
    {.name = "input",
     .argument = "KIND",
     .parse = cnn_option_choice,
     FIELD(input),
     .choices = input_names,
     .help = "ONNX: what the graph reads: bytes (default) or float",
     .prose = "ONNX: `bytes` (default): the pixels of N images as bytes, [N, height, width, "
              "channels], RGB or grey, top row first. `float`: the same as numbers that the caller "
              "has normalized, [N, channels, height, width]; opset 10, for OpenCV."},
    {.name = "any-size",
     FIELD(any_size),
     .help = "ONNX: images of any height and width, resized in the graph",
     .prose = "ONNX: the images may have any height and width, all of a call the same. The graph "
              "resizes them as `resize` of the config says; pixels are within 2 (of 255) of those "
              "that cnnpredict sees. It needs opset 18, not 13: ONNX Runtime 1.15 or later."},
    {.name = NULL},
};

static cnn_status add_path(void *context, const char *value, cnn_error *error) {
    convert_command *command = context;
    if (command->path_count == 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected one IN and one OUT, got a third argument \"%.100s\"", value);
    }
    CNN_TRY(cnn_check_path(command->path_count == 0 ? "IN" : "OUT", value, error));
    command->paths[command->path_count++] = value;
    return CNN_OK;
}

static cnn_action convert;

static const cnn_program program = {
    .name = "cnnconvert",
    .usage = "usage: cnnconvert IN OUT [OPTION ...]\n"
             "\n"
             "Writes a model of cnntrain in another format. The ends of the names say which:\n"
             "model.bin to model.onnx, or to model.c and model.h.\n",
    .notes =
        "Exit codes: 0 done, 1 I/O or memory, 2 flags, or no such conversion, 4 model missing or\n"
        "damaged.\n"
        "\n"
        "  cnnconvert runs/fashion/model.bin fashion.onnx",
    .options = options,
    .shared = cnn_shared_rows,
    .argument = add_path,
    .work = convert,
};

static cnn_status print_cost(const cnn_converted_cost *cost, cnn_error *error) {
    char line[160];
    const int length =
        snprintf(line, sizeof line, "RAM %zu bytes, flash %zu bytes and code, %.0f multiply-adds\n",
                 cost->ram_bytes, cost->flash_bytes, cost->multiply_adds);
    CNN_TRY(cnn_print_results(line, (size_t)length, error));
    return cnn_flush_results(error);
}

static cnn_status convert(void *context, cnn_error *error) {
    const convert_command *command = context;
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected IN and OUT (see --help)");
    }
    cnn_converted_cost cost = {0};
    const cnn_convert_options wanted = {
        .float_input = command->input == INPUT_FLOAT, .any_size = command->any_size, .cost = &cost};
    CNN_TRY(cnn_convert(command->paths[0], command->paths[1], &wanted, error));
    return cost.multiply_adds > 0.0 ? print_cost(&cost, error) : CNN_OK;
}

int main(int argc, char **argv) {
    convert_command command = {0};
    return cnn_program_main(&program, argc, argv, &command);
}
