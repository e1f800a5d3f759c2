/* Images in archives and arrays: they are listed like those of folders, and read from where they
 * are; what was made to do harm is refused. */
#include "test_support.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cnn/file.h"
#include "image/array_file.h"
#include "image/cache_key.h"
#include "image/container.h"
#include "samples/read.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#ifdef CNN_HAVE_ARCHIVES
#include <archive.h>
#include <archive_entry.h>
#endif

enum { SIDE = 2, IMAGE = 15 }; /* pixels; bytes of a file of them */

/* --- files --- */

/* Makes the folders of a path, then the file. */
static void write_below(const char *folder, const char *name, const void *bytes, size_t size) {
    char path[TEST_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
    test_write_bytes(path, bytes, size);
}

/* A grey image of SIDE × SIDE whose pixels are this number. */
static void make_image(int number, char bytes[IMAGE + 1]) {
    const int header = snprintf(bytes, IMAGE + 1, "P5\n%d %d\n255\n", SIDE, SIDE);
    assert_int_equal(header + SIDE * SIDE, IMAGE);
    memset(bytes + header, number, (size_t)SIDE * SIDE);
}

/* --- lists --- */

static char logged[4096];

static void keep_line(void *user, cnn_log_level level, const char *line) {
    (void)user, (void)level;
    const size_t used = strlen(logged);
    (void)snprintf(logged + used, sizeof logged - used, "%s\n", line);
}

static const cnn_log_sink sink = {.write = keep_line};

/* Lists the images of `path` as lines "path label split", with the classes before them. The status,
 * and its message in place of the lines. */
static cnn_status list(const char *path, char *class0, char *class1, bool splits, char *text,
                       size_t size) {
    char *classes[2] = {class0 ? cnn_copy_string(class0) : NULL,
                        class1 ? cnn_copy_string(class1) : NULL};
    cnn_sample_list samples = {0};
    cnn_error error;
    const cnn_list_source source = {.path = path,
                                    .split = CNN_SPLIT_TRAIN,
                                    .splits_allowed = splits,
                                    .threads = 1,
                                    .log = &sink};
    logged[0] = '\0';
    const cnn_status status = cnn_sample_list_read(&source, classes, &samples, &error);
    size_t used = 0;
    if (status == CNN_OK) {
        used += (size_t)snprintf(text, size, "%s %s +%zu\n", classes[0], classes[1],
                                 samples.other_labels);
    } else {
        (void)snprintf(text, size, "%s", error.message);
    }
    for (size_t i = 0; i < samples.count && status == CNN_OK; i++) {
        const cnn_sample *s = &samples.samples[i];
        assert_true(used < size);
        used += (size_t)snprintf(text + used, size - used, "%s %d %s\n", s->path, s->label,
                                 cnn_split_names[s->split]);
    }
    cnn_sample_list_free(&samples);
    cnn_free(classes[0]);
    cnn_free(classes[1]);
    return status;
}

static void check_list(const char *path, const char *want) {
    char got[8192];
    if (list(path, NULL, NULL, true, got, sizeof got) != CNN_OK) {
        fail_msg("%s", got);
    }
    assert_string_equal(got, want);
}

static void check_refused(const char *path, const char *part) {
    char got[8192];
    const cnn_status status = list(path, NULL, NULL, true, got, sizeof got);
    if (status != CNN_ERROR_DATA || strncmp(got, path, strcspn(path, "/")) != 0 ||
        !strstr(got, part)) {
        fail_msg("%s: expected \"%s\", got \"%s\"", path, part, got);
    }
}

/* The bytes of an image, from the containers; its pixel, or -1 and the reason. */
static int read_pixel(cnn_containers *containers, const char *path, cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = 64};
    if (cnn_image_read_from(containers, path, &limit, &image, error) != CNN_OK) {
        return -1;
    }
    assert_int_equal(image.width, SIDE);
    assert_int_equal(image.height, SIDE);
    const int pixel = image.pixels[SIDE * SIDE * image.channels - 1];
    cnn_image_release(&image);
    return pixel;
}

/* --- IDX --- */

static size_t idx_header(uint8_t *to, int dimensions, const uint32_t *shape) {
    memcpy(to, (const uint8_t[4]){0, 0, 8, (uint8_t)dimensions}, 4);
    for (int i = 0; i < dimensions; i++) {
        for (int b = 0; b < 4; b++) {
            to[4 + 4 * i + b] = (uint8_t)(shape[i] >> (24 - 8 * b));
        }
    }
    return 4 + 4 * (size_t)dimensions;
}

