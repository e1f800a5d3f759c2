/* KEY=VALUE arguments of the command line, applied to the config's JSON before config/read.c reads
 * it. */
#ifndef CNN_CONFIG_OVERRIDE_H
#define CNN_CONFIG_OVERRIDE_H

#include "config/reader.h"

/* Sets the value of an override ("layers.0.filters=8") in the tree. Creates missing sections.
 * origin: where it is from, for messages. place: receives the place of the value. A value that is
 * not JSON is a string. */
CNN_MUST_USE cnn_status cnn_config_override(cJSON *root, const char *override, const char *origin,
                                            char place[CNN_CONFIG_PLACE_SIZE], cnn_error *error);

#endif
