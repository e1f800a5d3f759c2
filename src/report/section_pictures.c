#include "report/sections.h"

cnn_status cnn_report_pictures(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)html;
    (void)report;
    (void)error;
    return CNN_OK;
}
