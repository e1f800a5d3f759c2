/* The dry run: what a config would build and train, as tables. */
#include "cnn/inspect.h"

#include "base/error.h"
#include "base/text.h"
#include "run/fold_images.h"
#include "run/memory_plan.h"

#include <stdio.h>
#include <string.h>

/* Width of the column with a layer's path, which is longer in residuals: "3.layers.0". */
static int place_width(const cnn_network *network) {
    size_t width = 3;
    for (int i = 0; i < network->graph.node_count; i++) {
        size_t length = strlen(network->graph.nodes[i].path);
        width = length > width ? length : width;
    }
    return (int)width;
}

/* "filters 16, kernel 3, stride 1, padding same" */
static void describe_keys(const cnn_layer_spec *spec, cnn_text *text) {
    const char *separator = "  ";
    for (const cnn_key *key = spec->ops->keys; key->name; key++) {
        if (cnn_key_is_written(key, spec)) {
            cnn_text_format(text, "%s%s ", separator, key->name);
            cnn_key_print(key, spec, text);
            separator = ", ";
        }
    }
}

static void format_shape(const cnn_shape *shape, char text[40]) {
    if (shape->flat) {
        (void)snprintf(text, 40, "%d", shape->channels);
    } else {
        (void)snprintf(text, 40, "%dx%dx%d", shape->channels, shape->height, shape->width);
    }
}

static void describe_layers(const cnn_network *network, cnn_text *text) {
    char shape[40];
    format_shape(&network->graph.nodes[0].out, shape);
    int width = place_width(network);
    cnn_text_format(text, "%-*s  %-14s %-12s %12s %12s  %s\n", width, "#", "layer", "output",
                    "parameters", "FLOPs", "settings");
    cnn_text_format(text, "%-*s  %-14s %s\n", width, "", "image", shape);
    for (int i = 1; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        format_shape(&node->out, shape);
        cnn_text_format(text, "%-*s  %-14s %-12s %12zu %12.0f", width, node->path, node->ops->name,
                        shape, node->parameter_count, cnn_node_flops(node));
        describe_keys(&node->spec, text);
        cnn_text_format(text, "\n");
    }
    cnn_text_format(text, "%-*s  %-14s %-12s %12zu %12.0f  of one image's forward pass\n", width,
                    "", "total", "", network->parameter_count, network->flops);
}

/* The layers of a pretrained network that come before the table. */
static void describe_start(const cnn_setup *setup, cnn_text *text) {
    const cnn_start *start = setup->start;
    if (!start) {
        return;
    }
    cnn_text_format(text, "pretrained  %s", start->described);
    if (cnn_start_is_frozen(start)) {
        cnn_text_format(text, ", %.0f FLOPs",
                        cnn_graph_flops(&start->graph) - setup->network->flops);
    }
    cnn_text_format(text, "\n\n");
}

static void describe_memory(const cnn_config *config, const cnn_setup *setup, cnn_text *text) {
    const cnn_network *network = setup->network;
    cnn_memory_plan plan = cnn_memory_plan_make(config, setup);
    double mebi = 1024.0 * 1024.0;
    double parameters = (double)plan.parameters / mebi;
    double passes = (double)plan.passes / mebi;
    double pixels = (double)plan.images / mebi;
    cnn_text_format(text, "\nmemory       %10.1f MiB\n", parameters + passes + pixels);
    cnn_text_format(text, "  %-10s %10.1f MiB  %zu of %zu bytes\n",
                    setup->dataset->features.count > 0 ? "features" : "images", pixels,
                    setup->dataset->images.count, setup->dataset->image_size);
    cnn_text_format(text, "  parameters %10.1f MiB  and the optimizer's state\n", parameters);
    cnn_text_format(text,
                    "  passes     %10.1f MiB  activations and gradients, %d threads, %s kernels\n",
                    passes, setup->threads, cnn_isa_name(network->kernels->isa));
}

