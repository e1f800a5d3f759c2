/* Rules about the epochs (advice.h). */
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

/* The last tenth of the epochs, at least one. */
static size_t tail_of(const cnn_report_run *run) {
    return (run->epoch_count + 9) / 10;
}

/* How much lower is the lowest loss of the last tenth than that of the epochs before? *share: of
 * the loss before. */
static double late_fall(const cnn_report_run *run, double *share) {
    size_t where, tail = tail_of(run);
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
           late_fall(run, &share) > CNN_FALLING_BY && 100.0 * share > CNN_FALLING_PERCENT;
}

void cnn_describe_improving(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    const size_t tail = tail_of(run);
    double share;
    (void)late_fall(run, &share);
    cnn_html_format(html, "The %s loss still fell by ",
                    telling_loss(run) == validation_loss ? "validation" : "training");
    cnn_share(html, share);
    if (tail == 1) {
        cnn_html_text(html, " in the last epoch.");
    } else {
        cnn_html_format(html, " in the last %zu epochs.", tail);
    }
}

/* From the epoch with the lowest validation loss to the mean of the last ones: has the validation
 * loss risen, while the training loss has fallen? */
enum { LAST = CNN_OVERFITTING_EPOCHS };
static const double overfitting = CNN_OVERFITTING_PERCENT / 100.0;

bool cnn_applies_overfitting(const cnn_report *report) {
    const cnn_report_run *run = report->run;
    size_t best = 0;
    if (!run || report->set || run->epoch_count <= LAST) {
        return false;
    }
    double least = smallest(run, validation_loss, 0, run->epoch_count, &best);
    return run->epoch_count - 1 - best >= LAST &&
           mean_of_last(run, validation_loss, LAST) >= least * (1.0 + overfitting) &&
           mean_of_last(run, training_loss, LAST) <= training_loss(run, best) * (1.0 - overfitting);
}

void cnn_describe_overfitting(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    size_t best = 0;
    double least = smallest(run, validation_loss, 0, run->epoch_count, &best);
    cnn_html_format(html,
                    "After epoch %zu, the training loss fell from %.4f to %.4f, but the validation "
                    "loss rose from %.4f to %.4f: the network memorised its training images.",
                    best + 1, training_loss(run, best), mean_of_last(run, training_loss, LAST),
                    least, mean_of_last(run, validation_loss, LAST));
}

/* Did the clock end the run? */
bool cnn_applies_cut_short(const cnn_report *report) {
    const cnn_report_run *run = report->run;
    return run && !report->set && cnn_run_was_cut(run) && !run->ended_by_minutes;
}

static void write_last_epoch(cnn_html *html, const cnn_report_run *run) {
    cnn_figure_count(html, "", "epochs", run->epoch_count);
    cnn_html_format(html, " of %lld.", (long long)run->config->train.epochs);
}

void cnn_describe_cut_short(cnn_html *html, const cnn_report *report) {
    cnn_prose(html, "`--max-seconds` ended training in epoch ");
    write_last_epoch(html, report->run);
}

bool cnn_applies_time_is_up(const cnn_report *report) {
    const cnn_report_run *run = report->run;
    return run && !report->set && cnn_run_was_cut(run) && run->ended_by_minutes;
}

void cnn_describe_time_is_up(cnn_html *html, const cnn_report *report) {
    cnn_prose(html, "The time of `train.minutes` ");
    cnn_html_format(html, "(%g) was up in epoch ", report->run->config->train.minutes);
    write_last_epoch(html, report->run);
}
