/* idx_to_png writes the images of an IDX file (the format of MNIST and Fashion-MNIST) as PNG files,
 * one folder per class. `idx_to_png --help` describes its use.
 *
 * An IDX file starts with big-endian 32-bit numbers: a magic number that names the kind of file,
 * the number of items and, in an image file, the rows and columns of every image. The items follow,
 * one byte per label or per pixel. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*): the C library's, for mkdir */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* stb checks some of its allocations only by its assertion, which must hold in release builds. */
static void require(bool holds) {
    if (!holds) {
        fputs("idx_to_png: cannot encode a PNG file: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
}

#define STBIW_ASSERT(condition) require(condition)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#define IMAGE_MAGIC UINT32_C(0x00000803)
#define LABEL_MAGIC UINT32_C(0x00000801)
#define EXIT_USAGE 2

enum { DIGIT_COUNT = 10, LARGEST_SIDE = 4096 };

struct idx_file {
    const char *path;
    const char *item_name; /* "image" or "label", for messages */
    gzFile stream;
    uint32_t item_count;
};

struct image_size {
    uint32_t rows;
    uint32_t columns;
};

struct class_folder {
    const char *name; /* NULL: the digit was not requested */
    char *path;
    uint32_t image_count;
};

struct png_writer {
    FILE *file;
    int error_number; /* 0 as long as every write succeeded */
};

static const char usage_text[] =
    "Usage: idx_to_png IMAGES LABELS OUT_DIR DIGIT=NAME [DIGIT=NAME ...]\n";

static const char help_text[] =
    "\n"
    "Writes every image of IMAGES whose label in LABELS is DIGIT (0 to 9) to\n"
    "OUT_DIR/NAME/NUMBER.png, where NUMBER is its index in IMAGES, from 00000 on.\n"
    "\n"
    "IMAGES is an idx3-ubyte file and LABELS the idx1-ubyte file that belongs to it;\n"
    "both may be compressed with gzip. OUT_DIR and its parents are created. Files of\n"
    "the same name are overwritten, and after an error the images written so far stay.\n"
    "Digits with the same NAME share a folder.\n"
    "\n"
    "Example: idx_to_png train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz \\\n"
    "             data/train 0=t-shirt 6=shirt\n"
    "\n"
    "Exit status: 0 success, 1 an input or output failed, 2 wrong usage.\n";

__attribute__((format(printf, 2, 3))) static void report(const char *path, const char *format,
                                                         ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "idx_to_png: %s: ", path);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* Reading IDX files */

/* True when zlib met something worse than the end of the file. */
static bool is_damaged(const struct idx_file *file) {
    int code = Z_OK;
    gzerror(file->stream, &code);
    return code != Z_OK && code != Z_BUF_ERROR;
}

static const char *zlib_message(const struct idx_file *file) {
    int code = Z_OK;
    const char *message = gzerror(file->stream, &code);
    size_t path_length = strlen(file->path);

    /* zlib starts most of its messages with the path, and so does report(). */
    if (strncmp(message, file->path, path_length) == 0 &&
        strncmp(message + path_length, ": ", 2) == 0) {
        message += path_length + 2;
    }
    return message;
}

static bool read_bytes(const struct idx_file *file, void *bytes, uint32_t size, const char *what) {
    int count = gzread(file->stream, bytes, size);
    if (count >= 0 && (uint32_t)count == size) {
        return true;
    }
    if (count < 0 || is_damaged(file)) {
        report(file->path, "expected the %s, found unreadable data: %s", what, zlib_message(file));
    } else {
        report(file->path, "expected %" PRIu32 " bytes for the %s, found %d: the file is truncated",
               size, what, count);
    }
    return false;
}

static bool read_number(const struct idx_file *file, uint32_t *number, const char *what) {
    unsigned char bytes[4];
    if (!read_bytes(file, bytes, sizeof bytes, what)) {
        return false;
    }
    *number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
              (uint32_t)bytes[3];
    return true;
}

static bool read_item(const struct idx_file *file, uint32_t index, void *bytes, uint32_t size) {
    char what[32];
    snprintf(what, sizeof what, "%s with index %" PRIu32, file->item_name, index);
    return read_bytes(file, bytes, size, what);
}

static bool open_stream(struct idx_file *file) {
    errno = 0;
    file->stream = gzopen(file->path, "rb");
    if (file->stream == NULL) {
        /* gzopen leaves errno alone when it runs out of memory. */
        report(file->path, "cannot open: %s", errno != 0 ? strerror(errno) : "out of memory");
        return false;
    }
    return true;
}

/* Opens the file and reads the part of its header that all IDX files share. */
static bool open_idx_file(struct idx_file *file, uint32_t expected_magic) {
    uint32_t magic = 0;
    if (!open_stream(file) || !read_number(file, &magic, "magic number")) {
        return false;
    }
    if (magic != expected_magic) {
        report(file->path,
               "expected the magic number 0x%08" PRIx32 " of an IDX %s file, found 0x%08" PRIx32,
               expected_magic, file->item_name, magic);
        return false;
    }
    if (!read_number(file, &file->item_count, "number of items")) {
        return false;
    }
    if (file->item_count == 0) {
        report(file->path, "expected at least one %s, found none", file->item_name);
        return false;
    }
    return true;
}

static bool read_image_size(const struct idx_file *images, struct image_size *size) {
    if (!read_number(images, &size->rows, "number of rows") ||
        !read_number(images, &size->columns, "number of columns")) {
        return false;
    }
    if (size->rows < 1 || size->rows > LARGEST_SIDE || size->columns < 1 ||
        size->columns > LARGEST_SIDE) {
        report(images->path,
               "expected 1 to %d rows and columns, found %" PRIu32 " rows and %" PRIu32 " columns",
               LARGEST_SIDE, size->rows, size->columns);
        return false;
    }
    return true;
}

static bool counts_agree(const struct idx_file *images, const struct idx_file *labels) {
    if (labels->item_count != images->item_count) {
        report(labels->path,
               "expected %" PRIu32 " labels, one for every image of %s, found %" PRIu32,
               images->item_count, images->path, labels->item_count);
        return false;
    }
    return true;
}

/* Reading past the last item also lets zlib compare the checksum at the end of a gzip file. */
static bool ends_here(const struct idx_file *file) {
    unsigned char extra_byte;
    int code = Z_OK;
    if (gzread(file->stream, &extra_byte, 1) == 1) {
        report(file->path, "expected the end of the file after %" PRIu32 " %ss, found more bytes",
               file->item_count, file->item_name);
        return false;
    }
    gzerror(file->stream, &code);
    if (code != Z_OK) {
        report(file->path, "expected the end of the file after %" PRIu32 " %ss, found: %s",
               file->item_count, file->item_name, zlib_message(file));
        return false;
    }
    return true;
}

/* gzclose also repeats errors of reading, which are reported by now; only Z_ERRNO is its own. */
static bool close_idx_file(struct idx_file *file) {
    if (file->stream != NULL && gzclose(file->stream) == Z_ERRNO) {
        report(file->path, "cannot close: %s", strerror(errno));
        return false;
    }
    return true;
}

/* Writing folders and PNG files */

static char *join_path(const char *folder, const char *name) {
    size_t size = strlen(folder) + 1 + strlen(name) + 1;
    char *path = malloc(size);
    if (path == NULL) {
        report(name, "cannot build its path: out of memory");
        return NULL;
    }
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static bool make_folder(const char *path) {
    struct stat status;
    int mkdir_error;
    if (mkdir(path, 0777) == 0) {
        return true;
    }
    mkdir_error = errno;
    if (stat(path, &status) != 0) {
        report(path, "cannot create the folder: %s", strerror(mkdir_error));
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        report(path, "expected a folder or nothing, found a file");
        return false;
    }
    return true;
}

/* Cuts the path at each slash in turn to create the parents from the outermost on. */
static bool make_folder_and_parents(char *path) {
    char *slash = strchr(path + 1, '/');
    while (slash != NULL) {
        bool made;
        *slash = '\0';
        made = make_folder(path);
        *slash = '/';
        if (!made) {
            return false;
        }
        slash = strchr(slash + 1, '/');
    }
    return make_folder(path);
}

static bool make_class_folders(struct class_folder classes[DIGIT_COUNT], const char *out_dir) {
    for (int digit = 0; digit < DIGIT_COUNT; digit++) {
        struct class_folder *class_folder = &classes[digit];
        if (class_folder->name == NULL) {
            continue;
        }
        class_folder->path = join_path(out_dir, class_folder->name);
        if (class_folder->path == NULL || !make_folder_and_parents(class_folder->path)) {
            return false;
        }
    }
    return true;
}

/* stb's own file writing hides failed writes, so it gets this function instead. */
static void write_bytes(void *context, void *bytes, int size) {
    struct png_writer *writer = context;
    size_t byte_count = (size_t)size;
    errno = 0;
    if (fwrite(bytes, 1, byte_count, writer->file) != byte_count && writer->error_number == 0) {
        writer->error_number = errno != 0 ? errno : EIO;
    }
}

static bool write_png(const char *path, struct image_size size, const unsigned char *pixels) {
    struct png_writer writer = {fopen(path, "wb"), 0};
    int width = (int)size.columns;
    int height = (int)size.rows;
    if (writer.file == NULL) {
        report(path, "cannot create: %s", strerror(errno));
        return false;
    }
    if (stbi_write_png_to_func(write_bytes, &writer, width, height, 1, pixels, width) == 0) {
        writer.error_number = ENOMEM; /* its only reason to fail */
    }
    if (fclose(writer.file) != 0 && writer.error_number == 0) {
        writer.error_number = errno;
    }
    if (writer.error_number != 0) {
        report(path, "cannot write: %s", strerror(writer.error_number));
        return false;
    }
    return true;
}

static bool write_class_image(struct class_folder *class_folder, uint32_t index,
                              struct image_size size, const unsigned char *pixels) {
    char name[32];
    char *path;
    bool written;
    snprintf(name, sizeof name, "%05" PRIu32 ".png", index);
    path = join_path(class_folder->path, name);
    if (path == NULL) {
        return false;
    }
    written = write_png(path, size, pixels);
    free(path);
    if (written) {
        class_folder->image_count++;
    }
    return written;
}

/* From the input files to the class folders */

static bool read_label(const struct idx_file *labels, uint32_t index, unsigned char *label) {
    if (!read_item(labels, index, label, 1)) {
        return false;
    }
    if (*label >= DIGIT_COUNT) {
        report(labels->path, "expected a label from 0 to %d at index %" PRIu32 ", found %d",
               DIGIT_COUNT - 1, index, *label);
        return false;
    }
    return true;
}

static bool lay_out_images(const struct idx_file *images, const struct idx_file *labels,
                           struct image_size size, struct class_folder classes[DIGIT_COUNT]) {
    uint32_t pixel_count = size.rows * size.columns;
    unsigned char *pixels = malloc(pixel_count);
    bool success = true;
    if (pixels == NULL) {
        report(images->path, "cannot hold an image of %" PRIu32 " pixels: out of memory",
               pixel_count);
        return false;
    }
    for (uint32_t index = 0; index < images->item_count && success; index++) {
        unsigned char label = 0;
        success =
            read_item(images, index, pixels, pixel_count) && read_label(labels, index, &label);
        if (success && classes[label].name != NULL) {
            success = write_class_image(&classes[label], index, size, pixels);
        }
    }
    free(pixels);
    return success;
}

static bool every_class_has_images(const struct idx_file *labels,
                                   const struct class_folder classes[DIGIT_COUNT]) {
    for (int digit = 0; digit < DIGIT_COUNT; digit++) {
        if (classes[digit].name != NULL && classes[digit].image_count == 0) {
            report(labels->path, "expected images with the label %d for %s, found none", digit,
                   classes[digit].name);
            return false;
        }
    }
    return true;
}

static bool convert(struct idx_file *images, struct idx_file *labels, const char *out_dir,
                    struct class_folder classes[DIGIT_COUNT]) {
    struct image_size size = {0, 0};
    /* Nothing is created before both headers are known to be good. */
    return open_idx_file(images, IMAGE_MAGIC) && read_image_size(images, &size) &&
           open_idx_file(labels, LABEL_MAGIC) && counts_agree(images, labels) &&
           make_class_folders(classes, out_dir) && lay_out_images(images, labels, size, classes) &&
           ends_here(images) && ends_here(labels) && every_class_has_images(labels, classes);
}

static bool convert_and_close(const char *images_path, const char *labels_path, const char *out_dir,
                              struct class_folder classes[DIGIT_COUNT]) {
    struct idx_file images = {.path = images_path, .item_name = "image"};
    struct idx_file labels = {.path = labels_path, .item_name = "label"};
    bool success = convert(&images, &labels, out_dir, classes);
    bool images_closed = close_idx_file(&images);
    bool labels_closed = close_idx_file(&labels);
    for (int digit = 0; digit < DIGIT_COUNT; digit++) {
        free(classes[digit].path);
        classes[digit].path = NULL;
    }
    return success && images_closed && labels_closed;
}

/* The command line */

static bool is_folder_name(const char *name) {
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static bool parse_class(const char *argument, struct class_folder classes[DIGIT_COUNT]) {
    int digit;
    if (argument[0] < '0' || argument[0] > '9' || argument[1] != '=' ||
        !is_folder_name(argument + 2)) {
        fprintf(stderr,
                "idx_to_png: expected DIGIT=NAME, a digit and the name of a folder, found '%s'\n",
                argument);
        return false;
    }
    digit = argument[0] - '0';
    if (classes[digit].name != NULL) {
        fprintf(stderr, "idx_to_png: expected every digit once, found %d twice\n", digit);
        return false;
    }
    classes[digit].name = argument + 2;
    return true;
}

static bool parse_arguments(int argument_count, char **arguments,
                            struct class_folder classes[DIGIT_COUNT]) {
    if (argument_count < 5) {
        fprintf(stderr, "idx_to_png: expected at least 4 arguments, found %d\n",
                argument_count > 0 ? argument_count - 1 : 0);
        return false;
    }
    if (arguments[3][0] == '\0') {
        fputs("idx_to_png: expected the path of a folder as OUT_DIR, found ''\n", stderr);
        return false;
    }
    for (int position = 4; position < argument_count; position++) {
        if (!parse_class(arguments[position], classes)) {
            return false;
        }
    }
    return true;
}

static void print_summary(const char *images_path, const struct class_folder classes[DIGIT_COUNT]) {
    for (int digit = 0; digit < DIGIT_COUNT; digit++) {
        if (classes[digit].name != NULL) {
            printf("%s: %" PRIu32 " images with the label %d written as %s\n", images_path,
                   classes[digit].image_count, digit, classes[digit].name);
        }
    }
}

static int flush_output(void) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        report("standard output", "cannot write: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int main(int argument_count, char **arguments) {
    struct class_folder classes[DIGIT_COUNT] = {{NULL, NULL, 0}};
    if (argument_count == 2 && strcmp(arguments[1], "--help") == 0) {
        printf("%s%s", usage_text, help_text);
        return flush_output();
    }
    if (!parse_arguments(argument_count, arguments, classes)) {
        fputs(usage_text, stderr);
        fputs("Try 'idx_to_png --help'.\n", stderr);
        return EXIT_USAGE;
    }
    if (!convert_and_close(arguments[1], arguments[2], arguments[3], classes)) {
        return EXIT_FAILURE;
    }
    print_summary(arguments[1], classes);
    return flush_output();
}
