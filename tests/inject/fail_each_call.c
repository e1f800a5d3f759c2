/* Runs a program again and again, another call failing in each run (inject.c), until one call from
 * each place has failed, and checks after each run what tests/README.md promises.
 *
 *   fail_each_call LIBRARY CNNTRAIN CNNPREDICT CNNCONVERT MAKE_IMAGES SCENARIO|list [IMAGES|ONNX]
 *
 * After a failed run: the promised exit code; one message, with the file and the reason; nothing
 * half-written, no lock, no more memory in use than after an undisturbed run. In a run directory: a
 * model that is there works, and --resume ends with the bytes of an undisturbed run. A converted
 * file is the old or the new one. A run that ends well in spite of the failure has these bytes at
 * once, and the failure is one that may be survived. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jpeglib.h>

enum { ARGUMENTS = 24, STATES = 4096, PATH_SIZE = 4096, NAME_SIZE = 512, TOO_LONG = 60 };

static const char *library, *cnntrain, *cnnpredict, *cnnconvert;

/* --- small things --- */

/* execv, which changes no argument although its prototype allows it. Returns on failure. */
static void replace_process(const char *program, const char *const *arguments) {
    union {
        const char *const *given;
        char *const *taken;
    } list = {.given = arguments};
    (void)execv(program, list.taken);
}

