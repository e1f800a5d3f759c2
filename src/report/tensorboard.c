/* The event files of runs. */
#include "cnn/tensorboard.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/epoch_table.h"
#include "report/events.h"
#include "report/events_merge.h"
#include "report/picture_choice.h"
#include "report/record.h"

#include <stdio.h>
#include <string.h>

/* The largest event file that is continued: far more than a million epochs. */
#define FILE_LIMIT ((size_t)1 << 30)
#define CONFIG_LIMIT ((size_t)16 << 20)

struct cnn_tensorboard {
    cnn_run_directory directory; /* of the current run; path NULL: none yet */
};

cnn_status cnn_tensorboard_create(cnn_tensorboard **tensorboard, cnn_error *error) {
    *tensorboard = cnn_alloc(1, sizeof **tensorboard);
    return *tensorboard ? CNN_OK : cnn_fail_memory(error, "--tensorboard");
}

void cnn_tensorboard_free(cnn_tensorboard *tensorboard) {
    if (tensorboard) {
        cnn_run_directory_free(&tensorboard->directory);
    }
    cnn_free(tensorboard);
}

/* --- the file of a run --- */

static const char *path_of(const cnn_run_directory *directory) {
    return directory->file[CNN_RUN_EVENTS];
}

/* Merges the file, if there is one, with the epochs of metrics.csv before `step`; 0: all.
 * *count: how many these are. */
static cnn_status merge(const cnn_run_directory *directory, int64_t step, cnn_events *events,
                        size_t *count, cnn_error *error) {
    cnn_epoch_row *rows;
    char *bytes = NULL;
    size_t size = 0;
    cnn_status status =
        cnn_epoch_table_read(directory->file[CNN_RUN_METRICS], CNN_EPOCHS_ANY, &rows, count, error);
    if (status == CNN_OK) {
        status = cnn_run_read_file(directory, CNN_RUN_EVENTS, FILE_LIMIT, &bytes, &size, error);
    }
    if (status == CNN_OK) {
        *count = step > 0 && *count >= (size_t)step ? (size_t)step - 1 : *count;
        cnn_events_merge((const uint8_t *)(bytes ? bytes : ""), size, rows, *count, events);
    }
    cnn_free(bytes);
    cnn_free(rows);
    return status;
}

/* Writes the first `size` bytes of the text as the file. */
static cnn_status replace(const cnn_run_directory *directory, const cnn_text *text, size_t size,
                          cnn_error *error) {
    const char *path = path_of(directory);
    return text->failed ? cnn_fail_memory(error, path)
                        : cnn_file_write(path, text->data, size, error);
}

/* Appends what the text contains, and frees it. */
static cnn_status append(const cnn_run_directory *directory, cnn_text *text, cnn_error *error) {
    const char *path = path_of(directory);
    cnn_status status = text->failed ? cnn_fail_memory(error, path)
                                     : cnn_file_append(path, text->data, text->length, error);
    cnn_text_free(text);
    return status;
}

/* Begins the file, or completes an existing one, for a run whose next epoch is `step`. */
static cnn_status begin_file(const cnn_run_directory *directory, int64_t step, cnn_error *error) {
    cnn_events events = {0};
    size_t count;
    cnn_status status = merge(directory, step, &events, &count, error);
    if (status == CNN_OK && (events.changed || events.text.failed)) {
        status = replace(directory, &events.text, events.text.length, error);
    }
    cnn_text_free(&events.text);
    return status;
}

/* --- the end of a run --- */

/* The config of the run. */
static cnn_status add_config(const cnn_run_directory *directory, int64_t step, cnn_text *text,
                             cnn_error *error) {
    const char *path = directory->file[CNN_RUN_CONFIG];
    char tag[] = CNN_EVENT_CONFIG, *config;
    size_t size;
    cnn_status status = cnn_file_read(path, CONFIG_LIMIT, CNN_ERROR_RUNTIME, &config, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    cnn_text markdown = {0};
    cnn_text_format(&markdown, "```json\n%s\n```\n", config);
    cnn_free(config);
    if (!markdown.failed) {
        cnn_event_add_text(step, tag, &markdown, text);
    }
    text->failed |= markdown.failed;
    cnn_text_free(&markdown);
    return CNN_OK;
}

/* The pictures of a group in the report, under a map of the evidence for each class. */
static cnn_status add_group(const cnn_report *report, int64_t step, const char *name,
                            const size_t *images, size_t count, cnn_text *text, cnn_error *error) {
    cnn_thumbnail thumbnails[CNN_PICTURES_MAX] = {0};
    cnn_status status =
        cnn_thumbnails_make(report, &report->images[0], images, count, true, thumbnails, error);
    for (size_t i = 0; i < count; i++) {
        char tag[40];
        (void)snprintf(tag, sizeof tag, "%s/%zu", name, i + 1);
        if (status == CNN_OK && thumbnails[i].picture.bytes) {
            cnn_event_add_image(step, tag, &thumbnails[i], text);
        }
        cnn_thumbnail_release(&thumbnails[i]);
    }
    return status;
}

/* The worst mistakes of each class, and the images that the model is least certain about. */
static cnn_status add_pictures(const cnn_report *report, int64_t step, cnn_text *text,
                               cnn_error *error) {
    static const struct {
        cnn_picture_group group;
        const char *name;
    } groups[] = {{CNN_PICTURES_MISTAKES_0, "mistakes_of_class_0"},
                  {CNN_PICTURES_MISTAKES_1, "mistakes_of_class_1"},
                  {CNN_PICTURES_UNCERTAIN, "least_certain"}};
    cnn_picture_choice choice;
    if (report->images_count == 0) {
        return CNN_OK;
    }
    CNN_TRY(cnn_picture_choice_of_report(report, &choice, error));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        cnn_picture_group group = groups[i].group;
        CNN_TRY(add_group(report, step, groups[i].name, choice.image[group], choice.count[group],
                          text, error));
    }
    return CNN_OK;
}

