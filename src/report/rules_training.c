/* Rules about the epochs (advice.h). Their numbers are rules of thumb, unless a source is given:
 * they decide what is worth a sentence, not what is true. */
#include "report/rules.h"

#include "report/figures.h"

#include <math.h>

static double validation_loss(const cnn_report_run *run, size_t i) {
    return run->epochs[i].validation.loss;
}

static double training_loss(const cnn_report_run *run, size_t i) {
    return run->epochs[i].train.loss;
}

typedef double loss_of(const cnn_report_run *run, size_t i);

/* The smallest loss of the epochs from … to - 1 (from 0); HUGE_VAL if there is none. */
static double smallest(const cnn_report_run *run, loss_of *loss, size_t from, size_t to,
                       size_t *where) {
    double least = HUGE_VAL;
    for (size_t i = from; i < to; i++) {
        if (loss(run, i) < least) {
            least = loss(run, i);
            *where = i;
        }
    }
    return least;
}

static double mean_of_last(const cnn_report_run *run, loss_of *loss, size_t count) {
    double sum = 0.0;
    for (size_t i = run->epoch_count - count; i < run->epoch_count; i++) {
        sum += loss(run, i);
    }
    return sum / (double)count;
}

/* The loss that shows whether more training helps: that of the validation images, if there are any.
 */
static loss_of *telling_loss(const cnn_report_run *run) {
    return run->measured[CNN_SPLIT_VALIDATION].metrics.count > 0 ? validation_loss : training_loss;
}

/* Did the loss fall in the last tenth of the epochs by more than this share, and by more than this?
 */
#define STILL_FALLING 0.02
#define STILL_FALLING_BY 0.005

/* *share: of the loss before. Returns the difference. */
static double late_fall(const cnn_report_run *run, double *share) {
    size_t where, tail = (run->epoch_count + 9) / 10;
    loss_of *loss = telling_loss(run);
    double before = smallest(run, loss, 0, run->epoch_count - tail, &where);
    double after = smallest(run, loss, run->epoch_count - tail, run->epoch_count, &where);
    *share = before < HUGE_VAL ? (before - after) / before : 0.0;
    return before < HUGE_VAL ? before - after : 0.0;
}

bool cnn_applies_improving(const cnn_report *report) {
    const cnn_report_run *run = report->run;
    double share;
    return run && !report->set && run->epoch_count >= 2 && !run->stopped_early &&
           late_fall(run, &share) > STILL_FALLING_BY && share > STILL_FALLING;
}

void cnn_describe_improving(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    double share;
    (void)late_fall(run, &share);
    cnn_html_format(html, "The %s loss still fell by %.1f %% in the last tenth of the epochs.",
                    telling_loss(run) == validation_loss ? "validation" : "training",
                    100.0 * share);
}

/* From the epoch with the lowest validation loss to the mean of the last three: has the validation
 * loss risen by a tenth or more, while the training loss has fallen by a tenth or more? */
enum { LAST = 3 };
#define OVERFITTING 0.1

bool cnn_applies_overfitting(const cnn_report *report) {
    const cnn_report_run *run = report->run;
    size_t best = 0;
    if (!run || report->set || run->epoch_count <= LAST) {
        return false;
    }
    double least = smallest(run, validation_loss, 0, run->epoch_count, &best);
    return run->epoch_count - 1 - best >= LAST &&
           mean_of_last(run, validation_loss, LAST) >= least * (1.0 + OVERFITTING) &&
           mean_of_last(run, training_loss, LAST) <= training_loss(run, best) * (1.0 - OVERFITTING);
}

void cnn_describe_overfitting(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    size_t best = 0;
    double least = smallest(run, validation_loss, 0, run->epoch_count, &best);
    cnn_html_format(
        html,
        "After epoch %zu, the training loss fell from %.4f to %.4f, but the validation "
        "loss rose from %.4f to %.4f: the network learned its training images by heart.",
        best + 1, training_loss(run, best), mean_of_last(run, training_loss, LAST), least,
        mean_of_last(run, validation_loss, LAST));
}

/* Did --max-seconds end the run? */
bool cnn_applies_cut_short(const cnn_report *report) {
    const cnn_report_run *run = report->run;
    return run && !report->set && !run->stopped_early &&
           (int64_t)run->epoch_count < run->config->train.epochs;
}

void cnn_describe_cut_short(cnn_html *html, const cnn_report *report) {
    cnn_html_text(html, "--max-seconds ended the run in epoch ");
    cnn_figure_count(html, "", "epochs", report->run->epoch_count);
    cnn_html_format(html, " of %lld.", (long long)report->run->config->train.epochs);
}
