/* The cache of decoded images: it gives the same as decoding, or it is not used. */
#include "config/config.h"
#include "test_support.h"

#include "samples/dataset.h"
#include "image/cache_folder.h"
#include "image/cache_key.h"
#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIDE 4
#define EACH 4 /* images of a class */
#define CACHE "cache"

/* --- files --- */

/* A file as bytes. Free with free. */
static unsigned char *read_bytes(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("%s: missing", path);
    }
    unsigned char *bytes = calloc(1, 1 << 16);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 16, file);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

/* A grey image whose pixels depend on the number. */
static void write_image(const char *path, int number) {
    uint8_t pixels[SIDE * SIDE];
    uint64_t random = (uint64_t)number + 1;
    for (int i = 0; i < SIDE * SIDE; i++) {
        pixels[i] = (uint8_t)test_random(&random, 0, 256);
    }
    test_write_pgm(path, SIDE, SIDE, 255, pixels);
}

/* path/a/0.pgm … and path/b/0.pgm …, all different. */
static void write_classes(const char *path, int first) {
    char name[64];
    assert_int_equal(mkdir(path, 0777), 0);
    for (int c = 0; c < 2; c++) {
        (void)snprintf(name, sizeof name, "%s/%c", path, 'a' + c);
        assert_int_equal(mkdir(name, 0777), 0);
        for (int i = 0; i < EACH; i++) {
            (void)snprintf(name, sizeof name, "%s/%c/%d.pgm", path, 'a' + c, i);
            write_image(name, first + 100 * c + i);
        }
    }
}

/* Names of the cache's files that end like this; the last one's path in last. */
static int count_files(const char *suffix, char last[TEST_PATH_MAX]) {
    int count = 0;
    DIR *stream = opendir(CACHE);
    struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        size_t length = strlen(entry->d_name), tail = strlen(suffix);
        if (entry->d_name[0] != '.' && length >= tail &&
            strcmp(entry->d_name + length - tail, suffix) == 0) {
            count++;
            (void)snprintf(last, TEST_PATH_MAX, CACHE "/%s", entry->d_name);
        }
    }
    if (stream) {
        assert_int_equal(closedir(stream), 0);
    }
    return count;
}

/* The path of the only file in the cache. */
static const char *the_file(void) {
    static char path[TEST_PATH_MAX];
    assert_int_equal(count_files("", path), 1);
    assert_int_equal(count_files(".images", path), 1);
    return path;
}

/* --- loading --- */

static char logged[8192];

static void keep_line(void *user, cnn_log_level level, const char *line) {
    (void)user, (void)level;
    size_t used = strlen(logged);
    (void)snprintf(logged + used, sizeof logged - used, "%s\n", line);
}

static bool was_logged(const char *text) {
    return strstr(logged, text) != NULL;
}

#define FROM_CACHE "images from the cache ("
#define INTO_CACHE "images decoded, now in the cache ("
#define NOT_CACHED "images not cached: "

/* What to load; all other settings are fixed. */
typedef struct request {
    const char *train;
    const char *override; /* NULL: none */
    const char *cache;
    uint64_t limit;
    int threads;
} request;

static bool is_child;

static cnn_dataset *load(request r) {
    static const char config_text[] =
        "{\"image\": {\"width\": 4, \"height\": 4, \"channels\": 1}, \"layers\": "
        "[{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}]}";
    if (access("cfg.json", F_OK) != 0) {
        test_write_bytes("cfg.json", config_text, sizeof config_text - 1);
    }
    char train[128];
    (void)snprintf(train, sizeof train, "data.train=%s", r.train);
    const char *overrides[] = {train, "data.bad_images=skip", r.override};
    cnn_config *config;
    cnn_dataset *dataset = NULL;
    cnn_error error;
    cnn_log_sink log = {.write = keep_line};
    cnn_reading reading = {.cache = {.folder = r.cache, .limit = r.limit ? r.limit : 1 << 20},
                           .threads = r.threads ? r.threads : 2,
                           .log = &log};
    logged[0] = '\0';
    cnn_status status = cnn_config_load("cfg.json", overrides, r.override ? 3 : 2, &config, &error);
    if (status == CNN_OK) {
        status = cnn_dataset_load(&config->data, &config->image, (uint64_t)config->train.seed,
                                  &reading, &dataset, &error);
        cnn_config_free(config);
    }
    if (status != CNN_OK && is_child) { /* after a failed assertion, a child would continue with the
                                         * tests */
        _exit(2);
    }
    test_ok(status, &error);
    return dataset;
}