/* Appends what can be said at the end, the config last: where it is, nothing is missing. */
static cnn_status add_end(const cnn_run_directory *directory, int64_t step, cnn_error *error) {
    cnn_record record;
    cnn_text text = {0};
    cnn_status status = cnn_record_read(directory->path, &record, error);
    if (status == CNN_OK) {
        status = add_pictures(&record.report, step, &text, error);
    }
    cnn_record_free(&record);
    if (status == CNN_OK) {
        status = add_config(directory, step, &text, error);
    }
    if (status == CNN_OK) {
        return append(directory, &text, error);
    }
    cnn_text_free(&text);
    return status;
}

/* Completes the file of a finished run. Of the events at its end, all are there or none. */
static cnn_status complete_file(const cnn_run_directory *directory, cnn_error *error) {
    cnn_events events = {0};
    size_t epochs;
    cnn_status status = merge(directory, 0, &events, &epochs, error);
    const size_t size = events.ended ? events.text.length : events.measured;
    const bool changed = events.changed || size != events.text.length || events.text.failed;
    if (status == CNN_OK && changed && epochs > 0) {
        status = replace(directory, &events.text, size, error);
    }
    cnn_text_free(&events.text);
    return status == CNN_OK && epochs > 0 && !events.ended
               ? add_end(directory, (int64_t)epochs, error)
               : status;
}

/* A run without an end, such as one that a sweep has paused, has the numbers of its epochs. */
static cnn_status complete(const cnn_run_directory *directory, cnn_error *error) {
    bool finished, begun, measured;
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_SUMMARY, &finished, error));
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_EVENTS, &begun, error));
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_METRICS, &measured, error));
    return finished            ? complete_file(directory, error)
           : begun && measured ? begin_file(directory, 0, error)
                               : CNN_OK;
}

/* --- runs --- */

/* Makes `path` the current run, whose next epoch is `step`. */
static cnn_status enter(cnn_tensorboard *tensorboard, const char *path, int64_t step,
                        cnn_error *error) {
    cnn_run_directory *current = &tensorboard->directory;
    if (current->path && strcmp(current->path, path) == 0) {
        return CNN_OK;
    }
    if (current->path) {
        CNN_TRY(complete(current, error));
        cnn_run_directory_free(current);
    }
    CNN_TRY(cnn_run_directory_name(path, current, error));
    return begin_file(current, step, error);
}

cnn_status cnn_tensorboard_epoch(cnn_tensorboard *tensorboard, const cnn_train_epoch *epoch,
                                 cnn_error *error) {
    cnn_text text = {0};
    CNN_TRY(enter(tensorboard, epoch->directory, epoch->epoch, error));
    cnn_event_add_scalars(epoch, &text);
    return append(&tensorboard->directory, &text, error);
}

/* Completes the file in `path`, which is freed; NULL: memory is refused. *there: is it a folder? */
static cnn_status finish_run(char *path, bool *there, cnn_error *error) {
    cnn_run_directory directory = {0};
    cnn_status status = path ? CNN_OK : cnn_fail_memory(error, "--tensorboard");
    *there = status == CNN_OK && cnn_folder_exists(path);
    if (*there) {
        status = cnn_run_directory_name(path, &directory, error);
        if (status == CNN_OK) {
            status = complete(&directory, error);
        }
    }
    cnn_run_directory_free(&directory);
    cnn_free(path);
    return status;
}

/* The directory of a member, from 1; NULL if memory is refused. */
static char *member_path(const cnn_tensorboard_runs *runs, const char *output, int member) {
    return runs->sweep ? cnn_run_member_path(output, member) : cnn_run_fold_path(output, member);
}

cnn_status cnn_tensorboard_finish(cnn_tensorboard *tensorboard, const cnn_tensorboard_runs *runs,
                                  cnn_error *error) {
    const char *output = runs->output ? runs->output : runs->config->output;
    bool there = output != NULL;
    (void)tensorboard;
    if (there && !runs->sweep && runs->folds == 0) {
        return finish_run(cnn_copy_string(output), &there, error);
    }
    if (there && runs->member > 0) {
        return finish_run(member_path(runs, output, runs->member), &there, error);
    }
    for (int member = 1; there && (runs->sweep || member <= runs->folds); member++) {
        CNN_TRY(finish_run(member_path(runs, output, member), &there, error));
    }
    return CNN_OK;
}
