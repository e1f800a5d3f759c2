/* Which file becomes which, by the ends of their names. */
#include "cnn/convert.h"

#include "base/error.h"
#include "base/file.h"
#include "base/file_hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/c_int8_measure.h"
#include "model/c_int8_source.h"
#include "model/c_source.h"
#include "model/convert_foreign.h"
#include "model/model_file.h"
#include "model/onnx_export.h"

#include <string.h>

/* What is to be converted. */
typedef struct conversion {
    const char *out;
    const cnn_convert_options *options;
    char sha256[65]; /* of the file with the model */
} conversion;

enum { IDENTIFIER_MAX = 64 };

static cnn_status write_onnx(const cnn_model *model, const conversion *c, cnn_error *error) {
    cnn_text bytes = {0};
    const cnn_onnx_options wanted = {.float_input = c->options->float_input,
                                     .any_size = c->options->any_size,
                                     .sha256 = c->sha256};
    cnn_status status = cnn_onnx_export(model, &wanted, &bytes, error);
    if (status == CNN_OK) {
        status = cnn_file_write(c->out, bytes.data, bytes.length, error);
    }
    cnn_text_free(&bytes);
    return status;
}

/* --- C source --- */

/* The last part of the path without ".c", which all public names start with. CNN_ERROR_CONFIG if it
 * is no identifier. */
static cnn_status identifier_of(const char *path, char name[IDENTIFIER_MAX], cnn_error *error) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;
    size_t length = strlen(start) - strlen(".c");
    if (length == 0 || length >= IDENTIFIER_MAX || strspn(start, letters) != length ||
        (*start >= '0' && *start <= '9')) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected a name of letters, digits and underscores before .c, at most "
                        "%d, which the functions get, too",
                        path, IDENTIFIER_MAX - 1);
    }
    memcpy(name, start, length);
    name[length] = '\0';
    return CNN_OK;
}

/* The header first: its name is the one that a reader of the source looks for. */
static cnn_status write_c_files(const conversion *c, const cnn_text *header, const cnn_text *source,
                                cnn_error *error) {
    char *path = cnn_copy_string(c->out);
    if (!path) {
        return cnn_fail_memory(error, c->out);
    }
    path[strlen(path) - 1] = 'h';
    cnn_status status = cnn_file_write(path, header->data, header->length, error);
    cnn_free(path);
    return status == CNN_OK ? cnn_file_write(c->out, source->data, source->length, error) : status;
}

/* What the header of a source in 8 bits says about it. */
static void describe_int8(const cnn_int8_result *r, cnn_text *note) {
    cnn_text_format(note,
                    "\n   In integers of 8 bits, with scales from %zu images; on %zu others, its "
                    "probabilities differ\n   from those in float by %.5f on average, and %.5f at "
                    "most.",
                    r->scaling_images, r->measured_images, r->mean_difference,
                    r->largest_difference);
}

static cnn_status write_int8(const cnn_model *model, const char *name, const conversion *c,
                             cnn_text *header, cnn_text *source, cnn_c_cost *cost,
                             cnn_error *error) {
    cnn_int8_result result;
    cnn_int8_network *network;
    cnn_text note = {0};
    CNN_TRY(cnn_int8_make(model, c->options->int8_images, c->options->int8_count,
                          c->options->threads, &network, &result, error));
    describe_int8(&result, &note);
    cnn_status status = note.failed ? cnn_fail_memory(error, "the C source")
                                    : cnn_int8_source_write(network, name, c->sha256, note.data,
                                                            header, source, cost, error);
    if (c->options->int8) {
        *c->options->int8 = result;
    }
    cnn_text_free(&note);
    cnn_int8_network_free(network);
    return status;
}

static cnn_status write_c(const cnn_model *model, const conversion *c, cnn_error *error) {
    char name[IDENTIFIER_MAX];
    cnn_text header = {0}, source = {0};
    cnn_c_cost cost;
    CNN_TRY(identifier_of(c->out, name, error));
    cnn_status status =
        c->options->int8_count > 0
            ? write_int8(model, name, c, &header, &source, &cost, error)
            : cnn_c_source_write(model, name, c->sha256, &header, &source, &cost, error);
    if (status == CNN_OK) {
        status = write_c_files(c, &header, &source, error);
    }
    if (status == CNN_OK && c->options->cost) {
        *c->options->cost = (cnn_converted_cost){.ram_bytes = cost.buffer_bytes,
                                                 .flash_bytes = cost.weight_bytes,
                                                 .multiply_adds = cost.multiply_adds};
    }
    cnn_text_free(&header);
    cnn_text_free(&source);
    return status;
}

/* --- */

typedef struct format {
    const char *ending;
    bool takes_input; /* the options of ONNX about its input */
    cnn_status (*write)(const cnn_model *model, const conversion *c, cnn_error *error);
} format;

static const format formats[] = {{".onnx", true, write_onnx}, {".c", false, write_c}};

static cnn_status check_options(const format *chosen, const conversion *c, cnn_error *error) {
    const bool float_input = c->options->float_input, any_size = c->options->any_size;
    if ((float_input || any_size) && !chosen->takes_input) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected a file that ends in .onnx, the only one with an input that "
                        "is float or has any size",
                        c->out);
    }
    if (float_input && any_size) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected an input of bytes if images may have any size, got float",
                        c->out);
    }
    return CNN_OK;
}

cnn_status cnn_convert(const char *in, const char *out, const cnn_convert_options *options,
                       cnn_error *error) {
    static const cnn_convert_options none = {0};
    conversion c = {.out = out, .options = options ? options : &none};
    const format *chosen = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        chosen = cnn_text_ends(out, formats[i].ending) ? &formats[i] : chosen;
    }
    const bool is_onnx = cnn_text_ends(in, ".onnx");
    if (is_onnx || cnn_text_ends(in, ".safetensors")) {
        if (!cnn_text_ends(out, ".bin")) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "%s: expected a file that ends in .bin, because %s is no model of "
                            "cnntrain",
                            out, in);
        }
        return is_onnx ? cnn_convert_onnx(in, out, c.options, error)
                       : cnn_convert_safetensors(in, out, c.options, error);
    }
    if (!cnn_text_ends(in, ".bin")) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected a model (*.bin), or a network of another program (*.onnx, "
                        "*.safetensors)",
                        in);
    }
    if (!chosen) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a file that ends in .onnx or .c",
                        out);
    }
    if (c.options->int8_count > 0 && chosen->write != write_c) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a file that ends in .c for --int8",
                        out);
    }
    const cnn_kernels *kernels;
    cnn_model *model;
    CNN_TRY(check_options(chosen, &c, error));
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_model_read(in, kernels, &model, error));
    cnn_status status = cnn_file_sha256(in, CNN_ERROR_MODEL, c.sha256, error);
    if (status == CNN_OK) {
        status = chosen->write(model, &c, error);
    }
    cnn_model_free(model);
    return status;
}
