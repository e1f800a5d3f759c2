/* Data: folders and manifests, unreadable images, held-back images, statistics, blocks. */
#include "config/config.h"
#include "test_support.h"

#include "samples/dataset.h"
#include "samples/hold_back.h"
#include "base/memory.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE 4
#define SEEDS 20

static void make_folder(const char *path) {
    assert_int_equal(mkdir(path, 0777), 0);
}

static void fill_image(int number, uint8_t pixels[SIDE * SIDE]) {
    uint64_t random = (uint64_t)number + 1;
    for (int i = 0; i < SIDE * SIDE; i++) {
        pixels[i] = (uint8_t)test_random(&random, 0, 256);
    }
}

/* An image file whose content depends on the number; .bmp, else .png. */
static void write_image(const char *path, int number) {
    uint8_t pixels[SIDE * SIDE];
    fill_image(number, pixels);
    assert_true(strstr(path, ".bmp") ? stbi_write_bmp(path, SIDE, SIDE, 1, pixels)
                                     : stbi_write_png(path, SIDE, SIDE, 1, pixels, 0));
}

/* folder/a/a00.png … and folder/b/b00.png …, all different. */
static void write_classes(const char *path, int count) {
    char name[256];
    make_folder(path);
    for (int c = 0; c < 2; c++) {
        (void)snprintf(name, sizeof name, "%s/%c", path, 'a' + c);
        make_folder(name);
        for (int i = 0; i < count; i++) {
            (void)snprintf(name, sizeof name, "%s/%c/%c%02d.png", path, 'a' + c, 'a' + c, i);
            write_image(name, 1000 * c + i);
        }
    }
}

/* A config for such images; up to 3 overrides. */
static cnn_config *make_config(const char *train, const char *first, const char *second,
                               const char *third) {
    const char *given[] = {first, second, third};
    const char *overrides[5];
    size_t count = 0;
    char override[128];
    (void)snprintf(override, sizeof override, "data.train=%s", train);
    overrides[count++] = override;
    for (size_t i = 0; i < TEST_COUNT(given); i++) {
        if (given[i]) {
            overrides[count++] = given[i];
        }
    }
    test_write_text("cfg.json",
                    "{\"image\": {\"width\": 4, \"height\": 4, \"channels\": 1}, \"layers\": "
                    "[{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, "
                    "{\"type\": \"sigmoid\"}]}");
    cnn_config *config;
    cnn_error error;
    test_ok(cnn_config_load("cfg.json", overrides, count, &config, &error), &error);
    return config;
}

/* Keeps the messages of the log. */
static char logged[16384];

static void keep_line(void *user, cnn_log_level level, const char *line) {
    (void)user;
    size_t used = strlen(logged);
    (void)snprintf(logged + used, sizeof logged - used, "%d %s\n", (int)level, line);
}

static cnn_error data_error;

static cnn_status load(const char *train, const char *first, const char *second, const char *third,
                       cnn_dataset **dataset) {
    cnn_log_sink log = {.write = keep_line};
    cnn_reading reading = {.threads = 2, .log = &log};
    logged[0] = '\0';
    data_error = (cnn_error){0};
    cnn_config *config = make_config(train, first, second, third);
    cnn_status status =
        cnn_dataset_load(&config->data, &config->image, (uint64_t)config->train.seed, &reading,
                         dataset, &data_error);
    cnn_config_free(config);
    return status;
}

/* Data that must be refused with a message that contains this. */
static void refuse_with(const char *train, const char *first, const char *second,
                        const char *message) {
    cnn_dataset *dataset;
    assert_int_equal(load(train, first, second, NULL, &dataset), CNN_ERROR_DATA);
    assert_null(dataset);
    if (!strstr(data_error.message, message)) {
        fail_msg("expected \"%s\" in \"%s\"", message, data_error.message);
    }
}

static void refuse(const char *train, const char *first, const char *message) {
    refuse_with(train, first, NULL, message);
}

static cnn_dataset *accept(const char *train, const char *first, const char *second) {
    cnn_dataset *dataset;
    test_ok(load(train, first, second, NULL, &dataset), &data_error);
    return dataset;
}

/* --- folders --- */

static void test_folder(void **state) {
    (void)state;
    make_folder("d");
    make_folder("d/yes");
    make_folder("d/no");
    make_folder("d/yes/b");
    make_folder("d/.hidden");
    write_image("d/yes/z.png", 1);
    write_image("d/yes/b/10.png", 2);
    write_image("d/yes/b/9.png", 3);
    write_image("d/no/B.png", 4);
    write_image("d/no/a.png", 5);
    test_write_text("d/no/.DS_Store", "hidden");
    test_write_text("d/beside.txt", "not in a class folder");
    cnn_dataset *dataset = accept("d", "data.validation=0", NULL);
    static const char *const paths[] = {"d/no/B.png", "d/no/a.png", "d/yes/b/10.png",
                                        "d/yes/b/9.png", "d/yes/z.png"};
    assert_int_equal(dataset->count, TEST_COUNT(paths));
    assert_string_equal(dataset->classes[0], "no");
    assert_string_equal(dataset->classes[1], "yes");
    for (size_t i = 0; i < TEST_COUNT(paths); i++) {
        assert_string_equal(dataset->samples[i].path, paths[i]);
        assert_int_equal(dataset->samples[i].label, i >= 2);
        assert_int_equal(dataset->samples[i].split, CNN_SPLIT_TRAIN);
    }
    uint8_t pixels[SIDE * SIDE];
    fill_image(5, pixels);
    assert_memory_equal(cnn_dataset_pixels(dataset, 1), pixels, sizeof pixels);
    cnn_dataset_free(dataset);

    dataset = accept("d", "data.validation=0", "data.classes=[\"yes\",\"no\"]");
    assert_string_equal(dataset->samples[0].path, "d/no/B.png"); /* the order stays */
    assert_int_equal(dataset->samples[0].label, 1);
    cnn_dataset_free(dataset);
    refuse("d", "data.classes=[\"Yes\",\"no\"]", "d/Yes: expected a folder for the class \"Yes\"");
}

