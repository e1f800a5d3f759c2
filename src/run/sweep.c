/* A sweep as a set of runs: members whose configs differ in the values of some keys. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/duration.h"
#include "run/run_set.h"

#include <stdio.h>
#include <string.h>

/* The largest members.csv that is read. */
#define TABLE_LIMIT ((size_t)64 << 20)

/* --- a member --- */

static const cnn_config *member_config(const void *context, int member) {
    const cnn_sweep_set *set = context;
    return set->configs[member - 1];
}

static const cnn_config *resolved_config(const void *context) {
    const cnn_sweep_set *set = context;
    return set->base;
}

/* *begun: has the member a checkpoint? */
static cnn_status has_begun(const cnn_sweep_set *set, int member, bool *begun, cnn_error *error) {
    cnn_run_directory directory;
    cnn_status status = cnn_run_member_directory(set->directory, member, &directory, error);
    if (status == CNN_OK) {
        status = cnn_run_has_file(&directory, CNN_RUN_CHECKPOINT, begun, error);
    }
    cnn_run_directory_free(&directory);
    return status;
}

/* user: the set. As in set_jobs.c. */
static void log_as_detail(void *user, cnn_log_level level, const char *line) {
    const cnn_sweep_set *set = user;
    cnn_log_message(&set->train.common.log, level < CNN_LOG_WARNING ? CNN_LOG_DETAIL : level, "%s",
                    line);
}

/* A resumed run may have to put its images into the order of its start, so it reads its own. */
static cnn_status prepare_member(void *context, int member, cnn_member *what, cnn_error *error) {
    cnn_sweep_set *set = context;
    bool begun;
    cnn_common_options options = set->train.common;
    if (set->options->member == 0) {
        options.log = (cnn_log_sink){.write = log_as_detail, .user = set};
    }
    *what = (cnn_member){.config = set->configs[member - 1], .pause = cnn_sweep_pause(set)};
    CNN_TRY(cnn_sweep_remove_note(set, member, error));
    CNN_TRY(has_begun(set, member, &begun, error));
    return begun ? CNN_OK
                 : cnn_sweep_images_get(&set->images, what->config, &options, &what->images, error);
}

static cnn_status note_failure(const void *context, int member, const cnn_error *reason,
                               cnn_error *error) {
    return cnn_sweep_note(context, member, reason, error);
}

/* The same weights diverge again; more memory may be available the next time. */
static cnn_status is_settled(const void *context, int member, bool *settled, cnn_error *reason,
                             cnn_error *error) {
    const cnn_sweep_set *set = context;
    int code;
    char *text;
    CNN_TRY(cnn_sweep_read_note(set, member, &code, &text, error));
    const bool ended = code == CNN_SWEEP_ENDED_CODE && set->sweep->halving.epochs > 0;
    *settled = code == CNN_ERROR_DIVERGED || ended;
    if (*settled) {
        (void)cnn_fail(reason, ended ? CNN_OK : CNN_ERROR_DIVERGED, "%s", text);
    }
    cnn_free(text);
    return CNN_OK;
}

static cnn_status check_outcome(const void *context, cnn_error *error) {
    return cnn_sweep_check_outcome(context, error);
}

static cnn_status begin_rung(void *context, int rung, cnn_error *error) {
    return cnn_sweep_begin_rung(context, rung, error);
}

static cnn_status is_wanted(const void *context, int member, bool *wanted, cnn_error *error) {
    return cnn_sweep_is_wanted(context, member, wanted, error);
}

/* --- members.csv --- */

static void describe_members(const void *context, cnn_text *text) {
    const cnn_sweep_set *set = context;
    cnn_sweep_members_table(set->sweep, text);
}

/* Describes the first line that differs. */
static void describe_difference(const char *then, const char *now, cnn_text *difference) {
    while (*then) {
        size_t was = strcspn(then, "\n"), is = strcspn(now, "\n");
        if (was != is || strncmp(then, now, was) != 0) {
            cnn_text_format(difference, "%.*s is now ", (int)(was < 100 ? was : 100), then);
            cnn_text_format(difference, "%.*s", is == 0 ? 7 : (int)(is < 100 ? is : 100),
                            is == 0 ? "missing" : now);
            return;
        }
        then += was + (then[was] == '\n');
        now += is + (now[is] == '\n');
    }
}

