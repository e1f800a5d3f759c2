/* Configs: the settings of a run, read from a file and the command line. */
#ifndef CNN_CONFIG_H
#define CNN_CONFIG_H

#include "cnn/status.h"
#include "cnn/text.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cnn_config cnn_config;

/* Reads the JSON file `path`, applies the overrides ("train.epochs=3", each a KEY=VALUE; VALUE is
 * read as JSON, else as a string) and checks everything: unknown, duplicate and missing keys,
 * types, ranges, and that the layers fit each other. On success *config is owned by the caller;
 * free it with cnn_config_free. CNN_ERROR_CONFIG with a message "FILE: PLACE: …", or "command line:
 * PLACE: …" for what an override set. */
CNN_MUST_USE cnn_status cnn_config_load(const char *path, const char *const *overrides,
                                        size_t override_count, cnn_config **config,
                                        cnn_error *error);
void cnn_config_free(cnn_config *config); /* NULL is allowed */

/* The path of the key that is meant by `name`, for hints: "epochs" and "train.epochs" mean
 * "train.epochs", "lr" and "learning-rate" mean "train.learning_rate". misspelt: also if the name
 * is only similar. NULL if there is none. */
const char *cnn_config_key_meant(const char *name, bool misspelt);

/* The resolved config as JSON text: every key with its value, defaults filled in. Read by
 * cnn_config_load, it gives the same config. NULL if memory is refused. Free with cnn_text_release.
 */
char *cnn_config_to_json(const cnn_config *config);

/* The table of keys as text for people, and as JSON Schema (draft 2020-12). NULL if memory is
 * refused. Free with cnn_text_release. */
char *cnn_config_help(void);
char *cnn_config_schema(void);

/* The same as part of a manual page (mdoc), and as words for shell completions: one line per key,
 * with the possible values after it if they are known ("train.shuffle true false"; "@path" is the
 * name of a file or folder). NULL and freeing as above. */
char *cnn_config_reference(void);
char *cnn_config_words(void);

#ifdef __cplusplus
}
#endif
#endif
