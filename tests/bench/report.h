/* The benchmark's results, as a table for people and as JSON for programs. */
#ifndef CNN_BENCH_REPORT_H
#define CNN_BENCH_REPORT_H

#include "measure.h"
#include "base/text.h"

/* What all networks have in common. */
typedef struct bench_machine {
    char cpu[128], compiler[128];
    int processors;
    double load;      /* mean number of runnable processes in the last minute; NaN: unknown */
    const char *conv; /* "auto" or "direct" */
    double seconds;   /* asked for, of each measurement */
    int isa_count, thread_count;
    cnn_isa isas[CNN_ISA_COUNT];
    int *threads;  /* [thread_count], rising */
    double *peaks; /* [isa_count][thread_count], multiplications and additions per second */
    double peaks_alone[CNN_ISA_COUNT]; /* [isa_count], of one thread */
} bench_machine;

/* One network's results. */
typedef struct bench_network {
    char *name; /* the config's file name without folder and ending */
    const char *config_path;
    const cnn_config *config;
    size_t parameter_count;
    double image_flops;                         /* of a step, for one image */
    bench_step_time *steps;                     /* [isa_count][thread_count] */
    bench_layer_row *layer_rows[CNN_ISA_COUNT]; /* NULL: not measured */
    int layer_row_count[CNN_ISA_COUNT];
} bench_network;

/* Fills in cpu, compiler, processors and load. */
void bench_machine_identify(bench_machine *machine);

/* To stdout. */
void bench_print_machine(const bench_machine *machine);
void bench_print_network(const bench_machine *machine, const bench_network *network);

/* One JSON object; see README.md here. */
void bench_write_json(const bench_machine *machine, const bench_network *networks, int count,
                      cnn_text *json);

#endif
