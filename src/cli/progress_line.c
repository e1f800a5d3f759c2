#include "cli/progress_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- the curve --- */

/* Halves the number of values, so that there is room for more. */
static void halve(cnn_curve *curve) {
    for (int i = 0; i < CNN_CURVE_MAX / 2; i++) {
        curve->value[i] = (curve->value[2 * i] + curve->value[2 * i + 1]) / 2;
    }
    curve->count = CNN_CURVE_MAX / 2;
    curve->each *= 2;
}

void cnn_curve_add(cnn_curve *curve, double loss) {
    if (!isfinite(loss)) {
        return;
    }
    curve->each = curve->each > 0 ? curve->each : 1;
    curve->sum += loss;
    if (++curve->part < curve->each) {
        return;
    }
    curve->value[curve->count++] = curve->sum / curve->each;
    curve->sum = 0.0;
    curve->part = 0;
    if (curve->count == CNN_CURVE_MAX) {
        halve(curve);
    }
}

/* --- parts of the line --- */

enum { CURVE_COLUMNS = 12, BAR_COLUMNS = 30, BAR_COLUMNS_MIN = 5, TEXT_MAX = 64 };

#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

/* What the line has, from left to right. */
typedef enum line_part { FOLD, EPOCH, BAR, LOSS, CURVE, VALIDATION, SPEED, LEFT, PARTS } line_part;

/* What is left out if the line is too long, one after the other. */
static const line_part less_important[] = {CURVE, SPEED, VALIDATION, BAR, FOLD, LEFT, LOSS};
enum { LESS_IMPORTANT = sizeof less_important / sizeof *less_important };

typedef struct line_parts {
    char text[PARTS][TEXT_MAX]; /* ASCII; of BAR and CURVE, unused */
    int columns[PARTS];         /* with the space before it; 0: left out */
} line_parts;

/* Ends the text of a part; gap: columns before it. */
static void measure(line_parts *parts, line_part part, int gap) {
    parts->columns[part] = (int)strlen(parts->text[part]) + gap;
}

static void format_time(double seconds, char text[TEXT_MAX]) {
    long whole = (long)(fmin(fmax(seconds, 0.0), 359999.0) + 0.5); /* below 100 hours */
    if (whole >= 3600) {
        (void)snprintf(text, TEXT_MAX, "%ld:%02ld:%02ld left", whole / 3600, whole / 60 % 60,
                       whole % 60);
    } else {
        (void)snprintf(text, TEXT_MAX, "%ld:%02ld left", whole / 60, whole % 60);
    }
}

static int curve_columns(const cnn_curve *curve) {
    return curve->count < CURVE_COLUMNS ? curve->count : CURVE_COLUMNS;
}

static void fill(line_parts *parts, const cnn_train_progress *progress, const cnn_curve *curve,
                 double validation_loss, bool unicode) {
    if (progress->folds > 0) {
        (void)snprintf(parts->text[FOLD], TEXT_MAX, "%s %d/%d ",
                       progress->member ? progress->member : "fold", progress->fold,
                       progress->folds);
        measure(parts, FOLD, 0);
    }
    (void)snprintf(parts->text[EPOCH], TEXT_MAX, "epoch %lld/%lld", (long long)progress->epoch,
                   (long long)progress->epochs);
    measure(parts, EPOCH, 0);
    (void)snprintf(parts->text[LOSS], TEXT_MAX, "loss %.4f", progress->loss);
    measure(parts, LOSS, 2);
    if (isfinite(validation_loss)) {
        (void)snprintf(parts->text[VALIDATION], TEXT_MAX, "validation %.4f", validation_loss);
        measure(parts, VALIDATION, 2);
    }
    (void)snprintf(parts->text[SPEED], TEXT_MAX, "%.0f images/s", progress->images_per_second);
    measure(parts, SPEED, 2);
    format_time(progress->seconds_left, parts->text[LEFT]);
    measure(parts, LEFT, 2);
    parts->columns[BAR] = BAR_COLUMNS_MIN + 1;
    if (unicode && curve_columns(curve) > 1) {
        parts->columns[CURVE] = curve_columns(curve) + 1;
    }
}

static int total(const line_parts *parts) {
    int columns = 0;
    for (int i = 0; i < PARTS; i++) {
        columns += parts->columns[i];
    }
    return columns;
}

