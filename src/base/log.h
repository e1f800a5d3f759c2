/* Messages of the library: passed to the caller's function, never printed here. */
#ifndef CNN_BASE_LOG_H
#define CNN_BASE_LOG_H

#include "cnn/log.h"
#include "cnn/status.h"

/* Formats one line for log's function; does nothing if log or its function is NULL. */
void cnn_log_message(const cnn_log_sink *log, cnn_log_level level, const char *format, ...)
    CNN_PRINTF(3, 4);

#endif
