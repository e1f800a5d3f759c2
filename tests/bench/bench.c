/* cnnbench: how fast are training steps, and each layer in them? */
#include "report.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/options.h"
#include "base/parallel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the command line asks for. */
typedef struct bench_command {
    const char **configs; /* [argc] */
    int config_count;
    const char *json, *threads, *isas, *conv;
    int batch_size; /* 0: the config's */
    double seconds;
    bool no_layers;
} bench_command;

static cnn_action print_help, run;

#define FIELD(field) .offset = offsetof(bench_command, field)

static const cnn_option options[] = {
    {.name = "json",
     .letter = 'j',
     .argument = "FILE",
     .parse = cnn_option_text,
     FIELD(json),
     .help = "write the results there, too"},
    {.name = "threads",
     .letter = 't',
     .argument = "LIST",
     .parse = cnn_option_text,
     FIELD(threads),
     .help = "such as 1,2 (default: 1, 2, 4, … and all processors)"},
    {.name = "isa",
     .letter = 'i',
     .argument = "LIST",
     .parse = cnn_option_text,
     FIELD(isas),
     .help = "of generic, avx2, avx512; or best (default: all there are)"},
    {.name = "seconds",
     .letter = 's',
     .argument = "S",
     .parse = cnn_option_number,
     FIELD(seconds),
     .minimum = 1e-6,
     .maximum = 3600.0,
     .help = "time for each measurement (default: 1)"},
    {.name = "batch",
     .letter = 'b',
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(batch_size),
     .minimum = 1,
     .maximum = 65536,
     .help = "batch size (default: the config's)"},
    {.name = "conv",
     .argument = "HOW",
     .parse = cnn_option_text,
     FIELD(conv),
     .help = "direct or auto convolutions (default: CNN_CONV, or auto)"},
    {.name = "no-layers", FIELD(no_layers), .help = "whole steps only"},
    {.name = "help", .letter = 'h', .action = print_help, .help = "print this"},
    {.name = NULL},
};

static cnn_status add_config(void *context, const char *value, cnn_error *error) {
    bench_command *command = context;
    (void)error;
    command->configs[command->config_count++] = value;
    return CNN_OK;
}

static const cnn_program program = {
    .name = "cnnbench",
    .usage = "usage: cnnbench [OPTION ...] CONFIG ...\n"
             "\n"
             "Measures training steps of each config's network on random images, and every\n"
             "layer of it on one thread. FLOPs are those of direct convolution, however it is\n"
             "computed; the peak is measured in the same run.\n",
    .options = options,
    .argument = add_config,
    .work = run,
};

static cnn_status print_help(void *context, cnn_error *error) {
    (void)context, (void)error;
    cnn_program_help(&program);
    return CNN_OK;
}

/* --- what to measure --- */

static cnn_status choose_conv(const bench_command *command, bench_machine *machine,
                              cnn_error *error) {
    const char *how = command->conv ? command->conv : getenv("CNN_CONV");
    bool direct = how && strcmp(how, "direct") == 0;
    if (command->conv && !direct && strcmp(command->conv, "auto") != 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--conv: expected direct or auto, got \"%.60s\"",
                        command->conv);
    }
    if (command->conv && (direct ? setenv("CNN_CONV", "direct", 1) : unsetenv("CNN_CONV")) != 0) {
        return cnn_fail_memory(error, "the environment");
    }
    machine->conv = direct ? "direct" : "auto";
    return CNN_OK;
}

/* Best first. */
static cnn_status choose_isas(const char *list, bench_machine *machine, cnn_error *error) {
    cnn_isa most;
    cnn_status status = cnn_isa_choose(&most, error);
    if (status != CNN_OK) {
        return status;
    }
    if (list && strcmp(list, "best") == 0) {
        list = cnn_isa_name(most);
    }
    char names[64];
    (void)snprintf(names, sizeof names, ",%.60s,", list ? list : "");
    size_t known = 0;
    for (int i = CNN_ISA_COUNT - 1; i >= 0; i--) {
        char name[16];
        (void)snprintf(name, sizeof name, ",%s,", cnn_isa_name((cnn_isa)i));
        bool named = strstr(names, name) != NULL;
        bool there = cnn_kernels_for((cnn_isa)i) != NULL;
        if (named && !there) {
            return cnn_fail(error, CNN_ERROR_CONFIG, "--isa: this machine has no %s",
                            cnn_isa_name((cnn_isa)i));
        }
        known += named ? strlen(name) - 1 : 0;
        if (named || (!list && there && (cnn_isa)i <= most)) {
            machine->isas[machine->isa_count++] = (cnn_isa)i;
        }
    }
    if (list && known != strlen(list) + 1) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--isa: expected best, or a list of generic, avx2, avx512; got \"%.60s\"",
                        list);
    }
    return CNN_OK;
}