/* A hash of everything that a run sees of its images. */
static uint64_t digest(const cnn_dataset *dataset) {
    uint64_t hash = cnn_dataset_fingerprint(dataset);
    for (size_t i = 0; i < dataset->count; i++) {
        hash = cnn_hash_bytes(hash, dataset->samples[i].path, strlen(dataset->samples[i].path));
        hash = cnn_hash_bytes(hash, cnn_dataset_pixels(dataset, i), dataset->image_size);
    }
    return hash;
}

static uint64_t load_digest(request r) {
    cnn_dataset *dataset = load(r);
    uint64_t hash = digest(dataset);
    cnn_dataset_free(dataset);
    return hash;
}

/* Loads with the cache: the same as without, and the log contains this. */
static void check(request r, const char *want) {
    r.cache = NULL;
    uint64_t decoded = load_digest(r);
    assert_false(was_logged("cache"));
    r.cache = CACHE;
    uint64_t cached = load_digest(r);
    assert_true(decoded == cached);
    if (!was_logged(want)) {
        fail_msg("%s %s: expected \"%s\" in \"%s\"", r.train, r.override ? r.override : "", want,
                 logged);
    }
}

static void check_miss_then_hit(request r) {
    check(r, INTO_CACHE);
    check(r, FROM_CACHE);
}

/* --- hits and misses --- */