/* Members may be added at the end: that changes none of the others. */
static cnn_status follow_members(void *context, const char *table, cnn_text *difference,
                                 cnn_error *error) {
    const cnn_sweep_set *set = context;
    char *then = NULL;
    size_t size = 0;
    cnn_text now = {0};
    cnn_sweep_members_table(set->sweep, &now);
    cnn_status status =
        now.failed ? cnn_fail_memory(error, table)
                   : cnn_file_read(table, TABLE_LIMIT, CNN_ERROR_RUNTIME, &then, &size, error);
    if (status != CNN_OK) {
        cnn_text_free(&now);
        return now.failed ? status : cnn_fail_prefix(error, status, "%s: ", table);
    }
    if (strncmp(then, now.data, size) != 0) {
        describe_difference(then, now.data, difference);
        status = difference->failed ? cnn_fail_memory(error, table) : CNN_OK;
    }
    cnn_free(then);
    cnn_text_free(&now);
    return status;
}

/* --- before training --- */

static cnn_status warn_of_images(cnn_sweep_set *set, cnn_error *error) {
    cnn_text warning = {0};
    cnn_sweep_warn_of_images(set, &warning);
    cnn_status status = warning.failed ? cnn_fail_memory(error, "the configs") : CNN_OK;
    if (status == CNN_OK && warning.length > 0) {
        cnn_log_message(&set->train.common.log, CNN_LOG_WARNING, "%s", warning.data);
        set->warned = true;
    }
    cnn_text_free(&warning);
    return status;
}

static cnn_status load_set(void *context, cnn_error *error) {
    cnn_sweep_set *set = context;
    char duration[40], jobs[CNN_SWEEP_JOBS_SIZE];
    if (set->options->member > 0 || set->options->gather) {
        return CNN_OK;
    }
    CNN_TRY(warn_of_images(set, error));
    CNN_TRY(cnn_sweep_estimate(set, error));
    cnn_duration_text(cnn_sweep_seconds(set), duration);
    cnn_log_message(&set->train.common.log, CNN_LOG_INFO, "%d runs, about %s in all%s",
                    set->sweep->members, duration, cnn_sweep_jobs_text(set, jobs));
    return CNN_OK;
}

/* --- results --- */

/* describe: appends a line, or nothing. */
static void log_line(const cnn_sweep_set *set, const cnn_sweep_findings *f, cnn_log_level level,
                     void (*describe)(const cnn_sweep_set *, const cnn_sweep_findings *,
                                      cnn_text *)) {
    cnn_text text = {0};
    describe(set, f, &text);
    if (text.length > 0 && !text.failed) {
        cnn_log_message(&set->train.common.log, level, "%s", text.data);
    }
    cnn_text_free(&text);
}

static void log_choice(const cnn_sweep_set *set, const cnn_sweep_findings *f) {
    const cnn_log_sink *log = &set->train.common.log;
    const cnn_metric *metric = &cnn_metric_table[set->base->train.early_stopping.metric];
    char mean[40] = "";
    if (f->choice.member == 0) {
        cnn_log_message(log, CNN_LOG_WARNING, "no run has finished with validation metrics");
        return;
    }
    if (set->sweep->seeds > 1) {
        (void)snprintf(mean, sizeof mean, "mean of %d seeds, ", set->sweep->seeds);
    }
    cnn_log_message(log, CNN_LOG_INFO, "chosen: run %d, by the validation images (%s%s %.4f)",
                    f->choice.member, mean, metric->text, f->choice.mean);
    log_line(set, f, CNN_LOG_INFO, cnn_sweep_describe_next);
    if (!set->warned) {
        log_line(set, f, CNN_LOG_WARNING, cnn_sweep_describe_images);
    }
    if (f->test.metrics.count > 0) {
        const cnn_metrics_column column = {"test", &f->test};
        char others[60] = "this run only";
        if (f->tested > 1) {
            (void)snprintf(others, sizeof others, "%d chosen runs so far (tested.csv)", f->tested);
        }
        cnn_log_message(log, CNN_LOG_INFO, "test images, measured for %s:", others);
        cnn_metrics_log(log, &column, 1);
    }
}

/* "of 4 runs, 3 finished, 1 diverged: see sweep.csv" */
static void log_problems(const cnn_sweep_set *set, const int count[CNN_SWEEP_STATE_COUNT]) {
    static const struct {
        cnn_sweep_state state;
        const char *text;
    } others[] = {{CNN_SWEEP_DIVERGED, "diverged"},
                  {CNN_SWEEP_FAILED, "failed"},
                  {CNN_SWEEP_UNFINISHED, "unfinished"}};
    char text[120] = "";
    size_t length = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (count[others[i].state] > 0) {
            length += (size_t)snprintf(text + length, sizeof text - length, ", %d %s",
                                       count[others[i].state], others[i].text);
        }
    }
    cnn_log_message(&set->train.common.log, CNN_LOG_WARNING,
                    "of %d runs, %d finished%s: see sweep.csv", set->sweep->members,
                    count[CNN_SWEEP_FINISHED], text);
}

