#include "cli/processes.h"

#include "cli/launcher.h"
#include "cli/message_passing.h"
#include "cli/processor_shares.h"

#include "cnn/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool cnn_processes_speak(const cnn_processes *processes) {
    return processes->transport.rank == 0;
}

/* --- questions that the first process answers --- */

/* questions: [count], those of all processes. answers: the same. */
typedef void cnn_answerer(void *context, const void *questions, int count, void *answers);

typedef struct consultation {
    const void *question; /* of this process … */
    size_t question_size; /* … and the size of each … */
    void *answer;
    size_t answer_size;
    cnn_answerer *answerer; /* called in the first process */
    void *context;
} consultation;

static void out_of_memory(const cnn_transport *transport) {
    cnn_error error;
    (void)cnn_fail_memory(&error, "messages");
    transport->abandon(transport->context, &error);
}

static void ask(const cnn_transport *transport, const consultation *about) {
    cnn_message messages[] = {
        {.peer = 0, .bytes = malloc(about->question_size), .size = about->question_size},
        {.peer = 0, .receives = true, .bytes = about->answer, .size = about->answer_size}};
    if (!messages[0].bytes) {
        out_of_memory(transport);
        return;
    }
    memcpy(messages[0].bytes, about->question, about->question_size);
    transport->exchange(transport->context, CNN_PROGRAM_CHANNEL, messages, 2);
    free(messages[0].bytes);
}

/* items: [transport->count], one of each process; the first one's is there already, or stays. */
static void exchange_items(const cnn_transport *transport, cnn_message *messages, bool receives,
                           void *items, size_t size) {
    const int others = transport->count - 1;
    for (int i = 0; i < others; i++) {
        messages[i] = (cnn_message){.peer = i + 1,
                                    .receives = receives,
                                    .bytes = (char *)items + (size_t)(i + 1) * size,
                                    .size = size};
    }
    transport->exchange(transport->context, CNN_PROGRAM_CHANNEL, messages, (size_t)others);
}

static void answer(const cnn_transport *transport, const consultation *about) {
    const size_t count = (size_t)transport->count;
    char *questions = calloc(count, about->question_size);
    char *answers = calloc(count, about->answer_size);
    cnn_message *messages = calloc(count, sizeof *messages);
    if (questions && answers && messages) {
        memcpy(questions, about->question, about->question_size);
        exchange_items(transport, messages, true, questions, about->question_size);
        about->answerer(about->context, questions, transport->count, answers);
        exchange_items(transport, messages, false, answers, about->answer_size);
        memcpy(about->answer, answers, about->answer_size);
    } else {
        out_of_memory(transport);
    }
    free(questions);
    free(answers);
    free(messages);
}

static void consult(const cnn_transport *transport, const consultation *about) {
    (transport->rank == 0 ? answer : ask)(transport, about);
}

/* --- the processors --- */

static void divide(void *context, const void *questions, int count, void *answers) {
    cnn_processes *processes = context;
    const cnn_share *shares = answers;
    double machines = 0.0;
    cnn_processors_divide(questions, count, answers);
    processes->fewest = processes->most = shares[0].threads;
    for (int i = 0; i < count; i++) {
        const int threads = shares[i].threads;
        machines += 1.0 / shares[i].here;
        processes->fewest = threads < processes->fewest ? threads : processes->fewest;
        processes->most = threads > processes->most ? threads : processes->most;
    }
    processes->machines = (int)(machines + 0.5);
}

static void share_processors(cnn_processes *processes) {
    cnn_site site;
    cnn_share share = {0};
    cnn_site_find(&site);
    consult(&processes->transport, &(consultation){.question = &site,
                                                   .question_size = sizeof site,
                                                   .answer = &share,
                                                   .answer_size = sizeof share,
                                                   .answerer = divide,
                                                   .context = processes});
    processes->here = share.here;
    processes->threads = share.threads;
}

/* --- results --- */

