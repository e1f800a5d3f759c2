#include "report/plot_ticks.h"

#include "base/c_locale.h"
#include "base/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Sums and quotients of such numbers are finite. */
#define LARGEST 1e150
/* How far a multiple of the step may be from the end of an axis, in steps. */
#define SLACK 1e-9
/* A logarithmic axis is at least as long as from 1 to this. */
#define SHORTEST_LOG 1.001
/* Enough to tell ticks apart: an axis is not shorter than SLACK times its numbers. */
enum { TICK_DIGITS = 12 };

/* digits × 10^exponent: the nearest double, which repeated multiplication would miss. */
static double decimal(int64_t digits, int exponent) {
    char text[CNN_NUMBER_SIZE];
    (void)snprintf(text, sizeof text, "%" PRId64 "e%d", digits, exponent);
    return cnn_number_read(text, NULL);
}

/* The largest e with 10^e <= number; number > 0. */
static int decade(double number) {
    int e = 0;
    while (decimal(1, e) > number) {
        e--;
    }
    while (decimal(1, e + 1) <= number) {
        e++;
    }
    return e;
}

/* --- texts --- */

/* Replaces the hyphen before a number by a minus sign, which is as wide as a digit. */
static void set_text(cnn_ticks *ticks, const char *number) {
    bool negative = number[0] == '-';
    (void)snprintf(ticks->texts[ticks->count], CNN_TICK_TEXT_SIZE, "%s%s",
                   negative ? "\xe2\x88\x92" : "", number + negative);
}

static void add(cnn_ticks *ticks, double value, int decimals) {
    if (ticks->count == CNN_TICKS_MAX) {
        return;
    }
    char number[CNN_NUMBER_SIZE];
    if (decimals <= 6 && fabs(value) < 1e9) {
        (void)snprintf(number, sizeof number, "%.*f", decimals, value);
    } else {
        (void)cnn_number_write_rounded(value, TICK_DIGITS, number);
    }
    set_text(ticks, number);
    ticks->values[ticks->count++] = value;
}

/* --- a linear axis --- */

/* The smallest of 1, 2, 5, 10 times 10^*exponent that is at least `rough`: returns 1, 2 or 5. */
static int64_t round_step(double rough, int *exponent) {
    *exponent = decade(rough);
    static const int64_t digits[] = {1, 2, 5};
    for (int i = 0; i < 3; i++) {
        if (decimal(digits[i], *exponent) >= rough * (1 - SLACK)) {
            return digits[i];
        }
    }
    ++*exponent;
    return 1;
}

static void choose_linear(cnn_plot_axis *axis, int target, cnn_ticks *ticks) {
    int exponent = 0;
    int64_t digits = round_step((axis->high - axis->low) / target, &exponent);
    if (axis->is_whole && exponent < 0) {
        digits = 1;
        exponent = 0;
    }
    double step = decimal(digits, exponent);
    if (!axis->is_fixed) {
        axis->low = decimal((int64_t)floor(axis->low / step + SLACK) * digits, exponent);
        axis->high = decimal((int64_t)ceil(axis->high / step - SLACK) * digits, exponent);
        axis->high = axis->low < axis->high ? axis->high : axis->low + step; /* 3 to 3, whole */
    }
    int64_t first = (int64_t)ceil(axis->low / step - SLACK);
    int64_t last = (int64_t)floor(axis->high / step + SLACK);
    if (axis->is_fixed && axis->is_whole && axis->low == floor(axis->low) &&
        (double)first - axis->low / step > 0.4) {
        add(ticks, axis->low, 0); /* epoch 1 */
    }
    for (int64_t i = first; i <= last; i++) {
        add(ticks, decimal(i * digits, exponent), exponent < 0 ? -exponent : 0);
    }
}

/* --- a logarithmic axis --- */

