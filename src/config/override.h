/* KEY=VALUE of the command line, put into the config's JSON before config/read.c reads it. */
#ifndef CNN_CONFIG_OVERRIDE_H
#define CNN_CONFIG_OVERRIDE_H

#include "config/reader.h"

/* Sets in the tree what override ("layers.0.filters=8") says, making sections that are missing;
 * place: where that is. A value that is no JSON is a string. */
CNN_MUST_USE cnn_status cnn_config_override(cJSON *root, const char *override,
                                            char place[CNN_CONFIG_PLACE_SIZE], cnn_error *error);

#endif
