/* Event files that are cut short at any byte, or have gaps, doubles or later epochs, and what is
 * made of them. */
#include "base/memory.h"
#include "report/event_file.h"
#include "report/events.h"
#include "report/events_merge.h"
#include "test_support.h"

#include <string.h>

enum { EPOCHS = 4 };

static cnn_epoch_row rows[EPOCHS];

static void add_epoch(int64_t epoch, cnn_text *text) {
    const cnn_train_epoch numbers = {.epoch = epoch, .train_loss = 1.0 / (double)epoch};
    cnn_event_add_scalars(&numbers, text);
}

static void add_config(int64_t epoch, cnn_text *text) {
    cnn_text markdown = {0};
    cnn_text_format(&markdown, "{}");
    cnn_event_add_text(epoch, (char[]){CNN_EVENT_CONFIG}, &markdown, text);
    cnn_text_free(&markdown);
}

/* The events as "v 1 2 c2 3": the version, epochs, the config at an epoch. To free. */
static char *list(const cnn_text *file) {
    const uint8_t *data;
    size_t at = 0, size, record;
    cnn_text text = {0};
    cnn_event event;
    while (at < file->length) {
        assert_true(cnn_event_record_read((const uint8_t *)file->data + at, file->length - at,
                                          &data, &size, &record));
        assert_true(cnn_event_read(data, size, &event));
        if (event.step == 0) {
            cnn_text_format(&text, "v");
        } else {
            cnn_text_format(&text, "%s%d",
                            event.is_config     ? " c"
                            : event.has_scalars ? " "
                                                : " ?",
                            (int)event.step);
        }
        at += record;
    }
    return cnn_text_take(&text);
}

/* Merges file[size] with `count` epochs: the events, and whether they have changed and ended. */
static void expect(const cnn_text *file, size_t size, size_t count, const char *events,
                   bool changed, bool ended) {
    cnn_events merged;
    cnn_events_merge((const uint8_t *)file->data, size, rows, count, &merged);
    assert_false(merged.text.failed);
    char *found = list(&merged.text);
    assert_string_equal(found, events);
    assert_int_equal(merged.changed, changed);
    assert_int_equal(merged.ended, ended);
    if (!ended) {
        cnn_text measured = {.data = merged.text.data, .length = merged.measured};
        char *numbers = list(&measured); /* a whole number of events */
        cnn_text_release(numbers);
    }
    cnn_text_release(found);
    cnn_text_free(&merged.text);
}

/* Wherever a process was killed while it wrote, no epoch is lost, and none is there twice. */
static void test_cut_at_every_byte(void **state) {
    (void)state;
    cnn_text file = {0};
    cnn_event_add_version(&file);
    for (int64_t epoch = 1; epoch <= 3; epoch++) {
        add_epoch(epoch, &file);
    }
    const size_t without_end = file.length;
    add_config(3, &file);
    for (size_t size = 0; size < file.length; size++) {
        expect(&file, size, 3, "v 1 2 3", size != without_end, false);
    }
    expect(&file, file.length, 3, "v 1 2 3 c3", false, true);
    cnn_text_free(&file);
}

static void test_gaps_and_doubles(void **state) {
    (void)state;
    cnn_text file = {0};
    cnn_event_add_version(&file);
    add_epoch(2, &file);
    add_config(2, &file); /* of an end after two epochs, before the run went on */
    add_epoch(2, &file);
    add_epoch(4, &file);
    expect(&file, file.length, 4, "v 1 2 c2 3 4", true, false);
    expect(&file, file.length, 3, "v 1 2 c2 3", true, false);
    expect(&file, file.length, 2, "v 1 2 c2", true, true);
    expect(&file, file.length, 1, "v 1", true, false);
    expect(&file, file.length, 0, "v", true, false);
    cnn_text_free(&file);
}

/* An end belongs to the epoch that it follows: the config comes after the numbers. */
static void test_end_without_numbers(void **state) {
    (void)state;
    cnn_text file = {0};
    cnn_event_add_version(&file);
    add_epoch(1, &file);
    add_config(2, &file);
    expect(&file, file.length, 2, "v 1 2 c2", true, true);
    expect(&file, file.length, 3, "v 1 2 c2 3", true, false);
    cnn_text_free(&file);
}

/* A record whose data are no event ends what is kept, as a damaged one. */
static void test_no_event(void **state) {
    (void)state;
    cnn_text file = {0};
    cnn_event_add_version(&file);
    cnn_event_record((const uint8_t *)"\xff\xff", 2, &file);
    add_epoch(1, &file);
    expect(&file, file.length, 2, "v 1 2", true, false);
    expect(&file, 0, 0, "v", true, false);
    cnn_text_free(&file);
}

int main(void) {
    for (int i = 0; i < EPOCHS; i++) {
        rows[i] = (cnn_epoch_row){
            .epoch = i + 1, .train = cnn_metrics_none(), .validation = cnn_metrics_none()};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_gaps_and_doubles),
        cmocka_unit_test(test_end_without_numbers),
        cmocka_unit_test(test_no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
