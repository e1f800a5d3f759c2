#include "report/validation_use.h"

unsigned cnn_validation_use(const cnn_report_run *run) {
    const cnn_early_stopping *rule = &run->config->train.early_stopping;
    unsigned chosen = 0;
    if (run->measured[CNN_SPLIT_VALIDATION].metrics.count == 0) {
        return 0;
    }
    chosen |= rule->restore && run->epoch_count > 1 ? CNN_CHOSE_EPOCH : 0U;
    chosen |= rule->patience > 0 && run->epoch_count > 1 ? CNN_CHOSE_END : 0U;
    chosen |= run->config->train.calibrate ? CNN_CHOSE_TEMPERATURE : 0U;
    chosen |= run->config->train.threshold.text ? CNN_CHOSE_THRESHOLD : 0U;
    chosen |= run->chosen_of > 0 ? CNN_CHOSE_RUN : 0U;
    return chosen;
}

void cnn_validation_use_write(cnn_html *html, unsigned chosen) {
    static const struct {
        unsigned bit;
        const char *text;
    } uses[] = {{CNN_CHOSE_EPOCH, "the epoch"},
                {CNN_CHOSE_END, "the end of training"},
                {CNN_CHOSE_TEMPERATURE, "the temperature"},
                {CNN_CHOSE_THRESHOLD, "the threshold"},
                {CNN_CHOSE_RUN, "this run among those of the sweep"}};
    bool first = true;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        if (chosen & uses[i].bit) {
            chosen &= ~uses[i].bit;
            cnn_html_text(html, first ? "" : chosen ? ", " : " and ");
            cnn_html_text(html, uses[i].text);
            first = false;
        }
    }
}
