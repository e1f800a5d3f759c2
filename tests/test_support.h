/* Functions shared by the tests of the lower rooms: comparisons that a NaN cannot pass, networks
 * written as a line of text, images for mini-batches, files, and a folder to write in. */
#ifndef CNN_TEST_SUPPORT_H
#define CNN_TEST_SUPPORT_H

#include "image/decode.h"
#include "nn/minibatch.h"
#include "nn/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST_COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Is this the long form of a test (CNN_TEST_SOAK=1)? tests/run.sh runs the short one. */
bool test_is_soak(void);

/* --- comparing --- */

/* Ends the test unless |got - want| <= bound; NaN fails. The message names what[index]. */
void test_near(const char *what, size_t index, double got, double want, double bound);

/* Ends the test with the error's message unless status is CNN_OK. */
void test_ok(cnn_status status, const cnn_error *error);

/* --- numbers --- */

/* The tests' own random numbers (xorshift64*), independent of those under test: uniform in [low,
 * high), exact in float. *state: anything but 0. */
double test_random(uint64_t *state, double low, double high);

/* Random doubles in ±1, exact in float, and the sizes of doubles. Free with cnn_free. */
double *test_random_values(size_t count, uint64_t seed);
double *test_absolute_values(const double *values, size_t count);

/* A copy of floats as doubles. Free with cnn_free. */
double *test_widen(const float *values, size_t count);

/* --- networks --- */

typedef struct test_spec {
    cnn_network_spec spec; /* its layers are those below, so do not copy this struct */
    cnn_layer_spec layers[128];
} test_spec;

/* Reads a line such as "1x6x6: conv 1 3, relu, maxpool 2, flatten, dense 1, sigmoid": channels ×
 * height × width, then the layers, each with its values in the order of its keys. Values that are
 * left out get their defaults; named ones ("same") are understood. "residual" takes the layers up
 * to "end". */
void test_spec_read(const char *text, test_spec *out);

/* The network of such a line. */
cnn_network *test_network_create(const char *text, const cnn_kernels *kernels,
                                 cnn_network_mode mode);

/* The kernels that the program would use, as limited by CNN_ISA. */
const cnn_kernels *test_kernels(void);

/* Random parameters: cnn_network_initialize's weights, and biases that are not 0, in ±0.1; others
 * that start as a constant, within ±0.1 of it. [parameter_count]; free with cnn_free. */
float *test_parameters(const cnn_network *network, uint64_t seed);

/* --- instruction sets --- */

/* Computes one case with the kernels given, checks it, and leaves its results in got[count]. */
typedef void test_run_function(const void *test_case, const cnn_kernels *kernels, double *got);

/* Runs a case on every instruction set of this machine, generic first; all must give the same
 * bytes. */
void test_all_instruction_sets(const void *test_case, test_run_function *run, size_t count);

/* --- images --- */

typedef struct test_samples {
    cnn_shape shape;
    size_t count;
    float *x;        /* [count][C][H][W], in [0, 1) */
    uint8_t *labels; /* [count], 0 or 1 */
} test_samples;

/* `count` random images of the network's input shape, with random labels. */
test_samples test_samples_create(const cnn_network *network, size_t count, uint64_t seed);
void test_samples_free(test_samples *samples);

/* Position i is image i. */
cnn_sample_source test_samples_source(test_samples *samples);

/* --- blocks --- */

/* Floats of a block's inside, which are those of a dense array [LANES][C][H][W]. */
size_t test_block_count(const cnn_block *block);

/* The inside of a block from and to such an array. `values`: value (0, 0, 0) of the block. */
void test_block_write(const cnn_block *block, const double *dense, float *values);
void test_block_read(const cnn_block *block, const float *values, double *dense);

/* Makes every value of the inside NaN, so that one which is not written shows. */
void test_block_poison(const cnn_block *block, float *values);

/* --- files --- */

/* Write a file. A file that is there is removed first: some file systems flush one that is cut and
 * written again. */
void test_write_bytes(const char *path, const void *bytes, size_t size);
void test_write_text(const char *path, const char *text);

/* A grey image: [height][width] samples of one byte, or of two with the high byte first if maximum
 * is above 255. */
void test_write_pgm(const char *path, int width, int height, int maximum, const uint8_t *samples);

/* --- image files --- */

/* Writes bytes[size] to the file "image", and reads it. CNN_OK, or CNN_ERROR_DATA with a message:
 * anything else fails the test. */
cnn_status test_image_read(const void *bytes, size_t size, cnn_image *image, cnn_error *error);

/* --- folders --- */

#define TEST_PATH_MAX 512

/* cmocka's setup and teardown, of a test or of a group: a new empty folder becomes the working
 * directory, and *state its path; then it is removed with all that is in it. */
int test_folder_enter(void **state);
int test_folder_leave(void **state);

/* --- locales --- */

/* Makes a locale whose decimal point is a comma in the working directory, and sets it as the
 * program's LC_NUMERIC; false where the system has no localedef. */
bool test_comma_locale_enter(void);
void test_comma_locale_leave(void);

#endif
