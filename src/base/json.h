/* Reads JSON with cJSON: in every locale, and distinguishes a lack of memory from text that is not
 * JSON. base/json_writer.h writes JSON. */
#ifndef CNN_BASE_JSON_H
#define CNN_BASE_JSON_H

#include "base/text.h"

#include <cJSON.h>

/* cJSON_ParseWithLengthOpts. NULL with *no_memory: memory was refused. NULL without: the text is
 * not JSON. */
cJSON *cnn_json_parse(const char *text, size_t size, const char **end, bool to_the_end,
                      bool *no_memory);

/* Appends a value that was read to a text, as compact JSON; nothing where it is NULL. Lists and
 * objects that are nested very deeply are shown as null. */
void cnn_json_item(cnn_text *text, const cJSON *item);

#endif