/* Links are followed; a pipe among the images is left out; a loop of links ends. */
static void test_links(void **state) {
    (void)state;
    write_classes("d", 2);
    write_image("outside.png", 7);
    make_folder("more");
    write_image("more/1.png", 8);
    assert_int_equal(symlink("../../outside.png", "d/a/link.png"), 0);
    assert_int_equal(symlink("../../more", "d/a/more"), 0);
    cnn_dataset *dataset = accept("d", "data.validation=0", NULL);
    assert_int_equal(dataset->count, 6);
    assert_string_equal(dataset->samples[2].path, "d/a/link.png");
    assert_string_equal(dataset->samples[3].path, "d/a/more/1.png");
    cnn_dataset_free(dataset);

    assert_int_equal(mkfifo("d/b/pipe.png", 0666), 0);
    assert_int_equal(symlink("nowhere", "d/b/broken.png"), 0);
    (void)alarm(20);
    refuse("d", NULL, "d: 2 of 8 images cannot be read");
    assert_non_null(strstr(logged, "4 d/b/broken.png: No such file or directory"));
    assert_int_equal(symlink("..", "d/a/more/loop"), 0);
    cnn_dataset *looped = NULL;
    cnn_status status = load("d", "data.bad_images=skip", NULL, NULL, &looped);
    (void)alarm(0);
    assert_true(status == CNN_OK || (status == CNN_ERROR_DATA && data_error.message[0]));
    cnn_dataset_free(looped);
}

static void test_folder_errors(void **state) {
    (void)state;
    refuse("nowhere", NULL, "nowhere: expected a folder");
    refuse("cfg.json", NULL, "found another file");
    make_folder("d");
    refuse("d", NULL, "d: expected two class folders, found 0");
    make_folder("d/a");
    write_image("d/a/1.png", 1);
    refuse("d", NULL, "d: expected two class folders, found 1: \"a\"");
    make_folder("d/b");
    refuse("d", NULL, "found none of \"b\" (1 of \"a\")");
    make_folder("d/c");
    refuse("d", NULL, "found 3: \"a\", \"b\", \"c\"; choose two with data.classes");
    write_image("d/c/1.png", 2);
    cnn_dataset_free(accept("d", "data.classes=[\"a\",\"c\"]", NULL));
}

static void test_second_folder(void **state) {
    (void)state;
    write_classes("train", 3);
    write_classes("other", 2);
    cnn_dataset *dataset;
    test_ok(load("train", "data.validation=other", "data.test=other", "data.duplicates=allow",
                 &dataset),
            &data_error);
    assert_int_equal(dataset->split_count[CNN_SPLIT_TRAIN], 6);
    assert_int_equal(dataset->split_count[CNN_SPLIT_VALIDATION], 4);
    assert_int_equal(dataset->split_count[CNN_SPLIT_TEST], 4);
    assert_int_equal(dataset->class_count[CNN_SPLIT_TEST][1], 2);
    cnn_dataset_free(dataset);
}

/* --- manifests --- */

static void test_manifest(void **state) {
    (void)state;
    make_folder("m");
    make_folder("m/sub");
    write_image("m/one.png", 1);
    write_image("m/sub/two, \"2\".png", 2);
    write_image("m/three.png", 3);
    write_image("m/four.png", 4);
    /* a mark, CRLF, quotes, another order, empty fields, no line end at the end */
    test_write_text("m/list.csv", "\xef\xbb\xbfsplit,label,group,path\r\n"
                                  ",dog,g1,one.png\r\n"
                                  "train,cat,,\"sub/two, \"\"2\"\".png\"\r\n"
                                  "validation,\"dog\",\"a, b\",three.png\r\n"
                                  "test,cat,g1,four.png");
    cnn_dataset *dataset = accept("m/list.csv", NULL, NULL);
    static const struct {
        const char *path, *group;
        int label;
        cnn_split split;
    } rows[] = {{"m/one.png", "g1", 1, CNN_SPLIT_TRAIN},
                {"m/sub/two, \"2\".png", NULL, 0, CNN_SPLIT_TRAIN},
                {"m/three.png", "a, b", 1, CNN_SPLIT_VALIDATION},
                {"m/four.png", "g1", 0, CNN_SPLIT_TEST}};
    assert_int_equal(dataset->count, TEST_COUNT(rows));
    assert_string_equal(dataset->classes[0], "cat");
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        const cnn_sample *sample = &dataset->samples[i];
        assert_string_equal(sample->path, rows[i].path);
        assert_string_equal(sample->group ? sample->group : "", rows[i].group ? rows[i].group : "");
        assert_int_equal(sample->label, rows[i].label);
        assert_int_equal(sample->split, rows[i].split);
    }
    cnn_dataset_free(dataset);
    refuse("m/list.csv", "data.test=m/list.csv",
           "m/list.csv: expected no test images of its own in addition to data.test (m/list.csv)");
    test_write_text("m/plain.csv", "label,path\ndog,one.png\n\ncat,three.png\nbird,four.png\n");
    refuse("m/plain.csv", NULL, "expected two labels, found 3: \"bird\", \"cat\", \"dog\"");
    dataset = accept("m/plain.csv", "data.classes=[\"cat\",\"dog\"]", "data.validation=0");
    assert_int_equal(dataset->count, 2);
    assert_non_null(strstr(logged, "1 images with other labels than \"cat\" and \"dog\" left out"));
    cnn_dataset_free(dataset);
}