static void describe_data(const cnn_dataset *dataset, cnn_text *text) {
    cnn_text_format(text, "\ndata         %10s  %12s  %12s\n", "images", "class 0", "class 1");
    cnn_text_format(text, "  %-10s %10s  %12.40s  %12.40s\n", "", "", dataset->classes[0],
                    dataset->classes[1]);
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        cnn_text_format(text, "  %-10s %10zu  %12zu  %12zu\n", cnn_split_names[split],
                        dataset->split_count[split], dataset->class_count[split][0],
                        dataset->class_count[split][1]);
    }
}

static void describe_batches(const cnn_config *config, const cnn_dataset *dataset, cnn_text *text) {
    size_t images = dataset->split_count[CNN_SPLIT_TRAIN];
    size_t batch = (size_t)config->train.batch_size;
    bool limited = config->train.epochs > 0 && config->train.minutes > 0.0;
    cnn_text_format(text, "\n%s%lld epochs of %zu batches of %zu images\n",
                    limited ? "at most " : "", (long long)config->train.epochs,
                    (images + batch - 1) / batch, batch < images ? batch : images);
    if (limited) {
        cnn_text_format(text,
                        "train.minutes %g: the run measures its speed, and trains as many epochs "
                        "as fit\n",
                        config->train.minutes);
    }
}

/* The images that each fold is trained on and tested on. */
static cnn_status describe_folds(const cnn_config *config, const cnn_fold_images *images,
                                 cnn_text *text, cnn_error *error) {
    const cnn_dataset *dataset = images->dataset;
    cnn_text_format(text, "\ndata, of class 0 (%.40s) + class 1 (%.40s)\n", dataset->classes[0],
                    dataset->classes[1]);
    cnn_text_format(text, "  %-10s%14s%14s%14s\n", "", "train", "validation", "test");
    for (int fold = 1; fold <= images->folds; fold++) {
        CNN_TRY(cnn_fold_images_choose(images, config, fold, error));
        cnn_text_format(text, "  fold %-5d", fold);
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            char counts[48];
            (void)snprintf(counts, sizeof counts, "%zu + %zu", dataset->class_count[split][0],
                           dataset->class_count[split][1]);
            cnn_text_format(text, "%14s", counts);
        }
        cnn_text_format(text, "\n");
    }
    return CNN_OK;
}

/* Reads the data, plans the network, and describes both. */
static cnn_status describe(const cnn_config *config, const cnn_dry_run_options *options,
                           cnn_fold_images *images, cnn_setup *setup, cnn_text *text,
                           cnn_error *error) {
    if (options->folds > 0) {
        CNN_TRY(cnn_fold_images_load(config, &options->common, options->folds, images, error));
    }
    CNN_TRY(cnn_setup_plan(config, &options->common, CNN_NETWORK_FAST, setup, error));
    CNN_TRY(cnn_setup_load(images->dataset, config, &options->common, options->folds == 0, setup,
                           error));
    describe_start(setup, text);
    describe_layers(setup->network, text);
    describe_memory(config, setup, text);
    if (options->folds > 0) {
        CNN_TRY(describe_folds(config, images, text, error));
    } else {
        describe_data(setup->dataset, text);
    }
    describe_batches(config, setup->dataset, text);
    return text->failed ? cnn_fail_memory(error, "the layer table") : CNN_OK;
}

cnn_status cnn_dry_run(const cnn_config *config, const cnn_dry_run_options *options, char **out,
                       cnn_error *error) {
    cnn_setup setup = {0};
    cnn_text text = {0};
    cnn_fold_images images = {0};
    cnn_status status = describe(config, options, &images, &setup, &text, error);
    if (status != CNN_OK) {
        cnn_text_free(&text);
    }
    *out = text.data;
    cnn_setup_free(&setup);
    cnn_fold_images_free(&images);
    return status;
}
