#include "run/duration.h"

#include <math.h>
#include <stdio.h>

void cnn_duration_text(double seconds, char text[CNN_DURATION_SIZE]) {
    long all = isnan(seconds) ? 0 : (long)(fmin(seconds, 1e12) + 0.5);
    if (isnan(seconds)) {
        (void)snprintf(text, CNN_DURATION_SIZE, "unknown");
    } else if (seconds < 9.95) {
        (void)snprintf(text, CNN_DURATION_SIZE, "%.1f s", seconds);
    } else if (all < 60) {
        (void)snprintf(text, CNN_DURATION_SIZE, "%ld s", all);
    } else if (all < 3600) {
        (void)snprintf(text, CNN_DURATION_SIZE, "%ld min %02ld s", all / 60, all % 60);
    } else {
        (void)snprintf(text, CNN_DURATION_SIZE, "%ld h %02ld min", all / 3600, all / 60 % 60);
    }
}