static bool add_threads(bench_machine *machine, int threads) {
    int last = machine->thread_count > 0 ? machine->threads[machine->thread_count - 1] : 0;
    if (threads <= last || threads > 1024) {
        return false;
    }
    machine->threads[machine->thread_count++] = threads;
    return true;
}

static cnn_status choose_threads(const char *list, bench_machine *machine, cnn_error *error) {
    size_t most = list ? strlen(list) + 1 : 16;
    machine->threads = cnn_alloc(most, sizeof *machine->threads);
    if (!machine->threads) {
        return cnn_fail_memory(error, "threads");
    }
    int processors = cnn_default_threads();
    for (int n = 1; !list && n < processors; n *= 2) {
        (void)add_threads(machine, n);
    }
    if (!list) {
        (void)add_threads(machine, processors < 1024 ? processors : 1024);
        return CNN_OK;
    }
    for (const char *from = list;;) {
        char *end;
        long n = strtol(from, &end, 10);
        if (end == from || n < 1 || n > 1024 || !add_threads(machine, (int)n) ||
            (*end && *end != ',')) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "--threads: expected rising numbers such as 1,2,4, got \"%.60s\"",
                            list);
        }
        if (!*end) {
            return CNN_OK;
        }
        from = end + 1;
    }
}

/* --- measuring --- */

/* Tries again; a better peak replaces the one before, so that a neighbour's work at one moment does
 * not last. */
static void improve_peaks(bench_machine *machine) {
    double seconds = machine->seconds < 0.2 ? machine->seconds : 0.2;
    for (int i = 0; i < machine->isa_count; i++) {
        for (int t = 0; t < machine->thread_count; t++) {
            double *peak = &machine->peaks[i * machine->thread_count + t];
            double now = bench_peak(machine->isas[i], machine->threads[t], seconds);
            *peak = now > *peak ? now : *peak;
        }
        double now = machine->threads[0] == 1 ? machine->peaks[i * machine->thread_count]
                                              : bench_peak(machine->isas[i], 1, seconds);
        machine->peaks_alone[i] = now > machine->peaks_alone[i] ? now : machine->peaks_alone[i];
    }
}

static cnn_status measure_steps(const bench_machine *machine, bench_images *images,
                                bench_network *network, cnn_error *error) {
    int count = machine->isa_count * machine->thread_count;
    bench_workload **workloads = cnn_alloc((size_t)count, sizeof *workloads);
    network->steps = cnn_alloc((size_t)count, sizeof *network->steps);
    cnn_status status = CNN_OK;
    if (!workloads || !network->steps) {
        status = cnn_fail_memory(error, "workloads");
    }
    for (int i = 0; i < count && status == CNN_OK; i++) {
        status = bench_workload_create(
            network->config, images, machine->isas[i / machine->thread_count],
            machine->threads[i % machine->thread_count], &workloads[i], error);
    }
    if (status == CNN_OK) {
        network->parameter_count = workloads[0]->step.network->parameter_count;
        network->image_flops = bench_step_flops(workloads[0]->step.network);
        status = bench_steps(workloads, count, machine->seconds, network->steps, error);
    }
    for (int i = 0; workloads && i < count; i++) {
        bench_workload_free(workloads[i]);
    }
    cnn_free(workloads);
    return status;
}

static cnn_status measure_layers(const bench_machine *machine, bench_images *images,
                                 bench_network *network, cnn_error *error) {
    cnn_status status = CNN_OK;
    for (int i = 0; i < machine->isa_count && status == CNN_OK; i++) {
        bench_workload *workload;
        status =
            bench_workload_create(network->config, images, machine->isas[i], 1, &workload, error);
        if (status == CNN_OK) {
            status = bench_layers(workload, machine->seconds, &network->layer_rows[i],
                                  &network->layer_row_count[i], error);
        }
        bench_workload_free(workload);
    }
    return status;
}