/* Images 0 … count - 1, whose labels are their numbers modulo `labels`. */
static void write_idx(const char *images, const char *labels_path, uint32_t count, int labels,
                      bool packed) {
    uint8_t bytes[1024];
    size_t size = idx_header(bytes, 3, (const uint32_t[]){count, SIDE, SIDE});
    for (uint32_t i = 0; i < count; i++) {
        memset(bytes + size, (int)i, (size_t)SIDE * SIDE);
        size += (size_t)SIDE * SIDE;
    }
    gzFile gz = gzopen(images, packed ? "wb" : "wbT");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(gz), Z_OK);
    size = idx_header(bytes, 1, &count);
    for (uint32_t i = 0; i < count; i++) {
        bytes[size++] = (uint8_t)(i % (uint32_t)labels);
    }
    test_write_bytes(labels_path, bytes, size);
}

#define IDX_LIST(file)                                                                             \
    file "/0 0 train\n" file "/1 1 train\n" file "/2 0 train\n" file "/3 1 train\n"

static void test_idx(void **state) {
    (void)state;
    write_idx("a-images-idx3-ubyte", "a-labels-idx1-ubyte", 4, 2, false);
    check_list("a-images-idx3-ubyte", "0 1 +0\n" IDX_LIST("a-images-idx3-ubyte"));
    write_idx("b-images.idx3-ubyte.gz", "b-labels.idx1-ubyte", 4, 2, true);
    check_list("b-images.idx3-ubyte.gz", "0 1 +0\n" IDX_LIST("b-images.idx3-ubyte.gz"));
    assert_int_equal(mkdir("mnist", 0777), 0);
    write_idx("mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte", 4, 2, true);
    write_idx("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte", 1, 2, false);
    check_list("mnist",
               "0 1 +0\n" IDX_LIST(
                   "mnist/train-images-idx3-ubyte.gz") "mnist/t10k-images-idx3-ubyte/0 0 test\n");
    char got[4096];
    assert_int_equal(list("mnist", NULL, NULL, false, got, sizeof got), CNN_ERROR_DATA);
    assert_non_null(strstr(got, "such as mnist/train-images-idx3-ubyte.gz"));

    cnn_error error;
    cnn_containers *containers = cnn_containers_create();
    assert_int_equal(read_pixel(containers, "b-images.idx3-ubyte.gz/3", &error), 3);
    assert_int_equal(read_pixel(containers, "b-images.idx3-ubyte.gz/1", &error), 1); /* back */
    assert_int_equal(read_pixel(containers, "a-images-idx3-ubyte/2", &error), 2);
    static const char *const none[] = {"4", "-1", "01", "x", "", "1/2", "9999999999"};
    for (size_t i = 0; i < TEST_COUNT(none); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "a-images-idx3-ubyte/%s", none[i]);
        assert_int_equal(read_pixel(containers, path, &error), -1);
        assert_int_equal(error.status, CNN_ERROR_DATA);
    }
    cnn_containers_free(containers);
}

static void test_idx_labels(void **state) {
    (void)state;
    char got[4096];
    write_idx("c-images-idx3-ubyte", "c-labels-idx1-ubyte", 6, 3, false);
    check_refused("c-images-idx3-ubyte", "expected two labels, found 3: \"0\", \"1\", \"2\"; "
                                         "choose two with data.classes");
    assert_int_equal(list("c-images-idx3-ubyte", "2", "0", true, got, sizeof got), CNN_OK);
    assert_string_equal(got,
                        "2 0 +2\nc-images-idx3-ubyte/0 1 train\nc-images-idx3-ubyte/2 0 train\n"
                        "c-images-idx3-ubyte/3 1 train\nc-images-idx3-ubyte/5 0 train\n");
    write_idx("d-images-idx3-ubyte", "c-labels-idx1-ubyte", 5, 2, false);
    check_refused("d-images-idx3-ubyte", "expected a file of labels next to it");
    write_idx("c-images-idx3-ubyte", "other", 7, 2, false); /* 7 images, 5 labels */
    check_refused("c-images-idx3-ubyte", "expected a label for each of 7 images, found 5");
}

static void test_idx_damage(void **state) {
    (void)state;
    uint8_t bytes[64] = {0};
    const uint32_t huge[] = {4000000000U, 4000000000U, 4000000000U};
    write_idx("a-images-idx3-ubyte", "a-labels-idx1-ubyte", 4, 2, false);
    assert_int_equal(truncate("a-images-idx3-ubyte", 31), 0);
    check_refused("a-images-idx3-ubyte", "expected as many bytes as its shape has, found 15");
    assert_int_equal(truncate("a-images-idx3-ubyte", 3), 0);
    check_refused("a-images-idx3-ubyte", "found an end");
    test_write_bytes("a-images-idx3-ubyte", bytes, idx_header(bytes, 3, huge));
    check_refused("a-images-idx3-ubyte", "rows");
    test_write_bytes("a-images-idx3-ubyte", "not an IDX file", 15);
    check_refused("a-images-idx3-ubyte", "expected an IDX file");

    /* a small file that claims to unpack to a thousand million bytes */
    write_idx("b-images-idx3-ubyte.gz", "b-labels-idx1-ubyte", 4, 2, true);
    gzFile gz = gzopen("b-images-idx3-ubyte.gz", "wb");
    (void)idx_header(bytes, 3, (const uint32_t[]){1000, 1000, 1000});
    assert_int_equal(gzwrite(gz, bytes, 64), 64);
    assert_int_equal(gzclose(gz), Z_OK);
    check_refused("b-images-idx3-ubyte.gz", "times as many bytes as the compressed file has");
}