static void log_others(const cnn_sweep_set *set, const cnn_sweep_row *rows) {
    int count[CNN_SWEEP_STATE_COUNT] = {0}, cut = 0;
    for (int i = 0; i < set->sweep->members; i++) {
        count[rows[i].state]++;
        cut += cnn_sweep_is_cut_short(&rows[i]);
    }
    if (cut > 0) {
        cnn_log_message(&set->train.common.log, CNN_LOG_WARNING,
                        "%d of %d runs %s cut short by --max-seconds, and compared as they "
                        "are: see epochs in sweep.csv; --resume continues them",
                        cut, set->sweep->members, cut == 1 ? "was" : "were");
    }
    if (count[CNN_SWEEP_ENDED] > 0) {
        cnn_log_message(&set->train.common.log, CNN_LOG_INFO,
                        "of %d runs, %d were ended early, because others were better",
                        set->sweep->members, count[CNN_SWEEP_ENDED]);
    }
    if (count[CNN_SWEEP_FINISHED] + count[CNN_SWEEP_ENDED] < set->sweep->members) {
        log_problems(set, count);
    }
}

/* Chooses a member and compares the others with it. */
static cnn_status find(const cnn_sweep_set *set, const cnn_run_directory *directory,
                       cnn_sweep_findings *f, cnn_error *error) {
    CNN_TRY(cnn_sweep_read_rows(set, f->rows, error));
    f->choice = cnn_sweep_choose(set->sweep, f->rows, set->base->train.early_stopping.metric);
    if (f->choice.member > 0) {
        CNN_TRY(cnn_sweep_test(set, directory, f, error));
    }
    CNN_TRY(cnn_sweep_compare(set, f->rows, &f->choice, f->classes[1], f->comparisons, error));
    return cnn_sweep_key_shares(set, f->rows, f->shares, error);
}

/* A failure is no failure of the sweep. */
static void make_report(const cnn_sweep_set *set, const cnn_sweep_findings *f, const char *path) {
    cnn_error error;
    if (set->report && set->report(set, f, path, &error) != CNN_OK) {
        cnn_log_message(&set->train.common.log, CNN_LOG_WARNING,
                        "the sweep is finished, but has no report: %s", error.message);
    }
}

/* Writes all results, the summary last. */
static cnn_status find_and_write(const cnn_sweep_set *set, const cnn_run_directory *directory,
                                 cnn_sweep_findings *f, cnn_error *error) {
    CNN_TRY(find(set, directory, f, error));
    CNN_TRY(cnn_sweep_write_table(set, f->rows, directory->file[CNN_RUN_SWEEP], error));
    make_report(set, f, directory->file[CNN_RUN_REPORT]);
    CNN_TRY(cnn_sweep_write_summary(set, f, directory->file[CNN_RUN_SUMMARY], error));
    log_others(set, f->rows);
    log_choice(set, f);
    return CNN_OK;
}

static cnn_status gather_members(void *context, const cnn_run_directory *directory,
                                 cnn_error *error) {
    cnn_sweep_set *set = context;
    size_t count = (size_t)set->sweep->members, points = (size_t)set->sweep->points;
    cnn_sweep_findings f = {.test = {.metrics = cnn_metrics_none()}};
    f.rows = cnn_alloc(count, sizeof *f.rows);
    f.comparisons = cnn_alloc(points, sizeof *f.comparisons);
    cnn_sweep_images_free(&set->images);
    cnn_status status = f.rows && f.comparisons ? find_and_write(set, directory, &f, error)
                                                : cnn_fail_memory(error, "the results");
    cnn_sweep_rows_free(f.rows, set->sweep->members);
    cnn_free(f.comparisons);
    cnn_free(f.classes[0]);
    cnn_free(f.classes[1]);
    return status;
}

/* --- the whole --- */

static cnn_status read_configs(cnn_sweep_set *set, size_t size, cnn_error *error) {
    const cnn_sweep_options *options = set->options;
    const cnn_sweep_base base = {.name = options->config,
                                 .text = set->text,
                                 .size = size,
                                 .overrides = options->overrides,
                                 .override_count = options->override_count,
                                 .sweep_name = options->sweep};
    CNN_TRY(cnn_config_parse(options->config, set->text, size, options->overrides,
                             options->override_count, &set->base, error));
    cnn_config_note_source(set->base, options->config);
    CNN_TRY(cnn_sweep_load(options->sweep, &set->sweep, error));
    set->configs = cnn_alloc((size_t)set->sweep->members, sizeof(cnn_config *));
    if (!set->configs) {
        return cnn_fail_memory(error, "the configs");
    }
    for (int member = 1; member <= set->sweep->members; member++) {
        CNN_TRY(cnn_sweep_config(set->sweep, &base, member, &set->configs[member - 1], error));
    }
    return options->member <= set->sweep->members
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "--member: expected an integer from 1 to %d (%s), got %d",
                          set->sweep->members, options->sweep, options->member);
}

