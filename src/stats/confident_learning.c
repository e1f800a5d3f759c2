#include "stats/confident_learning.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"

#include <stdbool.h>
#include <string.h>

static double probability_of(double of_class_1, int class_number) {
    return class_number == 1 ? of_class_1 : 1.0 - of_class_1;
}

static void find_thresholds(const double *probabilities, const uint8_t *labels, size_t count,
                            double threshold[2]) {
    double sum[2] = {0.0, 0.0};
    size_t images[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        sum[labels[i]] += probability_of(probabilities[i], labels[i]);
        images[labels[i]]++;
    }
    for (int j = 0; j < 2; j++) {
        threshold[j] = sum[j] / (double)images[j];
    }
}

/* The class that the model is confident an image belongs to; -1: none. No probability reaches the
 * threshold of a class without images. */
static int confident_in(double of_class_1, int label, const double threshold[2]) {
    int other = 1 - label;
    double p = probability_of(of_class_1, label), q = probability_of(of_class_1, other);
    bool in_label = p >= threshold[label], in_other = q >= threshold[other];
    if (in_label && in_other) {
        return q > p ? other : label;
    }
    return in_label ? label : in_other ? other : -1;
}

/* Q: joint and the numbers of images with each label. */
static void find_shares(const size_t joint[2][2], const size_t images[2], double share[2][2]) {
    double all = (double)images[0] + (double)images[1];
    for (int i = 0; i < 2; i++) {
        double row = (double)joint[i][0] + (double)joint[i][1];
        for (int j = 0; j < 2; j++) {
            double of_row = row > 0.0 ? (double)joint[i][j] / row : (i == j ? 1.0 : 0.0);
            share[i][j] = of_row * (double)images[i] / all;
        }
    }
}

/* Orders images by p(label), which orders them by margin, p(label) - (1 - p(label)); suspicious
 * ones first. Bits of doubles from 0 up are ordered like their values. */
static uint64_t key_of(double p, bool suspicious) {
    static const uint64_t after = (uint64_t)1 << 63;
    uint64_t bits;
    memcpy(&bits, &p, sizeof bits);
    return suspicious ? bits : bits | after;
}

static cnn_status rank(const double *probabilities, const uint8_t *labels, size_t count,
                       cnn_keyed *keyed, cnn_label_doubts *doubts, cnn_error *error) {
    size_t images[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        int label = labels[i];
        int in = confident_in(probabilities[i], label, doubts->threshold);
        bool suspicious = in == 1 - label;
        if (in >= 0) {
            doubts->joint[label][in]++;
        }
        images[label]++;
        doubts->suspicious += suspicious;
        keyed[i] = (cnn_keyed){
            .key = key_of(probability_of(probabilities[i], label) + 0.0, suspicious), .value = i};
    }
    find_shares((const size_t(*)[2])doubts->joint, images, doubts->share);
    if (!cnn_sort_by_key(keyed, count)) {
        return cnn_fail_memory(error, "the labels");
    }
    for (size_t i = 0; i < count; i++) {
        doubts->ranking[i] = keyed[i].value;
    }
    return CNN_OK;
}

cnn_status cnn_label_doubts_find(const double *probabilities, const uint8_t *labels, size_t count,
                                 cnn_label_doubts *doubts, cnn_error *error) {
    *doubts = (cnn_label_doubts){.ranking = cnn_alloc(count, sizeof *doubts->ranking)};
    cnn_keyed *keyed = cnn_alloc(count, sizeof *keyed);
    cnn_status status = CNN_OK;
    if (!doubts->ranking || !keyed) {
        status = cnn_fail_memory(error, "the labels");
    } else {
        find_thresholds(probabilities, labels, count, doubts->threshold);
        status = rank(probabilities, labels, count, keyed, doubts, error);
    }
    cnn_free(keyed);
    return status;
}

void cnn_label_doubts_free(cnn_label_doubts *doubts) {
    cnn_free(doubts->ranking);
    *doubts = (cnn_label_doubts){0};
}
