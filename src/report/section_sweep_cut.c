/* What limits the comparison of a sweep's runs: some were cut short, or the test images were
 * measured before. */
#include "report/sweep_record.h"

/* Runs that are named. */
enum { NAMED_MAX = 20 };

void cnn_report_sweep_tested(cnn_html *html, int tested) {
    if (tested <= 1) {
        cnn_html_text(html, "They were measured for this run only.");
    } else {
        cnn_html_format(html,
                        "They have been measured for %d chosen runs so far (tested.csv). Choosing "
                        "one of those by its test images would make these part of the choice.",
                        tested);
    }
}

cnn_status cnn_report_sweep_cut(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    const int members = sweep->set->sweep->members;
    int count = 0;
    (void)error;
    for (int i = 0; i < members; i++) {
        count += cnn_sweep_is_cut_short(&sweep->found->rows[i]);
    }
    if (count == 0) {
        return CNN_OK;
    }
    cnn_html_begin(html, "p");
    cnn_html_format(html,
                    "%d of %d runs were cut short by --max-seconds, and are compared with longer "
                    "ones as they are. --resume continues them.",
                    count, members);
    cnn_html_end(html);
    cnn_html_begin(html, "ul");
    for (int i = 0, named = 0; i < members && named < NAMED_MAX; i++) {
        if (cnn_sweep_is_cut_short(&sweep->found->rows[i])) {
            cnn_html_element_format(html, "li", "run %d: %s", i + 1, sweep->found->rows[i].reason);
            named++;
        }
    }
    cnn_html_end(html);
    if (count > NAMED_MAX) {
        cnn_html_element_format(html, "p", "%d more are in sweep.csv.", count - NAMED_MAX);
    }
    return CNN_OK;
}