static void test_manifest_errors(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } broken[] = {
        {"", "l.csv: expected a header path,label[,split][,group], found an empty file"},
        {"path,lable\n",
         "l.csv: row 1: expected a header path,label[,split][,group], found no column "
         "\"label\" (or class) among \"path\", \"lable\" (did you mean \"label\"?)"},
        {"label\n",
         "found no column \"path\" (or file_name, filename, file, image) among \"label\""},
        {"a/1.png;x\nb/1.png;y\n", "found no column \"path\""},
        {"a,b,c,d,e,f,g,h,i,j,k\n", "\"i\", \"j\", …"},
        {"path,label,path\n", "l.csv: row 1: column \"path\" is given twice"},
        {"path,Label,label\n", "l.csv: row 1: column \"label\" is given twice"},
        {"path,split\n", "found no column \"label\""},
        {"path,label\n", "expected two labels, found 0"},
        {"path,label\na.png,x\nb.png\n", "l.csv: row 3: expected 2 fields, found 1"},
        {"path,label\na.png,x,y\n", "l.csv: row 2: expected 2 fields, found 3"},
        {"path,label\n,x\n", "l.csv: row 2: path: expected text, found nothing"},
        {"path,label\na.png,\n", "l.csv: row 2: label: expected text, found nothing"},
        {"path,label\na.png,x,,y\n", "l.csv: row 2: expected 2 fields, found 4"},
        {"path,label,split\na.png,x,train\n\n,,\nb.png,y,trian\n",
         "l.csv: row 5: split: expected train, validation or test, found \"trian\""},
        {"path,label\r\n\r\nb.png\r\n", "l.csv: row 3: expected 2 fields, found 1"},
        {"path,label\n\"a.png,x\nb.png,y\n", "l.csv: row 2: expected valid CSV, found a quote that "
                                             "is not closed in the rest of the file"},
        {"path,label\nb.png,y\n\"a\"b.png,x\n", "l.csv: row 3: expected valid CSV, found a quote "
                                                "that is not closed at the end of its field"},
    };
    for (size_t i = 0; i < TEST_COUNT(broken); i++) {
        test_write_text("l.csv", broken[i].text);
        refuse("l.csv", NULL, broken[i].message);
    }
    write_image("a.png", 1);
    write_image("b.png", 2);
    test_write_text("l.csv", "path,label,split\na.png,x,train\nb.png,y,train\n");
    refuse("l.csv", "data.validation=l.csv",
           "l.csv: row 2: split: only the manifest of data.train can split, found \"train\"");
    refuse("missing.csv", NULL, "missing.csv: ");
}

/* The manifest must list m/x/a.png (label a, training) and m/x/b.png (label b, validation), in any
 * order, and this must be logged; NULL: nothing. */
static void expect_two(const char *manifest, const char *message) {
    char name[32];
    (void)snprintf(name, sizeof name, "%s", manifest);
    const cnn_data_settings data = {.train = name};
    const cnn_log_sink log = {.write = keep_line};
    char *classes[2] = {NULL, NULL};
    cnn_sample_list list = {0};
    logged[0] = '\0';
    test_ok(cnn_dataset_list(&data, 1, &log, classes, &list, &data_error), &data_error);
    assert_string_equal(logged, message ? message : "");
    assert_string_equal(classes[0], "a");
    assert_string_equal(classes[1], "b");
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const cnn_sample *sample = &list.samples[i];
        assert_int_equal(sample->label, strstr(sample->path, "b.png") != NULL);
        assert_int_equal(sample->split, sample->label ? CNN_SPLIT_VALIDATION : CNN_SPLIT_TRAIN);
        assert_int_equal(access(sample->path, F_OK), 0);
    }
    assert_int_not_equal(list.samples[0].label, list.samples[1].label);
    cnn_sample_list_free(&list);
    cnn_free(classes[0]);
    cnn_free(classes[1]);
}

/* Tables as spreadsheets and other programs write them, each with the same two images. */
static void test_manifest_dialects(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } dialects[] = {
        {"path,label,split\nx/a.png,a,train\nx/b.png,b,validation\n", NULL},
        {"path;label;split\nx/a.png;a;train\nx/b.png;b;validation\n", NULL},
        {"path\tlabel\tsplit\nx/a.png\ta\t\nx/b.png\tb\tvalidation\n", NULL},
        {"sep=;\r\npath;label;split\r\nx/a.png;a;train\r\nx/b.png;b;validation\r\n", NULL},
        {"\"a,b,c,d,e\";path;label;split\n;x/a.png;a;train\n;x/b.png;b;validation\n",
         "2 m/l.csv: not used: \"a,b,c,d,e\"\n"},
        {"path,label,split,age\nx/a.png,a,train,3\nx/b.png,b,validation,4\n",
         "2 m/l.csv: not used: \"age\"\n"},
        {",path,label,split\n0,x/a.png,a,train\n1,x/b.png,b,validation\n",
         "2 m/l.csv: not used: column 1, which has no name\n"},
        {"path,label,split,grup\nx/a.png,a,train,\nx/b.png,b,validation,\n",
         "2 m/l.csv: not used: \"grup\" (did you mean \"group\"?)\n"},
        {"File_Name,CLASS,Split\nx/a.png,a,TRAIN\nx/b.png,b,Val\n", NULL},
        {"filename,class,split\nx/a.png,a,training\nx/b.png,b,valid\n", NULL},
        {"file,label,split\nx/a.png,a,Training_Set\nx/b.png,b,dev\n", NULL},
        {"image,label,split\nx/a.png,a,train\nx/b.png,b,validation_set\n", NULL},
        {"image,file_name,class,label,split\n1,x/a.png,3,a,train\n2,x/b.png,3,b,val\n",
         "2 m/l.csv: not used: \"image\", \"class\"\n"},
        {"path,label,split\nx\\a.png,a,train\n.\\x\\b.png,b,validation\n", NULL},
        {",,\n\npath,label,split,,\n,,,,\nx/a.png,a,train\nx/b.png,b,val,,,,\n,,,,,,\n",
         "2 m/l.csv: not used: column 4, which has no name, column 5, which has no name\n"},
        {"path,label,split\nx/b.png,b,val\nx/a.png,a\n", NULL},
        {"path,label,split\rx/a.png,a,train\rx/b.png,b,val\r", NULL},
    };
    make_folder("m");
    make_folder("m/x");
    write_image("m/x/a.png", 1);
    write_image("m/x/b.png", 2);
    for (size_t i = 0; i < TEST_COUNT(dialects); i++) {
        test_write_text("m/l.csv", dialects[i].text);
        expect_two("m/l.csv", dialects[i].message);
    }
    test_write_text("m/l.TSV", dialects[2].text);
    expect_two("m/l.TSV", NULL);
    test_write_text("m/l.txt", dialects[2].text);
    expect_two("m/l.txt", NULL);
}

/* A file that has a backslash in its name is found. */
static void test_backslash_in_name(void **state) {
    (void)state;
    make_folder("x");
    write_image("x/a.png", 1);
    write_image("x/b.png", 2);
    write_image("x\\b.png", 3);
    test_write_text("l.csv", "path,label\nx\\a.png,a\nx\\b.png,b\n");
    cnn_dataset *dataset = accept("l.csv", "data.validation=0", NULL);
    assert_string_equal(dataset->samples[0].path, "x/a.png");
    assert_string_equal(dataset->samples[1].path, "x\\b.png");
    cnn_dataset_free(dataset);
}

