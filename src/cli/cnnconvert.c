/* cnnconvert: writes a model in another format. */
#include "cnn/convert.h"

#include "cli/program.h"

#include "cnn/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct convert_command {
    cnn_shared_options shared;
    const char *paths[2]; /* in, out */
    size_t path_count;
    const char **images; /* [argc]: those of --int8, and the arguments after in and out */
    size_t image_count;
    bool int8; /* --int8 was given */
    int input; /* an index of input_names */
    bool any_size;
    const char *check;
    const char *until, *size, *classes, *mean, *deviation, *layers;
    bool imagenet, blue_first;
} convert_command;

static const char *const input_names[] = {"bytes", "float", NULL};
enum { INPUT_FLOAT = 1 };

static cnn_action convert, check;

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
              "has normalized, [N, channels, height, width]; opset 10, for OpenCV."},
    {.name = "any-size",
     FIELD(any_size),
     .help = "ONNX: images of any height and width, resized in the graph",
     .prose = "ONNX: the images may have any height and width, all of a call the same. The graph "
              "resizes them as `resize` of the config says; pixels are within 2 (of 255) of those "
              "that cnnpredict sees. It needs opset 18, not 13: ONNX Runtime 1.15 or later."},
    {.name = "int8",
     .argument = "IMAGES",
     .parse = parse_int8,
     .help = "C source: 8-bit integers, with scales from these images",
     .prose = "C source: in integers of 8 bits instead of float, see {8 bits}. <images> is a "
              "folder with a sub-folder for each class, or with split folders that contain these, "
              "or a manifest. Any folder of images, or an image, will do as well, and further ones "
              "after <in> and <out>; their classes are then not known."},
    {.name = "until",
     .argument = "NODE",
     .parse = cnn_option_text,
     FIELD(until),
     .help = "from ONNX: the node, or its output, where the network ends",
     .prose =
         "From ONNX: the name of the node, or of its output, where the network ends; what "
         "follows is left out. An output with rows and columns is replaced by the mean of each "
         "channel. The result is a network to start training from, unless it ends in one "
         "sigmoid or in a softmax of two."},
    {.name = "classes",
     .argument = "A,B",
     .parse = cnn_option_text,
     FIELD(classes),
     .help = "to a model: the names of class 0 and class 1",
     .prose = "To a model: the names of class 0 and class 1. With this option, a network that ends "
              "in one value, or in two, without a sigmoid or softmax is a classifier, too: the "
              "values are logits, as after training with PyTorch's `BCEWithLogitsLoss` or "
              "`CrossEntropyLoss`. Default: those in the file, or 0 and 1."},
    {.name = "size",
     .argument = "WIDTHxHEIGHT",
     .parse = cnn_option_text,
     FIELD(size),
     .help = "from ONNX: the size of the image, where the file leaves it open",
     .prose = "From ONNX: the size of the image in pixels, where the file leaves it open, such as "
              "`224x224`."},
    {.name = "mean",
     .argument = "LIST",
     .parse = cnn_option_text,
     FIELD(mean),
     .help = "to a model: the mean that was subtracted from pixels from 0 to 1",
     .prose = "To a model: how pixels were normalized when the network was trained, if the file "
              "does not say so: the network sees (x / 255 - mean) / deviation of a pixel x from 0 "
              "to 255. One number, or one for each channel in the order of the network, separated "
              "by commas. A network on numbers from 0 to 255 less a mean m has mean m / 255 and "
              "deviation 0.00392156863, which is 1 / 255. Default: mean 0 and deviation 1."},
    {.name = "deviation",
     .argument = "LIST",
     .parse = cnn_option_text,
     FIELD(deviation),
     .help = "to a model: … and the deviation by which they were divided",
     .prose = "To a model: see `--mean`."},
    {.name = "imagenet",
     FIELD(imagenet),
     .help = "to a model: mean and deviation of ImageNet, as torchvision uses them",
     .prose = "To a model: the same as `--mean 0.485,0.456,0.406 --deviation 0.229,0.224,0.225`, "
              "which the networks of torchvision were trained with."},
    {.name = "bgr",
     FIELD(blue_first),
     .help = "to a model: the channels of the network are blue, green, red",
     .prose =
         "To a model: the network was trained on channels in the order blue, green, red, as by "
         "OpenCV and Caffe. The weights of the first layer are reordered."},
    {.name = "layers",
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(layers),
     .help = "from safetensors: the keys image and layers of a config",
     .prose =
         "From safetensors, which contains weights alone: a JSON file with the keys `image` "
         "and `layers` of a config. The tensors have the names of a PyTorch `nn.Sequential` of "
         "the same layers, such as `0.weight`."},
    {.name = "check",
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(check),
     .action = check,
     .help = "check an ONNX file of this program with the image in it, and stop",
     .prose = "Read an ONNX file that this program wrote, compute the probability of the image in "
              "its metadata, and compare it with the one that the model gave. Print `ok`, or fail "
              "with both numbers and exit status 4."},
    {.name = NULL},
};

/* --- the values of options --- */

