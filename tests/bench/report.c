#include "report.h"

#include "base/json_writer.h"
#include "base/parallel.h"

#include "cnn/version.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

void bench_machine_identify(bench_machine *machine) {
    machine->processors = cnn_default_threads();
#if defined(__clang__)
    (void)snprintf(machine->compiler, sizeof machine->compiler, "clang %d.%d.%d", __clang_major__,
                   __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
    (void)snprintf(machine->compiler, sizeof machine->compiler, "gcc %s", __VERSION__);
#endif
    if (getloadavg(&machine->load, 1) != 1) {
        machine->load = (double)NAN;
    }
    struct utsname system;
    (void)snprintf(machine->cpu, sizeof machine->cpu, "%s",
                   uname(&system) == 0 ? system.machine : "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (value && strncmp(line, "model name", strlen("model name")) == 0) {
            value += strspn(value, ": \t");
            (void)snprintf(machine->cpu, sizeof machine->cpu, "%.*s", (int)strcspn(value, "\n"),
                           value);
            break;
        }
    }
    if (file) {
        (void)fclose(file);
    }
}

/* --- numbers derived from times --- */

static const bench_step_time *step_time(const bench_machine *machine, const bench_network *network,
                                        int isa, int t) {
    return &network->steps[isa * machine->thread_count + t];
}

static double batch_size(const bench_network *network) {
    return (double)network->config->train.batch_size;
}

static double step_rate(const bench_network *network, double seconds) {
    return network->image_flops * batch_size(network) / seconds;
}

/* Over one thread; NaN where that was not measured. */
static double speed_up(const bench_machine *machine, const bench_network *network, int isa, int t) {
    return machine->threads[0] == 1 ? step_time(machine, network, isa, 0)->median /
                                          step_time(machine, network, isa, t)->median
                                    : (double)NAN;
}

/* NaN if nothing is counted. */
static double row_rate(const bench_layer_row *row) {
    return row->flops > 0.0 && row->seconds > 0.0 ? row->flops / row->seconds : (double)NAN;
}

/* --- the table --- */

/* A number in `width` columns; "-" for NaN. */
static void print_number(int width, int decimals, double value) {
    if (isnan(value)) {
        printf(" %*s", width, "-");
    } else {
        printf(" %*.*f", width, decimals, value);
    }
}

void bench_print_machine(const bench_machine *machine) {
    printf("%s, %d processors, %s, cnntrain %s, convolutions: %s; load before: %.2f\n",
           machine->cpu, machine->processors, machine->compiler, CNN_VERSION, machine->conv,
           machine->load);
}

static void print_layers(const bench_machine *machine, const bench_network *network, int isa) {
    if (!network->layer_rows[isa]) {
        return;
    }
    printf("\n%-8s %-22s %-12s %-9s %10s %8s %6s %7s\n", "isa", "layer", "output", "direction",
           "us/block", "GFLOP/s", "% peak", "% step");
    for (int i = 0; i < network->layer_row_count[isa]; i++) {
        const bench_layer_row *row = &network->layer_rows[isa][i];
        char out[48] = "";
        if (row->out.channels > 0) {
            (void)snprintf(out, sizeof out, "%dx%dx%d", row->out.channels, row->out.height,
                           row->out.width);
        }
        printf("%-8s %-22s %-12s %-9s", cnn_isa_name(machine->isas[isa]), row->layer, out,
               row->direction);
        print_number(10, 2, 1e6 * row->seconds);
        print_number(8, 2, 1e-9 * row_rate(row));
        print_number(6, 1, 100.0 * row_rate(row) / machine->peaks_alone[isa]);
        print_number(7, 1, 100.0 * row->share);
        printf("\n");
    }
}

void bench_print_network(const bench_machine *machine, const bench_network *network) {
    printf("\n%s: %dx%dx%d, %zu parameters, batches of %d; %.3g MFLOP an image and step\n",
           network->name, network->config->network.input.channels,
           network->config->network.input.height, network->config->network.input.width,
           network->parameter_count, (int)network->config->train.batch_size,
           1e-6 * network->image_flops);
    printf("\n%-8s %-8s %7s %10s %10s %8s %8s %6s %8s %10s\n", "network", "isa", "threads",
           "images/s", "best", "GFLOP/s", "peak", "% peak", "speed-up", "ms/step");
    for (int i = 0; i < machine->isa_count; i++) {
        for (int t = 0; t < machine->thread_count; t++) {
            const bench_step_time *time = step_time(machine, network, i, t);
            double seconds = time->median, peak = machine->peaks[i * machine->thread_count + t];
            double rate = step_rate(network, seconds);
            printf("%-8s %-8s %7d", network->name, cnn_isa_name(machine->isas[i]),
                   machine->threads[t]);
            print_number(10, 0, batch_size(network) / seconds);
            print_number(10, 0, batch_size(network) / time->best);
            print_number(8, 2, 1e-9 * rate);
            print_number(8, 1, 1e-9 * peak);
            print_number(6, 1, 100.0 * rate / peak);
            print_number(8, 2, speed_up(machine, network, i, t));
            print_number(10, 4, 1e3 * seconds);
            printf("\n");
        }
    }
    for (int i = 0; i < machine->isa_count; i++) {
        print_layers(machine, network, i);
    }
    (void)fflush(stdout);
}

