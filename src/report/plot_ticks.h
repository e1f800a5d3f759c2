/* Which numbers are written along an axis. */
#ifndef CNN_REPORT_PLOT_TICKS_H
#define CNN_REPORT_PLOT_TICKS_H

#include "report/plot.h"

enum { CNN_TICKS_MAX = 24, CNN_TICK_TEXT_SIZE = 40 };

typedef struct cnn_ticks {
    int count;
    double values[CNN_TICKS_MAX]; /* rising */
    char texts[CNN_TICKS_MAX][CNN_TICK_TEXT_SIZE];
} cnn_ticks;

/* About `target` (2 to 10) round numbers: multiples of 1, 2 or 5 times a power of ten; on a
 * logarithmic axis powers of ten, and, where these are few, 2 and 5 times them. Afterwards low <
 * high, also where the axis had no values or one; an axis that is not fixed ends at round numbers.
 */
void cnn_ticks_choose(cnn_plot_axis *axis, int target, cnn_ticks *ticks);

#endif
