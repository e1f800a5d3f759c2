#include "stats/operating_point.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <string.h>

/* How good a threshold is: by `aim`; if that is equal, by `second`. */
typedef struct merit {
    double aim, second;
} merit;

/* Only sums, products and quotients of doubles: the same on every machine. A share such as 19 / 20
 * is the same double as "0.95", so that a target can be reached exactly. */
static merit judge(const cnn_threshold_rule *rule, const cnn_operating_point *point) {
    double hits = (double)point->hits;
    double alarms = (double)point->alarms;
    double positives = (double)point->positives;
    double negatives = (double)point->negatives;
    double centred = -fabs((double)point->threshold - 0.5);
    double recall = hits / positives;
    double precision = hits + alarms > 0.0 ? hits / (hits + alarms) : 0.0;
    switch (rule->kind) {
    case CNN_THRESHOLD_F1:
        return (merit){2.0 * hits / (hits + alarms + positives), centred};
    case CNN_THRESHOLD_YOUDEN: /* times positives × negatives: integers */
        return (merit){hits * negatives - alarms * positives, centred};
    case CNN_THRESHOLD_RECALL:
        return (merit){recall >= rule->target ? 1.0 : 0.0, (double)point->threshold};
    case CNN_THRESHOLD_PRECISION: /* 2: greater than any precision that is too low */
        return (merit){precision >= rule->target ? 2.0 : precision, hits};
    case CNN_THRESHOLD_COST:
        break;
    }
    return (merit){
        -(alarms * rule->false_positive_cost + (positives - hits) * rule->false_negative_cost),
        centred};
}

static bool is_reached(const cnn_threshold_rule *rule, const cnn_operating_point *point) {
    double enough = rule->kind == CNN_THRESHOLD_RECALL      ? 1.0
                    : rule->kind == CNN_THRESHOLD_PRECISION ? 2.0
                                                            : -HUGE_VAL;
    return judge(rule, point).aim >= enough;
}

/* A threshold at or below `high` and above `low`, halfway if there is a float. */
static float between(float low, float high) {
    float middle = (float)(((double)low + (double)high) / 2.0);
    return middle > low ? middle : high;
}

/* The images by decreasing probability: non-negative floats have the order of their bits. */
static bool sort_falling(const float *probabilities, size_t count, cnn_keyed *items) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &probabilities[i], sizeof bits);
        items[i] = (cnn_keyed){.key = UINT32_MAX - bits, .value = i};
    }
    return cnn_sort_by_key(items, count);
}

cnn_status cnn_operating_point_choose(const cnn_threshold_rule *rule, const float *probabilities,
                                      const uint8_t *labels, size_t count,
                                      cnn_operating_point *best, cnn_error *error) {
    cnn_operating_point point = {.threshold = 1.0f};
    for (size_t i = 0; i < count; i++) {
        point.positives += labels[i] == 1;
        point.negatives += labels[i] == 0;
    }
    if (point.positives == 0 || point.negatives == 0) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "a threshold needs images of both classes, found %zu of class 0 and %zu of "
                        "class 1",
                        point.negatives, point.positives);
    }
    cnn_keyed *items = cnn_alloc(count, sizeof *items);
    if (!items || !sort_falling(probabilities, count, items)) {
        cnn_free(items);
        return cnn_fail_memory(error, "choosing a threshold");
    }
    merit most = {-HUGE_VAL, -HUGE_VAL};
    float above = 1.0f; /* the lowest probability of those predicted as class 1 */
    for (size_t i = 0; i <= count; i++) {
        float below = i < count ? probabilities[items[i].value] : 0.0f;
        if (below < above || i == count) { /* one threshold for all images of one probability */
            point.threshold = i == count && above <= 0.0f ? 0.0f : between(below, above);
            merit found = judge(rule, &point);
            if (found.aim > most.aim || (!(found.aim < most.aim) && found.second > most.second)) {
                most = found;
                *best = point;
            }
        }
        if (i < count) {
            above = below;
            point.hits += labels[items[i].value] == 1;
            point.alarms += labels[items[i].value] == 0;
        }
    }
    best->reached = is_reached(rule, best);
    cnn_free(items);
    return CNN_OK;
}
