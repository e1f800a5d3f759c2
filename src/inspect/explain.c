#include "cnn/explain.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/load.h"
#include "inspect/heat_map.h"
#include "inspect/map_picture.h"
#include "inspect/occlusion.h"
#include "run/predictor.h"
#include "run/setup.h"

#include "cnn/png.h"

#include <math.h>
#include <string.h>

const char *const cnn_explain_method_names[] = {"gradient", "occlusion", "hirescam", NULL};

/* Images that are explained together, at most: a block for each thread, but not more than 64. */
enum { GROUP_MAX = 64, LONGEST_SIDE = 512 };

struct cnn_explainer {
    const cnn_predictor *predictor;
    cnn_explain_options options;
    cnn_thread_pool *pool; /* of the minibatch, or its own */
    cnn_thread_pool *own_pool;
    cnn_heat_map *heat_map;   /* of CNN_EXPLAIN_GRADIENT and CNN_EXPLAIN_HIRESCAM … */
    cnn_minibatch *minibatch; /* … or of CNN_EXPLAIN_OCCLUSION */
    cnn_image_buffers *buffers;
    int map_height, map_width;
    size_t group, image_size;
    uint8_t *pixels; /* [group][image_size], as the network sees them */
    float *maps;     /* [group][map_height][map_width] of readable images */
};

/* --- creating --- */

static cnn_status create_method(cnn_explainer *e, cnn_error *error) {
    const cnn_model *model = cnn_predictor_model(e->predictor);
    const cnn_graph *graph = &model->network->graph;
    const cnn_shape *map = &graph->nodes[0].out;
    if (e->options.method == CNN_EXPLAIN_OCCLUSION) {
        CNN_TRY(cnn_minibatch_create(model->network, 0, e->options.threads, &e->minibatch, error));
        e->pool = cnn_minibatch_pool(e->minibatch);
    } else {
        e->pool = e->own_pool = cnn_thread_pool_create(e->options.threads);
        if (!e->pool) {
            return cnn_fail_memory(error, "maps");
        }
        const int deep = cnn_heat_map_deep(graph, CNN_HEAT_MAP_SIDE);
        int nodes[CNN_HEAT_MAP_NODES] = {deep}, count = 1;
        if (e->options.method == CNN_EXPLAIN_GRADIENT) {
            count = cnn_heat_map_nodes(graph, deep, nodes);
        }
        CNN_TRY(cnn_heat_map_create(model->network, model->parameters, nodes, count, e->pool,
                                    &e->heat_map, error));
        map = cnn_heat_map_shape(e->heat_map);
    }
    e->map_height = map->height;
    e->map_width = map->width;
    return CNN_OK;
}

static cnn_status create(cnn_explainer *e, cnn_error *error) {
    CNN_TRY(create_method(e, error));
    CNN_TRY(cnn_image_buffers_create(e->options.threads, &e->buffers, error));
    const size_t group = (size_t)e->options.threads * CNN_LANES;
    e->group = group < GROUP_MAX ? group : GROUP_MAX;
    e->image_size = cnn_image_size(&cnn_predictor_model(e->predictor)->config->image);
    e->pixels = cnn_alloc(e->group, e->image_size);
    e->maps = cnn_alloc(e->group * (size_t)e->map_height * (size_t)e->map_width, sizeof *e->maps);
    return e->pixels && e->maps ? CNN_OK : cnn_fail_memory(error, "maps");
}

cnn_status cnn_explainer_create(const cnn_predictor *predictor, const cnn_explain_options *options,
                                cnn_explainer **out, cnn_error *error) {
    *out = NULL;
    cnn_explainer *e = cnn_alloc(1, sizeof *e);
    if (!e) {
        return cnn_fail_memory(error, "maps");
    }
    e->predictor = predictor;
    e->options = *options;
    e->options.threads = cnn_setup_threads(options->threads);
    if (e->options.longest_side == 0) {
        e->options.longest_side = LONGEST_SIDE;
    }
    cnn_status status = create(e, error);
    if (status != CNN_OK) {
        cnn_explainer_free(e);
        return status;
    }
    *out = e;
    return CNN_OK;
}

void cnn_explainer_free(cnn_explainer *e) {
    if (e) {
        cnn_heat_map_free(e->heat_map);
        cnn_minibatch_free(e->minibatch);
        cnn_thread_pool_free(e->own_pool);
        cnn_image_buffers_free(e->buffers, e->options.threads);
        cnn_free(e->pixels);
        cnn_free(e->maps);
        cnn_free(e);
    }
}

void cnn_explanation_release(cnn_explanation *explanation) {
    cnn_free(explanation->map);
    cnn_free(explanation->picture);
    cnn_free(explanation->overlay);
    cnn_png_free(explanation->sheet);
    *explanation = (cnn_explanation){0};
}

/* --- a group of files --- */