/* Reads one number, or one for each channel. */
static cnn_status read_numbers(const char *option, const char *text, double numbers[3],
                               cnn_error *error) {
    int count = 0;
    char *end = NULL;
    for (const char *at = text; count < 3; at = end + 1) {
        numbers[count++] = strtod(at, &end);
        if (end == at || *end != ',') {
            break;
        }
    }
    bool fits = end && !*end && end > text && (count == 1 || count == 3);
    for (int i = 0; i < count; i++) {
        fits = fits && isfinite(numbers[i]);
    }
    if (!fits) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected one number, or three separated by commas, got \"%.100s\"",
                        option, text);
    }
    for (int i = count; i < 3; i++) {
        numbers[i] = numbers[0];
    }
    return CNN_OK;
}

static cnn_status read_normalization(const convert_command *command, cnn_foreign_options *to,
                                     cnn_error *error) {
    const char *mean = command->mean, *deviation = command->deviation;
    if (command->imagenet && (mean || deviation)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--imagenet: expected neither --mean nor --deviation with it");
    }
    if (command->imagenet) {
        mean = "0.485,0.456,0.406";
        deviation = "0.229,0.224,0.225";
    }
    if (mean || deviation) {
        CNN_TRY(read_numbers("mean", mean ? mean : "0", to->mean, error));
        CNN_TRY(read_numbers("deviation", deviation ? deviation : "1", to->deviation, error));
        for (int c = 0; c < 3; c++) {
            if (!(to->deviation[c] > 0.0)) {
                return cnn_fail(error, CNN_ERROR_CONFIG,
                                "--deviation: expected numbers above 0, got \"%.100s\"", deviation);
            }
        }
    }
    return CNN_OK;
}

static cnn_status read_size(const char *text, cnn_foreign_options *to, cnn_error *error) {
    char *end;
    long width = strtol(text, &end, 10);
    long height = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end || width < 1 || width > 4096 || height < 1 || height > 4096) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--size: expected WIDTHxHEIGHT, each from 1 to 4096, got \"%.100s\"", text);
    }
    to->width = (int)width;
    to->height = (int)height;
    return CNN_OK;
}

/* Divides the text at its only comma. names: where the two names are stored. */
static cnn_status read_classes(const char *text, char names[256], cnn_foreign_options *to,
                               cnn_error *error) {
    size_t length = strlen(text), first = strcspn(text, ",");
    const char *second = text + first + 1; /* if there is a comma */
    if (length >= 256 || first == 0 || first + 1 >= length || strchr(second, ',') ||
        (strncmp(text, second, first) == 0 && strlen(second) == first)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--classes: expected two different names A,B, got \"%.100s\"", text);
    }
    memcpy(names, text, length + 1);
    names[first] = '\0';
    to->classes[0] = names;
    to->classes[1] = names + first + 1;
    return CNN_OK;
}

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

static const cnn_program program = {
    .name = "cnnconvert",
    .usage = "usage: cnnconvert IN OUT [OPTION ...]\n"
             "\n"
             "Writes a model of cnntrain in another format, or a network of another program as a\n"
             "model. The ends of the names say which: model.bin to model.onnx, or to model.c and\n"
             "model.h; network.onnx or network.safetensors to network.bin.\n",
    .notes = "Exit codes: 0 done, 1 I/O or memory, 2 flags, or no such conversion, 3 no readable\n"
             "images (--int8), 4 model missing or damaged, or not one that can be converted.\n"
             "\n"
             "  cnnconvert runs/fashion/model.bin fashion.onnx\n"
             "  cnnconvert resnet18.onnx resnet18.bin --imagenet",
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

static cnn_status print(const convert_command *command, const char *about,
                        const cnn_converted_cost *cost, const cnn_int8_result *int8,
                        cnn_error *error) {
    if (about && !command->shared.quiet) {
        CNN_TRY(cnn_print_results(about, strlen(about), error));
    }
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

static cnn_status read_foreign(const convert_command *command, char names[256],
                               cnn_foreign_options *to, cnn_error *error) {
    CNN_TRY(read_normalization(command, to, error));
    if (command->size) {
        CNN_TRY(read_size(command->size, to, error));
    }
    return command->classes ? read_classes(command->classes, names, to, error) : CNN_OK;
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
    char names[256], *about = NULL;
    cnn_convert_options wanted = {.float_input = command->input == INPUT_FLOAT,
                                  .any_size = command->any_size,
                                  .cost = &cost,
                                  .int8_images = command->images,
                                  .int8_count = command->image_count,
                                  .int8 = &int8,
                                  .threads = command->shared.threads,
                                  .foreign = {.until = command->until,
                                              .blue_first = command->blue_first,
                                              .layers = command->layers},
                                  .about = &about};
    CNN_TRY(read_foreign(command, names, &wanted.foreign, error));
    cnn_status status = cnn_convert(command->paths[0], command->paths[1], &wanted, error);
    if (status == CNN_OK) {
        status = print(command, about, &cost, &int8, error);
    }
    cnn_text_release(about);
    return status;
}

static cnn_status check(void *context, cnn_error *error) {
    const convert_command *command = context;
    CNN_TRY(cnn_convert_check(command->check, error));
    CNN_TRY(cnn_print_results("ok\n", 3, error));
    return cnn_flush_results(error);
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