/* has_exponent: as 2·10⁻⁵. */
static void add_power(cnn_ticks *ticks, int64_t digits, int exponent, bool has_exponent) {
    if (!has_exponent) {
        add(ticks, decimal(digits, exponent), exponent < 0 ? -exponent : 0);
        return;
    }
    if (ticks->count == CNN_TICKS_MAX) {
        return;
    }
    static const char *const superscripts[] = {
        "\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",     "\xe2\x81\xb4",
        "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char number[CNN_NUMBER_SIZE], text[CNN_TICK_TEXT_SIZE] = "";
    (void)snprintf(number, sizeof number, "%d", exponent < 0 ? -exponent : exponent);
    size_t length = 0;
    for (const char *c = number; *c && length + 4 < sizeof text; c++) {
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s", superscripts[*c - '0']);
    }
    char *to = ticks->texts[ticks->count];
    if (digits == 1) {
        (void)snprintf(to, CNN_TICK_TEXT_SIZE, "10%s%s", exponent < 0 ? "\xe2\x81\xbb" : "", text);
    } else { /* 2·10⁻⁵ */
        (void)snprintf(to, CNN_TICK_TEXT_SIZE,
                       "%d\xc2\xb7"
                       "10%s%.16s",
                       (int)digits, exponent < 0 ? "\xe2\x81\xbb" : "", text);
    }
    ticks->values[ticks->count++] = decimal(digits, exponent);
}

/* The nearest tick from `value` on, downwards or upwards. */
static double round_down(double value, bool is_short) {
    int e = decade(value);
    double best = decimal(1, e);
    for (int64_t digits = 2; is_short && digits <= 5; digits += 3) {
        best = decimal(digits, e) <= value * (1 + SLACK) ? decimal(digits, e) : best;
    }
    return best;
}

static double round_up(double value, bool is_short) {
    int e = decade(value);
    double best = decimal(1, e + 1);
    for (int64_t digits = 5; is_short && digits >= 2; digits -= 3) {
        best = decimal(digits, e) >= value * (1 - SLACK) ? decimal(digits, e) : best;
    }
    return decimal(1, e) >= value * (1 - SLACK) ? decimal(1, e) : best;
}

static void choose_logarithmic(cnn_plot_axis *axis, int target, cnn_ticks *ticks) {
    bool is_short = axis->high / axis->low < 100;
    if (!axis->is_fixed) {
        axis->low = round_down(axis->low, is_short);
        axis->high = round_up(axis->high, is_short);
    }
    int low = decade(axis->low);
    int high = decade(axis->high);
    int stride = (high - low) / target + 1;
    bool has_exponent = low < -3 || high > 3;
    for (int e = low; e <= high; e++) {
        static const int64_t digits[] = {1, 2, 5};
        for (int i = 0; i < 3; i++) {
            double value = decimal(digits[i], e);
            bool is_shown = i == 0 ? (e - low) % stride == 0 : is_short;
            if (is_shown && value >= axis->low * (1 - SLACK) && value <= axis->high * (1 + SLACK)) {
                add_power(ticks, digits[i], e, has_exponent);
            }
        }
    }
}

/* --- both --- */

/* Gives an axis without values, or with one, a length. */
static void widen_logarithmic(cnn_plot_axis *axis) {
    if (!(axis->low >= 1 / LARGEST)) {
        axis->low = axis->high > 1 / LARGEST ? 1 / LARGEST : 1;
    }
    if (!(axis->high > axis->low * SHORTEST_LOG)) {
        axis->high = axis->low * 2;
        axis->low /= 2;
    }
}

static void widen_linear(cnn_plot_axis *axis) {
    double magnitude = fmax(fabs(axis->low), fabs(axis->high));
    if (!(magnitude > 1 / LARGEST)) { /* 0 to 0, or NaN */
        axis->low = 0;
        axis->high = 1;
    } else if (!(axis->high - axis->low > magnitude * SLACK)) {
        axis->high = axis->low + magnitude / 10;
        axis->low -= magnitude / 10;
    }
}

static void widen(cnn_plot_axis *axis) {
    if (isnan(axis->low) || isnan(axis->high)) {
        axis->low = axis->high = 0;
    }
    axis->low = fmin(fmax(axis->low, -LARGEST), LARGEST);
    axis->high = fmin(fmax(axis->high, -LARGEST), LARGEST);
    if (axis->is_log) {
        widen_logarithmic(axis);
    } else {
        widen_linear(axis);
    }
}

void cnn_ticks_choose(cnn_plot_axis *axis, int target, cnn_ticks *ticks) {
    ticks->count = 0;
    widen(axis);
    locale_t before = cnn_c_locale_enter();
    if (axis->is_log) {
        choose_logarithmic(axis, target, ticks);
    } else {
        choose_linear(axis, target, ticks);
    }
    cnn_c_locale_leave(before);
}