/* Files that are explained together. */
typedef struct group {
    cnn_explainer *explainer;
    const char *const *paths;
    cnn_explanation *explanations;
    cnn_map_view views[GROUP_MAX]; /* of each file */
    size_t readable[GROUP_MAX];    /* files whose logits and maps are computed, in order */
    size_t readable_count;
    cnn_status failed[GROUP_MAX]; /* not the fault of the file */
} group;

/* The size of the picture of an image. */
static void fit_picture(int longest_side, const cnn_image *image, cnn_explanation *explanation) {
    const int longest = image->width > image->height ? image->width : image->height;
    const int64_t side = longest > longest_side        ? longest_side
                         : longest >= longest_side / 2 ? longest
                                                       : longest_side / 2;
    const int height = (int)((image->height * side + longest / 2) / longest);
    const int width = (int)((image->width * side + longest / 2) / longest);
    explanation->height = height > 0 ? height : 1;
    explanation->width = width > 0 ? width : 1;
}

/* Resizes the whole image to the picture, [height][width][3]. */
static cnn_status make_picture(const cnn_pixels *from, cnn_image_buffers *buffers,
                               cnn_explanation *explanation, cnn_error *error) {
    const size_t plane = (size_t)explanation->height * (size_t)explanation->width;
    const cnn_image_settings settings = {
        .width = explanation->width, .height = explanation->height, .channels = 3};
    explanation->picture = cnn_alloc(plane, 3);
    uint8_t *planes = cnn_alloc(plane, 3);
    cnn_status status = explanation->picture && planes
                            ? cnn_image_convert(from, &settings, buffers, planes, error)
                            : cnn_fail_memory(error, "a picture");
    for (size_t i = 0; i < 3 * plane && status == CNN_OK; i++) {
        explanation->picture[i] = planes[i % 3 * plane + i / 3];
    }
    cnn_free(planes);
    return status;
}

/* The pixels that the network sees, and the picture. */
static cnn_status convert(const group *g, cnn_image *image, size_t i, int thread,
                          cnn_error *error) {
    const cnn_explainer *e = g->explainer;
    const cnn_image_settings *settings = &cnn_predictor_model(e->predictor)->config->image;
    const cnn_pixels from = cnn_image_pixels(image);
    cnn_image_adjust(image, settings);
    CNN_TRY(cnn_image_convert(&from, settings, &e->buffers[thread], e->pixels + i * e->image_size,
                              error));
    fit_picture(e->options.longest_side, image, &g->explanations[i]);
    return make_picture(&from, &e->buffers[thread], &g->explanations[i], error);
}

static void decode(void *context, size_t i, int thread) {
    group *g = context;
    const cnn_image_settings *settings =
        &cnn_predictor_model(g->explainer->predictor)->config->image;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels,
                                   .name = settings->max_megapixels_name};
    cnn_explanation *explanation = &g->explanations[i];
    cnn_image image = {0};
    cnn_error error;
    cnn_status status = cnn_image_read_from(g->explainer->buffers[thread].containers, g->paths[i],
                                            &limit, &image, &error);
    if (status == CNN_OK) {
        g->views[i] = (cnn_map_view){
            .settings = settings, .image_height = image.height, .image_width = image.width};
        status = convert(g, &image, i, thread, &error);
        cnn_image_release(&image);
    }
    if (status != CNN_OK) {
        cnn_explanation_release(explanation);
        cnn_prediction_fail(status, &error, &explanation->prediction);
    }
}

/* The `fill` function of a cnn_sample_source whose context is a group. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    (void)labels;
    const group *g = context;
    const uint8_t *images[CNN_LANES];
    for (int lane = 0; lane < count; lane++) {
        images[lane] =
            g->explainer->pixels + g->readable[first + (size_t)lane] * g->explainer->image_size;
    }
    cnn_block_from_images(cnn_predictor_table(g->explainer->predictor), images, count, block, x);
}

static cnn_status find_maps(group *g, float *logits, cnn_error *error) {
    const cnn_explainer *e = g->explainer;
    const cnn_model *model = cnn_predictor_model(e->predictor);
    if (e->heat_map) {
        const cnn_sample_source source = {.fill = fill, .context = g};
        return cnn_heat_map_run(e->heat_map, &source, 0, g->readable_count, logits, e->maps, error);
    }
    const cnn_shape *image = &model->network->graph.nodes[0].out;
    for (size_t i = 0; i < g->readable_count; i++) {
        CNN_TRY(
            cnn_occlusion_map(e->minibatch, model->parameters, cnn_predictor_table(e->predictor),
                              image, e->pixels + g->readable[i] * e->image_size, &logits[i],
                              e->maps + i * (size_t)e->map_height * (size_t)e->map_width, error));
    }
    return CNN_OK;
}

/* Keeps a map, in units of the logit of the prediction. Returns the largest absolute value. */
static float keep_map(const float *map, size_t size, double temperature, float *kept) {
    float range = 0.0f;
    for (size_t i = 0; i < size; i++) {
        const float value = (float)((double)map[i] / temperature);
        kept[i] = isfinite(value) ? value : 0.0f; /* an overflow on the way */
        range = fabsf(kept[i]) > range ? fabsf(kept[i]) : range;
    }
    return range;
}

