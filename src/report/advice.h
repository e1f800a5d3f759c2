/* What to watch out for: rules that look at the record of a run, each with what to do about it. */
#ifndef CNN_REPORT_ADVICE_H
#define CNN_REPORT_ADVICE_H

#include "report/report.h"

/* The pages on which a rule can apply: bits. */
enum { CNN_PAGE_RUN = 1, CNN_PAGE_SET = 2, CNN_PAGE_EVALUATION = 4 };

/* `Words` between backquotes are code (cnn_prose). */
typedef struct cnn_advice {
    const char *name;  /* for tests */
    const char *title; /* a few words */
    unsigned pages;
    const char *rule; /* when it applies, in a sentence with its numbers */
    bool (*applies)(const cnn_report *report);
    void (*describe)(cnn_html *html, const cnn_report *report); /* what was found, in a sentence */
    const char *remedy;                                         /* what to do about it … */
    const char *of_evaluation; /* … on the page of cnneval, which trains nothing; NULL: the same */
    const char *of_set;        /* … on that of a set of runs; NULL: the same */
} cnn_advice;

/* All rules, what matters most first; ends with one without a name. */
extern const cnn_advice cnn_advice_table[];

/* Can the rule apply on this page? */
bool cnn_advice_fits(const cnn_advice *rule, const cnn_report *report);

/* What to do, on this page. */
const char *cnn_advice_remedy(const cnn_advice *rule, const cnn_report *report);

#endif