static cnn_status open_set(const cnn_sweep_options *options, cnn_sweep_set *set, cnn_error *error) {
    size_t size;
    *set = (cnn_sweep_set){.options = options, .train = options->train};
    set->train.no_test = true;
    cnn_status status = cnn_file_read(options->config, CNN_CONFIG_FILE_LIMIT, CNN_ERROR_CONFIG,
                                      &set->text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", options->config);
    }
    CNN_TRY(read_configs(set, size, error));
    CNN_TRY(cnn_sweep_check_halving(set, error));
    set->ended = cnn_alloc((size_t)set->sweep->points, sizeof *set->ended);
    if (!set->ended) {
        return cnn_fail_memory(error, "the runs");
    }
    if (options->member > 0 && set->sweep->halving.epochs > 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: halving: expected none with --member: which runs continue depends on "
                        "the results of all others; train them with one command (--jobs N), or, on "
                        "several machines, leave halving out and set train.early_stopping.patience",
                        options->sweep);
    }
    set->directory = options->train.output ? options->train.output : set->base->output;
    return CNN_OK;
}

static void close_set(cnn_sweep_set *set) {
    cnn_sweep_images_free(&set->images);
    for (int i = 0; set->configs && i < set->sweep->members; i++) {
        cnn_config_free(set->configs[i]);
    }
    cnn_free(set->configs);
    cnn_config_free(set->base);
    cnn_sweep_free(set->sweep);
    cnn_free(set->costs);
    cnn_free(set->ended);
    cnn_free(set->text);
}

static cnn_status run(cnn_sweep_set *set, cnn_error *error) {
    const cnn_set_kind kind = {
        .member = "run",
        .whole = CNN_SESSION_SWEEP,
        .part = CNN_SESSION_SWEEP_MEMBER,
        .table = CNN_RUN_MEMBERS,
        .changed = "the sweep file has changed since the sweep was started, in more than runs "
                   "that were added at the end (members.csv)",
        .gathers_part = true,
        .grows = true,
        .brief = true,
        .config = member_config,
        .path = cnn_run_member_path,
        .load = load_set,
        .resolved = resolved_config,
        .describe = describe_members,
        .follow = follow_members,
        .prepare = prepare_member,
        .failed = note_failure,
        .settled = is_settled,
        .rungs = cnn_sweep_rungs(set),
        .begin_rung = begin_rung,
        .wanted = is_wanted,
        .share = cnn_sweep_share(set),
        .gather = gather_members,
        .reports = set->report != NULL,
        .outcome = check_outcome};
    const cnn_run_set runs = {.kind = &kind,
                              .context = set,
                              .count = set->sweep->members,
                              .config = set->base,
                              .options = &set->train,
                              .member = set->options->member,
                              .gather = set->options->gather,
                              .jobs = set->options->jobs,
                              .progress = set->options->progress};
    return cnn_run_set_run(&runs, error);
}

cnn_status cnn_sweep_run_with(const cnn_sweep_options *options, cnn_sweep_report *report,
                              cnn_error *error) {
    cnn_sweep_set set;
    cnn_status status = open_set(options, &set, error);
    set.report = report;
    if (status == CNN_OK) {
        status = run(&set, error);
    }
    close_set(&set);
    return status;
}

/* The warning about validation images, as a line of its own. */
static void append_warning(const cnn_sweep_set *set, cnn_text *table) {
    cnn_text warning = {0};
    cnn_sweep_warn_of_images(set, &warning);
    if (warning.length > 0) {
        cnn_text_format(table, "warning: %s\n", warning.data);
    }
    table->failed = table->failed || warning.failed;
    cnn_text_free(&warning);
}

cnn_status cnn_sweep_dry_run(const cnn_sweep_options *options, char **text, cnn_error *error) {
    cnn_sweep_set set;
    cnn_text table = {0};
    cnn_status status = open_set(options, &set, error);
    if (status == CNN_OK) {
        status = cnn_sweep_estimate(&set, error);
    }
    if (status == CNN_OK) {
        cnn_sweep_describe(&set, &table);
        append_warning(&set, &table);
    }
    close_set(&set);
    *text = cnn_text_take(&table);
    return status;
}