/* --- .npy --- */

static void test_npy_header(void **state) {
    (void)state;
    static const struct {
        const char *text, *reason; /* NULL: accepted */
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (10, 2, 2), }  \n", NULL},
        {"{'shape':(10,2,2),'fortran_order':False,'descr':'|u1'}\n", NULL},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (10, 2, 2), }\n", "Python objects"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (10, 2, 2), }\n", "integers"},
        {"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (10,), }\n", "simple numbers"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (10, 2, 2), }\n", "Fortran"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (10, 2, 2, 2, 2), }\n", "dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (10, -2), }\n", "header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }\n",
         "header"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (10,), }\n", "header"},
        {"{'descr': '|u1', 'fortran_order': False, }\n", "header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (10,), 'x': 1}\n", "header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (10,), } __import__('os')\n", "header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (10", "header"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        uint8_t bytes[256] = "\x93NUMPY\1";
        const size_t length = strlen(cases[i].text);
        bytes[8] = (uint8_t)length;
        memcpy(bytes + 10, cases[i].text, length);
        cnn_array array = {.name = ""};
        cnn_error error = {0};
        const cnn_status status = cnn_npy_header(bytes, 10 + length, &array, &error);
        if (status != (cases[i].reason ? CNN_ERROR_DATA : CNN_OK) ||
            (cases[i].reason && !strstr(error.message, cases[i].reason))) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
        assert_true(status != CNN_OK || (array.dimensions == 3 && array.shape[0] == 10 &&
                                         array.item == 1 && array.start == 10 + length));
        assert_int_equal(cnn_npy_header(bytes, 9 + length, &array, &error), CNN_ERROR_DATA);
    }
}

#ifdef CNN_HAVE_ARCHIVES

/* --- archives --- */

typedef struct member {
    const char *name;
    const char *bytes; /* NULL: an image of number `size` */
    size_t size;
    unsigned type; /* 0: a file */
} member;

/* Writes an archive; options: of libarchive, NULL: none. */
static void write_archive(const char *path, bool zip, const char *options, const member *members,
                          size_t count) {
    struct archive *a = archive_write_new();
    assert_int_equal(zip ? archive_write_set_format_zip(a) : archive_write_set_format_gnutar(a), 0);
    if (options) {
        assert_int_equal(archive_write_set_options(a, options), ARCHIVE_OK);
        assert_int_equal(archive_write_set_passphrase(a, "secret"), ARCHIVE_OK);
    }
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        const member *m = &members[i];
        char image[IMAGE + 1];
        make_image((int)m->size, image);
        const size_t size = m->bytes ? m->size : m->type ? 0 : (size_t)IMAGE;
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, m->name);
        archive_entry_set_filetype(entry, m->type ? m->type : AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)size);
        if (m->type == AE_IFLNK) {
            archive_entry_set_symlink(entry, "/etc/passwd");
        }
        assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, m->bytes ? m->bytes : image, size), size);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(a), ARCHIVE_OK);
}

/* In the order of a program that wrote them as they came. */
static const member photos[] = {
    {"./good/", NULL, 0, AE_IFDIR},       {"./good/b.pgm", NULL, 1, 0},
    {"./good/2024/c.pgm", NULL, 2, 0},    {"./bad/x y.pgm", NULL, 3, 0},
    {"./bad/x/z.pgm", NULL, 4, 0},        {"./good/2024-a.pgm", NULL, 5, 0},
    {"./good/.hidden", "no image", 8, 0}, {"./.git/a/b.pgm", NULL, 9, 0},
    {"./bad/x.pgm", NULL, 6, 0},          {"./good/\xc3\xa9.pgm", NULL, 7, 0},
};

static void write_folder(const char *folder, const member *members, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char image[IMAGE + 1];
        make_image((int)members[i].size, image);
        if (members[i].type == 0) {
            write_below(folder, members[i].name + 2, members[i].bytes ? members[i].bytes : image,
                        members[i].bytes ? members[i].size : (size_t)IMAGE);
        }
    }
}

/* Replaces each `from` at the start of a line by `to`. */
static void rename_lines(const char *text, const char *from, const char *to, char *out,
                         size_t size) {
    size_t used = 0;
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n") + 1;
        const bool starts = strncmp(line, from, strlen(from)) == 0;
        const size_t skip = starts ? strlen(from) : 0;
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", starts ? to : "",
                                 (int)(length - skip), line + skip);
        line += length;
    }
}

