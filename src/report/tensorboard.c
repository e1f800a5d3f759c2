/* The events of a run, made by protobuf-c from tensorboard.proto. */
#include "cnn/tensorboard.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/event_file.h"
#include "report/picture_choice.h"
#include "report/record.h"
#include "report/thumbnails.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tensorboard.pb-c.h"

/* The largest event file that is continued: far more than a million epochs. */
#define FILE_LIMIT ((size_t)1 << 30)
#define CONFIG_LIMIT ((size_t)16 << 20)

/* TensorFlow's number of the type of strings. */
enum { STRING_TYPE = 7 };

enum { SCALARS_MAX = 8 };

struct cnn_tensorboard {
    cnn_run_directory directory; /* of the current run; path NULL: none yet */
    int64_t step;                /* of its last epoch */
};

cnn_status cnn_tensorboard_create(cnn_tensorboard **tensorboard, cnn_error *error) {
    *tensorboard = cnn_alloc(1, sizeof **tensorboard);
    return *tensorboard ? CNN_OK : cnn_fail_memory(error, "--tensorboard");
}

/* Forgets the current run. */
static void leave(cnn_tensorboard *tensorboard) {
    cnn_run_directory_free(&tensorboard->directory);
    *tensorboard = (cnn_tensorboard){0};
}

void cnn_tensorboard_free(cnn_tensorboard *tensorboard) {
    if (tensorboard) {
        leave(tensorboard);
    }
    cnn_free(tensorboard);
}

/* --- events as records --- */

/* Appends the event as a record to *text. */
static void add_event(const Tensorboard__Event *event, cnn_text *text) {
    size_t size = tensorboard__event__get_packed_size(event);
    uint8_t *data = cnn_alloc(size, 1);
    if (!data) {
        text->failed = true;
        return;
    }
    (void)tensorboard__event__pack(event, data);
    cnn_event_record(data, size, text);
    cnn_free(data);
}

/* Appends an event with these values. */
static void add_summary(int64_t step, Tensorboard__Summary__Value **values, size_t count,
                        cnn_text *text) {
    Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
    summary.n_value = count;
    summary.value = values;
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    event.wall_time = (double)time(NULL);
    event.step = step;
    event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    add_event(&event, text);
}

/* The first event of a file. */
static void add_version(cnn_text *text) {
    char version[] = "brain.Event:2";
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    event.wall_time = (double)time(NULL);
    event.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION;
    event.file_version = version;
    add_event(&event, text);
}

typedef struct scalar {
    char tag[24]; /* what comes before "/" groups the charts */
    double value;
} scalar;

static void add_scalars(const cnn_train_epoch *epoch, cnn_text *text) {
    scalar scalars[] = {
        {"loss/train", epoch->train_loss},
        {"loss/validation", epoch->validation_loss},
        {"accuracy/train", epoch->train_accuracy},
        {"accuracy/validation", epoch->validation_accuracy},
        {"auc/validation", epoch->validation_auc},
        {"learning_rate", epoch->learning_rate},
        {"seconds", epoch->seconds},
    };
    Tensorboard__Summary__Value value[SCALARS_MAX], *values[SCALARS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        if (isnan(scalars[i].value)) {
            continue;
        }
        tensorboard__summary__value__init(&value[count]);
        value[count].tag = scalars[i].tag;
        value[count].value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
        value[count].simple_value = (float)scalars[i].value;
        values[count] = &value[count];
        count++;
    }
    add_summary(epoch->epoch, values, count, text);
}

