#include "model/c_quantize_weights.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>

/* Weights are from -WEIGHT_MOST to WEIGHT_MOST; the difference of a value and its zero is at most
 * VALUE_MOST. */
enum { WEIGHT_MOST = 127, VALUE_MOST = 255 };

/* The products of a sum, and its bias, stay below this each, so that the sum fits into 32 bits. */
#define SUM_MOST ((double)(1 << 30))

double cnn_int8_nearest(double x) {
    return floor(x + 0.5);
}

double cnn_int8_limited(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

void cnn_int8_split_factor(double factor, int32_t *multiplier, int *shift) {
    int exponent;
    double fraction = cnn_int8_nearest(frexp(factor, &exponent) * 0x1p31);
    *shift = 31 - exponent;
    if (fraction >= 0x1p31) {
        fraction /= 2.0;
        *shift -= 1;
    }
    if (*shift < 1) { /* the result is limited anyway */
        fraction = INT32_MAX;
        *shift = 1;
    } else if (*shift > 62) {
        fraction = 0.0;
        *shift = 62;
    }
    *multiplier = (int32_t)fraction;
}

bool cnn_int8_make_weights(cnn_int8_step *step, size_t weights, size_t channels) {
    step->weight_count = weights;
    step->weight = cnn_alloc(weights, sizeof *step->weight);
    step->channels = channels;
    step->bias = cnn_alloc(channels, sizeof *step->bias);
    step->multiplier = cnn_alloc(channels, sizeof *step->multiplier);
    step->shift = cnn_alloc(channels, sizeof *step->shift);
    return step->weight && step->bias && step->multiplier && step->shift;
}

/* The weights of one filter, [count], for inputs of this scale. */
typedef struct filter {
    const double *weight;
    size_t count;
    double bias, in_scale;
} filter;

/* Rounds the weights. Returns the sum of their absolute values. */
static double round_weights(const filter *f, double scale, int8_t *to) {
    double sum = 0.0;
    for (size_t i = 0; i < f->count; i++) {
        to[i] = (int8_t)cnn_int8_limited(cnn_int8_nearest(f->weight[i] / scale), -WEIGHT_MOST,
                                         WEIGHT_MOST);
        sum += fabs((double)to[i]);
    }
    return sum;
}

/* Quantizes a filter with the least scale, but at least `least`, with which the sum fits into 32
 * bits. Returns it. */
static double quantize_filter(const filter *f, double least, int8_t *to, int32_t *bias) {
    double largest = 0.0, by_bias = fabs(f->bias) / (f->in_scale * SUM_MOST);
    for (size_t i = 0; i < f->count; i++) {
        largest = fabs(f->weight[i]) > largest ? fabs(f->weight[i]) : largest;
    }
    double scale = largest / WEIGHT_MOST > by_bias ? largest / WEIGHT_MOST : by_bias;
    scale = scale > least ? scale : least;
    while (round_weights(f, scale, to) * VALUE_MOST > SUM_MOST) {
        scale *= 2.0;
    }
    *bias = (int32_t)cnn_int8_nearest(f->bias / (f->in_scale * scale));
    return scale;
}

/* The weights of a filter in the order of the functions: channels are innermost. */
static void arrange(const cnn_int8_weights *w, size_t f, double *to) {
    const float *from = w->weight + f * w->depth * w->kernel;
    for (size_t k = 0; k < w->kernel; k++) {
        for (size_t c = 0; c < w->depth; c++) {
            *to++ = (double)from[c * w->kernel + k];
        }
    }
}

cnn_status cnn_int8_quantize_filters(const cnn_int8_weights *w, double in_scale, double out_scale,
                                     cnn_int8_step *step, double *last_scale, cnn_error *error) {
    size_t taps = w->depth * w->kernel;
    double *arranged = cnn_alloc(taps, sizeof *arranged);
    int8_t *rounded = cnn_alloc(taps, sizeof *rounded);
    if (!arranged || !rounded || !cnn_int8_make_weights(step, w->filters * taps, w->filters)) {
        cnn_free(arranged);
        cnn_free(rounded);
        return cnn_fail_memory(error, "the network in 8 bits");
    }
    double least = (out_scale > 0.0 ? out_scale : 1.0) / in_scale * 0x1p-31;
    for (size_t f = 0; f < w->filters; f++) {
        arrange(w, f, arranged);
        const filter one = {.weight = arranged,
                            .count = taps,
                            .bias = w->bias ? (double)w->bias[f] : 0.0,
                            .in_scale = in_scale};
        *last_scale = quantize_filter(&one, least, rounded, &step->bias[f]);
        for (size_t i = 0; i < taps; i++) { /* of depthwise ones, channels are innermost */
            bool depthwise = step->kind == CNN_INT8_DEPTHWISE;
            step->weight[depthwise ? i * w->filters + f : f * taps + i] = rounded[i];
        }
        if (out_scale > 0.0) {
            int shift;
            cnn_int8_split_factor(in_scale * *last_scale / out_scale, &step->multiplier[f], &shift);
            step->shift[f] = (uint8_t)shift;
        }
    }
    cnn_free(arranged);
    cnn_free(rounded);
    return CNN_OK;
}