/* Leaves out parts until the line fits; then the bar takes what is left. */
static void fit(line_parts *parts, int columns) {
    for (int i = 0; i < LESS_IMPORTANT && total(parts) > columns; i++) {
        parts->columns[less_important[i]] = 0;
    }
    if (parts->columns[BAR] > 0) {
        int room = parts->columns[BAR] + columns - total(parts);
        parts->columns[BAR] = room < BAR_COLUMNS + 1 ? room : BAR_COLUMNS + 1;
    }
}

/* --- drawing --- */

static void add(cnn_text *line, const char *bytes) {
    cnn_text_append(line, bytes, strlen(bytes));
}

static void add_times(cnn_text *line, const char *bytes, int times) {
    for (int i = 0; i < times; i++) {
        add(line, bytes);
    }
}

/* The share of the training that is done. */
static double share(const cnn_train_progress *progress) {
    if (progress->epochs <= 0) {
        return 1.0;
    }
    double part = progress->batches > 0 ? (double)progress->batch / (double)progress->batches : 0.0;
    double done = ((double)progress->epoch - 1.0 + part) / (double)progress->epochs;
    return fmin(fmax(done, 0.0), 1.0);
}

static void add_bar(double part, const cnn_line_style *style, int columns, cnn_text *line) {
    int done = (int)(part * columns);
    add(line, style->colour ? GREEN : "");
    add_times(line, style->unicode ? "━" : "#", done);
    add(line, style->colour ? PLAIN : "");
    add_times(line, style->unicode ? "─" : ".", columns - done);
}

/* The values as blocks: the lowest one has the lowest block. */
static void add_curve(const cnn_curve *curve, const cnn_line_style *style, int columns,
                      cnn_text *line) {
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { HIGHEST = sizeof blocks / sizeof *blocks - 1 };
    double mean[CURVE_COLUMNS], low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < columns; i++) {
        int first = i * curve->count / columns, end = (i + 1) * curve->count / columns;
        mean[i] = 0.0;
        for (int k = first; k < end; k++) {
            mean[i] += curve->value[k] / (end - first);
        }
        low = fmin(low, mean[i]);
        high = fmax(high, mean[i]);
    }
    add(line, style->colour ? CYAN : "");
    for (int i = 0; i < columns; i++) {
        double height = high > low ? (mean[i] - low) / (high - low) : 0.0;
        add(line, blocks[(int)(height * HIGHEST + 0.5)]);
    }
    add(line, style->colour ? PLAIN : "");
}

/* part: the share that the bar shows. curve: NULL if the parts have none. */
static void add_parts(line_parts *parts, double part, const cnn_curve *curve,
                      const cnn_line_style *style, cnn_text *line) {
    fit(parts, style->columns);
    for (int i = 0; i < PARTS; i++) {
        int columns = parts->columns[i];
        if (columns == 0) {
            continue;
        }
        if (i == BAR) {
            add(line, " ");
            add_bar(part, style, columns - 1, line);
        } else if (i == CURVE) {
            add(line, " ");
            add_curve(curve, style, columns - 1, line);
        } else {
            add_times(line, " ", columns - (int)strlen(parts->text[i]));
            add(line, parts->text[i]);
        }
    }
}

void cnn_progress_line(const cnn_train_progress *progress, const cnn_curve *curve,
                       double validation_loss, const cnn_line_style *style, cnn_text *line) {
    line_parts parts = {0};
    fill(&parts, progress, curve, validation_loss, style->unicode);
    add_parts(&parts, share(progress), curve, style, line);
}

/* The numbers of runs are in the places of what a single run shows. */
void cnn_sweep_line(const cnn_sweep_progress *progress, const cnn_line_style *style,
                    cnn_text *line) {
    line_parts parts = {0};
    if (progress->rungs > 1) {
        (void)snprintf(parts.text[FOLD], TEXT_MAX, "rung %d/%d ", progress->rung, progress->rungs);
        measure(&parts, FOLD, 0);
    }
    (void)snprintf(parts.text[EPOCH], TEXT_MAX, "runs %d/%d", progress->finished, progress->runs);
    measure(&parts, EPOCH, 0);
    if (progress->failed > 0) {
        (void)snprintf(parts.text[LOSS], TEXT_MAX, "%d failed", progress->failed);
        measure(&parts, LOSS, 2);
    }
    (void)snprintf(parts.text[VALIDATION], TEXT_MAX, "%d running", progress->running);
    measure(&parts, VALIDATION, 2);
    if (isfinite(progress->seconds_left)) {
        format_time(progress->seconds_left, parts.text[LEFT]);
        measure(&parts, LEFT, 2);
    }
    parts.columns[BAR] = BAR_COLUMNS_MIN + 1;
    add_parts(&parts, progress->share, NULL, style, line);
}
