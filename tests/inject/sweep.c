/* Makes every single call of a program fail in turn: the first, the second, … until it makes no
 * more. After each run, the exit code, the message, the files that are there, and what --resume
 * makes of them must be as promised.
 *
 *   sweep SHIM CNNTRAIN CNNPREDICT      in a folder with data/ and cfg.json, which
 * tests/cli/inject.sh prepares */
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN "run"      /* the run directory of the disturbed program */
#define CACHE ".cache" /* its cache's home */
#define OUT "out.txt"
#define ERR "err.txt"

enum { ARGUMENTS_MAX = 24, TEXT_MAX = 1 << 16 };

static const char *shim, *cnntrain, *cnnpredict;
static inject_page *page;
static long runs, failures;
static long
    most_live; /* blocks of memory that an undisturbed run leaves at most: those of its threads */

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

/* --- files --- */

static long read_text(const char *path, char *text) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, TEXT_MAX - 1);
    if (file >= 0) {
        (void)close(file);
    }
    text[size < 0 ? 0 : size] = '\0';
    return size;
}

static bool same_file(const char *a, const char *b) {
    static char left[TEXT_MAX], right[TEXT_MAX];
    long size = read_text(a, left);
    return size >= 0 && size == read_text(b, right) && memcmp(left, right, (size_t)size) == 0;
}

/* Does something in the folder have this in its name? */
static bool holds(const char *folder, const char *part) {
    DIR *stream = opendir(folder);
    bool found = false;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        found = found || strstr(entry->d_name, part);
    }
    if (stream) {
        (void)closedir(stream);
    }
    return found;
}

static void remove_folder(const char *folder) {
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        char path[512];
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            if (unlink(path) != 0) {
                remove_folder(path);
            }
        }
    }
    if (stream) {
        (void)closedir(stream);
        (void)rmdir(folder);
    }
}

/* A folder of files, no deeper. */
static void copy_folder(const char *from, const char *to) {
    static char bytes[TEXT_MAX];
    DIR *stream = opendir(from);
    if (!stream || mkdir(to, 0777) != 0) {
        give_up(from);
    }
    for (struct dirent *entry; (entry = readdir(stream));) {
        char source[512], target[512];
        (void)snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        (void)snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (*entry->d_name == '.') {
            continue;
        }
        long size = read_text(source, bytes);
        int file = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (size < 0 || file < 0 || write(file, bytes, (size_t)size) != size) {
            give_up(target);
        }
        (void)close(file);
    }
    (void)closedir(stream);
}

/* --- running --- */