static void give_up(const char *what) {
    fprintf(stderr, "fail_each_call: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* The whole file, which may be missing, and a '\0'. To free. */
static char *read_text(const char *path, size_t *size) {
    struct stat about = {0};
    FILE *file = fopen(path, "rb");
    if (file && fstat(fileno(file), &about) != 0) {
        give_up(path);
    }
    char *text = calloc(1, (size_t)about.st_size + 1);
    if (!text) {
        give_up(path);
    }
    *size = file ? fread(text, 1, (size_t)about.st_size, file) : 0;
    if (file) {
        (void)fclose(file);
    }
    return text;
}

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

/* What libarchive prints when it ends a program, which it does itself if it has no memory for the
 * name of a member. */
#define LIBARCHIVE_ENDS "Fatal Internal Error in libarchive: " /* "Out of memory", "No memory" */

static void write_text(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(text, 1, size, file) != size || fclose(file) != 0) {
        give_up(path);
    }
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static int all_entries(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

typedef void visitor(const char *path, const char *name, void *context);

/* Calls visit for each file below a folder, sorted, with its path and its name seen from there
 * ("fold-1/model.bin"); and leave, where it is given, for each folder below, after its files. No
 * folder is an empty one. */
static void walk(const char *folder, const char *inner, visitor *visit, visitor *leave,
                 void *context) {
    struct dirent **entries;
    int count = scandir(folder, &entries, all_entries, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_SIZE];
        char name[NAME_SIZE];
        struct stat about;
        (void)snprintf(path, sizeof path, "%.3500s/%.255s", folder, entries[i]->d_name);
        (void)snprintf(name, sizeof name, "%.200s%s%.255s", inner, inner[0] ? "/" : "",
                       entries[i]->d_name);
        if (lstat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
            walk(path, name, visit, leave, context);
            if (leave) {
                leave(path, name, context);
            }
        } else {
            visit(path, name, context);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

static void each_file(const char *folder, visitor *visit, void *context) {
    walk(folder, "", visit, NULL, context);
}

static void remove_file(const char *path, const char *name, void *context) {
    (void)name, (void)context;
    (void)unlink(path);
}

static void remove_empty(const char *path, const char *name, void *context) {
    (void)name, (void)context;
    (void)rmdir(path);
}

static void remove_folder(const char *folder) {
    walk(folder, "", remove_file, remove_empty, NULL);
    (void)rmdir(folder);
}

static void copy_file(const char *path, const char *name, void *context) {
    char to[PATH_SIZE];
    size_t size;
    char *text = read_text(path, &size);
    (void)snprintf(to, sizeof to, "%s/%s", (const char *)context, name);
    char *inner = strrchr(name, '/') ? strrchr(to, '/') : NULL;
    if (inner) { /* the folder that the file is in, unless another file has made it */
        *inner = '\0';
        (void)mkdir(to, 0777);
        *inner = '/';
    }
    write_text(to, text, size);
    free(text);
}

/* Makes `to` a copy of `from`: a folder, without empty folders in it, or nothing. */
static void copy_folder(const char *from, char *to) {
    remove_folder(to);
    if (exists(from)) {
        if (mkdir(to, 0777) != 0) {
            give_up(to);
        }
        each_file(from, copy_file, to);
    }
}

/* --- one run --- */

typedef struct injection {
    const char *kind; /* INJECT_CLASS; NULL: the library is loaded, but nothing fails */
    const char *mode;
    int reason;
    long at;
} injection;

typedef struct outcome {
    int code, signal;
    long calls, live;
    int delivered;
    char call[NAME_SIZE], path[NAME_SIZE];
    char *out, *errors; /* stdout and stderr, to free */
    size_t out_size;
} outcome;

static void set_number(const char *name, long number) {
    char text[24];
    (void)snprintf(text, sizeof text, "%ld", number);
    (void)setenv(name, text, 1);
}

static void redirect(const char *path, int flags, int to) {
    int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, to) < 0) {
        _exit(98);
    }
    (void)close(file);
}

static outcome run(const injection *how, const char *const *arguments) {
    outcome o = {0};
    (void)unlink("report");
    pid_t child = fork();
    if (child < 0) {
        give_up("fork");
    }
    if (child == 0) {
        redirect("stdin", O_RDONLY, STDIN_FILENO);
        redirect("stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
        redirect("stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
        (void)setenv("LD_PRELOAD", library, 1);
        (void)setenv("INJECT_CLASS", how->kind ? how->kind : "", 1);
        (void)setenv("INJECT_MODE", how->mode ? how->mode : "once", 1);
        (void)setenv("INJECT_REPORT", "report", 1);
        set_number("INJECT_AT", how->at);
        set_number("INJECT_ERRNO", how->reason);
        (void)alarm(TOO_LONG); /* a run that hangs ends by SIGALRM, and is a failure */
        replace_process(arguments[0], arguments);
        _exit(98);
    }
    int status;
    if (waitpid(child, &status, 0) != child) {
        give_up("waitpid");
    }
    o.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    o.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    size_t size;
    char *report = read_text("report", &size);
    o.errors = read_text("stderr", &size);
    if (contains(o.errors, LIBARCHIVE_ENDS)) { /* at once, without the report */
        o.delivered = 1;
        (void)snprintf(o.call, sizeof o.call, "malloc");
        (void)snprintf(o.path, sizeof o.path, "-");
    } else if (o.signal == 0 && sscanf(report, "%ld %d %ld %511s %511[^\n]", &o.calls, &o.delivered,
                                       &o.live, o.call, o.path) != 5) {
        fprintf(stderr, "fail_each_call: no report from %s\n", arguments[0]);
        exit(2);
    }
    free(report);
    o.out = read_text("stdout", &o.out_size);
    return o;
}

static void free_outcome(outcome *o) {
    free(o->out);
    free(o->errors);
}

/* --- scenarios --- */

typedef enum family { TRAIN, PREDICT, CONVERT, PRINT } family;

typedef struct scenario {
    const char *name;
    family family;
    const char
        *start;   /* the content of "out" before each run: a folder to copy, or a missing one */
    bool cache;   /* with a cache … */
    bool cached;  /* … that holds the images already */
    bool threads; /* more than one, so that calls come in no fixed order */
    const char *arguments[ARGUMENTS];
    const char *resume[ARGUMENTS]; /* the command after a failure */
} scenario;

/* Reports have scenarios of their own, so that the others need not repeat their calls. */
#define OUT "--quiet", "--no-report", "--out", "out"
#define REPORTED "--out", "out", "--resume", ONE, NO_CACHE
#define CONFIGURED "--config", "cfg.json", OUT
#define ONE "--threads", "1"
#define NO_CACHE "--no-cache"
#define PRETRAINED                                                                                 \
    "pretrained.file=finished/model.bin",                                                          \
        "layers=[{\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}]"
#define ARRAYS                                                                                     \
    "train.epochs=1", "data.train=data-images-idx3-ubyte", "data.test=data-images-idx3-ubyte",     \
        "data.duplicates=allow"
#define SWEEP "--config", "sweep-cfg.json", OUT, "--sweep", "sweep.json"
#define FOLDS "--config", "folds-cfg.json", OUT, "--folds", "2"

static const scenario scenarios[] = {
    {"new",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE},
     {CONFIGURED, ONE, NO_CACHE, "--resume"}},
    {"cache",
     TRAIN,
     "none",
     true,
     false,
     false,
     {CONFIGURED, ONE, "train.epochs=1"},
     {CONFIGURED, ONE, "train.epochs=1", "--resume"}},
    {"cached",
     TRAIN,
     "none",
     true,
     true,
     false,
     {CONFIGURED, ONE, "train.epochs=1"},
     {CONFIGURED, ONE, "train.epochs=1", "--resume"}},
    {"resume",
     TRAIN,
     "stopped",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "--resume"},
     {CONFIGURED, ONE, NO_CACHE, "--resume"}},
    {"longer",
     TRAIN,
     "finished",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "--resume", "train.epochs=3"},
     {CONFIGURED, ONE, NO_CACHE, "--resume", "train.epochs=3"}},
    {"done",
     TRAIN,
     "finished",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "--resume"},
     {CONFIGURED, ONE, NO_CACHE, "--resume"}},
    {"overwrite",
     TRAIN,
     "finished",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "--overwrite", "train.epochs=1"},
     {CONFIGURED, ONE, NO_CACHE, "--overwrite", "train.epochs=1"}},
    {"untrained",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=0"},
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=0", "--resume"}},
    /* a budget of next to nothing: each part is measured once, and one epoch of one batch trained
     */
    {"minutes",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "train.minutes=1e-9", "train.batch_size=1000"},
     {CONFIGURED, ONE, NO_CACHE, "train.minutes=1e-9", "train.batch_size=1000", "--resume"}},
    {"pretrained",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=1", PRETRAINED},
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=1", PRETRAINED, "--resume"}},
    {"manifest",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=1", "data.train=rows.csv"},
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=1", "data.train=rows.csv", "--resume"}},
    {"archive",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=1", "data.train=data-shards"},
     {CONFIGURED, ONE, NO_CACHE, "train.epochs=1", "data.train=data-shards", "--resume"}},
    {"arrays",
     TRAIN,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, ARRAYS},
     {CONFIGURED, ONE, NO_CACHE, ARRAYS, "--resume"}},
    {"threads",
     TRAIN,
     "none",
     true,
     false,
     true,
     {CONFIGURED, "--threads", "3", "train.epochs=1"},
     {CONFIGURED, "--threads", "3", "train.epochs=1", "--resume"}},
    {"member",
     TRAIN,
     "none",
     false,
     false,
     false,
     {FOLDS, ONE, NO_CACHE, "--member", "2"},
     {FOLDS, ONE, NO_CACHE, "--member", "2", "--resume"}},
    {"gather",
     TRAIN,
     "members",
     false,
     false,
     false,
     {FOLDS, ONE, NO_CACHE, "--gather"},
     {FOLDS, ONE, NO_CACHE, "--gather"}},
    {"sweep",
     TRAIN,
     "none",
     false,
     false,
     false,
     {SWEEP, ONE, NO_CACHE},
     {SWEEP, ONE, NO_CACHE, "--resume"}},
    {"sweep-member",
     TRAIN,
     "none",
     false,
     false,
     false,
     {SWEEP, ONE, NO_CACHE, "--member", "2"},
     {SWEEP, ONE, NO_CACHE, "--member", "2", "--resume"}},
    {"report",
     TRAIN,
     "finished",
     false,
     false,
     false,
     {"--config", "cfg.json", REPORTED},
     {"--config", "cfg.json", REPORTED}},
    {"report-folds",
     TRAIN,
     "gathered",
     false,
     false,
     false,
     {"--config", "folds-cfg.json", "--folds", "2", REPORTED},
     {"--config", "folds-cfg.json", "--folds", "2", REPORTED}},
    {"tsv",
     PREDICT,
     "finished",
     false,
     false,
     false,
     {"out/model.bin", "--no-sandbox", ONE, "data/left/00000.pgm", "data/right", "-"},
     {NULL}},
    {"csv",
     PREDICT,
     "finished",
     false,
     false,
     false,
     {"out/model.bin", "--no-sandbox", ONE, "-", "--format", "csv", "--threshold", "0.3"},
     {NULL}},
    {"jsonl",
     PREDICT,
     "finished",
     false,
     false,
     false,
     {"out/model.bin", "--no-sandbox", ONE, "data", "--format", "jsonl"},
     {NULL}},
    {"explain",
     PREDICT,
     "finished",
     false,
     false,
     false,
     {"out/model.bin", "--no-sandbox", ONE, "data/right/00001.pgm", "--explain", "out/maps"},
     {NULL}},
    {"formats",
     PREDICT,
     "finished",
     false,
     false,
     false,
     {"out/model.bin", "--no-sandbox", ONE, "data-formats"},
     {NULL}},
    {"convert-onnx",
     CONVERT,
     "converted",
     false,
     false,
     false,
     {"out/model.bin", "out/model.onnx", ONE},
     {NULL}},
    {"convert-c",
     CONVERT,
     "converted",
     false,
     false,
     false,
     {"out/model.bin", "out/model.c", ONE},
     {NULL}},
    {"convert-in",
     CONVERT,
     "converted",
     false,
     false,
     false,
     {"out/in.onnx", "out/model.bin", ONE},
     {NULL}},
    {"check-data", PRINT, "none", false, false, false, {CONFIGURED, ONE, "--check-data"}, {NULL}},
    {"init", PRINT, "none", false, false, false, {"--init", "data", "--quiet", ONE}, {NULL}},
    {"init-pretrained",
     PRINT,
     "none",
     false,
     false,
     false,
     {"--init", "data", "--pretrained", "finished/model.bin", "--quiet", ONE},
     {NULL}},
    {"dry-run",
     PRINT,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "--dry-run"},
     {NULL}},
    {"trace", PRINT, "none", false, false, false, {CONFIGURED, ONE, NO_CACHE, "--trace"}, {NULL}},
    {"show-augmented",
     PRINT,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, NO_CACHE, "--show-augmented", "2", "augment.noise=0.1"},
     {NULL}},
    {"check-gradients",
     PRINT,
     "none",
     false,
     false,
     false,
     {CONFIGURED, ONE, "--check-gradients"},
     {NULL}},
    {"print-config",
     PRINT,
     "none",
     false,
     false,
     false,
     {CONFIGURED, "--print-config", "train.threshold=f1"},
     {NULL}},
    {"schema", PRINT, "none", false, false, false, {"--schema"}, {NULL}},
    {"help-config", PRINT, "none", false, false, false, {"--help-config"}, {NULL}},
    {"help", PRINT, "none", false, false, false, {"--help"}, {NULL}},
};

