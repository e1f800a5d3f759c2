/* Reading JSON with cJSON, which gives the same answer for text that is no JSON and for a lack of
 * memory. */
#ifndef CNN_IO_JSON_H
#define CNN_IO_JSON_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* cJSON_ParseWithLengthOpts. *no_memory: there is no result because memory was refused. */
cJSON *cnn_json_parse(const char *text, size_t size, const char **end, bool to_the_end,
                      bool *no_memory);

#endif