/* UTF-16 of both byte orders, with and without a mark, with characters of 1 to 4 bytes in UTF-8. */
static void test_manifest_utf16(void **state) {
    (void)state;
    static const uint16_t units[] = {0xfeff, 'p',    'a',    't', 'h', ',', 'l', 'a', 'b',  'e',
                                     'l',    '\n',   'a',    '.', 'p', 'n', 'g', ',', 0xe4, '\n',
                                     0x20ac, 0xd83d, 0xdc31, '.', 'p', 'n', 'g', ',', 'b'};
    write_image("a.png", 1);
    write_image("\xe2\x82\xac\xf0\x9f\x90\xb1.png", 2);
    for (int variant = 0; variant < 4; variant++) {
        char bytes[sizeof units];
        for (size_t i = 0; i < TEST_COUNT(units); i++) {
            bool big_endian = variant & 1;
            bytes[2 * i + big_endian] = (char)(units[i] & 0xff);
            bytes[2 * i + !big_endian] = (char)(units[i] >> 8);
        }
        size_t mark = variant & 2 ? 2 : 0;
        test_write_bytes("l.csv", bytes + mark, sizeof bytes - mark);
        cnn_dataset *dataset = accept("l.csv", "data.validation=0", NULL);
        assert_int_equal(dataset->count, 2);
        assert_string_equal(dataset->classes[1], "\xc3\xa4");
        assert_string_equal(dataset->samples[1].path, "\xe2\x82\xac\xf0\x9f\x90\xb1.png");
        cnn_dataset_free(dataset);
        test_write_bytes("l.csv", bytes + mark, sizeof bytes - mark - 1);
        refuse("l.csv", NULL, "expected UTF-16 like the rest of the file, found half a character");
    }
    test_write_bytes("l.csv",
                     "\xff\xfep\0\x3d\xd8"
                     "a\0",
                     8);
    refuse("l.csv", NULL, "l.csv: byte 5: expected UTF-16 like the rest of the file");
    test_write_bytes("l.csv", "\xff\xfep\0\x31\xdc", 6);
    refuse("l.csv", NULL, "l.csv: byte 5: expected UTF-16 like the rest of the file");
    test_write_bytes("l.csv", "path,label\na\0b,c\n", 17);
    refuse("l.csv", NULL, "l.csv: row 2: expected text in UTF-8 or UTF-16, found a zero byte");
}

/* A run's split.csv: its paths are as the run opened them, or next to the table. */
static void test_own_table(void **state) {
    (void)state;
    make_folder("out");
    make_folder("d");
    write_image("d/a.png", 1);
    write_image("d/b.png", 2);
    test_write_text("out/split.csv", "path,label,split,group,content\n"
                                     "d/gone.png,a,test,,0000000000000000\n"
                                     "d/a.png,a,train,g,0123456789abcdef\n"
                                     "d/b.png,b,train,,0123456789abcdee\n");
    cnn_dataset *dataset = accept("out/split.csv", "data.validation=0", "data.bad_images=skip");
    assert_int_equal(dataset->count, 2);
    assert_string_equal(dataset->samples[0].path, "d/a.png");
    assert_string_equal(dataset->samples[0].group, "g");
    assert_null(strstr(logged, "not used"));
    cnn_dataset_free(dataset);
    make_folder("out/d");
    write_image("out/d/a.png", 3);
    write_image("out/d/b.png", 4);
    dataset = accept("out/split.csv", "data.validation=0", "data.bad_images=skip");
    assert_string_equal(dataset->samples[0].path, "out/d/a.png");
    assert_string_equal(dataset->samples[1].path, "out/d/b.png");
    cnn_dataset_free(dataset);
    /* one from elsewhere is relative to itself only */
    test_write_text("out/other.csv", "path,label\nd/a.png,a\nd/b.png,b\n");
    assert_int_equal(unlink("out/d/a.png"), 0);
    refuse("out/other.csv", NULL, "out/other.csv: 1 of 2 images cannot be read");
    assert_non_null(strstr(logged, "4 out/d/a.png: No such file or directory"));
    test_write_text("out/split.csv",
                    "fold,path,label,group,content\n1,d/b.png,a,,0\n2,d/b.png,b,,0\n");
    cnn_dataset_free(accept("out/split.csv", "data.validation=0", "data.duplicates=allow"));
    assert_non_null(strstr(logged, "2 out/split.csv: not used: \"fold\"\n"));
}

/* --- split folders --- */

/* Every spelling: the images are those of data.train, data.validation and data.test. */
static void test_split_folders(void **state) {
    (void)state;
    static const char *const spellings[CNN_SPLIT_COUNT][6] = {
        {"train", "Training", "TRAINING_SET", "Train", "training"},
        {"val", "valid", "Validation", "validation_set", "Dev"},
        {"test", "Testing", "test_set", "TEST", "testing"}};
    char path[CNN_SPLIT_COUNT][64];
    make_folder("d");
    for (int k = 0; k < 5; k++) {
        static const char *const plain[] = {"d/0", "d/1", "d/2"};
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            (void)snprintf(path[split], sizeof path[split], "d/%s", spellings[split][k]);
            if (k == 0) {
                write_classes(path[split], 4 - split);
            } else {
                assert_int_equal(rename(plain[split], path[split]), 0);
            }
        }
        cnn_dataset *dataset = accept("d", "data.duplicates=allow", NULL);
        assert_int_equal(dataset->count, 18);
        assert_string_equal(dataset->classes[1], "b");
        size_t i = 0;
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            assert_int_equal(dataset->split_count[split], 8 - 2 * split);
            for (size_t end = i + dataset->split_count[split]; i < end; i++) {
                assert_int_equal(dataset->samples[i].split, split);
                assert_memory_equal(dataset->samples[i].path, path[split], strlen(path[split]));
            }
            assert_int_equal(rename(path[split], plain[split]), 0);
        }
        cnn_dataset_free(dataset);
    }
}