/* An archive has the images of the folder, under the same names and in the same order. */
static void test_order(void **state) {
    (void)state;
    char text[4096], want[4096];
    write_folder("photos", photos, TEST_COUNT(photos));
    assert_int_equal(list("photos", NULL, NULL, true, text, sizeof text), CNN_OK);
    assert_non_null(strstr(text, "photos/good/2024/c.pgm 1 train\nphotos/good/2024-a.pgm"));
    write_archive("p.tar", false, NULL, photos, TEST_COUNT(photos));
    rename_lines(text, "photos/", "p.tar/", want, sizeof want);
    check_list("p.tar", want);
    write_archive("p.zip", true, NULL, photos, TEST_COUNT(photos));
    rename_lines(text, "photos/", "p.zip/", want, sizeof want);
    check_list("p.zip", want);
    check_list("p.zip/", want);
    rename_lines(text, "photos/", "p.tar/", want, sizeof want);
    assert_int_equal(list("p.tar", "good", "bad", true, text, sizeof text), CNN_OK);
    assert_memory_equal(text, "good bad +0\np.tar/bad/x/z.pgm 1", 31);

    cnn_containers *containers = cnn_containers_create();
    cnn_error error;
    for (size_t i = TEST_COUNT(photos); i-- > 0;) { /* backwards */
        for (int zip = 0; zip < 2; zip++) {
            char path[128];
            (void)snprintf(path, sizeof path, "%s/%s", zip ? "p.zip" : "p.tar", photos[i].name + 2);
            assert_int_equal(read_pixel(containers, path, &error),
                             photos[i].bytes || photos[i].type ? -1 : (int)photos[i].size);
        }
    }
    cnn_containers_free(containers);
    assert_int_equal(read_pixel(NULL, "p.tar/bad/x.pgm", &error), 6);
    assert_int_equal(read_pixel(NULL, "p.tar/bad/none.pgm", &error), -1);
    assert_int_equal(read_pixel(NULL, "p.tar/bad", &error), -1);
}

static void test_folders(void **state) {
    (void)state;
    static const member nested[] = {{"all/photos/a/1.pgm", NULL, 1, 0},
                                    {"all/photos/b/1.pgm", NULL, 2, 0}};
    write_archive("n.zip", true, NULL, nested, TEST_COUNT(nested));
    check_list("n.zip",
               "a b +0\nn.zip/all/photos/a/1.pgm 0 train\nn.zip/all/photos/b/1.pgm 1 train\n");
    check_list("n.zip/all/photos/",
               "a b +0\nn.zip/all/photos/a/1.pgm 0 train\nn.zip/all/photos/b/1.pgm 1 train\n");
    check_refused("n.zip/all", "expected two class folders, found 1");
    check_refused("n.zip/none", "found nothing");
    static const member splits[] = {{"test/a/1.pgm", NULL, 1, 0},  {"test/b/1.pgm", NULL, 2, 0},
                                    {"Train/a/2.pgm", NULL, 3, 0}, {"Train/b/2.pgm", NULL, 4, 0},
                                    {"Train/b/3.pgm", NULL, 5, 0}, {"val/a/1.pgm", NULL, 6, 0},
                                    {"val/b/1.pgm", NULL, 7, 0}};
    write_archive("s.tar", false, NULL, splits, TEST_COUNT(splits));
    check_list("s.tar", "a b +0\ns.tar/Train/a/2.pgm 0 train\ns.tar/Train/b/2.pgm 1 train\n"
                        "s.tar/Train/b/3.pgm 1 train\ns.tar/val/a/1.pgm 0 validation\n"
                        "s.tar/val/b/1.pgm 1 validation\ns.tar/test/a/1.pgm 0 test\n"
                        "s.tar/test/b/1.pgm 1 test\n");
    /* the folder around them may be left out of a path */
    static const member wrapped[] = {{"w/all/train/a/1.pgm", NULL, 1, 0},
                                     {"w/all/train/b/1.pgm", NULL, 2, 0},
                                     {"w/all/test/a/2.pgm", NULL, 3, 0},
                                     {"w/all/test/b/2.pgm", NULL, 4, 0}};
    write_archive("v.tar", false, NULL, wrapped, TEST_COUNT(wrapped));
    check_list("v.tar/train",
               "a b +0\nv.tar/w/all/train/a/1.pgm 0 train\nv.tar/w/all/train/b/1.pgm 1 train\n");
    check_list("v.tar/w/all/test/",
               "a b +0\nv.tar/w/all/test/a/2.pgm 0 train\nv.tar/w/all/test/b/2.pgm 1 train\n");
    check_refused("v.tar/val", "found nothing");
    check_refused("v.tar/all/train", "found nothing");
    /* a folder may be called like an archive */
    write_folder("d.tar", photos, TEST_COUNT(photos));
    cnn_error error;
    assert_int_equal(read_pixel(NULL, "d.tar/bad/x.pgm", &error), 6);
    /* a manifest names members */
    static const char rows[] = "path,label\ns.tar/val/a/1.pgm,x\nd.tar/bad/x.pgm,y\n";
    test_write_bytes("m.csv", rows, sizeof rows - 1);
    check_list("m.csv", "x y +0\ns.tar/val/a/1.pgm 0 train\nd.tar/bad/x.pgm 1 train\n");
}