#define IMAGE_AND_LAYERS                                                                           \
    " \"image\": {\"width\": 8, \"height\": 8, \"channels\": 1},\n"                                \
    " \"layers\": [{\"type\": \"conv\", \"filters\": 2, \"kernel\": 3}, {\"type\": \"relu\"},\n"   \
    "  {\"type\": \"maxpool\", \"size\": 2}, {\"type\": \"flatten\"},\n"                           \
    "  {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}],\n"

static const char config[] =
    "{\"data\": {\"train\": \"data\", \"validation\": 0.25, \"test\": \"extra\",\n  "
    "\"duplicates\": \"allow\"},\n" IMAGE_AND_LAYERS
    " \"train\": {\"epochs\": 2, \"batch_size\": 5, \"learning_rate\": 0.1, \"seed\": 1,\n"
    "  \"optimizer\": \"momentum\", \"checkpoint_seconds\": 0.000001}}\n";

static const char folds_config[] =
    "{\"data\": {\"train\": \"data\", \"validation\": 0},\n" IMAGE_AND_LAYERS
    " \"train\": {\"epochs\": 1, \"batch_size\": 5, \"learning_rate\": 0.1, \"seed\": 1}}\n";

static const char sweep_config[] =
    "{\"data\": {\"train\": \"data\", \"validation\": 0.25},\n" IMAGE_AND_LAYERS
    " \"train\": {\"epochs\": 1, \"batch_size\": 5, \"seed\": 1}}\n";

static const char sweep_values[] = "{\"grid\": {\"train.learning_rate\": [0.1, 0.2]}}\n";

static const char rows[] = "path,label,split,group\n"
                           "data/left/00000.pgm,\"left\",,a\n"
                           "\"data/left/00002.pgm\",\"left\",,\"b,\"\"c\"\"\"\n"
                           "data/left/00004.pgm,\"left\",train,\n"
                           "data/right/00001.pgm,right,,a\n"
                           "data/right/00003.pgm,right,,\n"
                           "data/right/00005.pgm,right,train,d\n";

static const char inputs[] = "data/left/00002.pgm\nphoto.jpg\ndata/right/00001.pgm\n";

/* A JPEG for which libjpeg takes all kinds of memory: with several scans, and EXIF data. */
static void write_photo(const char *path) {
    static const unsigned char exif[] = "Exif\0\0MM\0*\0\0\0\10";
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors; /* an error ends the program */
    FILE *file = fopen(path, "wb");
    if (!file) {
        give_up(path);
    }
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = info.image_height = 16;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif, sizeof exif - 1);
    for (int y = 0; y < 16; y++) {
        JSAMPLE pixels[3 * 16];
        JSAMPROW row = pixels;
        memset(pixels, 8 * y, sizeof pixels);
        (void)jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    if (fclose(file) != 0) {
        give_up(path);
    }
}

static void make_data(const char *program, const char *folder, const char *count) {
    const char *const arguments[] = {program, folder, count, "8", "8", "1", NULL};
    pid_t child = fork();
    if (child == 0) {
        replace_process(program, arguments);
        _exit(98);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        give_up(program);
    }
}

/* --- what must hold --- */

static int failures;
static uint64_t verified[STATES]; /* run directories from which --resume is known to work */
static size_t verified_count;