static void expect_splits(const char *first, size_t train, size_t validation, size_t test) {
    cnn_dataset *dataset = accept("d", first, "data.duplicates=allow");
    assert_int_equal(dataset->split_count[CNN_SPLIT_TRAIN], train);
    assert_int_equal(dataset->split_count[CNN_SPLIT_VALIDATION], validation);
    assert_int_equal(dataset->split_count[CNN_SPLIT_TEST], test);
    cnn_dataset_free(dataset);
}

/* What else is in a folder with splits, and what is not one. */
static void test_split_or_class(void **state) {
    (void)state;
    make_folder("d");
    write_classes("d/Train", 4);
    expect_splits("data.validation=0", 8, 0, 0);
    make_folder("d/test"); /* images without labels are usual there */
    write_image("d/test/1.png", 1);
    expect_splits("data.validation=0", 8, 0, 0);
    assert_non_null(strstr(logged, "2 d/test: not used: it has no class folders\n"));
    expect_splits("data.classes=[\"b\",\"a\"]", 6, 2, 0);
    expect_splits("data.classes=[\"Train\",\"test\"]", 8, 1, 0);

    make_folder("d/more");
    refuse("d", NULL,
           "d: expected class folders or splits, found \"Train\", which contains folders");
    write_classes("d/dev", 2);
    expect_splits("data.validation=0.5", 8, 4, 0);
    assert_non_null(strstr(logged, "2 d/more: not used: it has no class folders\n"));
    assert_non_null(
        strstr(logged, "2 validation: the images that data.train has for it, nothing held back"));
    refuse("d", "data.test=d",
           "d: expected class folders, found splits, which only data.train can "
           "have; name one of them, such as d/Train");
    assert_int_equal(rmdir("d/more"), 0);
    write_classes("d/more", 1);
    refuse("d", NULL,
           "d/more: expected the name of a split (train, validation or test), because it "
           "contains the class folders of \"Train\", found \"more\"");
    assert_int_equal(rename("d/more", "d/TRAINING"), 0);
    refuse("d", NULL, "d: expected one folder of train images, found \"TRAINING\" and \"Train\"");
    assert_int_equal(rename("d/TRAINING", "d/testing"), 0);
    expect_splits("data.validation=0", 8, 4, 2);
    refuse("d", "data.validation=d/dev",
           "d: expected no validation images of its own in addition to data.validation (d/dev)");
    refuse("d", "data.test=d/testing",
           "d: expected no test images of its own in addition to data.test");
    assert_int_equal(rename("d/Train", "other"), 0);
    refuse("d", NULL, "d: expected a folder of training images next to \"dev\" and \"testing\"");
}

/* Folders that contain the same folders are no classes, whatever they are called. */
static void test_same_folders(void **state) {
    (void)state;
    make_folder("d");
    write_classes("d/fold1", 4);
    write_classes("d/fold2", 4);
    write_image("d/fold2/in front.png", 7);
    write_image("d/fold2/z.png", 8);
    refuse("d", NULL,
           "d: expected class folders, found \"fold1\" and \"fold2\" with the same "
           "folders in them");
    expect_splits("data.classes=[\"fold1\",\"fold2\"]", 16, 2, 0);
    make_folder("d/fold2/c");
    write_image("d/fold2/c/1.png", 9);
    expect_splits("data.validation=0", 19, 0, 0);
    make_folder("d/fold1/aa");
    write_image("d/fold1/aa/1.png", 10);
    expect_splits("data.validation=0", 20, 0, 0);
}

/* Absolute paths are used unchanged. */
static void test_absolute_path(void **state) {
    const char *folder = *state;
    make_folder("m");
    write_image("a.png", 1);
    write_image("m/b.png", 2);
    char text[2 * TEST_PATH_MAX];
    (void)snprintf(text, sizeof text, "path,label\n%s/a.png,x\n../m/b.png,y\n", folder);
    test_write_text("m/l.csv", text);
    cnn_dataset *dataset = accept("m/l.csv", "data.validation=0", NULL);
    assert_int_equal(dataset->samples[0].path[0], '/');
    assert_string_equal(dataset->samples[1].path, "m/../m/b.png");
    cnn_dataset_free(dataset);
}

/* --- unreadable images --- */

static void test_bad_images(void **state) {
    (void)state;
    write_classes("d", 4);
    test_write_text("d/a/a01.png", "no image");
    test_write_text("d/b/b03.png", "");
    test_write_text("d/b/notes.txt", "not one, either");
    refuse("d", NULL, "d: 3 of 9 images cannot be read");
    assert_non_null(strstr(logged, "4 d/a/a01.png: expected a PNG"));
    assert_non_null(strstr(logged, "4 d/b/b03.png: expected an image, found an empty file"));
    assert_non_null(strstr(logged, "4 d/b/notes.txt: "));

    cnn_dataset *dataset = accept("d", "data.bad_images=skip", "data.validation=0");
    assert_non_null(strstr(logged, "3 d/a/a01.png: expected a PNG")); /* a warning now */
    assert_non_null(strstr(logged, "3 d/b/notes.txt: "));
    assert_int_equal(dataset->count, 6);
    assert_int_equal(dataset->bad_images, 3);
    assert_int_equal(dataset->class_count[CNN_SPLIT_TRAIN][0], 3);
    uint8_t pixels[SIDE * SIDE];
    fill_image(1002, pixels); /* the last image kept its pixels */
    assert_string_equal(dataset->samples[5].path, "d/b/b02.png");
    assert_memory_equal(cnn_dataset_pixels(dataset, 5), pixels, sizeof pixels);
    cnn_dataset_free(dataset);

    for (int i = 0; i < 4; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "d/b/b%02d.png", i);
        test_write_text(path, "no image");
    }
    refuse("d", "data.bad_images=skip", "found none of \"b\"");
}

/* --- holding back --- */

/* `count` samples of alternating labels with different contents. */
static void make_samples(cnn_sample *samples, size_t count) {
    uint64_t random = 77;
    for (size_t i = 0; i < count; i++) {
        samples[i] = (cnn_sample){.path = (char[]){"x"},
                                  .label = (int)(i % 2),
                                  .content = (uint64_t)test_random(&random, 0, 9e15)};
    }
}

static void hold_back(cnn_sample *samples, size_t count, double fraction, uint64_t seed) {
    cnn_error error;
    for (size_t i = 0; i < count; i++) {
        samples[i].split = CNN_SPLIT_TRAIN;
    }
    test_ok(cnn_hold_back(samples, count, fraction, seed, &error), &error);
}

