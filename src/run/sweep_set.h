/* A sweep in progress: shared by the files of the sweep, and not included elsewhere.
 *
 *   sweep.c              the sweep as a set of runs (run_set.h)
 *   sweep_images.c       images that neighbouring members share
 *   sweep_estimate.c     how long the members will take
 *   sweep_halving.c      members that are ended early
 *   sweep_notes.c        failed members
 *   sweep_results.c      reads the results of members from their directories
 *   sweep_choice.c       the member that is chosen
 *   sweep_predictions.c  what members say about each validation image
 *   sweep_compare.c      is it really better than others?
 *   sweep_verdict.c      the same in words
 *   sweep_keys.c         which keys mattered
 *   sweep_test.c         measures its model on the test images
 *   sweep_tested.c       the models that have been measured on them
 *   sweep_tables.c       members.csv, sweep.csv, summary.json */
#ifndef CNN_RUN_SWEEP_SET_H
#define CNN_RUN_SWEEP_SET_H

#include "config/sweep.h"
#include "run/directory.h"
#include "run/training.h"
#include "samples/dataset.h"
#include "stats/metrics_text.h"

#include "cnn/sweep.h"

/* The images of the member that used some last. */
typedef struct cnn_sweep_images {
    char *key; /* a text that equal images share; NULL: none are loaded */
    cnn_dataset *dataset;
} cnn_sweep_images;

struct cnn_sweep_findings;

typedef struct cnn_sweep_set {
    const cnn_sweep_options *options;
    cnn_train_options train; /* the options of the set, completed */
    cnn_sweep *sweep;
    char *text;           /* of the config */
    cnn_config *base;     /* the config without the values of a member */
    cnn_config **configs; /* [members] */
    cnn_sweep_images images;
    cnn_train_cost *costs; /* [members]; NULL: not estimated */
    const char *directory; /* of the set */
    int rung;              /* of halving, from 0 */
    bool *ended;           /* [points]: by halving */
    bool warned;           /* of other validation images */
    cnn_status (*report)(const struct cnn_sweep_set *set, const struct cnn_sweep_findings *found,
                         const char *path, cnn_error *error); /* cnn_sweep_report, or NULL */
} cnn_sweep_set;

/* The state of a member. */
typedef enum cnn_sweep_state {
    CNN_SWEEP_UNFINISHED,
    CNN_SWEEP_FINISHED,
    CNN_SWEEP_DIVERGED,
    CNN_SWEEP_FAILED,
    CNN_SWEEP_ENDED, /* early, by halving */
    CNN_SWEEP_STATE_COUNT,
} cnn_sweep_state;

extern const char *const cnn_sweep_state_names[CNN_SWEEP_STATE_COUNT];

/* The results of a member. Numbers that do not exist are NaN. */
typedef struct cnn_sweep_row {
    cnn_sweep_state state;
    char *reason;       /* of a failure, or why it has not trained to its end; else NULL */
    bool stopped_early; /* by train.early_stopping.patience */
    double epochs, best_epoch, parameters, threshold, train_loss, train_accuracy;
    /* of model.bin, on the validation images; of a run that was ended: of its best epoch */
    double metrics[CNN_METRIC_COUNT];
    cnn_interval intervals[CNN_METRIC_COUNT];
    double seconds, images_per_second;
} cnn_sweep_row;

/* The member that is chosen: of the best combination, the best seed. */
typedef struct cnn_sweep_choice {
    int member;  /* 0: no member has finished with validation metrics */
    int point;   /* its combination; 0: none */
    double mean; /* of the metric, over the seeds of the combination */
    int next;    /* the combination that would be chosen without this one; 0: none */
} cnn_sweep_choice;

/* --- sweep_images.c --- */

/* *dataset: the images of a member, loaded unless those of the last call are the same; they belong
 * to *images. NULL if a run with this config must read its own: with a pretrained network. */