/* What an undisturbed run gives. */
static outcome wanted;

static void complain(const scenario *s, const injection *how, const outcome *o, const char *format,
                     ...) {
    va_list arguments;
    failures++;
    printf("FAILED: %s, %s %s %ld (%s %s, %s): ", s->name, how->kind, how->mode, how->at, o->call,
           o->path, strerror(how->reason));
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("; exit code %d, signal %d, stderr: %.600s\n", o->code, o->signal,
           o->errors[0] ? o->errors : "(nothing)\n");
}

static void add_to_hash(const char *path, const char *name, void *context) {
    uint64_t *hash = context;
    size_t size;
    char *text = read_text(path, &size);
    for (const char *c = name; *c; c++) {
        *hash = (*hash ^ (unsigned char)*c) * 0x100000001b3u;
    }
    for (size_t i = 0; i < size; i++) {
        *hash = (*hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    }
    free(text);
}

/* Removes two columns, with times. */
static void cut_times(char *text, int first) {
    char *to = text;
    int column = 0;
    for (const char *from = text; *from; from++) {
        column = *from == '\n' ? 0 : column + (*from == ',');
        if (column != first && column != first + 1) {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* The first of the two columns with times in a table; -1: it has none. */
static int times_column(const char *name, const char *text) {
    if (strcmp(name, "metrics.csv") == 0) {
        return 7;
    }
    int commas = 0;
    for (const char *c = text; *c && *c != '\n'; c++) {
        commas += *c == ',';
    }
    return strcmp(name, "sweep.csv") == 0 ? commas - 2 : -1; /* one column follows them */
}

/* May a report be missing, or another one, because a call for it has failed? */
static bool report_may_differ;

/* Is a file of "wanted" another one in "out"? Files that hold times are left out, but for tables
 * without them. context: the name of the first one that is. */
static void compare_file(const char *path, const char *name, void *context) {
    char *other = context;
    char in_out[PATH_SIZE];
    size_t was, is;
    const char *last = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (other[0] || strcmp(last, "checkpoint.bin") == 0) {
        return;
    }
    (void)snprintf(in_out, sizeof in_out, "out/%s", name);
    if (report_may_differ && strcmp(last, "report.html") == 0) {
        return;
    }
    char *expected = read_text(path, &was);
    char *found = read_text(in_out, &is);
    int times = times_column(last, expected);
    if (times >= 0) {
        cut_times(expected, times);
        cut_times(found, times);
        was = strlen(expected);
        is = strlen(found);
    }
    bool timed = strstr(expected, "\"seconds\":") != NULL; /* the summary of a run */
    if (!timed && (was != is || memcmp(expected, found, was) != 0)) {
        (void)snprintf(other, NAME_SIZE, "%s", name);
    }
    free(expected);
    free(found);
}

/* The first file of a run that is not what it is in "wanted"; NULL: none. */
static const char *other_file(void) {
    static char other[NAME_SIZE];
    other[0] = '\0';
    each_file("wanted", compare_file, other);
    return other[0] ? other : NULL;
}

static bool is_image(const char *path) {
    return contains(path, ".pgm") || contains(path, ".jpg");
}

/* --init leaves out an image that cannot be read, and so does its config. */
static bool skips_image(const outcome *o) {
    return is_image(o->path) && contains(o->out, "\"bad_images\":\t\"skip\"");
}

/* Are the results those of an undisturbed run? */
static bool has_results(const scenario *s, const outcome *o) {
    if (strcmp(s->arguments[0], "--init") == 0 && skips_image(o)) {
        return true;
    }
    const bool makes_files = s->family == TRAIN || s->family == CONVERT;
    if (makes_files && other_file()) {
        return false;
    }
    return s->family == TRAIN ||
           (o->out_size == wanted.out_size && memcmp(o->out, wanted.out, o->out_size) == 0);
}

/* The file of a claim beside a lock. */
static bool is_claim(const char *path) {
    return contains(path, ".lock.") || contains(path, ".lock-start.");
}

/* Calls whose failure does not affect the results: those for the cache, for the note in the lock
 * file, for the kernel's lock on a claim, and for the release of a lock. */
static bool may_be_survived(const scenario *s, const injection *how, const outcome *o) {
    if (strcmp(how->kind, "write") != 0 && strcmp(how->kind, "space") != 0) {
        /* data that could not be read or allocated was not needed; but a checkpoint is, although a
         * run that starts over ends with the same bytes */
        return strcmp(o->call, "access") != 0;
    }
    bool lock = contains(o->path, ".lock");
    /* a program that shared a lock, and cannot determine whether it is the last one, leaves the
     * file */
    bool left = lock && contains(s->name, "member");
    return left ||
           (s->cache &&
            (contains(o->path, "cache") || contains(getenv("XDG_CACHE_HOME"), o->path))) ||
           contains(o->path, ".images") ||
           (lock && strcmp(o->call, "open") != 0 &&
            (strcmp(o->call, "flock") != 0 || is_claim(o->path))) ||
           strcmp(o->call, "futimens") == 0;
}

static bool is_exhaustion(int reason) {
    return reason == ENOMEM || reason == EMFILE;
}

/* The exit code of a failed run. */
static int expected_code(const scenario *s, const injection *how, const outcome *o) {
    if (strcmp(how->kind, "read") != 0 || is_exhaustion(how->reason) ||
        strcmp(o->call, "fgets") == 0) {
        return 1;
    }
    if (contains(o->path, "cfg.json") || contains(o->path, "sweep.json")) {
        return 2;
    }
    if (contains(o->path, "model.bin") || contains(o->path, "checkpoint.bin") ||
        contains(o->path, "in.onnx")) {
        return strcmp(o->call, "access") == 0 ? 1 : 4;
    }
    if (contains(o->path, "data") || contains(o->path, "extra") || contains(o->path, "rows.csv") ||
        is_image(o->path)) {
        return s->family == PREDICT ? 6 : 3;
    }
    return 1;
}

/* The name that a message must contain: without the suffix of a temporary file. */
static const char *name_in_message(const outcome *o, char name[NAME_SIZE]) {
    (void)snprintf(name, NAME_SIZE, "%s", strcmp(o->path, "-") == 0 ? "" : o->path);
    char *mark = strstr(name, ".tmp.");
    if (mark) {
        *mark = '\0';
    }
    return strcmp(name, "stdout") == 0  ? "standard output"
           : strcmp(name, "stdin") == 0 ? "standard input"
           : strcmp(name, ".") == 0     ? "" /* the folder that the run directory is in */
                                        : name;
}

static void check_message(const scenario *s, const injection *how, const outcome *o) {
    char name[NAME_SIZE];
    const char *reason = strerror(how->reason);
    const char *end = strchr(o->errors, '\n');
    if (strcmp(how->kind, "memory") == 0) {
        const bool ended = contains(o->errors, LIBARCHIVE_ENDS);
        if (!ended && !contains(o->errors, "out of memory") && !contains(o->errors, reason) &&
            !contains(o->out, "out of memory") && !contains(o->out, reason)) {
            complain(s, how, o, "expected a message about memory");
        }
    } else {
        const char *file = name_in_message(o, name);
        if (!contains(o->errors, reason) && !contains(o->out, reason)) {
            complain(s, how, o, "expected the reason in a message");
        }
        if (strcmp(how->mode, "once") == 0 && !contains(o->errors, file) &&
            !contains(o->out, file)) {
            complain(s, how, o, "expected %s in a message", file);
        }
    }
    /* unreadable images are named, one per line, before the message with the total, and so are the
     * runs of a sweep that have failed */
    if (!end || (end[1] && o->code != 3 && strcmp(s->name, "sweep") != 0)) {
        complain(s, how, o, "expected one message");
    }
}

typedef struct leftovers {
    char name[NAME_SIZE];
    const outcome *o;
} leftovers;

static void find_leftover(const char *path, const char *name, void *context) {
    leftovers *l = context;
    bool lock = contains(name, ".lock");
    if (lock ? !contains(l->o->path, ".lock") : contains(name, ".tmp")) {
        (void)snprintf(l->name, sizeof l->name, "%.500s", path);
    }
}

/* The run can be resumed from any state that the failure has left. */
static void check_resume(const scenario *s, const injection *how, const outcome *o) {
    uint64_t hash = 0xcbf29ce484222325u;
    each_file("out", add_to_hash, &hash);
    for (size_t i = 0; i < verified_count; i++) {
        if (verified[i] == hash) {
            return;
        }
    }
    const injection nothing = {.kind = NULL};
    if (exists("out/model.bin")) {
        const char *const predict[] = {cnnpredict, "--no-sandbox", "out/model.bin", "data/left",
                                       NULL};
        outcome predicted = run(&nothing, predict);
        if (predicted.code != 0) {
            complain(s, how, o, "the model that was left does not work: %s", predicted.errors);
        }
        free_outcome(&predicted);
    }
    const char *arguments[ARGUMENTS + 1] = {cnntrain};
    for (int i = 0; s->resume[i]; i++) {
        arguments[i + 1] = s->resume[i];
    }
    outcome resumed = run(&nothing, arguments);
    const char *other = other_file();
    if (resumed.code != 0) {
        complain(s, how, o, "--resume ends with %d: %s", resumed.code, resumed.errors);
    } else if (other) {
        complain(s, how, o, "after --resume, %s is not what it should be", other);
    } else if (verified_count < STATES) {
        verified[verified_count++] = hash;
    }
    free_outcome(&resumed);
}

static bool makes_report(const scenario *s) {
    return strncmp(s->name, "report", strlen("report")) == 0;
}

/* What cannot be read is left out of a report: models, for maps, and images, which have the reason
 * in their place. */
static bool is_left_out(const injection *how, const outcome *o) {
    size_t size;
    if (strcmp(how->kind, "read") != 0 || how->reason != EIO || !exists("out/report.html")) {
        return false;
    }
    char *page = read_text("out/report.html", &size);
    bool shown = contains(page, "Not shown: Input/output error") ||
                 contains(page, "(Input/output error)"); /* in the list of what may be wrong */
    free(page);
    return is_image(o->path) ? shown : contains(o->path, "model.bin");
}

/* A run is finished without its report, a warning says why, and --resume makes it. */
static void check_report(const scenario *s, const injection *how, const outcome *o) {
    bool is_missing = !exists("out/report.html");
    report_may_differ = is_missing || is_left_out(how, o);
    const char *other = other_file();
    report_may_differ = false;
    if (other) {
        complain(s, how, o, "%s is not what it should be", other);
    }
    if (is_missing) {
        if (!contains(o->errors, "cnntrain: the run is finished, but has no report: ") ||
            (!contains(o->errors, strerror(how->reason)) &&
             !contains(o->errors, "out of memory"))) {
            complain(s, how, o, "expected a warning");
        }
        check_resume(s, how, o);
    }
}

/* Of a sweep, one run has failed: its row says so, and so does a warning. */
static bool is_failed_row(const outcome *o) {
    size_t size;
    char *table = read_text("out/sweep.csv", &size);
    const bool is_row = contains(table, ",failed,") && contains(o->errors, "warning: ");
    free(table);
    return is_row;
}

static bool is_copy(const char *path, const char *folder, const char *name) {
    char other_path[PATH_SIZE];
    size_t size, other_size;
    (void)snprintf(other_path, sizeof other_path, "%s/%s", folder, name);
    char *text = read_text(path, &size), *other = read_text(other_path, &other_size);
    const bool same =
        exists(path) && exists(other_path) && size == other_size && memcmp(text, other, size) == 0;
    free(text);
    free(other);
    return same;
}

/* Is the file neither the one that was there before nor the new one? context: its name, then. */
static void find_mixture(const char *path, const char *name, void *context) {
    char *mixture = context;
    if (!is_copy(path, "converted", name) && !is_copy(path, "wanted", name)) {
        (void)snprintf(mixture, NAME_SIZE, "%s", name);
    }
}

/* Whatever failed, there are the old and the new files, and no others. */
static void check_converted(const scenario *s, const injection *how, const outcome *o) {
    char mixture[NAME_SIZE] = "";
    each_file("out", find_mixture, mixture);
    if (mixture[0]) {
        complain(s, how, o, "%s is neither the old nor the new file", mixture);
    }
    if (!exists("out/model.bin") || !exists("out/model.onnx") || !exists("out/model.c") ||
        !exists("out/model.h")) {
        complain(s, how, o, "a file is gone");
    }
}

static void check(const scenario *s, const injection *how, const outcome *o) {
    leftovers left = {.o = o};
    if (o->signal != 0) {
        complain(s, how, o, "the program died");
        return;
    }
    if (o->code == 0 && makes_report(s)) {
        check_report(s, how, o);
    } else if (o->code == 0 && is_failed_row(o)) {
        check_resume(s, how, o);
    } else if (o->code == 0 && !has_results(s, o)) {
        complain(s, how, o, "exit code 0 without the results");
    } else if (o->code == 0 && !may_be_survived(s, how, o)) {
        complain(s, how, o, "expected a failure");
    } else if (o->code != 0) {
        int code = expected_code(s, how, o);
        /* an image for which memory or descriptors were not sufficient is a row that says so */
        bool is_row = s->family == PREDICT && o->code == 6 && is_exhaustion(how->reason);
        if (o->code != code && !is_row) {
            complain(s, how, o, "expected exit code %d", code);
        }
        check_message(s, how, o);
    }
    each_file("out", find_leftover, &left);
    each_file("cache/cnntrain", find_leftover, &left);
    if (left.name[0] && !contains(o->call, "unlink")) {
        complain(s, how, o, "left behind: %s", left.name);
    }
    if (o->live > wanted.live) {
        complain(s, how, o, "%ld blocks of memory are not freed", o->live - wanted.live);
    }
    if (s->family == TRAIN && o->code != 0) {
        check_resume(s, how, o);
    } else if (s->family == CONVERT) {
        check_converted(s, how, o);
    }
}

/* --- one call after the other --- */

static void set_up(const scenario *s) {
    char out[] = "out";
    copy_folder(s->start, out);
    if (!s->cached) {
        remove_folder("cache/cnntrain");
    }
}

/* The command of a scenario, with NULL at its end. */
static void make_command(const scenario *s, const char *arguments[ARGUMENTS + 1]) {
    int count = 0;
    arguments[count++] = s->family == PREDICT   ? cnnpredict
                         : s->family == CONVERT ? cnnconvert
                                                : cnntrain;
    for (int i = 0; s->arguments[i]; i++) {
        arguments[count++] = s->arguments[i];
    }
    arguments[count] = NULL;
}

/* The numbers of the calls that fail, in turn; -1 ends them. */
enum { CALLS = 1 << 16 };
static long failing[CALLS + 1];

static int by_number(const void *a, const void *b) {
    long left = *(const long *)a, right = *(const long *)b;
    return (left > right) - (left < right);
}

/* A place that calls come from: the numbers of its first and its last call, and its own. */
typedef struct call_place {
    long first, last;
    unsigned long long hash;
} call_place;

/* The places of one class of calls in an undisturbed run, after set_up. Returns how many; *calls:
 * how many calls came from them. */
static size_t find_places(const scenario *s, const char *kind, call_place places[CALLS],
                          long *calls) {
    const char *arguments[ARGUMENTS + 1];
    const injection nothing = {.kind = kind};
    size_t count = 0, size;
    make_command(s, arguments);
    (void)setenv("INJECT_PLACES", "1", 1);
    outcome o = run(&nothing, arguments);
    (void)unsetenv("INJECT_PLACES");
    char *report = read_text("report", &size);
    for (char *line = strchr(report, '\n'); line && count < CALLS; line = strchr(line + 1, '\n')) {
        call_place *p = &places[count];
        if (sscanf(line + 1, "%ld %ld %llu", &p->first, &p->last, &p->hash) != 3) {
            break;
        }
        count++;
    }
    *calls = o.calls;
    free(report);
    free_outcome(&o);
    return count;
}

static bool is_place(unsigned long long hash, const call_place *places, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (places[i].hash == hash) {
            return true;
        }
    }
    return false;
}

/* Chooses calls of one class: from each place, the first one and the last one. A place is a stack
 * of calls, and of calls that change files also the file. Scenarios of cnntrain other than the
 * first one leave out places that the first one has, where the same is done about a failure; not of
 * calls that change files, after which --resume finds other files. They choose the first request of
 * memory from a place only. With INJECT_EVERY in the environment, each call and the number after
 * the last one, but for the requests of memory of a report: there are thousands. */
static void choose_calls(const scenario *s, const char *kind) {
    static call_place places[CALLS], others[CALLS];
    const bool memory = strcmp(kind, "memory") == 0;
    const bool changes = strcmp(kind, "write") == 0 || strcmp(kind, "space") == 0;
    const bool trains = s->family == TRAIN || s->family == PRINT;
    size_t count = 0, known = 0;
    long calls;
    if (!changes && trains && s != scenarios) {
        char out[] = "out";
        copy_folder(scenarios->start, out); /* not set_up, which may remove the cache of s */
        known = find_places(scenarios, kind, others, &calls);
    }
    set_up(s);
    size_t place_count = find_places(s, kind, places, &calls);
    if (getenv("INJECT_EVERY") && !(memory && makes_report(s))) {
        for (; count < CALLS && (long)count <= calls; count++) {
            failing[count] = (long)count + 1;
        }
    } else {
        for (size_t i = 0; i < place_count && count + 2 < CALLS; i++) {
            if (is_place(places[i].hash, others, known)) {
                continue;
            }
            failing[count++] = places[i].first;
            if (places[i].last != places[i].first && (!memory || s == scenarios)) {
                failing[count++] = places[i].last;
            }
        }
        qsort(failing, count, sizeof *failing, by_number);
    }
    if (count + 2 >= CALLS) {
        fprintf(stderr, "fail_each_call: %s: too many calls\n", s->name);
        exit(2);
    }
    failing[count] = -1;
}

/* Requests of memory after whose refusal the program asked for no more: ending there, it cannot
 * tell whether later ones would have been refused, too. So the pass that refuses these as well need
 * not repeat the run. */
static bool was_last[CALLS];

/* The chosen calls of one class, in one way of failing. Returns how many calls failed. */
static long fail_each(const scenario *s, const char *const *arguments, const char *kind,
                      const char *mode, int reason) {
    injection how = {.kind = kind, .mode = mode, .reason = reason};
    bool memory = strcmp(kind, "memory") == 0 && !s->threads; /* threads: in no fixed order */
    bool once = strcmp(mode, "once") == 0;
    long failed = 0;
    for (const long *at = failing; *at >= 0; at++) {
        how.at = *at;
        if (memory && !once && was_last[at - failing]) {
            continue;
        }
        set_up(s);
        outcome o = run(&how, arguments);
        bool reached = o.signal != 0 || o.delivered;
        if (reached || o.code != 0) {
            check(s, &how, &o);
        }
        if (memory && once) {
            was_last[at - failing] = o.delivered && o.calls == how.at;
        }
        free_outcome(&o);
        failed += reached;
    }
    return failed;
}

/* Nothing fails, but all reads and writes are cut short. */
static void check_short(const scenario *s, const char *const *arguments) {
    const injection how = {.kind = "interrupt", .mode = "short"};
    set_up(s);
    outcome o = run(&how, arguments);
    if (o.code != 0 || !has_results(s, &o)) {
        complain(s, &how, &o, "expected the same results from short reads and writes");
    }
    free_outcome(&o);
}

/* A signal that interrupts a call changes nothing. */
static long check_interrupts(const scenario *s, const char *const *arguments) {
    injection how = {.kind = "interrupt", .mode = "once", .reason = EINTR};
    long interrupted = 0;
    for (const long *at = failing; *at >= 0; at++) {
        how.at = *at;
        set_up(s);
        outcome o = run(&how, arguments);
        interrupted += o.signal != 0 || o.delivered;
        if (o.code != 0 || !has_results(s, &o)) {
            complain(s, &how, &o, "expected the same results after an interruption");
        }
        free_outcome(&o);
    }
    return interrupted;
}

static void run_scenario(const scenario *s) {
    static const struct {
        const char *kind, *mode;
        int reason;
    } ways[] = {{"write", "once", EIO},      {"space", "sticky", ENOSPC},
                {"read", "once", EIO},       {"read", "once", EMFILE},
                {"memory", "once", ENOMEM},  {"memory", "sticky", ENOMEM},
                {"thread", "sticky", EAGAIN}};
    const injection nothing = {.kind = "memory"};
    const char *arguments[ARGUMENTS + 1];
    make_command(s, arguments);
    char kept[] = "wanted";
    set_up(s);
    if (s->cached) { /* once for the cache, once for what a run with it gives */
        outcome filled = run(&nothing, arguments);
        free_outcome(&filled);
        set_up(s);
    }
    wanted = run(&nothing, arguments);
    if (wanted.code != 0) {
        fprintf(stderr, "fail_each_call: %s: an undisturbed run ends with %d: %s", s->name,
                wanted.code, wanted.errors);
        exit(2);
    }
    copy_folder("out", kept);
    check_short(s, arguments);
    choose_calls(s, "interrupt");
    printf("%-16s interrupt %ld", s->name, check_interrupts(s, arguments));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (i == 0 || strcmp(ways[i].kind, ways[i - 1].kind) != 0) {
            choose_calls(s, ways[i].kind);
        }
        printf(", %s %s %ld", ways[i].kind, ways[i].mode,
               fail_each(s, arguments, ways[i].kind, ways[i].mode, ways[i].reason));
        (void)fflush(stdout);
    }
    printf("\n");
    free_outcome(&wanted);
}

/* "members": two folds whose results have not been gathered. */
static void make_members(void) {
    const char *const first[] = {cnntrain, FOLDS, ONE, NO_CACHE, "--member", "1", NULL};
    const char *const second[] = {cnntrain, CONFIGURED, ONE, NO_CACHE,
                                  FOLDS,    "--member", "2", NULL};
    char members[] = "members";
    remove_folder("out");
    injection how = {.kind = "write"};
    outcome one = run(&how, first);
    outcome two = run(&how, second);
    if (one.code != 0 || two.code != 0) {
        fprintf(stderr, "fail_each_call: no members to start from: %s%s", one.errors, two.errors);
        exit(2);
    }
    copy_folder("out", members);
    remove_folder("out");
    free_outcome(&one);
    free_outcome(&two);
}

/* "gathered": a complete cross-validation, whose report alone is missing. */
static void make_folds(void) {
    const char *const arguments[] = {cnntrain, "--config", "folds-cfg.json", "--folds", "2",
                                     REPORTED, NULL};
    char gathered[] = "gathered";
    const injection nothing = {.kind = "write"};
    outcome o = run(&nothing, arguments);
    if (o.code != 0) {
        fprintf(stderr, "fail_each_call: no folds to start from: %s", o.errors);
        exit(2);
    }
    copy_folder("out", gathered);
    remove_folder("out");
    if (unlink("gathered/report.html") != 0) {
        give_up("gathered/report.html");
    }
    free_outcome(&o);
}

/* "finished": a run of two epochs; "stopped": one that a full disk ended in its second epoch. */
static void make_runs(void) {
    const char *const arguments[] = {cnntrain, CONFIGURED, ONE, NO_CACHE, NULL};
    char finished[] = "finished", stopped[] = "stopped";
    injection how = {.kind = "write"};
    outcome whole = run(&how, arguments);
    copy_folder("out", finished);
    remove_folder("out");
    how = (injection){.kind = "space", .mode = "sticky", .reason = ENOSPC, .at = whole.calls / 2};
    outcome half = run(&how, arguments);
    copy_folder("out", stopped);
    if (whole.code != 0 || half.code != 1 || !exists("stopped/checkpoint.bin")) {
        fprintf(stderr, "fail_each_call: no runs to start from: %s%s", whole.errors, half.errors);
        exit(2);
    }
    free_outcome(&whole);
    free_outcome(&half);
}

/* "converted": a model, and older files where the new ones will be. onnx: a file to read, or NULL.
 */
static void make_converted(const char *onnx) {
    static const char *const names[] = {"model.onnx", "model.c", "model.h"};
    char to[] = "converted";
    if (mkdir(to, 0777) != 0) {
        give_up(to);
    }
    copy_file("finished/model.bin", "model.bin", to);
    if (onnx) {
        copy_file(onnx, "in.onnx", to);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof path, "%s/%s", to, names[i]);
        write_text(path, "old", strlen("old"));
    }
}

/* "data-formats": images that other libraries decode, from the seeds for fuzzing. */
static void copy_formats(const char *seeds) {
    /* not JPEG in a TIFF: libtiff 4.5.0 crashes where libjpeg gets no memory to begin with */
    static const char *const names[] = {"alpha.webp", "lossless.webp", "deflate.tiff", "g4.tiff",
                                        "tiles.tiff"};
    char to[] = "data-formats";
    if (mkdir(to, 0777) != 0) {
        give_up(to);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof path, "%s/%s", seeds, names[i]);
        copy_file(path, names[i], to);
    }
}