static void check_hostile(bool zip, const char *options, member extra, const char *part) {
    const member members[] = {{"a/1.pgm", NULL, 1, 0}, {"b/1.pgm", NULL, 2, 0}, extra};
    const char *path = zip ? "h.zip" : "h.tar";
    write_archive(path, zip, options, members, TEST_COUNT(members));
    check_refused(path, part);
}

/* A tar with a member that has 15 bytes and 2 GiB of holes (the old GNU format: "S", a map, the
 * real size), as no compression is needed for. */
static void write_sparse_bomb(const char *path) {
    char header[512];
    const member members[] = {{"a/1.pgm", NULL, 1, 0}, {"b/1.pgm", NULL, 2, 0}};
    write_archive(path, false, NULL, members, TEST_COUNT(members));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fread(header, 1, sizeof header, file), sizeof header);
    header[156] = 'S';
    memcpy(header + 386,
           "00000000000\0"
           "00000000017",
           24);
    memcpy(header + 483, "20000000000", 12);
    memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++) {
        sum += (unsigned char)header[i];
    }
    (void)snprintf(header + 148, 8, "%06o", sum);
    rewind(file);
    assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
    assert_int_equal(fclose(file), 0);
}

static void test_hostile(void **state) {
    (void)state;
    static char zeros[300];
    for (int zip = 0; zip < 2; zip++) {
        check_hostile(zip, NULL, (member){"/etc/x.pgm", NULL, 3, 0}, "relative names");
        check_hostile(zip, NULL, (member){"a/../../x.pgm", NULL, 3, 0}, "inside the archive");
        check_hostile(zip, NULL, (member){"..", NULL, 3, 0}, "inside the archive");
        check_hostile(zip, NULL, (member){"./a//1.pgm", NULL, 3, 0}, "one member of each name");
        check_hostile(zip, NULL, (member){"a.cls", zeros, 300, 0}, "at most 256 bytes");
        static const member links[] = {{"a/1.pgm", NULL, 1, 0},
                                       {"b/1.pgm", NULL, 2, 0},
                                       {"b/2.pgm", NULL, 0, AE_IFLNK},
                                       {"b/..", NULL, 0, AE_IFLNK}};
        const char *path = zip ? "l.zip" : "l.tar";
        char got[4096];
        write_archive(path, zip, NULL, links, TEST_COUNT(links) - (size_t)zip);
        assert_int_equal(list(path, NULL, NULL, true, got, sizeof got), CNN_OK);
        assert_null(strstr(got, "2.pgm"));
        assert_non_null(strstr(logged, zip ? ": 1 link or device skipped, the first is \"b/2.pgm\""
                                           : ": 2 links or devices skipped, "));
    }
    check_hostile(true, "zip:encryption=zipcrypt", (member){"c", NULL, 3, 0}, "encrypted");
    write_sparse_bomb("s.tar");
    check_refused("s.tar", "times the archive's size, found 2048 MiB");
    test_write_bytes("x.tar", "not an archive", 14);
    check_refused("x.tar", "expected an uncompressed tar archive or a zip archive");
    test_write_bytes("x.zip", "", 0);
    check_refused("x.zip", "expected");
}

/* Every archive that is cut short lists what is whole, or is refused; an image of it is whole. A
 * long name is a member of its own in a tar. */
static void test_cut_short(void **state) {
    (void)state;
    char name[151] = {0};
    memset(name, 'n', sizeof name - 1);
    for (int zip = 0; zip < 2; zip++) {
        const char *path = zip ? "c.zip" : "c.tar";
        const member members[] = {photos[1], photos[5], {name, NULL, 1, 0}, photos[4]};
        write_archive(path, zip, NULL, members, TEST_COUNT(members));
        struct stat about;
        assert_int_equal(stat(path, &about), 0);
        for (off_t size = about.st_size - 1; size > 0; size -= zip ? 13 : 500) {
            char got[4096], image[64];
            cnn_error error;
            assert_int_equal(truncate(path, size), 0);
            const cnn_status status = list(path, "good", "bad", true, got, sizeof got);
            assert_true(status == CNN_OK || status == CNN_ERROR_DATA);
            (void)snprintf(image, sizeof image, "%s/good/b.pgm", path);
            const int pixel = read_pixel(NULL, image, &error);
            assert_true(pixel == 1 || (pixel == -1 && error.status == CNN_ERROR_DATA));
        }
    }
}

