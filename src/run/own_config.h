/* A run whose config is the config.json of its own directory. */
#ifndef CNN_RUN_OWN_CONFIG_H
#define CNN_RUN_OWN_CONFIG_H

#include "config/config.h"
#include "run/directory.h"

/* For a run that is about to start in the directory: CNN_ERROR_CONFIG if its config was read from
 * the directory's config.json, by any path, and the run would replace it by a different text. A
 * config.json that a run wrote, used without overrides, would not change, and is allowed, unless it
 * has train.minutes. */
CNN_MUST_USE cnn_status cnn_own_config_check(const cnn_run_directory *directory,
                                             const cnn_config *config, cnn_error *error);

#endif