enum { PACKED = 12, PACKED_SIDE = 12, PACKED_PIXELS = PACKED_SIDE * PACKED_SIDE, BLOCK = 512 };

/* Image i, bright on the side of its class, which is i % 2. */
static void draw_packed(int i, char *pixels) {
    for (int p = 0; p < PACKED_PIXELS; p++) {
        pixels[p] = (char)((p % PACKED_SIDE < PACKED_SIDE / 2) == (i % 2 == 0) ? 100 : i);
    }
}

/* The tars data-shards/0.tar and data-shards/1.tar, and the IDX files data-images-idx3-ubyte and
 * data-labels-idx1-ubyte. */
static void write_containers(void) {
    static char tar[(2 * PACKED + 2) * BLOCK], images[16 + PACKED * PACKED_PIXELS];
    char labels[8 + PACKED] = {0, 0, 8, 1, 0, 0, 0, PACKED};
    static const char header[] = "P5\n12 12\n255\n";
    memcpy(
        images,
        (const char[16]){0, 0, 8, 3, 0, 0, 0, PACKED, 0, 0, 0, PACKED_SIDE, 0, 0, 0, PACKED_SIDE},
        16);
    for (int i = 0; i < PACKED; i++) {
        char *block = tar + (size_t)i * 2 * BLOCK,
             *pixels = images + 16 + (size_t)i * PACKED_PIXELS;
        labels[8 + i] = (char)(i % 2);
        draw_packed(i, pixels);
        memcpy(block + BLOCK, header, sizeof header - 1);
        memcpy(block + BLOCK + sizeof header - 1, pixels, PACKED_PIXELS);
        (void)snprintf(block, 100, "%s/%d.pgm", i % 2 ? "right" : "left", i);
        (void)snprintf(block + 100, 8, "0000644");
        (void)snprintf(block + 124, 12, "%011o", (unsigned)(sizeof header - 1 + PACKED_PIXELS));
        memset(block + 148, ' ', 8);
        memcpy(block + 156, "0", 1);
        memcpy(block + 257,
               "ustar\0"
               "00",
               8);
        unsigned sum = 0;
        for (int b = 0; b < BLOCK; b++) {
            sum += (unsigned char)block[b];
        }
        (void)snprintf(block + 148, 8, "%06o", sum);
    }
    const size_t half =
        (size_t)PACKED / 2 * 2 * BLOCK; /* an archive may end without empty blocks */
    if (mkdir("data-shards", 0777) != 0) {
        give_up("data-shards");
    }
    write_text("data-shards/0.tar", tar, half);
    write_text("data-shards/1.tar", tar + half, sizeof tar - half);
    write_text("data-images-idx3-ubyte", images, sizeof images);
    write_text("data-labels-idx1-ubyte", labels, sizeof labels);
}

