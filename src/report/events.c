#include "report/events.h"

#include "base/memory.h"
#include "report/event_file.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "tensorboard.pb-c.h"

/* TensorFlow's number of the type of strings. */
enum { STRING_TYPE = 7 };

enum { SCALARS_MAX = 8 };

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
void cnn_event_add_version(cnn_text *text) {
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

void cnn_event_add_scalars(const cnn_train_epoch *epoch, cnn_text *text) {
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
void cnn_event_add_text(int64_t step, char *tag, const cnn_text *markdown, cnn_text *text) {
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

void cnn_event_add_image(int64_t step, char *tag, const cnn_thumbnail *picture, cnn_text *text) {
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

bool cnn_event_read(const uint8_t *data, size_t size, cnn_event *event) {
    Tensorboard__Event *message = tensorboard__event__unpack(NULL, size, data);
    if (!message) {
        return false;
    }
    *event = (cnn_event){.step = message->step};
    const bool has_values = message->what_case == TENSORBOARD__EVENT__WHAT_SUMMARY;
    for (size_t i = 0; has_values && i < message->summary->n_value; i++) {
        const Tensorboard__Summary__Value *value = message->summary->value[i];
        event->has_scalars |= value->value_case == TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
        event->is_config |= value->value_case == TENSORBOARD__SUMMARY__VALUE__VALUE_TENSOR &&
                            strcmp(value->tag, CNN_EVENT_CONFIG) == 0;
    }
    tensorboard__event__free_unpacked(message, NULL);
    return true;
}
