/* Safetensors files of other programs, as the weights of layers that are known: what is read is
 * finite. */
#include "fuzz.h"

#include "model/safetensors_layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char layers[] =
    "{\"image\":{\"width\":4,\"height\":4,\"channels\":1},\"layers\":["
    "{\"type\":\"conv\",\"filters\":2,\"kernel\":3,\"bias\":false},{\"type\":\"batchnorm\"},"
    "{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":1},{\"type\":\"sigmoid\"}]}";

static const cnn_status allowed[] = {CNN_ERROR_MODEL, CNN_OK};

/* The path of a file with the layers. */
static const char *layers_file(void) {
    static char path[64];
    if (!*path) {
        int file = memfd_create("layers", MFD_CLOEXEC);
        if (file < 0 || write(file, layers, strlen(layers)) != (ssize_t)strlen(layers)) {
            fuzz_fail("no file in memory");
        }
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cnn_imported imported;
    cnn_error error;
    cnn_status status =
        cnn_safetensors_import(fuzz_file(data, size), layers_file(), &imported, &error);
    fuzz_check(status, &error, allowed);
    for (size_t i = 0; status == CNN_OK && i < imported.graph.parameter_count; i++) {
        if (!isfinite(imported.parameters[i])) {
            fuzz_fail("expected finite parameters");
        }
    }
    cnn_imported_free(&imported);
    return 0;
}
