/* Events of a run, as records of an event file; made by protobuf-c from tensorboard.proto. */
#ifndef CNN_REPORT_EVENTS_H
#define CNN_REPORT_EVENTS_H

#include "base/text.h"
#include "report/thumbnails.h"

#include "cnn/train.h"

/* The tag of the config, which is the last event of a finished run. */
#define CNN_EVENT_CONFIG "config"

/* Each appends an event as a record to *text. */
void cnn_event_add_version(cnn_text *text); /* the first event of a file */
void cnn_event_add_scalars(const cnn_train_epoch *epoch, cnn_text *text);
/* A text as TensorBoard's text plugin shows it: Markdown. */
void cnn_event_add_text(int64_t step, char *tag, const cnn_text *markdown, cnn_text *text);
/* A picture under its map, if it has one. */
void cnn_event_add_image(int64_t step, char *tag, const cnn_thumbnail *picture, cnn_text *text);

/* What an event says. */
typedef struct cnn_event {
    int64_t step; /* the epoch; 0: the version of the file */
    bool has_scalars, is_config;
} cnn_event;

/* Reads the event in data[size], the data of a record. False if it is none. */
bool cnn_event_read(const uint8_t *data, size_t size, cnn_event *event);

#endif
