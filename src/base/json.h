/* cJSON, but a lack of memory is distinguished from text that is not JSON, and leaks nothing. */
#ifndef CNN_BASE_JSON_H
#define CNN_BASE_JSON_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* cJSON_ParseWithLengthOpts. *no_memory: there is no result because memory was refused. */
cJSON *cnn_json_parse(const char *text, size_t size, const char **end, bool to_the_end,
                      bool *no_memory);

/* Adds item under a name, or at the end of a list, and takes ownership of it. If memory was refused
 * for any of them (object, list and item may be NULL), frees item and returns false. */
bool cnn_json_add(cJSON *object, const char *name, cJSON *item);
bool cnn_json_append(cJSON *list, cJSON *item);

#endif