/* Shards with folders of classes, of which one may lack a class; patterns of their names. */
static void test_shards(void **state) {
    (void)state;
    static const member first[] = {{"a/1.pgm", NULL, 1, 0}, {"c/1.pgm", NULL, 9, 0}},
                        second[] = {{"b/1.pgm", NULL, 2, 0}, {"a/2.pgm", NULL, 3, 0}},
                        flat[] = {{"1.pgm", NULL, 1, 0}};
    char got[4096];
    assert_int_equal(mkdir("s", 0777), 0);
    write_archive("s/x-09.tar", false, NULL, first, TEST_COUNT(first));
    write_archive("s/x-10.tar", false, NULL, second, TEST_COUNT(second));
    check_refused("s", "found 3: \"a\", \"b\", \"c\"");
    static const char want[] = "a b +1\ns/x-09.tar/a/1.pgm 0 train\ns/x-10.tar/a/2.pgm 0 train\n"
                               "s/x-10.tar/b/1.pgm 1 train\n";
    static const char *const names[] = {"s", "s/x-{09..10}.tar", "s/*.tar", "s/x-??.tar"};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        assert_int_equal(list(names[i], "a", "b", true, got, sizeof got), CNN_OK);
        assert_string_equal(got, want);
    }
    check_list("s/x-{10..10}.tar", "a b +0\ns/x-10.tar/a/2.pgm 0 train\n"
                                   "s/x-10.tar/b/1.pgm 1 train\n");
    check_refused("s/x-{09..11}.tar", "s/x-11.tar: No such file");
    check_refused("s/y*.tar", "expected archives with such names, found none");
    static const char *const none[] = {"s/x-{10..09}.tar", "s/x-{9}.tar", "s/x-{a..b}.tar",
                                       "s/x-{1..}.tar", "s/x-{1..1234567890}.tar"};
    for (size_t i = 0; i < TEST_COUNT(none); i++) {
        check_refused(none[i], "found nothing");
    }
    write_archive("s/x-09.tar", false, NULL, flat, TEST_COUNT(flat));
    check_refused("s/x-{09..09}.tar", "or folders of classes in the archives, found neither");
}

static void test_webdataset(void **state) {
    (void)state;
    static const member good[] = {
        {"2.cls", " dog\n", 5, 0}, {"2.pgm", NULL, 2, 0},       {"2.json", "{}", 2, 0},
        {"1.pgm", NULL, 1, 0},     {"1.mask.pgm", NULL, 9, 0},  {"1.cls", "cat", 3, 0},
        {"p/1.cls", "bird", 4, 0}, {"p/1.seg.png", NULL, 9, 0}, {"p/1.PGM", NULL, 3, 0},
    };
    char got[4096];
    write_archive("w.tar", false, NULL, good, TEST_COUNT(good));
    check_refused("w.tar", "expected two labels, found 3: \"bird\", \"cat\", \"dog\"");
    assert_non_null(strstr(logged, "3 members are neither images nor labels"));
    assert_int_equal(list("w.tar", "cat", "dog", true, got, sizeof got), CNN_OK);
    assert_string_equal(got, "cat dog +1\nw.tar/1.pgm 0 train\nw.tar/2.pgm 1 train\n");
    static const struct {
        member extra[2];
        const char *reason;
    } bad[] = {
        {{{"3.pgm", NULL, 3, 0}, {"4/a", "", 0, 0}},
         "3: expected an image and a label (.cls), found no label"},
        {{{"3.cls", "x", 1, 0}, {"3.txt", "", 0, 0}},
         "3: expected an image and a label (.cls), found no image"},
        {{{"1.png", NULL, 3, 0}, {"9.cls", "", 0, 0}},
         "1: expected an image and a label (.cls), found several images"},
        {{{"3.cls", " \n", 2, 0}, {"3.png", "", 0, 0}},
         "3: expected an image and a label (.cls), found an empty label"},
    };
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        const member members[] = {good[3], good[5],         good[0],
                                  good[1], bad[i].extra[0], bad[i].extra[1]};
        write_archive("bad.tar", false, NULL, members, TEST_COUNT(members));
        check_refused("bad.tar", bad[i].reason);
    }
}

/* --- npz --- */

