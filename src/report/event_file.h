/* Files of records, as TensorBoard reads them (TensorFlow's TFRecord format): length (8 bytes),
 * masked CRC-32C of the length, data, masked CRC-32C of the data; all numbers little-endian. */
#ifndef CNN_REPORT_EVENT_FILE_H
#define CNN_REPORT_EVENT_FILE_H

#include "base/text.h"

/* CRC-32C (Castagnoli; RFC 3720, B.4). */
uint32_t cnn_crc32c(const uint8_t *data, size_t size);

/* Appends a record to *text. */
void cnn_event_record(const uint8_t *data, size_t size, cnn_text *text);

/* The record at the start of bytes[size]: its data, and the bytes that the whole record takes.
 * False if there is no complete and undamaged record. */
bool cnn_event_record_read(const uint8_t *bytes, size_t size, const uint8_t **data,
                           size_t *data_size, size_t *record_size);

#endif