static cnn_status load_network(const bench_command *command, const char *path,
                               bench_network *network, cnn_config **config, cnn_error *error) {
    char batch[64];
    const char *overrides[] = {batch};
    (void)snprintf(batch, sizeof batch, "train.batch_size=%d", command->batch_size);
    cnn_status status =
        cnn_config_load(path, overrides, command->batch_size > 0 ? 1 : 0, config, error);
    if (status != CNN_OK) {
        return status;
    }
    const char *slash = strrchr(path, '/');
    network->name = cnn_copy_string(slash ? slash + 1 : path);
    network->config_path = path;
    network->config = *config;
    if (!network->name) {
        return cnn_fail_memory(error, "a name");
    }
    char *ending = strrchr(network->name, '.');
    if (ending && ending != network->name) {
        *ending = '\0';
    }
    return CNN_OK;
}

static cnn_status measure_network(const bench_command *command, bench_machine *machine,
                                  bench_network *network, cnn_error *error) {
    bench_images images;
    improve_peaks(machine);
    cnn_status status = bench_images_create(network->config, &images, error);
    if (status != CNN_OK) {
        return status;
    }
    status = measure_steps(machine, &images, network, error);
    if (status == CNN_OK && !command->no_layers) {
        status = measure_layers(machine, &images, network, error);
    }
    improve_peaks(machine);
    bench_images_free(&images);
    return status;
}

static cnn_status write_json(const char *path, const bench_machine *machine,
                             const bench_network *networks, int count, cnn_error *error) {
    cnn_text json = {0};
    bench_write_json(machine, networks, count, &json);
    cnn_status status = json.failed ? cnn_fail_memory(error, "the results")
                                    : cnn_file_write(path, json.data, json.length, error);
    cnn_text_free(&json);
    return status;
}

static cnn_status run(void *context, cnn_error *error) {
    const bench_command *command = context;
    if (command->config_count == 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected a config; see bench --help");
    }
    bench_machine machine = {.seconds = command->seconds};
    bench_network *networks = cnn_alloc((size_t)command->config_count, sizeof *networks);
    cnn_config **configs = cnn_alloc((size_t)command->config_count, sizeof *configs);
    cnn_status status = networks && configs ? CNN_OK : cnn_fail_memory(error, "networks");
    /* all mistakes before the first measurement */
    for (int i = 0; i < command->config_count && status == CNN_OK; i++) {
        status = load_network(command, command->configs[i], &networks[i], &configs[i], error);
    }
    if (status == CNN_OK) {
        status = choose_conv(command, &machine, error);
    }
    if (status == CNN_OK) {
        status = choose_isas(command->isas, &machine, error);
    }
    if (status == CNN_OK) {
        status = choose_threads(command->threads, &machine, error);
    }
    if (status == CNN_OK) {
        machine.peaks = cnn_alloc((size_t)machine.isa_count * (size_t)machine.thread_count,
                                  sizeof *machine.peaks);
        status = machine.peaks ? CNN_OK : cnn_fail_memory(error, "peaks");
    }
    if (status == CNN_OK) {
        bench_machine_identify(&machine);
        bench_print_machine(&machine);
    }
    for (int i = 0; i < command->config_count && status == CNN_OK; i++) {
        status = measure_network(command, &machine, &networks[i], error);
        if (status == CNN_OK) {
            bench_print_network(&machine, &networks[i]);
        }
    }
    if (status == CNN_OK && command->json) {
        status = write_json(command->json, &machine, networks, command->config_count, error);
    }
    for (int i = 0; networks && configs && i < command->config_count; i++) {
        cnn_free(networks[i].name);
        cnn_free(networks[i].steps);
        for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
            cnn_free(networks[i].layer_rows[isa]);
        }
        cnn_config_free(configs[i]);
    }
    cnn_free(networks);
    cnn_free(configs);
    cnn_free(machine.threads);
    cnn_free(machine.peaks);
    return status;
}

static cnn_status parse_and_act(int argc, char **argv, bench_command *command, cnn_error *error) {
    cnn_action *action;
    CNN_TRY(cnn_options_parse(&program, argc, argv, command, &action, error));
    CNN_TRY(action(command, error));
    return cnn_flush_results(error);
}

int main(int argc, char **argv) {
    cnn_error error;
    bench_command command = {.seconds = 1.0,
                             .configs = cnn_alloc((size_t)argc, sizeof *command.configs)};
    const cnn_status status = command.configs ? parse_and_act(argc, argv, &command, &error)
                                              : cnn_fail_memory(&error, "the command line");
    cnn_free(command.configs);
    if (status != CNN_OK) {
        fprintf(stderr, "cnnbench: %s\n", error.message);
    }
    return (int)status;
}