CNN_MUST_USE cnn_status cnn_sweep_images_get(cnn_sweep_images *images, const cnn_config *config,
                                             const cnn_common_options *options,
                                             cnn_dataset **dataset, cnn_error *error);
void cnn_sweep_images_free(cnn_sweep_images *images);

/* --- sweep_estimate.c --- */

/* Estimates what each member takes, into set->costs, with the threads that jobs leave it. Members
 * that differ only in keys that have no influence on the speed are measured once. Fails if a member
 * cannot be trained on its images. */
CNN_MUST_USE cnn_status cnn_sweep_estimate(cnn_sweep_set *set, cnn_error *error);

/* Seconds that a member takes, and all of them, as many at the same time as there are jobs. */
double cnn_sweep_seconds_of(const cnn_sweep_set *set, int member);
double cnn_sweep_seconds(const cnn_sweep_set *set);

/* ", 2 at the same time"; "" without jobs. Returns text. */
enum { CNN_SWEEP_JOBS_SIZE = 40 };
const char *cnn_sweep_jobs_text(const cnn_sweep_set *set, char text[CNN_SWEEP_JOBS_SIZE]);

/* The members and what they take, as a table for people. */
void cnn_sweep_describe(const cnn_sweep_set *set, cnn_text *text);

/* --- sweep_halving.c --- */

/* Fails if no comparison would come before the end of a run: halving would do nothing. */
CNN_MUST_USE cnn_status cnn_sweep_check_halving(const cnn_sweep_set *set, cnn_error *error);

/* Parts into which the training of all members is divided, after each of which some are ended; 1
 * without halving. */
int cnn_sweep_rungs(const cnn_sweep_set *set);

/* The share of all epochs that is trained, if no run stops early for another reason. */
double cnn_sweep_share(const cnn_sweep_set *set);

/* Before each part, from 0: decides which combinations continue. */
CNN_MUST_USE cnn_status cnn_sweep_begin_rung(cnn_sweep_set *set, int rung, cnn_error *error);

/* *wanted: is the member to be trained in this part? */
CNN_MUST_USE cnn_status cnn_sweep_is_wanted(const cnn_sweep_set *set, int member, bool *wanted,
                                            cnn_error *error);

/* The epoch after which members are paused in this part; 0: none. */
int64_t cnn_sweep_pause(const cnn_sweep_set *set);

/* --- sweep_notes.c --- */

/* The code of a note that is no failure: the member was ended early. */
enum { CNN_SWEEP_ENDED_CODE = -1 };
CNN_MUST_USE cnn_status cnn_sweep_note_end(const cnn_sweep_set *set, int member,
                                           const cnn_error *reason, cnn_error *error);

/* Makes a note of a failure, failed.json in the member's directory. */
CNN_MUST_USE cnn_status cnn_sweep_note(const cnn_sweep_set *set, int member,
                                       const cnn_error *reason, cnn_error *error);
CNN_MUST_USE cnn_status cnn_sweep_remove_note(const cnn_sweep_set *set, int member,
                                              cnn_error *error);

/* Reads the note of a member. *code: 0 if there is none. *reason: to be freed with cnn_free. */
CNN_MUST_USE cnn_status cnn_sweep_read_note(const cnn_sweep_set *set, int member, int *code,
                                            char **reason, cnn_error *error);

/* Fails if there are notes of all members, with the status of one of them: if possible, another
 * than CNN_ERROR_DIVERGED. */
CNN_MUST_USE cnn_status cnn_sweep_check_outcome(const cnn_sweep_set *set, cnn_error *error);

/* --- sweep_results.c --- */

/* Reads the results of each member into rows[members], which are all zero. Free with
 * cnn_sweep_rows_free. */
CNN_MUST_USE cnn_status cnn_sweep_read_rows(const cnn_sweep_set *set, cnn_sweep_row *rows,
                                            cnn_error *error);
void cnn_sweep_rows_free(cnn_sweep_row *rows, int count);

/* Has --max-seconds ended the run before its last epoch? Its row then has a reason. */
bool cnn_sweep_is_cut_short(const cnn_sweep_row *row);

