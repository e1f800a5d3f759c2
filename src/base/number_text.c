#include "base/number_text.h"

#include "base/c_locale.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any decimal number of LEAST digits survives conversion to a normal double and back, and any
 * double survives conversion to MOST digits and back. */
enum { LEAST = DBL_DIG, MOST = DBL_DECIMAL_DIG, DIGITS_SIZE = MOST + 1 };

/* digits[0].digits[1]digits[2]… × 10^exponent */
typedef struct decimal {
    char digits[DIGITS_SIZE];
    int count, exponent;
} decimal;

static bool is_same(double value, double number) {
    return value >= number && value <= number;
}

/* Sets *d to the decimal of `count` digits that is nearest to the number. True if it reads back. */
static bool round_to(double number, int count, decimal *d) {
    char text[DIGITS_SIZE + 16];
    (void)snprintf(text, sizeof text, "%.*e", count - 1, number);
    *d = (decimal){.digits = {text[0]}, .count = count};
    (void)memcpy(d->digits + 1, text + 2, (size_t)count - 1);
    d->exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return is_same(strtod(text, NULL), number);
}

static bool reads_back(const decimal *d, double number) {
    char text[DIGITS_SIZE + 16];
    (void)snprintf(text, sizeof text, "%c.%se%d", d->digits[0], d->digits + 1, d->exponent);
    return is_same(strtod(text, NULL), number);
}

/* Sets *d to the next larger decimal with the same number of digits. */
static void increment(decimal *d) {
    int i = d->count - 1;
    while (i >= 0 && d->digits[i] == '9') {
        d->digits[i--] = '0';
    }
    if (i >= 0) {
        d->digits[i]++;
    } else {
        d->digits[0] = '1';
        d->exponent++;
    }
}

/* True if the next smaller double is nearer than the next larger one. */
static bool is_power_of_two(double number) {
    int exponent;
    double fraction = frexp(number, &exponent);
    return fraction <= 0.5;
}

/* The shortest decimal that reads back to a number above 0: for each length, the nearest one is
 * tried. If the next smaller double is nearer than the next larger one, the nearest decimal may be
 * a smaller one that does not read back, while a larger one, farther away, does. */
static decimal shortest(double number) {
    decimal d;
    int count = number < DBL_MIN ? 1 : LEAST; /* subnormal numbers have fewer digits */
    while (!round_to(number, count, &d) && count < MOST) {
        if (count > LEAST && is_power_of_two(number)) {
            increment(&d);
            if (reads_back(&d, number)) {
                break;
            }
        }
        count++;
    }
    while (d.count > 1 && d.digits[d.count - 1] == '0') {
        d.digits[--d.count] = '\0';
    }
    return d;
}

/* Formats the digits as %g of that precision does. */
static size_t lay_out(bool negative, const decimal *d, int precision, char text[CNN_NUMBER_SIZE]) {
    const char *sign = negative ? "-" : "";
    int whole = d->exponent + 1; /* digits before the point */
    int length;
    if (d->exponent < -4 || d->exponent >= precision) {
        length = snprintf(text, CNN_NUMBER_SIZE, "%s%c%s%se%+03d", sign, d->digits[0],
                          d->count > 1 ? "." : "", d->digits + 1, d->exponent);
    } else if (whole <= 0) {
        length = snprintf(text, CNN_NUMBER_SIZE, "%s0.%.*s%s", sign, -whole, "000", d->digits);
    } else if (whole >= d->count) {
        length = snprintf(text, CNN_NUMBER_SIZE, "%s%s%.*s", sign, d->digits, whole - d->count,
                          "00000000000000000");
    } else {
        length =
            snprintf(text, CNN_NUMBER_SIZE, "%s%.*s.%s", sign, whole, d->digits, d->digits + whole);
    }
    return (size_t)length;
}

size_t cnn_number_write(double number, char text[CNN_NUMBER_SIZE]) {
    double size = fabs(number);
    if (!(size > 0.0)) {
        return lay_out(signbit(number), &(decimal){.digits = "0", .count = 1}, LEAST, text);
    }
    locale_t before = cnn_c_locale_enter();
    decimal d = shortest(size);
    cnn_c_locale_leave(before);
    return lay_out(number<0.0, &d, d.count> LEAST ? d.count : LEAST, text);
}

size_t cnn_number_write_rounded(double number, int digits, char text[CNN_NUMBER_SIZE]) {
    locale_t before = cnn_c_locale_enter();
    int length = snprintf(text, CNN_NUMBER_SIZE, "%.*g", digits, number);
    cnn_c_locale_leave(before);
    return (size_t)length;
}

double cnn_number_read(const char *text, char **end) {
    locale_t before = cnn_c_locale_enter();
    double number = strtod(text, end);
    cnn_c_locale_leave(before);
    return number;
}
