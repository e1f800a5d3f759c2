#include "config/threshold_rule.h"

#include "base/number_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_COST 1e9

/* Moves *text past a word that it starts with. */
static bool skip(const char **text, const char *word) {
    size_t length = strlen(word);
    bool found = strncmp(*text, word, length) == 0;
    *text += found ? length : 0;
    return found;
}

/* Reads a decimal number above 0 and up to `maximum` and moves *text past it. */
static bool read_positive(const char **text, double maximum, double *number) {
    size_t length = strspn(*text, "0123456789.eE+-"); /* no hexadecimals, no inf */
    char *end;
    *number = cnn_number_read(*text, &end);
    bool fits = isdigit((unsigned char)**text) && end == *text + length && *number > 0.0 &&
                *number <= maximum;
    *text = end;
    return fits;
}

bool cnn_threshold_rule_parse(const char *text, cnn_threshold_rule *rule) {
    *rule = (cnn_threshold_rule){.kind = CNN_THRESHOLD_F1};
    bool fits = true;
    if (skip(&text, "f1")) {
        rule->kind = CNN_THRESHOLD_F1;
    } else if (skip(&text, "youden")) {
        rule->kind = CNN_THRESHOLD_YOUDEN;
    } else if (skip(&text, "recall>=")) {
        rule->kind = CNN_THRESHOLD_RECALL;
        fits = read_positive(&text, 1.0, &rule->target);
    } else if (skip(&text, "precision>=")) {
        rule->kind = CNN_THRESHOLD_PRECISION;
        fits = read_positive(&text, 1.0, &rule->target);
    } else if (skip(&text, "cost fp=")) {
        rule->kind = CNN_THRESHOLD_COST;
        fits = read_positive(&text, LARGEST_COST, &rule->false_positive_cost) &&
               skip(&text, " fn=") &&
               read_positive(&text, LARGEST_COST, &rule->false_negative_cost);
    } else {
        fits = false;
    }
    return fits && *text == '\0';
}

bool cnn_threshold_rule_is(const char *text) {
    cnn_threshold_rule rule;
    return cnn_threshold_rule_parse(text, &rule);
}