/* A .npy of bytes; its size. */
static size_t make_npy(const char *type, const char *shape, const void *data, size_t data_size,
                       char *to) {
    const int length = snprintf(
        to + 10, 200, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", type, shape);
    memcpy(to, "\x93NUMPY\1\0", 8);
    to[8] = (char)length;
    to[9] = 0;
    memcpy(to + 10 + length, data, data_size);
    return 10 + (size_t)length + data_size;
}

typedef struct array_text {
    const char *name, *type, *shape;
    const void *data;
    size_t size;
} array_text;

static void write_npz(const char *path, bool packed, const array_text *arrays, size_t count) {
    static char bytes[8][1024];
    member members[8];
    for (size_t i = 0; i < count; i++) {
        const array_text *a = &arrays[i];
        members[i] = (member){.name = a->name, .bytes = bytes[i]};
        members[i].size = make_npy(a->type, a->shape, a->data, a->size, bytes[i]);
    }
    write_archive(path, true, packed ? NULL : "zip:compression=store", members, count);
}

static const char pixels[] = "\0\0\0\0\1\1\1\1\2\2\2\2\3\3\3\3\0\0\0\0\1\1\1\1\2\2\2\2\3\3\3\3";
static const char labels_i8[] = "\7\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\7\0\0\0\0\0\0\0";

static void test_npz(void **state) {
    (void)state;
    const array_text arrays[] = {
        {"other.npy", "<f4", "(1,)", "\0\0\0\0", 4},
        {"train_images.npy", "|u1", "(3, 2, 2)", pixels, 12},
        {"train_labels.npy", "<i8", "(3, 1)", labels_i8, 24},
        {"test_images.npy", "|u1", "(2, 2, 2, 3)", pixels, 24},
        {"test_labels.npy", ">u2", "(2,)", "\0\7\0\1", 4},
    };
    for (int packed = 0; packed < 2; packed++) {
        write_npz("a.npz", packed, arrays, TEST_COUNT(arrays));
        check_list("a.npz", "-2 7 +1\na.npz/train_images/0 1 train\na.npz/train_images/1 0 train\n"
                            "a.npz/train_images/2 1 train\na.npz/test_images/0 1 test\n");
        char got[4096];
        assert_int_equal(list("a.npz", "-2", "7", false, got, sizeof got), CNN_ERROR_DATA);
        assert_int_equal(list("a.npz/test_images", "1", "7", false, got, sizeof got), CNN_OK);
        assert_string_equal(got,
                            "1 7 +0\na.npz/test_images/0 1 train\na.npz/test_images/1 0 train\n");
        cnn_containers *containers = cnn_containers_create();
        cnn_error error;
        assert_int_equal(read_pixel(containers, "a.npz/test_images/1", &error), 1);
        assert_int_equal(read_pixel(containers, "a.npz/test_images/0", &error), 2);
        assert_int_equal(read_pixel(containers, "a.npz/train_images/2", &error), 2);
        assert_int_equal(read_pixel(containers, "a.npz/train_images/0", &error), 0);
        assert_int_equal(read_pixel(containers, "a.npz/train_labels/0", &error), -1);
        assert_int_equal(read_pixel(containers, "a.npz/other/0", &error), -1);
        cnn_containers_free(containers);
    }
}

static void test_npz_refused(void **state) {
    (void)state;
    static const struct {
        array_text arrays[2];
        const char *reason;
    } cases[] = {
        {{{"train_images.npy", "|u1", "(3, 2, 2)", pixels, 12}, {"x.npy", "|u1", "(1,)", "", 1}},
         "expected an array train_labels"},
        {{{"train_images.npy", "|O", "(3, 2, 2)", pixels, 12},
          {"train_labels.npy", "|u1", "(3,)", "\0\1\0", 3}},
         "Python objects"},
        {{{"train_images.npy", "|u1", "(3, 4)", pixels, 12},
          {"train_labels.npy", "|u1", "(3,)", "\0\1\0", 3}},
         "expected images"},
        {{{"train_images.npy", "<u2", "(3, 2, 1)", pixels, 12},
          {"train_labels.npy", "|u1", "(3,)", "\0\1\0", 3}},
         "expected images"},
        {{{"train_images.npy", "|u1", "(9, 2, 2)", pixels, 12},
          {"train_labels.npy", "|u1", "(3,)", "\0\1\0", 3}},
         "as many bytes"},
        {{{"train_images.npy", "|u1", "(3, 2, 2)", pixels, 12},
          {"train_labels.npy", "|u1", "(3, 2)", pixels, 6}},
         "several for each"},
        {{{"train_images.npy", "|u1", "(3, 2, 2)", pixels, 12},
          {"train_labels.npy", "|u1", "(2,)", "\0\1", 2}},
         "expected a label for each of 3 images, found 2"},
        {{{"images.npy", "|u1", "(3, 2, 2)", pixels, 12},
          {"labels.npy", "|u1", "(3,)", "\0\1\0", 3}},
         "expected an array \"train_images\""},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        write_npz("b.npz", true, cases[i].arrays, 2);
        check_refused("b.npz", cases[i].reason);
    }
    test_write_bytes("b.npz", "\x93NUMPY", 6);
    check_refused("b.npz", "expected");
}

/* --- reading --- */

enum { MANY = 300 };

typedef struct many {
    cnn_containers *containers;
    char path[MANY][64];
    int pixel[MANY];
} many;

static void read_one(void *context, size_t i, int thread) {
    (void)thread;
    many *m = context;
    cnn_error error;
    m->pixel[i] = read_pixel(m->containers, m->path[i * 7 % MANY], &error);
}

/* Several threads, which jump to and fro, get the right images; the order of reading is that of the
 * archive. */
static void test_threads(void **state) {
    (void)state;
    static many m;
    static member members[MANY];
    static char names[MANY][16];
    const char *paths[MANY];
    for (int zip = 0; zip < 2; zip++) {
        for (size_t i = 0; i < MANY; i++) {
            (void)snprintf(names[i], sizeof names[i], "%zu.pgm", i * 11 % MANY);
            members[i] = (member){.name = names[i], .size = i * 11 % MANY % 256};
            (void)snprintf(m.path[i], sizeof m.path[i], "t.%s/%zu.pgm", zip ? "zip" : "tar", i);
            paths[i] = m.path[i];
        }
        write_archive(zip ? "t.zip" : "t.tar", zip, NULL, members, MANY);
        m.containers = cnn_containers_create();
        cnn_parallel_for(MANY, 4, read_one, &m);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(m.pixel[i], i * 7 % MANY % 256);
        }
        size_t *order;
        cnn_error error;
        test_ok(cnn_containers_order(m.containers, paths, MANY, &order, &error), &error);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(order[i], i * 11 % MANY);
        }
        cnn_free(order);
        cnn_containers_free(m.containers);
    }
}