static size_t count_held(const cnn_sample *samples, size_t count, int label) {
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        held += samples[i].split == CNN_SPLIT_VALIDATION && samples[i].label == label;
    }
    return held;
}

static void test_share(void **state) {
    (void)state;
    static const double shares[] = {0.01, 0.1, 0.25, 0.5, 0.9};
    cnn_sample samples[200];
    make_samples(samples, 200);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (size_t i = 0; i < TEST_COUNT(shares); i++) {
            hold_back(samples, 200, shares[i], seed);
            for (int label = 0; label < 2; label++) {
                test_near("held", i, (double)count_held(samples, 200, label), 100 * shares[i], 1.0);
            }
        }
    }
}

/* Few images: both classes on both sides, for any share. */
static void test_both_sides(void **state) {
    (void)state;
    static const double shares[] = {0.001, 0.1, 0.5, 0.75, 0.99};
    cnn_sample samples[20];
    for (size_t count = 4; count <= 20; count += 2) {
        make_samples(samples, count);
        for (size_t i = 0; i < TEST_COUNT(shares); i++) {
            hold_back(samples, count, shares[i], 1);
            for (int label = 0; label < 2; label++) {
                size_t held = count_held(samples, count, label);
                if (held < 1 || held >= count / 2) {
                    fail_msg("%zu of %zu images held back for a share of %g", held, count / 2,
                             shares[i]);
                }
            }
        }
    }
}

/* Copies and groups are never divided, and neither are chains of both. */
static void test_units(void **state) {
    (void)state;
    enum { COUNT = 120 };
    static char groups[COUNT][8];
    cnn_sample samples[COUNT];
    make_samples(samples, COUNT);
    int unit[COUNT]; /* i / 6; the links inside: 0=1 and 4=5 by content, 1-2-3-4 by group */
    for (int i = 0; i < COUNT; i++) {
        unit[i] = i / 6;
        if (i % 6 == 1 || i % 6 == 5) {
            samples[i].content = samples[i - 1].content;
        }
        if (i % 6 >= 1 && i % 6 <= 4) {
            (void)snprintf(groups[i], sizeof groups[i], "g%d", i / 6);
            samples[i].group = groups[i];
        }
    }
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        hold_back(samples, COUNT, 0.3, seed);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(samples[i].split, samples[unit[i] * 6].split);
        }
        test_near("held", 0, (double)count_held(samples, COUNT, 0), 18, 3.0);
    }
}

/* The seed matters; names and order do not. */
static void test_membership(void **state) {
    (void)state;
    enum { COUNT = 60 };
    cnn_sample samples[COUNT], reversed[COUNT];
    make_samples(samples, COUNT);
    bool seen[COUNT] = {false};
    size_t moved = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        hold_back(samples, COUNT, 0.2, seed);
        for (int i = 0; i < COUNT; i++) {
            reversed[COUNT - 1 - i] = samples[i];
            reversed[COUNT - 1 - i].path = (char[]){"renamed"};
            bool held = samples[i].split == CNN_SPLIT_VALIDATION;
            moved += seed > 0 && held != seen[i];
            seen[i] = held;
        }
        hold_back(reversed, COUNT, 0.2, seed);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(samples[i].split, reversed[COUNT - 1 - i].split);
        }
    }
    assert_in_range(moved, 100, 1000);
}

/* The same through files: a copy in another format under another name stays with its original. */
static void test_copies(void **state) {
    (void)state;
    write_classes("d", 8);
    char path[64], seed[32];
    for (int c = 0; c < 2; c++) {
        for (int i = 0; i < 8; i++) {
            (void)snprintf(path, sizeof path, "d/%c/%c%02d-copy.bmp", 'a' + c, 'a' + c, i);
            write_image(path, 1000 * c + i);
        }
    }
    for (int s = 0; s < SEEDS; s++) {
        (void)snprintf(seed, sizeof seed, "train.seed=%d", s);
        cnn_dataset *dataset = accept("d", "data.validation=0.25", seed);
        assert_int_equal(dataset->count, 32);
        assert_int_equal(dataset->split_count[CNN_SPLIT_VALIDATION], 8);
        for (size_t i = 0; i < dataset->count; i += 2) { /* a00-copy.bmp, a00.png, … */
            assert_true(dataset->samples[i].content == dataset->samples[i + 1].content);
            assert_int_equal(dataset->samples[i].split, dataset->samples[i + 1].split);
        }
        cnn_dataset_free(dataset);
    }
}

/* --- duplicates --- */

static void expect_logged(const char *text) {
    if (!strstr(logged, text)) {
        fail_msg("expected \"%s\" in \"%s\"", text, logged);
    }
}

/* Copies with two labels, whatever the format, and copies in two splits are refused with "error";
 * with "allow" they are counted. */
static void test_duplicates(void **state) {
    (void)state;
    write_classes("d", 6);
    write_image("d/b/again.bmp", 2);    /* a02 */
    write_image("d/b/again.png", 1003); /* b03 */
    refuse("d", "data.duplicates=error",
           "d: 2 images have a copy with the other label, 0 have a copy in another split");
    assert_non_null(strstr(data_error.message, "set data.duplicates to \"drop\""));
    expect_logged("4 d/b/again.bmp (b, train): the same image as d/a/a02.png (a, train)");
    cnn_dataset *dataset = accept("d", "data.duplicates=allow", "data.validation=0");
    assert_int_equal(dataset->count, 14);
    expect_logged("3 2 images have a copy with the other label, 0 have a copy in another split");
    expect_logged("2 2 of 14 images are exact copies of others");
    cnn_dataset_free(dataset);

    write_classes("clean", 6);
    write_image("clean/b/again.png", 1003);
    dataset = accept("clean", NULL, NULL);
    expect_logged("2 1 of 13 images are exact copies of others");
    assert_null(strstr(logged, "other label"));
    cnn_dataset_free(dataset);
    write_classes("test", 2); /* a00, a01, b00 and b01 of the other */
    refuse_with("clean", "data.test=test", "data.duplicates=error",
                "clean: 0 images have a copy with the other label, 8 have a copy in another split");
    expect_logged("4 test/a/a00.png (a, test): the same image as clean/a/a00.png (a, ");
    expect_logged("test/b/b01.png");
    refuse_with("clean", "data.validation=test", "data.duplicates=error",
                "8 have a copy in another split");
}