/* --- JSON --- */

static void add_string(cnn_json_writer *json, const char *key, const char *value) {
    cnn_json_string(cnn_json_key(json, key), value);
}

/* null for NaN. */
static void add_number(cnn_json_writer *json, const char *key, double value) {
    cnn_json_number(cnn_json_key(json, key), value);
}

static void add_machine(cnn_json_writer *json, const bench_machine *machine) {
    add_string(json, "version", CNN_VERSION);
    add_string(json, "cpu", machine->cpu);
    add_string(json, "compiler", machine->compiler);
    add_string(json, "conv", machine->conv);
    add_number(json, "processors", machine->processors);
    add_number(json, "load", machine->load);
    add_number(json, "seconds", machine->seconds);
    cnn_json_begin_array(cnn_json_key(json, "peaks"));
    for (int i = 0; i < machine->isa_count; i++) {
        for (int t = 0; t < machine->thread_count; t++) {
            cnn_json_begin_object(json);
            add_string(json, "isa", cnn_isa_name(machine->isas[i]));
            add_number(json, "threads", machine->threads[t]);
            add_number(json, "gflops", 1e-9 * machine->peaks[i * machine->thread_count + t]);
            cnn_json_end(json);
        }
    }
    cnn_json_end(json);
}

static void add_steps(cnn_json_writer *json, const bench_machine *machine,
                      const bench_network *network) {
    cnn_json_begin_array(cnn_json_key(json, "steps"));
    for (int i = 0; i < machine->isa_count; i++) {
        for (int t = 0; t < machine->thread_count; t++) {
            const bench_step_time *time = step_time(machine, network, i, t);
            double rate = step_rate(network, time->median);
            cnn_json_begin_object(json);
            add_string(json, "isa", cnn_isa_name(machine->isas[i]));
            add_number(json, "threads", machine->threads[t]);
            add_number(json, "images_per_second", batch_size(network) / time->median);
            add_number(json, "gflops", 1e-9 * rate);
            add_number(json, "peak_share", rate / machine->peaks[i * machine->thread_count + t]);
            add_number(json, "speed_up", speed_up(machine, network, i, t));
            add_number(json, "step_seconds", time->median);
            add_number(json, "step_seconds_best", time->best);
            add_number(json, "step_seconds_worst", time->worst);
            add_number(json, "rounds", time->rounds);
            cnn_json_end(json);
        }
    }
    cnn_json_end(json);
}

static void add_layers(cnn_json_writer *json, const bench_machine *machine,
                       const bench_network *network) {
    cnn_json_begin_array(cnn_json_key(json, "layers"));
    for (int isa = 0; isa < machine->isa_count; isa++) {
        for (int i = 0; i < network->layer_row_count[isa]; i++) {
            const bench_layer_row *row = &network->layer_rows[isa][i];
            cnn_json_begin_object(json);
            add_string(json, "isa", cnn_isa_name(machine->isas[isa]));
            add_string(json, "layer", row->layer);
            add_string(json, "direction", row->direction);
            add_number(json, "block_seconds", row->seconds);
            add_number(json, "gflops", 1e-9 * row_rate(row));
            add_number(json, "peak_share", row_rate(row) / machine->peaks_alone[isa]);
            add_number(json, "step_share", row->share);
            cnn_json_end(json);
        }
    }
    cnn_json_end(json);
}

void bench_write_json(const bench_machine *machine, const bench_network *networks, int count,
                      cnn_text *text) {
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_PRETTY);
    cnn_json_begin_object(&json);
    add_machine(&json, machine);
    cnn_json_begin_array(cnn_json_key(&json, "networks"));
    for (int i = 0; i < count; i++) {
        const bench_network *network = &networks[i];
        cnn_json_begin_object(&json);
        add_string(&json, "name", network->name);
        add_string(&json, "config", network->config_path);
        add_number(&json, "batch_size", batch_size(network));
        add_number(&json, "parameters", (double)network->parameter_count);
        add_number(&json, "image_flops", network->image_flops);
        add_steps(&json, machine, network);
        add_layers(&json, machine, network);
        cnn_json_end(&json);
    }
    cnn_json_end(&json);
    cnn_json_end(&json);
    cnn_text_append(text, "\n", 1);
}
