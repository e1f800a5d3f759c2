/* Measures maps of a model (cnn/explain.h):
 *
 *   explain_quality MODEL gradient|occlusion|hirescam|SIDE < LIST
 *
 * LIST has lines "PATH", or "PATH X Y SIZE" for an image with a square patch. SIDE: HiResCAM at the
 * last layer with at least this many rows and columns. Prints means over the images, as names and
 * numbers.
 *
 * patch: the share of a map's mass, of the sign of the logit, that lies on the patch.
 *
 * deletion: the mean of the logit of the predicted class while pixels become the mean colour, in 20
 * steps, in the order of the map: those that speak most for that class first. The better the map,
 * the lower. cells, pixels: the same in random order of 7 × 7 cells of the image, and of pixels.
 *
 * milliseconds: of the processor, for the map of an image. ratio: the time for the maps of a block
 * of images, divided by that for predicting it; 0 for occlusion. */
#include "base/memory.h"
#include "base/random.h"
#include "image/load.h"
#include "inspect/heat_map.h"
#include "inspect/map_picture.h"
#include "inspect/occlusion.h"
#include "nn/inference.h"
#include "run/predictor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 20, SEED = 1 };

typedef struct measure {
    const cnn_predictor *predictor;
    const cnn_model *model;
    cnn_minibatch *minibatch;
    cnn_heat_map *heat_map; /* NULL: occlusion */
    cnn_shape image;
    size_t plane;
    const char *method;
    uint8_t *pixels, *deleted; /* of an image; [STEPS + 1] of it */
    float *map, *fine;         /* of the layer; interpolated, [plane] */
    size_t *order;             /* [plane] */
    int images, patches;
    double patch, deletion, cells, random, seconds;
} measure;

static void stop(const char *what, const cnn_error *error) {
    fprintf(stderr, "explain_quality: %s: %s\n", what, error->message);
    exit(1);
}

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    (void)labels;
    const measure *m = context;
    const uint8_t *images[CNN_LANES];
    for (int lane = 0; lane < CNN_LANES; lane++) {
        images[lane] = m->deleted + (first + (size_t)(lane < count ? lane : 0)) * m->plane *
                                        (size_t)m->image.channels;
    }
    cnn_block_from_images(cnn_predictor_table(m->predictor), images, count, block, x);
}

/* The map of m->pixels, interpolated. Returns the logit. */
static float find_map(measure *m) {
    cnn_error error;
    float logit;
    int rows = m->image.height, columns = m->image.width;
    const clock_t start = clock();
    cnn_status status;
    if (m->heat_map) {
        rows = cnn_heat_map_shape(m->heat_map)->height;
        columns = cnn_heat_map_shape(m->heat_map)->width;
        memcpy(m->deleted, m->pixels, m->plane * (size_t)m->image.channels);
        const cnn_sample_source source = {.fill = fill, .context = m};
        status = cnn_heat_map_run(m->heat_map, &source, 0, 1, &logit, m->map, &error);
    } else {
        status =
            cnn_occlusion_map(m->minibatch, m->model->parameters, cnn_predictor_table(m->predictor),
                              &m->image, m->pixels, &logit, m->map, &error);
    }
    if (status != CNN_OK) {
        stop("map", &error);
    }
    m->seconds += (double)(clock() - start) / CLOCKS_PER_SEC;
    const cnn_image_settings settings = {.width = m->image.width, .height = m->image.height};
    const cnn_map_view view = {.map = m->map,
                               .map_height = rows,
                               .map_width = columns,
                               .settings = &settings,
                               .image_height = m->image.height,
                               .image_width = m->image.width};
    for (size_t i = 0; i < m->plane; i++) {
        (void)cnn_map_value(&view, ((double)(i % (size_t)m->image.width) + 0.5) / m->image.width,
                            ((double)(i / (size_t)m->image.width) + 0.5) / m->image.height,
                            &m->fine[i]);
    }
    return logit;
}

static double patch_share(const measure *m, float sign, int x, int y, int size) {
    double all = 0.0, on = 0.0;
    for (int h = 0; h < m->image.height; h++) {
        for (int w = 0; w < m->image.width; w++) {
            const double value = (double)(sign * m->fine[h * m->image.width + w]);
            const bool inside = w >= x && w < x + size && h >= y && h < y + size;
            all += value > 0.0 ? value : 0.0;
            on += value > 0.0 && inside ? value : 0.0;
        }
    }
    return all > 0.0 ? on / all : 0.0;
}

