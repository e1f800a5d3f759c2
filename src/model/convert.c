/* Which file becomes which, by the ends of their names. */
#include "cnn/convert.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "model/model_file.h"
#include "model/onnx_export.h"

#include <string.h>

/* Model files have at most so many bytes here; safetensors.c has its own limits. */
#define FILE_LIMIT ((size_t)4 << 30)

static bool ends_in(const char *name, const char *end) {
    size_t length = strlen(name), end_length = strlen(end);
    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

/* The SHA-256 of the file, as sha256sum prints it. */
static cnn_status hash_file(const char *path, char digits[65], cnn_error *error) {
    char *bytes;
    size_t size;
    cnn_status status = cnn_file_read(path, FILE_LIMIT, CNN_ERROR_MODEL, &bytes, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    cnn_sha256_hex(bytes, size, digits);
    cnn_free(bytes);
    return CNN_OK;
}

static cnn_status write_onnx(const cnn_model *model, const char *in, const char *out,
                             const cnn_convert_options *options, cnn_error *error) {
    char digits[65];
    cnn_text bytes = {0};
    CNN_TRY(hash_file(in, digits, error));
    const cnn_onnx_options wanted = {.float_input = options && options->float_input,
                                     .sha256 = digits};
    cnn_status status = cnn_onnx_export(model, &wanted, &bytes, error);
    if (status == CNN_OK) {
        status = cnn_file_write(out, bytes.data, bytes.length, error);
    }
    cnn_text_free(&bytes);
    return status;
}

cnn_status cnn_convert(const char *in, const char *out, const cnn_convert_options *options,
                       cnn_error *error) {
    const cnn_kernels *kernels;
    cnn_model *model;
    if (!ends_in(in, ".bin")) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a model of cnntrain (*.bin)", in);
    }
    if (!ends_in(out, ".onnx")) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a file that ends in .onnx", out);
    }
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_model_read(in, kernels, &model, error));
    cnn_status status = write_onnx(model, in, out, options, error);
    cnn_model_free(model);
    return status;
}
