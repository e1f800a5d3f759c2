/* The time budget of a run, train.minutes: how many epochs a new run trains, and when any run with
 * a budget must end. */
#include "base/error.h"
#include "base/log.h"
#include "run/measure_speed.h"

#include <math.h>
#include <stdio.h>

/* The share of the budget, and the seconds, that measuring a part of a run may take. */
#define MEASURING_SHARE 0.02
#define MEASURING_MAX 5.0

/* The end of the run may take this much longer than measured. */
#define END_FACTOR 1.25

/* --- the number of epochs --- */

/* "0.031 s", "2.9 s", "14 s" */
static void format_seconds(double seconds, char text[24]) {
    (void)snprintf(text, 24, seconds < 9.5 ? "%.2g s" : "%.0f s", seconds);
}

void cnn_minutes_log(const cnn_log_sink *log, const cnn_config *config, int members,
                     const cnn_epoch_choice *choice) {
    char each[40] = "", seconds[24], before[24], end[24], minutes[40];
    double number = config->train.minutes;
    (void)snprintf(minutes, sizeof minutes, "%g minute%s", number,
                   number < 1.0 || number > 1.0 ? "s" : "");
    format_seconds(choice->epoch_seconds, seconds);
    format_seconds(choice->spent, before);
    format_seconds(choice->end_seconds, end);
    if (members > 1) {
        (void)snprintf(each, sizeof each, " in each of %d runs", members);
    }
    if (choice->epochs > 0) {
        bool one = choice->epochs == 1;
        cnn_log_message(log, CNN_LOG_INFO, "%s%lld epoch%s of %s%s fit%s into %s",
                        !one && choice->epochs == config->train.epochs ? "all " : "",
                        (long long)choice->epochs, one ? "" : "s", seconds, each, one ? "s" : "",
                        minutes);
    } else {
        cnn_log_message(
            log, CNN_LOG_WARNING,
            "not a single epoch of %s%s fits into %s (train.minutes): %s were spent before, and "
            "measuring the model takes %s; it will be cut short",
            seconds, each, minutes, before, end);
    }
}

cnn_status cnn_minutes_measure(cnn_trainer *t, bool training, cnn_epoch_choice *choice,
                               cnn_error *error) {
    double seconds = fmin(MEASURING_SHARE * t->seconds, MEASURING_MAX);
    cnn_run_speed speed;
    cnn_run_work work = cnn_measure_work(t);
    CNN_TRY(cnn_measure_speed(t, seconds, training, &speed, error));
    t->end_seconds = END_FACTOR * cnn_budget_end(&speed, &work);
    cnn_log_message(&t->options->common.log, CNN_LOG_DETAIL,
                    "measured: %.3g s to predict an image, %.3g s for the files of an epoch, %.3g "
                    "s for the end of the run",
                    speed.forward, speed.files, t->end_seconds);
    if (training) {
        double spent = cnn_clock_seconds() - t->begin;
        *choice = (cnn_epoch_choice){
            .epochs = cnn_budget_epochs(&speed, &work, t->seconds, spent, t->config->train.epochs),
            .epoch_seconds = cnn_budget_epoch(&speed, &work),
            .spent = spent,
            .end_seconds = cnn_budget_end(&speed, &work)};
    }
    return CNN_OK;
}

/* A member of a set trains the epochs that the set has chosen, and a resumed run those of its
 * start. */
cnn_status cnn_minutes_plan(cnn_trainer *t, cnn_error *error) {
    cnn_epoch_choice choice;
    if (!(t->seconds > 0.0)) {
        return CNN_OK;
    }
    bool chooses = !t->part && !t->session.begun;
    cnn_status status = CNN_OK;
    if (cnn_trainer_writes(t)) {
        status = cnn_session_claim(&t->session, true, error); /* files are written into it */
    }
    CNN_TRY(cnn_trainer_agree(t, status, error));
    CNN_TRY(cnn_minutes_measure(t, chooses, &choice, error));
    if (!chooses) {
        return CNN_OK;
    }
    cnn_ranks_broadcast(&t->ranks, 0, &choice, sizeof choice);
    cnn_minutes_log(&t->options->common.log, t->config, 1, &choice);
    return cnn_trainer_set_epochs(t, choice.epochs > 0 ? choice.epochs : 1, error);
}

/* --- the end --- */

/* The time of epochs before the run was resumed counts. Work that a kill lost, and reading the
 * images in an earlier process, do not count: a run that fits into its budget without an
 * interruption also fits with one. */
void cnn_minutes_set_end(cnn_trainer *t) {
    double end = t->begin + t->seconds - t->state.seconds - t->state.epoch_seconds;
    if (t->seconds > 0.0 && end < t->deadline) {
        t->deadline = end;
        t->limited_by_minutes = true;
    }
}