static void test_hit(void **state) {
    write_classes("d", 0);
    check((request){.train = "d"}, INTO_CACHE);
    struct stat about;
    assert_int_equal(stat(CACHE, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(stat(the_file(), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    check((request){.train = "d"}, FROM_CACHE);
    assert_true(was_logged("8 images from the cache (" CACHE "/"));
    check((request){.train = "d", .threads = 1}, FROM_CACHE);
    /* the same folder by other names */
    check((request){.train = "d/"}, FROM_CACHE);
    char absolute[TEST_PATH_MAX + 8];
    (void)snprintf(absolute, sizeof absolute, "%s/d", (const char *)*state);
    check((request){.train = absolute}, FROM_CACHE);
    /* settings that only name and count images do not matter */
    check((request){.train = "d", .override = "data.validation=0.5"}, FROM_CACHE);
    check((request){.train = "d", .override = "data.classes=[\"b\",\"a\"]"}, FROM_CACHE);
    check((request){.train = "d", .override = "image.normalize=standardize"}, FROM_CACHE);
    (void)the_file();
}

static void test_settings(void **state) {
    (void)state;
    static const char *const overrides[] = {"image.width=5", "image.height=3", "image.channels=3",
                                            "image.resize=crop", "image.max_megapixels=1"};
    write_classes("d", 0);
    check((request){.train = "d"}, INTO_CACHE);
    for (size_t i = 0; i < TEST_COUNT(overrides); i++) {
        check_miss_then_hit((request){.train = "d", .override = overrides[i]});
    }
    check((request){.train = "d"}, FROM_CACHE); /* each has a file of its own */
    char path[TEST_PATH_MAX];
    assert_int_equal(count_files(".images", path), 1 + (int)TEST_COUNT(overrides));
}

static void set_time(const char *path, struct timespec time) {
    struct timespec times[2] = {time, time};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_changed_files(void **state) {
    (void)state;
    request r = {.train = "d"};
    write_classes("d", 0);
    check(r, INTO_CACHE);
    struct stat about;
    assert_int_equal(stat("d/a/1.pgm", &about), 0);

    set_time("d/a/1.pgm", (struct timespec){.tv_sec = 1000000000, .tv_nsec = 1});
    check_miss_then_hit(r);
    set_time("d/a/1.pgm", (struct timespec){.tv_sec = 1000000000, .tv_nsec = 2});
    check_miss_then_hit(r);

    FILE *file = fopen("d/a/1.pgm", "ab"); /* longer, of the same time */
    assert_non_null(file);
    assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fclose(file), 0);
    set_time("d/a/1.pgm", (struct timespec){.tv_sec = 1000000000, .tv_nsec = 2});
    check_miss_then_hit(r);

    write_image("d/a/1.pgm", 77); /* other pixels; size and time unchanged */
    set_time("d/a/1.pgm", about.st_mtim);
    check_miss_then_hit(r);
    write_image("d/a/1.pgm", 76);
    set_time("d/a/1.pgm", about.st_mtim);
    check_miss_then_hit(r);

    write_image("d/b/9.pgm", 78);
    check_miss_then_hit(r);
    assert_int_equal(rename("d/b/9.pgm", "d/b/10.pgm"), 0);
    check_miss_then_hit(r);
    assert_int_equal(unlink("d/b/10.pgm"), 0);
    check_miss_then_hit(r);
    assert_int_equal(rename("d/a/2.pgm", "d/a/x"), 0); /* two that swap names */
    assert_int_equal(rename("d/a/3.pgm", "d/a/2.pgm"), 0);
    assert_int_equal(rename("d/a/x", "d/a/3.pgm"), 0);
    check_miss_then_hit(r);
    (void)the_file(); /* each state replaced the one before */
}

static double age_of(const char *path) {
    struct stat about;
    struct timespec now;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (double)(now.tv_sec - about.st_ctim.tv_sec) +
           1e-9 * (double)(now.tv_nsec - about.st_ctim.tv_nsec);
}

/* Writes other bytes right after images were read, again and again: the cache never keeps outdated
 * pixels. Images are not read in the tick of the clock in which they changed, because a later
 * change in that tick would not be seen. */
static void test_quick_changes(void **state) {
    (void)state;
    write_classes("d", 0);
    for (int i = 0; i < 20; i++) {
        write_image("d/a/1.pgm", 1000 + i);
        uint64_t cached = load_digest((request){.train = "d", .cache = CACHE});
        assert_true(was_logged(INTO_CACHE));
        assert_true(age_of("d/a/1.pgm") > 0.02);
        assert_true(cached == load_digest((request){.train = "d"}));
    }
}

/* --- damage --- */

static void check_damaged(void) {
    static uint64_t good;
    request r = {.train = "d", .cache = CACHE, .threads = 1};
    if (good == 0) {
        good = load_digest((request){.train = "d"});
    }
    assert_true(load_digest(r) == good);
    if (!was_logged(INTO_CACHE)) {
        fail_msg("the damaged file was used: %s", logged);
    }
    assert_true(load_digest(r) == good);
    assert_true(was_logged(FROM_CACHE));
    (void)the_file();
}

static void test_damage(void **state) {
    (void)state;
    write_classes("d", 0);
    check((request){.train = "d"}, INTO_CACHE);
    char path[TEST_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", the_file());
    size_t size;
    unsigned char *good = read_bytes(path, &size);
    assert_int_equal(size, 72 + 2 * EACH * 24 + 56 + 2 * EACH * SIDE * SIDE);
    const size_t padding = 72 + 2 * EACH * 24;
    for (size_t i = 0; i < size; i++) {
        if (i >= padding && i < padding + 56) {
            continue;
        }
        good[i] ^= (unsigned char)(1u << (i % 8));
        test_write_bytes(path, good, size);
        good[i] ^= (unsigned char)(1u << (i % 8));
        check_damaged();
    }
    for (size_t length = 0; length < size; length += length < 100 ? 1 : 17) {
        test_write_bytes(path, good, length);
        check_damaged();
    }
    unsigned char *longer = calloc(1, size + 64);
    assert_non_null(longer);
    memcpy(longer, good, size);
    test_write_bytes(path, longer, size + 64);
    check_damaged();
    memset(longer, 0, size);
    test_write_bytes(path, longer, size);
    check_damaged();
    free(longer);
    free(good);
}

static void name_draft(const char *path, char draft[TEST_PATH_MAX + 32]) {
    const cnn_cache_folder folder = {.path = CACHE};
    char *name = cnn_cache_draft_path(&folder, path);
    (void)snprintf(draft, TEST_PATH_MAX + 32, "%s", name);
    cnn_free(name);
}

/* Other objects than files under the name of the file: none is waited for or written to. */
static void test_strange_files(void **state) {
    (void)state;
    write_classes("d", 0);
    check((request){.train = "d"}, INTO_CACHE);
    char path[TEST_PATH_MAX], draft[TEST_PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s", the_file());
    name_draft(path, draft);
    (void)alarm(20);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0666), 0);
    check_miss_then_hit((request){.train = "d"});
    assert_int_equal(unlink(path), 0);
    test_write_bytes("precious", "kept", 4);
    assert_int_equal(symlink("../precious", path), 0);
    check_miss_then_hit((request){.train = "d"});
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("../precious", draft), 0);
    check((request){.train = "d"}, NOT_CACHED);
    assert_int_equal(unlink(draft), 0);
    assert_int_equal(mkfifo(draft, 0666), 0);
    check((request){.train = "d"}, NOT_CACHED); /* and it is removed */
    assert_int_equal(mkdir(path, 0777), 0);
    check((request){.train = "d"}, NOT_CACHED);
    assert_int_equal(count_files(".tmp", draft), 0);
    (void)alarm(0);
    size_t size;
    unsigned char *kept = read_bytes("precious", &size);
    assert_int_equal(size, 4);
    assert_memory_equal(kept, "kept", 4);
    free(kept);
}

/* --- unreadable images --- */

static void test_unreadable(void **state) {
    (void)state;
    static const char *const reasons[] = {"d/a/1.pgm: expected a PNG",
                                          "d/b/2.pgm: expected an image, found an empty file",
                                          "d/b/gone.pgm: No such file or directory"};
    write_classes("d", 0);
    test_write_bytes("d/a/1.pgm", "no image", 8);
    test_write_bytes("d/b/2.pgm", "", 0);
    assert_int_equal(symlink("nowhere", "d/b/gone.pgm"), 0);
    const char *const states[] = {INTO_CACHE, FROM_CACHE, FROM_CACHE};
    for (size_t i = 0; i < TEST_COUNT(states); i++) {
        check((request){.train = "d"}, states[i]);
        for (size_t j = 0; j < TEST_COUNT(reasons); j++) {
            assert_true(was_logged(reasons[j]));
        }
    }
    write_image("nowhere", 5);
    assert_int_equal(rename("nowhere", "d/b/nowhere"), 0);
    check_miss_then_hit((request){.train = "d"});
    assert_false(was_logged("gone.pgm"));
}

/* An image that could not be read for a reason other than its file, such as no memory: recorded as
 * unreadable, then found to be readable. */
static void test_readable_again(void **state) {
    (void)state;
    write_classes("d", 0);
    check((request){.train = "d"}, INTO_CACHE);
    cnn_dataset *dataset = load((request){.train = "d"});
    cnn_image_settings settings = {
        .width = SIDE, .height = SIDE, .channels = 1, .max_megapixels = 64.0};
    cnn_cache_file_layout layout = {.count = dataset->count, .image_size = SIDE * SIDE};
    struct timespec newest;
    cnn_error error;
    const char *paths[32];
    assert_true(dataset->count <= TEST_COUNT(paths));
    for (size_t i = 0; i < dataset->count; i++) {
        paths[i] = dataset->samples[i].path;
    }
    test_ok(cnn_cache_key(paths, dataset->count, &settings, 1, &layout.key, &newest, &error),
            &error);
    int file = open(the_file(), O_RDWR);
    assert_true(file >= 0);
    cnn_cache_file pack; /* the key is the one that is used */
    assert_int_equal(cnn_cache_file_open(file, &layout, 1, &pack), CNN_CACHE_FILE_GOOD);
    cnn_cache_file_close(&pack);
    cnn_cache_file_writer writer;
    test_ok(cnn_cache_file_start(file, &layout, &writer, &error), &error);
    for (size_t i = 1; i < dataset->count; i++) {
        cnn_cache_file_write(&writer, i, cnn_dataset_pixels(dataset, i),
                             dataset->samples[i].content);
    }
    test_ok(cnn_cache_file_finish(&writer, &error), &error);
    cnn_cache_file_writer_free(&writer);
    assert_int_equal(close(file), 0);
    cnn_dataset_free(dataset);
    check_miss_then_hit((request){.train = "d"});
}

/* --- no cache --- */

static void test_unusable_folder(void **state) {
    (void)state;
    write_classes("d", 0);
    test_write_bytes("file", "", 0);
    uint64_t good = load_digest((request){.train = "d"});
    assert_true(load_digest((request){.train = "d", .cache = "file/cache"}) == good);
    assert_true(was_logged(NOT_CACHED "file"));
    if (geteuid() != 0) { /* root may write anywhere */
        assert_int_equal(mkdir("closed", 0555), 0);
        assert_true(load_digest((request){.train = "d", .cache = "closed/cache"}) == good);
        assert_true(was_logged(NOT_CACHED "closed/cache: "));
        assert_true(load_digest((request){.train = "d", .cache = "closed"}) == good);
        assert_true(was_logged(NOT_CACHED "closed/"));
        assert_int_equal(chmod("closed", 0777), 0);
    }
}

/* A full disk, simulated by a limit on the size of files. */
static void test_full_disk(void **state) {
    (void)state;
    write_classes("d", 0);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 400; /* less than the pack, more than the config */
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    uint64_t hash = load_digest((request){.train = "d", .cache = CACHE});
    bool told = was_logged(NOT_CACHED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_true(told);
    char path[TEST_PATH_MAX];
    assert_int_equal(count_files("", path), 0);
    assert_true(hash == load_digest((request){.train = "d"}));
}

/* --- the limit --- */

static void set_used(const char *path, time_t when) {
    set_time(path, (struct timespec){.tv_sec = when});
}

static void test_limit(void **state) {
    (void)state;
    static const char *const names[] = {"one", "two", "three", "four"};
    char paths[3][TEST_PATH_MAX], last[TEST_PATH_MAX];
    for (int i = 0; i < 4; i++) {
        write_classes(names[i], 1000 * i);
    }
    cnn_dataset *first = NULL;
    for (int i = 0; i < 3; i++) {
        /* two fit, not three */
        request r = {.train = names[i], .cache = CACHE, .limit = 1000};
        cnn_dataset *dataset = load(r);
        assert_true(was_logged(INTO_CACHE));
        (void)snprintf(paths[i], sizeof paths[i], "%.*s",
                       (int)strcspn(strstr(logged, CACHE "/"), ")"), strstr(logged, CACHE "/"));
        if (i == 0) {
            first = dataset;
        } else {
            cnn_dataset_free(dataset);
        }
        set_used(paths[i], 1000 + i);
    }
    assert_int_equal(access(paths[0], F_OK), -1); /* used longest ago */
    assert_int_equal(access(paths[1], F_OK), 0);
    assert_int_equal(access(paths[2], F_OK), 0);
    assert_true(digest(first) == load_digest((request){.train = "one"})); /* whose map is as good */
    cnn_dataset_free(first);

    check((request){.train = "two", .limit = 1000}, FROM_CACHE); /* used now */
    char left[TEST_PATH_MAX + 32];
    static const char foreign[] = CACHE "/0123.images.0123456789abcdef.tmp";
    static const char old[] = CACHE "/0123.images.0123456789abcdee.tmp";
    name_draft(CACHE "/0123.images", left);
    test_write_bytes(left, "left behind", 11);
    test_write_bytes(foreign, "", 0); /* of another machine, which may be writing */
    test_write_bytes(old, "left behind", 11);
    set_used(old, 1000);
    test_write_bytes(CACHE "/stranger", "not ours", 8);
    test_write_bytes(CACHE "/stranger.tmp", "not ours", 8);
    check((request){.train = "four", .limit = 1000}, INTO_CACHE);
    assert_int_equal(access(paths[1], F_OK), 0);
    assert_int_equal(access(paths[2], F_OK), -1);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(access(old, F_OK), -1);
    assert_int_equal(access(foreign, F_OK), 0);
    assert_int_equal(access(CACHE "/stranger", F_OK), 0);
    assert_int_equal(access(CACHE "/stranger.tmp", F_OK), 0);
    assert_int_equal(count_files(".images", last), 2);

    check((request){.train = "three", .limit = 100}, NOT_CACHED "they take 448 bytes");
    assert_int_equal(count_files(".images", last), 2);
}

/* --- several runs at once --- */

/* Ends the child: 0 if the images are those of `good`. */
static void be_a_run(request r, uint64_t good) {
    is_child = true;
    _exit(load_digest(r) == good ? 0 : 1);
}

static void wait_for(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_many_runs(void **state) {
    (void)state;
    enum { RUNS = 12, ROUNDS = 10 };
    request r = {.train = "d", .cache = CACHE, .threads = 1};
    char path[TEST_PATH_MAX];
    write_classes("d", 0);
    uint64_t good = load_digest((request){.train = "d", .threads = 1});
    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[RUNS];
        for (int i = 0; i < RUNS; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0) {
                be_a_run(r, good);
            }
        }
        if (round % 2 == 1) { /* and the file is removed or damaged meanwhile */
            for (int i = 0; i < 20; i++) {
                if (count_files(".images", path) == 1) {
                    if (i % 2 == 0) {
                        (void)unlink(path);
                    } else {
                        char other[TEST_PATH_MAX];
                        (void)snprintf(other, sizeof other, CACHE "/damaged");
                        test_write_bytes(other, "damaged", 7);
                        assert_int_equal(rename(other, path), 0);
                    }
                }
                (void)usleep(1000);
            }
        }
        for (int i = 0; i < RUNS; i++) {
            wait_for(children[i]);
        }
        assert_int_equal(count_files(".tmp", path), 0);
        assert_true(load_digest(r) == good);
        assert_true(load_digest(r) == good);
        assert_true(was_logged(FROM_CACHE));
        assert_int_equal(unlink(the_file()), 0);
    }
}

/* A run waits for another one that is decoding the same images, and decodes them itself if the
 * other one is killed. */
static void test_waiting(void **state) {
    (void)state;
    request r = {.train = "d", .cache = CACHE, .threads = 1};
    write_classes("d", 0);
    check((request){.train = "d", .threads = 1}, INTO_CACHE);
    char path[TEST_PATH_MAX], draft[TEST_PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s", the_file());
    name_draft(path, draft);
    for (int killed = 0; killed < 2; killed++) {
        /* a child holds the lock on a draft; then the draft gets its name, or the child dies */
        assert_int_equal(rename(path, draft), 0);
        int ready[2];
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            int file = open(draft, O_RDWR);
            bool locked = file >= 0 && flock(file, LOCK_EX) == 0 && write(ready[1], "", 1) == 1;
            (void)usleep(100000);
            _exit(locked && (killed || rename(draft, path) == 0) ? 0 : 1);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)load_digest(r);
        assert_true(was_logged("waiting for another run"));
        assert_true(was_logged(killed ? INTO_CACHE : FROM_CACHE));
        wait_for(child);
        assert_int_equal(close(ready[0]), 0);
        assert_int_equal(close(ready[1]), 0);
        (void)the_file();
    }
}

/* The draft of a killed run is taken over, whatever its content. */
static void test_left_draft(void **state) {
    (void)state;
    write_classes("d", 0);
    check((request){.train = "d"}, INTO_CACHE);
    char path[TEST_PATH_MAX], draft[TEST_PATH_MAX + 32], rubbish[5000];
    (void)snprintf(path, sizeof path, "%s", the_file());
    name_draft(path, draft);
    memset(rubbish, 0x55, sizeof rubbish);
    for (size_t size = 0; size <= sizeof rubbish; size += 500) {
        assert_int_equal(unlink(path), 0);
        test_write_bytes(draft, rubbish, size);
        check_miss_then_hit((request){.train = "d"});
        (void)the_file();
    }
}

/* A loaded data set holds no lock: the next run need not wait for its end. */
static void test_no_lock_is_kept(void **state) {
    (void)state;
    write_classes("d", 0);
    cnn_dataset *dataset = load((request){.train = "d", .cache = CACHE});
    assert_true(was_logged(INTO_CACHE));
    int file = open(the_file(), O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(close(file), 0);
    cnn_dataset_free(dataset);
}

int main(void) {
#define CACHE_TEST(test) cmocka_unit_test_setup_teardown(test, test_folder_enter, test_folder_leave)
    const struct CMUnitTest tests[] = {
        CACHE_TEST(test_hit),
        CACHE_TEST(test_settings),
        CACHE_TEST(test_changed_files),
        CACHE_TEST(test_quick_changes),
        CACHE_TEST(test_damage),
        CACHE_TEST(test_strange_files),
        CACHE_TEST(test_unreadable),
        CACHE_TEST(test_readable_again),
        CACHE_TEST(test_unusable_folder),
        CACHE_TEST(test_full_disk),
        CACHE_TEST(test_limit),
        CACHE_TEST(test_many_runs),
        CACHE_TEST(test_waiting),
        CACHE_TEST(test_left_draft),
        CACHE_TEST(test_no_lock_is_kept),
    };
    return cmocka_run_group_tests_name("image cache", tests, NULL, NULL);
}
