/* The events of an event file and the epochs of metrics.csv, put together. */
#ifndef CNN_REPORT_EVENTS_MERGE_H
#define CNN_REPORT_EVENTS_MERGE_H

#include "base/text.h"
#include "run/tables.h"

/* What a file should contain so far. */
typedef struct cnn_events {
    cnn_text text;   /* the file; free with cnn_text_free */
    size_t measured; /* the bytes of it that end with the numbers of the last epoch */
    bool changed;    /* it is not the file that was read */
    bool ended;      /* the config, which is the last event, follows those numbers */
} cnn_events;

/* Makes *events from bytes[size], a file that another process left, and rows[count], the epochs of
 * metrics.csv. What follows a damaged or incomplete record is left out, and so are the events of
 * later epochs, and the numbers of an epoch that is there twice. The numbers of an epoch that has
 * none are added, in the place of the epoch: a process may be killed between writing the checkpoint
 * and the event. events->text.failed if memory is refused. */
void cnn_events_merge(const uint8_t *bytes, size_t size, const cnn_epoch_row *rows, size_t count,
                      cnn_events *events);

#endif