static bool holds(const cnn_dataset *dataset, const char *path, cnn_split split) {
    for (size_t i = 0; i < dataset->count; i++) {
        if (strcmp(dataset->samples[i].path, path) == 0) {
            return dataset->samples[i].split == split;
        }
    }
    return false;
}

/* "drop", the default: copies with two labels are all left out; of copies in two splits, the
 * earliest split keeps all of its own, whatever their order. */
static void test_left_out(void **state) {
    (void)state;
    write_classes("d", 6);
    write_image("d/b/again.bmp", 2);    /* a02 */
    write_image("d/b/again.png", 1003); /* b03 */
    write_image("d/a/late.png", 50);
    test_write_text("l.csv", "path,label,split\n"
                             "d/b/again.bmp,b,test\nd/a/a02.png,a,train\n" /* two labels */
                             "d/a/a03.png,a,test\nd/a/a03.png,a,validation\nd/a/a03.png,a,train\n"
                             "d/b/b03.png,b,validation\nd/b/again.png,b,validation\n"
                             "d/b/b03.png,b,test\nd/b/b00.png,b,train\nd/a/a00.png,a,train\n"
                             "d/a/late.png,a,test\nd/b/b04.png,b,train\nd/b/b04.png,b,train\n");
    cnn_dataset *dataset = accept("l.csv", NULL, NULL);
    assert_int_equal(dataset->count, 8);
    assert_int_equal(dataset->left_out.two_labels, 2);
    assert_int_equal(dataset->left_out.two_splits, 3);
    static const size_t of_split[CNN_SPLIT_COUNT] = {1, 1, 3};
    assert_memory_equal(dataset->left_out.of_split, of_split, sizeof of_split);
    assert_true(holds(dataset, "d/a/a03.png", CNN_SPLIT_TRAIN));
    assert_true(holds(dataset, "d/b/b03.png", CNN_SPLIT_VALIDATION));
    assert_true(holds(dataset, "d/b/again.png", CNN_SPLIT_VALIDATION));
    assert_true(holds(dataset, "d/a/late.png", CNN_SPLIT_TEST));
    assert_int_equal(dataset->split_count[CNN_SPLIT_TRAIN], 5);
    assert_int_equal(dataset->split_count[CNN_SPLIT_TEST], 1);
    expect_logged("3 d/a/a02.png (a, train): left out, and so is the same image with another "
                  "label, d/b/again.bmp (b, test)");
    expect_logged("3 d/a/a03.png (a, validation): left out, a copy of d/a/a03.png (a, train)");
    expect_logged("3 d/b/b03.png (b, test): left out, a copy of d/b/b03.png (b, validation)");
    expect_logged("3 5 images left out (data.duplicates): 2 have a copy with the other label, 3 "
                  "have a copy in an earlier split");
    expect_logged("2 2 of 8 images are exact copies of others");
    cnn_dataset_free(dataset);
}

/* Eleven images and more: ten are named as warnings, the others as details. Images are held back
 * from what is left. */
static void test_many_left_out(void **state) {
    (void)state;
    write_classes("d", 20);
    write_classes("test", 12);
    write_image("test/a/new.png", 500);
    cnn_dataset *dataset = accept("d", "data.test=test", NULL);
    assert_int_equal(dataset->count, 41);
    assert_int_equal(dataset->split_count[CNN_SPLIT_TEST], 1);
    expect_logged("3 test/a/a09.png (a, test): left out");
    expect_logged("0 test/a/a10.png (a, test): left out");
    expect_logged("0 test/b/b11.png (b, test): left out");
    expect_logged(
        "3 24 images left out (data.duplicates): 0 have a copy with the other label, 24 ");
    cnn_dataset *alone = accept("d", NULL, NULL);
    for (size_t i = 0; i < alone->count; i++) {
        assert_int_equal(dataset->samples[i].split, alone->samples[i].split);
    }
    cnn_dataset_free(alone);
    cnn_dataset_free(dataset);
}

/* Nothing is left of a class, of the validation images, or of the test images. */
static void test_all_left_out(void **state) {
    (void)state;
    write_classes("d", 6);
    refuse("d", "data.test=d",
           "d: expected test images that are not copies of others, found only "
           "12 copies in an earlier split or with two labels");
    refuse("d", "data.validation=d", "d: expected validation images that are not copies");
    write_classes("same", 2);
    write_image("same/a/a00.png", 7);
    write_image("same/b/b00.png", 7);
    write_image("same/a/a01.png", 8);
    write_image("same/b/c.png", 8);
    refuse("same", NULL,
           "same: expected training images of both classes, found none of \"a\" (1 of "
           "\"b\"); all copies of images with two labels are left out");
}

/* A group in two splits, possible only in a manifest with splits, is reported. */
static void test_divided_group(void **state) {
    (void)state;
    write_classes("d", 3);
    test_write_text("l.csv",
                    "path,label,split,group\nd/a/a00.png,a,train,g\nd/a/a01.png,a,train,h\n"
                    "d/b/b00.png,b,train,i\nd/b/b01.png,b,test,g\nd/a/a02.png,a,test,j\n");
    cnn_dataset_free(accept("l.csv", "data.validation=0", NULL));
    expect_logged("3 2 images have their group in another split, too");
    test_write_text("l.csv",
                    "path,label,split,group\nd/a/a00.png,a,train,g\nd/b/b00.png,b,train,g\n"
                    "d/b/b01.png,b,test,h\nd/a/a02.png,a,test,h\n");
    cnn_dataset_free(accept("l.csv", "data.validation=0", NULL));
    assert_string_equal(logged, "");
}

/* --- fingerprint --- */

static uint64_t fingerprint(const char *manifest) {
    test_write_text("l.csv", manifest);
    cnn_dataset *dataset = accept("l.csv", "data.validation=0", NULL);
    uint64_t hash = cnn_dataset_fingerprint(dataset);
    cnn_dataset_free(dataset);
    return hash;
}

