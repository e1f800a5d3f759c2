/* Chooses the best member of a sweep. */
#include "run/sweep_set.h"

#include <math.h>

bool cnn_sweep_is_better(cnn_metric_id metric, double a, double b) {
    return !isnan(a) && (isnan(b) || (cnn_metric_table[metric].more_is_better ? a > b : a < b));
}

int cnn_sweep_mean(const cnn_sweep *sweep, const cnn_sweep_row *rows, int point,
                   cnn_metric_id metric, double *mean) {
    double sum = 0.0;
    int count = 0;
    for (int seed = 0; seed < sweep->seeds; seed++) {
        const cnn_sweep_row *row = &rows[(point - 1) * sweep->seeds + seed];
        if (row->state == CNN_SWEEP_FINISHED && !isnan(row->metrics[metric])) {
            sum += row->metrics[metric];
            count++;
        }
    }
    *mean = count > 0 ? sum / count : (double)NAN;
    return count;
}

/* The best member of a combination. */
static int best_seed(const cnn_sweep *sweep, const cnn_sweep_row *rows, int point,
                     cnn_metric_id metric) {
    double best = (double)NAN;
    int member = 0;
    for (int i = (point - 1) * sweep->seeds; i < point * sweep->seeds; i++) {
        if (rows[i].state == CNN_SWEEP_FINISHED &&
            cnn_sweep_is_better(metric, rows[i].metrics[metric], best)) {
            best = rows[i].metrics[metric];
            member = i + 1;
        }
    }
    return member;
}

/* The best combination but `without`; 0: no other has a result. */
static int best_point(const cnn_sweep *sweep, const cnn_sweep_row *rows, cnn_metric_id metric,
                      int without) {
    double best = (double)NAN;
    int most = 0, found = 0;
    for (int point = 1; point <= sweep->points; point++) {
        double mean;
        int finished = cnn_sweep_mean(sweep, rows, point, metric, &mean);
        if (point != without && (finished > most || (finished > 0 && finished == most &&
                                                     cnn_sweep_is_better(metric, mean, best)))) {
            most = finished;
            best = mean;
            found = point;
        }
    }
    return found;
}

cnn_sweep_choice cnn_sweep_choose(const cnn_sweep *sweep, const cnn_sweep_row *rows,
                                  cnn_metric_id metric) {
    cnn_sweep_choice choice = {.point = best_point(sweep, rows, metric, 0), .mean = (double)NAN};
    if (choice.point > 0) {
        (void)cnn_sweep_mean(sweep, rows, choice.point, metric, &choice.mean);
        choice.member = best_seed(sweep, rows, choice.point, metric);
        choice.next = best_point(sweep, rows, metric, choice.point);
    }
    return choice;
}