int main(int argc, char **argv) {
    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: fail_each_call LIBRARY CNNTRAIN CNNPREDICT CNNCONVERT MAKE_IMAGES "
                        "SCENARIO|list [IMAGES|ONNX]\n");
        return 2;
    }
    library = argv[1];
    cnntrain = argv[2];
    cnnpredict = argv[3];
    cnnconvert = argv[4];
    size_t chosen = sizeof scenarios / sizeof *scenarios;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(argv[6], "list") == 0) {
            puts(scenarios[i].name);
        }
        chosen = strcmp(argv[6], scenarios[i].name) == 0 ? i : chosen;
    }
    if (chosen == sizeof scenarios / sizeof *scenarios) {
        return strcmp(argv[6], "list") == 0 ? 0 : 2;
    }
    char folder[PATH_SIZE];
    char cache[PATH_SIZE + 8];
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* memory is quicker */
    (void)snprintf(folder, sizeof folder, "%s/fail_each_call.XXXXXX", place);
    if (!mkdtemp(folder) || chdir(folder) != 0) {
        give_up(folder);
    }
    (void)snprintf(cache, sizeof cache, "%s/cache", folder);
    (void)setenv("XDG_CACHE_HOME", cache, 1);
    (void)setenv("LC_ALL", "C", 1);
    write_text("cfg.json", config, sizeof config - 1);
    write_text("folds-cfg.json", folds_config, sizeof folds_config - 1);
    write_text("sweep-cfg.json", sweep_config, sizeof sweep_config - 1);
    write_text("sweep.json", sweep_values, sizeof sweep_values - 1);
    write_text("rows.csv", rows, sizeof rows - 1);
    write_text("stdin", inputs, sizeof inputs - 1);
    write_photo("photo.jpg");
    write_containers();
    make_data(argv[5], "data", "12");
    make_data(argv[5], "extra", "2");
    const bool reads_onnx = strcmp(argv[6], "convert-in") == 0;
    if (argc == 8 && !reads_onnx) {
        copy_formats(argv[7]);
    }
    make_runs();
    make_converted(argc == 8 && reads_onnx ? argv[7] : NULL);
    make_members();
    make_folds();
    run_scenario(&scenarios[chosen]);
    const char *const clean[] = {"/bin/rm", "-rf", folder, NULL};
    if (chdir("/") != 0 || failures > 0) {
        printf("%d failures; the last state is in %s\n", failures, folder);
        return 1;
    }
    replace_process(clean[0], clean);
    give_up("rm");
}