/* --- sweep_choice.c --- */

/* The finished seeds of a combination, from 1, that have the metric, and its mean over them; NaN if
 * there are none. */
int cnn_sweep_mean(const cnn_sweep *sweep, const cnn_sweep_row *rows, int point,
                   cnn_metric_id metric, double *mean);

/* Is metric value a better than b? NaN is never better. */
bool cnn_sweep_is_better(cnn_metric_id metric, double a, double b);

/* Chooses the combination with the most finished seeds, and of those the one with the best mean of
 * the metric over its finished seeds; then the best of its members. Ties go to the first. */
cnn_sweep_choice cnn_sweep_choose(const cnn_sweep *sweep, const cnn_sweep_row *rows,
                                  cnn_metric_id metric);

/* --- sweep_predictions.c --- */

/* What the model of a member says about its validation images, in a metric that is a mean of values
 * of images. */
typedef struct cnn_sweep_predictions {
    uint64_t *image; /* [count], hashes of paths */
    uint8_t *label;  /* [count] */
    double *value;   /* [count]: of the log loss or the Brier score: the image's; of the area under
                      * the ROC curve: its component (stats/compare.h); else 1 for a correct
                      * classification, 0 for a wrong one */
    size_t count, capacity[3];
} cnn_sweep_predictions;

/* Reads predictions.csv of a finished member. class_1: the name of class 1. Free with
 * cnn_sweep_free_predictions, also after a failure. */
CNN_MUST_USE cnn_status cnn_sweep_read_predictions(const cnn_sweep_set *set, int member,
                                                   const char *class_1, cnn_metric_id metric,
                                                   cnn_sweep_predictions *predictions,
                                                   cnn_error *error);
void cnn_sweep_free_predictions(cnn_sweep_predictions *predictions);

/* --- sweep_compare.c --- */

/* How much better the chosen combination is than another one, on the same validation images, in the
 * metric cnn_sweep_compared. */
typedef struct cnn_sweep_comparison {
    size_t cells;          /* images, each counted for every seed; 0: nothing could be compared */
    int seeds;             /* with which both have finished, on the same images */
    double difference;     /* of the metric; above 0: the chosen one is better */
    double standard_error; /* of the difference, with images and seeds as drawn by chance */
    double p;              /* two-sided (stats/crossed.h) */
    double adjusted_p;     /* corrected for the choice among all combinations */
    bool other_images;     /* a seed was left out, because the validation images are not the same */
} cnn_sweep_comparison;

/* The metric in which combinations are compared: this one, if it is a mean of values of images;
 * else the log loss. */
cnn_metric_id cnn_sweep_compared(cnn_metric_id metric);

/* Compares the chosen combination with all others: results[points]. class_1: the name of class 1.
 */
CNN_MUST_USE cnn_status cnn_sweep_compare(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                                          const cnn_sweep_choice *choice, const char *class_1,
                                          cnn_sweep_comparison *results, cnn_error *error);

/* --- sweep_keys.c --- */

/* What a key has to do with the results of finished members. */
typedef struct cnn_sweep_key_share {
    double share; /* of the variance of the ranks of the metric, that goes with the value of this
                   * key alone: 0 to 1. NaN: all results are equal, or it cannot be told */
    double p;     /* of such a share, or a greater one, by chance; NaN as `share` */
    int results;  /* that are ranked: members; for drawn values, combinations */
    int values;   /* different ones among them; of drawn numbers: 2 if they differ */
} cnn_sweep_key_share;

/* shares[i]: of key i. Of k values in lists, with n results: epsilon squared (Kelley 1935), the
 * share of the variance between the values, less what chance is expected to give,
 * (H - k + 1) / (n - k) with the H of Kruskal and Wallis (1952). Of drawn numbers: Spearman's
 * correlation, squared and corrected in the same way. Below 0, it is 0. p: by the F distribution
 * (Conover and Iman 1981). With "seeds", drawn values are ranked by the mean over seeds, because
 * their runs are not independent. */
