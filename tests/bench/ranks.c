/* cnnranks: what a step costs a process that trains together with others, and what it says to them.
 * several_machines.py makes a model of it. */
#include "rank_work.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/options.h"
#include "nn/slots.h"
#include "run/clock.h"
#ifdef CNN_BENCH_MPI
#include "cli/message_passing.h"
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one measurement. */
enum { STEPS_LEAST = 3, STEPS_MOST = 200 };

/* What the command line asks for. */
typedef struct ranks_command {
    const char *file;
    int ranks, batch_size, threads, side;
    double seconds, latency, gigabits; /* latency: microseconds */
    bool mpi, spare;
    char **argv; /* of main, for MPI */
} ranks_command;

static cnn_action print_help, run;

#define FIELD(field) .offset = offsetof(ranks_command, field)

static const cnn_option options[] = {
    {.name = "ranks",
     .letter = 'n',
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(ranks),
     .minimum = 1,
     .maximum = 1024,
     .help = "processes (default: 1)"},
    {.name = "batch",
     .letter = 'b',
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(batch_size),
     .minimum = 1,
     .maximum = 65536,
     .help = "images of a batch (default: 32)"},
    {.name = "threads",
     .letter = 't',
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(threads),
     .minimum = 1,
     .maximum = 1024,
     .help = "threads of each process (default: 1)"},
    {.name = "side",
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(side),
     .minimum = 1,
     .maximum = 4096,
     .help = "width and height of images (default: the file's)"},
    {.name = "seconds",
     .letter = 's',
     .argument = "S",
     .parse = cnn_option_number,
     FIELD(seconds),
     .minimum = 0.0,
     .maximum = 3600.0,
     .help = "time for the steps (default: 1)"},
    {.name = "latency",
     .argument = "US",
     .parse = cnn_option_number,
     FIELD(latency),
     .minimum = 0.0,
     .maximum = 1e6,
     .help = "microseconds of each exchange, with --gigabits"},
    {.name = "gigabits",
     .argument = "G",
     .parse = cnn_option_number,
     FIELD(gigabits),
     .minimum = 1e-3,
     .maximum = 1e6,
     .help = "a second, each way, of a network that is waited for (default: none)"},
    {.name = "spare", FIELD(spare), .help = "messages have a processor of their own"},
    {.name = "mpi", FIELD(mpi), .help = "the processes are those that mpirun has started"},
    {.name = "help", .letter = 'h', .action = print_help, .help = "print this"},
    {.name = NULL},
};

static cnn_status set_file(void *context, const char *value, cnn_error *error) {
    ranks_command *command = context;
    if (command->file) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected one file, got \"%.60s\" too", value);
    }
    command->file = value;
    return CNN_OK;
}

static const cnn_program program = {
    .name = "cnnranks",
    .usage = "usage: cnnranks [OPTION ...] FILE\n"
             "\n"
             "Measures steps on random images, as the busiest of several processes sees them,\n"
             "and their messages, and prints them as lines of JSON. Without --mpi, there is\n"
             "only this one process: messages take no time, or that of a network that is only\n"
             "waited for. FILE: a config, or a pretrained network, of which all weights are\n"
             "trained.\n",
    .options = options,
    .argument = set_file,
    .work = run,
};

static cnn_status print_help(void *context, cnn_error *error) {
    (void)context, (void)error;
    cnn_program_help(&program);
    return CNN_OK;
}

/* --- the process --- */

static size_t blocks_of(size_t images, int rank, int ranks) {
    return cnn_block_count(cnn_image_of_rank(images, rank + 1, ranks) -
                           cnn_image_of_rank(images, rank, ranks));
}

/* The first one of those with the most blocks. */
static int busiest(size_t images, int ranks) {
    int most = 0;
    for (int rank = 1; rank < ranks; rank++) {
        if (blocks_of(images, rank, ranks) > blocks_of(images, most, ranks)) {
            most = rank;
        }
    }
    return most;
}

