#include "test_support.h"

#include "base/memory.h"

#include <ftw.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool test_is_soak(void) {
    const char *text = getenv("CNN_TEST_SOAK");
    return text && strcmp(text, "1") == 0;
}

/* --- comparing --- */

void test_near(const char *what, size_t index, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound)) {
        fail_msg("%s[%zu]: expected %.17g within %.3g, got %.17g", what, index, want, bound, got);
    }
}

void test_ok(cnn_status status, const cnn_error *error) {
    if (status != CNN_OK) {
        fail_msg("status %d: %s", (int)status, error->message);
    }
}

double test_random(uint64_t *state, double low, double high) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    double unit = (double)((*state * 0x2545f4914f6cdd1dU) >> 40) * 0x1p-24;
    return (double)(float)(low + unit * (high - low));
}

double *test_random_values(size_t count, uint64_t seed) {
    double *values = cnn_alloc(count, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = test_random(&seed, -1.0, 1.0);
    }
    return values;
}

double *test_absolute_values(const double *values, size_t count) {
    double *sizes = cnn_alloc(count, sizeof *sizes);
    assert_non_null(sizes);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = fabs(values[i]);
    }
    return sizes;
}

double *test_widen(const float *values, size_t count) {
    double *wide = cnn_alloc(count, sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < count; i++) {
        wide[i] = (double)values[i];
    }
    return wide;
}

/* --- networks --- */

/* "same", "1", or "1:2:0:3" for top, left, bottom, right */
static void set_sides(const cnn_key *key, const char *word, int sides[4]) {
    int got = sscanf(word, "%d:%d:%d:%d", &sides[0], &sides[1], &sides[2], &sides[3]);
    for (const cnn_named_number *name = key->names; got < 1 && name->name; name++) {
        sides[0] = strcmp(name->name, word) == 0 ? name->number : sides[0];
    }
    for (int i = 1; got < 4 && i < 4; i++) {
        sides[i] = sides[0];
    }
}

static void set_value(const cnn_key *keys, const cnn_key *key, const char *word,
                      cnn_layer_spec *layer) {
    void *field = cnn_key_field(key, layer);
    cnn_key_reset(keys, key, layer);
    if (word && (key->kind == &cnn_kind_number || key->kind == &cnn_kind_optional_number)) {
        *(double *)field = strtod(word, NULL);
    } else if (word && key->kind == &cnn_kind_boolean) {
        *(bool *)field = strcmp(word, "true") == 0;
    } else if (word && key->kind == &cnn_kind_sides) {
        set_sides(key, word, field);
    } else if (word && key->kind == &cnn_kind_choice) {
        for (int i = 0; key->choices[i]; i++) {
            *(int *)field = strcmp(key->choices[i], word) == 0 ? i : *(int *)field;
        }
    } else if (word) {
        *(int *)field = atoi(word);
        for (const cnn_named_number *name = key->names; name && name->name; name++) {
            *(int *)field = strcmp(name->name, word) == 0 ? name->number : *(int *)field;
        }
    }
}

/* " conv 4 3 1 same" */
static void read_layer(char *text, cnn_layer_spec *layer) {
    char *rest;
    const char *name = strtok_r(text, " ", &rest);
    layer->ops = cnn_layer_find(name);
    if (!layer->ops) {
        fail_msg("the test names a layer that is not there: %s", name);
        return;
    }
    for (const cnn_key *key = layer->ops->keys; key->name; key++) {
        set_value(layer->ops->keys, key, strtok_r(NULL, " ", &rest), layer);
    }
}

