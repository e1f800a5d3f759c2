/* --check-gradients: the gradient check of nn/gradient_check.h as a table. */
#include "cnn/inspect.h"

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "nn/gradient_check.h"
#include "run/pretrained_start.h"

/* Number of entries of each tensor that are compared with central differences. Each takes two
 * forward passes of the slow network; this many take some seconds in total. */
enum { ENTRIES_LEAST = 8, ENTRIES_MOST = 100 };
#define FLOPS_IN_ALL 4e9

static size_t entries_for(const cnn_network *network) {
    double tensors = 0.0;
    for (int i = 0; i < network->graph.node_count; i++) {
        tensors += network->graph.nodes[i].tensor_count;
    }
    double pair = 2.0 * network->flops * (CNN_LANES + 3);
    double entries = FLOPS_IN_ALL / (pair * tensors);
    return entries < (double)ENTRIES_LEAST  ? ENTRIES_LEAST
           : entries > (double)ENTRIES_MOST ? ENTRIES_MOST
                                            : (size_t)entries;
}

typedef struct gradient_table {
    cnn_text text;
    double float_error;
} gradient_table;

static void add_row(void *context, const cnn_gradient_row *row) {
    gradient_table *table = context;
    char name[CNN_TENSOR_NAME_MAX];
    cnn_tensor_full_name(row->path, row->tensor, name);
    cnn_text_format(&table->text, "%-12s %-8s %10.3g %8zu %9zu %14.2g\n", name, row->ops->name,
                    row->largest, row->checked, row->at_kinks, row->double_error);
    table->float_error =
        row->float_error <= table->float_error ? table->float_error : row->float_error;
}

/* Plans the network that is trained: with a pretrained one, the layers that are not frozen. */
static cnn_status plan(const cnn_config *config, const cnn_kernels *kernels, cnn_network **network,
                       cnn_error *error) {
    cnn_start *start;
    CNN_TRY(cnn_start_create(config, &start, error));
    cnn_status status = cnn_network_create(cnn_start_network(start, config), kernels,
                                           CNN_NETWORK_FAST, network, error);
    cnn_start_free(start);
    return status;
}

static cnn_status check(const cnn_config *config, const cnn_kernels *kernels, cnn_network **network,
                        gradient_table *table, bool *passed, cnn_error *error) {
    CNN_TRY(plan(config, kernels, network, error));
    cnn_text_format(&table->text, "%-12s %-8s %10s %8s %9s %14s\n", "tensor", "layer", "largest",
                    "checked", "at kinks", "relative error");
    CNN_TRY(cnn_gradient_check(*network, (uint64_t)config->train.seed, entries_for(*network),
                               add_row, table, passed, error));
    cnn_text_format(&table->text,
                    "\nrelative error: analytic gradients against central differences, both in "
                    "double, divided by\n"
                    "the largest gradient of the tensor; bound %g. %s kernels in float against "
                    "the same gradients:\n"
                    "at most %.2g, bound %g.\n%s\n",
                    CNN_GRADIENT_DOUBLE_BOUND, cnn_isa_name(kernels->isa), table->float_error,
                    CNN_GRADIENT_FLOAT_BOUND, *passed ? "passed" : "FAILED");
    return table->text.failed ? cnn_fail_memory(error, "the gradient check") : CNN_OK;
}

cnn_status cnn_check_gradients(const cnn_config *config, char **out, cnn_error *error) {
    *out = NULL;
    const cnn_kernels *kernels;
    cnn_network *network = NULL;
    gradient_table table = {0};
    bool passed = false;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    cnn_status status = check(config, kernels, &network, &table, &passed, error);
    cnn_network_free(network);
    if (status != CNN_OK) {
        cnn_text_free(&table.text);
        return status;
    }
    *out = table.text.data;
    return passed ? CNN_OK
                  : cnn_fail(error, CNN_ERROR_RUNTIME, "the gradient check failed: see the table");
}
