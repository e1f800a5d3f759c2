#include "run/hidden_warning.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/hidden.h"

enum { LOOKED_AT = 16 };

/* Images whose bytes are at most this far apart, but for one in a hundred, show nothing; those of
 * 16 bits in a narrow range (CNN_NARROW_RANGE) are at most this far apart. */
enum { LITTLE = CNN_NARROW_RANGE >> 8, ONE_IN = 100 };

/* Do the pixels of an image differ little, as the network sees them? Bars of a letterbox hide that.
 */
static bool differs_little(const cnn_dataset *dataset, size_t sample) {
    const uint8_t *pixels = cnn_dataset_pixels(dataset, sample);
    size_t count[256] = {0};
    for (size_t i = 0; i < dataset->image_size; i++) {
        count[pixels[i]]++;
    }
    size_t few = dataset->image_size / ONE_IN / 2;
    int low = 0, high = 255;
    for (size_t below = count[0]; below <= few; below += count[low]) {
        low++;
    }
    for (size_t above = count[255]; above <= few; above += count[high]) {
        high--;
    }
    return high - low <= LITTLE;
}

/* Looks at the file of sample i. A file that cannot be read any more is skipped. */
static cnn_status look(const cnn_setup *setup, cnn_containers *containers, size_t sample,
                       cnn_hidden *hidden, cnn_error *error) {
    cnn_image image;
    const char *path = setup->dataset->samples[sample].path;
    const cnn_pixel_limit limit = {.megapixels = setup->config.image.max_megapixels};
    cnn_status status = cnn_image_read_from(containers, path, &limit, &image, error);
    if (status != CNN_OK) {
        return status == CNN_ERROR_RUNTIME ? cnn_fail_prefix(error, status, "%s: ", path) : CNN_OK;
    }
    status = cnn_hidden_look(hidden, &image, error);
    cnn_image_release(&image);
    return status;
}

/* images: how many of them were looked at. */
static void warn(const cnn_image_settings *image, const cnn_hidden *hidden, size_t images,
                 const cnn_log_sink *log) {
    cnn_range range;
    size_t shapes = atomic_load(&hidden->shapes);
    if (image->range == CNN_RANGE_FULL && cnn_hidden_is_narrow(hidden, &range)) {
        cnn_log_message(
            log, CNN_LOG_WARNING,
            "the images have 16 bits, but 99.8 %% of their values are from %lld to %lld "
            "of 65535: the network sees %d of 256 levels; set image.range to "
            "\"stretch\"",
            (long long)range.low, (long long)range.high, cnn_range_levels(&range));
    }
    if (image->alpha == CNN_ALPHA_DROP && 2 * shapes > images) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "%zu of %zu images looked at have one colour, and their shape only in the "
                        "alpha channel, which the network does not see; set image.alpha to \"%s\"",
                        shapes, images, cnn_hidden_background(hidden));
    }
}

/* Training image i of `images` that are spread evenly. */
static size_t image_of(const cnn_dataset *dataset, size_t i, size_t images) {
    return dataset->split[CNN_SPLIT_TRAIN][i * dataset->split_count[CNN_SPLIT_TRAIN] / images];
}

/* looks[images]: not 0 if the file of the image must be looked at, because its pixels show little.
 * Each process sets it for the images that it holds. */
static void choose_files(const cnn_setup *setup, size_t images, uint64_t looks[LOOKED_AT]) {
    const cnn_dataset *dataset = setup->dataset;
    bool features = dataset->features.count > 0; /* which show nothing */
    bool letterbox = setup->config.image.resize == CNN_RESIZE_LETTERBOX;
    for (size_t i = 0; i < images; i++) {
        size_t sample = image_of(dataset, i, images);
        looks[i] = features || letterbox ||
                   (cnn_dataset_holds(dataset, sample) && differs_little(dataset, sample));
    }
    cnn_ranks_add(setup->ranks, looks, images);
}

static cnn_status look_at_files(const cnn_setup *setup, cnn_containers *containers,
                                cnn_hidden *hidden, const cnn_log_sink *log, cnn_error *error) {
    const cnn_dataset *dataset = setup->dataset;
    const cnn_image_settings *image = &setup->config.image;
    size_t there = dataset->split_count[CNN_SPLIT_TRAIN];
    size_t images = there < LOOKED_AT ? there : LOOKED_AT;
    uint64_t looks[LOOKED_AT];
    choose_files(setup, images, looks);
    CNN_TRY(cnn_hidden_start(hidden, error));
    for (size_t i = 0; i < images && cnn_rank_writes(setup->ranks); i++) {
        if (looks[i] > 0) {
            CNN_TRY(look(setup, containers, image_of(dataset, i, images), hidden, error));
        }
    }
    warn(image, hidden, images, log);
    return CNN_OK;
}

cnn_status cnn_hidden_warn(const cnn_setup *setup, const cnn_log_sink *log, cnn_error *error) {
    const cnn_image_settings *image = &setup->config.image;
    cnn_hidden hidden = {0};
    if (image->range != CNN_RANGE_FULL && image->alpha != CNN_ALPHA_DROP) {
        return CNN_OK;
    }
    cnn_containers *containers = cnn_containers_create();
    cnn_status status = containers ? look_at_files(setup, containers, &hidden, log, error)
                                   : cnn_fail_memory(error, "the images");
    cnn_containers_free(containers);
    cnn_hidden_free(&hidden);
    return cnn_ranks_agree(setup->ranks, status, error);
}