void test_spec_read(const char *text, test_spec *out) {
    char layers[2048];
    memset(out, 0, sizeof *out);
    cnn_shape *input = &out->spec.input;
    int got = sscanf(text, "%dx%dx%d:%2047[^\n]", &input->channels, &input->height, &input->width,
                     layers);
    assert_true(got >= 3);
    out->spec.layers = out->layers;
    char *rest;
    int depth = 0;
    for (char *layer = got > 3 ? strtok_r(layers, ",", &rest) : NULL; layer;
         layer = strtok_r(NULL, ",", &rest)) {
        assert_true((size_t)out->spec.layer_count + 1 < TEST_COUNT(out->layers));
        if (strcmp(layer + strspn(layer, " "), "end") == 0) {
            depth--;
            continue;
        }
        cnn_layer_spec *next = &out->layers[out->spec.layer_count++];
        read_layer(layer, next);
        next->depth = depth;
        depth += next->ops->join != NULL;
    }
}

cnn_network *test_network_create(const char *text, const cnn_kernels *kernels,
                                 cnn_network_mode mode) {
    test_spec spec;
    cnn_network *network;
    cnn_error error;
    test_spec_read(text, &spec);
    test_ok(cnn_network_create(&spec.spec, kernels, mode, &network, &error), &error);
    return network;
}

const cnn_kernels *test_kernels(void) {
    const cnn_kernels *kernels;
    cnn_error error;
    test_ok(cnn_kernels_choose(&kernels, &error), &error);
    return kernels;
}

float *test_parameters(const cnn_network *network, uint64_t seed) {
    float *parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
    assert_non_null(parameters);
    cnn_network_initialize(network, seed, parameters);
    uint64_t state = seed + 1;
    for (size_t i = 0; i < network->parameter_count; i++) {
        if (parameters[i] == 0.0f || parameters[i] == 1.0f) {
            parameters[i] += (float)test_random(&state, -0.1, 0.1);
        }
    }
    return parameters;
}

/* --- instruction sets --- */

void test_all_instruction_sets(const void *test_case, test_run_function *run, size_t count) {
    double *first = cnn_alloc(count, sizeof *first);
    double *other = cnn_alloc(count, sizeof *other);
    assert_non_null(first);
    assert_non_null(other);
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        const cnn_kernels *kernels = cnn_kernels_for((cnn_isa)isa);
        if (kernels) {
            assert_int_equal(kernels->isa, isa);
            run(test_case, kernels, isa == 0 ? first : other);
            if (isa > 0 && memcmp(first, other, count * sizeof *first) != 0) {
                fail_msg("%s computes other bytes than generic", cnn_isa_name((cnn_isa)isa));
            }
        }
    }
    cnn_free(first);
    cnn_free(other);
}

/* --- images --- */

test_samples test_samples_create(const cnn_network *network, size_t count, uint64_t seed) {
    test_samples samples = {.shape = network->graph.nodes[0].out, .count = count};
    size_t size = count * cnn_shape_size(&samples.shape);
    samples.x = cnn_alloc(size, sizeof *samples.x);
    samples.labels = cnn_alloc(count, sizeof *samples.labels);
    assert_non_null(samples.x);
    assert_non_null(samples.labels);
    uint64_t state = seed;
    for (size_t i = 0; i < size; i++) {
        samples.x[i] = (float)test_random(&state, 0.0, 1.0);
    }
    for (size_t i = 0; i < count; i++) {
        samples.labels[i] = test_random(&state, 0.0, 1.0) < 0.5;
    }
    return samples;
}

void test_samples_free(test_samples *samples) {
    cnn_free(samples->x);
    cnn_free(samples->labels);
}

/* A cnn_sample_source's function. It runs on several threads, where no assertion may jump. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const test_samples *samples = context;
    const cnn_shape *shape = &samples->shape;
    int lanes = cnn_block_lanes(block);
    for (int lane = 0; lane < lanes; lane++) {
        size_t image = first + (lane < count ? (size_t)lane : 0);
        const float *from = samples->x + image * cnn_shape_size(shape);
        for (int c = 0; c < shape->channels; c++) {
            for (int h = 0; h < shape->height; h++) {
                float *row = x + c * block->plane_stride + h * block->row_stride + lane;
                for (int w = 0; w < shape->width; w++) {
                    row[w * lanes] = lane < count ? *from++ : 0.0f;
                }
            }
        }
        if (labels && lane < count) {
            labels[lane] = samples->labels[first + (size_t)lane];
        }
    }
}

cnn_sample_source test_samples_source(test_samples *samples) {
    return (cnn_sample_source){.fill = fill, .context = samples};
}

/* --- blocks --- */