/* A text as TensorBoard's text plugin shows it: Markdown. */
static void add_text(int64_t step, char *tag, const cnn_text *markdown, cnn_text *text) {
    char plugin[] = "text";
    Tensorboard__SummaryMetadata__PluginData data =
        TENSORBOARD__SUMMARY_METADATA__PLUGIN_DATA__INIT;
    data.plugin_name = plugin;
    Tensorboard__SummaryMetadata metadata = TENSORBOARD__SUMMARY_METADATA__INIT;
    metadata.plugin_data = &data;
    Tensorboard__TensorShapeProto__Dim dim = TENSORBOARD__TENSOR_SHAPE_PROTO__DIM__INIT;
    Tensorboard__TensorShapeProto__Dim *dims[] = {&dim};
    dim.size = 1;
    Tensorboard__TensorShapeProto shape = TENSORBOARD__TENSOR_SHAPE_PROTO__INIT;
    shape.n_dim = 1;
    shape.dim = dims;
    ProtobufCBinaryData string = {.len = markdown->length, .data = (uint8_t *)markdown->data};
    Tensorboard__TensorProto tensor = TENSORBOARD__TENSOR_PROTO__INIT;
    tensor.dtype = STRING_TYPE;
    tensor.tensor_shape = &shape;
    tensor.n_string_val = 1;
    tensor.string_val = &string;
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT;
    Tensorboard__Summary__Value *values[] = {&value};
    value.tag = tag;
    value.metadata = &metadata;
    value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_TENSOR;
    value.tensor = &tensor;
    add_summary(step, values, 1, text);
}

static void add_image(int64_t step, char *tag, const cnn_thumbnail *picture, cnn_text *text) {
    const cnn_thumbnail_file *file = picture->map.bytes ? &picture->map : &picture->picture;
    Tensorboard__Summary__Image image = TENSORBOARD__SUMMARY__IMAGE__INIT;
    image.height = picture->height;
    image.width = picture->width;
    image.colorspace = 3;
    image.encoded_image_string = (ProtobufCBinaryData){.len = file->size, .data = file->bytes};
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT;
    Tensorboard__Summary__Value *values[] = {&value};
    value.tag = tag;
    value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_IMAGE;
    value.image = &image;
    add_summary(step, values, 1, text);
}

/* --- the file of a run --- */

static const char *path_of(const cnn_tensorboard *tensorboard) {
    return tensorboard->directory.file[CNN_RUN_EVENTS];
}

/* Is the event in data[size] undamaged, and of a step before `step`? */
static bool is_before(const uint8_t *data, size_t size, int64_t step) {
    Tensorboard__Event *event = tensorboard__event__unpack(NULL, size, data);
    bool before = event && event->step < step;
    tensorboard__event__free_unpacked(event, NULL);
    return before;
}

/* The bytes of the events that stay if a run continues with the epoch `step`. */
static size_t kept_size(const uint8_t *bytes, size_t size, int64_t step) {
    size_t kept = 0, data_size, record_size;
    const uint8_t *data;
    while (cnn_event_record_read(bytes + kept, size - kept, &data, &data_size, &record_size) &&
           is_before(data, data_size, step)) {
        kept += record_size;
    }
    return kept;
}

/* Begins the file, or removes from an existing one what does not stay. */
static cnn_status begin_file(const cnn_tensorboard *tensorboard, int64_t step, cnn_error *error) {
    const char *path = path_of(tensorboard);
    char *bytes = NULL;
    size_t size = 0, kept = 0;
    bool continued = step > 1;
    if (continued) {
        CNN_TRY(cnn_run_has_file(&tensorboard->directory, CNN_RUN_EVENTS, &continued, error));
    }
    if (continued) {
        cnn_status status =
            cnn_file_read(path, FILE_LIMIT, CNN_ERROR_RUNTIME, &bytes, &size, error);
        if (status != CNN_OK) {
            return cnn_fail_prefix(error, status, "%s: ", path);
        }
        kept = kept_size((const uint8_t *)bytes, size, step);
    }
    cnn_text text = {0};
    cnn_text_append(&text, bytes ? bytes : "", kept);
    cnn_free(bytes);
    if (kept == 0) {
        add_version(&text);
    }
    cnn_status status = text.failed ? cnn_fail_memory(error, path)
                                    : cnn_file_write(path, text.data, text.length, error);
    cnn_text_free(&text);
    return status;
}

/* Makes `directory` the current run, whose next epoch is `step`. */
static cnn_status enter(cnn_tensorboard *tensorboard, const char *directory, int64_t step,
                        cnn_error *error) {
    const char *current = tensorboard->directory.path;
    if (current && strcmp(current, directory) == 0) {
        return CNN_OK;
    }
    CNN_TRY(cnn_tensorboard_finish(tensorboard, error));
    CNN_TRY(cnn_run_directory_name(directory, &tensorboard->directory, error));
    return begin_file(tensorboard, step, error);
}

