/* Messages of the library. They go to the caller's function; the library prints nothing. */
#ifndef CNN_BASE_LOG_H
#define CNN_BASE_LOG_H

#include "cnn/log.h"
#include "cnn/status.h"

/* Formats one line and passes it to log's function. Does nothing if log or its function is NULL. */
void cnn_log_message(const cnn_log_sink *log, cnn_log_level level, const char *format, ...)
    CNN_PRINTF(3, 4);

#endif
