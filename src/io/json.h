/* JSON by cJSON, which does not say why it gives nothing. */
#ifndef CNN_IO_JSON_H
#define CNN_IO_JSON_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* The value at the start of `length` bytes of text; `whole`: up to a '\0' there must be nothing
 * else. NULL where the text is no JSON, then *end (NULL: not wanted) is about where, or where
 * memory was refused, which *no_memory tells. Free with cJSON_Delete. */
cJSON *cnn_json_parse(const char *text, size_t length, bool whole, const char **end,
                      bool *no_memory);

/* Adds an item, which it takes, to an object or a list; false, and the item freed, where that is
 * refused. The item may be NULL, for the want of memory: that is refused. */
bool cnn_json_add(cJSON *object, const char *name, cJSON *item);
bool cnn_json_append(cJSON *list, cJSON *item);

#endif