/* A list of more archives than a process may have files open. */
static void test_many_archives(void **state) {
    (void)state;
    enum { ARCHIVES = 80, FILES = 64 };
    struct rlimit before;
    cnn_containers *containers = cnn_containers_create();
    for (int i = 0; i < ARCHIVES; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%d.tar", i);
        write_archive(path, false, NULL, &(member){"a.pgm", NULL, (size_t)i, 0}, 1);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){FILES, before.rlim_max}), 0);
    for (int i = 0; i < ARCHIVES; i++) {
        char path[64];
        cnn_error error;
        (void)snprintf(path, sizeof path, "%d.tar/a.pgm", i);
        assert_int_equal(read_pixel(containers, path, &error), i);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    cnn_containers_free(containers);
}

static cnn_hash128 key_of(const char *path) {
    const cnn_image_settings settings = {.width = 2, .height = 2, .channels = 1};
    cnn_hash128 key;
    struct timespec newest;
    cnn_error error;
    test_ok(cnn_cache_key(&path, 1, &settings, 1, &key, &newest, &error), &error);
    assert_true(newest.tv_sec > 0);
    return key;
}

/* The cache sees that an archive has changed. */
static void test_cache_key(void **state) {
    (void)state;
    static const char *const images[] = {"p.tar/bad/x.pgm", "a-images-idx3-ubyte/1"};
    write_archive("p.tar", false, NULL, photos, TEST_COUNT(photos));
    write_idx("a-images-idx3-ubyte", "a-labels-idx1-ubyte", 4, 2, false);
    for (size_t i = 0; i < TEST_COUNT(images); i++) {
        const cnn_hash128 before = key_of(images[i]), again = key_of(images[i]);
        const cnn_hash128 other = key_of("p.tar/bad/x y.pgm");
        assert_memory_equal(&before, &again, sizeof before);
        assert_memory_not_equal(&before, &other, sizeof before);
        char path[64];
        (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(images[i], "/"), images[i]);
        assert_int_equal(truncate(path, 16), 0);
        const cnn_hash128 after = key_of(images[i]);
        assert_memory_not_equal(&before, &after, sizeof before);
        write_archive("p.tar", false, NULL, photos, TEST_COUNT(photos));
    }
}

static void test_path_files(void **state) {
    (void)state;
    static const member members[] = {
        {"b.pgm", NULL, 1, 0}, {"b.cls", "1", 1, 0}, {"a.pgm", NULL, 2, 0}};
    bool is_folder;
    cnn_file_list files;
    cnn_error error;
    write_archive("w.tar", false, NULL, members, TEST_COUNT(members));
    test_ok(cnn_path_files("w.tar", &is_folder, &files, &error), &error);
    assert_true(is_folder && files.count == 2);
    assert_string_equal(files.paths[0], "w.tar/a.pgm");
    assert_string_equal(files.paths[1], "w.tar/b.pgm");
    cnn_file_list_free(&files);
    test_ok(cnn_path_files("w.tar/a.pgm", &is_folder, &files, &error), &error);
    assert_false(is_folder);
    write_idx("a-images-idx3-ubyte", "a-labels-idx1-ubyte", 4, 2, false);
    test_ok(cnn_path_files("a-images-idx3-ubyte", &is_folder, &files, &error), &error);
    assert_true(is_folder && files.count == 4);
    assert_string_equal(files.paths[3], "a-images-idx3-ubyte/3");
    cnn_file_list_free(&files);
}

#endif

int main(void) {
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, test_folder_enter, test_folder_leave)
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_idx),           FILE_TEST(test_idx_labels),
        FILE_TEST(test_idx_damage),    cmocka_unit_test(test_npy_header),
#ifdef CNN_HAVE_ARCHIVES
        FILE_TEST(test_order),         FILE_TEST(test_folders),
        FILE_TEST(test_hostile),       FILE_TEST(test_cut_short),
        FILE_TEST(test_webdataset),    FILE_TEST(test_npz),
        FILE_TEST(test_npz_refused),   FILE_TEST(test_threads),
        FILE_TEST(test_many_archives), FILE_TEST(test_cache_key),
        FILE_TEST(test_path_files),    FILE_TEST(test_shards),
#endif
    };
    return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}