/* --- deletion --- */

static const float *sort_keys;

static int by_key(const void *a, const void *b) {
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const float x = sort_keys[i], y = sort_keys[j];
    return x > y ? -1 : x < y ? 1 : i < j ? -1 : i > j;
}

/* Deletes in falling order of keys[plane]. */
static double delete_pixels(measure *m, float sign, const float *keys) {
    const size_t channels = (size_t)m->image.channels, size = m->plane * channels;
    float logits[STEPS + 1];
    for (size_t i = 0; i < m->plane; i++) {
        m->order[i] = i;
    }
    sort_keys = keys;
    qsort(m->order, m->plane, sizeof *m->order, by_key);
    memcpy(m->deleted, m->pixels, size);
    for (size_t step = 1; step <= STEPS; step++) {
        uint8_t *image = m->deleted + step * size;
        memcpy(image, image - size, size);
        for (size_t c = 0; c < channels; c++) {
            uint64_t sum = 0;
            for (size_t i = 0; i < m->plane; i++) {
                sum += m->pixels[c * m->plane + i];
            }
            for (size_t i = (step - 1) * m->plane / STEPS; i < step * m->plane / STEPS; i++) {
                image[c * m->plane + m->order[i]] = (uint8_t)((sum + m->plane / 2) / m->plane);
            }
        }
    }
    const cnn_sample_source source = {.fill = fill, .context = m};
    cnn_minibatch_forward(m->minibatch, m->model->parameters, &source, 0, STEPS + 1, logits, NULL);
    double area = 0.0;
    for (int step = 0; step < STEPS; step++) {
        area += (double)(sign * (logits[step] + logits[step + 1])) / 2.0;
    }
    return area / STEPS;
}

static void measure_deletion(measure *m, float sign, uint64_t image) {
    float *keys = cnn_alloc(m->plane, sizeof *keys);
    for (size_t i = 0; i < m->plane; i++) {
        keys[i] = sign * m->fine[i];
    }
    const double by_map = delete_pixels(m, sign, keys);
    for (size_t i = 0; i < m->plane; i++) {
        const size_t row = i / (size_t)m->image.width * 7 / (size_t)m->image.height;
        const size_t column = i % (size_t)m->image.width * 7 / (size_t)m->image.width;
        keys[i] = (float)cnn_random_uniform(SEED, CNN_RANDOM_WEIGHTS, image, row * 7 + column);
    }
    const double by_cell = delete_pixels(m, sign, keys);
    for (size_t i = 0; i < m->plane; i++) {
        keys[i] = (float)cnn_random_uniform(SEED + 1, CNN_RANDOM_WEIGHTS, image, i);
    }
    const double by_pixel = delete_pixels(m, sign, keys);
    m->deletion += by_map;
    m->cells += by_cell;
    m->random += by_pixel;
    cnn_free(keys);
}

/* --- time --- */

enum { PAIRS = 15, PART_SECONDS_1000 = 10 };

/* Seconds for a block of copies of m->pixels, the mean of some. plain: the prediction, without
 * maps; else NULL. */
