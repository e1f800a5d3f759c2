#include "inspect/recipe_network.h"

static void begin_layer(cnn_json_writer *json, const char *type) {
    cnn_json_begin_object(json);
    cnn_json_string(cnn_json_key(json, "type"), type);
}

static void add_number(cnn_json_writer *json, const char *key, double number) {
    cnn_json_number(cnn_json_key(json, key), number);
}

static void write_layer(cnn_json_writer *json, const char *type) {
    begin_layer(json, type);
    cnn_json_end(json);
}

static void write_layer_with(cnn_json_writer *json, const char *type, const char *key,
                             double number) {
    begin_layer(json, type);
    add_number(json, key, number);
    cnn_json_end(json);
}

/* Convolution, batchnorm, relu. */
static void write_unit(int filters, bool halves, cnn_json_writer *json) {
    begin_layer(json, "conv");
    add_number(json, "filters", filters);
    add_number(json, "kernel", halves ? 5 : 3);
    if (halves) {
        add_number(json, "stride", 2);
    }
    cnn_json_string(cnn_json_key(json, "padding"), "same");
    cnn_json_end(json);
    write_layer(json, "batchnorm");
    write_layer(json, "relu");
}

static void write_residual(int filters, cnn_json_writer *json) {
    begin_layer(json, "residual");
    cnn_json_begin_array(cnn_json_key(json, "layers"));
    write_unit(filters, false, json);
    write_unit(filters, false, json);
    cnn_json_end(json);
    cnn_json_end(json);
}

static int count_stages(const cnn_recipe_network *network) {
    int stages = 0;
    while (stages < CNN_RECIPE_STAGES_MAX && network->filters[stages] > 0) {
        stages++;
    }
    return stages;
}

static void write_stages(const cnn_recipe_network *network, cnn_json_writer *json) {
    int stages = count_stages(network);
    for (int i = 0; i < stages; i++) {
        write_unit(network->filters[i], network->halves && i == 0, json);
        if (i >= stages - network->residuals) {
            write_residual(network->filters[i], json);
        }
        if (i < stages - 1) {
            write_layer_with(json, "maxpool", "size", 2);
        }
    }
    if (stages > 0) {
        write_layer(json, "global_avgpool");
        write_layer(json, "flatten");
    }
}

void cnn_recipe_write_layers(const cnn_recipe_network *network, double dropout,
                             cnn_json_writer *json) {
    cnn_json_begin_array(cnn_json_key(json, "layers"));
    write_stages(network, json);
    write_layer_with(json, "dropout", "rate", dropout);
    write_layer_with(json, "dense", "units", 1);
    write_layer(json, "sigmoid");
    cnn_json_end(json);
}
