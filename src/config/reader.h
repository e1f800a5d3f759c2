/* Reading values from JSON by a table of keys, with messages that say where a value came from, what
 * was expected and what was found: "cfg.json: layers[2].kernel: expected an integer from 1 to 31,
 * got 0". */
#ifndef CNN_CONFIG_READER_H
#define CNN_CONFIG_READER_H

#include "base/value_kind.h"

#include <cJSON.h>

/* Size of the text of a place in a config, as in messages: "layers[0].filters". */
#define CNN_CONFIG_PLACE_SIZE 256

/* What is needed for messages. */
typedef struct cnn_reader {
    const char *file;                               /* NULL: messages begin with the place */
    char (*override_places)[CNN_CONFIG_PLACE_SIZE]; /* the places that the command line set */
    const char *const *overrides;                   /* as on the command line */
    size_t override_count;
    size_t command_line_count; /* of the overrides; those after them are from the file `sweep` */
    const char *sweep;
    cnn_error *error;
} cnn_reader;

/* Formats a place. Places are short, because the nesting of residuals is limited. */
void cnn_reader_place(char place[CNN_CONFIG_PLACE_SIZE], const char *format, ...) CNN_PRINTF(2, 3);

/* The source of override i: "command line", or the sweep file. */
const char *cnn_reader_override_origin(const cnn_reader *reader, size_t i);

/* The source of the value at this place: the file, or that of the override. */
const char *cnn_reader_origin(const cnn_reader *reader, const char *place);

/* Each of these reports an error at a place ("": the whole file) and returns CNN_ERROR_CONFIG. */
cnn_status cnn_reader_fail(const cnn_reader *reader, const char *place, const char *format, ...)
    CNN_PRINTF(3, 4);
cnn_status cnn_reader_expected(const cnn_reader *reader, const char *place, const char *expected,
                               const cJSON *found);
/* Reports that `found` is none of the names, which end with NULL. what: "key" or "layer". */
cnn_status cnn_reader_unknown(const cnn_reader *reader, const char *place, const char *what,
                              const char *found, const char *const *names);

/* Checks that the object has only these keys, and none twice. */
CNN_MUST_USE cnn_status cnn_reader_check_names(const cnn_reader *reader, const char *place,
                                               const cJSON *object, const char *const *names);

/* Sets the field of one key of the table `keys` to the value `json`, or to the default if that is
 * NULL. */
CNN_MUST_USE cnn_status cnn_reader_read_key(const cnn_reader *reader, const char *place,
                                            const cnn_key *keys, const cnn_key *key,
                                            const cJSON *json, void *record);

/* Parses the text of a file (`size` bytes, followed by '\0') as a JSON object, which the caller
 * deletes. If it is not one, the message states line and column. */
CNN_MUST_USE cnn_status cnn_reader_parse(const cnn_reader *reader, const char *text, size_t size,
                                         cJSON **root);

#endif