/* Appends what the text contains, and frees it. */
static cnn_status append(const cnn_tensorboard *tensorboard, cnn_text *text, cnn_error *error) {
    const char *path = path_of(tensorboard);
    cnn_status status = text->failed ? cnn_fail_memory(error, path)
                                     : cnn_file_append(path, text->data, text->length, error);
    cnn_text_free(text);
    return status;
}

cnn_status cnn_tensorboard_epoch(cnn_tensorboard *tensorboard, const cnn_train_epoch *epoch,
                                 cnn_error *error) {
    cnn_text text = {0};
    CNN_TRY(enter(tensorboard, epoch->directory, epoch->epoch, error));
    tensorboard->step = epoch->epoch;
    add_scalars(epoch, &text);
    return append(tensorboard, &text, error);
}

/* Appends the config of the current run. */
static cnn_status add_config(const cnn_tensorboard *tensorboard, cnn_error *error) {
    const char *path = tensorboard->directory.file[CNN_RUN_CONFIG];
    char tag[] = "config", *config;
    size_t size;
    cnn_status status = cnn_file_read(path, CONFIG_LIMIT, CNN_ERROR_RUNTIME, &config, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    cnn_text markdown = {0}, text = {0};
    cnn_text_format(&markdown, "```json\n%s\n```\n", config);
    cnn_free(config);
    if (!markdown.failed) {
        add_text(tensorboard->step, tag, &markdown, &text);
    }
    text.failed |= markdown.failed;
    cnn_text_free(&markdown);
    return append(tensorboard, &text, error);
}

/* The pictures of a group in the report, under a map of what speaks for which class. */
static cnn_status add_group(const cnn_tensorboard *tensorboard, const cnn_report *report,
                            const char *name, const size_t *images, size_t count,
                            cnn_error *error) {
    cnn_thumbnail thumbnails[CNN_PICTURES_MAX] = {0};
    cnn_text text = {0};
    cnn_status status =
        cnn_thumbnails_make(report, &report->images[0], images, count, true, thumbnails, error);
    for (size_t i = 0; i < count; i++) {
        char tag[40];
        (void)snprintf(tag, sizeof tag, "%s/%zu", name, i + 1);
        if (status == CNN_OK && thumbnails[i].picture.bytes) {
            add_image(tensorboard->step, tag, &thumbnails[i], &text);
        }
        cnn_thumbnail_release(&thumbnails[i]);
    }
    if (status == CNN_OK) {
        return append(tensorboard, &text, error);
    }
    cnn_text_free(&text);
    return status;
}

/* Appends the worst mistakes of each class, and the images that the model is least certain about.
 */
static cnn_status add_pictures(const cnn_tensorboard *tensorboard, const cnn_report *report,
                               cnn_error *error) {
    static const struct {
        cnn_picture_group group;
        const char *name;
    } groups[] = {{CNN_PICTURES_MISTAKES_0, "mistakes_of_class_0"},
                  {CNN_PICTURES_MISTAKES_1, "mistakes_of_class_1"},
                  {CNN_PICTURES_UNCERTAIN, "least_certain"}};
    cnn_picture_choice choice;
    if (report->images_count == 0) {
        return CNN_OK;
    }
    CNN_TRY(cnn_picture_choice_of_report(report, &choice, error));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        cnn_picture_group group = groups[i].group;
        CNN_TRY(add_group(tensorboard, report, groups[i].name, choice.image[group],
                          choice.count[group], error));
    }
    return CNN_OK;
}

/* Appends what can be said at the end. */
static cnn_status finish(const cnn_tensorboard *tensorboard, cnn_error *error) {
    cnn_record record;
    CNN_TRY(add_config(tensorboard, error));
    cnn_status status = cnn_record_read(tensorboard->directory.path, &record, error);
    if (status == CNN_OK) {
        status = add_pictures(tensorboard, &record.report, error);
    }
    cnn_record_free(&record);
    return status;
}

cnn_status cnn_tensorboard_finish(cnn_tensorboard *tensorboard, cnn_error *error) {
    cnn_status status = tensorboard->step > 0 ? finish(tensorboard, error) : CNN_OK;
    leave(tensorboard);
    return status;
}
