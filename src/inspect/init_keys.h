/* The KEY=VALUE arguments of --init: those that say which images there are, and those that only
 * replace a value of the config that is made. */
#ifndef CNN_INSPECT_INIT_KEYS_H
#define CNN_INSPECT_INIT_KEYS_H

#include "cnn/inspect.h"
#include "config/config.h"

/* Checks all of the arguments that can be checked before the layers are known. *chosen: a config
 * whose data.train is `path`, and whose other keys of `data` have the values of the arguments. Free
 * it with cnn_config_free. CNN_ERROR_CONFIG for a key that --init decides, with the option that
 * does. */
CNN_MUST_USE cnn_status cnn_init_keys_read(const char *path, const cnn_init_options *options,
                                           cnn_config **chosen, cnn_error *error);

/* Sets the values in the config that the recipe made, which is replaced. */
CNN_MUST_USE cnn_status cnn_init_keys_apply(const cnn_init_options *options, cnn_config **config,
                                            cnn_error *error);

#endif