typedef struct report {
    cnn_status status;
    char host[64];
    cnn_error error;
} report;

static void judge(void *context, const void *questions, int count, void *answers) {
    const report *reports = questions;
    cnn_status *verdicts = answers;
    int failed = 0;
    while (failed < count && reports[failed].status == CNN_OK) {
        failed++;
    }
    const cnn_status verdict = failed < count ? reports[failed].status : CNN_OK;
    if (failed > 0 && failed < count) {
        (void)cnn_fail(context, verdict, "process %d of %d (%s): %s", failed + 1, count,
                       reports[failed].host, reports[failed].error.message);
    }
    for (int i = 0; i < count; i++) {
        verdicts[i] = verdict;
    }
}

cnn_status cnn_processes_agree(cnn_processes *processes, cnn_status status, cnn_error *error) {
    if (processes->transport.count == 1 || processes->agreed) {
        return status;
    }
    cnn_status verdict = CNN_OK;
    report reported = {.status = status};
    (void)gethostname(reported.host, sizeof reported.host - 1);
    if (status != CNN_OK) {
        reported.error = *error;
    }
    consult(&processes->transport, &(consultation){.question = &reported,
                                                   .question_size = sizeof reported,
                                                   .answer = &verdict,
                                                   .answer_size = sizeof verdict,
                                                   .answerer = judge,
                                                   .context = error});
    processes->agreed = verdict != CNN_OK;
    if (verdict != CNN_OK && !cnn_processes_speak(processes)) {
        *error = (cnn_error){.status = verdict};
    }
    return verdict;
}

/* --- the beginning and the end --- */

/* Ends the processes for an error that each has found by itself: the first one prints it. */
static cnn_status say_once(const cnn_launcher *launcher, cnn_status status, cnn_error *error) {
    const struct timespec second = {.tv_sec = 1};
    if (launcher->rank != 0) {
        (void)nanosleep(&second, NULL); /* the launcher may end all when the first one has failed */
        error->message[0] = '\0';
    }
    return status;
}

static cnn_status start_passing(cnn_processes *processes, const cnn_launcher *launcher, char **argv,
                                cnn_error *error) {
    CNN_TRY(cnn_message_passing_start(argv, &processes->transport, error));
    if (processes->transport.count > 1) {
        share_processors(processes);
    } else if (launcher->count > 1) { /* each would train, all in one directory */
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected to be one of %d processes, but they do not find each other: "
                        "expected the mpirun of the MPI that this program was built with (%s), or "
                        "the --mpi of srun that it needs",
                        launcher->count, cnn_message_passing_version());
    }
    return CNN_OK;
}

cnn_status cnn_processes_start(cnn_processes *processes, char **argv, cnn_error *error) {
    const cnn_launcher launcher = cnn_launcher_find();
    *processes = (cnn_processes){.transport = {.count = 1}, .here = 1, .launcher = launcher};
    if (!launcher.mpi || launcher.count == 1) {
        return CNN_OK;
    }
    const cnn_status status = start_passing(processes, &launcher, argv, error);
    return status == CNN_OK ? CNN_OK : say_once(&launcher, status, error);
}

cnn_status cnn_processes_allow(const cnn_processes *processes, const char *what, cnn_error *error) {
    const cnn_launcher *launcher = &processes->launcher;
    if (processes->transport.count > 1 && what) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected one process, got %d; several can train one network "
                        "together, and nothing else",
                        what, processes->transport.count);
    }
    if (launcher->count > 1 && !launcher->mpi && !what) {
        return say_once(launcher,
                        cnn_fail(error, CNN_ERROR_CONFIG,
                                 "expected to be one of %d processes, but srun was not told to let "
                                 "them find each other: expected --mpi=pmix or --mpi=pmi2",
                                 launcher->count),
                        error);
    }
    return CNN_OK;
}

void cnn_processes_end(cnn_processes *processes) {
    cnn_message_passing_end(&processes->transport);
}