static cnn_status load_task(const ranks_command *command, bench_task *task, cnn_error *error) {
    size_t length = strlen(command->file);
    *task = (bench_task){.batch_size = (size_t)command->batch_size,
                         .threads = command->threads,
                         .side = command->side};
    if (length > 5 && strcmp(command->file + length - 5, ".json") == 0) {
        return cnn_config_load(command->file, NULL, 0, &task->config, error);
    }
    return cnn_pretrained_read(command->file, &task->pretrained, error);
}

/* --- output --- */

static void print_head(const char *kind, const bench_rank_work *work) {
    const bench_task *task = work->task;
    int rank = cnn_rank(&work->ranks), ranks = cnn_rank_count(&work->ranks);
    printf("{\"kind\": \"%s\", \"batch\": %zu, \"threads\": %d, \"ranks\": %d, \"rank\": %d, "
           "\"blocks\": %zu, \"all_blocks\": %zu, \"parameters\": %zu, \"image_bytes\": %zu, "
           "\"ahead\": %s, \"steps\": [",
           kind, task->batch_size, task->threads, ranks, rank,
           blocks_of(task->batch_size, rank, ranks), cnn_block_count(task->batch_size),
           work->step.network->parameter_count, work->dataset.image_size,
           work->ranks.ahead ? "true" : "false");
}

/* Each round: channel, when it began, processor time of its thread, bytes sent, bytes received,
 * messages. */
static void print_step(const bench_rank_step *step, const bench_recorded *recorded, bool first) {
    printf("%s{\"seconds\": %.9f, \"gradients\": %.9f, \"processor\": %.9f, \"rounds\": [",
           first ? "" : ", ", step->all, step->gradients, step->processor);
    const char *comma = "";
    for (int channel = 0; channel < CNN_TRANSPORT_CHANNELS; channel++) {
        const bench_rounds *of = &recorded->channels[channel];
        for (size_t i = 0; i < of->count; i++) {
            const bench_round *r = &of->rounds[i];
            printf("%s[%d, %.9f, %.9f, %zu, %zu, %zu]", comma, channel, r->begin, r->used, r->sent,
                   r->received, r->messages);
            comma = ", ";
        }
    }
    printf("]}");
}

/* --- measuring --- */

/* The same for all processes: the first one decides. */
static bool goes_on(const bench_recorded *recorded, double end) {
    const cnn_ranks ranks = {.transport = recorded->inner};
    bool more = cnn_clock_seconds() < end;
    cnn_ranks_broadcast(recorded->inner ? &ranks : NULL, 0, &more, sizeof more);
    return more;
}

/* Steps after a first one, which is not counted. */
static cnn_status measure(const char *kind, const ranks_command *command, const bench_task *task,
                          bench_recorded *recorded, cnn_error *error) {
    bench_rank_work work;
    bool prints = recorded->inner ? recorded->inner->rank == 0 : true;
    recorded->transport.spare_processor = command->spare;
    cnn_status status = bench_rank_work_create(task, &recorded->transport, &work, error);
    if (status != CNN_OK) {
        bench_rank_work_free(&work);
        return status;
    }
    (void)bench_rank_work_step(&work);
    if (prints) {
        print_head(kind, &work);
    }
    double end = cnn_clock_seconds() + command->seconds;
    for (int i = 0; i < STEPS_MOST && (i < STEPS_LEAST || goes_on(recorded, end)); i++) {
        bench_recorded_restart(recorded);
        bench_rank_step step = bench_rank_work_step(&work);
        if (prints) {
            print_step(&step, recorded, i == 0);
        }
    }
    if (prints) {
        printf("]}\n");
    }
    bench_rank_work_free(&work);
    return CNN_OK;
}

/* One process of several, the others of which are missing. */
static cnn_status measure_alone(const char *kind, const ranks_command *command,
                                const bench_task *task, int ranks, cnn_error *error) {
    bench_recorded recorded;
    bench_recorded_begin(&recorded, NULL, busiest(task->batch_size, ranks), ranks);
    recorded.latency = 1e-6 * command->latency;
    recorded.bandwidth = 1e9 / 8.0 * command->gigabits;
    cnn_status status = measure(kind, command, task, &recorded, error);
    bench_recorded_free(&recorded);
    return status;
}