size_t test_block_count(const cnn_block *block) {
    return (size_t)block->channels * (size_t)block->height * (size_t)block->width * CNN_LANES;
}

/* Where value number i of a dense array [LANES][C][H][W] stands in the block. */
static ptrdiff_t place(const cnn_block *block, size_t i) {
    ptrdiff_t rest = (ptrdiff_t)i;
    ptrdiff_t column = rest % block->width;
    rest /= block->width;
    ptrdiff_t row = rest % block->height;
    rest /= block->height;
    ptrdiff_t channel = rest % block->channels;
    ptrdiff_t lane = rest / block->channels;
    return channel * block->plane_stride + row * block->row_stride + column * CNN_LANES + lane;
}

void test_block_write(const cnn_block *block, const double *dense, float *values) {
    for (size_t i = 0; i < test_block_count(block); i++) {
        values[place(block, i)] = (float)dense[i];
    }
}

void test_block_read(const cnn_block *block, const float *values, double *dense) {
    for (size_t i = 0; i < test_block_count(block); i++) {
        dense[i] = (double)values[place(block, i)];
    }
}

void test_block_poison(const cnn_block *block, float *values) {
    for (size_t i = 0; i < test_block_count(block); i++) {
        values[place(block, i)] = NAN;
    }
}

/* --- files --- */

void test_write_bytes(const char *path, const void *bytes, size_t size) {
    (void)unlink(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void test_write_text(const char *path, const char *text) {
    test_write_bytes(path, text, strlen(text));
}

void test_write_pgm(const char *path, int width, int height, int maximum, const uint8_t *samples) {
    const size_t bytes = maximum > 255 ? 2 : 1;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fprintf(file, "P5 %d %d %d\n", width, height, maximum) > 0);
    assert_int_equal(fwrite(samples, bytes, (size_t)(width * height), file), width * height);
    assert_int_equal(fclose(file), 0);
}

/* --- image files --- */

cnn_status test_image_read(const void *bytes, size_t size, cnn_image *image, cnn_error *error) {
    test_write_bytes("image", bytes, size);
    *error = (cnn_error){0};
    cnn_status status = cnn_image_read("image", 64, image, error);
    assert_true(status == CNN_OK || (status == CNN_ERROR_DATA && error->message[0]));
    return status;
}

/* --- folders --- */

int test_folder_enter(void **state) {
    static char path[TEST_PATH_MAX];
    const char *temporary = getenv("TMPDIR");
    int length =
        snprintf(path, TEST_PATH_MAX, "%s/cnn-test-XXXXXX", temporary ? temporary : "/tmp");
    assert_in_range(length, 1, TEST_PATH_MAX - 1);
    assert_non_null(mkdtemp(path));
    *state = path;
    return chdir(path);
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about, (void)kind, (void)place;
    return remove(path);
}

int test_folder_leave(void **state) {
    return chdir("/") || nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- locales --- */

bool test_comma_locale_enter(void) {
    FILE *file = fopen("comma", "w");
    assert_non_null(file);
    (void)fputs("LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\n"
                "END LC_NUMERIC\n",
                file);
    assert_int_equal(fclose(file), 0);
    /* it complains of the other categories, which are missing */
    static const char command[] =
        "localedef --no-archive -c -i comma -f ANSI_X3.4-1968 ./xx_XX >log 2>&1";
    (void)!system(command); /* NOLINT: nothing of it comes from outside */
    char folder[4096];
    assert_non_null(realpath(".", folder));
    assert_int_equal(setenv("LOCPATH", folder, 1), 0);
    if (!setlocale(LC_NUMERIC, "xx_XX")) {
        return false;
    }
    char printed[8];
    (void)snprintf(printed, sizeof printed, "%.1f", 0.5);
    assert_string_equal(printed, "0,5");
    return true;
}

void test_comma_locale_leave(void) {
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}