static cnn_status keep_maps(group *g, const float *logits, cnn_error *error) {
    const cnn_explainer *e = g->explainer;
    const size_t size = (size_t)e->map_height * (size_t)e->map_width;
    const double temperature = cnn_predictor_model(e->predictor)->info.temperature;
    for (size_t i = 0; i < g->readable_count; i++) {
        cnn_explanation *explanation = &g->explanations[g->readable[i]];
        cnn_map_view *view = &g->views[g->readable[i]];
        cnn_prediction_set(e->predictor, logits[i], &explanation->prediction);
        explanation->map = cnn_alloc(size, sizeof *explanation->map);
        if (!explanation->map) {
            return cnn_fail_memory(error, "maps");
        }
        explanation->map_height = view->map_height = e->map_height;
        explanation->map_width = view->map_width = e->map_width;
        view->map = explanation->map;
        view->range = keep_map(e->maps + i * size, size, temperature, explanation->map);
    }
    return CNN_OK;
}

/* --- pictures --- */

static cnn_status make_sheet(const group *g, size_t i, cnn_error *error) {
    cnn_explanation *explanation = &g->explanations[i];
    const char *const classes[2] = {cnn_predictor_class(g->explainer->predictor, 0),
                                    cnn_predictor_class(g->explainer->predictor, 1)};
    int height, width;
    cnn_map_sheet_size(explanation->height, explanation->width, &height, &width);
    uint8_t *pixels = cnn_alloc((size_t)height * (size_t)width, 3);
    if (!pixels) {
        return cnn_fail_memory(error, "a picture");
    }
    cnn_map_sheet(explanation->height, explanation->width, explanation->overlay, g->views[i].range,
                  classes, pixels);
    cnn_status status = cnn_png_encode_fast(3, height, width, pixels, &explanation->sheet,
                                            &explanation->sheet_size, error);
    cnn_free(pixels);
    return status;
}

static cnn_status draw_picture(const group *g, size_t i, cnn_error *error) {
    cnn_explanation *explanation = &g->explanations[i];
    explanation->overlay = cnn_alloc((size_t)explanation->height * (size_t)explanation->width, 3);
    if (!explanation->overlay) {
        return cnn_fail_memory(error, "a picture");
    }
    CNN_TRY(cnn_map_overlay(&g->views[i], explanation->height, explanation->width,
                            explanation->picture, explanation->overlay, error));
    if (g->explainer->options.sheet) {
        CNN_TRY(make_sheet(g, i, error));
        cnn_free(explanation->picture);
        cnn_free(explanation->overlay);
        explanation->picture = explanation->overlay = NULL;
    }
    return CNN_OK;
}

static void draw(void *context, size_t i, int thread) {
    (void)thread;
    group *g = context;
    cnn_explanation *explanation = &g->explanations[i];
    if (explanation->prediction.status == CNN_OK) {
        g->failed[i] = draw_picture(g, i, NULL);
    } else { /* its output is not a number, for example */
        const cnn_prediction prediction = explanation->prediction;
        cnn_explanation_release(explanation);
        explanation->prediction = prediction;
    }
}

/* --- all files --- */

static cnn_status explain_group(group *g, size_t count, cnn_error *error) {
    cnn_explainer *e = g->explainer;
    float logits[GROUP_MAX];
    g->readable_count = 0;
    cnn_thread_pool_for(e->pool, count, e->options.threads, decode, g);
    for (size_t i = 0; i < count; i++) {
        g->failed[i] = CNN_OK;
        if (g->explanations[i].prediction.status == CNN_OK) {
            g->readable[g->readable_count++] = i;
        }
    }
    CNN_TRY(find_maps(g, logits, error));
    CNN_TRY(keep_maps(g, logits, error));
    cnn_thread_pool_for(e->pool, count, e->options.threads, draw, g);
    for (size_t i = 0; i < count; i++) {
        if (g->failed[i] != CNN_OK) {
            return cnn_fail_memory(error, "a picture");
        }
    }
    return CNN_OK;
}

cnn_status cnn_explain_files(cnn_explainer *explainer, const char *const *paths, size_t count,
                             cnn_explanation *explanations, cnn_error *error) {
    memset(explanations, 0, count * sizeof *explanations);
    for (size_t first = 0; first < count; first += explainer->group) {
        group g = {
            .explainer = explainer, .paths = paths + first, .explanations = explanations + first};
        const size_t left = count - first;
        CNN_TRY(explain_group(&g, left < explainer->group ? left : explainer->group, error));
    }
    return CNN_OK;
}