CNN_MUST_USE cnn_status cnn_sweep_key_shares(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                                             cnn_sweep_key_share shares[CNN_SWEEP_KEYS_MAX],
                                             cnn_error *error);

/* --- sweep_test.c --- */

/* Measures the chosen member's model on its test images, and writes their predictions into the
 * directory of the set. Fills found->test, classes and tested from found->choice and rows. If there
 * are no test images, test.metrics.count and tested are 0, and nothing is written. */
CNN_MUST_USE cnn_status cnn_sweep_test(const cnn_sweep_set *set, const cnn_run_directory *directory,
                                       struct cnn_sweep_findings *found, cnn_error *error);

/* --- sweep_tested.c --- */

/* Adds the model that the member has after so many epochs to the list of those that have been
 * measured on the test images, tested.csv in the set's directory; before it is measured, so that a
 * kill hides none. *count: the models in the list. */
CNN_MUST_USE cnn_status cnn_sweep_add_tested(const cnn_run_directory *directory, int member,
                                             double epochs, int *count, cnn_error *error);

/* --- sweep_tables.c --- */

/* members.csv: member, and a column for each key. */
void cnn_sweep_members_table(const cnn_sweep *sweep, cnn_text *text);

/* sweep.csv: a row for each member, with its values and results. */
CNN_MUST_USE cnn_status cnn_sweep_write_table(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                                              const char *path, cnn_error *error);

/* What is known when all members have been read. */
typedef struct cnn_sweep_findings {
    cnn_sweep_row *rows; /* [members] */
    cnn_sweep_choice choice;
    cnn_measured test;                 /* of the chosen member; count 0: none */
    int tested;                        /* models measured on the test images so far, with it */
    char *classes[2];                  /* NULL if no member was chosen; cnn_free */
    cnn_sweep_comparison *comparisons; /* [points] */
    cnn_sweep_key_share shares[CNN_SWEEP_KEYS_MAX];
} cnn_sweep_findings;

/* --- sweep_verdict.c --- */

typedef enum cnn_sweep_shown {
    CNN_SWEEP_SHOWS_NOTHING,
    CNN_SWEEP_SHOWS_BETTER, /* adjusted_p < 0.05 */
    CNN_SWEEP_SHOWS_WORSE,
} cnn_sweep_shown;

cnn_sweep_shown cnn_sweep_what_is_shown(const cnn_sweep_comparison *comparison);

/* Appends whether the chosen combination is better than the next one, as sentences of which the
 * first begins with a small letter; nothing if there is no next one. */
void cnn_sweep_describe_next(const cnn_sweep_set *set, const cnn_sweep_findings *findings,
                             cnn_text *text);

/* Appends a warning if other combinations were judged by other images than the chosen one. */
void cnn_sweep_describe_images(const cnn_sweep_set *set, const cnn_sweep_findings *findings,
                               cnn_text *text);

/* Appends a warning if the keys of the sweep make that likely; before anything is trained. */
void cnn_sweep_warn_of_images(const cnn_sweep_set *set, cnn_text *text);

/* --- sweep.c --- */

/* Makes the report of a sweep, the file `path`. */
typedef cnn_status cnn_sweep_report(const cnn_sweep_set *set, const cnn_sweep_findings *found,
                                    const char *path, cnn_error *error);

/* cnn_sweep_run. report: called when all other results are known, before summary.json is written; a
 * failure is a warning. NULL: none is made. */
CNN_MUST_USE cnn_status cnn_sweep_run_with(const cnn_sweep_options *options,
                                           cnn_sweep_report *report, cnn_error *error);

/* --- sweep_tables.c, again --- */

/* summary.json. */
CNN_MUST_USE cnn_status cnn_sweep_write_summary(const cnn_sweep_set *set,
                                                const cnn_sweep_findings *findings,
                                                const char *path, cnn_error *error);

#endif