#ifdef CNN_BENCH_MPI

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Each of two processes sends the other so many bytes at once, again and again, each time other
 * ones of `room`: in a step, the bytes of a message are not in the first caches either. Returns the
 * median time. */
static double exchange_seconds(const cnn_transport *transport, char *out, char *in, size_t room,
                               size_t bytes) {
    enum { WARM = 5, TIMES = 41 };
    double times[TIMES] = {0};
    const int peer = transport->rank ^ 1;
    for (int i = -WARM; i < TIMES && peer < transport->count; i++) {
        const size_t at = (size_t)(i + WARM) % (room / bytes) * bytes;
        const cnn_message both[] = {
            {.peer = peer, .bytes = out + at, .size = bytes},
            {.peer = peer, .receives = true, .bytes = in + at, .size = bytes}};
        double begin = cnn_clock_seconds();
        transport->exchange(transport->context, 0, both, 2);
        times[i < 0 ? 0 : i] = cnn_clock_seconds() - begin;
    }
    qsort(times, TIMES, sizeof *times, ascending);
    return times[TIMES / 2];
}

static cnn_status measure_exchanges(const cnn_transport *transport, cnn_error *error) {
    const size_t most = (size_t)4 << 20;
    char *out = cnn_alloc(most, 1), *in = cnn_alloc(most, 1);
    cnn_status status = out && in ? CNN_OK : cnn_fail_memory(error, "messages");
    for (size_t bytes = 8; bytes <= most && status == CNN_OK; bytes *= 8) {
        double seconds = exchange_seconds(transport, out, in, most, bytes);
        if (transport->rank == 0) {
            printf("{\"kind\": \"exchange\", \"bytes\": %zu, \"seconds\": %.9f}\n", bytes, seconds);
        }
    }
    cnn_free(out);
    cnn_free(in);
    return status;
}

static cnn_status measure_together(const ranks_command *command, const bench_task *task,
                                   const cnn_transport *transport, cnn_error *error) {
    CNN_TRY(measure_exchanges(transport, error));
    bench_recorded recorded;
    bench_recorded_begin(&recorded, transport, 0, 0);
    cnn_status status = measure("together", command, task, &recorded, error);
    bench_recorded_free(&recorded);
    return status;
}

static cnn_status run_with_mpi(const ranks_command *command, const bench_task *task,
                               cnn_error *error) {
    cnn_transport transport;
    CNN_TRY(cnn_message_passing_start(command->argv, &transport, error));
    cnn_status status = measure_together(command, task, &transport, error);
    if (status != CNN_OK) {
        transport.abandon(transport.context, error);
    }
    cnn_message_passing_end(&transport);
    return status;
}

#else

static cnn_status run_with_mpi(const ranks_command *command, const bench_task *task,
                               cnn_error *error) {
    (void)command, (void)task;
    return cnn_fail(error, CNN_ERROR_CONFIG, "--mpi: this program was built without MPI");
}

#endif

static cnn_status run(void *context, cnn_error *error) {
    const ranks_command *command = context;
    bench_task task;
    if (!command->file) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected a config or a pretrained network");
    }
    cnn_status status = load_task(command, &task, error);
    if (status == CNN_OK) {
        status = command->mpi ? run_with_mpi(command, &task, error)
                              : measure_alone("alone", command, &task, command->ranks, error);
    }
    cnn_config_free(task.config);
    cnn_pretrained_free(task.pretrained);
    return status;
}

int main(int argc, char **argv) {
    ranks_command command = {
        .ranks = 1, .batch_size = 32, .threads = 1, .seconds = 1.0, .argv = argv};
    cnn_error error = {0};
    cnn_action *action = NULL;
    cnn_status status = cnn_options_parse(&program, argc, argv, &command, &action, &error);
    if (status == CNN_OK) {
        status = action(&command, &error);
    }
    if (status != CNN_OK) {
        (void)fprintf(stderr, "cnnranks: %s\n", error.message);
    }
    return (int)status;
}
