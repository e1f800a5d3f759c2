#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void cnn_log_message(const cnn_log_sink *log, cnn_log_level level, const char *format, ...) {
    if (!log || !log->write) {
        return;
    }
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->user, level, line);
}
