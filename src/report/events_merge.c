#include "report/events_merge.h"

#include "report/event_file.h"
#include "report/events.h"

/* An epoch as the trainer reports it. */
static cnn_train_epoch epoch_of(const cnn_epoch_row *row) {
    return (cnn_train_epoch){.epoch = row->epoch,
                             .learning_rate = row->learning_rate,
                             .train_loss = row->train.loss,
                             .train_accuracy = row->train.accuracy,
                             .validation_loss = row->validation.loss,
                             .validation_accuracy = row->validation.accuracy,
                             .validation_auc = row->validation.auc,
                             .seconds = row->seconds};
}

/* Adds the numbers of rows[*next …], from 0, up to that of the epoch `last`. */
static void add_missing(const cnn_epoch_row *rows, int64_t last, int64_t *next,
                        cnn_events *events) {
    for (; *next < last; ++*next) {
        const cnn_train_epoch epoch = epoch_of(&rows[*next]);
        cnn_event_add_scalars(&epoch, &events->text);
        events->measured = events->text.length;
        events->changed = true;
        events->ended = false;
    }
}

void cnn_events_merge(const uint8_t *bytes, size_t size, const cnn_epoch_row *rows, size_t count,
                      cnn_events *events) {
    const int64_t last = (int64_t)count;
    int64_t next = 0; /* the epochs up to this one are there */
    size_t at = 0, data_size, record_size;
    const uint8_t *data;
    cnn_event event;
    *events = (cnn_events){0};
    while (cnn_event_record_read(bytes + at, size - at, &data, &data_size, &record_size) &&
           cnn_event_read(data, data_size, &event) && event.step <= last) {
        add_missing(rows, event.has_scalars ? event.step - 1 : event.step, &next, events);
        if (event.has_scalars && event.step <= next) { /* a second time */
            events->changed = true;
        } else {
            cnn_text_append(&events->text, (const char *)bytes + at, record_size);
            next = event.has_scalars ? event.step : next;
            events->measured = event.has_scalars ? events->text.length : events->measured;
            events->ended =
                (events->ended && !event.has_scalars) || (event.is_config && event.step == last);
        }
        at += record_size;
    }
    if (events->text.length == 0) {
        cnn_event_add_version(&events->text);
        events->measured = events->text.length;
        events->changed = true;
    }
    add_missing(rows, last, &next, events);
    events->changed |= at < size;
}