static double block_seconds(measure *m, cnn_inference *plain, float *maps) {
    const cnn_sample_source source = {.fill = fill, .context = m};
    const clock_t enough = (clock_t)PART_SECONDS_1000 * CLOCKS_PER_SEC / 1000;
    float logits[CNN_LANES];
    cnn_error error;
    int blocks = 0;
    const clock_t start = clock();
    for (; clock() - start < enough; blocks++) {
        if (plain) {
            cnn_inference_run(plain, 0, &source, 0, CNN_LANES, logits, NULL);
        } else if (cnn_heat_map_run(m->heat_map, &source, 0, CNN_LANES, logits, maps, &error) !=
                   CNN_OK) {
            stop("maps", &error);
        }
    }
    return (double)(clock() - start) / CLOCKS_PER_SEC / blocks;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of pairs that follow each other, so that other work on the machine slows both. */
static double time_ratio(measure *m) {
    double ratios[PAIRS];
    cnn_inference *plain;
    cnn_error error;
    if (!m->heat_map) {
        return 0.0;
    }
    if (cnn_inference_create(m->model->network, 1, &plain, &error) != CNN_OK) {
        stop("prediction", &error);
    }
    cnn_inference_prepare(plain, m->model->parameters);
    const cnn_shape *shape = cnn_heat_map_shape(m->heat_map);
    float *maps = cnn_alloc(CNN_LANES * (size_t)shape->height * (size_t)shape->width, sizeof *maps);
    if (!maps) {
        exit(1);
    }
    for (int i = 0; i < PAIRS; i++) {
        const double seconds = block_seconds(m, plain, maps);
        ratios[i] = block_seconds(m, NULL, maps) / seconds;
    }
    cnn_inference_free(plain);
    qsort(ratios, PAIRS, sizeof *ratios, by_value);
    cnn_free(maps);
    return ratios[PAIRS / 2];
}

/* --- images --- */

static void measure_image(measure *m, char *line) {
    cnn_error error;
    int x, y, size;
    char *space = strchr(line, ' ');
    const bool has_patch = space && sscanf(space, "%d %d %d", &x, &y, &size) == 3;
    if (space) {
        *space = '\0';
    }
    if (cnn_image_load(line, &m->model->config->image, NULL, m->pixels, NULL, &error) != CNN_OK) {
        fprintf(stderr, "explain_quality: %s: %s\n", line, error.message);
        return;
    }
    const float sign = find_map(m) < 0.0f ? -1.0f : 1.0f;
    if (has_patch) {
        m->patch += patch_share(m, sign, x, y, size);
        m->patches++;
    }
    measure_deletion(m, sign, (uint64_t)m->images);
    m->images++;
}

static void create(measure *m, const char *path) {
    cnn_error error;
    cnn_predictor *predictor;
    if (cnn_predictor_load(path, &predictor, &error) != CNN_OK) {
        stop(path, &error);
    }
    m->predictor = predictor;
    m->model = cnn_predictor_model(predictor);
    m->image = m->model->network->graph.nodes[0].out;
    m->plane = (size_t)m->image.height * (size_t)m->image.width;
    if (cnn_minibatch_create(m->model->network, 0, 1, &m->minibatch, &error) != CNN_OK) {
        stop(path, &error);
    }
    if (strcmp(m->method, "occlusion") != 0) {
        const cnn_graph *graph = &m->model->network->graph;
        const int side = atoi(m->method) > 0 ? atoi(m->method) : CNN_HEAT_MAP_SIDE;
        const int deep = cnn_heat_map_deep(graph, side);
        int nodes[CNN_HEAT_MAP_NODES] = {deep}, count = 1;
        if (strcmp(m->method, "gradient") == 0) {
            count = cnn_heat_map_nodes(graph, deep, nodes);
        }
        if (cnn_heat_map_create(m->model->network, m->model->parameters, nodes, count, NULL,
                                &m->heat_map, &error) != CNN_OK) {
            stop(path, &error);
        }
    }
    const size_t size = m->plane * (size_t)m->image.channels;
    m->pixels = cnn_alloc(size, 1);
    m->deleted = cnn_alloc((STEPS + 1) * size, 1);
    m->map = cnn_alloc(m->plane, sizeof *m->map);
    m->fine = cnn_alloc(m->plane, sizeof *m->fine);
    m->order = cnn_alloc(m->plane, sizeof *m->order);
    if (!m->pixels || !m->deleted || !m->map || !m->fine || !m->order) {
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: explain_quality MODEL gradient|occlusion|hirescam|SIDE < LIST\n", stderr);
        return 2;
    }
    measure m = {.method = argv[2]};
    create(&m, argv[1]);
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        measure_image(&m, line);
    }
    const double n = m.images;
    const double ratio = time_ratio(&m);
    printf("%s images %d patch %.4f deletion %.4f cells %.4f pixels %.4f rows %d columns %d "
           "milliseconds %.2f ratio %.2f\n",
           m.method, m.images, m.patches > 0 ? m.patch / m.patches : 0.0, m.deletion / n,
           m.cells / n, m.random / n,
           m.heat_map ? cnn_heat_map_shape(m.heat_map)->height : m.image.height,
           m.heat_map ? cnn_heat_map_shape(m.heat_map)->width : m.image.width,
           m.seconds * 1000.0 / n, ratio);
    cnn_heat_map_free(m.heat_map);
    cnn_minibatch_free(m.minibatch);
    cnn_predictor_free((cnn_predictor *)m.predictor);
    cnn_free(m.pixels);
    cnn_free(m.deleted);
    cnn_free(m.map);
    cnn_free(m.fine);
    cnn_free(m.order);
    return 0;
}
