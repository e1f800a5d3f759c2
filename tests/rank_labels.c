/* Ranks the images of a predictions.csv by how much their labels are doubted, for label_flips.sh:
 *
 *     rank_labels predictions.csv CLASS_0 CLASS_1
 *
 * prints one path per line, the most doubtful first, after a line with the number of suspicious
 * ones. Paths and labels must not contain commas, quotes or line ends. */
#include "stats/confident_learning.h"

#include "cnn/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1024, IMAGES_MAX = 100000 };

static char *paths[IMAGES_MAX];
static uint8_t labels[IMAGES_MAX];
static double probabilities[IMAGES_MAX];

static void fail(const char *text) {
    fprintf(stderr, "rank_labels: %s\n", text);
    exit(1);
}

/* path,label,predicted,probability[,fold] */
static void read_row(char *line, const char *const classes[2], size_t image) {
    const char *fields[4];
    for (size_t f = 0; f < 4; f++) {
        fields[f] = strtok(f == 0 ? line : NULL, ",\n");
        if (!fields[f]) {
            fail("expected four columns");
        }
    }
    labels[image] = strcmp(fields[1], classes[1]) == 0;
    if (!labels[image] && strcmp(fields[1], classes[0]) != 0) {
        fail("found another label");
    }
    probabilities[image] = strtod(fields[3], NULL);
    paths[image] = malloc(strlen(fields[0]) + 1);
    if (!paths[image]) {
        fail("out of memory");
    }
    strcpy(paths[image], fields[0]);
}

static size_t read_rows(const char *name, const char *const classes[2]) {
    char line[LINE];
    size_t count = 0;
    FILE *file = fopen(name, "r");
    if (!file || !fgets(line, sizeof line, file)) { /* the header */
        fail("cannot read the predictions");
    }
    while (fgets(line, sizeof line, file) && count < IMAGES_MAX) {
        read_row(line, classes, count++);
    }
    fclose(file);
    return count;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fail("expected predictions.csv CLASS_0 CLASS_1");
    }
    cnn_label_doubts doubts;
    cnn_error error;
    size_t count = read_rows(argv[1], (const char *const *)&argv[2]);
    if (cnn_label_doubts_find(probabilities, labels, count, &doubts, &error) != CNN_OK) {
        fail(error.message);
    }
    printf("%zu\n", doubts.suspicious);
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", paths[doubts.ranking[i]]);
    }
    cnn_label_doubts_free(&doubts);
    for (size_t i = 0; i < count; i++) {
        free(paths[i]);
    }
    return 0;
}
