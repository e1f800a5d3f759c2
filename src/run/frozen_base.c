#include "run/frozen_base.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/keys.h"
#include "nn/inference.h"

#include <string.h>

/* Features also depend on the code that computes them. CMake defines CNN_COMPUTING as a hash of its
 * sources. */
#ifndef CNN_COMPUTING
#error "CNN_COMPUTING must be defined"
#endif

struct cnn_frozen_base {
    cnn_network *network;
    cnn_inference *inference;
    cnn_pixel_table table;
    cnn_augment_settings augment;
    uint64_t seed;
    int threads;
    cnn_dataset_features features;
    float *results; /* [threads][CNN_TRANSFORM_IMAGES][features.count] */
    cnn_image_transform transform;
};

/* --- running --- */

/* Images that a transform sees together, in one variant. */
typedef struct pass {
    const cnn_frozen_base *base;
    int count;
    size_t number[CNN_TRANSFORM_IMAGES];
    const uint8_t *pixels[CNN_TRANSFORM_IMAGES];
    uint8_t *kept[CNN_TRANSFORM_IMAGES];
    int variant; /* 0: not augmented */
} pass;

/* The `fill` function of a cnn_sample_source whose context is a pass. There are no labels. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const pass *p = context;
    const cnn_frozen_base *base = p->base;
    (void)labels;
    if (p->variant == 0) {
        cnn_block_from_images(&base->table, p->pixels + first, count, block, x);
    } else {
        cnn_block_from_augmented(&base->table, &base->augment, base->seed, (uint64_t)p->variant,
                                 p->number + first, p->pixels + first, count, block, x);
    }
}

/* Computes the features of a pass, and puts them where they are kept. */
static void run_pass(cnn_frozen_base *base, int thread, pass *p) {
    size_t values = base->features.count;
    float *results = base->results + (size_t)thread * CNN_TRANSFORM_IMAGES * values;
    const cnn_sample_source source = {.fill = fill, .context = p};
    cnn_inference_run(base->inference, thread, &source, 0, p->count, results, NULL);
    for (int i = 0; i < p->count; i++) {
        memcpy(p->kept[i] + (size_t)p->variant * values * sizeof *results,
               results + (size_t)i * values, values * sizeof *results);
    }
}

/* Of cnn_image_transform. A plain image has zeros in place of the features of its variants. */
static void run(void *context, int thread, int count, const size_t *number, const bool *plain,
                const uint8_t *const *pixels, uint8_t *const *kept) {
    cnn_frozen_base *base = context;
    size_t size = base->features.count * sizeof *base->results;
    for (int variant = 0; variant < base->features.variants; variant++) {
        pass p = {.base = base, .variant = variant};
        for (int i = 0; i < count; i++) {
            if (variant > 0 && plain[i]) {
                memset(kept[i] + (size_t)variant * size, 0, size);
                continue;
            }
            p.number[p.count] = number[i];
            p.pixels[p.count] = pixels[i];
            p.kept[p.count++] = kept[i];
        }
        if (p.count > 0) {
            run_pass(base, thread, &p);
        }
    }
}

/* --- creating --- */

/* Writes the values of all keys of `augment`. */
static void write_augmentation(const cnn_config *config, cnn_json_writer *json) {
    static const char section[] = "augment.";
    const cnn_key *key;
    cnn_json_begin_array(json);
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        if (strncmp(key->name, section, sizeof section - 1) == 0) {
            cnn_config_write_key(config, key->name, json);
        }
    }
    cnn_json_end(json);
}

/* The key of all that features depend on besides the images. */
static cnn_status find_key(cnn_frozen_base *base, const cnn_start *start, const cnn_config *config,
                           cnn_error *error) {
    cnn_text text = {0};
    cnn_text_format(&text, "%s\n%d %d\n", CNN_COMPUTING, base->network->direct_only,
                    start->frozen.layer_count);
    if (base->features.variants > 1) {
        cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
        cnn_text_format(&text, "%d %llu ", base->features.variants, (unsigned long long)base->seed);
        write_augmentation(config, &json);
    }
    if (text.failed) {
        cnn_text_free(&text);
        return cnn_fail_memory(error, "features");
    }
    const cnn_hash128 both[2] = {start->hash, cnn_xxh3_128(text.data, text.length)};
    cnn_text_free(&text);
    base->transform.key = cnn_xxh3_128(both, sizeof both);
    return CNN_OK;
}

static cnn_status create(cnn_frozen_base *base, const cnn_start *start, const cnn_config *config,
                         cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_network_create(&start->frozen, kernels, CNN_NETWORK_FAST, &base->network, error));
    CNN_TRY(cnn_inference_create(base->network, base->threads, &base->inference, error));
    cnn_inference_prepare(base->inference, start->parameters);
    cnn_pixel_table_fill(start->file->mean, start->file->deviation, &base->table);
    base->augment = config->augment;
    base->seed = (uint64_t)config->train.seed;
    bool augments = cnn_augment_is_on(&config->augment);
    base->features =
        (cnn_dataset_features){.count = cnn_inference_result_size(base->inference),
                               .variants = 1 + (augments ? (int)config->pretrained.variants : 0)};
    base->results = cnn_alloc((size_t)base->threads * CNN_TRANSFORM_IMAGES * base->features.count,
                              sizeof *base->results);
    if (!base->results) {
        return cnn_fail_memory(error, "features");
    }
    base->transform = (cnn_image_transform){.size = base->features.count *
                                                    (size_t)base->features.variants * sizeof(float),
                                            .run = run,
                                            .context = base};
    return find_key(base, start, config, error);
}

cnn_status cnn_frozen_base_create(const cnn_start *start, const cnn_config *config, int threads,
                                  cnn_frozen_base **out, cnn_error *error) {
    *out = NULL;
    cnn_frozen_base *base = cnn_alloc(1, sizeof *base);
    if (!base) {
        return cnn_fail_memory(error, "features");
    }
    base->threads = threads;
    cnn_status status = create(base, start, config, error);
    if (status != CNN_OK) {
        cnn_frozen_base_free(base);
        return status;
    }
    *out = base;
    return CNN_OK;
}

void cnn_frozen_base_free(cnn_frozen_base *base) {
    if (base) {
        cnn_inference_free(base->inference);
        cnn_network_free(base->network);
        cnn_free(base->results);
        cnn_free(base);
    }
}

void cnn_frozen_base_use(cnn_frozen_base *base, cnn_reading *reading) {
    reading->transform = &base->transform;
    reading->features = base->features;
}