static void test_fingerprint(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        write_image((const char *[]){"1.png", "2.png", "3.png", "4.png"}[i], i);
    }
    write_image("1-renamed.bmp", 0);
    write_image("5.png", 5);
    uint64_t plain = fingerprint("path,label\n1.png,x\n2.png,y\n3.png,x\n4.png,y\n");
    assert_true(plain == fingerprint("label,path\nx,1-renamed.bmp\ny,2.png\nx,3.png\ny,4.png\n"));
    assert_true(plain != fingerprint("path,label\n1.png,y\n2.png,y\n3.png,x\n4.png,y\n"));
    assert_true(plain != fingerprint("path,label\n5.png,x\n2.png,y\n3.png,x\n4.png,y\n"));
    assert_true(plain != fingerprint("path,label\n2.png,y\n1.png,x\n3.png,x\n4.png,y\n"));
    assert_true(plain !=
                fingerprint("path,label,split\n1.png,x,test\n2.png,y,\n3.png,x,\n4.png,y,\n"));
}

/* --- statistics and blocks --- */

static void test_statistics(void **state) {
    (void)state;
    enum { COUNT = 3, PLANE = 5, CHANNELS = 3 };
    uint8_t pixels[COUNT][CHANNELS][PLANE];
    uint64_t random = 4;
    for (int i = 0; i < COUNT * CHANNELS * PLANE; i++) {
        (&pixels[0][0][0])[i] = (uint8_t)test_random(&random, 0, 256);
    }
    for (int i = 0; i < COUNT; i++) {
        memset(pixels[i][2], 51, PLANE); /* a channel without deviation */
    }
    size_t train[] = {0, 2}; /* the image in between is for validation */
    cnn_sample samples[COUNT] = {{.row = 0}, {.row = 1}, {.row = 2}};
    cnn_dataset dataset = {.samples = samples,
                           .image_size = CHANNELS * PLANE,
                           .images = {.pixels = &pixels[0][0][0]},
                           .count = COUNT};
    dataset.split[CNN_SPLIT_TRAIN] = train;
    dataset.split_count[CNN_SPLIT_TRAIN] = 2;
    double mean[3], deviation[3];
    cnn_dataset_statistics(&dataset, CHANNELS, mean, deviation);
    for (int c = 0; c < 2; c++) {
        double sum = 0.0, squares = 0.0;
        for (int i = 0; i < 2 * PLANE; i++) {
            sum += pixels[train[i / PLANE]][c][i % PLANE] / 255.0;
        }
        for (int i = 0; i < 2 * PLANE; i++) {
            squares += pow(pixels[train[i / PLANE]][c][i % PLANE] / 255.0 - sum / (2 * PLANE), 2);
        }
        test_near("mean", (size_t)c, mean[c], sum / (2 * PLANE), 1e-12);
        test_near("deviation", (size_t)c, deviation[c], sqrt(squares / (2 * PLANE)), 1e-12);
    }
    test_near("mean", 2, mean[2], 0.2, 1e-12);
    test_near("deviation", 2, deviation[2], 1.0, 0.0);

    cnn_pixel_table table;
    cnn_pixel_table_fill(mean, deviation, &table);
    for (int c = 0; c < CHANNELS; c++) {
        for (size_t i = 0; i < 256; i++) {
            double want = ((double)i / 255.0 - mean[c]) / deviation[c];
            test_near("table", i, table.value[c][i], want, 1e-6 * fabs(want) + 1e-9);
        }
    }
}

static void test_block(void **state) {
    (void)state;
    enum { CHANNELS = 2, HEIGHT = 3, WIDTH = 2, SIZE = CHANNELS * HEIGHT * WIDTH };
    uint8_t images[CNN_LANES][SIZE];
    const uint8_t *pointers[CNN_LANES];
    for (int lane = 0; lane < CNN_LANES; lane++) {
        pointers[lane] = images[lane];
        for (int i = 0; i < SIZE; i++) {
            images[lane][i] = (uint8_t)(lane * SIZE + i);
        }
    }
    /* rows with space for a border, which must not be changed */
    cnn_block block = {.channels = CHANNELS,
                       .height = HEIGHT,
                       .width = WIDTH,
                       .row_stride = (WIDTH + 2) * CNN_LANES,
                       .plane_stride = (WIDTH + 2) * (HEIGHT + 1) * CNN_LANES};
    float x[CHANNELS * (WIDTH + 2) * (HEIGHT + 1) * CNN_LANES];
    cnn_pixel_table table;
    cnn_pixel_table_fill((double[3]){0.5, 0.25, 0}, (double[3]){0.1, 2, 1}, &table);
    static const int counts[] = {1, 5, CNN_LANES};
    for (size_t k = 0; k < TEST_COUNT(counts); k++) {
        for (size_t i = 0; i < TEST_COUNT(x); i++) {
            x[i] = -77.0f;
        }
        cnn_block_from_images(&table, pointers, counts[k], &block, x);
        double dense[CNN_LANES * SIZE];
        test_block_read(&block, x, dense);
        size_t untouched = 0;
        for (size_t i = 0; i < TEST_COUNT(x); i++) {
            untouched += x[i] < -76.0f;
        }
        assert_int_equal(untouched, TEST_COUNT(x) - SIZE * CNN_LANES);
        for (size_t i = 0; i < TEST_COUNT(dense); i++) {
            int lane = (int)i / SIZE, place = (int)i % SIZE;
            float want = table.value[place / (HEIGHT * WIDTH)][images[lane][place]];
            test_near("block", i, dense[i], lane < counts[k] ? want : 0.0, 0.0);
        }
    }
}

/* Every test has its own folder. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_folder_enter, test_folder_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_folder),
        TEST(test_links),
        TEST(test_folder_errors),
        TEST(test_second_folder),
        TEST(test_manifest),
        TEST(test_manifest_errors),
        TEST(test_manifest_dialects),
        TEST(test_backslash_in_name),
        TEST(test_manifest_utf16),
        TEST(test_own_table),
        TEST(test_split_folders),
        TEST(test_split_or_class),
        TEST(test_same_folders),
        TEST(test_absolute_path),
        TEST(test_bad_images),
        TEST(test_share),
        TEST(test_both_sides),
        TEST(test_units),
        TEST(test_membership),
        TEST(test_copies),
        TEST(test_duplicates),
        TEST(test_left_out),
        TEST(test_many_left_out),
        TEST(test_all_left_out),
        TEST(test_divided_group),
        TEST(test_fingerprint),
        TEST(test_statistics),
        TEST(test_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