/* Runs a program with the shim; its exit code, or -1 where a signal ended it. */
static int run(const char *const *arguments, const char *input) {
    pid_t child = fork();
    if (child == 0) {
        int in = open(input ? input : "/dev/null", O_RDONLY);
        int out = open(OUT, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        int err = open(ERR, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
            dup2(err, 2) < 0 || setenv("LD_PRELOAD", shim, 1) != 0) {
            _exit(126);
        }
        (void)close(in);
        (void)close(out);
        (void)close(err);
        (void)alarm(30); /* a program that hangs is ended by a signal, too */
        char *copies[ARGUMENTS_MAX + 1] = {0};
        for (int i = 0; i < ARGUMENTS_MAX && arguments[i]; i++) {
            copies[i] = strdup(arguments[i]);
        }
        execv(arguments[0], copies);
        _exit(126);
    }
    int state = 0;
    if (child < 0 || waitpid(child, &state, 0) != child) {
        give_up("fork");
    }
    runs++;
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static void set_page(inject_class class, inject_mode mode, int error, long at) {
    memset(page, 0, sizeof *page);
    page->class = (int)class;
    page->mode = (int)mode;
    page->error = error;
    page->at = at;
}

/* --- scenarios --- */

/* How memory is refused: scenarios whose allocations are those of another one need it less. */
typedef enum memory_sweep {
    NEVER, /* in the sandbox, above all: libseccomp 2.5 loops for ever where it gets no memory for a
              filter */
    ONCE,
    FOR_GOOD, /* once, and from there on */
} memory_sweep;

typedef struct scenario {
    const char *name;
    const char *program[ARGUMENTS_MAX]; /* "cnntrain" or "cnnpredict", and its arguments */
    const char *input;                  /* standard input; NULL: empty */
    const char *start; /* the folder that the run directory is a copy of; NULL: none */
    bool trains;       /* into RUN; resumed, it must become as `whole` */
    bool caches;       /* starts with an empty cache of images */
    bool per_image;    /* an image's failure is a row, exit code 6 */
    memory_sweep memory;
} scenario;

#define TRAIN "cnntrain", "--config", "cfg.json", "--threads", "2"

static const scenario scenarios[] = {
    {.name = "a new run",
     .program = {TRAIN, "--out", RUN, "--no-cache", "-q"},
     .trains = true,
     .memory = ONCE},
    {.name = "a new run that fills the cache",
     .program = {TRAIN, "--out", RUN, "-q"},
     .trains = true,
     .caches = true,
     .memory = FOR_GOOD},
    {.name = "a resumed run",
     .program = {TRAIN, "--out", RUN, "--resume", "-q"},
     .start = "half",
     .trains = true,
     .memory = FOR_GOOD},
    {.name = "starting over",
     .program = {TRAIN, "--out", RUN, "--overwrite", "-q"},
     .start = "whole",
     .trains = true},
    {.name = "a finished run",
     .program = {TRAIN, "--out", RUN, "--resume", "-q"},
     .start = "whole",
     .trains = true,
     .memory = ONCE},
    {.name = "a report of the data",
     .program = {TRAIN, "--out", RUN, "--check-data", "-q"},
     .memory = FOR_GOOD},
    {.name = "a dry run",
     .program = {TRAIN, "--dry-run", "--no-cache", "-q", "train.epochs=3", "layers.0.filters=3",
                 "output=x", "train.seed=4"},
     .memory = ONCE},
    {.name = "a trace", .program = {TRAIN, "--trace", "--no-cache", "-q"}, .memory = ONCE},
    {.name = "the schema", .program = {"cnntrain", "--schema"}, .memory = ONCE},
    {.name = "the keys", .program = {"cnntrain", "--help-config"}, .memory = ONCE},
    {.name = "predictions",
     .program = {"cnnpredict", "whole/model.bin", "data/left/00000.pgm", "data/right", "-",
                 "--threads", "2"},
     .input = "paths",
     .per_image = true},
    {.name = "predictions as JSON",
     .program = {"cnnpredict", "whole/model.bin", "data/left/00000.pgm", "data/right", "-",
                 "--format", "jsonl", "--no-sandbox", "--threads", "2"},
     .input = "paths",
     .per_image = true,
     .memory = FOR_GOOD},
};

/* What a run of a scenario is without a failure. */
typedef struct undisturbed {
    int code;
    char out[TEXT_MAX];
} undisturbed;

static void prepare(const scenario *s) {
    remove_folder(RUN);
    if (s->start) {
        copy_folder(s->start, RUN);
    }
    if (s->caches) {
        remove_folder(CACHE);
    }
}

static int run_scenario(const scenario *s) {
    const char *arguments[ARGUMENTS_MAX + 1] = {0};
    for (int i = 0; i < ARGUMENTS_MAX; i++) {
        arguments[i] = s->program[i];
    }
    arguments[0] = strcmp(arguments[0], "cnntrain") == 0 ? cnntrain : cnnpredict;
    return run(arguments, s->input);
}

/* The columns of metrics.csv in front of the times. */
static void cut_times(char *text) {
    char *to = text;
    int commas = 0;
    for (char *c = text; *c; c++) {
        commas = *c == '\n' ? 0 : commas + (*c == ',');
        if (commas < 7) {
            *to++ = *c;
        }
    }
    *to = '\0';
}

/* Is the run directory that of the run which nobody disturbed? */
static bool is_whole(void) {
    static char got[TEXT_MAX], want[TEXT_MAX];
    (void)read_text(RUN "/metrics.csv", got);
    (void)read_text("whole/metrics.csv", want);
    cut_times(got);
    cut_times(want);
    return strcmp(got, want) == 0 && same_file(RUN "/model.bin", "whole/model.bin") &&
           same_file(RUN "/last.bin", "whole/last.bin") &&
           same_file(RUN "/predictions.csv", "whole/predictions.csv") &&
           same_file(RUN "/split.csv", "whole/split.csv");
}

/* Has the run ended before it changed anything in its directory? */
static bool is_untouched(const scenario *s) {
    static const char *const files[] = {"config.json", "metrics.csv",    "model.bin",
                                        "last.bin",    "checkpoint.bin", "summary.json"};
    if (!s->start) {
        return access(RUN, F_OK) != 0;
    }
    bool same = true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char old[64], new[64];
        (void)snprintf(old, sizeof old, "%s/%s", s->start, files[i]);
        (void)snprintf(new, sizeof new, RUN "/%s", files[i]);
        same = same && same_file(old, new);
    }
    return same;
}

/* One line, which names the program and the reason. */
static const char *judge_message(const scenario *s, inject_class class, int error) {
    static char text[TEXT_MAX];
    (void)read_text(ERR, text);
    const char *end = strchr(text, '\n');
    if (strncmp(text, s->program[0], strlen(s->program[0])) != 0) {
        return "no message";
    }
    const char *last = text;
    for (const char *line = text; *line;) {
        last = line;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    if (!end || strlen(last) < strlen(s->program[0]) + 8) {
        return "no message";
    }
    if (class == INJECT_MEMORY && !strstr(text, "memory")) {
        return "a message that does not speak of memory";
    }
    if (class == INJECT_WRITING && !strstr(text, strerror(error))) {
        return "a message without the reason";
    }
    return NULL;
}

static const char *judge(const scenario *s, const undisturbed *want, int code, inject_class class,
                         int error) {
    static char out[TEXT_MAX];
    bool reading = class == INJECT_READING;
    bool expected = code == want->code || code == 1 || (s->per_image && code == 6) ||
                    (reading && (code == 2 || code == 3 || code == 4));
    if (code < 0) {
        return "ended by a signal";
    }
    if (s->start && reading && code == 0 && strcmp(page->name, "access") == 0) {
        return "a file that cannot be asked about taken for missing";
    }
    if (!expected) {
        return "an exit code that is not promised";
    }
    (void)read_text(OUT, out);
    if (code == want->code && strcmp(out, want->out) != 0 && !(s->per_image && code == 6)) {
        return "other results";
    }
    if (code != want->code && !(s->per_image && code == 6)) {
        const char *wrong = judge_message(s, class, error);
        if (wrong) {
            return wrong;
        }
    }
    if (atomic_load(&page->live) > most_live) {
        return "memory that was not given back";
    }
    bool removed = strncmp(page->name, "unlink", 6) == 0; /* … could not be */
    if (!removed &&
        (holds(RUN, ".tmp.") || holds(RUN, ".lock") || holds(CACHE "/cnntrain", ".tmp"))) {
        return "a temporary file left behind";
    }
    if (!s->trains) {
        return NULL;
    }
    if (code == want->code) {
        return is_whole() ? NULL : "other files";
    }
    if (s->start && strcmp(s->start, "half") == 0 &&
        (access(RUN "/model.bin", F_OK) != 0 || access(RUN "/checkpoint.bin", F_OK) != 0)) {
        return "the last good model or checkpoint lost";
    }
    if (is_untouched(s)) {
        return NULL; /* what --resume makes of that is another scenario */
    }
    set_page(INJECT_NOTHING, INJECT_ONCE, 0, 0);
    const char *resume[] = {cnntrain, "--config", "cfg.json", "--out", RUN, "--resume", "-q", NULL};
    if (run(resume, NULL) != 0) {
        return "a run that cannot be resumed";
    }
    return is_whole() ? NULL : "other files after --resume";
}

static void sweep(const scenario *s, inject_class class, inject_mode mode, int error) {
    static undisturbed want;
    static const char *const classes[] = {"nothing", "writing", "reading", "memory"};
    static const char *const modes[] = {"once", "from there on", "short"};
    /* the cache is cold in a run that fills it, warm in others */
    set_page(class, mode, error, 0);
    prepare(s);
    want.code = run_scenario(s);
    most_live = atomic_load(&page->live) > most_live ? atomic_load(&page->live) : most_live;
    (void)read_text(OUT, want.out);
    long at = 1;
    for (;; at++) {
        set_page(class, mode, error, at);
        prepare(s);
        int code = run_scenario(s);
        if (atomic_load(&page->calls) < at) {
            break;
        }
        char name[sizeof page->name];
        memcpy(name, page->name, sizeof name);
        const char *wrong = judge(s, &want, code, class, error);
        if (wrong && failures++ < 60) {
            static char text[TEXT_MAX];
            (void)read_text(ERR, text);
            printf("FAILED: %s, %s, %s call %ld (%s) fails %s: exit code %d, %s\n  %s\n", s->name,
                   mode == INJECT_SHORT_WRITE ? "" : strerror(error), classes[class], at, name,
                   modes[mode], code, wrong, text);
            (void)fflush(stdout);
        }
    }
    printf("%-32s %-8s %-14s %-26s %5ld calls\n", s->name, classes[class], modes[mode],
           mode == INJECT_SHORT_WRITE ? "" : strerror(error), at - 1);
    (void)fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: sweep SHIM CNNTRAIN CNNPREDICT\n");
        return 2;
    }
    shim = argv[1];
    cnntrain = argv[2];
    cnnpredict = argv[3];
    int file = open("page", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 || ftruncate(file, sizeof *page) != 0) {
        give_up("page");
    }
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char path[4096];
    if (page == MAP_FAILED || !getcwd(path, sizeof path - 8) ||
        setenv(INJECT_PAGE, strcat(path, "/page"), 1) != 0) {
        give_up("page");
    }
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        const scenario *s = &scenarios[i];
        sweep(s, INJECT_WRITING, INJECT_ONCE, EIO);
        if (s->trains) {
            sweep(s, INJECT_WRITING, INJECT_ONCE, EACCES);
        }
        sweep(s, INJECT_WRITING, INJECT_FROM_THERE, ENOSPC);
        sweep(s, INJECT_WRITING, INJECT_SHORT_WRITE, 0);
        sweep(s, INJECT_READING, INJECT_ONCE, EIO);
        if (s->memory >= ONCE) {
            sweep(s, INJECT_MEMORY, INJECT_ONCE, ENOMEM);
        }
        if (s->memory >= FOR_GOOD) {
            sweep(s, INJECT_MEMORY, INJECT_FROM_THERE, ENOMEM);
        }
    }
    printf("%ld runs, %ld failures\n", runs, failures);
    return failures > 0;
}
