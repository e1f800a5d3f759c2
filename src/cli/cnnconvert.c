/* cnnconvert: writes a model in another format. */
#include "cnn/convert.h"

#include "cli/program.h"

#include "cnn/error.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct convert_command {
    cnn_shared_options shared;
    const char *paths[2]; /* in, out */
    size_t path_count;
    const char **images; /* [argc]: those of --int8, and the arguments after in and out */
    size_t image_count;
    bool int8; /* --int8 was given */
    int input; /* an index of input_names */
} convert_command;

static const char *const input_names[] = {"bytes", "float", NULL};
enum { INPUT_FLOAT = 1 };

/* Parses --int8; field: the whole command. */
static cnn_status parse_int8(const cnn_option *option, const char *text, void *field,
                             cnn_error *error) {
    convert_command *command = field;
    command->int8 = true;
    return cnn_option_path(option, text, &command->images[command->image_count++], error);
}

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
              "has normalized, [N, channels, height, width]."},
    {.name = "int8",
     .argument = "IMAGES",
     .parse = parse_int8,
     .help = "C source: 8-bit integers, with scales from these images",
     .prose = "C source: in integers of 8 bits instead of float, see {8 bits}. <images> is a "
              "folder with a sub-folder for each class, or with split folders that contain these, "
              "or a manifest. Any folder of images, or an image, will do as well, and further ones "
              "after <in> and <out>; their classes are then not known."},
    {.name = NULL},
};

static cnn_status add_path(void *context, const char *value, cnn_error *error) {
    convert_command *command = context;
    if (command->path_count == 2) {
        CNN_TRY(cnn_check_path("IMAGES", value, error));
        command->images[command->image_count++] = value;
        return CNN_OK;
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
    .notes = "Exit codes: 0 done, 1 I/O or memory, 2 flags, or no such conversion, 3 no images "
             "that can be\n"
             "read (--int8), 4 model missing or damaged.\n"
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
    return cnn_print_results(line, (size_t)length, error);
}

/* What 8 bits lose against float. */
static cnn_status print_int8(const cnn_int8_result *r, cnn_error *error) {
    char line[400];
    int length =
        snprintf(line, sizeof line,
                 "8 bits: scales from %zu images; on %zu others, probabilities differ by %.5f on "
                 "average and %.5f at most, %zu are on the other side of the threshold\n",
                 r->scaling_images, r->measured_images, r->mean_difference, r->largest_difference,
                 r->changed_decisions);
    CNN_TRY(cnn_print_results(line, (size_t)length, error));
    if (r->labelled_images == 0) {
        return CNN_OK;
    }
    const double exact = (double)r->correct_float / (double)r->labelled_images;
    const double quantized = (double)r->correct_int8 / (double)r->labelled_images;
    length = snprintf(line, sizeof line,
                      "accuracy on these: %.4f in float, %.4f in 8 bits: %+.2f points\n", exact,
                      quantized, 100.0 * (quantized - exact));
    return cnn_print_results(line, (size_t)length, error);
}

static cnn_status print(const convert_command *command, const cnn_converted_cost *cost,
                        const cnn_int8_result *int8, cnn_error *error) {
    if (cost->multiply_adds > 0.0) {
        CNN_TRY(print_cost(cost, error));
    }
    if (command->int8) {
        CNN_TRY(print_int8(int8, error));
    }
    if (int8->unreadable_images > 0 && !command->shared.quiet) {
        fprintf(stderr, "cnnconvert: %zu images cannot be read and are left out\n",
                int8->unreadable_images);
    }
    return cnn_flush_results(error);
}

static cnn_status convert(void *context, cnn_error *error) {
    const convert_command *command = context;
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected IN and OUT (see --help)");
    }
    if (!command->int8 && command->image_count > 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected one IN and one OUT, got a third argument \"%.100s\"",
                        command->images[0]);
    }
    cnn_converted_cost cost = {0};
    cnn_int8_result int8 = {0};
    const cnn_convert_options wanted = {.float_input = command->input == INPUT_FLOAT,
                                        .cost = &cost,
                                        .int8_images = command->images,
                                        .int8_count = command->image_count,
                                        .int8 = &int8,
                                        .threads = command->shared.threads};
    CNN_TRY(cnn_convert(command->paths[0], command->paths[1], &wanted, error));
    return print(command, &cost, &int8, error);
}

int main(int argc, char **argv) {
    convert_command command = {.images = calloc((size_t)argc + 1, sizeof *command.images)};
    if (!command.images) {
        fprintf(stderr, "cnnconvert: out of memory\n");
        return 1;
    }
    const int code = cnn_program_main(&program, argc, argv, &command);
    free(command.images);
    return code;
}
